"""What an order is, and which order may be given to whom. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from devices.families import FAMILIES
from devices.transport.decoding import FieldRejected
from devices.transport.orders import Order

REASON_LENGTH_MIN = 3
REASON_LENGTH_MAX = 200


class DeviceOrder(Order, frozen=True, kw_only=True):
    """An order as the edge carries it out. `was_taken` when an edge had it before and ended in between."""

    site_id: str
    device_id: str
    family: str
    cause: str
    ref_id: str | None = None
    was_taken: bool = False


class DevicePlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where an enrolled device belongs; `mount_id` is its place in the layout, None when it has none."""

    device_id: str
    site_id: str
    mount_id: str | None


def require_order(family: str, action: str) -> None:
    """Raise FieldRejected unless devices of the family take this order. A family of another release takes
    none."""
    orders = FAMILIES[family].orders if family in FAMILIES else {}
    if action not in orders:
        raise FieldRejected(
            "action", f"one of: {', '.join(sorted(orders))}" if orders else "a device that obeys"
        )


def settings_of(family: str, action: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The order's parameters with their defaults. Raises FieldRejected naming `action` or the parameter."""
    require_order(family, action)
    try:
        return FAMILIES[family].order_settings(action, given)
    except FieldRejected as error:
        raise FieldRejected(f"parameters.{error.field}", error.rule) from error


def lasts(family: str, action: str) -> timedelta:
    """How long such an order may wait. Past it, it is void: a gate must not open to an old wish."""
    return timedelta(seconds=FAMILIES[family].orders[action].valid_s)


def is_given_by_hand(family: str, action: str) -> bool:
    return FAMILIES[family].orders[action].by_hand


def may_be_repeated(order: DeviceOrder) -> bool:
    """Whether an order that an edge took and did not settle may be carried out by the next."""
    family = FAMILIES.get(order.family)
    kind = None if family is None else family.orders.get(order.action)
    return kind is not None and kind.is_repeatable
