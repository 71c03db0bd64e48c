"""What a tag's sightings say: on which side of a gate it is, when it crossed, where the unit was put.

A left fold over sightings sorted by (observed_at, device, boot, sequence), so the result is a function of
the *set* of sightings. Later sightings continue a kept `Track`; an earlier one means folding again from its
base, a state that is kept a few sightings back, or from the start when it is older than that.

Side of a portal. Two states, outside and inside; each read by an antenna is evidence for its side. Belief is
kept as log-odds of *inside*:

    L <- L * exp(-dt / FORGET_S) +/- READS * ln(LIKELIHOOD_RATIO),   clamped to +/- LOG_ODDS_MAX

The decay says that a tag not heard for a while may have moved. A side is declared at 90 %. Both antennas
hear a tag in the overlap of their fields; the two kinds of read then cancel out and nothing is declared.
A crossing is a declared side that differs from where the tag was.

What is lifted off a vehicle or set down on one before the doors of a hall (`side` of a load) is outside:
which way it went through a door, the portal there tells, or where it is set down next.

What a portal saw go out, only a portal brings back: a forklift or another device that claims to see it
inside afterwards is one device against the gate. It is noted (`Track.seen_away`) and changes nothing.

Readers that a second party accepted and readers that none did are two witnesses: each has a belief of its own
at a gate, so that what the second say weighs nothing up that the first heard. What they say counts against
goods at once (`Track.hearsay`): they see a unit go out and bring none back. An exit that they alone saw is
told by the first as well, once these hear it outside; heard inside by them, the unit is back.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

Side = Literal["outside", "inside"]
SightingKind = Literal["tag", "picked_up", "set_down"]
Direction = Literal["in", "out"]

LIKELIHOOD_RATIO = 6.0
"""P(this antenna hears | tag on its side) / P(... | other side). A start value; back lobes and reflections
give one read in seven from the wrong side in a furnished hall."""
LIKELIHOOD_RATIO_STRONG = 8.0
"""The same for a strong read. One such read alone stays below the threshold: two are always needed."""
STRONG_CDBM = -5_000
"""A read at -50 dBm or above is strong: about two metres before the antenna."""
READS_COUNTED_MAX = 2
"""Reads merged in one report share their luck: a report counts as two at most."""
FORGET_S = 4.0
"""Time constant of the decay: a truck at walking pace needs about that long from field to field."""
LOG_ODDS_MAX = 3.3
"""Bound of the belief (96 %), so that two or three reads on the other side suffice to turn it."""
LOG_ODDS_DECLARED = math.log(0.9 / 0.1)
SILENCE = timedelta(seconds=30)
"""After this much silence a tag that is heard again begins a new stay."""
PASSAGE = timedelta(minutes=10)
"""Both sides within this time are one passage: the direction was seen, not inferred."""
TO_VEHICLE = timedelta(minutes=2)
"""From a door's portal onto the vehicle before it."""
EVIDENCE_KEPT = 3
"""Observation ids kept for each side of a portal."""
BEYOND_MAX = 16
"""Sightings folded on top of a base before the base moves on."""

Key = tuple[datetime, str, int, int]
"""The one order in which sightings are folded: moment, device, boot, sequence."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """One device saw one tag. Gate and side are resolved from the layout; so are place and slot."""

    observation_id: str
    device_id: str
    boot: int
    sequence: int
    observed_at: datetime
    epc_hex: str
    kind: SightingKind
    gate_id: str | None = None
    side: Side | None = None
    """Of a read, the antenna's; of a load, `outside` before the doors of a hall."""
    rssi_cdbm: int = 0
    seen_count: int = 1
    place: Literal["staging", "vehicle", "floor"] | None = None
    slot_id: str | None = None
    x_m: float | None = None
    y_m: float | None = None
    z_m: float | None = None
    is_accepted: bool = True
    """Its device was accepted by a second party then. One that was not shows movement, and is no evidence
    that the unit is here."""

    @property
    def key(self) -> Key:
        """Its place in the order of folding."""
        return (self.observed_at, self.device_id, self.boot, self.sequence)


