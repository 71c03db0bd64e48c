"""Vehicles that left though the gate had refused them: whatever they carried, no reader heard it."""

from collections.abc import Sequence
from typing import Final

from kernel.tx import Tx
from twin.alarms import store
from twin.alarms.incidents import Incident, keep
from twin.alarms.model import Judgement
from twin.messages import AlarmEvidence, VehicleLeft
from twin.visits.model import EVIDENCE_OF_PASS

KIND: Final = "exit_refused"


async def tell_left_refused(tx: Tx, left: VehicleLeft, refusal_key: str, lot_ids: Sequence[str]) -> None:
    """Raise one alarm of grade `check`, which names no unit, for one leaving.

    `refusal_key` is what the gate says of the vehicle as it left, `lot_ids` are those of which something may
    be aboard. The loop alone saw it go: one modality.
    """
    judgement = Judgement(
        kind=KIND,
        grade="check",
        unit_ids=[],
        lot_ids=sorted(lot_ids),
        modalities=["position"],
        reasons=["left_refused"],
        taken_g=None,
    )
    plates = await store.plates(tx, [left.vehicle_id])
    incident = Incident(
        judgement=judgement,
        subject=left.gate_id,
        gate_id=left.gate_id,
        vehicle_id=left.vehicle_id,
        first_at=left.left_at,
        last_at=left.left_at,
        facts={
            "gate_id": left.gate_id,
            "plate": plates.get(left.vehicle_id, ""),
            "units": 0,
            "reasons": judgement.reasons,
            "modalities": judgement.modalities,
            "exit_g": left.mass_g,
            "refusal": refusal_key,
            "outcome": "left",
        },
        evidence=[_evidence(left, item) for item in left.evidence_ids[-EVIDENCE_OF_PASS:]],
    )
    where = {
        "site_id": left.site_id,
        "subject": left.gate_id,
        "vehicle_id": left.vehicle_id,
        "first_at": left.left_at,
        "last_at": left.left_at,
        "unit_ids": [],
    }
    await keep(tx, left.site_id, where, incident)


def _evidence(left: VehicleLeft, observation_id: str) -> AlarmEvidence:
    return AlarmEvidence(
        observation_id=observation_id,
        device_id=observation_id.rsplit(":", 2)[0],
        modality="position",
        at=left.left_at,
        summary="loop passed, gate had refused",
    )
