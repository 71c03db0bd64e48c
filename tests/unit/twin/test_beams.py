"""Which way something went through a gate: two light beams, and the antennas beside them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.presence.beams import ONE_VEHICLE, BeamChange, Passage, Travel, passages, travel

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def lane(*states: str, known: str = "..", began_s: float = 0.0, step_s: float = 1.0) -> list[BeamChange]:
    """The changes from one state to the next: outer and inner beam, 1 is broken, a dot is not known."""
    changes: list[BeamChange] = []
    for index, state in enumerate(states):
        moment = at(began_s + index * step_s)
        if state[0] != known[0]:
            changes.append(BeamChange(beam="outer", is_broken=state[0] == "1", changed_at=moment))
        if state[1] != known[1]:
            changes.append(BeamChange(beam="inner", is_broken=state[1] == "1", changed_at=moment))
        known = state
    return changes


IN = ["10", "11", "01", "00"]
OUT = ["01", "11", "10", "00"]


def ways(*states: str) -> list[str]:
    return [passage.direction for passage in passages(lane("00", *states))]


def test_the_order_in_which_the_beams_break_and_clear_is_the_way_it_went() -> None:
    assert passages(lane("00", *IN)) == [Passage(direction="in", first_at=at(1), last_at=at(4))]
    assert passages(lane("00", *OUT)) == [Passage(direction="out", first_at=at(1), last_at=at(4))]


@pytest.mark.parametrize(
    "states",
    [
        ["10", "00"],
        ["10", "11", "10", "00"],
        ["10", "11", "01", "11", "10", "00"],
        ["01", "11", "01", "00"],
        ["10", "00", "01", "00"],
    ],
    ids=" ".join,
)
def test_who_turns_back_has_not_passed(states: list[str]) -> None:
    assert ways(*states) == []


def test_who_stops_and_rolls_back_on_the_way_is_counted_once() -> None:
    assert ways("10", "11", "10", "11", "01", "11", "01", "00") == ["in"]


def test_who_is_still_between_the_beams_has_not_passed_yet() -> None:
    assert ways("10", "11", "01") == []


def test_a_truck_and_its_trailer_are_one_vehicle_and_the_next_truck_is_another() -> None:
    trailer = lane(*IN, known="00", began_s=4 + ONE_VEHICLE.total_seconds())
    next_truck = lane(*IN, known="00", began_s=60)
    found = passages([*lane("00", *IN), *trailer, *next_truck])
    assert [(passage.first_at, passage.last_at) for passage in found] == [(at(1), at(9)), (at(60), at(63))]


def test_in_and_straight_out_again_are_two_passages() -> None:
    assert ways(*IN, *OUT) == ["in", "out"]


def test_nothing_is_known_until_both_beams_were_seen_clear() -> None:
    assert passages(lane(*IN)) == []
    assert passages(lane("10", "11", "01", "00", *OUT)) == [
        Passage(direction="out", first_at=at(4), last_at=at(7))
    ]


def test_a_change_that_was_lost_leaves_the_way_open_until_the_beams_are_clear() -> None:
    came = [*lane("00", *IN), *lane(*IN, *OUT, known="00", began_s=100)]
    for lost in range(2, 6):
        found = passages([change for index, change in enumerate(came) if index != lost])
        assert found[-1].direction == "out"
        assert len(found) <= 2
        assert all(passage.first_at >= at(100) for passage in found)


def test_two_changes_in_one_moment_leave_the_way_open() -> None:
    assert ways("10", "01", "00") == []
    assert ways("11", "01", "00") == []
    assert ways("11", "00", *IN) == ["in"]


def test_after_a_gap_the_beams_are_as_the_reader_states_them_anew() -> None:
    standing, going_on = lane("00", "10", "11"), lane("01", "00", known="11", began_s=10)
    assert [passage.direction for passage in passages([*standing, *going_on])] == ["in"]
    anew, next_truck = lane("11", began_s=9), lane(*IN, known="00", began_s=20)
    found = passages([*standing, *anew, *going_on, *next_truck], gaps=[at(8)])
    assert [passage.first_at for passage in found] == [at(20)]


runs = st.lists(st.sampled_from(["00", "10", "11", "01"]), max_size=12)


@given(runs, st.randoms())
def test_what_passed_is_a_function_of_the_set_of_changes(states: list[str], random: object) -> None:
    changes = lane("00", *states)
    shuffled = [*changes, *changes[::2]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert passages(shuffled) == passages(changes)


@given(runs)
def test_the_same_film_run_backwards_goes_the_other_way(states: list[str]) -> None:
    """Between two clear lanes: what went in comes out, in the reverse order."""
    film = ["00", *states, "00"]
    forwards = [passage.direction for passage in passages(lane(*film, step_s=5))]
    backwards = [passage.direction for passage in passages(lane(*reversed(film), step_s=5))]
    opposite = {"in": "out", "out": "in"}
    assert backwards == [opposite[direction] for direction in reversed(forwards)]


# --- joined with the antennas ---------------------------------------------------------------------

WENT_IN = Passage(direction="in", first_at=at(10), last_at=at(14))
WENT_OUT = Passage(direction="out", first_at=at(15), last_at=at(19))


def test_antennas_and_beams_that_agree_both_say_so() -> None:
    assert travel("in", at(8), at(16), [WENT_IN]) == Travel(antennas="in", beams="in")
    assert travel("in", at(8), at(16), [WENT_IN]).direction == "in"


def test_either_alone_is_enough() -> None:
    assert travel("out", at(8), at(16), []).direction == "out"
    assert travel(None, at(8), at(16), [WENT_IN]).direction == "in"
    assert travel(None, at(8), at(16), []).direction is None


def test_two_that_contradict_each_other_leave_it_open() -> None:
    said = travel("out", at(8), at(16), [WENT_IN])
    assert (said.direction, said.is_contradicted) == (None, True)


def test_passages_in_both_directions_say_nothing_of_a_tag() -> None:
    said = travel("in", at(8), at(16), [WENT_IN, WENT_OUT])
    assert (said.beams, said.direction, said.is_contradicted) == (None, "in", False)


def test_what_passed_at_another_time_says_nothing_of_a_tag() -> None:
    assert travel(None, at(100), at(110), [WENT_IN]) == Travel()
    assert travel(None, at(-20), at(-1), [WENT_IN]) == Travel()
    assert travel(None, at(-20), at(0), [WENT_IN]) == Travel(beams="in")
