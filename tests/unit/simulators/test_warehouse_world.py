"""The truth of the warehouse: kept by every step, the same for a seed, and as kind as its file says."""

import itertools
from importlib.resources import files
from typing import Any

import msgspec
import numpy as np
import pytest

from kernel.rng import Rng
from simulators.world.luck import base_logit, shock_sd
from simulators.world.warehouse.build import DAY_S, build_warehouse
from simulators.world.warehouse.parameters import Parameters, read_parameters
from simulators.world.warehouse.people import misplaced_share
from simulators.world.warehouse.places import DOCK_Y_M, layout_of, places_of
from simulators.world.warehouse.seeing import (
    beacons_heard,
    load_read,
    misread,
    overhead_reads,
    pass_reads,
    portal_reads,
    weighing_g,
)
from simulators.world.warehouse.state import (
    GONE,
    Felt,
    LoadChanged,
    Moved,
    PortalRead,
    Scanned,
    TagsRead,
    Tracked,
    Warehouse,
    Weighed,
)
from simulators.world.warehouse.step import step
from simulators.world.warehouse.working import Working
from twin.layout.model import violations

REFERENCE = (files("simulators.scenarios") / "reference_warehouse.toml").read_text(encoding="utf-8")
SMALL = {
    "site": {"aisles": 2, "columns": 20, "lots": 6, "length_m": 25.0, "width_m": 14.0},
    "flow": {"pallets_in": 20, "pallets_out": 20, "relocations": 4, "pallets_a_truck": 10},
    "devices": {"forklifts": 2, "handhelds": 2, "cameras": 2, "portals": 2},
}


@pytest.fixture(scope="module")
def parameters() -> Parameters:
    return read_parameters(REFERENCE, SMALL)


def a_day(parameters: Parameters, seed: int = 3, dt_s: float = 60.0) -> tuple[Warehouse, list[Any]]:
    rng = Rng(seed)
    world, seen = build_warehouse(parameters, rng.child("world")), []
    while world.time_s < DAY_S:
        world = step(world, dt_s, rng.child("steps"))
        seen += world.seen
    return world, seen


def test_a_misspelt_parameter_is_refused() -> None:
    with pytest.raises(ValueError, match="forklfits"):
        read_parameters(REFERENCE, {"devices": {"forklfits": 3}})


def test_the_layout_keeps_the_rules_of_layouts(parameters: Parameters) -> None:
    assert violations(layout_of(parameters)) == []
    assert violations(layout_of(read_parameters(REFERENCE))) == []


def test_the_reference_warehouse_has_ten_thousand_places_filled_as_its_file_says() -> None:
    parameters = read_parameters(REFERENCE)
    world = build_warehouse(parameters, Rng(1))
    assert places_of(parameters).count == 10_000
    assert int((world.pallet_at >= 0).sum()) == 8_500


def test_a_place_holds_one_pallet_and_each_pallet_is_where_the_place_says(parameters: Parameters) -> None:
    world, _ = a_day(parameters)
    taken = np.flatnonzero(world.pallet_at >= 0)
    assert (world.pallets.place[world.pallet_at[taken]] == taken).all()
    stored = world.pallets.place[world.pallets.place >= 0]
    assert len(set(stored.tolist())) == len(stored) == len(taken)


def test_what_came_in_is_stored_and_what_was_released_has_left(parameters: Parameters) -> None:
    before = build_warehouse(parameters, Rng(3).child("world")).pallets.count
    world, _ = a_day(parameters)
    assert (world.pallets.place[before : before + 20] >= 0).all()
    assert int((world.pallets.place == GONE).sum()) == 20


def test_the_same_seed_gives_the_same_day_and_another_seed_another(parameters: Parameters) -> None:
    (one, seen), (same, seen_again), (other, _) = a_day(parameters), a_day(parameters), a_day(parameters, 4)
    assert (one.pallets.place == same.pallets.place).all()
    assert [type(item) for item in seen] == [type(item) for item in seen_again]
    reads = [item for item in seen if isinstance(item, TagsRead)]
    reads_again = [item for item in seen_again if isinstance(item, TagsRead)]
    assert all(
        (a.at_s == b.at_s).all() and (a.pallets == b.pallets).all()
        for a, b in zip(reads, reads_again, strict=True)
    )
    assert not np.array_equal(one.pallet_at, other.pallet_at)


