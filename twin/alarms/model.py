"""Grading what happens at a gate. Pure.

Two rules stand above all others: a single modality never goes beyond `check`, and `freeze` (which stops
money) needs a direction that both sides of the portal saw *and* a second, independent modality.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from twin.messages import GRADES, AlarmKind, Grade, Modality
from twin.visits.model import weights_agree

RELEASED_PER_UNREAD = 10
"""For so many released units one tag may stay unread at both antennas of a portal, and none of fewer, as at
the gate while goods are on hold: each alone misses three in a hundred, both together one in a thousand."""


class UnitOut(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that went out; `is_released` when a release covers unit, gate, vehicle and time.

    One that was not `is_heard_out` was heard with its vehicle by the inner antenna alone before that left.
    """

    unit_id: str
    lot_id: str
    crossed_at: datetime
    is_direct: bool
    is_released: bool
    expected_mass_g: int | None
    evidence_ids: list[str]
    is_heard_out: bool = True


class ExitMass(msgspec.Struct, frozen=True, kw_only=True):
    """What the vehicle weighs at the gate outwards, and weighed when it came in (None: never)."""

    exit_g: int
    exit_at: datetime
    exit_id: str
    entry_g: int | None
    entry_id: str | None


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """Something left over the loop under a boom that was not shut: its metal was felt there."""

    occupied_at: datetime
    evidence_ids: list[str]


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What may be aboard by release: all that is released to the vehicle, and the same without the units
    whose tags the portal heard on neither side. `is_over`: the vehicle stands at the gate no more;
    `has_left`: it went out over the loop."""

    heard_g: int
    released_g: int
    tag_count: int
    """Released units that bear a tag."""
    unread: dict[str, str]
    """Those of them that were not heard, each with its lot."""
    is_over: bool
    has_left: bool = False

    @property
    def is_read(self) -> bool:
        """No more tags are unread than now and then are."""
        return len(self.unread) <= self.tag_count // RELEASED_PER_UNREAD

    @property
    def is_told_apart(self) -> bool:
        """The scale can tell what was heard from all that is released."""
        return not weights_agree(self.released_g, self.heard_g)


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """An incident with its grade and why. `modalities` are the independent ones that agree."""

    kind: AlarmKind
    grade: Grade
    unit_ids: list[str]
    lot_ids: list[str]
    modalities: list[Modality]
    reasons: list[str]
    taken_g: int | None


def each_once(units: Sequence[UnitOut]) -> list[UnitOut]:
    """Each unit by one of its crossings, so that what comes to the boom twice does not weigh double: by one
    that nobody released if there is one, and by one whose direction was seen."""
    chosen: dict[str, UnitOut] = {}
    for unit in sorted(units, key=lambda unit: (unit.is_released, not unit.is_direct)):
        chosen.setdefault(unit.unit_id, unit)
    return [unit for unit in units if unit is chosen[unit.unit_id]]


def judge_gate(
    units: Sequence[UnitOut],
    mass: ExitMass | None,
    *,
    tolerance_g: int,
    passage: Passage | None = None,
    load: Load | None = None,
) -> Judgement | None:
    """Judge what goes out through a gate with one vehicle (or with none known).

    Unreleased units: `check` on tags alone, even with direction; `restrict` when direction was seen and a
    vehicle was weighed but its gain is not known, or when it gained but no direction was seen; `freeze`
    when both sides of the portal saw the direction *and* the vehicle is heavier than it came by at least
    half of the units' mass (and by more than the tolerance), or its gain is not known and something passed
    the loop under the boom that was not shut. What left with a vehicle and was never heard outside: `check`.
    Released units only, or none at all, but a gain that their `load` does not explain, or a load that left
    with many of its tags unread: `check`, since that is one modality alone.
    None: nothing to report.
    """
    unreleased = [unit for unit in units if not unit.is_released]
    taken_g = mass.exit_g - mass.entry_g if mass is not None and mass.entry_g is not None else None
    if not unreleased:
        return _judge_released(units, taken_g, load)
    if not any(unit.is_heard_out for unit in unreleased):
        return _judgement(
            "exit_without_release", "check", unreleased, ["tag"], ["left_with_vehicle"], taken_g
        )
    reasons = ["tags_out"]
    modalities: list[Modality] = ["tag"]
    grade: Grade = "check"
    is_direct = any(unit.is_direct for unit in unreleased)
    if is_direct:
        reasons.append("direction_seen")
    if taken_g is not None and taken_g >= _least_taken_g(unreleased, tolerance_g):
        reasons.append("vehicle_heavier")
        modalities.append("mass")
        grade = "freeze" if is_direct else "restrict"
    elif taken_g is None and passage is not None:
        reasons.append("loop_passed")
        modalities.append("position")
        grade = "freeze" if is_direct else "restrict"
    elif mass is not None and taken_g is None:
        reasons.append("vehicle_weighed")
        grade = "restrict" if is_direct else "check"
    return _judgement("exit_without_release", grade, unreleased, modalities, reasons, taken_g)


def _least_taken_g(units: Sequence[UnitOut], tolerance_g: int) -> int:
    """The least gain of the vehicle that says goods are on it: half their mass, above the scale's error."""
    return max(tolerance_g + 1, sum(unit.expected_mass_g or 0 for unit in units) // 2)


def _judge_released(units: Sequence[UnitOut], taken_g: int | None, load: Load | None) -> Judgement | None:
    if load is None:
        return None
    if units and taken_g is not None and _is_differing(taken_g, load):
        return _judgement("exit_mass_differs", "check", units, ["mass"], ["mass_differs"], taken_g)
    if load.is_read or not _may_hold_others(taken_g, load):
        return None
    modality: Modality = "position" if taken_g is None else "mass"
    return _judgement(
        "exit_mass_differs", "check", units, [modality], ["tags_unread"], taken_g, unread=load.unread
    )


def _is_differing(taken_g: int, load: Load) -> bool:
    """The scale agrees neither with what was heard nor with all that is released: tags are read one after
    another, and now and then one is not read at all."""
    return not weights_agree(taken_g, load.heard_g) and not weights_agree(taken_g, load.released_g)


def _may_hold_others(taken_g: int | None, load: Load) -> bool:
    """Whether other goods may be aboard in place of released ones that were not heard.

    Not when the scale says that what was not heard is not aboard. When it says that all of it is, once the
    vehicle stands there no more; when it cannot tell, once it has left.
    """
    if taken_g is None or not load.is_told_apart:
        return load.has_left
    if weights_agree(taken_g, load.heard_g):
        return False
    return load.is_over if weights_agree(taken_g, load.released_g) else load.has_left


def _judgement(
    kind: AlarmKind,
    grade: Grade,
    units: Sequence[UnitOut],
    modalities: list[Modality],
    reasons: list[str],
    taken_g: int | None,
    unread: Mapping[str, str] | None = None,
) -> Judgement:
    lots = {unit.unit_id: unit.lot_id for unit in units} | dict(unread or {})
    return Judgement(
        kind=kind,
        grade=grade,
        unit_ids=sorted(lots),
        lot_ids=sorted(set(lots.values())),
        modalities=modalities,
        reasons=reasons,
        taken_g=taken_g,
    )


def text_key_of(kind: AlarmKind, facts: Mapping[str, Any]) -> str:
    """The sentence of an alarm. Tags heard moving out before a shut boom have not left: whether the vehicle
    stands there, turned back or drove over the loop is told apart; so is a load that only its tags doubt."""
    if kind == "exit_mass_differs" and "tags_unread" in facts.get("reasons", ()):
        return f"alarm.{kind}_unread"
    outcome = facts.get("outcome")
    if kind == "exit_without_release" and outcome in ("returned", "left"):
        return f"alarm.{kind}_{outcome}"
    return f"alarm.{kind}"


def gravest(judgements: Iterable[Judgement | None]) -> int:
    """The place of the gravest of some judgements; of several that are alike that of the first."""
    ranks = [-1 if judged is None else GRADES.index(judged.grade) for judged in judgements]
    return ranks.index(max(ranks))


def grade_rises(before: Grade, now: Grade) -> bool:
    """True when `now` is graver than `before`."""
    return GRADES.index(now) > GRADES.index(before)
