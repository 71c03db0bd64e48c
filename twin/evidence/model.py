"""How sure we are: presence of a unit, count and mass of a lot, where books and sensors differ. Pure.

Presence of one unit is odds of independent modalities multiplied:

    p = odds / (1 + odds),  odds = product of LIKELIHOOD_RATIO[modality] over those that saw it inside

A unit no sensor has seen counts with p = 0, whatever the books say: books are claims.

The count of a lot is Poisson-binomial, mixed over shared shocks: with probability `SHOCK[modality]` a whole
modality is worthless (cloned tags, a scale set wrong), and the count is that of the others alone. The
interval holds 99 %, half of the rest on either side.

Its low, on which money is lent, counts only units that two independent modalities saw: a tag at a gate, a
weighing, a position. Two modalities told by one device are one, since one device can be made to tell both.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from kernel.messages import device_of
from twin.messages import MODALITIES, EvidenceLevel, Place
from twin.presence.model import Seen, Track

LIKELIHOOD_RATIO: dict[str, float] = {"tag": 30.0, "mass": 50.0, "position": 20.0, "sight": 20.0}
"""P(this evidence | goods here) / P(... | not here). Start values until a site's own are learnt: about one
tag in thirty is off its goods or was cleared too late; a net mass within 3 e and 0.5 % by chance one in
fifty; a fork's load switch with the wrong load or place one in twenty."""
SHOCK: dict[str, float] = {"tag": 0.002, "mass": 0.002, "position": 0.002, "sight": 0.005}
"""Probability that a modality as a whole is worthless at one moment."""
TAIL = 0.005
"""On each side of the 99 % interval."""
AGREEMENT_SHARE = 0.9
"""A modality agrees on a lot when it saw at least this share of the units counted for sure."""
INDEPENDENT_MIN = 2
"""Independent modalities that must have seen a unit before the low counts it."""
VERIFIED_PROBABILITY = 0.99
"""One unit is called verified from here on, which takes two modalities."""
SCALE_ERROR_G = 60_000
"""3 e of a 60 t road weighbridge: bound of the error of one weighing in service (OIML R 76-1)."""


# --- presence ------------------------------------------------------------------------------------


def presence_probability(modalities: Iterable[str]) -> float:
    """P(on site) of a unit that these modalities saw inside and that has not gone out since; 0 for none."""
    ratios = [LIKELIHOOD_RATIO[modality] for modality in modalities]
    odds = math.prod(ratios)
    return odds / (1 + odds) if ratios else 0.0


def independent_count(evidence_ids: Mapping[str, str]) -> int:
    """How many independent modalities saw a unit: as many as different devices told them."""
    if len(evidence_ids) <= 1:
        return len(evidence_ids)
    return len({device_of(observation_id) for observation_id in evidence_ids.values()})


def evidence_level(probability: float, modality_count: int) -> EvidenceLevel:
    """The word for it: claimed, seen or verified."""
    if modality_count == 0:
        return "claimed"
    is_verified = probability >= VERIFIED_PROBABILITY and modality_count >= INDEPENDENT_MIN
    return "verified" if is_verified else "seen"


class MassCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The latest agreeing difference of two weighings that this unit was part of."""

    check_key: str
    weighed_at: datetime
    observation_id: str
    measured_g: int
    expected_g: int
    unit_count: int


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """What is believed of one unit."""

    place: Place
    slot_id: str | None
    x_m: float | None
    y_m: float | None
    z_m: float | None
    is_here: bool
    probability: float
    level: EvidenceLevel
    modalities: dict[str, datetime]
    """Those that saw it since it came in; empty while it is not here."""
    evidence_ids: dict[str, str]
    mass_g: int | None
    last_seen_at: datetime | None
    gone_at: datetime | None
    seen_after_exit: Seen | None
    """The claim of a device within the site to have seen it after it was gone; it changes nothing."""


def presence_of(
    track: Track | None,
    check: MassCheck | None,
    left_at: datetime | None,
    expected_mass_g: int | None,
    unguarded_at: datetime | None = None,
    sight: Seen | None = None,
) -> Presence:
    """Believe one unit from its folded sightings, its weighing, and the last time its vehicle left.

    A unit that went out counts for nothing until a portal saw it come in again; then only what was seen
    since counts. The weighing alone may be older, when the barrier was shut all the while: the unit was
    never beyond it. `unguarded_at` is when it last came back otherwise. `sight` is that of the slot it was
    put into, when it vouches for it.
    """
    track = track or Track()
    came_back = left_at is None or (track.inside_at is not None and track.inside_at > left_at)
    is_here = track.is_inside is True and came_back
    seen = dict(track.seen)
    if check is not None and unguarded_at is not None and check.weighed_at <= unguarded_at:
        check = None
    if check is not None:
        seen["mass"] = Seen(check.weighed_at, check.observation_id)
    if sight is not None:
        seen["sight"] = sight
    valid = {m: found for m, found in seen.items() if is_here and (left_at is None or found.at > left_at)}
    probability = presence_probability(valid)
    gone_at = left_at if not came_back else (None if track.is_inside is not False else track.away_at)
    evidence_ids = {modality: found.observation_id for modality, found in sorted(valid.items())}
    level = "missing" if gone_at is not None else evidence_level(probability, independent_count(evidence_ids))
    has_left = not came_back
    return Presence(
        place="left" if has_left else track.place,
        slot_id=None if has_left else track.slot_id,
        x_m=track.x_m,
        y_m=track.y_m,
        z_m=track.z_m,
        is_here=is_here,
        probability=probability,
        level=level,
        modalities={modality: found.at for modality, found in sorted(valid.items())},
        evidence_ids=evidence_ids,
        mass_g=_share_g(check, expected_mass_g) if "mass" in valid else None,
        last_seen_at=max((found.at for found in seen.values()), default=None),
        gone_at=gone_at,
        seen_after_exit=_seen_after(track, gone_at),
    )


def _seen_after(track: Track, gone_at: datetime | None) -> Seen | None:
    """A fork or another device within the site saw it after it was gone: one device against the gate."""
    if gone_at is None:
        return None
    position = track.seen.get("position")
    return track.seen_away or (position if position is not None and position.at > gone_at else None)


def _share_g(check: MassCheck | None, expected_mass_g: int | None) -> int | None:
    """The unit's share of what was weighed: by its stated mass, else equal parts."""
    if check is None:
        return None
    if expected_mass_g is None or check.expected_g <= 0:
        return check.measured_g // check.unit_count
    return round(check.measured_g * expected_mass_g / check.expected_g)


# --- counts --------------------------------------------------------------------------------------


class CountInterval(msgspec.Struct, frozen=True):
    """Units at 99 %: low <= mid <= high."""

    low: int
    mid: int
    high: int


def poisson_binomial(probabilities: Mapping[float, int]) -> NDArray[np.float64]:
    """P(k of them) for k = 0..n, exact: `probabilities` maps p to how many units have it.

    Equal ones are binomial; the groups are convolved. Complexity O(n * groups).
    """
    pmf = np.ones(1)
    for p, count in sorted(probabilities.items()):
        pmf = np.convolve(pmf, _binomial(count, p))
    return pmf


def _binomial(count: int, p: float) -> NDArray[np.float64]:
    if p <= 0.0 or p >= 1.0:
        pmf = np.zeros(count + 1)
        pmf[0 if p <= 0.0 else count] = 1.0
        return pmf
    k = np.arange(count + 1)
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, count + 1)))))
    log_choose = log_factorial[count] - log_factorial[k] - log_factorial[count - k]
    pmf = np.exp(log_choose + k * math.log(p) + (count - k) * math.log1p(-p))
    return np.asarray(pmf / pmf.sum(), dtype=np.float64)


