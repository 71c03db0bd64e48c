"""Properties of the pure models: intervals are ordered, evidence only helps, a fold may pause anywhere."""

from datetime import timedelta
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import START
from twin.evidence.model import (
    UnitSeen,
    count_interval,
    lot_evidence,
    presence_probability,
)
from twin.messages import MODALITIES
from twin.presence.model import BEYOND_MAX, Base, Derived, Sighting, Stay, Track, fold, fold_on, open_stays
from twin.visits.model import Pass, Weighing, fold_visits

modality_sets = st.frozensets(st.sampled_from(MODALITIES))


@given(st.lists(modality_sets, max_size=40))
def test_low_mid_and_high_are_ordered_and_within_the_units_seen(units: list[frozenset[str]]) -> None:
    count = count_interval(units)
    assert 0 <= count.low <= count.mid <= count.high <= sum(1 for unit in units if unit)


@given(st.lists(modality_sets, min_size=1, max_size=30), st.sampled_from(MODALITIES), st.data())
def test_more_evidence_never_lowers_the_count_and_less_never_raises_it(
    units: list[frozenset[str]], modality: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(units) - 1))
    richer = [*units[:place], units[place] | {modality}, *units[place + 1 :]]
    assert count_interval(richer).low >= count_interval(units).low
    assert presence_probability(richer[place]) >= presence_probability(units[place])


@given(st.lists(modality_sets, max_size=30), st.integers(0, 30))
def test_units_that_only_the_books_know_change_no_count(units: list[frozenset[str]], claimed: int) -> None:
    assert count_interval([*units, *[frozenset[str]()] * claimed]) == count_interval(units)


@given(
    st.lists(
        st.tuples(modality_sets, st.none() | st.integers(1_000, 2_000_000), st.sampled_from(["a", "b"])),
        max_size=20,
    )
)
def test_the_mass_interval_is_ordered(rows: list[tuple[frozenset[str], int | None, str]]) -> None:
    units = [
        UnitSeen(
            unit_id=f"u{number}",
            modalities=dict.fromkeys(sorted(modalities), START),
            evidence_ids={},
            mass_g=mass_g,
            weighing=check if mass_g is not None else None,
        )
        for number, (modalities, mass_g, check) in enumerate(rows)
    ]
    evidence = lot_evidence(units)
    if evidence.mass_g_low is None:
        assert not any(unit.mass_g is not None and unit.modalities for unit in units)
        return
    assert evidence.mass_g_mid is not None
    assert evidence.mass_g_high is not None
    assert 0 <= evidence.mass_g_low <= evidence.mass_g_mid <= evidence.mass_g_high


def _sighting(number: int, drawn: tuple[str, float, int]) -> Sighting:
    kind, seconds, strength = drawn
    values: dict[str, object] = {
        "observation_id": f"d:1:{number}",
        "device_id": "d",
        "boot": 1,
        "sequence": number,
        "observed_at": START + timedelta(seconds=seconds),
        "epc_hex": "3115A537C8B2D05E00000000",
        "kind": kind if kind in {"picked_up", "set_down"} else "tag",
        "rssi_cdbm": strength,
    }
    if kind in {"outside", "inside"}:
        values |= {"gate_id": "gate", "side": kind}
    if kind == "set_down":
        values |= {"slot_id": "A01-01-1", "x_m": 1.0, "y_m": 2.0, "z_m": 0.0}
    return msgspec.convert(values, Sighting)


sightings = st.lists(
    st.tuples(
        st.sampled_from(["outside", "inside", "outside", "inside", "elsewhere", "picked_up", "set_down"]),
        st.floats(0, 900, allow_nan=False),
        st.integers(-8000, -3000),
    ),
    max_size=60,
).map(lambda drawn: sorted((_sighting(n, one) for n, one in enumerate(drawn, 1)), key=lambda s: s.key))


@settings(max_examples=150)
@given(sightings, st.integers(0, 60), st.booleans())
def test_a_fold_that_was_kept_as_json_and_continued_is_the_fold_of_all(
    seen: list[Sighting], pause: int, is_expected: bool
) -> None:
    gate = "gate" if is_expected else None
    whole, halves = Track(), Track()
    all_at_once = fold(whole, seen, expected_gate_id=gate)
    first = fold(halves, seen[:pause], expected_gate_id=gate)
    halves = msgspec.json.decode(msgspec.json.encode(halves), type=Track)
    second = fold(halves, seen[pause:], expected_gate_id=gate)
    assert halves == whole
    assert {**first.stays, **second.stays} == all_at_once.stays
    assert [*first.crossings, *second.crossings] == all_at_once.crossings