StayKey = tuple[str, datetime, bool]
"""What tells the stays of a tag apart: gate, start, and whether the reader was accepted."""


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """The tag was on one side of a portal from its first to its last read there."""

    gate_id: str
    side: Side
    first_at: datetime
    last_at: datetime
    evidence_ids: list[str]
    is_accepted: bool = True
    """Heard by a reader that a second party had accepted; all reads of a stay are of the same kind."""

    @property
    def key(self) -> StayKey:
        return (self.gate_id, self.first_at, self.is_accepted)


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """The tag passed the gate; `is_direct` when both sides heard it within one passage."""

    gate_id: str
    direction: Direction
    crossed_at: datetime
    is_direct: bool
    evidence_ids: list[str]
    is_accepted: bool = True
    """Whether the reader that heard it was accepted by a second party then."""


class Seen(msgspec.Struct, frozen=True):
    """Last seen at, and by which observation."""

    at: datetime
    observation_id: str


class Hearing(msgspec.Struct, kw_only=True):
    """The filter of one tag at one gate, by readers that were accepted or by such that were not."""

    log_odds: float = 0.0
    heard_at: datetime | None = None
    side: Side | None = None
    """Declared in the present run of reads; None until then."""
    runs: dict[str, list[Seen]] = {}
    """First and latest reads by side since the other side was declared, at most `EVIDENCE_KEPT`."""
    stay_at: datetime | None = None
    last_side: Side | None = None
    last_side_at: datetime | None = None
    last_ids: list[str] = []


class Track(msgspec.Struct, kw_only=True):
    """The folded state of one tag. Changed in place by `fold`; kept as JSON between batches."""

    hearings: dict[str, Hearing] = {}
    """By gate, what readers heard that a second party had accepted."""
    hearsay: dict[str, Hearing] = {}
    """By gate, what readers heard that nobody had accepted."""
    is_inside: bool | None = None
    """None: never seen on site; False: outside or gone out."""
    gate_id: str | None = None
    inside_at: datetime | None = None
    away_at: datetime | None = None
    """When a portal saw it go out; None while it is inside or was never seen going out."""
    is_exit_hearsay: bool = False
    """Only a reader that nobody had accepted saw it go out so far."""
    seen_away: Seen | None = None
    """The first time another device claimed to see it inside while it was out."""
    place: Literal["slot", "staging", "floor", "gate", "vehicle", "unknown"] = "unknown"
    slot_id: str | None = None
    x_m: float | None = None
    y_m: float | None = None
    z_m: float | None = None
    placed_at: datetime | None = None
    seen: dict[str, Seen] = {}
    """By modality, since it last came in."""
    last_seen_at: datetime | None = None


class Derived(msgspec.Struct, kw_only=True):
    """What a fold brought to light: stays by key (a later one replaces), crossings, set-downs."""

    stays: dict[StayKey, Stay] = {}
    crossings: list[Crossing] = []
    set_down: list[Sighting] = []


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """A track through a moment, with every sighting of that moment and before it."""

    at: datetime
    track: Track


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A tag's track as it is kept: folded `through` a sighting, `beyond` of them on top of the base."""

    track: Track
    through: Key
    beyond: int
    base: Base | None = None
    """Where the base has moved to; None for the start."""
    has_base_moved: bool = False


def open_stays(track: Track) -> dict[StayKey, Stay]:
    """The stays of a track that its next sighting may prolong, as they stand."""
    found: dict[StayKey, Stay] = {}
    for hearings, is_accepted in ((track.hearings, True), (track.hearsay, False)):
        for gate_id, hearing in hearings.items():
            side, first_at, last_at = hearing.side, hearing.stay_at, hearing.last_side_at
            if side is None or first_at is None or last_at is None:
                continue
            if hearing.last_side == side and last_at >= first_at:
                stay = Stay(
                    gate_id=gate_id,
                    side=side,
                    first_at=first_at,
                    last_at=last_at,
                    evidence_ids=[seen.observation_id for seen in hearing.runs.get(side, [])],
                    is_accepted=is_accepted,
                )
                found[stay.key] = stay
    return found


