"""The command line: `tallyhouse serve · demo · migrate · audit · backup · restore · health · admin · new`.

Each command imports what it needs when it runs: `tallyhouse health` is called every few seconds in
containers, and must not load the whole product each time.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Collection, Coroutine, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import msgspec
import typer
from pydantic import ValidationError

from app.settings import Settings
from kernel.errors import TallyhouseError

if TYPE_CHECKING:
    from app.database import Database
    from app.parts import Role
    from kernel.messages import Command

HEALTH_WITHIN_S = 5.0
LIVE_ONLY = "minutes", "pace", "from_hour", "accounts", "site", "herd_key"
NEVER_LIVE = "seeds", "jobs", "resume", "twice"
"""Options of `simulate` that say something with --live, or without it, alone."""

Answer = TypeVar("Answer")

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
admin = typer.Typer(no_args_is_help=True, help="Enter parties, their first accounts, and keys of this edge.")
cli.add_typer(admin, name="admin")
new = typer.Typer(no_args_is_help=True, help="Begin something in a checkout, ready to be changed.")
cli.add_typer(new, name="new")

NewFile = Annotated[Path, typer.Argument(help="A file that does not exist yet.")]
OldFile = Annotated[Path, typer.Argument(help="A file made by `tallyhouse backup`.", exists=True)]


@cli.command()
def serve(
    role: Annotated[
        list[str] | None, typer.Option(help="edge, fold, api, work or all; may be given more than once.")
    ] = None,
) -> None:
    """Run the program until SIGTERM or Ctrl-C."""
    from app.logs import configure_logs
    from app.roles import CREWS, web_app
    from app.serve import serve as run_program

    roles, settings = roles_named(role or ["all"]), Settings()
    configure_logs(settings.log_level, settings.log_format)
    raise typer.Exit(_run(run_program(settings, roles, crews=CREWS, web=web_app)))


@cli.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End after the six steps; exit 0 if all held.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed repeats the run.")] = 1,
    report: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write what happened to each step as JSON.")
    ] = None,
    orders: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Sales file to run as a day's orders (CSV)."),
    ] = None,
    pace: Annotated[
        float,
        typer.Option(
            min=0.5, max=20, help="Seconds of the world in one real second; the gate keeps real time."
        ),
    ] = 4,
) -> None:
    """Run the main job on a site of its own, with simulated devices on real protocols."""
    from app.demo.run import LOG_NAME, DemoOptions, run_demo
    from app.logs import configure_logs
    from app.texts import Texts

    settings = Settings()
    configure_logs("info", "json", settings.data_dir / LOG_NAME)
    language = Texts.locale_of(os.environ.get("LANG", ""))
    options = DemoOptions(seed=seed, once=once, report=report, orders=orders, pace=pace, language=language)
    raise typer.Exit(_run(run_demo(settings, options, _say)))


@cli.command()
def bench(
    name: Annotated[str, typer.Argument(help="decode, ingest or replay")],
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the figures as JSON.")] = None,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=14, help="Of replay: how long the site is cut off; 7 unless said."),
    ] = None,
) -> None:
    """Measure the product on processes of its own, on this machine; figures are ratios within the run."""
    from app.bench.run import BENCHES, TAKES_DAYS
    from app.logs import configure_logs
    from app.report import checks_text, write_report
    from app.signals import STOPPED, until_stopped

    if name not in BENCHES:
        raise typer.BadParameter(f"there is {', '.join(BENCHES)}", param_hint="NAME")
    if json is not None and not json.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {json.parent}", param_hint="--json")
    if days is not None and name not in TAKES_DAYS:
        raise typer.BadParameter(f"of {', '.join(sorted(TAKES_DAYS))} only", param_hint="--days")
    configure_logs("warning", "console")
    options = {} if days is None else {"days": days}
    made = asyncio.run(until_stopped(BENCHES[name](_say, **options), _say, None))
    if made is None:
        raise typer.Exit(STOPPED)
    if json is not None:
        write_report(made, json)
    typer.echo(checks_text(made.checks))
    raise typer.Exit(0 if made.ok else 1)


@cli.command()
def simulate(
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(help="Name of the scenario; `list` names them all.")],
    seed: Annotated[int, typer.Option(help="The first seed.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, max=100_000, help="How many seeds, from the first on.")] = 1,
    days: Annotated[
        int | None, typer.Option(min=1, max=366, help="How many days; else as the scenario says.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Seeds to run side by side.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Take up a run that was stopped.")] = False,
    twice: Annotated[
        bool, typer.Option("--twice", help="Run the first seed again and compare every byte.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write truth, readings and belief as JSON.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Drive a system that runs on this machine, over sockets.")
    ] = False,
    minutes: Annotated[
        float, typer.Option(min=0.1, help="With --live: how long; --days of the world say it too.")
    ] = 10.0,
    pace: Annotated[
        float, typer.Option(min=0.1, max=60, help="With --live: seconds of the world in a real one.")
    ] = 1.0,
    from_hour: Annotated[
        float, typer.Option(min=0, max=24, help="With --live: the hour of the world's day to begin at.")
    ] = 6.5,
    accounts: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="With --live: accounts (JSON as demo-accounts.json): an admin and keeper, and an officer "
            "who accepts the devices.",
        ),
    ] = None,
    site: Annotated[str, typer.Option(help="With --live: the site's id; devices begin with it.")] = "live",
    herd_key: Annotated[
        str, typer.Option(help="With --live, for a ranch: name of the herd's key at the edge.")
    ] = "live-herd",
) -> None:
    """Run a world and the product under one simulated clock, faster than real time, without sockets.

    With --live: put the devices of the scenario on sockets for a system that runs (`tallyhouse serve`), in
    the same settings as that, and end by itself.
    """
    from app.simulate.command import SimulateOptions, report_text, run_simulation
    from app.simulate.scenario import ScenarioUnknown, read_scenario, scenario_names
    from kernel.clock import SystemClock

    if scenario == "list":
        for name in scenario_names():
            typer.echo(f"{name:<24}{read_scenario(name).title_en}")
        return
    _refuse_options(context, LIVE_ONLY if not live else NEVER_LIVE, "with" if not live else "without")
    if report is not None and not report.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {report.parent}", param_hint="--report")
    if live:
        lasts_s = 60 * minutes if days is None else days * 86_400 / pace
        _simulate_live(scenario, seed, lasts_s, pace, from_hour, accounts, site, herd_key, report)
        return
    options = SimulateOptions(
        scenario=scenario,
        seed=seed,
        seeds=seeds,
        days=days,
        jobs=jobs,
        resume=resume,
        twice=twice,
        report=report,
    )
    try:
        made = run_simulation(options, SystemClock().now(), _say)
    except ScenarioUnknown as error:
        raise typer.BadParameter(str(error), param_hint="SCENARIO") from error
    typer.echo(report_text(made))
    raise typer.Exit(1 if made.ok is False else 0)


def _refuse_options(context: typer.Context, names: Collection[str], how: str) -> None:
    """Refuse the first of the options that was given although it does nothing here."""
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name != "DEFAULT":
            raise typer.BadParameter(f"only {how} --live", param_hint=f"--{name.replace('_', '-')}")


def _simulate_live(
    scenario: str,
    seed: int,
    lasts_s: float,
    pace: float,
    from_hour: float,
    accounts: Path | None,
    site: str,
    herd_key: str,
    report: Path | None,
) -> None:
    import json

    from app.api_client import ApiProblem
    from app.keys import Keys
    from app.logs import configure_logs
    from app.simulate.live import LiveOptions, LiveRefused, drive_live
    from app.simulate.scenario import ScenarioUnknown
    from kernel.clock import SystemClock

    if accounts is None:
        raise typer.BadParameter("a file of accounts", param_hint="--accounts")
    settings = Settings()
    if not settings.mqtt_port or not settings.port:
        raise typer.BadParameter(
            "TALLYHOUSE_PORT and TALLYHOUSE_MQTT_PORT as the system has them", param_hint="--live"
        )
    configure_logs("warning", "console")
    options = LiveOptions(
        scenario=scenario,
        seed=seed,
        lasts_s=lasts_s,
        pace=pace,
        from_hour=from_hour,
        accounts=accounts,
        address=f"http://{settings.host}:{settings.port}",
        broker=(settings.mqtt_host, settings.mqtt_port),
        site_id=site,
        key_name=herd_key,
    )
    try:
        said = _run(drive_live(options, Keys(settings.data_dir / "keys"), SystemClock(), _say))
    except (LiveRefused, ScenarioUnknown, ApiProblem, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="--live") from error
    if report is not None:
        report.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


@cli.command()
def migrate(
    accept_server: Annotated[
        bool, typer.Option("--accept-server", help="The server was upgraded to another major version.")
    ] = False,
) -> None:
    """Bring the database to this release."""
    from app.access import database_access
    from app.migrate import migrate as run_migrations
    from kernel.clock import SystemClock

    async def work(settings: Settings) -> list[str]:
        async with database_access(settings) as access:
            return await run_migrations(
                access.as_owner(),
                SystemClock(),
                app_password=access.app_password,
                accept_server=accept_server,
            )

    done = _quietly(work)
    typer.echo("\n".join(done) if done else "up to date")


@cli.command()
def audit(
    journal: Annotated[str | None, typer.Argument(help="Only this journal; all when left out.")] = None,
) -> None:
    """Re-add every journal from zero and compare with the balances; exit code 1 when any disagrees."""
    from app.access import existing_access
    from app.audit import audit as run_audit
    from app.audit import audit_text
    from app.wiring import AUDITS
    from kernel.clock import SystemClock

    async def work(settings: Settings) -> tuple[str, bool]:
        async with existing_access(settings) as access:
            results = await run_audit(access.app_dsn, SystemClock(), AUDITS, journal)
        return audit_text(results), any(result.findings for result in results)

    text, disagree = _quietly(work)
    typer.echo(text)
    raise typer.Exit(1 if disagree else 0)


@cli.command()
def backup(file: NewFile) -> None:
    """Save everything in one file, while the program goes on working. The file holds secrets."""
    from app.access import existing_access
    from app.backup import backup as make_backup
    from kernel.clock import SystemClock

    async def work(settings: Settings) -> int:
        async with existing_access(settings) as access:
            manifest = await make_backup(access.as_owner(), settings.data_dir, file, SystemClock())
        return sum(table.row_count for table in manifest.tables)

    typer.echo(f"{file}: {_quietly(work)} rows")


@cli.command()
def restore(file: OldFile) -> None:
    """Load a backup into an empty data folder, or a new database."""
    from app.access import database_access
    from app.restore import read_through
    from app.restore import restore as load_backup
    from kernel.clock import SystemClock

    async def work(settings: Settings) -> int:
        sound = read_through(file)
        async with database_access(settings) as access:
            manifest = await load_backup(
                access.as_owner(), settings.data_dir, sound, SystemClock(), app_password=access.app_password
            )
        return sum(table.row_count for table in manifest.tables)

    typer.echo(f"{file}: {_quietly(work)} rows restored")


@cli.command()
def health() -> None:
    """Ask the running program on TALLYHOUSE_HEALTH_PORT whether it is ready; exit code 1 when it is not."""
    settings = Settings()
    if settings.health_port is None:
        sys.exit("set TALLYHOUSE_HEALTH_PORT for the program and for this command")
    address = f"http://127.0.0.1:{settings.health_port}/health/ready"
    try:
        with urlopen(address, timeout=HEALTH_WITHIN_S) as answer:
            status, text = answer.status, answer.read().decode()
    except HTTPError as error:
        status, text = error.code, error.read().decode()
    except (URLError, TimeoutError) as error:
        sys.exit(f"not running: {error}")
    typer.echo(text)
    raise typer.Exit(0 if status == HTTPStatus.OK else 1)


@new.command("driver")
def new_driver(
    name: Annotated[str, typer.Argument(help="The family: small letters, digits and underscores.")],
    reach: Annotated[
        str, typer.Option(help="dialled (we connect to the device) or broker (it speaks over MQTT).")
    ] = "dialled",
    root: Annotated[Path, typer.Option(help="The checkout to write into.")] = Path(),
) -> None:
    """Write a driver that works and passes the kit of all drivers, with its fake and its tests."""
    from app.new_driver.begin import PAGE, RULES, CannotBegin, begin_driver

    try:
        written = begin_driver(root.resolve(), name, reach)  # type: ignore[arg-type]
    except CannotBegin as error:
        raise typer.BadParameter(str(error)) from None
    for path in written:
        typer.echo(path.relative_to(root.resolve()))
    typer.echo(
        f"next: change it, step by step as devices/drivers/{name}/README.md and CONTRIBUTING.md say; each new"
        f" rule needs its Chinese in {RULES}, and {PAGE} is printed by .venv/bin/python -m devices.quality"
    )


@admin.command("add-party")
def add_party(
    kind: Annotated[str, typer.Argument(help="bank, keeper, owner or carrier.")],
    name: Annotated[str, typer.Argument(help="As people read it, such as 'Bank A'.")],
    party_id: Annotated[str, typer.Argument(help="As commands name it, such as bank-a; it stays.")],
) -> None:
    """Enter a bank, keeper, owner or carrier."""
    from identity.messages import AddParty, PartyKind

    kinds: tuple[PartyKind, ...] = get_args(PartyKind)
    chosen = next((known for known in kinds if known == kind), None)
    if chosen is None:
        raise typer.BadParameter(f"kind is one of {', '.join(kinds)}")
    _do(AddParty(kind=chosen, name=name, party_id=party_id))
    typer.echo(f"{kind} {party_id} entered")


@admin.command("add-person")
def add_person(
    username: Annotated[str, typer.Argument(help="What the person signs in with; small letters.")],
    party_id: Annotated[str, typer.Argument(help="The person's party, as add-party entered it.")],
    roles: Annotated[
        list[str],
        typer.Argument(
            help="One or more of operator, picker, keeper (who keep), officer, approver (who lend), "
            "borrower, auditor, admin; first a keeper's or bank's admin."
        ),
    ],
    display_name: Annotated[str, typer.Option(help="Shown to others; the user name when left out.")] = "",
    password: Annotated[str, typer.Option(help="Asked for when it is left out.")] = "",
) -> None:
    """Open the first account of a party, its admin's, who opens the others; the password is asked for.

    Owners and carriers have no admin: all their accounts are opened here.
    """
    from app.commands import Commands
    from app.wiring import all_commands
    from identity.api import require_addable
    from identity.messages import AddPerson
    from kernel.caller import ROLES, Caller

    known = {role: role for role in ROLES}
    unknown = [role for role in roles if role not in known]
    if unknown:
        raise typer.BadParameter(f"no such role: {', '.join(unknown)}; there are {', '.join(ROLES)}")
    person = AddPerson(
        username=username,
        password=password,
        display_name=display_name or username,
        party_id=party_id,
        roles=tuple(known[role] for role in roles),  # type: ignore[index]
    )

    async def work(database: "Database") -> None:
        async with database.write(Caller.product("admin")) as tx:
            await require_addable(person, tx)
        given = password or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        command = msgspec.structs.replace(person, password=given)
        await Commands(database, all_commands()).do(Caller.product("admin"), command)

    _on_database(work)
    typer.echo(f"{username} may sign in")


@admin.command("add-key")
def add_key(
    name: Annotated[str, typer.Argument(help="What a device's enrolment calls it: letters, digits, . _ -")],
) -> None:
    """Make a key for this edge, such as a herd's, and tell its fingerprint; the file is never backed up."""
    from app.keys import Keys
    from kernel.secrets import fingerprint

    settings = Settings()
    key = Keys(settings.data_dir / "keys").make(name)
    typer.echo(f"{settings.data_dir / 'keys' / name}.key made, fingerprint {fingerprint(key)}")


