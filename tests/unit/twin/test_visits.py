"""Visits of vehicles from stays, weighings and passages over the loop: pure."""

from datetime import datetime, timedelta

import msgspec
import pytest

from tests.conftest import START
from twin.presence.model import Side, Stay
from twin.visits.model import (
    BarrierChange,
    Pass,
    Standing,
    Weighing,
    fold_visits,
    mass_vouches,
    not_ruled_out,
    passes_of,
    tolerance_g,
    units_with,
    vehicle_on_bridge,
    weights_agree,
)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def a_stay(side: Side, first_s: float, last_s: float) -> Stay:
    return Stay(
        gate_id="gate", side=side, first_at=at(first_s), last_at=at(last_s), evidence_ids=[f"r:1:{first_s}"]
    )


def a_weighing(seconds: float, mass_g: int = 8_000_000) -> Weighing:
    return Weighing(
        observation_id=f"scale:1:{seconds}",
        weighbridge_id="wb",
        gate_id="gate",
        mass_g=mass_g,
        weight_id=int(seconds),
        weighed_at=at(seconds),
    )


def a_pass(from_s: float, to_s: float, heard: frozenset[str] = frozenset()) -> Pass:
    ids = [f"barrier:1:{from_s}", f"barrier:1:{to_s}"]
    return Pass(gate_id="gate", occupied_at=at(from_s), freed_at=at(to_s), evidence_ids=ids, heard=heard)


IN = [a_stay("outside", 0, 5), a_stay("inside", 30, 32)]
OUT = [a_stay("inside", 1000, 1002), a_stay("outside", 1020, 1060)]


def test_a_visit_is_weighed_coming_in_and_going_out_and_ends_over_the_loop() -> None:
    weighings = [a_weighing(20, 16_000_000), a_weighing(1010, 8_000_000)]
    [visit] = fold_visits("v", [*OUT, *IN], weighings, [a_pass(6, 9), a_pass(1050, 1055)])
    assert visit.entered_at == at(30)
    assert visit.entry is not None
    assert visit.exit is not None
    assert (visit.entry.mass_g, visit.exit.mass_g) == (16_000_000, 8_000_000)
    assert (visit.left_at, visit.state) == (at(1055), "left")
    assert [(s.direction, s.outcome) for s in visit.standings] == [("in", "passed"), ("out", "left")]


def test_a_vehicle_at_the_shut_barrier_is_leaving_and_has_not_left() -> None:
    [visit] = fold_visits("v", [*IN, *OUT], [], [a_pass(6, 9)])
    assert visit.state == "leaving"
    assert visit.standings[-1].crossed_at == at(1020)
    assert visit.left_at is None


def test_a_vehicle_that_turns_back_is_inside_and_its_visit_goes_on() -> None:
    [visit] = fold_visits("v", [*IN, *OUT, a_stay("inside", 1100, 1102)], [], [a_pass(6, 9)])
    assert visit.state == "inside"
    assert visit.standings[-1].outcome == "returned"


def test_coming_back_after_leaving_is_a_new_visit() -> None:
    stays = [*IN, *OUT, a_stay("outside", 5000, 5003)]
    first, second = fold_visits("v", stays, [], [a_pass(1050, 1055)])
    assert (first.state, second.state) == ("left", "approaching")


LATER_S = 1055 + 1200
"""More than a quarter of an hour after it left, as it seemed."""


@pytest.mark.parametrize("later_s", [LATER_S, LATER_S + 86_400])
@pytest.mark.parametrize(
    "passes",
    [
        [],
        [a_pass(LATER_S - 900, LATER_S - 890)],
        [a_pass(LATER_S - 8, LATER_S - 4, heard=frozenset({"other"}))],
    ],
    ids=["none", "long before", "of another"],
)
def test_a_vehicle_heard_inside_however_late_without_a_passage_inwards_had_not_left(
    passes: list[Pass], later_s: float
) -> None:
    stays = [*IN, *OUT, a_stay("inside", later_s, later_s + 2)]
    [visit] = fold_visits("v", stays, [], [a_pass(1050, 1055), *passes], watched={"gate"})
    assert [standing.outcome for standing in visit.standings] == ["passed", "returned"]
    assert (visit.left_at, visit.state) == (None, "inside")


@pytest.mark.parametrize("freed_s", [LATER_S - 600, LATER_S + 2])
def test_a_vehicle_that_comes_in_over_the_loop_had_left_though_no_reader_heard_it_outside(
    freed_s: float,
) -> None:
    stays = [*IN, *OUT, a_stay("inside", LATER_S, LATER_S + 2)]
    passes = [a_pass(1050, 1055), a_pass(freed_s - 5, freed_s)]
    first, second = fold_visits("v", stays, [], passes, watched={"gate"})
    assert (first.left_at, second.entered_at) == (at(1055), at(LATER_S))


