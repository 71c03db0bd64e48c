"""Where readings come in: a database that goes away, a spool that fills up, and nothing lost between."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.database import PgTx
from devices.ingest import intake as intake_module
from devices.ingest.audit import audit
from devices.ingest.event_count_store import event_counts
from devices.ingest.event_counts import Counts
from devices.ingest.handlers import Recorded, record
from devices.ingest.intake import BEHIND_MAX, PORTION_ITEMS, Intake
from devices.ingest.model import Received
from devices.ingest.spool import Spool
from devices.ingest.store import journal_after
from devices.messages import EnrolDevice
from devices.registry.handlers import enrol_device
from kernel.errors import Unavailable
from kernel.geometry import Point
from kernel.messages import AckedThrough, Observation, PositionReading, Rejected
from tests.conftest import START

SITE = "site-a"
WITHIN_S = 20.0
ROOM_BYTES = 1_000_000


class Line:
    """The way to the database, which can be cut."""

    def __init__(self, tx: PgTx) -> None:
        self.is_cut = self.is_silent = False
        self.refused = ""
        self.twin_behind = self.asked_behind = self.waiting = 0
        self.answer = asyncio.Event()
        self._tx = tx

    async def record(self, site_id: str, items: Sequence[Received | Rejected]) -> Recorded:
        self._use()
        if self.is_silent:
            self.waiting += 1
            await self.answer.wait()
            self.waiting -= 1
        for item in items:
            if isinstance(item, Received) and item.observation.observation_id == self.refused:
                raise ValueError("this one cannot be written")
        async with self._tx.savepoint():
            return await record(self._tx, site_id, items)

    async def last_counts(self, device_ids: Collection[str]) -> Counts:
        self._use()
        return await event_counts(self._tx, device_ids)

    async def behind(self, _: str) -> int:
        self._use()
        self.asked_behind += 1
        return self.twin_behind

    def _use(self) -> None:
        if self.is_cut:
            raise Unavailable("database.unavailable")


@pytest.fixture
async def line(as_caller, tx: PgTx, monkeypatch: pytest.MonkeyPatch) -> Line:
    """One forklift is enrolled; waiting for the database is made short."""
    monkeypatch.setattr(intake_module, "DRAIN_RETRY_S", 0.02)
    async with as_caller("product") as product:
        await enrol_device(
            EnrolDevice(site_id=SITE, device_id="fork", family="mqtt_position", secret="s" * 32), product
        )
    return Line(tx)


@asynccontextmanager
async def at_work(
    line: Line, path: Path, capacity_bytes: int = ROOM_BYTES
) -> AsyncIterator[tuple[Intake, Spool]]:
    spool = Spool(path, capacity_bytes)
    await spool.open()
    intake = Intake(line.record, line.last_counts, line.behind, spool)
    task = asyncio.create_task(intake.run())
    try:
        yield intake, spool
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await spool.close()


def a_position(sequence: int) -> Received:
    return Received(
        observation=Observation(
            device_id="fork",
            boot=1,
            sequence=sequence,
            observed_at=START - timedelta(milliseconds=10 * (10_000 - sequence)),
            reading=PositionReading(point=Point(float(sequence), 1.0)),
        ),
        received_at=START,
    )


async def put(intake: Intake, *sequences: int) -> AckedThrough | None:
    """Hand positions in and wait for their answer."""
    async with asyncio.timeout(WITHIN_S):
        acks = await (await intake.put(SITE, [a_position(sequence) for sequence in sequences]))
        return acks.get(("fork", 1))


async def until_drained(spool: Spool) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not spool.is_empty:
            await asyncio.sleep(0.01)


async def journal(tx: PgTx) -> list[int]:
    return [one.observation.sequence for one in await journal_after(tx, SITE, 0, 10_000)]


async def test_an_answer_comes_after_the_journal_has_it(line: Line, tx: PgTx, tmp_path: Path) -> None:
    async with at_work(line, tmp_path / "spool") as (intake, _):
        acks = await put(intake, 1, 2, 3)
        assert acks == AckedThrough(boot=1, sequence=3)
        assert await journal(tx) == [1, 2, 3]


async def test_while_the_database_is_away_readings_are_spooled_and_answered(
    line: Line, tx: PgTx, tmp_path: Path
) -> None:
    async with at_work(line, tmp_path / "spool") as (intake, spool):
        await put(intake, 1, 2)
        line.is_cut = True
        acks = await put(intake, 3, 4)
        assert acks == AckedThrough(boot=1, sequence=4)
        assert (spool.entry_count, await journal(tx)) == (2, [1, 2])
        line.is_cut = False
        await put(intake, 5)
        await until_drained(spool)
        assert await journal(tx) == [1, 2, 3, 4, 5]
        [audited] = await audit(tx)
        assert audited.findings == []


async def test_the_log_says_why_the_database_counts_as_away(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "RECORD_S_MAX", 0.05)
    reasons = []
    for line.is_cut, line.is_silent in ((True, False), (False, True)):
        with capture_logs() as logs:
            async with at_work(line, tmp_path / f"spool-{line.is_cut}") as (intake, _):
                await put(intake, 1)
        reasons += [entry["reason"] for entry in logs if entry["event"] == "database_away"]
    assert reasons == ["database.unavailable", "no answer within 0.05 s"]


async def test_readings_are_answered_while_a_silent_line_is_looked_after(line: Line, tmp_path: Path) -> None:
    line.is_cut = True
    async with at_work(line, tmp_path / "spool") as (intake, spool):
        await put(intake, 1)
        line.is_cut, line.is_silent = False, True
        async with asyncio.timeout(WITHIN_S):
            while line.waiting == 0:
                await asyncio.sleep(0.01)
        assert await put(intake, 2) == AckedThrough(boot=1, sequence=2)
        assert line.waiting == 1
        line.is_silent = False
        line.answer.set()
        await until_drained(spool)


async def test_what_an_edge_spooled_before_it_died_is_delivered_by_the_next(
    line: Line, tx: PgTx, tmp_path: Path
) -> None:
    line.is_cut = True
    async with at_work(line, tmp_path / "spool") as (intake, _):
        await put(intake, 1, 2, 3)
    line.is_cut = False
    async with at_work(line, tmp_path / "spool") as (_, spool):
        await until_drained(spool)
    assert await journal(tx) == [1, 2, 3]


async def test_an_edge_that_does_not_know_what_came_before_acknowledges_nothing_it_cannot_vouch_for(
    line: Line, tmp_path: Path
) -> None:
    line.is_cut = True
    async with at_work(line, tmp_path / "spool") as (intake, _):
        assert await put(intake, 41, 42) == AckedThrough(boot=1, sequence=0)


async def test_live_readings_go_ahead_of_what_was_kept_and_that_follows_in_its_order(
    line: Line, tx: PgTx, tmp_path: Path
) -> None:
    line.is_cut = True
    kept = list(range(1, 2 * PORTION_ITEMS + 2))
    async with at_work(line, tmp_path / "spool") as (intake, spool):
        await put(intake, *kept)
        line.is_cut = False
        async with asyncio.timeout(WITHIN_S):
            while spool.entry_count == len(kept):
                await asyncio.sleep(0)
        await put(intake, kept[-1] + 1)
        assert not spool.is_empty
        await until_drained(spool)
    stored = await journal(tx)
    assert stored[-1] != kept[-1] + 1
    assert [sequence for sequence in stored if sequence != kept[-1] + 1] == kept


async def test_kept_readings_wait_while_the_twin_is_behind_and_live_ones_do_not(
    line: Line, tx: PgTx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "GIVE_WAY_S_MAX", 10 * WITHIN_S)
    line.is_cut = True
    kept = list(range(1, 2 * PORTION_ITEMS + 2))
    async with at_work(line, tmp_path / "spool") as (intake, spool):
        await put(intake, *kept)
        line.is_cut, line.twin_behind = False, BEHIND_MAX + 1
        async with asyncio.timeout(WITHIN_S):
            while line.asked_behind < 3:
                await asyncio.sleep(0.01)
        await put(intake, kept[-1] + 1)
        assert await journal(tx) == [*kept[:PORTION_ITEMS], kept[-1] + 1]
        line.twin_behind = BEHIND_MAX
        await until_drained(spool)
    assert sorted(await journal(tx)) == [*kept, kept[-1] + 1]


async def test_kept_readings_go_on_where_nothing_folds(
    line: Line, tx: PgTx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "GIVE_WAY_S_MAX", 0.02)
    line.is_cut, line.twin_behind = True, BEHIND_MAX + 1
    kept = list(range(1, 2 * PORTION_ITEMS + 2))
    async with at_work(line, tmp_path / "spool") as (intake, spool):
        await put(intake, *kept)
        line.is_cut = False
        await until_drained(spool)
    assert await journal(tx) == kept


async def test_a_full_spool_refuses_drops_nothing_and_takes_again_when_there_is_room(
    line: Line, tx: PgTx, tmp_path: Path
) -> None:
    line.is_cut = True
    async with at_work(line, tmp_path / "spool", capacity_bytes=1_000) as (intake, spool):
        await put(intake, 1, 2)
        held = await intake.put(SITE, [a_position(sequence) for sequence in range(3, 9)])
        async with asyncio.timeout(WITHIN_S):
            while not intake.is_full:
                await asyncio.sleep(0.01)
        with pytest.raises(Unavailable, match=r"spool\.full"):
            await intake.put(SITE, [a_position(9)])
        assert spool.used_bytes <= 1_000
        assert not held.done()
        line.is_cut = False
        async with asyncio.timeout(WITHIN_S):
            assert (await held)["fork", 1] == AckedThrough(boot=1, sequence=8)
        await until_drained(spool)
        await put(intake, 9)
        assert await journal(tx) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


async def test_a_reading_that_cannot_be_written_goes_to_quarantine_alone(
    line: Line, tx: PgTx, tmp_path: Path
) -> None:
    line.refused = "fork:1:2"
    async with at_work(line, tmp_path / "spool") as (intake, _):
        acks = await put(intake, 1, 2, 3)
    assert acks == AckedThrough(boot=1, sequence=3)
    assert await journal(tx) == [1, 3]
    row = await tx.row("SELECT device_id, sequence, rule FROM devices.quarantine")
    assert row == {"device_id": "fork", "sequence": 2, "rule": "storable"}


async def test_the_spool_keeps_readings_and_rejections_as_they_were(tmp_path: Path) -> None:
    rejected = Rejected(device_id="fork", field="message", rule="x", raw=b"\x00\xff", received_at=START)
    items = [(SITE, a_position(1)), ("site-b", rejected)]
    spool = Spool(tmp_path / "deep" / "spool", ROOM_BYTES)
    await spool.open()
    await spool.append(items)
    await spool.close()
    await spool.open()
    assert [(entry.site_id, entry.item) for entry in await spool.oldest(10)] == items
    assert spool.entry_count == 2
    await spool.remove_through((await spool.oldest(1))[0].number)
    assert [entry.site_id for entry in await spool.oldest(10)] == ["site-b"]
    await spool.close()
