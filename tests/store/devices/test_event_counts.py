"""Readers that count what they tell: a jump in the count is a gap in the journal, stated once."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from app.database import PgTx
from devices.ingest import intake as intake_module
from devices.ingest.audit import audit
from devices.ingest.event_count_store import event_counts
from devices.ingest.intake import Intake
from devices.ingest.model import Received
from devices.ingest.spool import Spool
from devices.ingest.store import journal_after
from devices.messages import EnrolDevice
from devices.registry.handlers import enrol_device
from kernel.messages import DeviceStatus, Observation, TagRead, content_identity
from tests.conftest import START
from tests.store.devices.test_intake import WITHIN_S, Line, at_work

SITE = "site-a"


@pytest.fixture
async def line(as_caller, tx: PgTx, monkeypatch: pytest.MonkeyPatch) -> Line:
    """One reader is enrolled; waiting for the database is made short."""
    monkeypatch.setattr(intake_module, "DRAIN_RETRY_S", 0.02)
    async with as_caller("product") as product:
        await enrol_device(
            EnrolDevice(site_id=SITE, device_id="reader", family="zebra_json", secret="s" * 32), product
        )
    return Line(tx)


def event(number: int, rssi_cdbm: int = -5_700) -> Received:
    """The read that the reader counts as `number`, one a second."""
    at = START - timedelta(hours=1) + timedelta(seconds=number)
    boot, sequence = content_identity(at, str(number).encode())
    return Received(
        observation=Observation(
            device_id="reader",
            boot=boot,
            sequence=sequence,
            observed_at=at,
            reading=TagRead(epc_hex="AB", antenna=1, rssi_cdbm=rssi_cdbm, event_number=number),
        ),
        received_at=START,
    )


async def put(intake: Intake, *numbers: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        await (await intake.put(SITE, [event(number) for number in numbers]))


async def drained(spool: Spool) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not spool.is_empty:
            await asyncio.sleep(0.01)


async def journal(tx: PgTx) -> list[int | str]:
    """Event numbers, and gaps in words, in the order of the journal."""
    found: list[int | str] = []
    for envelope in await journal_after(tx, SITE, 0, 1_000):
        reading = envelope.observation.reading
        if isinstance(reading, DeviceStatus):
            found.append(reading.reason)
        elif isinstance(reading, TagRead):
            found.append(reading.event_number)
    return found


async def test_a_jump_in_a_readers_count_is_stated_once_before_the_read_that_shows_it(
    line: Line, tx: PgTx, tmp_path: Path
) -> None:
    async with at_work(line, tmp_path / "spool") as (intake, _):
        await put(intake, 1, 2)
        await put(intake, 5, 6)
        await put(intake, 1, 2, 5, 6)
        await put(intake, 7)
    assert await journal(tx) == [1, 2, "events 3 to 4 are missing", 5, 6, 7]
    [audited] = await audit(tx)
    assert (audited.entries, audited.findings) == (6, [])


async def test_a_gap_is_stated_across_a_restart_of_ours(line: Line, tx: PgTx, tmp_path: Path) -> None:
    async with at_work(line, tmp_path / "spool") as (intake, _):
        await put(intake, 1, 2)
    async with at_work(line, tmp_path / "spool") as (intake, _):
        await put(intake, 2, 4)
    assert await journal(tx) == [1, 2, "event 3 is missing", 4]


async def test_what_waits_in_the_spool_is_not_missing(line: Line, tx: PgTx, tmp_path: Path) -> None:
    """Live readings go ahead of it, and it is seen nevertheless that nothing is lost."""
    async with at_work(line, tmp_path / "spool") as (intake, spool):
        await put(intake, 1, 2)
        line.is_cut = True
        await put(intake, 3, 4)
        await put(intake, 7)
        line.is_cut = False
        await put(intake, 8)
        await drained(spool)
        await put(intake, 9)
    found = await journal(tx)
    assert [item for item in found if isinstance(item, str)] == ["events 5 to 6 are missing"]
    assert found.index("events 5 to 6 are missing") + 1 == found.index(7)
    assert sorted(item for item in found if isinstance(item, int)) == [1, 2, 3, 4, 7, 8, 9]
    assert (await event_counts(tx, ["reader"]))["reader"].number == 9


async def test_after_a_start_with_a_spool_the_count_begins_with_what_comes(
    line: Line, tx: PgTx, tmp_path: Path
) -> None:
    """The database is behind then, and what it holds would make gaps of readings that are only kept."""
    async with at_work(line, tmp_path / "spool") as (intake, _):
        await put(intake, 1)
        line.is_cut = True
        await put(intake, 2, 3)
    async with at_work(line, tmp_path / "spool") as (intake, spool):
        await put(intake, 5)
        await put(intake, 7)
        line.is_cut = False
        await drained(spool)
    found = await journal(tx)
    assert [item for item in found if isinstance(item, str)] == ["event 6 is missing"]
    assert [item for item in found if isinstance(item, int)] == [1, 2, 3, 5, 7]


async def test_a_read_that_was_set_aside_is_not_missing(line: Line, tx: PgTx, tmp_path: Path) -> None:
    refused = event(2, rssi_cdbm=9_999)
    async with at_work(line, tmp_path / "spool") as (intake, _):
        await put(intake, 1)
        async with asyncio.timeout(WITHIN_S):
            await (await intake.put(SITE, [refused]))
        await put(intake, 3)
    assert await journal(tx) == [1, 3]
