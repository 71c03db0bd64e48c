"""kill -9 of the program, of the broker and of PostgreSQL in the middle of step 2.

Nothing that was acknowledged may be missing afterwards, and nothing may be done twice.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app.settings import Settings
from app.supervise.postgres import EmbeddedPostgres
from tests.e2e.conftest import Demo, start_demo, stop_demo

APPEARS_WITHIN_S = 60.0

# Readings of a device that are kept: stored in the journal, or set aside with a reason.
KEPT = """
    SELECT count(*) FROM generate_series(1, %(through)s) AS wanted (sequence)
    WHERE EXISTS (SELECT FROM devices.observation o
            WHERE o.device_id = %(device_id)s AND o.sequence = wanted.sequence)
        OR EXISTS (SELECT FROM devices.quarantine q
            WHERE q.device_id = %(device_id)s AND q.sequence = wanted.sequence)"""
STORED_TWICE = """
    SELECT count(*) FROM (
        SELECT FROM devices.observation GROUP BY device_id, boot, sequence HAVING count(*) > 1) AS twice"""
PUT_AWAY = """
    SELECT count(*) AS tasks, count(DISTINCT unit_id) AS units
    FROM wms.task WHERE kind = 'putaway' AND state = 'done'"""


async def kill(folder: Path, part: str) -> None:
    """kill -9 of the first process of this demonstration whose command line holds `part`."""
    async with asyncio.timeout(APPEARS_WITHIN_S):
        while True:
            for process in psutil.process_iter(["cmdline"]):
                line = " ".join(process.info["cmdline"] or [])
                if part in line and _belongs_to(process, folder):
                    process.send_signal(signal.SIGKILL)
                    return
            await asyncio.sleep(0.1)


def _belongs_to(process: psutil.Process, folder: Path) -> bool:
    try:
        return str(folder) in " ".join(process.cmdline()) or process.environ().get(
            "TALLYHOUSE_DATA_DIR", ""
        ).startswith(str(folder))
    except psutil.Error:
        return False


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    demo, reading = await start_demo(tmp_path, "--seed", "21", "--pace", "4")
    yield demo
    await stop_demo(demo, reading)


async def test_killing_program_broker_and_database_in_step_2_loses_and_doubles_nothing(
    demo: Demo, tmp_path: Path
) -> None:
    await demo.says("put away 1 of")
    await kill(tmp_path, "app.cli serve")
    await demo.says("put away 4 of")
    await kill(tmp_path, "mosquitto")
    await demo.says("put away 7 of")
    await kill(tmp_path, "postgres")
    report = await demo.report()
    steps = [check for check in report["checks"] if check["name"].startswith("demo.step")]
    assert len(steps) == 6
    assert all(check["ok"] for check in steps), report["detail"]["steps"]
    assert report["detail"]["restarts"] >= 1
    assert not [line for line in demo.lines if "Traceback" in line or "pymodbus" in line or "[error" in line]
    await _nothing_lost_or_doubled(tmp_path / "demo", report)


async def _nothing_lost_or_doubled(folder: Path, report: dict) -> None:
    server = EmbeddedPostgres(Settings(data_dir=folder).data_dir)
    owner_dsn = await server.start()
    try:
        async with await psycopg.AsyncConnection.connect(owner_dsn) as connection:
            for device_id, through in report["detail"]["acknowledged"].items():
                kept = await connection.execute(KEPT, {"device_id": device_id, "through": through})
                assert await kept.fetchone() == (through,), f"{device_id} lost acknowledged readings"
            assert await (await connection.execute(STORED_TWICE)).fetchone() == (0,)
            step = report["detail"]["steps"][1]["facts"]["units_put_away"]
            assert await (await connection.execute(PUT_AWAY)).fetchone() == (step, step)
    finally:
        await server.stop()
