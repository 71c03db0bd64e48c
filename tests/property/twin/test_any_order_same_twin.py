"""Any order, duplication and batching of one set of observations gives the same twin."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.database import PgTx
from kernel.messages import BarrierState, MassReading, Observation
from kernel.rng import Rng
from tests.conftest import START
from tests.store.twin.choreography import (
    BRIDGE,
    GATE,
    INNER,
    OUTER,
    SITE,
    SLOTS,
    TARE_G,
    UNIT_MASS_G,
    Day,
    a_layout,
    a_unit,
    announce,
    envelopes,
    open_site,
    place,
    tags_of,
    truck_tag,
)
from twin import api as twin
from twin.derived import STATES
from twin.messages import ExpectedDeparture
from twin.presence import model

UNITS = [a_unit(number) for number in range(3)]
NOT_ACCEPTED = {f"{mount.mount_id}-2": mount for mount in a_layout().mounts if mount.serves in (GATE, BRIDGE)}
"""A second device on each mount of the gate's lane, which nobody accepted."""
NEVER_CAME = a_unit(3)
"""Announced with the others where nothing is released, so that mass and notice differ there."""


def a_day(*, is_released: bool) -> list[Observation]:
    """In with truck A, put away, A leaves; onto truck B; away for good when released, else back inside.

    Of what came back one slips out afterwards, and a forklift claims that it did not.
    """
    day = Day(START + timedelta(minutes=1))
    tags = tags_of(UNITS)
    day.drive_in(truck_tag(1), tags, TARE_G + 3 * UNIT_MASS_G)
    day.look([], [0, 1, 2])
    day.unload(tags)
    day.look([0, 1, 2], [3, 4])
    day.drive_to_barrier(truck_tag(1), [], TARE_G)
    day.pass_barrier()
    day.wait(120)
    day.look([0, 1], [2])
    day.put(tags[2], SLOTS[1].centre)
    day.look([0, 1], [2])
    day.drive_in(truck_tag(2), [], TARE_G)
    for tag, slot in zip(tags, SLOTS, strict=False):
        day.lift(tag, slot.centre)
    _gainsay(day, [truck_tag(2), *tags])
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 3 * UNIT_MASS_G)
    _gainsay(day, [truck_tag(2), *tags])
    if is_released:
        day.pass_barrier()
    else:
        day.turn_back(truck_tag(2), tags)
        day.unload(tags[:2])
        _slip_out(day, tags[0])
    return day.seen


def _gainsay(day: Day, tags: list[str]) -> None:
    """Devices that nobody accepted say otherwise: out and within again, nothing aboard, over the loop."""
    day.hear(tags[:2], OUTER, reader="reader-2")
    day.hear(tags, INNER, reader="reader-2")
    day.report("scale-2", MassReading(mass_g=TARE_G, weight_id=1))
    for loop in (False, True, False):
        day.report("barrier-2", BarrierState(is_open=True, is_closed=False, loop_occupied=loop))
        day.wait(1)


def _slip_out(day: Day, tag: str) -> None:
    """Out on something undeclared, under the open boom; then a forklift claims to set it down inside."""
    day.wait(700)
    day.hear([tag], INNER)
    day.wait(5)
    day.hear([tag], OUTER)
    day.pass_barrier()
    day.wait(60)
    day.put(tag, SLOTS[5].centre)


async def _state(tx: PgTx) -> dict[str, Any]:
    return {name: await tx.rows(sql) for name, sql in STATES.items()}


async def _fold(tx: PgTx, batches: list[list[Observation]], *, is_released: bool) -> dict[str, Any]:
    """The twin after the batches, undone afterwards."""
    found: dict[str, Any] = {}

    class Undo(Exception):
        pass

    try:
        async with tx.savepoint():
            await open_site(tx)
            for device_id, mount in NOT_ACCEPTED.items():
                await place(tx, device_id, mount)
            await announce(tx, UNITS if is_released else [*UNITS, NEVER_CAME])
            await twin.declare_vehicle(tx, "truck-b", SITE, truck_tag(2), "TRUCK-2")
            if is_released:
                await twin.expect_departure(tx, _release())
            for batch in batches:
                await twin.apply(tx, envelopes(batch, not_accepted=NOT_ACCEPTED))
            found = await _state(tx)
            [audited] = await twin.audit(tx)
            assert audited.findings == []
            raise Undo
    except Undo:
        return found