def test_a_step_leaves_the_world_it_was_given_as_it_was(parameters: Parameters) -> None:
    rng = Rng(3)
    world = build_warehouse(parameters, rng)
    for _ in range(9 * 60):
        kept = world.pallet_at.copy(), world.pallets.place.copy(), world.shown.copy()
        after = step(world, 60.0, rng)
        assert (world.pallet_at == kept[0]).all()
        assert (world.pallets.place == kept[1]).all()
        assert (world.shown == kept[2]).all()
        world = after


def test_every_pallet_that_comes_in_is_weighed_and_crosses_a_portal_inwards(parameters: Parameters) -> None:
    _, seen = a_day(parameters)
    weighed = [item.pallet for item in seen if isinstance(item, Weighed) and item.pallet >= 0]
    assert len(weighed) == len(set(weighed)) == 20
    crossed = [item for item in seen if isinstance(item, PortalRead)]
    assert sorted(item.pallet for item in crossed if item.direction == "in") == sorted(weighed)
    assert {1, 2} == {antenna for item in crossed for antenna in item.antenna.tolist()}


def test_some_putaways_are_confirmed_at_the_wrong_place(parameters: Parameters) -> None:
    careless = read_parameters(REFERENCE, {**SMALL, "flow": {**SMALL["flow"], "misplaced_day": 0.5}})
    world, seen = a_day(careless)
    places = [(item.pallet, item.place) for item in seen if isinstance(item, Scanned)]
    wrong = [pallet for pallet, place in places if int(world.pallets.place[pallet]) not in (place, GONE)]
    assert wrong


@pytest.mark.parametrize("rate", [0.05, 0.325, 0.65, 0.95])
def test_the_base_gives_the_stated_rate_on_average_over_luck(rate: float) -> None:
    draw = Rng(1).numpy
    luck = draw.normal(0, 1.7, 200_000)
    mean = float((1 / (1 + np.exp(-(base_logit(rate, 1.7) + luck)))).mean())
    assert mean == pytest.approx(rate, abs=0.005)


def test_passes_read_as_often_as_the_file_says_and_neighbours_share_their_luck() -> None:
    parameters = read_parameters(REFERENCE, {"reader": {"never_read_share": 0.0}})
    world = build_warehouse(parameters, Rng(5))
    places, draw = places_of(parameters), Rng(6).numpy
    stored = world.pallet_at[world.pallet_at >= 0]
    hits = np.mean(
        [pass_reads(parameters, world.pallets, stored, places, turn % 6, draw) for turn in range(24)],
        axis=0,
    )
    top = places.level[world.pallets.place[stored]] == 3
    assert hits[~top].mean() == pytest.approx(0.65, abs=0.02)
    assert hits[top].mean() == pytest.approx(0.325, abs=0.02)
    assert shock_sd(0.2, 1.0) > 0.9


def test_a_fork_hears_the_tag_of_its_load_as_often_as_in_passing_and_a_dead_one_never() -> None:
    parameters = read_parameters(REFERENCE)
    world, draw = build_warehouse(parameters, Rng(5)), Rng(7).numpy
    pallets, reader = world.pallets, parameters.reader
    for material, factor in enumerate(reader.pass_material):
        chosen = np.flatnonzero((pallets.material == material) & ~pallets.never_read)
        heard = [load_read(parameters, pallets, int(pallet), 1, draw) for pallet in chosen]
        assert np.mean(heard) == pytest.approx(reader.pass_read * factor, abs=0.04)
    pallets.is_dead[:100] = True
    silent = [*range(100), *np.flatnonzero(pallets.never_read)]
    assert not any(load_read(parameters, pallets, int(pallet), 1, draw) for pallet in silent)


def test_a_tag_that_a_fork_hears_badly_is_heard_badly_by_it_again() -> None:
    parameters = read_parameters(REFERENCE, {"reader": {"never_read_share": 0.0}})
    world, draw = build_warehouse(parameters, Rng(5)), Rng(7).numpy
    rates = [
        np.mean([load_read(parameters, world.pallets, pallet, 0, draw) for _ in range(40)])
        for pallet in range(300)
    ]
    # Independent draws at 0.65 would spread by 0.075.
    assert np.std(rates) > 0.15


