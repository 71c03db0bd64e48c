"""The one shape in which benches, simulations and the demonstration write figures.

`{"name", "commit", "seed", "started_at", "environment", "checks": [...], "detail", "ok"}`; a check has a
stable dotted name, so that programs can compare figures over time. What was not run is listed, never counted.
`commit` ends in `-changed` where files of the checkout are not as they are in that commit.
"""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

UNKNOWN, CHANGED = "unknown", "-changed"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One figure against its bound. `ok` None means that it was not run, with the reason in `how`."""

    name: str
    value: float | None
    unit: str
    bound: str
    ok: bool | None
    how: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    commit: str
    seed: int
    started_at: datetime
    environment: dict[str, Any]
    checks: list[Check]
    detail: dict[str, Any]
    ok: bool | None
    """None where no check was run: nothing failed, and nothing was held to a bound."""


def make_report(
    name: str,
    *,
    seed: int,
    started_at: datetime,
    checks: Sequence[Check],
    detail: dict[str, Any],
    environment: dict[str, Any],
) -> Report:
    """A report; `ok` when every check that was run holds."""
    run = [check.ok for check in checks if check.ok is not None]
    return Report(
        name=name,
        commit=current_commit(),
        seed=seed,
        started_at=started_at,
        environment={**machine(), **environment},
        checks=list(checks),
        detail=detail,
        ok=all(run) if run else None,
    )


def write_report(report: Report, path: Path) -> None:
    """Write the report whole or not at all."""
    text = json.dumps(msgspec.to_builtins(report), ensure_ascii=False, indent=2) + "\n"
    beside = path.with_suffix(path.suffix + ".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def checks_text(checks: Sequence[Check]) -> str:
    """The figures as lines for people; what was not run says why."""
    return "\n".join(
        f"{check.name:<28}{'not run' if check.value is None else f'{check.value:g}':>12} {check.unit:<9}"
        f" {check.bound:<9}{check.how if check.ok is None else 'ok' if check.ok else 'BROKEN'}"
        for check in checks
    )


def was_overloaded(report: Report) -> bool:
    """Whether nothing but times missed their bounds, on a machine that had more to run than it has cores."""
    broken = [check.unit for check in report.checks if check.ok is False]
    load, cores = report.environment["load_1m"], report.environment["cores"]
    return bool(broken) and set(broken) <= {"s", "ms"} and load is not None and load > (cores or 1)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    load_1m = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"cores": os.cpu_count(), "load_1m": load_1m, "python": platform.python_version()}


def current_commit() -> str:
    """The commit of the checkout the program runs from, with the mark `-changed` where a file of it was;
    `unknown` in an installed wheel."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--exclude=*", "--abbrev=40", "--dirty=-changed"],  # noqa: S607
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return UNKNOWN
    return found.stdout.strip() or UNKNOWN


def is_certain(commit: str) -> bool:
    """Whether two programs of that commit are the same."""
    return commit != UNKNOWN and not commit.endswith(CHANGED)
