"""The gate's decision, pure: open or stay shut for what stands there, and why.

Opening needs an expected vehicle on the way in. On the way out it needs tags and mass that agree with the
releases: two kinds of evidence that do not share a sensor. Goods of the same mass, with their tags hidden,
would pass for what is released if tags that ought to be heard were not asked for.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

SCALE_DIVISION_G = 20_000
"""e of the lane's weighbridge: 20 kg, class III (OIML R 76-1)."""
TOLERANCE_G_MIN = 3 * SCALE_DIVISION_G
TOLERANCE_PER_MILLE = 5
"""Declared masses are allowed to be off by 0.5 % of the load, and never less than 3 e."""
RELEASED_PER_UNREAD = 10
"""For so many released tagged pallets one tag may stay unread; while nothing is on hold begun tens count."""

VisitState = Literal["expected", "admitted", "leaving", "left", "cancelled"]


class AtGate(msgspec.Struct, frozen=True, kw_only=True):
    """What the twin sees at a gate. `mass_g` None before the vehicle was weighed on this approach."""

    site_id: str
    gate_id: str
    vehicle_id: str
    direction: Literal["in", "out"]
    unit_ids: list[str]
    unknown_epcs: list[str]
    mass_g: int | None
    entry_mass_g: int | None
    at: datetime
    evidence_ids: list[str]


class LiveVisit(NamedTuple):
    """`unloaded_g` is the declared mass of what this visit brought and is no longer aboard."""

    visit_id: str
    state: VisitState
    entry_mass_g: int | None
    unloaded_g: int = 0


class LiveRelease(NamedTuple):
    """A release for this vehicle that was not used yet; `unit_ids` has pallets and parcels, `tagged_ids`
    those of them that bear a tag, `untagged_g` is the part of `expected_mass_g` of the others."""

    release_id: str
    gate_id: str
    valid_from: datetime
    valid_until: datetime
    unit_ids: frozenset[str]
    expected_mass_g: int
    tagged_ids: frozenset[str] = frozenset()
    untagged_g: int = 0


class Held(NamedTuple):
    """Goods of the site are on hold: the mass of the lightest of them, and what the vehicle weighs empty by
    earlier stays or as keeper and banks agreed, the less of both; None where neither is known."""

    lightest_g: int
    empty_g: int | None


class Decision(NamedTuple):
    """`release_ids` are the releases that an open gate uses up."""

    opened: bool
    reason_key: str
    facts: dict[str, Any]
    release_ids: tuple[str, ...] = ()


def decide_gate(
    seen: AtGate,
    visit: LiveVisit | None,
    releases: Sequence[LiveRelease],
    now: datetime,
    held: Held | None = None,
) -> Decision:
    """Decide for one vehicle. Anything unexpected keeps the gate shut and says so; while goods are on hold
    (`held`) so does a load that could be other than it seems."""
    if seen.direction == "in":
        return _decide_in(visit)
    if visit is None or visit.state not in ("admitted", "leaving"):
        return _shut("gate.no_visit")
    if seen.unknown_epcs:
        return _shut("gate.unknown_tags", count=len(seen.unknown_epcs), epcs=seen.unknown_epcs[:10])
    valid = [release for release in releases if _refusal(release, seen, now) is None]
    extra = unreleased(seen, releases, now)
    if extra:
        return _shut(_why_not_released(extra, releases, seen, now), count=len(extra), unit_ids=extra[:10])
    return _decide_mass(seen, visit, valid, held)


def unreleased(seen: AtGate, releases: Sequence[LiveRelease], now: datetime) -> list[str]:
    """Units and unknown tags among what stands at a gate that no release lets out here and now."""
    valid = [release for release in releases if _refusal(release, seen, now) is None]
    released = {unit_id for release in valid for unit_id in release.unit_ids}
    return sorted(set(seen.unit_ids) - released) + sorted(seen.unknown_epcs)


def _decide_in(visit: LiveVisit | None) -> Decision:
    if visit is None:
        return _shut("gate.not_expected")
    if visit.state != "expected":
        return _shut("gate.already_inside")
    return Decision(True, "gate.expected", {"visit_id": visit.visit_id})


def _refusal(release: LiveRelease, seen: AtGate, now: datetime) -> str | None:
    """Why this release does not count here and now; None when it does."""
    if release.gate_id != seen.gate_id:
        return "gate.release_other_gate"
    if not release.valid_from <= now <= release.valid_until:
        return "gate.release_expired"
    return None


def _why_not_released(
    extra: Sequence[str], releases: Sequence[LiveRelease], seen: AtGate, now: datetime
) -> str:
    """The nearest reason: a release that names the goods but does not count, or none at all."""
    for release in releases:
        reason = _refusal(release, seen, now)
        if reason is not None and set(extra) <= release.unit_ids:
            return reason
    return "gate.not_released"


