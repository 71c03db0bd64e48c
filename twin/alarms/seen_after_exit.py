"""Units that a device within the site claims to see after a gate saw them go out.

One device against the gate: the belief stays as it is, and a person has to look. Grade `check`, one alarm a
lot, withdrawn when the units came back through a gate.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from kernel.tx import Row, Tx
from twin.alarms import store
from twin.alarms.incidents import Incident, evidence, keep, withdraw
from twin.alarms.model import Judgement
from twin.messages import AlarmEvidence

KIND: Final = "seen_after_exit"
AROUND = timedelta(minutes=10)
"""Claims this close to an alarm are the same incident."""
EVIDENCE_KEPT = 40


async def judge_seen_after_exit(tx: Tx, site_id: str, unit_ids: Collection[str]) -> set[str]:
    """Keep one alarm for each lot of these units with such claims. Returns the units concerned."""
    by_lot = await store.seen_after_exit(tx, unit_ids)
    concerned: set[str] = set()
    kept: set[str] = set()
    for lot_id, claims in sorted(by_lot.items()):
        if claims:
            incident = _incident(lot_id, claims)
            where = {
                "site_id": site_id,
                "subject": lot_id,
                "vehicle_id": None,
                "first_at": incident.first_at - AROUND,
                "last_at": incident.last_at + AROUND,
                "unit_ids": incident.judgement.unit_ids,
            }
            concerned |= await keep(tx, site_id, where, incident, kept)
    active = await store.active_of(tx, site_id, KIND, by_lot)
    return concerned | await withdraw(tx, [row for row in active if row["alarm_id"] not in kept], None)


def _incident(lot_id: str, claims: Sequence[Row]) -> Incident:
    judgement = Judgement(
        kind=KIND,
        grade="check",
        unit_ids=sorted(claim["unit_id"] for claim in claims),
        lot_ids=[lot_id],
        modalities=["position"],
        reasons=[KIND],
        taken_g=None,
    )
    facts = {"units": len(claims), "reasons": judgement.reasons, "modalities": judgement.modalities}
    return Incident(
        judgement=judgement,
        subject=lot_id,
        gate_id=None,
        vehicle_id=None,
        first_at=min(claim["since"] for claim in claims),
        last_at=max(claim["since"] for claim in claims),
        facts=facts,
        evidence=[_evidence(claim) for claim in claims[:EVIDENCE_KEPT]],
    )


def _evidence(claim: Row) -> AlarmEvidence:
    return evidence(claim["observation_id"], "position", claim["since"], f"{claim['epc_hex']} inside")
