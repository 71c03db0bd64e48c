"""What a camera sees of a slot, beside the fork that put a pallet there."""

import pytest

from app.database import PgTx
from tests.store.twin.choreography import (
    CAMERA,
    FORKLIFT,
    LOT,
    SITE,
    SLOTS,
    Day,
    a_unit,
    announce,
    envelopes,
    open_site,
    receive,
    tags_of,
)
from twin import api as twin

UNITS = [a_unit(number) for number in range(2)]
FIRST, SECOND = (unit.unit_id for unit in UNITS)


@pytest.fixture
async def day(tx: PgTx) -> Day:
    """Two pallets were brought and stand in the first two slots."""
    await open_site(tx)
    await announce(tx, UNITS)
    day = Day()
    await receive(tx, day, UNITS)
    return day


async def modalities(tx: PgTx, unit_id: str) -> set[str]:
    row = await tx.row("SELECT modalities FROM twin.unit WHERE unit_id = %(id)s", {"id": unit_id})
    assert row is not None
    return set(row["modalities"])


async def test_a_slot_that_is_seen_taken_vouches_for_the_pallet_that_was_put_there(
    tx: PgTx, day: Day
) -> None:
    name = day.look([0], [3])
    await twin.apply(tx, envelopes(day.take()))
    assert await modalities(tx, FIRST) == {"tag", "mass", "position", "sight"}
    assert await modalities(tx, SECOND) == {"tag", "mass", "position"}
    detail = await twin.unit_detail(tx, SITE, FIRST)
    assert detail.state.modalities["sight"] == day.at
    row = await tx.row("SELECT evidence_ids FROM twin.unit WHERE unit_id = %(id)s", {"id": FIRST})
    assert row is not None
    assert row["evidence_ids"]["sight"] == name


async def test_a_later_sight_makes_it_younger_and_an_empty_slot_takes_it_back(tx: PgTx, day: Day) -> None:
    day.look([0, 1])
    day.wait(600)
    day.look([0], [1])
    await twin.apply(tx, envelopes(day.take()))
    assert "sight" in await modalities(tx, FIRST)
    assert "sight" not in await modalities(tx, SECOND)
    stock = await twin.verified_stock(tx, LOT)
    assert stock.unit_count_low == 2


async def test_a_slot_into_which_something_else_was_put_vouches_for_neither_by_name(
    tx: PgTx, day: Day
) -> None:
    day.put(tags_of(UNITS)[1], SLOTS[0].centre)
    day.look([0])
    await twin.apply(tx, envelopes(day.take()))
    assert "sight" not in await modalities(tx, FIRST)
    assert "sight" in await modalities(tx, SECOND)


async def test_a_pallet_that_is_lifted_is_no_longer_vouched_for(tx: PgTx, day: Day) -> None:
    day.look([0])
    day.lift(tags_of(UNITS)[0], SLOTS[0].centre)
    await twin.apply(tx, envelopes(day.take()))
    assert "sight" not in await modalities(tx, FIRST)


@pytest.mark.parametrize("not_accepted", [{CAMERA}, {FORKLIFT}])
async def test_a_camera_or_fork_that_nobody_else_accepted_vouches_for_nothing(
    tx: PgTx, not_accepted: set[str]
) -> None:
    await open_site(tx)
    await announce(tx, UNITS)
    day = Day()
    await receive(tx, day, UNITS)
    day.lift(tags_of(UNITS)[0], SLOTS[0].centre)
    day.put(tags_of(UNITS)[0], SLOTS[4].centre)
    day.look([4])
    await twin.apply(tx, envelopes(day.take(), not_accepted=not_accepted))
    assert "sight" not in await modalities(tx, FIRST)


async def test_a_camera_that_nobody_accepted_still_shows_that_a_slot_is_empty(tx: PgTx, day: Day) -> None:
    day.look([0])
    await twin.apply(tx, envelopes(day.take()))
    day.look([], [0])
    await twin.apply(tx, envelopes(day.take(), not_accepted={CAMERA}))
    assert "sight" not in await modalities(tx, FIRST)


async def test_the_audit_finds_the_same_from_the_start(tx: PgTx, day: Day) -> None:
    day.look([0, 1])
    await twin.apply(tx, envelopes(day.take()))
    [audited] = await twin.audit(tx)
    assert audited.findings == []