@admin.command("add-secret")
def add_secret(
    name: Annotated[str, typer.Argument(help="What a device's enrolment calls it: letters, digits, . _ -")],
) -> None:
    """Keep a secret for this edge, such as a camera's password: the first line of standard input."""
    from app.keys import Keys

    settings = Settings()
    Keys(settings.data_dir / "keys").keep_secret(name, sys.stdin.readline().strip())
    typer.echo(f"{settings.data_dir / 'keys' / name}.secret kept")


@admin.command("tag-keys")
def tag_keys(
    herd_key: Annotated[str, typer.Argument(help="The name of the herd's key, as add-key made it.")],
) -> None:
    """Read animals' numbers, one a line, and write each with the key to program into its ear tag."""
    from app.keys import Keys
    from devices.drivers.ear_tag.frame import key_of
    from kernel.animals import WrongAnimalId, animal_id

    key = Keys(Settings().data_dir / "keys").get(herd_key)
    if key is None:
        raise typer.BadParameter(f"no key of the name {herd_key}; tallyhouse admin add-key makes one")
    for line in filter(None, map(str.strip, sys.stdin)):
        try:
            animal = animal_id(line)
        except WrongAnimalId as error:
            raise typer.BadParameter(f"{line}: {error}") from error
        typer.echo(f"{animal.scheme},{animal.digits},{key_of(animal, key).hex()}")


