"""What happens at the gate: decisions, orders to the barrier, departures. Subscribers of twin and devices.

The desired state of a visit follows from the decision; the barrier is ordered only when it changes, so that
a repeated event orders nothing twice.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import get_args

import structlog

from devices.messages import BarrierAction, DeviceOrderConfirmed, DeviceOrderFailed
from kernel.tx import Row, Tx
from twin import api as twin
from twin.messages import (
    AlarmCleared,
    UnitCrossed,
    VehicleAtGate,
    VehicleLeft,
    VehicleTurnedBack,
    VehicleWeighed,
)
from wms.allocation import store as allocation
from wms.dispatch import store
from wms.dispatch.barriers import is_down, lower, order_barrier, order_gate, say_go, waiting_witnesses
from wms.dispatch.before import MAY_TAKE_GOODS, alarms_before, goods_before, suspects_before
from wms.dispatch.model import AtGate, Decision, Held, LiveRelease, LiveVisit, decide_gate
from wms.inbound import store as inbound
from wms.inbound.putaway import end_deliveries, plan_putaways
from wms.messages import (
    GateDecided,
    ShipmentDeparted,
    TareAnswered,
    TareWithdrawn,
    VehicleAdmitted,
    VisitExpected,
)
from wms.orders import store as orders
from wms.orders.handlers import refresh_states
from wms.stock import store as stock
from wms.stock.handlers import apply_moves, declare_places
from wms.stock.model import CUSTOMER, Goods, Move, Place
from wms.tares.agreed import agreed_g
from wms.visits import store as visits

BARRIER_TRIES_MAX = 20
"""Orders to a barrier that fail in a row before a person must look: about ten minutes of retries."""
PRESENCE_LASTS = timedelta(minutes=15)
"""What was seen at a gate longer ago is not decided upon again; the twin reports it anew when it moves."""

log = structlog.get_logger("gate")


async def on_vehicle_at_gate(event: VehicleAtGate, tx: Tx) -> None:
    """Decide for what stands at the gate."""
    seen = AtGate(
        site_id=event.site_id,
        gate_id=event.gate_id,
        vehicle_id=event.vehicle_id,
        direction=event.direction,
        unit_ids=event.unit_ids,
        unknown_epcs=event.unknown_epcs,
        mass_g=event.mass_g,
        entry_mass_g=event.entry_mass_g,
        at=event.at,
        evidence_ids=event.evidence_ids,
    )
    if await visits.find_vehicle(tx, seen.vehicle_id) is None:
        # The twin knows vehicles only from here; one that is not known was never expected.
        return
    await _decide(tx, seen, is_news=True)


async def on_visit_expected(event: VisitExpected, tx: Tx) -> None:
    """A vehicle that was announced only now may already stand at the gate."""
    await decide_again(tx, event.site_id, event.vehicle_id)


async def on_tare_changed(event: TareAnswered | TareWithdrawn, tx: Tx) -> None:
    """What a vehicle weighs empty was agreed on, or no more: it may stand at the gate."""
    await decide_again(tx, event.site_id, event.vehicle_id)


async def decide_again(tx: Tx, site_id: str, vehicle_id: str) -> None:
    """Decide upon what was last seen of the vehicle at a gate, if it is still fresh."""
    seen = await store.presence(tx, site_id, vehicle_id, tx.now - PRESENCE_LASTS)
    if seen is not None:
        await _decide(tx, seen, is_news=True)


async def on_unit_crossed_in(event: UnitCrossed, tx: Tx) -> None:
    """Goods that stood before a gate have turned back: who waits outside may come in."""
    if event.direction == "in":
        await _decide_waiting(tx, event.site_id)


async def on_vehicle_turned_back(event: VehicleTurnedBack, tx: Tx) -> None:
    """Who stood before the gate on its way out is in the yard again: who waits outside may come in."""
    await _decide_waiting(tx, event.site_id)


async def on_alarm_cleared(event: AlarmCleared, tx: Tx) -> None:
    """What kept a gate shut for who waits outside it may be over."""
    await _decide_waiting(tx, event.site_id)


async def _decide_waiting(tx: Tx, site_id: str) -> None:
    """Decide again for vehicles that wait to be let in. That is no news of where they are."""
    for seen in await store.waiting(tx, site_id, tx.now - PRESENCE_LASTS):
        await _decide(tx, seen, is_news=False)


async def _decide(tx: Tx, seen: AtGate, *, is_news: bool) -> None:
    visit = await visits.lock_live(tx, seen.site_id, seen.vehicle_id)
    if is_news:
        await store.keep_presence(tx, seen)
    releases = await store.lock_live_of_vehicle(tx, seen.site_id, seen.vehicle_id)
    live = await _live_visit(tx, visit, seen)
    held = await _held(tx, seen.site_id, seen.vehicle_id) if seen.direction == "out" else None
    decision = decide_gate(seen, live, [release for release, _ in releases], tx.now, held)
    if decision.opened:
        decision = await _doubt(tx, seen) or decision
    await _record(tx, seen, visit, decision)
    if visit is None:
        await lower(tx, seen.site_id, seen.gate_id, decision.reason_key, None)
    elif seen.direction == "in" and decision.opened:
        await _admit(tx, seen, visit)
    elif seen.direction == "out" and decision.opened:
        await _let_out(tx, seen, visit, decision)
    elif visit["state"] == "leaving":
        await _call_back(tx, seen, visit, releases)
    elif seen.direction == "out" or not _is_entering(visit):
        await lower(tx, seen.site_id, seen.gate_id, decision.reason_key, visit["visit_id"])


async def _held(tx: Tx, site_id: str, vehicle_id: str) -> Held | None:
    lightest_g = await stock.lightest_held_g(tx, site_id)
    if lightest_g is None:
        return None
    known = (await visits.empty_mass_g(tx, site_id, vehicle_id), await agreed_g(tx, site_id, vehicle_id))
    return Held(lightest_g, min((mass_g for mass_g in known if mass_g is not None), default=None))


async def _doubt(tx: Tx, seen: AtGate) -> Decision | None:
    """What keeps the gate shut though all that was seen agrees; None when nothing does.

    While anything at the site is on hold: a reader or a scale that no other party has accepted (which antenna
    looks outwards is the layout's word, and the keeper's). On the way in: goods that would go out under the
    raised boom, and while anything is on hold vehicles that may have such aboard.
    """
    is_held = await stock.holds_anything(tx, seen.site_id)
    if is_held:
        waiting = await waiting_witnesses(tx, seen.site_id, seen.gate_id)
        if waiting:
            return Decision(False, "gate.reader_not_accepted", {"mount_ids": waiting})
    if seen.direction == "in":
        goods = await goods_before(tx, seen.site_id, seen.gate_id)
        alarms = await alarms_before(tx, seen.site_id, seen.gate_id)
        if goods or alarms:
            facts = {"count": len(goods), "goods": goods[:10], "alarm_ids": alarms[:10]}
            return Decision(False, "gate.goods_at_gate", facts)
        suspects = await suspects_before(tx, seen.site_id, seen.gate_id) if is_held else []
        if suspects:
            facts = {"count": len(suspects), "vehicle_ids": suspects[:10]}
            return Decision(False, "gate.refused_at_gate", facts)
    return None


def _is_entering(visit: Row) -> bool:
    """Let in and not weighed since: as far as anybody knows the boom is up for it."""
    return visit["state"] == "admitted" and visit["entry_mass_g"] is None


async def _live_visit(tx: Tx, visit: Row | None, seen: AtGate) -> LiveVisit | None:
    if visit is None:
        return None
    unloaded_g = await inbound.unloaded_mass_g(tx, visit["visit_id"], seen.unit_ids)
    return LiveVisit(visit["visit_id"], visit["state"], visit["entry_mass_g"], unloaded_g)


async def _record(tx: Tx, seen: AtGate, visit: Row | None, decision: Decision) -> None:
    """Keep a decision that differs from the last one for this stay."""
    visit_id = visit["visit_id"] if visit else None
    last = await store.last_decision(tx, seen, visit_id)
    same = {"opened": decision.opened, "reason_key": decision.reason_key, "direction": seen.direction}
    if last == same:
        return
    decision_id = tx.ids.new("decision")
    await store.insert_decision(tx, decision_id, seen, visit_id, decision)
    tx.emit(
        GateDecided(
            site_id=seen.site_id,
            decision_id=decision_id,
            gate_id=seen.gate_id,
            vehicle_id=seen.vehicle_id,
            direction=seen.direction,
            opened=decision.opened,
            reason_key=decision.reason_key,
            release_ids=decision.release_ids,
            evidence_ids=tuple(seen.evidence_ids),
            decided_at=tx.now,
        )
    )


async def _admit(tx: Tx, seen: AtGate, visit: Row) -> None:
    if not await visits.admit(tx, visit["visit_id"]):
        return
    await inbound.mark_arrived(tx, visit["visit_id"])
    await order_gate(tx, seen.site_id, seen.gate_id, "open", "visit_expected", visit["visit_id"])
    tx.emit(
        VehicleAdmitted(
            site_id=seen.site_id,
            gate_id=seen.gate_id,
            visit_id=visit["visit_id"],
            vehicle_id=seen.vehicle_id,
            admitted_at=tx.now,
        )
    )


async def _let_out(tx: Tx, seen: AtGate, visit: Row, decision: Decision) -> None:
    if visit["state"] == "leaving" and not await is_down(tx, seen.site_id, seen.gate_id):
        return
    await visits.mark_leaving(tx, visit["visit_id"], leaving=True)
    if seen.mass_g is not None:
        await visits.weigh(tx, visit["visit_id"], seen.mass_g, going_in=False)
    await store.set_state(tx, decision.release_ids, ["issued"], "at_gate")
    await order_gate(tx, seen.site_id, seen.gate_id, "open", "exit_agreed", visit["visit_id"])


async def _call_back(tx: Tx, seen: AtGate, visit: Row, releases: Sequence[tuple[LiveRelease, str]]) -> None:
    """The gate was open for it and no longer should be (it turned back, or more was seen): shut it again.

    The loop under the boom keeps a barrier from closing on a vehicle.
    """
    await visits.mark_leaving(tx, visit["visit_id"], leaving=False)
    at_gate = [release.release_id for release, state in releases if state == "at_gate"]
    await store.set_state(tx, at_gate, ["at_gate"], "issued")
    await order_gate(tx, seen.site_id, seen.gate_id, "close", "exit_withdrawn", visit["visit_id"])


async def on_vehicle_weighed(event: VehicleWeighed, tx: Tx) -> None:
    """Keep the masses of a stay, and shut the gate behind a vehicle that stands on the bridge inside it."""
    if event.vehicle_id is None or event.direction is None:
        return
    visit = await visits.lock_live(tx, event.site_id, event.vehicle_id)
    if visit is None:
        return
    going_in = event.direction == "in"
    await visits.weigh(tx, visit["visit_id"], event.mass_g, going_in=going_in)
    if going_in and visit["state"] == "admitted" and visit["entry_mass_g"] is None:
        await store.end_presence(tx, event.site_id, event.vehicle_id)
        gate_id = await _gate_of_bridge(tx, event.site_id, event.weighbridge_id)
        if gate_id is not None:
            await order_gate(tx, event.site_id, gate_id, "close", "vehicle_inside", visit["visit_id"])


async def on_vehicle_left(event: VehicleLeft, tx: Tx) -> None:
    """The vehicle is gone: its stay ends, what was released to it leaves the books, the gate shuts.

    A vehicle that left without the gate being opened for it takes nothing out of the books: the twin sees
    the goods leave, and the difference stays visible. So does one that the gate would have refused as it was
    weighed last: with another mass than the gate was opened for, or none any more.
    """
    visit = await visits.lock_live(tx, event.site_id, event.vehicle_id)
    await store.end_presence(tx, event.site_id, event.vehicle_id)
    if visit is None:
        await tell_left_refused(tx, event, None)
        await lower(tx, event.site_id, event.gate_id, "vehicle_left", None)
        await _decide_waiting(tx, event.site_id)
        return
    is_leaving = visit["state"] == "leaving"
    was_let_out = is_leaving and event.mass_g is not None and event.mass_g == visit["exit_mass_g"]
    was_refused = not was_let_out and await tell_left_refused(tx, event, visit)
    releases = await store.lock_live_of_vehicle(tx, event.site_id, event.vehicle_id)
    await visits.leave(tx, visit["visit_id"], was_refused=was_refused)
    at_gate = [release.release_id for release, state in releases if state == "at_gate"]
    if is_leaving and not was_refused:
        await _depart(tx, event, at_gate)
    else:
        await store.set_state(tx, at_gate, ["at_gate"], "issued")
    if is_leaving:
        await order_gate(tx, event.site_id, event.gate_id, "close", "vehicle_left", visit["visit_id"])
    else:
        await lower(tx, event.site_id, event.gate_id, "vehicle_left", visit["visit_id"])
    await end_deliveries(tx, [], visit["visit_id"])
    await plan_putaways(tx, event.site_id)
    await _decide_waiting(tx, event.site_id)


async def tell_left_refused(tx: Tx, event: VehicleLeft, visit: Row | None) -> bool:
    """The gate did not open for it. Where it would have refused what left, any goods may be aboard: the twin
    is told, also of what came to be known only when all was over. True when it would have refused.

    So it is where nothing is on hold: goods may be pledged that are gone already.
    """
    held = await _held(tx, event.site_id, event.vehicle_id)
    seen = AtGate(
        site_id=event.site_id,
        gate_id=event.gate_id,
        vehicle_id=event.vehicle_id,
        direction="out",
        unit_ids=event.unit_ids,
        unknown_epcs=[],
        mass_g=event.mass_g if event.is_mass_accepted else None,
        entry_mass_g=None,
        at=event.left_at,
        evidence_ids=event.evidence_ids,
    )
    releases = await store.lock_live_of_vehicle(tx, event.site_id, event.vehicle_id)
    live = await _live_visit(tx, visit, seen)
    decision = decide_gate(seen, live, [release for release, _ in releases], event.left_at, held)
    if decision.reason_key in MAY_TAKE_GOODS:
        lot_ids = await held_lots(tx, event.site_id)
        await twin.tell_left_refused(tx, event, decision.reason_key, lot_ids)
    return not decision.opened


async def held_lots(tx: Tx, site_id: str) -> list[str]:
    """The lots of what is on hold at the site."""
    units = await twin.unit_states(tx, await stock.held_units(tx, site_id))
    return sorted({unit.lot_id for unit in units})


async def _depart(tx: Tx, event: VehicleLeft, release_ids: Sequence[str]) -> None:
    """Move the goods of used releases out of the books."""
    if not release_ids:
        return
    goods = await store.goods_of_releases(tx, release_ids)
    await orders.lock(tx, {row["order_id"] for row in goods})
    used = await store.set_state(tx, release_ids, ["at_gate"], "departed")
    assert used == len(release_ids), "a release is used once"
    await store.end_reservations(tx, release_ids)
    await apply_moves(tx, event.site_id, [_shipment(row, event) for row in goods])
    await allocation.change(tx, [row["reservation_id"] for row in goods], "picked", "shipped")
    shipped: Counter[tuple[str, int]] = Counter()
    for row in goods:
        shipped[row["order_id"], row["line_no"]] += row["quantity_each"]
    await orders.add_progress(tx, {line: (0, -quantity, quantity) for line, quantity in shipped.items()})
    await refresh_states(tx, sorted({order_id for order_id, _ in shipped}))
    pallets = [row["unit_id"] for row in goods if row["kind"] == "pallet"]
    await declare_places(tx, event.site_id, dict.fromkeys(pallets), "shipment")
    for release_id in release_ids:
        _announce(tx, event, release_id, [row for row in goods if row["release_id"] == release_id])


def _shipment(row: Row, event: VehicleLeft) -> Move:
    return Move(
        Goods(row["owner_party_id"], row["sku"], row["lot_id"]),
        row["quantity_each"],
        Place(row["unit_id"], row["bin"], row["status"]),
        Place(row["unit_id"], CUSTOMER),
        "shipment",
        row["release_id"],
        event.evidence_ids[0] if event.evidence_ids else None,
        promised=True,
    )


def _announce(tx: Tx, event: VehicleLeft, release_id: str, goods: Sequence[Row]) -> None:
    tx.emit(
        ShipmentDeparted(
            site_id=event.site_id,
            release_id=release_id,
            order_id=goods[0]["order_id"],
            gate_id=event.gate_id,
            vehicle_id=event.vehicle_id,
            unit_ids=tuple(sorted({row["unit_id"] for row in goods})),
            lot_ids=tuple(sorted({row["lot_id"] for row in goods})),
            evidence_ids=tuple(event.evidence_ids),
            departed_at=tx.now,
        )
    )


async def on_order_confirmed(event: DeviceOrderConfirmed, tx: Tx) -> None:
    """The boom obeyed: forget earlier failures of this stay, and say go once it is up."""
    if event.action not in get_args(BarrierAction):
        return
    if event.ref_id is not None:
        await visits.forget_tries(tx, event.ref_id)
    await say_go(tx, event)


async def on_order_failed(event: DeviceOrderFailed, tx: Tx) -> None:
    """Order the barrier again while the order still makes sense: closing always, opening only for a vehicle
    that the gate is open for."""
    if event.action not in get_args(BarrierAction):
        return
    visit = await visits.lock(tx, event.ref_id) if event.ref_id else None
    if visit is None:
        return
    if visit["barrier_tries"] >= BARRIER_TRIES_MAX:
        log.error("barrier_given_up", device_id=event.device_id, action=event.action, reason=event.reason)
        return
    wants_open = _is_entering(visit) or visit["state"] == "leaving"
    if (event.action == "open") != wants_open:
        return
    await visits.count_try(tx, visit["visit_id"])
    action: BarrierAction = "open" if wants_open else "close"
    await order_barrier(
        tx, event.site_id, None, event.device_id, action, f"again:{event.reason}", event.ref_id
    )


async def _gate_of_bridge(tx: Tx, site_id: str, weighbridge_id: str) -> str | None:
    layout = await twin.layout_of(tx, site_id)
    for gate in layout.gates:
        if gate.lane_weighbridge_id == weighbridge_id:
            return gate.gate_id
    return None
