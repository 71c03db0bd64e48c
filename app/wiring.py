"""Everything put together, to be read from top to bottom: commands, subscribers, routers."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter

import devices.api
import devices.routes
import finance.api
import finance.routes
import identity.api
import identity.routes
import twin.api
import twin.routes
import viz.api
import viz.routes
import wms.api
import wms.routes
from app import siblings
from app.commands import Handler
from app.relay import Subscriber
from kernel.audit import JournalAudit
from kernel.messages import Command, Event
from kernel.tx import ReadTx

_FRONT_DOORS = (identity.api, devices.api, twin.api, wms.api, finance.api, viz.api)

ROUTERS: list[APIRouter] = [
    *identity.routes.ROUTERS,
    *devices.routes.ROUTERS,
    *twin.routes.ROUTERS,
    *wms.routes.ROUTERS,
    *finance.routes.ROUTERS,
    *viz.routes.ROUTERS,
]

AUDITS: list[Callable[[ReadTx], Awaitable[list[JournalAudit]]]] = [
    devices.api.audit,
    twin.api.audit,
    wms.api.audit,
    finance.api.audit,
]


def all_commands() -> dict[type[Command], Handler]:
    """Every command and its one handler. Raises ValueError when two packages claim one command."""
    found: dict[type[Command], Handler] = dict(siblings.COMMANDS)
    for door in _FRONT_DOORS:
        doubled = found.keys() & door.COMMANDS.keys()
        if doubled:
            raise ValueError(f"two handlers for {', '.join(kind.__name__ for kind in doubled)}")
        found |= door.COMMANDS
    return found


def all_subscribers() -> dict[type[Event], list[Subscriber]]:
    """Every event with its subscribers, in the order of the stack, lowest package first."""
    found: dict[type[Event], list[Callable[[Any, Any], Awaitable[None]]]] = defaultdict(list)
    for subscriptions in (siblings.SUBSCRIBERS, *(door.SUBSCRIBERS for door in _FRONT_DOORS)):
        for kind, subscribers in subscriptions.items():
            found[kind] += subscribers
    return dict(found)
