"""A barrier moved by a person's order: kept from letting goods out that nobody released, and recorded."""

from devices import api as devices
from kernel.errors import Conflict
from kernel.tx import Tx
from wms.dispatch import store
from wms.dispatch.barriers import gate_at, order_barrier, waiting_witnesses
from wms.dispatch.before import exit_alarms, goods_before, suspects_before
from wms.messages import BarrierMoved, GateOpenedByHand, MoveBarrierByHand
from wms.orders.handlers import require_reason
from wms.stock import store as stock


async def move_barrier_by_hand(command: MoveBarrierByHand, tx: Tx) -> BarrierMoved:
    """Queue an order of a person; an opening is kept as a decision of the gate, with who and why.

    Raises NotFound for a barrier the caller may not see, Conflict `barrier.no_gate`, `barrier.unwatched`,
    `barrier.refused_vehicle` and `barrier.goods_at_gate` for an opening. Closing is always allowed. The
    emergency exit is mechanical: it needs no order and nothing here keeps it shut.
    """
    require_reason(command.reason)
    barrier = await devices.place_of_device(tx, command.device_id, command.action)
    gate_id, decision_id = await gate_at(tx, barrier.site_id, barrier.mount_id), None
    if command.action == "open":
        if gate_id is None:
            # It guards something unknown.
            raise Conflict("barrier.no_gate", device_id=barrier.device_id)
        await _refuse_while_held(tx, barrier.site_id, gate_id)
        await _refuse_goods(tx, barrier.site_id, gate_id)
        decision_id = await _keep(tx, command, barrier.site_id, gate_id)
    cause = f"manual: {command.reason}"
    command_id = await order_barrier(
        tx, barrier.site_id, gate_id, command.device_id, command.action, cause, decision_id
    )
    return BarrierMoved(command_id=command_id)


async def _refuse_while_held(tx: Tx, site_id: str, gate_id: str) -> None:
    """While anything at the site is on hold: Conflict when what watches the gate is not accepted, for that
    nothing is seen before it would be the keeper's word alone; and when a vehicle stands before it that may
    have goods aboard which were not heard."""
    if not await stock.holds_anything(tx, site_id):
        return
    waiting = await waiting_witnesses(tx, site_id, gate_id)
    if waiting:
        raise Conflict("barrier.unwatched", gate_id=gate_id, mount_ids=waiting)
    suspects = await suspects_before(tx, site_id, gate_id)
    if suspects:
        raise Conflict("barrier.refused_vehicle", gate_id=gate_id, vehicle_ids=suspects)


async def _refuse_goods(tx: Tx, site_id: str, gate_id: str) -> None:
    """Conflict while an exit alarm of the gate is active, or goods without a release stand before it."""
    alarms = [alarm.alarm_id for alarm in await exit_alarms(tx, site_id, gate_id)]
    goods = await goods_before(tx, site_id, gate_id)
    if alarms or goods:
        raise Conflict(
            "barrier.goods_at_gate",
            gate_id=gate_id,
            count=len(goods),
            goods=goods[:10],
            alarm_ids=alarms[:10],
        )


async def _keep(tx: Tx, command: MoveBarrierByHand, site_id: str, gate_id: str) -> str:
    decision_id = str(tx.ids.new("decision"))
    facts = {"device_id": command.device_id, "reason": command.reason}
    await store.insert_by_hand(tx, decision_id, site_id, gate_id, facts)
    tx.emit(
        GateOpenedByHand(
            site_id=site_id,
            decision_id=decision_id,
            gate_id=gate_id,
            device_id=command.device_id,
            opened_by=tx.caller.person_id,
            reason=command.reason,
            opened_at=tx.now,
        )
    )
    return decision_id
