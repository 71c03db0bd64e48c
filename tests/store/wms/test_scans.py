"""Scan batches: kept, judged in order, answered the same when they come again."""

from datetime import timedelta

import pytest

from app.database import PgTx
from kernel.errors import Conflict
from tests.store.wms.building import KEEPER, SITE, Warehouse, sscc
from wms.messages import ClaimTask, RecordScans, ReleaseTask, Scan
from wms.tasks.views import task_list


async def a_floor_pallet(warehouse: Warehouse) -> str:
    """One pallet on the receiving floor; the slot that its task names."""
    delivery = await warehouse.announce(1)
    await warehouse.hear(warehouse.crossed(delivery.unit_ids[0]))
    return str(await warehouse.tx.value("SELECT to_bin FROM wms.task"))


async def test_the_same_batch_again_gets_the_same_answers_and_does_nothing(
    warehouse: Warehouse, tx: PgTx, as_caller
) -> None:
    slot = await a_floor_pallet(warehouse)
    batch = [
        Scan(sequence=1, observed_at=tx.now, code=sscc(5001), place_code="Z00-00-0"),
        Scan(sequence=2, observed_at=tx.now, code=sscc(5001), place_code=slot),
        Scan(sequence=3, observed_at=tx.now, code="4006381333931"),
    ]
    first = await warehouse.scan_batch(batch)
    assert [answer.outcome for answer in first] == ["refused", "done", "refused"]
    assert await warehouse.scan_batch(batch) == first
    async with as_caller(KEEPER, "picker", person_id="picker-b") as colleague:
        assert await warehouse.scan_batch(batch[1:], tx=colleague) == first[1:]
    assert await tx.value("SELECT count(*) FROM wms.stock_move WHERE cause = 'putaway'") == 1
    assert await tx.value("SELECT count(*) FROM devices.observation") == 3


async def test_a_batch_that_overlaps_an_earlier_one_does_only_what_is_new(
    warehouse: Warehouse, tx: PgTx
) -> None:
    slot = await a_floor_pallet(warehouse)
    one = Scan(sequence=1, observed_at=tx.now, code=sscc(5001), place_code="Z00-00-0")
    two = Scan(sequence=2, observed_at=tx.now, code=sscc(5001), place_code=slot)
    await warehouse.scan_batch([one])
    answers = await warehouse.scan_batch([one, two])
    assert [answer.outcome for answer in answers] == ["refused", "done"]


async def test_a_scan_from_the_future_confirms_nothing(warehouse: Warehouse, tx: PgTx) -> None:
    slot = await a_floor_pallet(warehouse)
    late = Scan(sequence=1, observed_at=tx.now + timedelta(hours=2), code=sscc(5001), place_code=slot)
    (answer,) = await warehouse.scan_batch([late])
    assert (answer.outcome, answer.key, answer.facts["field"]) == (
        "refused",
        "scan.not_recorded",
        "observed_at",
    )
    assert await tx.value("SELECT state FROM wms.task") == "open"


async def test_another_scan_under_a_used_number_is_refused_and_the_first_stays(
    warehouse: Warehouse, tx: PgTx
) -> None:
    slot = await a_floor_pallet(warehouse)
    await warehouse.scan_batch([Scan(sequence=1, observed_at=tx.now, code="4006381333931")])
    other = Scan(sequence=1, observed_at=tx.now, code=sscc(5001), place_code=slot)
    (answer,) = await warehouse.scan_batch([other])
    assert (answer.outcome, answer.key) == ("refused", "scan.not_recorded")
    assert await tx.value("SELECT state FROM wms.task") == "open"
    assert await tx.value("SELECT code FROM wms.scan") == "4006381333931"


async def test_acknowledged_is_through_where_nothing_is_missing(warehouse: Warehouse, tx: PgTx) -> None:
    scans = tuple(Scan(sequence=number, observed_at=tx.now, code="x") for number in (1, 2, 4))
    recorded = await warehouse.do(RecordScans(site_id=SITE, device_id="pda-1", boot=7, scans=scans))
    assert (recorded.acked_boot, recorded.acked_sequence) == (7, 2)
    assert len(recorded.results) == 3


async def test_one_person_has_a_task_until_it_is_given_back_or_old(
    warehouse: Warehouse, tx: PgTx, as_caller, clock
) -> None:
    await a_floor_pallet(warehouse)
    task_id = await tx.value("SELECT task_id FROM wms.task")
    await warehouse.do(ClaimTask(task_id=task_id))
    with pytest.raises(Conflict) as refused:
        async with as_caller(KEEPER, "picker", person_id="picker-b") as colleague:
            await warehouse.do(ClaimTask(task_id=task_id), colleague)
    assert refused.value.facts["claimed_by"] == "person-test"
    with pytest.raises(Conflict, match=r"tasks\.not_yours"):
        async with as_caller(KEEPER, "picker", person_id="picker-b") as colleague:
            await warehouse.do(ReleaseTask(task_id=task_id), colleague)
    clock.advance(1800)
    async with as_caller(KEEPER, "picker", person_id="picker-b") as colleague:
        await warehouse.do(ClaimTask(task_id=task_id), colleague)
        await warehouse.do(ReleaseTask(task_id=task_id), colleague)
    assert [task.state for task in await task_list(tx, SITE, "open", None, 10)] == ["open"]


async def test_an_ended_task_is_neither_claimed_nor_listed_as_open(warehouse: Warehouse, tx: PgTx) -> None:
    slot = await a_floor_pallet(warehouse)
    await warehouse.scan((sscc(5001), slot))
    task_id = await tx.value("SELECT task_id FROM wms.task")
    with pytest.raises(Conflict, match=r"tasks\.not_open"):
        await warehouse.do(ClaimTask(task_id=task_id))
    assert await task_list(tx, SITE, "open", None, 10) == []
    assert [task.task_id for task in await task_list(tx, SITE, "done", None, 10)] == [task_id]
