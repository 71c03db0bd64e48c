"""An order as a driver carries it out. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

import msgspec


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a device is to do. `parameters` keep the rules of its family's manifest, defaults filled in."""

    command_id: str
    action: str
    valid_until: datetime
    parameters: Mapping[str, Any] = {}


@runtime_checkable
class Obedient(Protocol):
    """A driver whose device takes orders.

    The edge gives a device one order at a time, each while it is valid. An order is confirmed from what
    `readings()` reads, so somebody must be iterating it.
    """

    async def command(self, order: Order) -> str | None:
        """Carry out an order and wait for the device's own feedback; None when it is done, else why not."""
        ...