def test_a_truck_names_its_load_only_where_the_reader_on_its_fork_heard_it(parameters: Parameters) -> None:
    _, seen = a_day(parameters)
    changes = [item for item in seen if isinstance(item, LoadChanged)]
    unnamed = np.mean([item.pallet == -1 for item in changes])
    assert 0.1 < unnamed < 0.6
    for forklift in range(2):
        own = [item for item in changes if item.forklift == forklift]
        assert [item.action for item in own] == ["picked_up", "set_down"] * (len(own) // 2)
        carries = [(up, down) for up, down in itertools.pairwise(own) if up.action == "picked_up"]
        moved = [item for item in seen if isinstance(item, Moved) and item.forklift == forklift]
        at_s, load = (np.concatenate([getattr(item, name) for item in moved]) for name in ("at_s", "load"))
        for up, down in carries:
            assert up.pallet == down.pallet
            between = load[(at_s > up.at_s) & (at_s <= down.at_s)]
            assert set(between.tolist()) == {up.pallet}
        assert {int(each) for each in load} == {-1} | {up.pallet for up, _ in carries}


def test_a_fork_whose_reader_is_off_names_nothing() -> None:
    parameters = read_parameters(REFERENCE, SMALL)
    rng, seen = Rng(3), []
    off = {f"fork-reader-{number}": ((0.0, DAY_S, "off"),) for number in (1, 2)}
    world = msgspec.structs.replace(build_warehouse(parameters, rng.child("world")), blind=off)
    while world.time_s < 12 * 3_600:
        world = step(world, 60.0, rng.child("steps"))
        seen += world.seen
    changes = [item for item in seen if isinstance(item, LoadChanged)]
    assert changes
    assert {item.pallet for item in changes} == {-1}


def test_a_set_down_is_told_at_the_median_of_fixes_that_were_told_and_about_as_high_as_it_is() -> None:
    flow = {**SMALL["flow"], "relocations": 500, "misplaced_day": 0.0, "misplaced_night": 0.0}
    parameters = read_parameters(REFERENCE, {**SMALL, "flow": flow})
    places = places_of(parameters)
    _, seen = a_day(parameters)
    moved = [item for item in seen if isinstance(item, Moved)]
    downs = [item for item in seen if isinstance(item, LoadChanged) and item.y_m > DOCK_Y_M + 1.5]
    of = {
        number: [
            np.concatenate([getattr(item, name) for item in moved if item.forklift == number])
            for name in ("at_s", "x_m", "y_m")
        ]
        for number in (0, 1)
    }
    off_m, lift_m = [], []
    for down in downs:
        at_s, _, y_m = of[down.forklift]
        last = y_m[at_s <= down.at_s][-5:]
        # Before a rack a truck stands level with the column that its fork reaches into.
        assert down.y_m == pytest.approx(np.median(last), abs=1e-9)
        off_m.append(np.min(np.abs(places.column_y_m - down.y_m)))
        lift_m.append(np.min(np.abs(np.unique(places.z_m) - down.z_m)))
    assert len(downs) > 300
    # A fix errs by 0.23 m an axis, one in ten by metres: the median of five is not 0.10.
    assert np.percentile(off_m, 95) > 0.22
    assert 0.05 < np.median(lift_m) < 0.10


def test_a_portal_hears_a_tag_in_a_crossing_as_often_as_its_goods_allow() -> None:
    parameters = read_parameters(REFERENCE)
    world, draw = build_warehouse(parameters, Rng(5)), Rng(7).numpy
    for material, rate in enumerate(parameters.reader.portal_read):
        chosen = np.flatnonzero((world.pallets.material == material) & (world.pallets.portal_factor == 1.0))
        heard = [portal_reads(parameters, world.pallets, int(pallet), 1, draw) > 0 for pallet in chosen]
        assert np.mean(heard) == pytest.approx(rate, abs=0.03)


def test_a_tag_that_a_portal_hears_badly_is_heard_badly_by_it_again() -> None:
    parameters = read_parameters(REFERENCE)
    world, draw = build_warehouse(parameters, Rng(5)), Rng(7).numpy
    chosen = np.flatnonzero(world.pallets.material == 2)[:400]
    rates = [
        np.mean([portal_reads(parameters, world.pallets, int(pallet), 0, draw) > 0 for _ in range(40)])
        for pallet in chosen
    ]
    # Independent draws at 0.85 would spread by 0.056.
    assert np.std(rates) > 0.09


def test_a_portal_hears_parked_pallets_now_and_then_in_several_rounds(parameters: Parameters) -> None:
    busy = read_parameters(REFERENCE, {**SMALL, "reader": {"stray_share": 0.5}})
    crossed = [item for item in a_day(busy)[1] if isinstance(item, PortalRead)]
    strays = [item.pallets[item.pallets != item.pallet] for item in crossed]
    with_stray = [stray for stray in strays if len(stray)]
    assert len(with_stray) == pytest.approx(len(crossed) / 2, abs=len(crossed) / 4)
    assert np.mean([len(stray) for stray in with_stray]) > 2


def test_readers_under_the_roof_hear_the_first_columns_and_the_upper_levels_better() -> None:
    parameters = read_parameters(REFERENCE, {"reader": {"never_read_share": 0.0}})
    world, places, draw = build_warehouse(parameters, Rng(5)), places_of(parameters), Rng(6).numpy
    stored = world.pallet_at[world.pallet_at >= 0]
    hits = np.mean(
        [overhead_reads(parameters, world.pallets, stored, places, n % 4, draw) for n in range(24)], axis=0
    )
    level = places.level[world.pallets.place[stored]]
    for number, rate in enumerate(parameters.reader.overhead_read):
        assert hits[level == number].mean() == pytest.approx(rate, abs=0.04)


def test_active_tags_are_heard_as_far_as_they_reach_and_only_the_dearest_goods_have_one() -> None:
    parameters = read_parameters(REFERENCE, {"active": {"metal_share": 0.0, "share_of_dearest": 1.0}})
    world, draw = build_warehouse(parameters, Rng(5)), Rng(6).numpy
    tagged = np.flatnonzero(world.pallets.is_active).astype(np.int32)
    assert set(world.pallets.material[tagged].tolist()) == {1}
    for far_m, rate in ((50.0, 0.98), (250.0, 0.83)):
        far = np.full(len(tagged), far_m)
        heard = [beacons_heard(parameters, world.pallets, tagged, far, 0, draw).mean() for _ in range(80)]
        assert np.mean(heard) == pytest.approx(rate, abs=0.03)


def test_every_active_tag_beacons_once_in_its_interval() -> None:
    always = {"heard_near": 0.999, "heard_far": 0.998, "metal_share": 0.0, "share_of_dearest": 1.0}
    site = {**SMALL["site"], "lots": 30}
    parameters = read_parameters(REFERENCE, {**SMALL, "site": site, "active": always})
    rng, seen = Rng(3), []
    world = build_warehouse(parameters, rng.child("world"))
    while world.time_s < 3_600:
        world = step(world, 60.0, rng.child("steps"))
        seen += [item for item in world.seen if isinstance(item, TagsRead) and item.reader == "station-1"]
    tagged = int(world.pallets.is_active.sum())
    assert tagged > 5
    assert sum(len(item.pallets) for item in seen) == pytest.approx(12 * tagged, rel=0.06)


def test_trucks_with_a_receiver_are_seen_about_where_they_stand(parameters: Parameters) -> None:
    _, seen = a_day(parameters)
    tracked = [item for item in seen if isinstance(item, Tracked)]
    assert {item.tracker for item in tracked} >= {0}
    x_m = np.concatenate([item.x_m for item in tracked])
    y_m = np.concatenate([item.y_m for item in tracked])
    doors = places_of(parameters).dock_x_m
    # Most of its time a truck stands before a door.
    near = np.min(np.abs(x_m[:, None] - doors[None, :]), axis=1)
    at_door = np.abs(y_m - (DOCK_Y_M - 6.0)) < 8.0
    assert at_door.mean() > 0.5
    assert np.median(near[at_door]) == pytest.approx(2.5 * 0.674, abs=0.6)


def test_people_scan_one_pallet_after_another_and_walk_between() -> None:
    parameters = read_parameters(REFERENCE, SMALL)
    _, seen = a_day(parameters)
    for handheld in range(2):
        times = [item.at_s for item in seen if isinstance(item, Scanned) and item.handheld == handheld]
        assert all(later - earlier >= 8.0 for earlier, later in itertools.pairwise(sorted(times)))


def test_more_putaways_are_confirmed_at_the_wrong_place_on_night_shift(parameters: Parameters) -> None:
    world = build_warehouse(parameters, Rng(1))
    working = Working(world, Rng(1).numpy)
    shares = [misplaced_share(working, hour * 3_600.0) for hour in (5.0, 10.0, 17.9, 18.0, 30.0)]
    assert shares == [0.010, 0.003, 0.003, 0.010, 0.003]


def test_a_tenth_of_honest_scales_wander_and_none_beyond_its_bound() -> None:
    wide = {**SMALL, "devices": {**SMALL["devices"], "floor_scales": 400}}
    world = build_warehouse(read_parameters(REFERENCE, wide), Rng(4))
    drifts = [drift for name, drift in world.wandering.items() if name.startswith("scale")]
    assert len(drifts) == pytest.approx(40, abs=15)
    assert all(abs(drift.at_g(0.0)) <= 1_500 for drift in drifts)
    assert all(abs(drift.at_g(90 * DAY_S)) == 1_500 for drift in drifts)


def test_the_hall_is_warmer_by_day_and_under_the_roof(parameters: Parameters) -> None:
    _, seen = a_day(parameters)
    felt = [item for item in seen if isinstance(item, Felt)]
    by_day = [item.temperature_mc for item in felt if 13 <= item.at_s / 3_600 < 17 and item.sensor == 0]
    by_night = [item.temperature_mc for item in felt if item.at_s / 3_600 < 4 and item.sensor == 0]
    high = [item.temperature_mc for item in felt if item.at_s / 3_600 < 4 and item.sensor == 1]
    assert np.mean(by_day) > np.mean(by_night) + 5_000
    assert np.mean(high) == pytest.approx(np.mean(by_night) + 5.5 * 300, abs=300)


def test_a_plate_is_misread_as_one_that_looks_like_it() -> None:
    draw, plates = Rng(3).numpy, [f"赣G{number:05d}" for number in range(0, 90_000, 37)]
    wrong = [(plate, misread(plate, draw)) for plate in plates]
    assert all(plate != told for plate, told in wrong)
    shorter = [told for plate, told in wrong if len(told) == len(plate) - 1]
    assert len(shorter) / len(wrong) == pytest.approx(0.25, abs=0.04)
    changed = {
        (was, now)
        for plate, told in wrong
        if len(told) == len(plate)
        for was, now in zip(plate, told, strict=True)
        if was != now
    }
    assert {("0", "O"), ("0", "D"), ("8", "B"), ("1", "I"), ("5", "S")} <= changed
    assert not any(now == "X" for _, now in changed)


def test_now_and_then_a_truck_is_weighed_twice_and_leaves_a_moment_later() -> None:
    parameters = read_parameters(REFERENCE, {**SMALL, "flow": {**SMALL["flow"], "weighed_twice_share": 0.5}})
    _, seen = a_day(parameters)
    times: dict[int, list[float]] = {}
    for item in seen:
        if isinstance(item, Weighed) and item.truck >= 0:
            times.setdefault(item.truck, []).append(item.at_s)
    # In and out, each once or twice.
    assert {len(each) for each in times.values()} > {2}
    assert max(len(each) for each in times.values()) <= 4
    again = [later - earlier for each in times.values() for earlier, later in itertools.pairwise(each)]
    assert any(gap_s == pytest.approx(40.0) for gap_s in again)


def test_of_pallets_that_were_confirmed_elsewhere_some_are_found_and_scanned_next_day() -> None:
    flow = {**SMALL["flow"], "misplaced_day": 1.0, "corrected_share": 0.5, "pallets_out": 0}
    rng, seen = Rng(3), []
    world = build_warehouse(read_parameters(REFERENCE, {**SMALL, "flow": flow}), rng.child("world"))
    while world.time_s < 2 * DAY_S:
        world = step(world, 60.0, rng.child("steps"))
        seen += world.seen
    scans = [item for item in seen if isinstance(item, Scanned)]
    first = [item for item in scans if item.at_s < DAY_S]
    wrong = {item.pallet: item.place for item in first}
    found = [item for item in scans if item.at_s >= DAY_S and item.pallet in wrong]
    right = [item for item in found if item.place == world.pallets.place[item.pallet]]
    assert 0.2 * len(wrong) < len(right) < 0.8 * len(wrong)
    assert all((item.at_s - DAY_S) / 3_600 > 6 for item in right)


def test_a_scale_in_service_errs_within_three_intervals_and_shows_whole_ones() -> None:
    draw = Rng(8).numpy
    shown = np.array([weighing_g(700_000, 500, 3.0, 0.0, draw) for _ in range(2_000)])
    assert (shown % 500 == 0).all()
    assert abs(shown - 700_000).max() <= 1_500 + 250
