"""A program we look after: one we started, or one an earlier run of ours left behind."""

import asyncio
import contextlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals

import psutil

LOG_BYTES_MAX = 16 * 1024 * 1024
"""A child's log is moved aside to `<name>.1` at start when it has grown past this size."""

POLL_S = 0.05
"""How often a stop looks whether the process is gone."""


@dataclass(frozen=True)
class Account:
    """Under whose name a child runs: a command put in front of it, and the user and group to change to.

    Both ids None means as we are.
    """

    prefix: tuple[str, ...] = ()
    user_id: int | None = None
    group_id: int | None = None


class Child:
    """One process. Works without an event loop, so that a test may start it in one and stop it in another."""

    def __init__(self, process: subprocess.Popen[bytes] | psutil.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def running(self) -> bool:
        """False once it ended. A zombie counts as ended, whoever its parent is."""
        if isinstance(self._process, subprocess.Popen):
            return self._process.poll() is None
        try:
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def send(self, number: Signals) -> None:
        """Send a signal; a process that is already gone is no error."""
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            self._process.send_signal(number)

    async def gone(self, within_s: float) -> bool:
        """Wait until it ended; False when it still runs after `within_s`."""
        deadline = asyncio.get_running_loop().time() + within_s
        while self.running():
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(POLL_S)
        return True

    async def stop(self, gently: Signals, within_s: float) -> bool:
        """Ask with `gently`, then insist with SIGKILL. True when asking was enough."""
        self.send(gently)
        if await self.gone(within_s):
            return True
        self.send(SIGKILL)
        await self.gone(within_s)
        return False


def spawn(command: Sequence[str], log_path: Path, account: Account | None = None) -> Child:
    """Start `command` as a direct child with its output appended to `log_path`.

    The child gets a session of its own: Ctrl-C in a terminal reaches us, and we stop it in order.
    """
    account = account or Account()
    if log_path.exists() and log_path.stat().st_size > LOG_BYTES_MAX:
        log_path.replace(log_path.with_suffix(log_path.suffix + ".1"))
    with log_path.open("ab") as log:
        return Child(
            subprocess.Popen(  # noqa: S603 - every word of the command is ours
                [*account.prefix, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=account.user_id,
                group=account.group_id,
                extra_groups=None if account.user_id is None else [],
            )
        )


def run_once(command: Sequence[str], account: Account | None = None, stdin_text: str = "") -> str:
    """Run `command` to its end and return its output; RuntimeError with the output when it fails."""
    account = account or Account()
    done = subprocess.run(  # noqa: S603 - every word of the command is ours
        [*account.prefix, *command],
        input=stdin_text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
        user=account.user_id,
        group=account.group_id,
        extra_groups=None if account.user_id is None else [],
    )
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} ended with {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def last_line(path: Path, tail_bytes: int = 4096) -> str:
    """The last line of a log, empty when there is none."""
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - tail_bytes))
        lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
