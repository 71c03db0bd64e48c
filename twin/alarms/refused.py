"""Vehicles that left though the gate had refused them: whatever they carried, no reader heard it."""

from collections.abc import Sequence
from typing import Final

from kernel.tx import Tx
from twin.alarms import store
from twin.alarms.incidents import evidence, keep_unheard
from twin.messages import AlarmKind, VehicleLeft
from twin.visits.model import EVIDENCE_OF_PASS

KIND: Final[AlarmKind] = "exit_refused"


async def tell_left_refused(tx: Tx, left: VehicleLeft, refusal_key: str, lot_ids: Sequence[str]) -> None:
    """Raise one alarm for one leaving.

    `refusal_key` is what the gate says of the vehicle as it left, `lot_ids` are those of which something may
    be aboard. The loop alone saw it go: one modality.
    """
    plates = await store.plates(tx, [left.vehicle_id])
    told = [
        evidence(item, "position", left.left_at, "loop passed, gate had refused")
        for item in left.evidence_ids[-EVIDENCE_OF_PASS:]
    ]
    await keep_unheard(
        tx,
        left.site_id,
        left.gate_id,
        (left.left_at, left.left_at),
        kind=KIND,
        reason="left_refused",
        lot_ids=lot_ids,
        told=told,
        exit_g=left.mass_g,
        vehicle_id=left.vehicle_id,
        facts={"plate": plates.get(left.vehicle_id, ""), "refusal": refusal_key},
    )
