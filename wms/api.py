"""The front door of wms: what finance, viz and the application may call."""

from collections.abc import Awaitable, Callable
from typing import Any

from kernel.messages import Command, Event
from wms.stock.handlers import BookUnit, LotBook, book_of_lot, lift_hold, place_hold

COMMANDS: dict[type[Command], Callable[[Any, Any], Awaitable[Any]]] = {}
SUBSCRIBERS: dict[type[Event], list[Callable[[Any, Any], Awaitable[None]]]] = {}

__all__ = ["COMMANDS", "SUBSCRIBERS", "BookUnit", "LotBook", "book_of_lot", "lift_hold", "place_hold"]