def test_a_vehicle_that_comes_in_heard_outside_or_by_a_gate_without_a_loop_had_left() -> None:
    outside, inside = a_stay("outside", LATER_S - 30, LATER_S - 25), a_stay("inside", LATER_S, LATER_S + 2)
    elsewhere = msgspec.structs.replace(inside, gate_id="gate without a loop")
    for back in ([outside, inside], [elsewhere]):
        visits = fold_visits("v", [*IN, *OUT, *back], [], [a_pass(1050, 1055)], watched={"gate"})
        assert [visit.state for visit in visits] == ["left", "inside"]


def test_a_passage_that_only_a_barrier_tells_which_nobody_accepted_brings_no_vehicle_back() -> None:
    told = msgspec.structs.replace(a_pass(LATER_S - 8, LATER_S - 4), is_accepted=False)
    stays = [*IN, *OUT, a_stay("inside", LATER_S, LATER_S + 2)]
    assert len(fold_visits("v", stays, [], [a_pass(1050, 1055), told], watched={"gate"})) == 1


def test_a_passage_before_the_vehicle_stood_outwards_is_not_its_leaving() -> None:
    [visit] = fold_visits("v", [*IN, OUT[0]], [a_weighing(1010)], [a_pass(6, 9), a_pass(900, 910)])
    assert visit.left_at is None


def test_a_vehicle_weighed_and_alone_left_though_no_outer_antenna_heard_it() -> None:
    visits = fold_visits("v", [*IN, OUT[0]], [a_weighing(1010)], [a_pass(1050, 1055)])
    assert visits[0].left_at == at(1055)


def test_with_another_vehicle_heard_outside_nobody_is_said_to_have_left() -> None:
    passed = a_pass(1050, 1055, heard=frozenset({"other"}))
    assert fold_visits("v", [*IN, OUT[0]], [a_weighing(1010)], [passed])[0].left_at is None


def test_a_weighing_is_of_the_vehicle_heard_on_both_sides_of_it() -> None:
    waiting = ("waiting", a_stay("outside", 12, 30))
    through = [("through", a_stay("outside", 0, 5)), ("through", a_stay("inside", 30, 32))]
    assert vehicle_on_bridge(a_weighing(20), [waiting, *through]) == "through"


def test_a_weighing_with_two_vehicles_equally_near_is_of_nobody_known() -> None:
    stays = [("one", a_stay("inside", 0, 30)), ("two", a_stay("outside", 0, 30))]
    assert vehicle_on_bridge(a_weighing(20), stays) is None


def test_a_weighing_with_nobody_heard_within_a_minute_is_of_nobody_known() -> None:
    assert vehicle_on_bridge(a_weighing(200), [("one", a_stay("inside", 0, 30))]) is None


def a_change(seconds: float, *, is_open: bool, loop: bool, is_accepted: bool = True) -> BarrierChange:
    return BarrierChange(
        observation_id=f"barrier:1:{seconds}",
        gate_id="gate",
        observed_at=at(seconds),
        is_open=is_open,
        is_closed=not is_open,
        loop_occupied=loop,
        is_accepted=is_accepted,
    )


def test_only_what_goes_over_the_loop_with_the_boom_up_is_a_passage() -> None:
    changes = [
        a_change(0, is_open=False, loop=True),
        a_change(5, is_open=False, loop=False),
        a_change(10, is_open=True, loop=True),
        a_change(12, is_open=True, loop=False),
    ]
    [passed] = passes_of(reversed(changes))
    assert (passed.occupied_at, passed.freed_at) == (at(10), at(12))


def test_reports_of_a_barrier_that_nobody_accepted_add_passages_and_shorten_none() -> None:
    changes = [
        a_change(10, is_open=True, loop=True),
        a_change(11, is_open=False, loop=False, is_accepted=False),
        a_change(20, is_open=True, loop=False),
        a_change(50, is_open=True, loop=True),
        a_change(52, is_open=True, loop=False, is_accepted=False),
    ]
    found = [(passed.occupied_at, passed.freed_at, passed.is_accepted) for passed in passes_of(changes)]
    assert found == [(at(10), at(20), True), (at(50), at(52), False)]


def a_standing_out(crossed_s: float | None) -> Standing:
    return Standing(
        gate_id="gate",
        direction="out",
        began_at=at(1000),
        last_at=at(1060),
        crossed_at=None if crossed_s is None else at(crossed_s),
    )


def test_units_heard_with_the_vehicle_are_with_it() -> None:
    stays = [("aboard", a_stay("inside", 1000, 1002)), ("aboard", a_stay("outside", 1020, 1050))]
    assert units_with(a_standing_out(1020), stays) == ["aboard"]


def test_a_unit_whose_outer_reads_are_missing_stays_suspected() -> None:
    assert units_with(a_standing_out(1020), [("dark", a_stay("inside", 1000, 1002))]) == ["dark"]


def test_units_parked_at_the_portal_are_not_with_the_vehicle() -> None:
    stays = [
        ("parked before", a_stay("inside", 700, 1005)),
        ("still inside", a_stay("inside", 1000, 1040)),
        ("heard later", a_stay("inside", 1030, 1031)),
    ]
    assert units_with(a_standing_out(1020), stays) == []


def test_units_of_the_vehicle_ahead_are_not_with_this_one() -> None:
    assert units_with(a_standing_out(1020), [("ahead", a_stay("outside", 980, 1000))]) == []


