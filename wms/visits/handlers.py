"""Expecting vehicles."""

from kernel.errors import Conflict
from kernel.tx import Tx
from twin import api as twin
from wms.messages import RegisterVisit, VisitExpected, VisitPurpose, VisitResult
from wms.stock.handlers import require_site
from wms.visits import store
from wms.visits.model import normal_plate, vehicle_epc


async def register_visit(command: RegisterVisit, tx: Tx) -> VisitResult:
    """Expect a vehicle at the gate. Conflict `visits.already_expected` while an earlier visit is live,
    `visits.vehicle_mismatch` when plate and tag belong to different vehicles, Invalid for a tag of goods."""
    await require_site(tx, command.site_id)
    return await open_visit(tx, command.site_id, command.plate, command.epc_hex, command.purpose)


async def open_visit(tx: Tx, site_id: str, plate: str, epc_hex: str, purpose: VisitPurpose) -> VisitResult:
    """The same, for other slices, in their transaction."""
    vehicle = await _known_vehicle(tx, site_id, normal_plate(plate), vehicle_epc(epc_hex))
    live = await store.lock_live(tx, site_id, vehicle["vehicle_id"])
    if live is not None:
        raise Conflict("visits.already_expected", visit_id=live["visit_id"], plate=live["plate"])
    visit = {**vehicle, "visit_id": tx.ids.new("visit"), "purpose": purpose}
    await store.insert(tx, visit)
    tx.emit(
        VisitExpected(
            site_id=site_id,
            visit_id=visit["visit_id"],
            vehicle_id=vehicle["vehicle_id"],
            plate=vehicle["plate"],
            purpose=purpose,
            expected_at=tx.now,
        )
    )
    return VisitResult(visit_id=visit["visit_id"], vehicle_id=vehicle["vehicle_id"])


async def _known_vehicle(tx: Tx, site_id: str, plate: str, epc_hex: str) -> dict[str, str]:
    """The vehicle with this plate and tag, entered (and declared to the twin) when it is new."""
    found = await store.lock_vehicle(tx, site_id, plate, epc_hex)
    vehicle = {"site_id": site_id, "plate": plate, "epc_hex": epc_hex}
    if not found:
        vehicle["vehicle_id"] = tx.ids.new("vehicle")
        await store.insert_vehicle(tx, vehicle)
        await twin.declare_vehicle(tx, vehicle["vehicle_id"], site_id, epc_hex, plate)
        return vehicle
    if len(found) > 1 or (found[0]["plate"], found[0]["epc_hex"]) != (plate, epc_hex):
        raise Conflict("visits.vehicle_mismatch", field="epc_hex", rule="one plate, one tag", plate=plate)
    return {**vehicle, "vehicle_id": found[0]["vehicle_id"]}
