"""The world: the same seed gives the same world, and it keeps its own laws."""

from pathlib import Path

import msgspec
import pytest

from kernel.layout import Layout, all_slots
from kernel.rng import Rng
from simulators.world import actions
from simulators.world.sensing import INNER, bridge_mass_g, loop_occupied, trucks_within
from simulators.world.state import LoadChanged, TagHeard, World
from simulators.world.step import step

DEMO = Path("simulators/scenarios/demo")
LAYOUT = msgspec.json.decode((DEMO / "layout.json").read_bytes(), type=Layout)
SCENARIO = actions.read_scenario((DEMO / "world.toml").read_text())


def a_world_with_a_loaded_truck(seed: int) -> tuple[World, Rng]:
    rng = Rng(seed)
    world = actions.build_world(SCENARIO, {})
    world = actions.enter_truck(world, SCENARIO, "truck-a", 1, rng)
    pallets = [actions.make_pallet(SCENARIO, number, "on:truck-a", rng) for number in range(6)]
    world = actions.add_pallets(world, pallets)
    return actions.drive_truck(world, "truck-a", "bridge", 1, rng), rng


def run(world: World, rng: Rng, seconds: float) -> tuple[World, list[object]]:
    happened: list[object] = []
    for _ in range(round(seconds / 0.1)):
        world = step(world, 0.1, rng)
        happened += world.happenings
    return world, happened


def test_the_same_seed_gives_the_same_world_and_the_same_happenings() -> None:
    first = run(*a_world_with_a_loaded_truck(3), 40.0)
    assert first == run(*a_world_with_a_loaded_truck(3), 40.0)
    assert first != run(*a_world_with_a_loaded_truck(4), 40.0)


def test_a_step_leaves_the_world_it_was_given_alone() -> None:
    world, rng = a_world_with_a_loaded_truck(3)
    before = msgspec.json.encode(world)
    step(world, 0.1, rng)
    assert msgspec.json.encode(world) == before


def test_a_truck_waits_before_a_shut_barrier_and_only_the_outer_antenna_hears_it() -> None:
    world, rng = a_world_with_a_loaded_truck(3)
    world, happened = run(world, rng, 30.0)
    assert world.movers["truck-a"].point.x_m < world.lane.barrier_x_m
    assert {item.antenna for item in happened if isinstance(item, TagHeard)} == {1}


def passage_of_the_inner_antenna(pace: float) -> tuple[float, int]:
    """Seconds of the devices' clocks that a truck is in the inner field, and how often it is tried."""
    rng, sensing = Rng(5), msgspec.structs.replace(SCENARIO.sensing, portal_read_per_attempt=1.0)
    world = msgspec.structs.replace(actions.build_world(SCENARIO, {}, pace), sensing=sensing)
    world = actions.enter_truck(world, SCENARIO, "truck-a", 1, rng)
    world = actions.drive_truck(world, "truck-a", "dock", 1, rng)
    world = msgspec.structs.replace(world, barrier_open=True)
    steps = heard = 0
    while world.movers["truck-a"].path:
        world = step(world, 0.1, rng)
        steps += bool(trucks_within(world, world.lane.inner_field_m))
        heard += sum(isinstance(item, TagHeard) and item.antenna == INNER for item in world.happenings)
    return steps * 0.1 / pace, heard


@pytest.mark.parametrize("pace", [4.0, 20.0])
def test_at_any_pace_a_truck_takes_as_long_past_an_antenna_and_is_tried_as_often(pace: float) -> None:
    seconds, tries = passage_of_the_inner_antenna(1.0)
    assert passage_of_the_inner_antenna(pace) == (
        pytest.approx(seconds, abs=0.2),
        pytest.approx(tries, abs=1),
    )
    assert tries == pytest.approx(7, abs=1), "seven metres at four a second, four tries a second"


def test_a_truck_stays_at_its_dock_for_a_while_however_soon_it_is_sent_on() -> None:
    world, rng = a_world_with_a_loaded_truck(3)
    world = msgspec.structs.replace(world, barrier_open=True)
    world, _ = run(actions.drive_truck(world, "truck-a", "dock", 1, rng), rng, 60.0)
    dock = world.movers["truck-a"].point
    world, _ = run(actions.drive_truck(world, "truck-a", "bridge", 1, rng), rng, 0.5)
    assert world.movers["truck-a"].point != dock, "it has stood there long enough"
    world, rng = a_world_with_a_loaded_truck(3)
    world = actions.drive_truck(msgspec.structs.replace(world, barrier_open=True), "truck-a", "dock", 1, rng)
    while world.movers["truck-a"].path:
        world = step(world, 0.1, rng)
    world = actions.drive_truck(world, "truck-a", "bridge", 1, rng)
    world, _ = run(world, rng, SCENARIO.truck["dock_s"] - 0.5)
    assert world.movers["truck-a"].point == dock
    world, _ = run(world, rng, 1.0)
    assert world.movers["truck-a"].point != dock


def test_the_weighbridge_carries_truck_and_pallets() -> None:
    world, rng = a_world_with_a_loaded_truck(3)
    world, _ = run(msgspec.structs.replace(world, barrier_open=True), rng, 30.0)
    truck = world.movers["truck-a"]
    assert bridge_mass_g(world) == truck.tare_g + sum(pallet.mass_g for pallet in world.pallets.values())
    assert not loop_occupied(world)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_forklifts_carry_every_pallet_to_its_slot_and_lose_none(seed: int) -> None:
    world, rng = a_world_with_a_loaded_truck(seed)
    world, _ = run(msgspec.structs.replace(world, barrier_open=True), rng, 20.0)
    world, _ = run(actions.drive_truck(world, "truck-a", "dock", 1, rng), rng, 30.0)
    slots = all_slots(LAYOUT)[: len(world.pallets)]
    jobs = [actions.store_job(sscc, LAYOUT, slot, 1) for sscc, slot in zip(world.pallets, slots, strict=True)]
    world, happened = run(actions.give_jobs(world, jobs), rng, 300.0)
    assert {pallet.place for pallet in world.pallets.values()} == {f"slot:{slot.slot_id}" for slot in slots}
    changes = [item for item in happened if isinstance(item, LoadChanged)]
    assert [item.action for item in changes].count("set_down") == len(slots)


def test_forklifts_without_work_stand_at_homes_of_their_own_and_leave_them_for_work_at_once() -> None:
    world, rng = a_world_with_a_loaded_truck(1)
    slots = all_slots(LAYOUT)
    wanted = zip(list(world.pallets)[:3], slots[:3], strict=True)
    first, second, third = [actions.store_job(sscc, LAYOUT, slot, 1) for sscc, slot in wanted]
    world = actions.give_jobs(world, [first, second])
    world, happened = run(world, rng, 300.0)
    assert sum(isinstance(item, LoadChanged) for item in happened) == 4
    forklifts = [mover for mover in world.movers.values() if mover.kind == "forklift"]
    assert [fork.point for fork in forklifts] == [fork.home for fork in forklifts]
    assert len({fork.point for fork in forklifts}) == len(forklifts)
    assert not any(fork.moving for fork in forklifts)
    away = msgspec.structs.replace(forklifts[0], path=(slots[-1].centre,))
    world = msgspec.structs.replace(world, movers={**world.movers, away.mover_id: away})
    world = actions.give_jobs(world, [third])
    assert step(world, 0.1, rng).movers[away.mover_id].phase == "to_pick"
