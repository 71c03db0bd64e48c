"""A program we look after: one we started, or one an earlier run of ours left behind."""

import asyncio
import contextlib
import fcntl
import os
import secrets
import socket
import subprocess
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals
from typing import IO

import psutil
import structlog

LOG_BYTES_MAX = 16 * 1024 * 1024
"""A child's log is moved aside to `<name>.1` at start when it has grown past this size."""

POLL_S = 0.05
"""How often a stop looks whether the process is gone."""

RESTART_PAUSE_S = (0.1, 0.5, 1.0, 2.0, 5.0, 5.0, 10.0, 10.0, 10.0, 10.0)
"""Pauses between starts of a child that keeps failing; after the last one the supervisor gives up."""

log = structlog.get_logger(__name__)


class ChildFailed(RuntimeError):
    """A child did not start, or kept dying; the message carries the last line of its log."""


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


class FolderLock:
    """A folder belongs to one program at a time; it is free again when that program ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def acquire(self) -> bool:
        """Take it when it is free; True when it is ours."""
        if self._file is None:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
            else:
                self._file = file
        return self.held

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


async def revive(what: str, start: Callable[[], Awaitable[None]], stopping: threading.Event) -> bool:
    """Call `start` until it works, pausing longer each time; False when a stop came in between.

    Raises ChildFailed after `len(RESTART_PAUSE_S)` failures.
    """
    for pause_s in RESTART_PAUSE_S:
        await asyncio.sleep(pause_s)
        if stopping.is_set():
            return False
        try:
            await start()
        except ChildFailed as failure:
            if stopping.is_set():
                return False
            log.error("restart_failed", what=what, reason=str(failure))
        else:
            return True
    raise ChildFailed(f"{what} failed {len(RESTART_PAUSE_S)} starts in a row")


def free_port(host: str, wanted: int = 0) -> int | None:
    """A port nobody listens on: `wanted` itself, any for 0, None when `wanted` is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def kept_port(note: Path, host: str = "127.0.0.1") -> int:
    """The port noted in a file, so that it stays over restarts; another, noted, when that one is taken."""
    wanted = int(note.read_text()) if note.exists() else 0
    port = free_port(host, wanted) or free_port(host)
    if port is None:
        raise ChildFailed(f"no free port on {host}")
    note.write_text(str(port))
    return port


def kept_secret(path: Path) -> str:
    """The random password in a file only its owner can read; made at the first call."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    return path.read_text()


def spawn(command: Sequence[str], log_path: Path, account: Account | None = None) -> Child:
    """Start `command` as a direct child with its output appended to `log_path`.

    The child gets a session of its own: Ctrl-C in a terminal reaches us, and we stop it in order.
    """
    with _log_file(log_path) as log:
        return _start(command, account, subprocess.DEVNULL, log)


def spawn_through(
    sieve: Sequence[str], command: Sequence[str], log_path: Path, account: Account | None = None
) -> tuple[Child, Child]:
    """As `spawn`, with the output passed through `sieve` first, which ends with the child. Returns both."""
    outlet, inlet = os.pipe()
    try:
        with _log_file(log_path) as log:
            passing = _start(sieve, account, outlet, log)
        return _start(command, account, subprocess.DEVNULL, inlet), passing
    finally:
        os.close(outlet)
        os.close(inlet)


def _log_file(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_suffix(path.suffix + ".1"))
    return path.open("ab")


def _start(command: Sequence[str], account: Account | None, stdin: int, output: int | IO[bytes]) -> Child:
    account = account or Account()
    return Child(
        subprocess.Popen(  # noqa: S603 - every word of the command is ours
            [*account.prefix, *command],
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.user_id,
            group=account.group_id,
            extra_groups=None if account.user_id is None else [],
        )
    )


def run_once(command: Sequence[str], account: Account | None = None, stdin_text: str = "") -> str:
    """Run `command` to its end and return its output; ChildFailed with the output when it fails."""
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
        raise ChildFailed(f"{Path(command[0]).name} ended with {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def last_line(path: Path, tail_bytes: int = 4096) -> str:
    """The last line of a log, empty when there is none."""
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - tail_bytes))
        lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