def _decide_mass(
    seen: AtGate, visit: LiveVisit, releases: Sequence[LiveRelease], held: Held | None
) -> Decision:
    """expected = mass at entry - what was unloaded + what is released. Heavier than that, beyond tolerance,
    stays; lighter stays only when goods are released, for then something released is missing."""
    if seen.mass_g is None:
        return _shut("gate.not_weighed")
    entry_g = _entry_g(seen, visit, held)
    if entry_g is None:
        return _shut("gate.no_entry_mass")
    load_g = sum(release.expected_mass_g for release in releases)
    expected_g = entry_g - visit.unloaded_g + load_g
    tolerance_g = tolerance_of(load_g + visit.unloaded_g)
    over_g = seen.mass_g - expected_g
    facts = {"mass_g": seen.mass_g, "expected_g": expected_g, "tolerance_g": tolerance_g}
    if over_g > tolerance_g:
        return Decision(False, "gate.too_heavy", facts)
    if releases and over_g < -tolerance_g:
        return Decision(False, "gate.too_light", facts)
    tagged = {unit_id for release in releases for unit_id in release.tagged_ids}
    unread = sorted(tagged - set(seen.unit_ids))
    if len(unread) > unread_max(len(tagged), is_held=held is not None):
        return _shut("gate.tags_unread", count=len(unread), unit_ids=unread[:10])
    doubt = None if held is None else _hides_goods(seen.mass_g, entry_g, visit, releases, held)
    release_ids = tuple(sorted(release.release_id for release in releases))
    return doubt or Decision(True, "gate.released" if releases else "gate.empty", facts, release_ids)


def _entry_g(seen: AtGate, visit: LiveVisit, held: Held | None) -> int | None:
    """What it weighed coming in. One that brought nothing was empty then: where nobody weighed it, what it
    weighed so before will do."""
    entry_g = seen.entry_mass_g if seen.entry_mass_g is not None else visit.entry_mass_g
    if entry_g is None and held is not None and visit.unloaded_g == 0:
        return held.empty_g
    return entry_g


def unread_max(tagged_count: int, *, is_held: bool) -> int:
    """How many released tags may stay unread: a portal misses one now and then. While goods are on hold one
    for each `RELEASED_PER_UNREAD`, and so never all: another pallet, its tag hidden, may be there instead."""
    whole = tagged_count // RELEASED_PER_UNREAD
    return whole if is_held else whole + (tagged_count % RELEASED_PER_UNREAD > 0)


def _hides_goods(
    mass_g: int, entry_g: int, visit: LiveVisit, releases: Sequence[LiveRelease], held: Held
) -> Decision | None:
    """Why a vehicle whose mass agrees may yet have a held pallet aboard, unheard; None when it has not.

    What it brought is known by notice alone: if that weighed more, so much more goes out unseen. Ballast left
    here does the same. Only its empty mass bounds it: of earlier stays, and of this one when it came empty.
    What it weighs above that and above what is released must be less than the lightest that is held, and so
    must goods without tags: nothing says what they are.
    """
    known = [] if held.empty_g is None else [held.empty_g]
    if visit.unloaded_g == 0:
        known.append(entry_g)
    if not known:
        return _shut("gate.never_weighed_empty", mass_g=mass_g)
    load_g = sum(release.expected_mass_g for release in releases)
    untagged_g = sum(release.untagged_g for release in releases)
    tolerance_g = tolerance_of(load_g)
    empty_g = min(known) + load_g
    over_g, room_g = mass_g - empty_g, room_of(held.lightest_g, tolerance_g)
    if over_g > room_g:
        return _shut("gate.heavier_than_empty", mass_g=mass_g, empty_g=empty_g, most_over_g=room_g)
    most_g = max(0, untagged_most_g(held.lightest_g, tolerance_g) - max(0, over_g))
    if untagged_g > most_g:
        return _shut("gate.untagged_load", untagged_g=untagged_g, untagged_most_g=most_g)
    return None


def room_of(lightest_g: int, tolerance_g: int) -> int:
    """How much heavier a vehicle may be than it was empty: half the lightest pallet on hold, for its tank may
    be as much emptier today, or what the scale may err by; less than that pallet, if any scale can tell it
    from nothing."""
    return max(min(max(tolerance_g, lightest_g // 2), lightest_g - 1), SCALE_DIVISION_G)


def untagged_most_g(lightest_g: int, tolerance_g: int) -> int:
    """How much may leave without a tag at once, so that with all that the scale may err by it is less than
    the lightest pallet on hold. Negative when the scale cannot tell that."""
    return min(lightest_g // 2, lightest_g - tolerance_g)


def tolerance_of(load_g: int) -> int:
    """How far a weighing may be from what was declared: 0.5 % of the load, at least 3 e."""
    return max(TOLERANCE_G_MIN, load_g * TOLERANCE_PER_MILLE // 1000)


def _shut(reason_key: str, **facts: Any) -> Decision:
    return Decision(False, reason_key, facts)
