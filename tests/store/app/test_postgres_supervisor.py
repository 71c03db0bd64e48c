"""The supervisor against real servers: killed, orphaned, shared, and run by different users."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app.supervise.account import namespaces_work
from app.supervise.postgres import EmbeddedPostgres

START_AND_DIE = """
import asyncio, os, sys
from pathlib import Path
from app.supervise.postgres import EmbeddedPostgres

async def main():
    await EmbeddedPostgres(Path(sys.argv[1]), durable=False).start()
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""

START_AND_STOP = """
import asyncio, os, sys
from pathlib import Path
from app.supervise.postgres import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
    await server.start()
    print(os.geteuid(), await server.healthy())
    await server.stop()

asyncio.run(main())
"""


def living(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    supervisor = EmbeddedPostgres(tmp_path / "data")
    await supervisor.start()
    watch = asyncio.create_task(supervisor.watch())
    try:
        yield supervisor
    finally:
        await supervisor.stop()
        await watch


async def value(dsn: str, sql: str) -> object:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        row = await (await connection.execute(sql.encode())).fetchone()
        return row[0] if row else None


async def test_a_killed_server_comes_back_with_every_committed_row(server: EmbeddedPostgres, until) -> None:
    async with await psycopg.AsyncConnection.connect(server.dsn, autocommit=True) as connection:
        await connection.execute("CREATE TABLE kept (n int)")
        await connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
    dsn, killed = server.dsn, server.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    await until(lambda: server.restart_count == 1)
    assert server.dsn == dsn
    assert server.pid != killed
    assert await value(dsn, "SELECT count(*) FROM kept") == 1000


async def test_a_server_whose_program_was_killed_is_adopted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    died = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", START_AND_DIE, str(data)], capture_output=True, check=False
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    left_pid = int((data / "postgres" / "cluster" / "postmaster.pid").read_text().splitlines()[0])
    supervisor = EmbeddedPostgres(data, durable=False)
    try:
        await supervisor.start()
        assert supervisor.pid == left_pid
        assert await supervisor.healthy()
    finally:
        await supervisor.stop()
    assert not living(left_pid)


async def test_a_pid_file_that_names_a_stranger_is_no_server(tmp_path: Path) -> None:
    supervisor = EmbeddedPostgres(tmp_path / "data", durable=False)
    await supervisor.start()
    pid_file = tmp_path / "data" / "postgres" / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    await supervisor.stop()
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        await supervisor.start()
        assert supervisor.pid != stranger.pid
        await supervisor.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_second_program_attaches_and_leaves_the_server_alone(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    second = EmbeddedPostgres(tmp_path / "data")
    assert await second.start() == server.dsn
    assert server.supervising
    assert not second.supervising
    await second.stop()
    assert await server.healthy()


async def test_the_port_stays_over_a_restart(server: EmbeddedPostgres) -> None:
    dsn = server.dsn
    await server.stop()
    assert not await server.healthy()
    assert await server.start() == dsn


async def test_nobody_signs_in_without_the_password(server: EmbeddedPostgres) -> None:
    wrong = psycopg.conninfo.make_conninfo(server.dsn, password="guessed")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        await value(wrong, "SELECT 1")


async def test_only_the_owner_can_read_the_password_and_no_parent_folder_is_opened(tmp_path: Path) -> None:
    parent = tmp_path / "closed"
    parent.mkdir(mode=0o700)
    supervisor = EmbeddedPostgres(parent / "data", durable=False)
    await supervisor.start()
    await supervisor.stop()
    assert parent.stat().st_mode & 0o777 == 0o700
    assert (parent / "data" / "postgres" / "password").stat().st_mode & 0o777 == 0o600


async def test_an_ordinary_user_needs_no_help(tmp_path: Path) -> None:
    command = [sys.executable, "-c", START_AND_STOP, str(tmp_path / "data")]
    if os.geteuid() == 0:
        if shutil.which("unshare") is None or not namespaces_work():
            pytest.skip("root without user namespaces cannot become an ordinary user here")
        command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--", *command]
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False, text=True)
    assert ran.returncode == 0, ran.stderr
    user_id, healthy = ran.stdout.split()[-2:]
    assert user_id != "0"
    assert healthy == "True"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
async def test_root_without_user_namespaces_hands_the_server_to_another_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not under the test's own folder, which is closed to other users.
    home = Path(tempfile.mkdtemp(dir="/var/tmp"))
    home.chmod(0o755)
    monkeypatch.setattr("app.supervise.account.namespaces_work", lambda: False)
    monkeypatch.setattr("app.supervise.account.SYSTEM_ACCOUNT", "nobody")
    monkeypatch.setattr("app.supervise.account.SYSTEM_HOME", home)
    supervisor = EmbeddedPostgres(tmp_path / "data", durable=False)
    try:
        dsn = await supervisor.start()
        assert supervisor.pid is not None
        assert psutil.Process(supervisor.pid).username() == "nobody"
        assert await value(dsn, "SELECT 1") == 1
        assert sorted(path.name for path in home.rglob("password")) == [], "no copy of the password is left"
        await supervisor.stop()
        assert await supervisor.start() == dsn
    finally:
        await supervisor.stop()
        shutil.rmtree(home)


async def test_fsync_is_on_unless_a_test_turns_it_off(tmp_path: Path) -> None:
    supervisor = EmbeddedPostgres(tmp_path / "data")
    try:
        dsn = await supervisor.start()
        assert await value(dsn, "SHOW fsync") == "on"
        assert await value(dsn, "SHOW synchronous_commit") == "on"
        assert await value(dsn, "SHOW full_page_writes") == "on"
    finally:
        await supervisor.stop()
