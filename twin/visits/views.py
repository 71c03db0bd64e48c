"""Reads of vehicles, barriers and weighbridges."""

from datetime import datetime

import msgspec

from kernel.tx import ReadTx, Row, Tx
from twin.messages import BarrierRow, VehicleLeft, VehicleState, WeighbridgeRow
from twin.visits.model import LEAVES_WITHIN, Weighing

VEHICLE_COLUMNS = "vehicle_id, site_id, plate, epc_hex, state, gate_id, entered_at, left_at, gross_g, tare_g"
VEHICLE = f"SELECT {VEHICLE_COLUMNS} FROM twin.vehicle WHERE vehicle_id = %(vehicle_id)s"  # noqa: S608
PRESENT = f"""
    SELECT {VEHICLE_COLUMNS} FROM twin.vehicle
    WHERE site_id = %(site_id)s AND state IN ('approaching', 'inside', 'leaving') ORDER BY vehicle_id"""  # noqa: S608
GONE_UNHEARD = """
    SELECT s.site_id, s.gate_id, s.last_at AS left_at, s.unit_ids, s.weighing, s.evidence_ids
    FROM twin.standing s JOIN twin.vehicle v USING (vehicle_id)
    WHERE s.vehicle_id = %(vehicle_id)s AND v.state = 'leaving' AND s.direction = 'out'
        AND s.outcome = 'standing' AND s.crossed_at IS NOT NULL AND s.last_at <= %(before)s
    ORDER BY s.began_at DESC LIMIT 1"""
# The newest state of each gate and each bridge, found by one index look-up each however long their history
# is: the names are walked by a recursive query, since there is no index scan that skips.
BARRIERS = """
    WITH RECURSIVE gate AS (
        SELECT min(b.gate_id) AS gate_id FROM twin.barrier_state b WHERE b.site_id = %(site_id)s
        UNION ALL
        SELECT (
            SELECT min(b.gate_id) FROM twin.barrier_state b
            WHERE b.site_id = %(site_id)s AND b.gate_id > gate.gate_id
        ) FROM gate WHERE gate.gate_id IS NOT NULL
    )
    SELECT last.gate_id, last.device_id, last.is_open, last.loop_occupied, last.observed_at AS at
    FROM gate CROSS JOIN LATERAL (
        SELECT * FROM twin.barrier_state b WHERE b.site_id = %(site_id)s AND b.gate_id = gate.gate_id
        ORDER BY b.observed_at DESC, b.observation_id DESC LIMIT 1
    ) AS last ORDER BY last.gate_id"""
WEIGHBRIDGES = """
    WITH RECURSIVE bridge AS (
        SELECT min(w.weighbridge_id) AS weighbridge_id FROM twin.weighing w WHERE w.site_id = %(site_id)s
        UNION ALL
        SELECT (
            SELECT min(w.weighbridge_id) FROM twin.weighing w
            WHERE w.site_id = %(site_id)s AND w.weighbridge_id > bridge.weighbridge_id
        ) FROM bridge WHERE bridge.weighbridge_id IS NOT NULL
    )
    SELECT last.weighbridge_id, last.vehicle_id, last.mass_g, last.weighed_at AS at
    FROM bridge CROSS JOIN LATERAL (
        SELECT * FROM twin.weighing w
        WHERE w.site_id = %(site_id)s AND w.weighbridge_id = bridge.weighbridge_id
        ORDER BY w.weighed_at DESC, w.observation_id DESC LIMIT 1
    ) AS last ORDER BY last.weighbridge_id"""


async def vehicle_state(read: ReadTx, vehicle_id: str) -> VehicleState | None:
    """See `twin.api.vehicle_state`."""
    row = await read.row(VEHICLE, {"vehicle_id": vehicle_id})
    return None if row is None else _vehicle(row)


async def gone_unheard(tx: Tx, vehicle_id: str, before: datetime) -> VehicleLeft | None:
    """See `twin.api.gone_unheard`."""
    row = await tx.row(GONE_UNHEARD, {"vehicle_id": vehicle_id, "before": before})
    if row is None:
        return None
    weighing = msgspec.convert(row.pop("weighing"), Weighing | None)
    if weighing is not None and row["left_at"] - weighing.weighed_at >= LEAVES_WITHIN:
        weighing = None
    return VehicleLeft(
        **row,
        vehicle_id=vehicle_id,
        mass_g=None if weighing is None else weighing.mass_g,
        weight_id=None if weighing is None else weighing.weight_id,
        is_mass_accepted=weighing is None or weighing.is_accepted,
    )


async def vehicles(read: ReadTx, site_id: str) -> list[VehicleState]:
    """See `twin.api.vehicles`."""
    return [_vehicle(row) for row in await read.rows(PRESENT, {"site_id": site_id})]


async def barriers(read: ReadTx, site_id: str) -> list[BarrierRow]:
    """See `twin.api.barriers`."""
    return [BarrierRow(**row) for row in await read.rows(BARRIERS, {"site_id": site_id})]


async def weighbridges(read: ReadTx, site_id: str) -> list[WeighbridgeRow]:
    """See `twin.api.weighbridges`."""
    return [WeighbridgeRow(**row) for row in await read.rows(WEIGHBRIDGES, {"site_id": site_id})]


def _vehicle(row: Row) -> VehicleState:
    return VehicleState(**row)
