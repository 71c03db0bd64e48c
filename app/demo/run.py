"""`tallyhouse demo`: starts the product, sets a site up, lets the world run, acts the story, reports."""

import asyncio
import fcntl
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import IO, Literal

import msgspec

from app.access import database_access
from app.api_client import ApiClient
from app.commands import Commands
from app.database import Database
from app.demo import seeding
from app.demo.accounts import (
    BANK,
    OWNER,
    Account,
    commands_for,
    entered_by,
    make_accounts,
    write_accounts,
)
from app.demo.devices import Wired, hand_out_handheld, plug_in, switch_on_trackers
from app.demo.listener import Listener
from app.demo.orders import OrdersDay, read_day, run_orders_day
from app.demo.program import Program
from app.demo.stage import People, Stage
from app.demo.stock import GOODS, PALLETS, OpeningPallet, opening_stock, truth_of
from app.demo.story import STEPS, StepResult, run_step, run_story
from app.demo.words import WORDS
from app.report import Check, Report, checks_text, make_report, was_overloaded, write_report
from app.settings import Settings
from app.signals import STOPPED, until_stopped
from app.texts import Locale
from app.wiring import all_commands
from kernel.clock import Clock, SystemClock
from kernel.ids import Ids
from kernel.layout import Layout
from kernel.rng import Rng
from simulators.live import LiveSite
from simulators.protocols.mqtt.server import acked_of
from simulators.world import actions

RUN_FOLDER, MARK = "demo", "made-by-tallyhouse-demo"
LOG_NAME, PROGRAM_LOG_NAME = "demo.log", "program.log"
"""What the demonstration and its devices log, beside the run's folder; what the product logs, within it."""
READY_BOUND_S, ALARM_BOUND_MS, RELEASE_BOUND_MS = 120.0, 1_000.0, 1_000.0
LOOPBACK = "127.0.0.1"
LINGER_S = 20.0
"""So long the frozen facility can be looked at before the story goes on."""
PORTS_TRIED = 50

Say = Callable[[str], None]