def roles_named(names: list[str]) -> "list[Role]":
    """The roles of these names; `all` stands for every one. BadParameter for a name that is none."""
    from app.parts import ROLES

    if "all" in names:
        return list(ROLES)
    unknown = [name for name in names if name not in ROLES]
    if unknown:
        raise typer.BadParameter(f"no such role: {', '.join(unknown)}; there are {', '.join(ROLES)} and all")
    return [role for role in ROLES if role in names]


def _do(command: "Command") -> None:
    """Carry out one command in the product's own name."""
    from app.commands import Commands
    from app.wiring import all_commands
    from kernel.caller import Caller

    async def work(database: "Database") -> None:
        await Commands(database, all_commands()).do(Caller.product("admin"), command)

    _on_database(work)


def _on_database(work: Callable[["Database"], Coroutine[Any, Any, None]]) -> None:
    """Run a short command on the installation's database, which is started where it does not run."""
    from app.access import database_access
    from app.database import Database
    from kernel.clock import SystemClock
    from kernel.ids import Ids

    async def on_database(settings: Settings) -> None:
        clock = SystemClock()
        async with database_access(settings) as access:
            database = Database(access.app_dsn, clock, Ids.unguessable(clock))
            await database.open()
            try:
                await work(database)
            finally:
                await database.close()

    _quietly(on_database)