def count_interval(units: Iterable[frozenset[str]]) -> CountInterval:
    """The 99 % interval of how many are here; each unit is given by the modalities that saw it inside."""
    groups = Counter(units)
    total = sum(groups.values())
    used = sorted(set().union(*groups)) if groups else []
    mixed = np.zeros(total + 1)
    for failed in _subsets(used):
        weight = math.prod(SHOCK[m] if m in failed else 1 - SHOCK[m] for m in used)
        chances: Counter[float] = Counter()
        for modalities, count in groups.items():
            chances[presence_probability(modalities - failed)] += count
        mixed += weight * poisson_binomial(chances)
    cumulative = np.cumsum(mixed)
    low = int(np.searchsorted(cumulative, TAIL, side="right"))
    mid = int(np.searchsorted(cumulative, 0.5, side="left"))
    high = int(np.searchsorted(cumulative, 1 - TAIL, side="left"))
    return CountInterval(low, max(low, min(mid, total)), max(low, mid, min(high, total)))


def _subsets(items: Sequence[str]) -> Iterable[frozenset[str]]:
    sizes = (itertools.combinations(items, size) for size in range(len(items) + 1))
    return map(frozenset, itertools.chain.from_iterable(sizes))


# --- lots ----------------------------------------------------------------------------------------


class UnitSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A unit as a lot counts it: the modalities that saw it inside, each when and by which observation."""

    unit_id: str
    modalities: dict[str, datetime]
    evidence_ids: dict[str, str]
    mass_g: int | None = None
    """Its share of a net mass that was weighed; None when it never crossed a scale."""
    weighing: str | None = None
    """The check the mass comes from: units of one check share one error."""


class LotEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What sensors vouch for of a lot. See `twin.messages.VerifiedStock`."""

    count: CountInterval
    mass_g_low: int | None
    mass_g_mid: int | None
    mass_g_high: int | None
    modalities: dict[str, datetime]
    as_of: datetime | None


def lot_evidence(units: Sequence[UnitSeen]) -> LotEvidence:
    """Count, mass and agreeing modalities of the units of one lot."""
    seen = [unit for unit in units if unit.modalities]
    sure = [unit for unit in seen if independent_count(unit.evidence_ids) >= INDEPENDENT_MIN]
    whole = count_interval(frozenset(unit.modalities) for unit in seen)
    low = count_interval(frozenset(unit.modalities) for unit in sure).low
    mid = max(low, whole.mid)
    count = CountInterval(low, mid, max(mid, whole.high))
    low_g, mid_g, high_g = _mass_interval(seen, sure, count)
    moments = [at for unit in seen for at in unit.modalities.values()]
    return LotEvidence(
        count=count,
        mass_g_low=low_g,
        mass_g_mid=mid_g,
        mass_g_high=high_g,
        modalities=_agreeing(sure, low),
        as_of=max(moments, default=None),
    )


def _agreeing(seen: Sequence[UnitSeen], low: int) -> dict[str, datetime]:
    """Modalities that saw enough of the units counted for sure, each with the moment of its stalest unit."""
    agreeing: dict[str, datetime] = {}
    for modality in MODALITIES:
        moments = [unit.modalities[modality] for unit in seen if modality in unit.modalities]
        if low > 0 and len(moments) >= AGREEMENT_SHARE * low:
            agreeing[modality] = min(moments)
    return agreeing


def _mass_interval(
    seen: Sequence[UnitSeen], sure: Sequence[UnitSeen], count: CountInterval
) -> tuple[int | None, int | None, int | None]:
    """Mass of the weighed units: the count interval over their masses, and the scale's error.

    Each check rests on two weighings, so its error is sqrt(2) x 3 e; errors of checks are independent and
    add in quadrature. Units never weighed add nothing.
    """
    weighed = sorted(unit.mass_g for unit in seen if unit.mass_g is not None)
    if not weighed:
        return None, None, None
    checks = {unit.weighing for unit in seen if unit.mass_g is not None}
    error_g = round(SCALE_ERROR_G * math.sqrt(2 * len(checks)))
    weighed_sure = sorted(unit.mass_g for unit in sure if unit.mass_g is not None)
    counted = max(0, count.low - (len(sure) - len(weighed_sure)))
    low_g = max(0, sum(weighed_sure[:counted]) - error_g)
    probabilities = [presence_probability(unit.modalities) for unit in seen if unit.mass_g is not None]
    masses = [unit.mass_g for unit in seen if unit.mass_g is not None]
    mid_g = round(sum(p * mass for p, mass in zip(probabilities, masses, strict=True)))
    high_g = sum(weighed[len(weighed) - min(count.high, len(weighed)) :]) + error_g
    return low_g, max(low_g, mid_g), max(high_g, mid_g)