def fold(
    track: Track,
    sightings: Iterable[Sighting],
    derived: Derived | None = None,
    *,
    expected_gate_id: str | None = None,
) -> Derived:
    """Continue `track` and what was `derived` before (both in place) with sightings, sorted by `key`.

    `expected_gate_id`: a gate of the site when the unit is announced for delivery, so that its first sight
    inside means that it came in (through that gate when no other heard it); None for other tags.
    """
    derived = derived or Derived()
    for sighting in sightings:
        if sighting.kind == "tag":
            _fold_tag(track, sighting, derived, expected_gate_id)
        else:
            _fold_load(track, sighting, derived, expected_gate_id)
        track.last_seen_at = sighting.observed_at
    return derived


def fold_on(
    start: Base | None,
    beyond: int,
    sightings: Sequence[Sighting],
    first_new_at: datetime | None,
    *,
    expected_gate_id: str | None = None,
) -> tuple[Kept, Derived]:
    """Fold sightings, sorted and all that there are after `start`, which is changed; None: from the start.

    `beyond` sightings lie between the base and `start`. When they become many the base moves to just before
    `first_new_at`, the moment of the first sighting that is new (None when none is): what comes next is
    rarely older than what came last. Raises ValueError for no sightings.
    """
    if not sightings:
        raise ValueError("a track is of sightings")
    track, at = (Track(), None) if start is None else (start.track, start.at)
    derived = Derived()
    base, has_moved, beyond = None, start is None, beyond + len(sightings)
    rest = sightings
    if beyond > BEYOND_MAX and first_new_at is not None:
        before = [sighting for sighting in sightings if sighting.observed_at < first_new_at]
        derived = fold(track, before, expected_gate_id=expected_gate_id)
        rest = sightings[len(before) :]
        at = before[-1].observed_at if before else at
        if at is not None and at < first_new_at:
            base, has_moved, beyond = Base(at=at, track=_copy(track)), True, len(rest)
    fold(track, rest, derived, expected_gate_id=expected_gate_id)
    kept = Kept(track=track, through=sightings[-1].key, beyond=beyond, base=base, has_base_moved=has_moved)
    return kept, derived


def _copy(track: Track) -> Track:
    return msgspec.json.decode(msgspec.json.encode(track), type=Track)


def _fold_tag(track: Track, read: Sighting, derived: Derived, expected_gate_id: str | None) -> None:
    if read.gate_id is None or read.side is None:
        if _is_believed_inside(track, read, derived, expected_gate_id):
            _count(track, "tag", read)
        return
    hearings = track.hearings if read.is_accepted else track.hearsay
    hearing = hearings.setdefault(read.gate_id, Hearing())
    _weigh(hearing, read)
    declared = _declared(hearing)
    if declared is not None and (declared != hearing.side or _settles_hearsay(track, read, declared)):
        _declare(track, hearing, read, declared, derived, expected_gate_id)
    if hearing.side is not None and hearing.side == read.side:
        _stay_on(hearing, read, derived)
    _count(track, "tag", read)


def _settles_hearsay(track: Track, read: Sighting, declared: Side) -> bool:
    """A reader that was accepted hears on which side it is after another alone has seen it go out."""
    return track.is_exit_hearsay and read.is_accepted and read.side == declared


def _count(track: Track, modality: str, sighting: Sighting) -> None:
    """The sighting is evidence of its modality, if a second party vouches for its device."""
    if sighting.is_accepted:
        track.seen[modality] = Seen(sighting.observed_at, sighting.observation_id)


def _weigh(hearing: Hearing, read: Sighting) -> None:
    """Decay the belief to the time of the read, then add the read."""
    if hearing.heard_at is not None:
        silence = read.observed_at - hearing.heard_at
        hearing.log_odds *= math.exp(-silence.total_seconds() / FORGET_S)
        if silence > SILENCE:
            hearing.side, hearing.runs = None, {}
    ratio = LIKELIHOOD_RATIO_STRONG if read.rssi_cdbm >= STRONG_CDBM else LIKELIHOOD_RATIO
    evidence = min(read.seen_count, READS_COUNTED_MAX) * math.log(ratio)
    signed = evidence if read.side == "inside" else -evidence
    hearing.log_odds = max(-LOG_ODDS_MAX, min(LOG_ODDS_MAX, hearing.log_odds + signed))
    hearing.heard_at = read.observed_at
    run = hearing.runs.setdefault(str(read.side), [])
    if run and read.observed_at - run[-1].at > SILENCE:
        run.clear()
    run.append(Seen(read.observed_at, read.observation_id))
    if len(run) > EVIDENCE_KEPT:
        del run[1]


