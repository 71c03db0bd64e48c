"""What people do to a warehouse changes the truth as the act says, and is kept beside it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from kernel.rng import Rng
from simulators.world.warehouse.acts import (
    OTHER_SITE_READER,
    Act,
    Blinded,
    ClockMoved,
    Deed,
    GhostPallets,
    OthersGoodsShown,
    Overstated,
    Paper,
    Removal,
    Rotated,
    ScaleTampered,
    Spoofed,
    Substituted,
    TagCloned,
    TagsDie,
)
from simulators.world.warehouse.build import build_warehouse
from simulators.world.warehouse.parameters import Parameters, read_parameters
from simulators.world.warehouse.state import (
    EXPECTED,
    GONE,
    ON_PAPER,
    Announced,
    ClockSet,
    Entered,
    Framed,
    LoadChanged,
    Moved,
    Passed,
    PortalRead,
    Scanned,
    TagsRead,
    Warehouse,
    Weighed,
)
from simulators.world.warehouse.step import step
from tests.unit.simulators.test_warehouse_world import REFERENCE, SMALL


@pytest.fixture(scope="module")
def parameters() -> Parameters:
    return read_parameters(REFERENCE, SMALL)


def until(
    parameters: Parameters, until_h: float, acts: Sequence[Act], seed: int = 3
) -> tuple[Warehouse, list[Any]]:
    """The small warehouse at that hour, and everything noticed on the way."""
    rng = Rng(seed)
    world, seen = build_warehouse(parameters, rng.child("world"), tuple(acts)), []
    while world.time_s < until_h * 3_600:
        world = step(world, 600.0, rng.child("steps"))
        seen += world.seen
    return world, seen


def only(world: Warehouse) -> Deed:
    [deed] = world.deeds
    return deed


def places(world: Warehouse, deed: Deed) -> list[int]:
    return [int(place) for place in world.pallets.place[list(deed.pallets)]]


def test_acts_leave_the_warehouse_that_a_seed_gives_as_it_was(parameters: Parameters) -> None:
    quiet = build_warehouse(parameters, Rng(3))
    acted = build_warehouse(parameters, Rng(3), (Removal(at_h=1.0, way="fence", pallets=2),))
    assert (quiet.pallet_at == acted.pallet_at).all()
    assert (quiet.shown == acted.shown).all()


def test_goods_over_the_fence_are_gone_and_no_gate_or_portal_saw_them(parameters: Parameters) -> None:
    world, seen = until(parameters, 2, [Removal(at_h=1.0, case=8, way="fence", pallets=6)])
    deed = only(world)
    assert places(world, deed) == [GONE] * 6
    assert deed.worth_fen > 0
    assert deed.mass_g == int(world.pallets.mass_g[list(deed.pallets)].sum())
    assert not [item for item in seen if isinstance(item, Passed | PortalRead)]


def test_a_truck_without_order_is_loaded_at_night_and_leaves_through_the_gate(parameters: Parameters) -> None:
    world, seen = until(parameters, 3, [Removal(at_h=1.0, case=8, way="gate", pallets=5)])
    deed = only(world)
    assert places(world, deed) == [GONE] * 5
    assert [item.direction for item in seen if isinstance(item, Passed)] == ["in", "out"]
    assert deed.at_s < deed.left_s < 3 * 3_600
    assert not [item for item in seen if isinstance(item, Weighed)]
    announced = {item.truck for item in seen if isinstance(item, Announced)}
    assert deed.truck not in announced
    by_night = [item for item in seen if isinstance(item, LoadChanged)]
    assert sorted(item.action for item in by_night) == ["picked_up"] * 5 + ["set_down"] * 5
    # The forks' own readers hear some of the tags.
    carried = {item.pallet for item in by_night} | {
        int(load) for item in seen if isinstance(item, Moved) for load in item.load
    }
    assert set(deed.pallets) >= carried - {-1}


def test_no_fork_names_a_load_whose_tag_was_cut(parameters: Parameters) -> None:
    cut = Removal(at_h=1.0, case=8, way="gate", pallets=20, tags_cut=True)
    world, seen = until(parameters, 4, [cut])
    assert places(world, only(world)) == [GONE] * 20
    assert {item.pallet for item in seen if isinstance(item, LoadChanged)} == {-1}
    assert {int(load) for item in seen if isinstance(item, Moved) for load in item.load} == {-1}


def test_goods_hidden_in_a_released_load_leave_with_it_and_weigh_more(parameters: Parameters) -> None:
    world, seen = until(parameters, 24, [Removal(at_h=1.0, case=10, way="load", pallets=3, lot=2)])
    deed = only(world)
    assert places(world, deed) == [GONE] * 3
    assert (world.pallets.lot[list(deed.pallets)] == 2).all()
    released = next(item for item in seen if isinstance(item, Announced) and item.truck == deed.truck)
    assert not set(released.pallets) & set(deed.pallets)
    tare_g, gross_g = (item.mass_g for item in seen if isinstance(item, Weighed) and item.truck == deed.truck)
    on_paper_g = int(world.pallets.mass_g[list(released.pallets)].sum())
    assert gross_g - tare_g - on_paper_g == pytest.approx(deed.mass_g, abs=4 * 60_000)


def test_an_act_without_occasion_waits_for_one(parameters: Parameters) -> None:
    world, _ = until(parameters, 27, [Removal(at_h=23.0, case=10, way="load", pallets=2)])
    assert only(world).at_s >= 24 * 3_600


def test_ghost_pallets_are_announced_and_booked_and_never_exist(parameters: Parameters) -> None:
    world, seen = until(parameters, 4, [GhostPallets(at_h=1.0, case=3, pallets=4)])
    deed = only(world)
    assert places(world, deed) == [ON_PAPER] * 4
    assert [item.pallets for item in seen if isinstance(item, Announced)].count(deed.pallets) == 1
    booked = [item for item in seen if isinstance(item, Scanned)]
    assert [item.pallet for item in booked] == list(deed.pallets)
    assert all(world.pallet_at[item.place] == -1 for item in booked)


def test_overstated_pallets_weigh_less_than_their_papers_say(parameters: Parameters) -> None:
    world, _ = until(parameters, 2, [Overstated(at_h=1.0, case=3, pallets=10, stated_share=1.25)])
    chosen = list(only(world).pallets)
    share = world.pallets.stated_g[chosen] / world.pallets.mass_g[chosen]
    assert share == pytest.approx(np.full(10, 1.25), abs=0.002)
    assert places(world, only(world)) == [EXPECTED] * 10


def test_stones_come_in_with_the_right_count_and_the_wrong_mass(parameters: Parameters) -> None:
    act = Substituted(at_h=1.0, case=4, goods="stones", where="intake", pallets=10, mass_share=0.6)
    world, seen = until(parameters, 24, [act])
    deed = only(world)
    shown = {item.pallet: item.mass_g for item in seen if isinstance(item, Weighed) and item.pallet >= 0}
    stated = world.pallets.stated_g
    assert all(shown[p] == pytest.approx(0.6 * stated[p], abs=2_500) for p in deed.pallets)
    assert (world.pallets.worth_permille[list(deed.pallets)] == 0).all()
    assert deed.shows_in == ("mass",)


def test_wrong_goods_of_the_right_mass_are_known_to_the_truth_alone(parameters: Parameters) -> None:
    act = Substituted(at_h=1.0, case=5, goods="wrong_goods", where="store", pallets=7, worth_share=0.3)
    world, _ = until(parameters, 2, [act])
    chosen = list(only(world).pallets)
    assert (world.pallets.mass_g[chosen] == world.pallets.stated_g[chosen]).all()
    assert (world.pallets.worth_permille[chosen] == 300).all()
    assert only(world).shows_in == ()


def test_goods_that_are_shown_for_a_lot_belong_to_another_owner(parameters: Parameters) -> None:
    act = OthersGoodsShown(at_h=1.0, case=7, lot=2, party="bank-a", pallets=8)
    world, seen = until(parameters, 2, [act])
    [paper] = [item for item in seen if isinstance(item, Entered)]
    assert paper.pallets == only(world).pallets
    assert (world.pallets.owner[list(paper.pallets)] != 2 % parameters.site.owners).all()


def test_a_cloned_tag_is_carried_by_two_stored_pallets(parameters: Parameters) -> None:
    world, _ = until(parameters, 2, [TagCloned(at_h=1.0, case=14, pallets=3)])
    for carrier in only(world).pallets:
        both = np.flatnonzero(world.pallets.tag == world.pallets.tag[carrier])
        assert len(both) == 2
        assert (world.pallets.place[both] >= 0).all()


def test_rotated_goods_are_heard_at_the_other_site_and_are_back_for_the_count(parameters: Parameters) -> None:
    act = Rotated(at_h=1.0, case=12, pallets=6, back_h=4.0)
    away, seen = until(parameters, 3, [act])
    [heard] = [item for item in seen if isinstance(item, TagsRead) and item.reader == OTHER_SITE_READER]
    assert set(heard.pallets.tolist()) <= set(only(away).pallets)
    assert all(place < 0 for place in places(away, only(away)))
    back, _ = until(parameters, 5, [act])
    assert all(place >= 0 for place in places(back, only(back)))


def test_the_other_sites_portal_misses_as_many_as_a_portal_does_and_every_dead_tag() -> None:
    parameters = read_parameters(REFERENCE, {"devices": {"camera_every_s": 7_200}})
    acts = [TagsDie(at_h=0.5, pallets=4_000), Rotated(at_h=1.0, case=12, pallets=3_000, back_h=40.0)]
    world, seen = until(parameters, 3, acts)
    while not any(isinstance(item, TagsRead) and item.reader == OTHER_SITE_READER for item in seen):
        world = step(world, 600.0, Rng(3).child("steps"))
        seen += world.seen
    [read] = [item for item in seen if isinstance(item, TagsRead) and item.reader == OTHER_SITE_READER]
    heard, pallets = set(read.pallets.tolist()), world.pallets
    [deed] = [deed for deed in world.deeds if deed.kind == "rotated"]
    assert not any(pallets.is_dead[pallet] for pallet in heard)
    alive = [pallet for pallet in deed.pallets if not pallets.is_dead[pallet]]
    for material, rate in enumerate(parameters.reader.portal_read):
        gone = [pallet for pallet in alive if pallets.material[pallet] == material]
        assert np.mean([pallet in heard for pallet in gone]) == pytest.approx(rate, abs=0.05)


@pytest.mark.parametrize("how", ["frozen", "replayed", "off"])
def test_a_blinded_camera_says_nothing_or_what_it_saw_before_and_sees_again_afterwards(
    parameters: Parameters, how: Any
) -> None:
    _, seen = until(
        parameters, 3, [Blinded(at_h=1.0, case=18, until_h=2.0, device="camera-1", how=how)], seed=5
    )
    frames = [item for item in seen if isinstance(item, Framed) and item.camera == 0]
    before, then, after = (
        [item for item in frames if from_s <= item.at_s < from_s + 3_600] for from_s in (0, 3_600, 7_200)
    )
    assert len({item.picture for item in (*before, *after)}) == len(before) + len(after)
    shown = {"off": [], "frozen": [before[-1]] * 12, "replayed": before[-12:]}[how]
    assert [item.picture for item in then] == [item.picture for item in shown]
    assert all((item.occupied == old.occupied).all() for item, old in zip(then, shown, strict=True))
    assert len({item.at_s for item in frames}) == len(frames)
    assert not any(item.is_dark for item in frames)


def test_a_tampered_scale_shows_too_much_at_once_or_creeping(parameters: Parameters) -> None:
    acts = [
        ScaleTampered(at_h=1.0, case=19, device="scale-1", by_share=0.08),
        ScaleTampered(at_h=0.0, case=19, device="weighbridge-1", share_a_day=0.024, until_h=5.0),
    ]
    world, _ = until(parameters, 8, acts)
    assert world.drift["scale-1"] == pytest.approx(0.08)
    assert world.drift["weighbridge-1"] == pytest.approx(0.005)


def test_a_forklift_whose_place_is_held_tells_no_drive_and_one_that_jumps_tells_how_fast(
    parameters: Parameters,
) -> None:
    """Speed and heading are of what the tag takes itself for, not of the way that it hides."""
    for how, by_m in (("stay", 0.0), ("jump", 6.0)):
        act = Spoofed(at_h=7.0, case=20, until_h=9.0, device="forklift-1", how=how, by_m=by_m)
        _, seen = until(parameters, 10, [act])
        moved = [item for item in seen if isinstance(item, Moved) and item.forklift == 0]
        at_s, x_m, y_m, told, heading = (
            np.concatenate([getattr(item, name) for item in moved])
            for name in ("at_s", "x_m", "y_m", "speed_mps", "heading_deg")
        )
        assert np.hypot(np.diff(x_m), np.diff(y_m)) == pytest.approx(told[1:] * np.diff(at_s))
        along = np.degrees(np.arctan2(np.diff(y_m), np.diff(x_m))) % 360
        assert along == pytest.approx(heading[1:])
        if how == "stay":
            held = (at_s > 7 * 3_600) & (at_s < 9 * 3_600)
            assert np.median(told[held]) < 0.6
        else:
            assert told[at_s == 7 * 3_600][0] > 3.0


@pytest.mark.parametrize("how", ["jump", "stay"])
def test_a_spoofed_forklift_tells_a_place_where_it_is_not(parameters: Parameters, how: Any) -> None:
    act = Spoofed(at_h=7.0, case=20, until_h=9.0, device="forklift-1", how=how, by_m=6.0)
    (_, honest), (_, spoofed) = until(parameters, 10, []), until(parameters, 10, [act])
    x_m, told_m = (
        np.concatenate([item.x_m for item in seen if isinstance(item, Moved) and item.forklift == 0])
        for seen in (honest, spoofed)
    )
    at_s = np.concatenate([item.at_s for item in spoofed if isinstance(item, Moved) and item.forklift == 0])
    wrong = (at_s >= 7 * 3_600) & (at_s < 9 * 3_600)
    assert (x_m[~wrong] == told_m[~wrong]).all()
    if how == "jump":
        assert np.median(np.abs(x_m - told_m)[wrong]) >= 6.0
    else:
        assert np.percentile(told_m[wrong], 90) - np.percentile(told_m[wrong], 10) < 4.0


def test_a_clock_is_set_and_tags_die_when_the_act_says(parameters: Parameters) -> None:
    acts = [
        ClockMoved(at_h=1.0, case=21, device="pda-1", by_s=-172_800.0),
        TagsDie(at_h=1.0, pallets=9),
    ]
    world, seen = until(parameters, 2, acts)
    assert [item for item in seen if isinstance(item, ClockSet)] == [ClockSet(3_600.0, "pda-1", -172_800.0)]
    dead = next(deed for deed in world.deeds if deed.kind == "tags_die")
    assert world.pallets.is_dead[list(dead.pallets)].all()


def test_a_paper_is_entered_as_often_as_the_act_says_and_no_sensor_sees_it(parameters: Parameters) -> None:
    act = Paper(at_h=1.0, case=28, what="drawdown", party="owner-1", lot=3, pallets=5, times=2)
    world, seen = until(parameters, 2, [act])
    entered = [item for item in seen if isinstance(item, Entered)]
    assert [(item.what, item.lot, item.pallets) for item in entered] == [
        ("drawdown", 3, only(world).pallets)
    ] * 2
    assert entered[1].at_s - entered[0].at_s < 1.0
    assert only(world).shows_in == ()
