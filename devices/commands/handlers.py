"""Queueing an order to a device, and settling it by the device's own feedback."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec

from devices.commands import store
from devices.commands.model import (
    REASON_LENGTH_MAX,
    REASON_LENGTH_MIN,
    DeviceOrder,
    DevicePlace,
    is_given_by_hand,
    lasts,
    may_be_repeated,
    require_order,
    settings_of,
)
from devices.messages import DeviceOrderConfirmed, DeviceOrdered, DeviceOrderFailed, OrderDevice
from devices.registry.handlers import sees_site
from devices.transport.decoding import FieldRejected
from kernel.errors import Conflict, Invalid, NotFound
from kernel.tx import ReadTx, Row, Tx

ORDERS_IN_HAND_MAX = 100


class OrderQueued(msgspec.Struct, frozen=True, kw_only=True):
    """The order waits for the edge."""

    command_id: str


class UnendedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order whose effect lasts, such as an open boom; `mount_id` is where its device hangs."""

    site_id: str
    device_id: str
    mount_id: str | None
    ref_id: str | None


async def place_of_device(read: ReadTx, device_id: str, action: str) -> DevicePlace:
    """The device a person names. Raises NotFound for one that the caller may not see, Invalid for one that
    does not take the order."""
    known = await _require_obedient(read, device_id, action)
    return DevicePlace(device_id=device_id, site_id=known["site_id"], mount_id=known["mount_id"])


async def order_device(command: OrderDevice, tx: Tx) -> OrderQueued:
    """Queue a person's order. Raises NotFound for a device that the caller may not see, Invalid with field
    and rule, Conflict for an order that more than the device itself guards."""
    known = await _require_obedient(tx, command.device_id, command.action)
    reason = command.reason.strip()
    if not REASON_LENGTH_MIN <= len(reason) <= REASON_LENGTH_MAX:
        rule = f"{REASON_LENGTH_MIN} to {REASON_LENGTH_MAX} characters"
        raise Invalid("devices.order_reason", field="reason", rule=rule)
    if not is_given_by_hand(known["family"], command.action):
        raise Conflict("devices.order_guarded", field="action", rule="an order that is given by hand")
    command_id = await queue_order(
        tx, command.device_id, command.action, f"manual: {reason}", command.parameters
    )
    return OrderQueued(command_id=command_id)


async def queue_order(
    tx: Tx,
    device_id: str,
    action: str,
    cause: str,
    parameters: Mapping[str, Any] | None = None,
    ref_id: str | None = None,
) -> str:
    """Queue an order in the caller's transaction; the edge hears of it at commit. Returns the command's id.

    Raises NotFound when the device is not in service, and Invalid with field and rule when its family does
    not take such an order.
    """
    known = await store.device(tx, device_id)
    if known is None:
        raise NotFound("devices.unknown", device_id=device_id)
    try:
        settings = settings_of(known["family"], action, parameters or {})
    except FieldRejected as error:
        raise _invalid(error) from error
    order = DeviceOrder(
        command_id=tx.ids.new("command"),
        site_id=known["site_id"],
        device_id=device_id,
        family=known["family"],
        action=action,
        parameters=settings,
        cause=cause,
        ref_id=ref_id,
        valid_until=tx.now + lasts(known["family"], action),
    )
    await store.insert(tx, order)
    tx.emit(
        DeviceOrdered(
            site_id=order.site_id,
            device_id=device_id,
            command_id=order.command_id,
            action=action,
            parameters=settings,
            cause=cause,
            ref_id=ref_id,
            commanded_at=tx.now,
        )
    )
    return order.command_id


async def _require_obedient(read: ReadTx, device_id: str, action: str) -> Row:
    known = await store.device(read, device_id)
    if known is None or not await sees_site(read, known["site_id"]):
        raise NotFound("devices.unknown", device_id=device_id)
    try:
        require_order(known["family"], action)
    except FieldRejected as error:
        raise _invalid(error) from error
    return known


def _invalid(error: FieldRejected) -> Invalid:
    return Invalid("devices.order", field=error.field, rule=error.rule)


async def take_orders(
    tx: Tx, sites: Collection[str] = (), in_hand: Collection[str] = ()
) -> list[DeviceOrder]:
    """Take the orders of these sites (none given: of all), oldest first, but those already in hand.

    An order past its time is settled as failed here and not handed out; so is one that an edge took before,
    where doing it twice would be wrong.
    """
    fit = []
    for order in await store.take(tx, sites, in_hand, ORDERS_IN_HAND_MAX):
        if order.valid_until <= tx.now:
            await settle_order(tx, order, "expired")
        elif order.was_taken and not may_be_repeated(order):
            await settle_order(tx, order, "unconfirmed")
        else:
            fit.append(order)
    return fit


async def is_ended(read: ReadTx, site_id: str, device_id: str, begins: str, ends: str) -> bool:
    """Whether of the orders `begins` and `ends` the device was last given `ends`, and that did not fail."""
    return await store.last(read, site_id, device_id, begins, ends) == ends


async def unended_orders(
    read: ReadTx, families: Collection[str], begins: str, ends: str, since: datetime, until: datetime
) -> list[UnendedOrder]:
    """The latest orders `begins` to devices of these families that no order `ends` has ended: given at or
    after `since`, settled by `until`."""
    rows = await store.unended(read, families, begins, ends, since, until)
    return [msgspec.convert(row, UnendedOrder) for row in rows]


async def settle_order(tx: Tx, order: DeviceOrder, failure: str | None) -> None:
    """Close an order: confirmed when `failure` is None. Settling twice changes nothing."""
    if await store.settle(tx, order.command_id, failure):
        _tell_settled(tx, order, failure)


async def record_own_order(tx: Tx, order: DeviceOrder, at: datetime, failure: str | None) -> None:
    """Keep what the edge ordered at `at` by itself, while it could ask nobody."""
    if await store.insert_settled(tx, order, at, failure):
        _tell_settled(tx, order, failure)


def _tell_settled(tx: Tx, order: DeviceOrder, failure: str | None) -> None:
    if failure is None:
        tx.emit(
            DeviceOrderConfirmed(
                site_id=order.site_id,
                device_id=order.device_id,
                command_id=order.command_id,
                action=order.action,
                parameters=order.parameters,
                ref_id=order.ref_id,
                confirmed_at=tx.now,
            )
        )
    else:
        tx.emit(
            DeviceOrderFailed(
                site_id=order.site_id,
                device_id=order.device_id,
                command_id=order.command_id,
                action=order.action,
                parameters=order.parameters,
                ref_id=order.ref_id,
                reason=failure,
                failed_at=tx.now,
            )
        )
