"""Queueing an order to a barrier, and settling it by the barrier's own feedback."""

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec

from devices.commands import store
from devices.messages import (
    BarrierAction,
    BarrierCommanded,
    BarrierConfirmed,
    BarrierFailed,
)
from devices.registry.handlers import sees_site
from kernel.errors import Invalid, NotFound
from kernel.tx import ReadTx, Tx

COMMAND_VALID = timedelta(seconds=30)
"""An order that could not be carried out by then is void: a gate must not open to an old wish."""
BARRIER_FAMILY = "modbus_barrier"
COMMANDS_IN_HAND_MAX = 100


class BarrierOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the edge carries it out."""

    command_id: str
    site_id: str
    device_id: str
    action: BarrierAction
    cause: str
    ref_id: str | None
    valid_until: datetime


class BarrierPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where an enrolled barrier belongs; `mount_id` is its place in the layout, None when it has none."""

    device_id: str
    site_id: str
    mount_id: str | None


async def barrier_place(read: ReadTx, device_id: str) -> BarrierPlace:
    """The barrier a person names. Raises NotFound for one that the caller may not see, Invalid for a device
    that is no barrier."""
    known = await store.barrier(read, device_id)
    if known is None or not await sees_site(read, known["site_id"]):
        raise NotFound("devices.unknown", device_id=device_id)
    _require_barrier(known["family"])
    return BarrierPlace(device_id=device_id, site_id=known["site_id"], mount_id=known["mount_id"])


async def command_barrier(
    tx: Tx, device_id: str, action: BarrierAction, cause: str, ref_id: str | None = None
) -> str:
    """Queue an order in the caller's transaction; the edge hears of it at commit. Returns the command's id.

    Raises NotFound when the device is not enrolled and Invalid when it is no barrier.
    """
    known = await store.barrier(tx, device_id)
    if known is None:
        raise NotFound("devices.unknown", device_id=device_id)
    _require_barrier(known["family"])
    command_id = tx.ids.new("command")
    await store.insert_command(
        tx,
        command_id=command_id,
        site_id=known["site_id"],
        device_id=device_id,
        action=action,
        cause=cause,
        ref_id=ref_id,
        valid_until=tx.now + COMMAND_VALID,
    )
    tx.emit(
        BarrierCommanded(
            site_id=known["site_id"],
            device_id=device_id,
            command_id=command_id,
            action=action,
            cause=cause,
            ref_id=ref_id,
            commanded_at=tx.now,
        )
    )
    return command_id


def _require_barrier(family: str) -> None:
    if family != BARRIER_FAMILY:
        raise Invalid("devices.not_a_barrier", field="device_id", rule=f"a device of {BARRIER_FAMILY}")


async def take_commands(
    tx: Tx, sites: Collection[str] = (), in_hand: Collection[str] = ()
) -> list[BarrierOrder]:
    """Take the orders of these sites (none given: of all), oldest first, but those already in hand.

    An order past its time is settled as failed here and not handed out.
    """
    taken = await store.take(tx, sites, in_hand, COMMANDS_IN_HAND_MAX)
    orders = [BarrierOrder(**row) for row in taken]
    for order in orders:
        if order.valid_until <= tx.now:
            await settle_command(tx, order, "expired")
    return [order for order in orders if order.valid_until > tx.now]


async def settle_command(tx: Tx, order: BarrierOrder, failure: str | None) -> None:
    """Close an order: confirmed when `failure` is None. Settling twice changes nothing."""
    if not await store.settle(tx, order.command_id, failure):
        return
    if failure is None:
        tx.emit(
            BarrierConfirmed(
                site_id=order.site_id,
                device_id=order.device_id,
                command_id=order.command_id,
                action=order.action,
                ref_id=order.ref_id,
                confirmed_at=tx.now,
            )
        )
    else:
        tx.emit(
            BarrierFailed(
                site_id=order.site_id,
                device_id=order.device_id,
                command_id=order.command_id,
                action=order.action,
                ref_id=order.ref_id,
                reason=failure,
                failed_at=tx.now,
            )
        )