def test_the_tolerance_is_three_intervals_and_half_a_percent() -> None:
    assert tolerance_g(8_000_000) == 60_000 + 40_000
    assert weights_agree(8_100_000, 8_000_000)
    assert not weights_agree(8_100_001, 8_000_000)


def test_a_vehicle_that_turned_back_and_is_weighed_again_stands_at_the_gate_again() -> None:
    """The inner antenna heard it without a break, so only the weighing tells."""
    weighings = [a_weighing(20, 8_000_000), a_weighing(1010, 10_000_000), a_weighing(1130, 16_000_000)]
    [visit] = fold_visits("v", [*IN, *OUT, a_stay("inside", 1100, 1140)], weighings, [a_pass(6, 9)])
    again = visit.standings[-1]
    assert (again.direction, again.outcome, visit.state) == ("out", "standing", "leaving")
    assert again.weighing is not None
    assert again.weighing.mass_g == 16_000_000


@pytest.mark.parametrize(
    ("inside", "mass_g"),
    [
        # Heard coming back, then in the yard for a while; with the same load, and with another.
        (
            [a_stay("inside", 1000, 1002), a_stay("inside", 1012, 1014), a_stay("inside", 1100, 1102)],
            10_000_000,
        ),
        (
            [a_stay("inside", 1000, 1002), a_stay("inside", 1012, 1014), a_stay("inside", 1100, 1102)],
            16_000_000,
        ),
        # Back and out again so soon that it is one stay inside.
        ([a_stay("inside", 1000, 1102)], 16_000_000),
    ],
)
def test_a_vehicle_that_turned_back_unheard_outside_stands_at_the_gate_again(
    inside: list[Stay], mass_g: int
) -> None:
    weighings = [a_weighing(20), a_weighing(1005, 10_000_000), a_weighing(1105, mass_g)]
    stays = [*IN, *inside, a_stay("outside", 1110, 1115)]
    [visit] = fold_visits("v", stays, weighings, [a_pass(6, 9), a_pass(1112, 1116)])
    _, first, second = visit.standings
    assert (first.outcome, first.crossed_at) == ("returned", None)
    assert first.last_at < at(1100)
    assert first.weighing is not None
    assert first.weighing.mass_g == 10_000_000
    assert (second.outcome, second.crossed_at, second.left_at) == ("left", at(1110), at(1116))
    assert second.weighing is not None
    assert second.weighing.mass_g == mass_g


def test_a_vehicle_that_waits_on_the_bridge_and_is_heard_inside_there_is_on_one_approach() -> None:
    stays = [*IN, a_stay("inside", 1000, 1095)]
    weighings = [a_weighing(20), a_weighing(1005, 10_000_000), a_weighing(1100, 10_080_000)]
    [visit] = fold_visits("v", stays, weighings, [a_pass(6, 9)])
    assert [standing.outcome for standing in visit.standings] == ["passed", "standing"]


def test_a_lorry_weighed_again_while_its_rear_clears_the_bridge_is_not_leaving() -> None:
    weighings = [a_weighing(20, 16_000_000), a_weighing(36, 15_000_000)]
    [visit] = fold_visits("v", IN, weighings, [a_pass(6, 9)])
    assert visit.state == "inside"


def test_a_parked_tag_heard_with_an_empty_vehicle_is_ruled_out_by_the_scale() -> None:
    assert not_ruled_out({"stray": 600_000}, gain_g=-8_000, sure_g=0) == set()


def test_a_pallet_that_the_scale_feels_stays_suspected() -> None:
    assert not_ruled_out({"taken": 600_000}, gain_g=590_000, sure_g=0) == {"taken"}


def test_among_several_only_what_fits_the_scale_stays_suspected() -> None:
    suspects = {"stray": 450_000, "missed outside": 772_000}
    assert not_ruled_out(suspects, gain_g=2_316_000, sure_g=1_544_000) == {"missed outside"}


def test_units_of_equal_mass_cannot_be_told_apart_and_both_stay_suspected() -> None:
    assert not_ruled_out({"a": 772_000, "b": 772_000}, gain_g=772_000, sure_g=0) == {"a", "b"}


def test_without_a_stated_mass_or_when_nothing_fits_nobody_is_ruled_out() -> None:
    assert not_ruled_out({"a": None}, gain_g=0, sure_g=0) == {"a"}
    assert not_ruled_out({"a": 500_000}, gain_g=250_000, sure_g=0) == {"a"}
    many = {str(number): 500_000 for number in range(20)}
    assert not_ruled_out(many, gain_g=0, sure_g=0) == set(many)


def test_a_weighing_vouches_only_if_it_could_have_failed() -> None:
    assert mass_vouches(700_000, 700_000)
    assert not mass_vouches(0, 1_000), "an empty lorry agrees with almost nothing"
    assert not mass_vouches(60_000, 100_000), "the scale cannot tell this gain from none"
    assert not mass_vouches(61_000, 55_000), "no gain at all would have agreed"
    assert not mass_vouches(1_400_000, 700_000)
