"""The barrier and the signals of a gate: which they are, and in what order they are told.

A signal turns green when the boom is up, and red before the boom is told to go down.
"""

import structlog

from devices import api as devices
from devices.messages import BarrierAction, DeviceOrderConfirmed
from kernel.tx import Tx
from twin import api as twin

BARRIERS = devices.families_that("open", "close")
SIGNALS = devices.families_that("show")

log = structlog.get_logger("gate")


async def order_gate(
    tx: Tx, site_id: str, gate_id: str, action: BarrierAction, cause: str, visit_id: str
) -> None:
    """Order the gate's barrier; a gate without one is a matter for people and leaves its decision only."""
    barriers = await _at_gate(tx, site_id, gate_id, BARRIERS)
    if not barriers:
        log.warning("gate_without_barrier", site_id=site_id, gate_id=gate_id, action=action)
        return
    await order_barrier(tx, site_id, gate_id, barriers[0], action, cause, visit_id)


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
