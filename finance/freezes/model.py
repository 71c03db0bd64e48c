"""Pure rules of freezing and thawing: which alarms count, which evidence thaws."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

import msgspec

from kernel.errors import Conflict, Invalid

EVIDENCE_MAX = 200
"""Observations in one thaw proposal."""
SHOWN_MAX = 20
FREEZING_GRADE = "freeze"


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
            "device_id": observation_id.rsplit(":", 2)[0],
            "modality": None,
            "at": None,
            "summary": "",
        }
        for observation_id in evidence_ids
    )


def require_thawing_evidence(
    evidence_ids: Sequence[str],
    seen: Mapping[str, datetime],
    known: AbstractSet[str],
    freezes: Sequence[Freeze],
) -> None:
    """A thaw rests on what sensors say of the pledged lots now.

    `seen` maps the latest observation of each unit and modality to its time; `known` are other observations
    that the lots' evidence names.

    Invalid when none is named, too many are, or one is neither the lots' evidence nor the freeze's own;
    Conflict when nothing named is newer than what froze the facility.
    """
    if not 1 <= len(evidence_ids) <= EVIDENCE_MAX:
        raise Invalid("thaw.evidence_count", field="evidence_ids", rule=f"1 to {EVIDENCE_MAX} observations")
    frozen_on = {str(item["observation_id"]) for freeze in freezes for item in freeze.evidence}
    unknown = [name for name in evidence_ids if name not in seen and name not in known | frozen_on]
    if unknown:
        raise Invalid("thaw.evidence_unknown", field="evidence_ids", evidence_ids=unknown[:SHOWN_MAX])
    since = max((freeze.newest_at for freeze in freezes), default=None)
    newest = max((seen[name] for name in evidence_ids if name in seen), default=None)
    if newest is None or (since is not None and newest <= since):
        raise Conflict("thaw.evidence_old", newer_than=since.isoformat() if since else None)