def _declared(hearing: Hearing) -> Side | None:
    if hearing.log_odds >= LOG_ODDS_DECLARED:
        return "inside"
    return "outside" if hearing.log_odds <= -LOG_ODDS_DECLARED else None


def _declare(
    track: Track, hearing: Hearing, read: Sighting, side: Side, derived: Derived, expected_gate_id: str | None
) -> None:
    """The belief has settled on a side that is new in this run of reads, or was put into doubt.

    A portal that no second party vouches for does not bring back what has gone out.
    """
    if side == "inside" and track.away_at is not None and not read.is_accepted:
        return
    run = hearing.runs[side]
    if side == "inside" and track.is_inside is not True:
        if hearing.last_side == "outside":
            _cross(track, _heard_crossing(hearing, read, "in", [hearing]), derived)
        else:
            _first_inside(track, read, derived, expected_gate_id)
    elif side == "outside" and (track.is_inside is True or (track.is_exit_hearsay and read.is_accepted)):
        _cross(track, _heard_crossing(hearing, read, "out", _hearings_at(track, read.gate_id)), derived)
        track.is_exit_hearsay = not read.is_accepted
    elif side == "outside":
        track.is_inside = False
    hearing.side, hearing.stay_at = side, run[0].at
    hearing.runs = {side: run}
    track.gate_id = read.gate_id
    if track.place == "unknown":
        track.place = "gate"


def _hearings_at(track: Track, gate_id: str | None) -> list[Hearing]:
    return [hearings[gate_id] for hearings in (track.hearings, track.hearsay) if gate_id in hearings]


def _heard_crossing(
    hearing: Hearing, read: Sighting, direction: Direction, before: Sequence[Hearing]
) -> Crossing:
    """A crossing that this portal heard: direct when the other side heard it too, shortly before.

    `before` are the hearings by which it may have been there: of what goes out, whoever heard it inside.
    """
    assert read.gate_id is not None
    assert read.side is not None
    run = hearing.runs[read.side]
    came_from = "outside" if direction == "in" else "inside"
    there = [
        (heard.last_side_at, heard.last_ids)
        for heard in before
        if heard.last_side == came_from
        and heard.last_side_at is not None
        and run[0].at - heard.last_side_at <= PASSAGE
    ]
    ids = max(there)[1] if there else []
    return Crossing(
        gate_id=read.gate_id,
        direction=direction,
        crossed_at=read.observed_at,
        is_direct=bool(there),
        evidence_ids=[*ids, *(seen.observation_id for seen in run)],
        is_accepted=read.is_accepted,
    )


def _stay_on(hearing: Hearing, read: Sighting, derived: Derived) -> None:
    """The tag is heard on its declared side: the stay goes on."""
    assert hearing.side is not None
    assert hearing.stay_at is not None
    assert read.gate_id is not None
    ids = [seen.observation_id for seen in hearing.runs.get(hearing.side, [])]
    hearing.last_side, hearing.last_side_at, hearing.last_ids = (
        hearing.side,
        read.observed_at,
        ids[:1] + ids[-1:],
    )
    stay = Stay(
        gate_id=read.gate_id,
        side=hearing.side,
        first_at=hearing.stay_at,
        last_at=read.observed_at,
        evidence_ids=ids,
        is_accepted=read.is_accepted,
    )
    derived.stays[stay.key] = stay