class DemoRefused(Exception):
    """The demonstration cannot start as asked; the message says why and what to do."""


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says."""

    seed: int = 1
    once: bool = False
    report: Path | None = None
    orders: Path | None = None
    pace: float = 4.0
    language: Locale = "en"


class Opened(msgspec.Struct, frozen=True):
    """The demonstration with everything running. `day` is the file of orders, when one was given."""

    stage: Stage
    day: OrdersDay | None
    ready_s: float
    program: Program
    tasks: tuple[asyncio.Task[None], ...]


async def run_demo(settings: Settings, options: DemoOptions, say: Say) -> int:
    """Run the demonstration; the exit code is 0 when all six steps and all bounds held.

    Without `once` the site stays live after the story, until SIGINT or SIGTERM.
    """
    if options.report is not None and not options.report.parent.is_dir():
        raise DemoRefused(f"--report {options.report}: there is no folder {options.report.parent}")
    return await until_stopped(_play(settings, options, say), say, STOPPED)


async def _play(settings: Settings, options: DemoOptions, say: Say) -> int:
    """Set up, run the story, report. Without `once` the site stays live until cancelled. Cancelled, also
    while setting up, it ends everything that it has started."""
    clock = SystemClock()
    begun = clock.now()
    async with opened(settings, options, say, clock) as demo:
        told = await _act(demo)
        report = _report(options, demo, *told, begun)
        if options.report is not None:
            write_report(report, options.report)
        say(checks_text(report.checks))
        if was_overloaded(report):
            say("only times missed their bounds: the machine was overloaded")
        if not report.ok:
            say(f"logs: {settings.data_dir / LOG_NAME}, {settings.data_dir / RUN_FOLDER / PROGRAM_LOG_NAME}")
        code = 0 if report.ok else 1
        if options.once:
            return code
        folder = settings.data_dir / RUN_FOLDER
        say(f"the site stays live at {demo.program.address}, its data in {folder}; stop with Ctrl-C")
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return code


@asynccontextmanager
async def opened(settings: Settings, options: DemoOptions, say: Say, clock: Clock) -> AsyncIterator[Opened]:
    """Start the product and the world and set the site up; stop everything on exit."""
    begun = clock.now()
    rng = Rng(options.seed)
    layout, scenario = read_scenario()
    drawn = rng.child("opening")
    day = _day(options.orders, layout, drawn)
    stock = day.stock if day else opening_stock(layout, drawn)
    held = _hold(settings.data_dir)
    folder = settings.data_dir / RUN_FOLDER
    say(f"erasing what a run before left in {folder}; to keep it, set TALLYHOUSE_DATA_DIR to another folder")
    _empty(folder)
    address = f"http://{LOOPBACK}:{_port(settings, 'port')}"
    environment = {
        "TALLYHOUSE_DATA_DIR": str(folder),
        "TALLYHOUSE_PORT": address.rpartition(":")[2],
        "TALLYHOUSE_MQTT_PORT": str(_port(settings, "mqtt_port")),
    }
    async with AsyncExitStack() as stack:
        stack.callback(held.close)
        wired = await plug_in(stack, clock, rng)
        say("starting the product …")
        program = Program(address, environment, folder / PROGRAM_LOG_NAME, say)
        await stack.enter_async_context(program)
        say("opening accounts …")
        accounts = await _open_accounts(settings, environment, address, options.language)
        people = await _sign_in_people(stack, address, accounts)
        say(f"  {len(people)} people are signed in")
        say("setting the site up …")
        items = GOODS if day is None else [*GOODS, *day.items]
        await _set_up(people, layout, wired, stock, items, say)
        facility_id = await seeding.open_facility(
            people["officer"],
            people["approver"],
            layout.site_id,
            OWNER,
            clock.now().isoformat(),
            WORDS[options.language].price_source,
        )
        await seeding.invite_bank(people["admin"], layout.site_id, BANK)
        secrets = await seeding.accept_devices(people["officer"], layout.site_id)
        say("  the bank has accepted the devices")
        broker = (LOOPBACK, int(environment["TALLYHOUSE_MQTT_PORT"]))
        trackers = await switch_on_trackers(stack, layout, secrets, broker, clock)
        site = LiveSite(
            actions.build_world(scenario, truth_of(stock), options.pace),
            scenario,
            rng=rng.child("world"),
            clock=clock,
            portal=wired.portal,
            bridge=wired.bridge,
            boom=wired.boom,
            trackers=trackers,
        )
        await wired.portal.wait_until_reporting(60.0)
        listener = Listener(people["operator"], address, layout.site_id, clock)
        tasks = tuple(asyncio.create_task(work) for work in (site.run(), listener.run()))
        stack.push_async_callback(_cancel, tasks)
        picker = next(account for account in accounts if account.username == "picker")
        handheld = await hand_out_handheld(stack, address, people["keeper"], layout.site_id, picker, clock)
        stage = Stage(
            site,
            scenario,
            layout,
            People(*(people[name] for name in People.__struct_fields__)),
            handheld,
            listener,
            facility_id=facility_id,
            owner_party_id=OWNER,
            words=WORDS[options.language],
            clock=clock,
            rng=rng.child("story"),
            say=say,
            linger_s=0.0 if options.once else LINGER_S,
        )
        ready_s = (clock.now() - begun).total_seconds()
        say(
            f"ready after {ready_s:.1f} s: open {address}/viewer/ and sign in with an account of "
            f"{settings.data_dir / 'demo-accounts.json'}"
        )
        yield Opened(stage, day, ready_s, program, tasks)


def _day(path: Path | None, layout: Layout, rng: Rng) -> OrdersDay | None:
    if path is None:
        return None
    try:
        return read_day(path, layout, rng, PALLETS)
    except ValueError as error:
        raise DemoRefused(f"--orders {path}: {error}") from error


def read_scenario() -> tuple[Layout, actions.Scenario]:
    """The layout and the world's parameters of the demonstration."""
    folder = files("simulators").joinpath("scenarios", "demo")
    layout = msgspec.json.decode(folder.joinpath("layout.json").read_bytes(), type=Layout)
    return layout, actions.read_scenario(folder.joinpath("world.toml").read_text("utf-8"))


def _hold(data_dir: Path) -> IO[str]:
    """Keep the data folder for this run alone, until the returned file is closed."""
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = (data_dir / "demo.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise DemoRefused(
            f"a demonstration is already running in {data_dir}; stop it, or set TALLYHOUSE_DATA_DIR"
        ) from None
    return lock


