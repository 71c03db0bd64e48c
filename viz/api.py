"""The front door of viz. It only reads, so it has neither commands nor subscribers."""

from collections.abc import Awaitable, Callable
from typing import Any

from kernel.messages import Command, Event

COMMANDS: dict[type[Command], Callable[[Any, Any], Awaitable[Any]]] = {}
SUBSCRIBERS: dict[type[Event], list[Callable[[Any, Any], Awaitable[None]]]] = {}

__all__ = ["COMMANDS", "SUBSCRIBERS"]
