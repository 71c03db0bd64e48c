"""On which side of a portal a tag is, when it crosses, and where a unit was put: pure."""

from datetime import datetime, timedelta

import msgspec

from tests.conftest import START
from twin.presence.model import Derived, Side, Sighting, Track, fold

TAG = "3115A537C8B2D05E00000000"


class Reads:
    """Builds sightings of one tag, a quarter of a second apart unless told otherwise."""

    def __init__(self) -> None:
        self.at: datetime = START
        self.all: list[Sighting] = []

    def heard(self, side: Side, count: int = 1, *, rssi_cdbm: int = -6000, every_s: float = 0.25) -> "Reads":
        for _ in range(count):
            self._add("tag", gate_id="gate", side=side, rssi_cdbm=rssi_cdbm)
            self.at += timedelta(seconds=every_s)
        return self

    def wait(self, seconds: float) -> "Reads":
        self.at += timedelta(seconds=seconds)
        return self

    def lifted(self, side: Side | None = None) -> "Reads":
        return self._add("picked_up", side=side, x_m=1.0, y_m=2.0, z_m=0.0)

    def put(self, slot_id: str | None, place: str | None = None, side: Side | None = None) -> "Reads":
        return self._add("set_down", slot_id=slot_id, place=place, side=side, x_m=1.0, y_m=2.0, z_m=0.0)

    def _add(self, kind: str, **fields: object) -> "Reads":
        sequence = len(self.all) + 1
        values = {
            "observation_id": f"device:1:{sequence}",
            "device_id": "device",
            "boot": 1,
            "sequence": sequence,
            "observed_at": self.at,
            "epc_hex": TAG,
            "kind": kind,
            **fields,
        }
        self.all.append(msgspec.convert(values, Sighting))
        return self

    def fold(self, expected_gate_id: str | None = None) -> tuple[Track, Derived]:
        track = Track()
        return track, fold(track, self.all, expected_gate_id=expected_gate_id)


def directions(derived: Derived) -> list[tuple[str, bool]]:
    return [(crossing.direction, crossing.is_direct) for crossing in derived.crossings]


def test_outside_then_inside_is_a_crossing_inwards_that_both_sides_heard() -> None:
    track, derived = Reads().heard("outside", 2).wait(10).heard("inside", 2).fold()
    assert directions(derived) == [("in", True)]
    [crossing] = derived.crossings
    assert crossing.evidence_ids == ["device:1:1", "device:1:2", "device:1:3", "device:1:4"]
    assert (track.is_inside, track.place) == (True, "gate")


def test_inside_then_outside_is_a_crossing_outwards() -> None:
    track, derived = Reads().heard("inside", 3).wait(8).heard("outside", 3).fold()
    assert directions(derived) == [("out", True)]
    assert track.is_inside is False


def test_one_read_on_the_other_side_is_no_crossing_however_strong() -> None:
    _, derived = Reads().heard("inside", 4).wait(60).heard("outside", 1, rssi_cdbm=-3000).fold()
    assert derived.crossings == []


def test_reads_of_both_sides_mixed_declare_nothing() -> None:
    reads = Reads().heard("inside", 4)
    for _ in range(20):
        reads.heard("outside").heard("inside")
    assert reads.fold()[1].crossings == []


def test_going_out_and_coming_back_are_two_crossings() -> None:
    reads = Reads().heard("inside", 4).wait(8).heard("outside", 20).wait(8).heard("inside", 4)
    assert directions(reads.fold()[1]) == [("out", True), ("in", True)]


def test_a_tag_heard_outside_long_after_it_was_inside_went_out_though_nobody_saw_the_direction() -> None:
    reads = Reads().heard("inside", 4).wait(3 * 86_400).heard("outside", 4)
    assert directions(reads.fold()[1]) == [("out", False)]


def test_a_unit_first_heard_inside_has_come_in_only_if_it_was_expected() -> None:
    reads = Reads().heard("inside", 4)
    assert directions(reads.fold()[1]) == []
    assert directions(reads.fold(expected_gate_id="gate")[1]) == [("in", False)]


def test_a_unit_lifted_inside_after_being_heard_outside_has_come_in() -> None:
    reads = Reads().heard("outside", 4).wait(120).lifted()
    track, derived = reads.fold()
    assert directions(derived) == [("in", False)]
    assert (track.is_inside, track.place) == (True, "vehicle")


def test_what_is_lifted_off_a_vehicle_before_a_door_comes_in_when_the_portal_hears_it() -> None:
    track, derived = Reads().lifted("outside").heard("outside", 2).wait(2).heard("inside", 3).fold()
    assert directions(derived) == [("in", True)]
    assert track.is_inside is True


def test_what_is_lifted_before_a_door_and_set_down_in_a_slot_has_come_in_unheard() -> None:
    reads = Reads().lifted("outside").wait(60).put("A01-01-1")
    assert directions(reads.fold(expected_gate_id="gate")[1]) == [("in", False)]


