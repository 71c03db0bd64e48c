"""The front door of wms: what finance, viz and the application may call."""

from collections.abc import Awaitable, Callable
from typing import Any

from kernel.messages import Command, Event
from wms.stock.handlers import BookUnit, LotBook, book_of_lot, lift_hold, place_hold
from wms.stock.views import UnitStatus, changed_units, unit_statuses

COMMANDS: dict[type[Command], Callable[[Any, Any], Awaitable[Any]]] = {}
SUBSCRIBERS: dict[type[Event], list[Callable[[Any, Any], Awaitable[None]]]] = {}

__all__ = [
    "COMMANDS",
    "SUBSCRIBERS",
    "BookUnit",
    "LotBook",
    "UnitStatus",
    "book_of_lot",
    "changed_units",
    "lift_hold",
    "place_hold",
    "unit_statuses",
]
