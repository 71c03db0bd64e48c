"""How the start of the product comes along, told in words from the lines of its structured log."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORDS = {
    "starting": "the program is loaded",
    "postgres.initialising": "making an empty database …",
    "postgres.started": "starting PostgreSQL {major} …",
    "postgres.answers": "PostgreSQL is up",
    "migration.run": "migrations: {number} of {count}",
    "broker.started": "the broker is up ({broker})",
    "ready": "the web server is up",
}
"""By event of the log; its fields fill the words."""


class Progress:
    """Reads on in the log at each `look`. Of several lines of one event in a row the last one is told."""

    def __init__(self, log: Path, say: Callable[[str], None]) -> None:
        self._log, self._say = log, say
        self._read_bytes = log.stat().st_size if log.exists() else 0

    def look(self) -> None:
        """Say what the program has written since the last time; half a line waits for its end."""
        told = (line for line in self._new_lines() if line.get("event") in WORDS)
        for event, lines in itertools.groupby(told, key=lambda line: str(line["event"])):
            *_, last = lines
            self._say(f"  {WORDS[event].format_map(last)}")

    def _new_lines(self) -> list[dict[str, Any]]:
        if not self._log.exists():
            return []
        with self._log.open("rb") as file:
            file.seek(self._read_bytes)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read_bytes += len(whole) + len(newline)
        return [line for line in map(_line, whole.splitlines()) if line is not None]


def _line(text: bytes) -> dict[str, Any] | None:
    """A line of the log; None for what the interpreter or a child wrote there as it is."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
