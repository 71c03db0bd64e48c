"""Reads of vehicles, barriers and weighbridges."""

from kernel.tx import ReadTx, Row
from twin.messages import BarrierRow, VehicleState, WeighbridgeRow

VEHICLE_COLUMNS = "vehicle_id, site_id, plate, epc_hex, state, gate_id, entered_at, left_at, gross_g, tare_g"
VEHICLE = f"SELECT {VEHICLE_COLUMNS} FROM twin.vehicle WHERE vehicle_id = %(vehicle_id)s"  # noqa: S608
PRESENT = f"""
    SELECT {VEHICLE_COLUMNS} FROM twin.vehicle
    WHERE site_id = %(site_id)s AND state IN ('approaching', 'inside', 'leaving') ORDER BY vehicle_id"""  # noqa: S608
BARRIERS = """
    SELECT DISTINCT ON (gate_id) gate_id, device_id, is_open, loop_occupied, observed_at AS at
    FROM twin.barrier_state WHERE site_id = %(site_id)s
    ORDER BY gate_id, observed_at DESC, observation_id DESC"""
WEIGHBRIDGES = """
    SELECT DISTINCT ON (weighbridge_id) weighbridge_id, vehicle_id, mass_g, weighed_at AS at
    FROM twin.weighing WHERE site_id = %(site_id)s
    ORDER BY weighbridge_id, weighed_at DESC, observation_id DESC"""


async def vehicle_state(read: ReadTx, vehicle_id: str) -> VehicleState | None:
    """See `twin.api.vehicle_state`."""
    row = await read.row(VEHICLE, {"vehicle_id": vehicle_id})
    return None if row is None else _vehicle(row)


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
