"""Start and stop, in order: database, broker, migrations, roles, web server; and back."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI

from app.access import app_password
from app.database import Database
from app.health import Health, RequestMetrics, health_router
from app.migrate import migrate, require_migrated
from app.parts import Crew, Parts, Role, WebApp
from app.refusals import Refusals
from app.settings import OUTER_PORT, Settings, is_loopback
from app.signals import stop_signal
from app.supervise.broker import Broker, OuterListener
from app.supervise.broker_access import BrokerAddress
from app.supervise.broker_external import ExternalBroker
from app.supervise.postgres import EmbeddedPostgres
from app.tasks import Tasks
from app.tls import Certificate, fingerprint, local_certificate, names_of, server_certificate
from app.wake import Wake
from app.web import WebServer, bind
from kernel.caller import Caller
from kernel.clock import Clock, SystemClock
from kernel.ids import Ids

TASKS_STOP_WITHIN_S = 10.0
DATABASE_CLOSE_WITHIN_S = 5.0
NEW_OBJECTS_BEFORE_GC = 50_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Running:
    """A running program. `url` is for people; `authority` what their devices must trust, if we made it."""

    parts: Parts
    tasks: Tasks
    web: WebServer | None
    url: str
    authority: Path | None


async def serve(settings: Settings, roles: Iterable[Role], *, crews: Mapping[Role, Crew], web: WebApp) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code: 1 when a part the program needs gave up."""
    stop = stop_signal()
    log.info("starting", roles=sorted(roles))
    async with running(settings, roles, crews=crews, web=web) as program:
        look_for_cycles_seldom()
        log.info("ready", url=program.url, roles=sorted(roles))
        broken = program.tasks.broken
        either: list[asyncio.Future[Any]] = [broken, stop]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping", reason=str(broken.result()) if broken.done() else "signal")
        return 1 if broken.done() else 0


def look_for_cycles_seldom() -> None:
    """What is loaded by now stays, and readings on their way are many and make no cycles. At Python's own
    threshold, seven hundred new objects, a fifth of the edge's work is looking through them in vain."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS_BEFORE_GC, 20, 20)


@asynccontextmanager
async def running(
    settings: Settings,
    roles: Iterable[Role],
    *,
    crews: Mapping[Role, Crew],
    web: WebApp,
    clock: Clock | None = None,
    take_next_port: bool = False,
) -> AsyncIterator[Running]:
    """Everything started on entry, everything stopped in reverse on exit, each within a bound."""
    wanted = frozenset(roles)
    clock = clock or SystemClock()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        bound = bind(settings.host, settings.port, take_next=take_next_port) if "api" in wanted else None
        if bound is not None:
            stack.callback(bound.close)
        tasks = Tasks()
        parts = await _start_parts(settings, wanted, clock, stack, tasks)
        for role in sorted(wanted & crews.keys()):
            for name, work in crews[role](parts).items():
                tasks.start(name, work)
        await _start_health(parts, stack, tasks)
        server, certificate = await _start_web(parts, bound, stack, web, tasks)
        authority = certificate.authority if certificate else None
        yield Running(parts, tasks, server, _url(settings, server, certificate), authority)


# --- parts, in order --------------------------------------------------------------------------


async def _start_parts(
    settings: Settings, roles: frozenset[Role], clock: Clock, stack: AsyncExitStack, tasks: Tasks
) -> Parts:
    health, refusals = Health([tasks]), Refusals(clock)
    owner_dsn, app_dsn = await _start_database(settings, roles, clock, stack, tasks)
    broker, address = await _start_broker(settings, roles, clock, stack, tasks, health, refusals)
    ids = Ids.unguessable(clock)
    database, web_database = Database(app_dsn, clock, ids), Database(app_dsn, clock, ids)
    for opened in (database, web_database):
        await opened.open()
        stack.push_async_callback(opened.close)
    wake = Wake(app_dsn)
    # Pushed after the database and the children, so that the work ends before what it leans on.
    stack.push_async_callback(tasks.stop, TASKS_STOP_WITHIN_S)
    tasks.start("wake", wake.run)
    tasks.start("refusals", lambda: refusals.run(database))
    health.add_check("database", lambda: _answers(database))
    return Parts(
        settings=settings,
        clock=clock,
        ids=ids,
        owner_dsn=owner_dsn,
        app_dsn=app_dsn,
        database=database,
        web_database=web_database,
        refusals=refusals,
        wake=wake,
        health=health,
        broker=broker,
        broker_address=address,
    )


async def _start_database(
    settings: Settings, roles: frozenset[Role], clock: Clock, stack: AsyncExitStack, tasks: Tasks
) -> tuple[str | None, str]:
    """The owner's DSN, when we have one, and the roles'. Migrates when we may."""
    owner_dsn = settings.database_url.get_secret_value() if settings.database_url else None
    if settings.embedded_database:
        server = EmbeddedPostgres(settings.data_dir)
        owner_dsn = await server.start()
        stack.push_async_callback(server.stop)
        tasks.start("postgres", server.watch, vital=True)
    password = app_password(settings)
    app_dsn = settings.app_dsn(owner_dsn, password)
    if owner_dsn is None:
        await _check_release(app_dsn, roles, tasks)
    else:
        done = await migrate(owner_dsn, clock, app_password=password)
        log.info("migrated", files=len(done))
    return owner_dsn, app_dsn


async def _check_release(app_dsn: str, roles: frozenset[Role], tasks: Tasks) -> None:
    """Refuse a database of another release. An edge whose line is cut starts all the same, since it can
    spool, and checks as soon as the line is back."""
    try:
        await require_migrated(app_dsn)
    except psycopg.OperationalError as error:
        if roles != {"edge"}:
            raise
        log.warning("database.away", reason=str(error).strip())
        tasks.start("release-check", lambda: require_migrated(app_dsn))


async def _start_broker(
    settings: Settings,
    roles: frozenset[Role],
    clock: Clock,
    stack: AsyncExitStack,
    tasks: Tasks,
    health: Health,
    refusals: Refusals,
) -> tuple[Broker | ExternalBroker | None, BrokerAddress | None]:
    if "edge" not in roles:
        return None, None
    broker: Broker | ExternalBroker
    if settings.broker_url is not None:
        broker = ExternalBroker(settings.broker_url.get_secret_value(), settings.broker_dir)
    else:
        outer = await asyncio.to_thread(_outer_listener, settings, clock)
        port = 0 if outer else settings.mqtt_port
        note = partial(refusals.note, site_id=settings.only_site)
        broker = Broker(
            settings.data_dir, kind=settings.broker, port=port, outer=outer, turned_away=note, clock=clock
        )
    address = await broker.start()
    stack.push_async_callback(broker.stop)
    tasks.start("broker", broker.watch, vital=True)
    health.add_check("broker", broker.healthy)
    return broker, address


def _outer_listener(settings: Settings, clock: Clock) -> OuterListener | None:
    """Devices beyond this machine come in over TLS, with the web server's certificate."""
    if is_loopback(settings.mqtt_host):
        return None
    made = server_certificate(settings, clock.now())
    if made is None:
        made = local_certificate(settings.data_dir / "tls", names_of(settings), clock.now())
    return OuterListener(settings.mqtt_host, settings.mqtt_port or OUTER_PORT, made.cert, made.key)