def _cross(track: Track, crossing: Crossing, derived: Derived) -> None:
    derived.crossings.append(crossing)
    track.gate_id, track.place, track.slot_id = crossing.gate_id, "gate", None
    track.placed_at = crossing.crossed_at
    track.x_m = track.y_m = track.z_m = None
    track.seen.pop("position", None)
    track.seen_away, track.is_exit_hearsay = None, False
    if crossing.direction == "in":
        track.is_inside, track.inside_at, track.away_at = True, crossing.crossed_at, None
    else:
        track.is_inside, track.away_at, track.seen = False, crossing.crossed_at, {}


def _first_inside(track: Track, sighting: Sighting, derived: Derived, expected_gate_id: str | None) -> None:
    """Seen inside without having been heard outside: an announced unit has come in, another was here."""
    gate_id = sighting.gate_id or track.gate_id or expected_gate_id
    if gate_id is not None and (expected_gate_id is not None or track.is_inside is False):
        inferred = Crossing(
            gate_id=gate_id,
            direction="in",
            crossed_at=sighting.observed_at,
            is_direct=False,
            evidence_ids=[sighting.observation_id],
            is_accepted=sighting.is_accepted,
        )
        _cross(track, inferred, derived)
    track.is_inside, track.inside_at, track.away_at = True, sighting.observed_at, None


def _is_believed_inside(
    track: Track, sighting: Sighting, derived: Derived, expected_gate_id: str | None
) -> bool:
    """A device within the site saw it: it has come in, unless a portal saw it go out and not come back."""
    if track.away_at is not None:
        track.seen_away = track.seen_away or Seen(sighting.observed_at, sighting.observation_id)
        return False
    if track.is_inside is not True:
        _first_inside(track, sighting, derived, expected_gate_id)
    return True


def _fold_load(track: Track, load: Sighting, derived: Derived, expected_gate_id: str | None) -> None:
    """A forklift lifted or set it down: load switch and position. Its fork reader adds no second modality.

    Before a door, off or onto a vehicle, that says neither that the unit came in nor that it is back; set
    down there, it went out where a portal has just heard it outside, even if that alone did not settle it.
    """
    if load.side == "outside" and (track.is_inside is not True or _settled_by_load(track, load, derived)):
        return
    if not _is_believed_inside(track, load, derived, expected_gate_id):
        return
    is_set_down = load.kind == "set_down"
    track.place = _place_of(load) if is_set_down else "vehicle"
    track.slot_id = load.slot_id if is_set_down else None
    track.x_m, track.y_m, track.z_m = load.x_m, load.y_m, load.z_m
    track.placed_at = load.observed_at
    _count(track, "position", load)
    if is_set_down:
        derived.set_down.append(load)


def _settled_by_load(track: Track, load: Sighting, derived: Derived) -> bool:
    """Portal and forklift together tell that a unit went out through a door."""
    if load.kind != "set_down":
        return False
    heard = [
        (hearing.runs["outside"], gate_id, hearing, is_accepted)
        for hearings, is_accepted in ((track.hearings, True), (track.hearsay, False))
        for gate_id, hearing in hearings.items()
        if hearing.runs.get("outside") and load.observed_at - hearing.runs["outside"][-1].at <= TO_VEHICLE
    ]
    if not heard:
        return False
    run, gate_id, hearing, is_accepted = max(heard, key=lambda of: (of[3], of[0][-1].at))
    inside = hearing.runs.get("inside", [])
    crossing = Crossing(
        gate_id=gate_id,
        direction="out",
        crossed_at=run[-1].at,
        is_direct=bool(inside),
        evidence_ids=[seen.observation_id for seen in (*inside[-1:], *run)] + [load.observation_id],
        is_accepted=is_accepted and load.is_accepted,
    )
    _cross(track, crossing, derived)
    track.is_exit_hearsay = not crossing.is_accepted
    hearing.side, hearing.stay_at, hearing.runs = "outside", run[0].at, {"outside": run}
    hearing.last_side, hearing.last_side_at = "outside", run[-1].at
    hearing.last_ids = [run[0].observation_id, run[-1].observation_id]
    return True


def _place_of(load: Sighting) -> Literal["slot", "staging", "floor", "vehicle"]:
    if load.slot_id is not None:
        return "slot"
    return load.place or "floor"