def test_what_went_out_through_a_door_is_loaded_there_without_being_seen_back() -> None:
    reads = Reads().lifted().put("A01-01-1").wait(600).lifted().wait(60).heard("inside", 3).wait(2)
    track, derived = reads.heard("outside", 3).wait(5).put(None, "vehicle", "outside").fold()
    assert directions(derived) == [("out", True)]
    assert (track.is_inside, track.seen_away) == (False, None)


def test_a_portal_that_is_in_doubt_and_a_forklift_before_its_door_tell_a_way_out_together() -> None:
    reads = Reads().put("A01-01-1").wait(600).lifted().wait(60).heard("inside", 3).heard("outside", 2)
    assert directions(reads.fold()[1]) == []
    track, derived = reads.wait(12).put(None, "vehicle", "outside").fold()
    [crossing] = derived.crossings
    assert (crossing.direction, crossing.is_direct, crossing.gate_id) == ("out", True, "gate")
    assert crossing.evidence_ids[-1] == reads.all[-1].observation_id
    assert (track.is_inside, track.slot_id) == (False, None)


def test_a_portal_that_heard_it_outside_long_ago_says_nothing_of_what_a_forklift_loads_now() -> None:
    reads = Reads().put("A01-01-1").wait(60).heard("outside").wait(600).lifted()
    assert directions(reads.put(None, "vehicle", "outside").fold()[1]) == []


def test_what_no_portal_heard_go_out_is_on_the_vehicle_it_was_loaded_on() -> None:
    track, derived = Reads().put("A01-01-1").wait(600).lifted().put(None, "vehicle", "outside").fold()
    assert directions(derived) == []
    assert (track.is_inside, track.place, track.slot_id) == (True, "vehicle", None)


def test_leaving_is_heard_after_an_entry_that_was_only_inferred() -> None:
    reads = Reads().heard("outside", 4).wait(120).lifted().wait(60).put("A01-01-1").wait(3600)
    reads.heard("inside", 4).wait(8).heard("outside", 4)
    assert directions(reads.fold()[1]) == [("in", False), ("out", True)]


def test_silence_ends_a_stay_and_the_next_reads_begin_another() -> None:
    _, derived = Reads().heard("inside", 4).wait(31).heard("inside", 4).fold()
    first, second = derived.stays.values()
    assert first.last_at < second.first_at


def test_a_set_down_puts_the_unit_in_its_slot_and_a_stray_read_does_not_take_it_out() -> None:
    reads = Reads().heard("outside", 4).wait(9).heard("inside", 4).wait(60).lifted().wait(30)
    track, _ = reads.put("A01-01-1").wait(600).heard("inside", 3).fold()
    assert (track.place, track.slot_id) == ("slot", "A01-01-1")
    assert set(track.seen) == {"tag", "position"}


def test_a_load_set_down_in_no_slot_is_where_its_zone_says() -> None:
    assert Reads().lifted().put(None, "floor").fold()[0].place == "floor"
    assert Reads().lifted().put(None, "staging").fold()[0].place == "staging"
    assert Reads().lifted().put(None, "vehicle").fold()[0].place == "vehicle"


def test_going_out_ends_what_position_said() -> None:
    track, _ = Reads().lifted().put("A01-01-1").wait(60).heard("inside", 4).wait(8).heard("outside", 4).fold()
    assert "position" not in track.seen
    assert track.slot_id is None


def test_evidence_of_a_long_stay_stays_short() -> None:
    _, derived = Reads().heard("inside", 500).fold()
    [stay] = derived.stays.values()
    assert len(stay.evidence_ids) <= 4
    assert stay.evidence_ids[-1] == "device:1:500"


def test_what_a_portal_saw_go_out_no_forklift_brings_back() -> None:
    reads = Reads().heard("outside", 4).wait(9).heard("inside", 4).lifted().wait(30).put("A01-01-1")
    reads.wait(600).heard("inside", 4).wait(8).heard("outside", 4).wait(300).lifted().wait(9).put("A01-01-1")
    track, derived = reads.fold()
    assert directions(derived) == [("in", True), ("out", True)]
    assert (track.is_inside, track.slot_id) == (False, None)
    assert set(track.seen) == {"tag"}
    assert track.seen_away is not None
    assert track.seen_away.observation_id == "device:1:19"


def test_a_portal_brings_back_what_it_saw_go_out_and_forgets_the_doubt() -> None:
    reads = Reads().heard("inside", 4).wait(8).heard("outside", 4).wait(60).put("A01-01-1")
    track, derived = reads.wait(60).heard("inside", 4).put("A01-01-2").fold()
    assert directions(derived) == [("out", True), ("in", True)]
    assert (track.is_inside, track.slot_id, track.seen_away) == (True, "A01-01-2", None)