async def _start_health(parts: Parts, stack: AsyncExitStack, tasks: Tasks) -> None:
    """Health and metrics alone, where the settings give them a port of their own."""
    settings = parts.settings
    if settings.health_port is None:
        return
    app = FastAPI(openapi_url=None)
    app.state.desk = None
    app.include_router(health_router(parts.health))
    bound = bind(settings.health_host, settings.health_port)
    stack.callback(bound.close)
    server = WebServer(app, bound, None, settings.stop_within_s)
    await server.start()
    stack.push_async_callback(server.stop)
    tasks.start("health", server.wait, vital=True)


async def _start_web(
    parts: Parts, bound: socket.socket | None, stack: AsyncExitStack, web: WebApp, tasks: Tasks
) -> tuple[WebServer | None, Certificate | None]:
    if bound is None:
        return None, None
    settings, clock = parts.settings, parts.clock
    certificate = await asyncio.to_thread(server_certificate, settings, clock.now())
    app = web(parts, certificate.authority if certificate else None)
    counted = RequestMetrics(app, parts.health)
    server = WebServer(counted, bound, certificate, settings.stop_within_s)
    await server.start()
    stack.push_async_callback(server.stop)
    tasks.start("web", server.wait, vital=True)
    if certificate is not None:
        tasks.start(
            "web.certificate",
            lambda: server.keep_certificate_fresh(lambda: server_certificate(settings, clock.now())),
        )
        if certificate.authority is not None:
            log.info("tls.authority", path="/ca.crt", fingerprint=fingerprint(certificate.authority))
    return server, certificate


def _url(settings: Settings, server: WebServer | None, certificate: Certificate | None) -> str:
    if server is None:
        return ""
    name = settings.name_for_people
    host = f"[{name}]" if ":" in name else name
    return f"{'https' if certificate else 'http'}://{host}:{server.port}"


async def _answers(database: Database) -> bool:
    async with database.read(Caller.product("health")) as read:
        return bool(await read.value("SELECT true"))
