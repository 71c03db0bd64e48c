"""Commands of dispatch: releases. What happens at the gate is in `gate.py`."""

from datetime import timedelta

from kernel.errors import Conflict, Invalid, NotFound
from kernel.tx import Row, Tx
from twin import api as twin
from twin.messages import ExpectedDeparture
from wms.dispatch import store
from wms.dispatch.gate import decide_again
from wms.messages import (
    CancelRelease,
    ReleaseCancelled,
    ReleaseResult,
    ReleaseShipment,
    ShipmentReleased,
)
from wms.orders import store as orders
from wms.orders.handlers import lock_order, require_reason
from wms.stock.handlers import sees_site
from wms.visits import store as visits

VALID_MINUTES_MAX = 24 * 60


async def release_shipment(command: ReleaseShipment, tx: Tx) -> ReleaseResult:
    """Let everything that is picked for an order leave, and decide again for a vehicle that already waits.

    Conflict `orders.state` while picks are open, `releases.nothing_picked` when there is nothing to
    release (or it is under a live release); NotFound for an unknown gate or vehicle.
    """
    if not 1 <= command.valid_minutes <= VALID_MINUTES_MAX:
        raise Invalid("releases.validity", field="valid_minutes", rule=f"1 to {VALID_MINUTES_MAX}")
    vehicle = await visits.find_vehicle(tx, command.vehicle_id)
    if vehicle is not None:
        # The stay before the order, as at the gate: a vehicle may be leaving at this moment.
        await visits.lock_live(tx, vehicle["site_id"], command.vehicle_id)
    order = await lock_order(tx, command.order_id)
    if vehicle is None or vehicle["site_id"] != order["site_id"]:
        raise NotFound("vehicles.unknown", vehicle_id=command.vehicle_id)
    await _require_ready(tx, order)
    await _require_gate(tx, order["site_id"], command.gate_id)
    for release_id in await store.expire(tx, command.order_id):
        await twin.cancel_departure(tx, release_id)
    picked = await store.picked_of_order(tx, command.order_id)
    if not picked:
        raise Conflict("releases.nothing_picked", order_id=command.order_id)
    release = {
        "release_id": tx.ids.new("release"),
        "site_id": order["site_id"],
        "owner_party_id": order["owner_party_id"],
        "order_id": command.order_id,
        "gate_id": command.gate_id,
        "vehicle_id": command.vehicle_id,
        "expected_mass_g": sum(row["mass_g"] for row in picked),
        "valid_from": tx.now,
        "valid_until": tx.now + timedelta(minutes=command.valid_minutes),
        "issued_by": tx.caller.person_id,
    }
    await store.insert(tx, release, picked)
    return await _announce(tx, release, picked)


async def _announce(tx: Tx, release: Row, picked: list[Row]) -> ReleaseResult:
    """Tell the twin what may leave (tagged pallets; parcels carry no tag) and everybody that it may."""
    await twin.expect_departure(
        tx,
        ExpectedDeparture(
            release_id=release["release_id"],
            site_id=release["site_id"],
            gate_id=release["gate_id"],
            vehicle_id=release["vehicle_id"],
            unit_ids=sorted({row["unit_id"] for row in picked if row["kind"] == "pallet"}),
            valid_from=release["valid_from"],
            valid_until=release["valid_until"],
            mass_g=release["expected_mass_g"],
        ),
    )
    unit_ids = tuple(sorted({row["unit_id"] for row in picked}))
    tx.emit(
        ShipmentReleased(
            site_id=release["site_id"],
            release_id=release["release_id"],
            order_id=release["order_id"],
            gate_id=release["gate_id"],
            vehicle_id=release["vehicle_id"],
            unit_ids=unit_ids,
            valid_until=release["valid_until"],
            released_at=tx.now,
        )
    )
    await decide_again(tx, release["site_id"], release["vehicle_id"])
    return ReleaseResult(
        release_id=release["release_id"], unit_ids=unit_ids, valid_until=release["valid_until"]
    )


async def _require_ready(tx: Tx, order: Row) -> None:
    """Something is picked and no pick is open: a release is for a finished load."""
    lines = await orders.flowing_lines(tx, [order["order_id"]])
    if any(line["reserved_each"] for line in lines):
        raise Conflict(
            "orders.state", order_id=order["order_id"], state=order["state"], wanted=["ready", "short"]
        )


async def _require_gate(tx: Tx, site_id: str, gate_id: str) -> None:
    layout = await twin.layout_of(tx, site_id)
    if gate_id not in {gate.gate_id for gate in layout.gates}:
        raise NotFound("gates.unknown", gate_id=gate_id)


async def cancel_release(command: CancelRelease, tx: Tx) -> None:
    """Withdraw a release. Conflict `releases.state` once the gate has opened for it or it has ended."""
    require_reason(command.reason)
    release = await store.lock(tx, command.release_id)
    if release is None or not await sees_site(tx, release["site_id"]):
        raise NotFound("releases.unknown", release_id=command.release_id)
    if await store.set_state(tx, [command.release_id], ["issued"], "cancelled") == 0:
        raise Conflict("releases.state", release_id=command.release_id, state=release["state"])
    await store.end_reservations(tx, [command.release_id])
    await twin.cancel_departure(tx, command.release_id)
    tx.emit(
        ReleaseCancelled(
            site_id=release["site_id"],
            release_id=command.release_id,
            order_id=release["order_id"],
            reason=command.reason,
            cancelled_at=tx.now,
        )
    )
