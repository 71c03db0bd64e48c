"""The barrier and the signals of a gate: which they are, and in what order they are told.

A signal turns green when the boom is up, and red before the boom is told to go down.
"""

from datetime import timedelta
from typing import NamedTuple

import structlog

from devices import api as devices
from devices.messages import BarrierAction, DeviceOrderConfirmed
from kernel.errors import Conflict
from kernel.layout import Layout
from kernel.tx import Tx
from twin import api as twin
from wms.dispatch import store
from wms.stock import store as stock

BARRIERS = devices.families_that("open", "close")
SIGNALS = devices.families_that("show")
READERS = devices.families_that_say("tag_read")
SCALES = devices.families_that_say("mass")
UP_MAX = timedelta(seconds=60)
"""A boom that was raised comes down after so long, whether or not anybody passed."""
LOWERED_WITHIN = timedelta(hours=1)
"""While an order to lower it fails it is given again, each time the clock's job runs, for so long after the
boom was raised."""
HOLDS_SHOWN_MAX = 10

log = structlog.get_logger("gate")


class Witnesses(NamedTuple):
    """The mounts of what watches a gate: the barrier tells by its loop what passed under the boom."""

    readers: frozenset[str]
    barriers: frozenset[str]
    scales: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.readers | self.barriers | self.scales


async def order_gate(
    tx: Tx, site_id: str, gate_id: str, action: BarrierAction, cause: str, visit_id: str | None
) -> None:
    """Order the gate's barrier; a gate without one is a matter for people and leaves its decision only."""
    barriers = await _at_gate(tx, site_id, gate_id, BARRIERS)
    if not barriers:
        log.warning("gate_without_barrier", site_id=site_id, gate_id=gate_id, action=action)
        return
    await order_barrier(tx, site_id, gate_id, barriers[0], action, cause, visit_id)


async def lower(tx: Tx, site_id: str, gate_id: str, cause: str, visit_id: str | None) -> None:
    """Lower the gate's boom, unless it was told so already and reports nothing else."""
    if not await is_down(tx, site_id, gate_id):
        await order_gate(tx, site_id, gate_id, "close", cause, visit_id)


async def is_down(tx: Tx, site_id: str, gate_id: str) -> bool:
    """Whether the gate's boom was last told to close, and does not report that it is open."""
    barriers = await _at_gate(tx, site_id, gate_id, BARRIERS)
    told = [await devices.is_ended(tx, site_id, barrier, "open", "close") for barrier in barriers[:1]]
    said = [not row.is_open for row in await twin.barriers(tx, site_id) if row.gate_id == gate_id]
    return all([*told, *said]) and bool(told)


async def lower_forgotten(tx: Tx) -> None:
    """Lower every boom that has been up for `UP_MAX`, by whatever order: the loop keeps it off vehicles."""
    since, until = tx.now - LOWERED_WITHIN, tx.now - UP_MAX
    for order in await devices.unended_orders(tx, BARRIERS, "open", "close", since, until):
        gate_id = await gate_at(tx, order.site_id, order.mount_id)
        await order_barrier(tx, order.site_id, gate_id, order.device_id, "close", "up_too_long", order.ref_id)


async def waiting_witnesses(tx: Tx, site_id: str, gate_id: str) -> list[str]:
    """Mounts of the gate's readers, its barriers and the scale in its lane whose device no other party has
    accepted, or where none is in service; the gate itself when the layout has no reader there at all, and the
    bridge in its lane when that has no scale."""
    layout = await twin.layout_of(tx, site_id)
    found = witnesses(layout, gate_id)
    waiting = found.all - await devices.accepted_mounts(tx, site_id, found.all)
    bridge_id = _lane_bridge(layout, gate_id)
    if bridge_id is not None and not found.scales:
        waiting |= {bridge_id}
    return sorted(waiting) if found.readers else [gate_id, *sorted(waiting)]


async def unwatched_gates(tx: Tx, site_id: str) -> dict[str, list[str]]:
    """The site's gates that goods could leave by unseen, each with its `waiting_witnesses` and the mounts of
    those of its readers, barriers and scales that do not watch; the site itself when its layout has
    no gate."""
    layout = await twin.layout_of(tx, site_id)
    if not layout.gates:
        return {site_id: []}
    found = {}
    for gate_id in (gate.gate_id for gate in layout.gates):
        mounts = witnesses(layout, gate_id).all
        silent = await devices.silent_mounts(tx, site_id, mounts)
        found[gate_id] = sorted({*await waiting_witnesses(tx, site_id, gate_id), *silent})
    return {gate_id: mounts for gate_id, mounts in found.items() if mounts}


