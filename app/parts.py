"""What the roles of one running program share."""

from dataclasses import dataclass

from app.database import Database
from app.health import Health
from app.settings import Settings
from app.supervise.broker import Broker
from app.supervise.broker_access import BrokerAddress
from app.supervise.broker_external import ExternalBroker
from app.wake import Wake
from kernel.clock import Clock
from kernel.ids import Ids


@dataclass(frozen=True)
class Parts:
    """Built once at start. `broker` and `broker_address` are None without the role `edge`, which alone
    speaks to devices."""

    settings: Settings
    clock: Clock
    ids: Ids
    owner_dsn: str | None
    app_dsn: str
    database: Database
    wake: Wake
    health: Health
    broker: Broker | ExternalBroker | None
    broker_address: BrokerAddress | None