# --- discrepancies -------------------------------------------------------------------------------


DiscrepancyKind = Literal["missing", "wrong_place", "unexpected", "mass"]


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True):
    """Books and sensors disagree about a unit: what kind, from which cause, since when."""

    kind: DiscrepancyKind
    cause: str
    since: datetime
    facts: dict[str, str | int | None]


class UnitBelief(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to compare one unit's books with what was seen."""

    claimed_slot_id: str | None
    claimed_at: datetime | None
    seen_place: str
    seen_slot_id: str | None
    seen_at: datetime | None
    placed_at: datetime | None
    gone_at: datetime | None
    is_released: bool
    delivery_done_at: datetime | None
    """When the vehicle of the unit's delivery had left; None while it is here or none was announced."""
    mass_differs_at: datetime | None
    """When its delivery was weighed and the net mass disagreed; None when it agreed or was not weighed."""
    seen_after_exit: Seen | None = None
    """A device within the site claimed to see it after it was gone."""


def discrepancies_of(unit: UnitBelief) -> list[Discrepancy]:
    """Where the books and the sensors disagree about this unit; empty when they agree."""
    found = [_missing(unit) if unit.seen_at is None or unit.gone_at is not None else _misplaced(unit)]
    if unit.mass_differs_at is not None and unit.delivery_done_at is not None:
        found.append(_differs("mass", "net_mass_differs", unit.mass_differs_at, unit))
    if unit.seen_after_exit is not None:
        seen = _differs("unexpected", "seen_after_exit", unit.seen_after_exit.at, unit)
        seen.facts["observation_id"] = unit.seen_after_exit.observation_id
        found.append(seen)
    return [item for item in found if item is not None]


def _missing(unit: UnitBelief) -> Discrepancy | None:
    """The books have it here; no sensor has."""
    if unit.gone_at is not None:
        return None if unit.is_released else _differs("missing", "gone_without_release", unit.gone_at, unit)
    if unit.delivery_done_at is not None:
        return _differs("missing", "announced_not_seen", unit.delivery_done_at, unit)
    if unit.claimed_slot_id is not None and unit.claimed_at is not None:
        return _differs("missing", "claimed_never_seen", unit.claimed_at, unit)
    return None


def _misplaced(unit: UnitBelief) -> Discrepancy | None:
    """It is here, but not where the books say, or the books say it has left."""
    assert unit.seen_at is not None
    if unit.claimed_at is None:
        return None
    if unit.claimed_slot_id is None:
        is_later = unit.seen_at > unit.claimed_at
        return _differs("unexpected", "seen_after_departure", unit.seen_at, unit) if is_later else None
    if unit.placed_at is None or unit.seen_place not in {"slot", "staging", "floor"}:
        return None
    if unit.seen_slot_id == unit.claimed_slot_id:
        return None
    cause = "moved_after_claim" if unit.placed_at > unit.claimed_at else "claimed_after_seen"
    return _differs("wrong_place", cause, max(unit.placed_at, unit.claimed_at), unit)


def _differs(kind: DiscrepancyKind, cause: str, since: datetime, unit: UnitBelief) -> Discrepancy:
    facts: dict[str, str | int | None] = {
        "claimed_slot_id": unit.claimed_slot_id,
        "seen_slot_id": unit.seen_slot_id,
        "seen_place": unit.seen_place,
    }
    return Discrepancy(kind=kind, cause=cause, since=since, facts=facts)