async def refuse_blind_gates(tx: Tx, before: Layout, after: Layout) -> None:
    """Conflict `layout.gates_in_use` for a layout that takes a gate away, or any of what watches it, while
    anything at the site is on hold. Else it is kept that it did: goods are to be seen after it."""
    blind = dropped(before, after)
    hold_ids = await stock.live_holds(tx, before.site_id) if blind else []
    if hold_ids:
        gate_ids = list(dict.fromkeys(gate_id for gate_id, _ in blind))
        raise Conflict("layout.gates_in_use", gate_ids=gate_ids, hold_ids=hold_ids[:HOLDS_SHOWN_MAX])
    if blind:
        await store.drop_watch(tx, before.site_id, blind)


def dropped(before: Layout, after: Layout) -> list[tuple[str, str]]:
    """What another layout takes from the gates of one, each with its gate: the mount of a reader, barrier or
    scale, the bridge in the lane, the gate itself."""
    kept = frozenset[tuple[str, str, str]]().union(*(_watch(after, gate.gate_id) for gate in after.gates))
    gone = [it for gate in before.gates for it in sorted(_watch(before, gate.gate_id) - kept)]
    return list(dict.fromkeys((gate_id, place_id) for gate_id, _, place_id in gone))


def _watch(layout: Layout, gate_id: str) -> frozenset[tuple[str, str, str]]:
    """What belongs to the watch of a gate: (gate, kind, name), for a mount may be named as its bridge is."""
    bridge_id = _lane_bridge(layout, gate_id)
    found = {(gate_id, "mount", mount_id) for mount_id in witnesses(layout, gate_id).all}
    found |= {(gate_id, "gate", gate_id)} | ({(gate_id, "bridge", bridge_id)} if bridge_id else set())
    return frozenset(found)


def witnesses(layout: Layout, gate_id: str) -> Witnesses:
    """What the layout has to watch one of its gates."""
    bridge_id = _lane_bridge(layout, gate_id)

    def serving(place_id: str | None, families: frozenset[str]) -> frozenset[str]:
        return frozenset(
            mount.mount_id for mount in layout.mounts if mount.serves == place_id and mount.family in families
        )

    return Witnesses(serving(gate_id, READERS), serving(gate_id, BARRIERS), serving(bridge_id, SCALES))


def _lane_bridge(layout: Layout, gate_id: str) -> str | None:
    return next(gate.lane_weighbridge_id for gate in layout.gates if gate.gate_id == gate_id)


async def order_barrier(
    tx: Tx,
    site_id: str,
    gate_id: str | None,
    device_id: str,
    action: BarrierAction,
    cause: str,
    ref_id: str | None,
) -> str:
    """Order a barrier, but first the signals of its gate to stop when it is to close. Returns the command's
    id."""
    if action == "close" and gate_id is not None:
        await _show(tx, site_id, gate_id, "red", cause, ref_id)
    return await devices.queue_order(tx, device_id, action, cause, ref_id=ref_id)


async def say_go(tx: Tx, event: DeviceOrderConfirmed) -> None:
    """A boom is up as it was ordered: the signals of its gate show green."""
    if event.action != "open":
        return
    for device in await devices.edge_devices(tx, [event.site_id]):
        if device.device_id == event.device_id:
            gate_id = await gate_at(tx, event.site_id, device.mount_id)
            if gate_id is not None:
                await _show(tx, event.site_id, gate_id, "green", "barrier_open", event.ref_id)


async def gate_at(tx: Tx, site_id: str, mount_id: str | None) -> str | None:
    """The gate that a device on this mount of the layout serves; None when it serves none."""
    if mount_id is None:
        return None
    layout = await twin.layout_of(tx, site_id)
    gates = {gate.gate_id for gate in layout.gates}
    serves = {mount.mount_id: mount.serves for mount in layout.mounts}.get(mount_id)
    return serves if serves in gates else None


async def _show(tx: Tx, site_id: str, gate_id: str, aspect: str, cause: str, ref_id: str | None) -> None:
    for signal_id in await _at_gate(tx, site_id, gate_id, SIGNALS):
        await devices.queue_order(tx, signal_id, "show", cause, {"aspect": aspect}, ref_id)


async def _at_gate(tx: Tx, site_id: str, gate_id: str, families: frozenset[str]) -> list[str]:
    """The devices in service of these families whose mounts serve the gate, by id."""
    layout = await twin.layout_of(tx, site_id)
    mounts = {
        mount.mount_id for mount in layout.mounts if mount.serves == gate_id and mount.family in families
    }
    if not mounts:
        return []
    return [
        device.device_id
        for device in await devices.edge_devices(tx, [site_id])
        if device.mount_id in mounts and device.family in families
    ]