def _release() -> ExpectedDeparture:
    return ExpectedDeparture(
        release_id="release-1",
        site_id=SITE,
        gate_id=GATE,
        vehicle_id="truck-b",
        unit_ids=[unit.unit_id for unit in UNITS],
        valid_from=START,
        valid_until=START + timedelta(hours=2),
    )


def _shuffled(observations: list[Observation], seed: int, copies: int) -> list[Observation]:
    rng = Rng(seed).numpy
    doubled = [*observations, *(observations[index] for index in rng.integers(0, len(observations), copies))]
    return [doubled[index] for index in rng.permutation(len(doubled))]


def _jittered(observations: list[Observation], seed: int, reach: int) -> list[Observation]:
    """Nearly in order: each may come up to `reach` places early or late, as on a poor line."""
    rng = Rng(seed).numpy
    keys = [place + rng.uniform(-reach, reach) for place in range(len(observations))]
    return [
        observation for _, observation in sorted(zip(keys, observations, strict=True), key=lambda x: x[0])
    ]


def _batches(observations: list[Observation], size: int) -> list[list[Observation]]:
    return [observations[start : start + size] for start in range(0, len(observations), size)]


async def _same_as_in_order(
    tx: PgTx,
    observations: list[Observation],
    given_: list[Observation],
    size: int,
    *,
    is_released: bool,
    beyond_max: int,
) -> None:
    in_order = await _fold(tx, [observations], is_released=is_released)
    with pytest.MonkeyPatch.context() as patch:
        # So that tags are folded again from a base, which in a day this short they hardly would be.
        patch.setattr(model, "BEYOND_MAX", beyond_max)
        other = await _fold(tx, _batches(given_, size), is_released=is_released)
    for name in STATES:
        assert other[name] == in_order[name], name


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(10, 60),
    is_released=st.booleans(),
    beyond_max=st.integers(0, 16),
)
@example(seed=2224, size=10, is_released=False, beyond_max=8)
@example(seed=44039, size=10, is_released=False, beyond_max=0)
async def test_any_order_with_duplicates_in_any_batches_gives_the_twin_of_the_order_of_time(
    tx: PgTx, seed: int, size: int, is_released: bool, beyond_max: int
) -> None:
    observations = a_day(is_released=is_released)
    shuffled = _shuffled(observations, seed, copies=20)
    await _same_as_in_order(tx, observations, shuffled, size, is_released=is_released, beyond_max=beyond_max)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(1, 30),
    reach=st.integers(1, 40),
    is_released=st.booleans(),
    beyond_max=st.integers(0, 16),
)
async def test_a_line_that_brings_some_late_gives_the_twin_of_the_order_of_time(
    tx: PgTx, seed: int, size: int, reach: int, is_released: bool, beyond_max: int
) -> None:
    observations = a_day(is_released=is_released)
    jittered = _jittered(observations, seed, reach)
    await _same_as_in_order(tx, observations, jittered, size, is_released=is_released, beyond_max=beyond_max)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    ahead=st.integers(1, 5),
    size=st.integers(1, 40),
    is_released=st.booleans(),
    beyond_max=st.integers(0, 16),
)
async def test_what_was_kept_while_the_line_was_cut_comes_among_live_readings_and_gives_the_same_twin(
    tx: PgTx, cut: list[float], ahead: int, size: int, is_released: bool, beyond_max: int
) -> None:
    observations = a_day(is_released=is_released)
    first, last = (round(share * len(observations)) for share in cut)
    before, kept, live = observations[:first], observations[first:last], observations[last:]
    mixed = [*before]
    while kept or live:
        mixed, live = mixed + live[:ahead], live[ahead:]
        mixed, kept = mixed + kept[:size], kept[size:]
    await _same_as_in_order(
        tx, observations, mixed, size + ahead, is_released=is_released, beyond_max=beyond_max
    )