@settings(max_examples=300)
@given(sightings, st.floats(0, 900), st.sets(st.integers(0, 59)), st.booleans())
def test_a_late_sighting_folded_from_the_base_gives_the_fold_of_all(
    seen: list[Sighting], base_s: float, late: set[int], is_expected: bool
) -> None:
    """What was derived beyond the base is dropped, but a stay that was open there goes on from it."""
    gate = "gate" if is_expected else None
    base_at = START + timedelta(seconds=base_s)
    first = [sighting for sighting in seen if sighting.observed_at <= base_at]
    rest = [sighting for sighting in seen if sighting.observed_at > base_at]
    in_time = [sighting for number, sighting in enumerate(rest) if number not in late]
    track = Track()
    before = fold(track, first, expected_gate_id=gate)
    base = msgspec.json.encode(track)
    derived = fold(track, in_time, before, expected_gate_id=gate)
    if rest:
        start = Base(at=base_at, track=msgspec.json.decode(base, type=Track))
        resumed = open_stays(start.track)
        dropped = {key for key, stay in derived.stays.items() if stay.last_at > base_at}
        kept, again = fold_on(start, 0, rest, rest[0].observed_at, expected_gate_id=gate)
        stays = {key: stay for key, stay in derived.stays.items() if key not in dropped}
        derived.stays = {**stays, **{key: resumed[key] for key in resumed.keys() & dropped}, **again.stays}
        derived.crossings = [crossing for crossing in derived.crossings if crossing.crossed_at <= base_at]
        derived.crossings += again.crossings
        track = kept.track
    whole = Track()
    all_at_once = fold(whole, seen, expected_gate_id=gate)
    assert track == whole
    assert derived.stays == all_at_once.stays
    assert derived.crossings == all_at_once.crossings


@settings(max_examples=150)
@given(sightings, st.integers(1, 60), st.integers(1, 12))
def test_the_base_stays_near_and_is_the_fold_of_all_before_it(
    seen: list[Sighting], size: int, first_size: int
) -> None:
    """What is of one moment stays together, on one side of the base."""
    base, start, beyond = None, None, 0
    batches = [seen[:first_size], *(seen[n : n + size] for n in range(first_size, len(seen), size))]
    for batch in filter(None, batches):
        kept, _ = fold_on(start, beyond, batch, batch[0].observed_at)
        base = kept.base if kept.has_base_moved else base
        if start is None or start.at < batch[0].observed_at:
            assert kept.beyond <= max(BEYOND_MAX, len(batch))
        start, beyond = Base(at=kept.through[0], track=kept.track), kept.beyond
        before = [sighting for sighting in seen if base is not None and sighting.observed_at <= base.at]
        expected = Track()
        fold(expected, before)
        assert (Track() if base is None else base.track) == expected


@settings(max_examples=150)
@given(sightings, st.booleans())
def test_crossings_alternate_and_stays_are_short_of_words(seen: list[Sighting], is_expected: bool) -> None:
    derived: Derived = fold(Track(), seen, expected_gate_id="gate" if is_expected else None)
    directions = [crossing.direction for crossing in derived.crossings]
    assert all(one != two for one, two in pairwise(directions))
    stays = sorted(derived.stays.values(), key=lambda stay: stay.first_at)
    for stay in stays:
        assert stay.first_at <= stay.last_at
        assert 1 <= len(stay.evidence_ids) <= 4


def _stay(drawn: tuple[str, int, int]) -> Stay:
    side, first_s, length_s = drawn
    first_at = START + timedelta(seconds=first_s)
    values = {
        "gate_id": "gate",
        "side": side,
        "first_at": first_at,
        "last_at": first_at + timedelta(seconds=length_s),
        "evidence_ids": [f"r:1:{first_s}"],
    }
    return msgspec.convert(values, Stay)


stays = st.lists(
    st.tuples(st.sampled_from(["outside", "inside"]), st.integers(0, 4000), st.integers(0, 60)).map(_stay),
    max_size=12,
    unique_by=lambda stay: stay.first_at,
)
weighings = st.lists(st.integers(0, 4000), max_size=5, unique=True).map(
    lambda moments: [
        Weighing(
            observation_id=f"s:1:{second}",
            weighbridge_id="wb",
            gate_id="gate",
            mass_g=8_000_000 + second,
            weight_id=second,
            weighed_at=START + timedelta(seconds=second),
        )
        for second in moments
    ]
)
passes = st.lists(st.integers(0, 4000), max_size=5, unique=True).map(
    lambda moments: [
        Pass(
            gate_id="gate",
            occupied_at=START + timedelta(seconds=second),
            freed_at=START + timedelta(seconds=second + 3),
            evidence_ids=[f"b:1:{second}"],
        )
        for second in moments
    ]
)


@settings(max_examples=200)
@given(stays, weighings, passes, st.randoms())
def test_visits_are_a_function_of_the_set_and_follow_one_another(
    heard: list[Stay], weighed: list[Weighing], passed: list[Pass], shuffle: object
) -> None:
    visits = fold_visits("v", heard, weighed, passed)
    for items in (heard, weighed, passed):
        shuffle.shuffle(items)  # type: ignore[attr-defined]
    assert fold_visits("v", heard, weighed, passed) == visits
    for visit in visits:
        assert visit.left_at is None or visit.standings[-1].outcome == "left"
        assert visit.entered_at is None or visit.entered_at >= visit.began_at
        assert sum(standing.outcome == "left" for standing in visit.standings) <= 1
    starts = [visit.began_at for visit in visits]
    assert starts == sorted(starts)
    assert all(visit.left_at is not None or visit.standings for visit in visits[:-1])
