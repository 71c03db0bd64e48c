"""What each role does: named work, started together and restarted one by one."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI

from app import wiring
from app.commands import Commands
from app.desk import AppDesk
from app.edge import Edge
from app.folding import Fold
from app.health import health_router
from app.http import create_app
from app.jobs import run_jobs
from app.keys import Keys
from app.parts import Crew, Parts, Role
from app.relay import Relay
from app.scans import BrokerScans
from app.settings import OUTER_PORT, Settings, is_loopback
from app.supervise.broker_access import BrokerAddress
from app.tasks import Work
from app.texts import Texts
from devices.api import broker_credentials, journal_after, journal_sites
from devices.ingest.snapshots import SnapshotStore
from devices.ingest.spool import Spool
from devices.transport.manual_ack import BrokerLogin
from identity.http import BrokerPlace
from kernel.caller import Caller
from kernel.errors import Unavailable
from twin.api import apply
from viz.stream.hub import Hub

USERS_LOOKED_AT_EVERY_S = 30.0
MEGABYTE = 1_000_000


def edge_crew(parts: Parts) -> Mapping[str, Work]:
    """The devices, and the broker's users."""
    settings, address = parts.settings, parts.broker_address
    spool = Spool(settings.data_dir / "spool" / "edge.sqlite3", settings.spool_capacity_mb * 1_000_000)
    broker = None if address is None else BrokerLogin(*address)
    keys = Keys(settings.data_dir / "keys")
    edge = Edge(
        parts.database,
        parts.wake,
        parts.clock,
        spool,
        keys,
        SnapshotStore(
            settings.snapshots_dir,
            parts.clock,
            settings.snapshots_mb_max * MEGABYTE,
            timedelta(days=settings.snapshots_days),
        ),
        broker=broker,
        scans=BrokerScans(
            parts.database, Commands(parts.database, wiring.all_commands()).do, parts.refusals.note
        ),
        turn_away=partial(parts.refusals.note, site_id=settings.only_site),
        sites=settings.sites,
        host=settings.terminal_host,
        ports=settings.terminal_ports,
    )
    return {"edge.broker-users": lambda: keep_broker_users(parts), **edge.works()}


def fold_crew(parts: Parts) -> Mapping[str, Work]:
    """The owner of the sites' twins."""
    fold = Fold(parts.database, parts.wake, sites=journal_sites, journal_after=journal_after, apply=apply)
    return {"fold": fold.run}


def work_crew(parts: Parts) -> Mapping[str, Work]:
    """Events to their subscribers, and jobs by the clock."""
    relay = Relay(parts.database, parts.wake, wiring.all_subscribers())
    return {"work.relay": relay.run, "work.jobs": lambda: run_jobs(parts)}


CREWS: Mapping[Role, Crew] = {"edge": edge_crew, "fold": fold_crew, "work": work_crew}
"""The role `api` has no crew: it is the web server."""


def web_app(parts: Parts, authority: Path | None) -> FastAPI:
    """The whole HTTP application. `authority` is the certificate that handhelds install, if we made one."""
    session_lasts = timedelta(hours=parts.settings.session_hours)
    desk = AppDesk(
        parts.web_database,
        wiring.all_commands(),
        parts.refusals,
        session_lasts,
        broker_place(parts.settings, parts.broker_address),
    )
    app = create_app(desk, wiring.ROUTERS, pages=built_pages(), texts=Texts.load())
    app.state.parts = parts
    app.state.hub = Hub(parts.database, parts.wake)
    app.state.snapshots_dir = parts.settings.snapshots_dir
    app.include_router(health_router(parts.health, authority))
    return app


def built_pages() -> Path | None:
    """The folder of the built pages; None in a checkout where they were not built."""
    folder = Path(str(files("viz"))) / "web" / "dist"
    return folder if folder.is_dir() else None


def broker_place(settings: Settings, address: BrokerAddress | None) -> BrokerPlace | None:
    """Where a handheld signs in at the broker: our own by the name people use, or somebody else's as we were
    told. None without the role `edge`, which alone has a broker."""
    if address is None:
        return None
    if settings.broker_url is not None:
        is_encrypted = settings.broker_url.get_secret_value().startswith("mqtts:")
        return BrokerPlace(host=address.host, port=address.port, is_encrypted=is_encrypted)
    if is_loopback(settings.mqtt_host):
        return BrokerPlace(host=address.host, port=address.port, is_encrypted=False)
    port = settings.mqtt_port or OUTER_PORT
    return BrokerPlace(host=settings.name_for_people, port=port, is_encrypted=True)


async def keep_broker_users(parts: Parts) -> None:
    """Tell the broker of every device that was enrolled or retired."""
    broker = parts.broker
    assert broker is not None, "the role edge has a broker"
    async with parts.wake.listening("tallyhouse_devices") as woken:
        while True:
            try:
                async with parts.database.write(Caller.product("edge")) as tx:
                    broker.set_devices(await broker_credentials(tx))
            except Unavailable:
                pass  # The broker goes on with the users it has.
            await woken.wait(USERS_LOOKED_AT_EVERY_S)
