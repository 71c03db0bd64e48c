"""Pure rules of freezing and thawing: which alarms count, which evidence thaws."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from kernel.errors import Conflict, Invalid
from kernel.messages import device_of
from twin.messages import Witness

EVIDENCE_MAX = 5_000
"""Observations in one thaw proposal: one for each unit that an alarm can name."""
SHOWN_MAX = 20
FREEZING_GRADE = "freeze"
TOLD = ("gate_id", "reason")
"""Facts of a freeze that the sentence of its reason needs in the facility's history."""


class Freeze(msgspec.Struct, frozen=True, kw_only=True):
    """Why a facility was frozen. `evidence` lists {observation_id, device_id, modality, at, summary};
    `position` is its place among all freezes, 0 before it is stored."""

    freeze_id: str
    facility_id: str
    alarm_id: str | None
    occurrence: int
    reason_key: str
    facts: dict[str, Any]
    unit_ids: tuple[str, ...]
    evidence: tuple[dict[str, Any], ...]
    frozen_at: datetime
    position: int = 0

    @property
    def newest_at(self) -> datetime:
        """What thawing evidence must be later than: the newest evidence here, else the freeze itself."""
        moments = [msgspec.convert(item["at"], datetime) for item in self.evidence if item.get("at")]
        return max(moments, default=self.frozen_at)


def next_occurrence(earlier: Sequence[Freeze], unit_ids: Sequence[str]) -> int | None:
    """Which occurrence of an alarm this is for a facility; None when it says nothing that is not known.

    The same alarm may be raised again, also late and repeatedly. It freezes anew only when it has come to
    concern pledged units that no earlier occurrence named.
    """
    if not earlier:
        return 1
    known = {unit_id for freeze in earlier for unit_id in freeze.unit_ids}
    return len(earlier) + 1 if set(unit_ids) - known else None


def evidence_from_ids(evidence_ids: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """What bare observation ids (`device:boot:sequence`) tell, when the alarm's own list is not there."""
    return tuple(
        {
            "observation_id": observation_id,
            "device_id": device_of(observation_id),
            "modality": None,
            "at": None,
            "summary": "",
        }
        for observation_id in evidence_ids
    )


def require_thawing_evidence(
    evidence_ids: Sequence[str], witnesses: Mapping[str, Witness], freezes: Sequence[Freeze]
) -> None:
    """A thaw rests on each observation named: what sensors have said of the pledged units since the freeze.

    `witnesses` are those that are of pledged units, by id; that newer ones were made since takes nothing from
    them.

    Invalid when none is named, too many are, or one is of nothing that is pledged; Conflict when one is not
    newer than what froze the facility, or does not show its units on site.
    """
    if not 1 <= len(evidence_ids) <= EVIDENCE_MAX:
        raise Invalid("thaw.evidence_count", field="evidence_ids", rule=f"1 to {EVIDENCE_MAX} observations")
    if unknown := [name for name in evidence_ids if name not in witnesses]:
        raise Invalid("thaw.evidence_unknown", field="evidence_ids", evidence_ids=unknown[:SHOWN_MAX])
    since = newer_than(freezes)
    if old := [name for name in evidence_ids if since is not None and witnesses[name].at <= since]:
        newer = since.isoformat() if since else None
        raise Conflict("thaw.evidence_old", newer_than=newer, evidence_ids=old[:SHOWN_MAX])
    if gone := [name for name in evidence_ids if not witnesses[name].shows_here]:
        raise Conflict("thaw.evidence_not_here", evidence_ids=gone[:SHOWN_MAX])


def require_lost(lost: Collection[str], pledged: Collection[str], here: Collection[str]) -> None:
    """What is given up as lost is pledged (Invalid otherwise) and is not placed on site by sensors, `here`
    (Conflict otherwise)."""
    if unknown := sorted(set(lost) - set(pledged)):
        raise Invalid("thaw.lost_unknown", field="lost_unit_ids", unit_ids=unknown[:SHOWN_MAX])
    if found := sorted(set(lost) & set(here)):
        raise Conflict("thaw.lost_are_here", unit_ids=found[:SHOWN_MAX], count=len(found))


def require_all_shown(
    evidence: Sequence[Witness], freezes: Sequence[Freeze], pledged: Collection[str]
) -> None:
    """Refuse, by Conflict, a thaw that says nothing of units that the facility was frozen for.

    Each of these that is still pledged is shown by some observation of the `evidence`; what was delivered or
    released since needs none.
    """
    frozen = {unit_id for freeze in freezes for unit_id in freeze.unit_ids}
    shown = {unit_id for witness in evidence for unit_id in witness.unit_ids}
    if missing := sorted((frozen & set(pledged)) - shown):
        raise Conflict("thaw.units_not_shown", unit_ids=missing[:SHOWN_MAX], count=len(missing))


def newer_than(freezes: Sequence[Freeze]) -> datetime | None:
    """What evidence that thaws must be newer than; None when nothing is frozen."""
    return max((freeze.newest_at for freeze in freezes), default=None)
