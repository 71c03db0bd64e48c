"""What the roles of one running program share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from fastapi import FastAPI

from app.database import Database
from app.health import Health
from app.refusals import Refusals
from app.settings import Settings
from app.supervise.broker import Broker
from app.supervise.broker_access import BrokerAddress
from app.supervise.broker_external import ExternalBroker
from app.tasks import Work
from app.wake import Wake
from kernel.clock import Clock
from kernel.ids import Ids

Role = Literal["edge", "fold", "api", "work"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Parts:
    """Built once at start. `broker` and `broker_address` are None without the role `edge`, which alone
    speaks to devices. Requests over HTTP have connections of their own, `web_database`, so that however many
    wait there, no reading and no alarm waits behind them."""

    settings: Settings
    clock: Clock
    ids: Ids
    owner_dsn: str | None
    app_dsn: str
    database: Database
    web_database: Database
    refusals: Refusals
    wake: Wake
    health: Health
    broker: Broker | ExternalBroker | None
    broker_address: BrokerAddress | None


Crew = Callable[[Parts], Mapping[str, Work]]
"""The named work of a role."""

WebApp = Callable[[Parts, Path | None], FastAPI]
"""Makes the HTTP application; the path is the local authority's certificate, if we made one."""