def _empty(folder: Path) -> None:
    """Make the folder anew for this run. One that an earlier run made is removed; any other is left alone."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARK).exists():
            raise DemoRefused(
                f"{folder} was not made by a demonstration; move it away or set TALLYHOUSE_DATA_DIR"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()


def _port(settings: Settings, name: Literal["port", "mqtt_port"]) -> int:
    """The port as set, which must be free; where none was set, the next free one from the usual on; 0 takes
    any."""
    wanted = getattr(settings, name)
    if name in settings.model_fields_set and not _is_free(wanted):
        raise DemoRefused(f"TALLYHOUSE_{name.upper()}={wanted}: the port is in use")
    for port in range(wanted, wanted + PORTS_TRIED) if wanted else [0]:
        if free := _is_free(port):
            return free
    raise DemoRefused(f"no free port from {wanted} on")


def _is_free(port: int) -> int:
    """The port (for 0, one that was free), or 0 when it is in use."""
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))
        return int(probe.getsockname()[1])
    return 0


async def _open_accounts(
    settings: Settings, environment: dict[str, str], address: str, language: Locale
) -> list[Account]:
    """Enter parties and people as their administrators would, and write the passwords down."""
    accounts = make_accounts()
    own = settings.model_copy(update={"data_dir": Path(environment["TALLYHOUSE_DATA_DIR"])})
    clock = SystemClock()
    async with database_access(own) as access:
        database = Database(access.app_dsn, clock, Ids.unguessable(clock))
        await database.open()
        commands = Commands(database, all_commands())
        for command in commands_for(accounts, language):
            await commands.do(entered_by(command), command)
        await database.close()
    write_accounts(settings.data_dir / "demo-accounts.json", address, accounts)
    return accounts


async def _sign_in_people(
    stack: AsyncExitStack, address: str, accounts: Sequence[Account]
) -> dict[str, ApiClient]:
    people: dict[str, ApiClient] = {}
    for account in accounts:
        client = await stack.enter_async_context(ApiClient(address))
        await client.sign_in(account.username, account.password)
        people[account.username] = client
    return people


async def _set_up(
    people: dict[str, ApiClient],
    layout: Layout,
    wired: Wired,
    stock: Sequence[OpeningPallet],
    items: Sequence[tuple[str, str, str, int]],
    say: Say,
) -> None:
    admin = people["admin"]
    await seeding.import_layout(admin, layout)
    await seeding.enrol_devices(admin, layout, wired.connections())
    say("  the layout is in, its devices are enrolled")
    await seeding.register_items(admin, items)
    say(f"  {len(items):,} items")
    await seeding.declare_opening_stock(admin, layout.site_id, stock)
    say(f"  {len(stock):,} pallets of opening stock")


async def _act(demo: Opened) -> tuple[list[StepResult], StepResult | None]:
    """The six steps, then the day of orders when a file was given."""
    steps = await run_story(demo.stage)
    day = demo.day
    if day is None:
        return steps, None
    return steps, await run_step(
        demo.stage, len(STEPS) + 1, f"a day of orders: {day.source}", lambda stage: run_orders_day(stage, day)
    )


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _report(
    options: DemoOptions,
    demo: Opened,
    steps: Sequence[StepResult],
    day: StepResult | None,
    begun: datetime,
) -> Report:
    held = {result.number for result in steps if result.held}
    checks = [
        Check(
            name=f"demo.step{number}",
            value=float(number in held),
            unit="held",
            bound="= 1",
            ok=number in held,
            how=title,
        )
        for number, (title, _) in enumerate(STEPS, start=1)
    ]
    figures = {"demo.ready_s": demo.ready_s, **demo.stage.figures}
    for name, unit, bound, how in (
        ("demo.ready_s", "s", READY_BOUND_S, "from the command to a site that is set up and live"),
        (
            "demo.alarm_ms",
            "ms",
            ALARM_BOUND_MS,
            "from the deciding evidence at the device to the live stream",
        ),
        (
            "demo.release_to_gate_ms",
            "ms",
            RELEASE_BOUND_MS,
            "from asking for the release to the barrier's coil",
        ),
    ):
        value = figures.get(name)
        ok = None if value is None else value <= bound
        checks.append(Check(name=name, value=value, unit=unit, bound=f"<= {bound:g}", ok=ok, how=how))
    if day is not None:
        checks.append(
            Check(
                name="demo.orders",
                value=float(day.held),
                unit="held",
                bound="= 1",
                ok=day.held,
                how="every row of the file flows as an order or is listed with its reason; the counts add up",
            )
        )
    detail = {
        "orders": msgspec.to_builtins(day),
        "steps": msgspec.to_builtins(list(steps)),
        "pace": options.pace,
        "restarts": demo.program.restarts,
        "acknowledged": acked_of(demo.stage.site.trackers),
        "acknowledged_scans": demo.stage.handheld.acked_sequence,
    }
    return make_report(
        "demo", seed=options.seed, started_at=begun, checks=checks, detail=detail, environment={}
    )
