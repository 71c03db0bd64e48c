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
"""For so many released tagged pallets one tag may stay unread, as the twin has it, but never every one."""

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
    those of them that bear a tag."""

    release_id: str
    gate_id: str
    valid_from: datetime
    valid_until: datetime
    unit_ids: frozenset[str]
    expected_mass_g: int
    tagged_ids: frozenset[str] = frozenset()


class Decision(NamedTuple):
    """`release_ids` are the releases that an open gate uses up."""

    opened: bool
    reason_key: str
    facts: dict[str, Any]
    release_ids: tuple[str, ...] = ()


def decide_gate(
    seen: AtGate, visit: LiveVisit | None, releases: Sequence[LiveRelease], now: datetime
) -> Decision:
    """Decide for one vehicle. Anything unexpected keeps the gate shut and says so."""
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
    return _decide_mass(seen, visit, valid)


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


def _decide_mass(seen: AtGate, visit: LiveVisit, releases: Sequence[LiveRelease]) -> Decision:
    """expected = mass at entry - what was unloaded + what is released. Heavier than that, beyond tolerance,
    stays; lighter stays only when goods are released, for then something released is missing."""
    if seen.mass_g is None:
        return _shut("gate.not_weighed")
    entry_g = seen.entry_mass_g if seen.entry_mass_g is not None else visit.entry_mass_g
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
    if not is_plausible(len(unread), len(tagged)):
        return _shut("gate.tags_unread", count=len(unread), unit_ids=unread[:10])
    release_ids = tuple(sorted(release.release_id for release in releases))
    return Decision(True, "gate.released" if releases else "gate.empty", facts, release_ids)


def is_plausible(unread_count: int, tagged_count: int) -> bool:
    """Whether a portal may well have missed so many of the tags aboard: one in `RELEASED_PER_UNREAD`, begun
    tens counting, and at least one tag heard."""
    if tagged_count == 0:
        return True
    return unread_count < tagged_count and unread_count <= -(-tagged_count // RELEASED_PER_UNREAD)


def hides_goods(
    seen: AtGate, visit: LiveVisit, releases: Sequence[LiveRelease], empty_g: int | None, lightest_g: int
) -> Decision | None:
    """Why a vehicle whose mass agrees may yet have a held pallet aboard, unheard; None when it has not.

    What it brought is known by notice alone: if that weighed more, so much more goes out unseen. Only what
    the vehicle weighs empty bounds that: `empty_g`, from earlier stays, None when it never left here before.
    Fuel and crew change it by less than `lightest_g`, the mass of the lightest pallet on hold.
    """
    if releases and visit.unloaded_g == 0:
        return None
    if empty_g is None:
        return _shut("gate.never_weighed_empty", mass_g=seen.mass_g) if visit.unloaded_g > 0 else None
    load_g = sum(release.expected_mass_g for release in releases)
    tolerance_g = tolerance_of(load_g)
    most_g = empty_g + load_g + max(tolerance_g, lightest_g - tolerance_g)
    if seen.mass_g is None or seen.mass_g <= most_g:
        return None
    return _shut("gate.heavier_than_empty", mass_g=seen.mass_g, empty_g=empty_g + load_g)


def tolerance_of(load_g: int) -> int:
    """How far a weighing may be from what was declared: 0.5 % of the load, at least 3 e."""
    return max(TOLERANCE_G_MIN, load_g * TOLERANCE_PER_MILLE // 1000)


def _shut(reason_key: str, **facts: Any) -> Decision:
    return Decision(False, reason_key, facts)