def _quietly(work: Callable[[Settings], Coroutine[Any, Any, Answer]]) -> Answer:
    """Run a short command: only warnings are logged, as text."""
    from app.logs import configure_logs

    configure_logs("warning", "console")
    return _run(work(Settings()))


def _say(line: str) -> None:
    typer.echo(line)
    sys.stdout.flush()


def _run(work: Coroutine[Any, Any, Answer]) -> Answer:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _setting_refused(error: Mapping[str, Any]) -> str:
    """Which setting breaks which rule, in the language of the terminal."""
    from app.malformed import field_and_rule
    from app.texts import Texts

    if not error["loc"]:
        return str(error["ctx"]["error"])
    field, rule = field_and_rule(error)
    texts = Texts.load()
    facts = {"field": f"TALLYHOUSE_{field.replace('.', '_').upper()}", "rule": rule}
    return texts.problem(texts.locale_of(os.environ.get("LANG", "")), "request.malformed", facts)


def main() -> None:
    """Entry point. What is expected to go wrong is told in one line; the exit code is 1."""
    try:
        cli()
    except ValidationError as error:
        sys.exit("\n".join(["settings:", *map(_setting_refused, error.errors())]))
    except TallyhouseError as error:
        from app.texts import Texts

        texts = Texts.load()
        sys.exit(texts.problem(texts.locale_of(os.environ.get("LANG", "")), error.key, error.facts))
    except Exception as error:
        import psycopg

        from app.demo.run import DemoRefused
        from app.supervise.process import ChildFailed
        from app.web import PortTaken

        if not isinstance(error, ChildFailed | PortTaken | DemoRefused | psycopg.OperationalError):
            raise
        sys.exit(str(error).strip())


if __name__ == "__main__":
    main()
