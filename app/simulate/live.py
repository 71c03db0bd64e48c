"""`tallyhouse simulate SCENARIO --live`: a scenario's devices on sockets, for a system that runs.

The system's edge is on this machine, for what it dials stands on loopback. Devices are enrolled through the
product's API by an account that the user gives, and accepted by an officer's where one is given; then the
world goes on at a pace, and what its devices say goes onto the wire when it is time. A warehouse has a camera
more than in a simulation, whose pictures are painted from the world. Of what people enter, its stock, the
trucks that bring goods and what is scanned are, by a picker's account where one is given; departures and
papers of finance are not.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from app.api_client import ApiClient
from app.keys import Keys
from app.simulate.office import Office
from app.simulate.scenario import Scenario, read_scenario
from app.simulate.site import Live, SimulatedRanch, SimulatedSite, Site
from kernel.clock import Clock
from kernel.layout import Layout
from simulators.protocols.pda.server import Handheld, SignIn
from simulators.sites.eyes import MOUNT, Eye
from simulators.sites.sockets import Sockets
from simulators.sites.warehouse import NETWORK_SERVER, Paper

Say = Callable[[str], None]
HOUR_S = 3_600.0
TOLD_EVERY_S = 30.0
READY_WITHIN_S = 60.0
SETTLED_WITHIN_S = 120.0
ENROLS, ACCEPTS, SCANS = frozenset({"admin", "keeper"}), "officer", "picker"


class LiveRefused(Exception):
    """What the user gave does not do; the message says what would."""


class LiveOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says. `lasts_s` is of the calendar, `from_hour` of the world's day."""

    scenario: str
    seed: int
    lasts_s: float
    pace: float
    from_hour: float
    accounts: Path
    address: str
    broker: tuple[str, int]
    site_id: str
    key_name: str


class Account(msgspec.Struct, frozen=True):
    username: str
    password: str
    roles: tuple[str, ...]


async def drive_live(options: LiveOptions, keys: Keys, clock: Clock, say: Say) -> dict[str, Any]:
    """Drive a running system until the time is up. Returns what was said, by device, and what was set aside.

    Raises LiveRefused, ApiProblem, ScenarioUnknown, or ValueError for a scenario that cannot be at its site.
    """
    scenario = read_scenario(options.scenario)
    accounts = read_accounts(options.accounts)
    admin = _who(accounts, ENROLS, options.accounts)
    officer, picker = (
        next((account for account in accounts if role in account.roles), None) for role in (ACCEPTS, SCANS)
    )
    herd_key = _herd_key(scenario, keys, options.key_name)
    # Its layout, its settings and what stands there are wanted before its time begins.
    planned = _site(options, scenario, herd_key, clock)
    layout = msgspec.structs.replace(planned.layout, site_id=options.site_id)
    if isinstance(planned, SimulatedSite):
        layout = msgspec.structs.replace(layout, mounts=[*layout.mounts, MOUNT])
    ids = {mount.mount_id: f"{options.site_id}-{mount.mount_id}" for mount in layout.mounts}
    async with AsyncExitStack() as stack:
        keeper = await stack.enter_async_context(ApiClient(options.address))
        await keeper.sign_in(admin.username, admin.password)
        say(f"{admin.username} is signed in at {options.address}")
        sockets = Sockets(layout, ids, clock)
        connections = await sockets.plug_in(stack)
        eye = None
        if isinstance(planned, SimulatedSite):
            eye = await stack.enter_async_context(Eye(planned.world, clock))
            await eye.look(planned.world)
            connections[MOUNT.mount_id] = eye.connection
        secrets = await _enrol(keeper, layout, ids, connections, _settings(planned, options, ids))
        say(f"site {layout.site_id}: layout is in, {len(secrets)} devices are enrolled")
        if officer is None:
            say("no officer's account was given: no bank accepts the devices, their readings are no evidence")
        else:
            secrets |= await _accept(stack, options.address, keeper, officer, layout, ids)
            say(f"{officer.username} has accepted the devices")
        office = None
        if isinstance(planned, SimulatedSite):
            office = Office(keeper, layout.site_id)
            count = await office.stock(planned)
            say(f"{count:,} pallets are entered" if count else "stock of an earlier run is entered already")
            papers = [message.facts for message in planned.line.take(planned.time_s)]
            trucks = sum([await office.announce(paper) for paper in papers])
            say(f"{trucks} trucks are announced")
            if picker is None:
                say("no picker's account was given: nothing is scanned")
            else:
                sockets.handhelds = await _hand_out(stack, keeper, layout, picker, options.address, clock)
                say(f"{picker.username} is signed in at {len(sockets.handhelds)} handhelds")
        await sockets.switch_on(stack, secrets, options.broker)
        await _within(sockets.ready(READY_WITHIN_S), "the system reads the readers of every portal")
        set_aside = await _set_aside(keeper, layout.site_id)
        site = _site(options, scenario, herd_key, clock)
        lag_s = await _drive(site, sockets, office, eye, options, clock, say)
        await _within(sockets.settle(SETTLED_WITHIN_S), "the broker takes all that was published")
        set_aside = await _set_aside(keeper, layout.site_id) - set_aside
        say(
            f"done: {sum(sockets.delivered.values()):,} messages, at most {lag_s:.1f} s late;"
            f" {set_aside:,} readings were set aside so far"
        )
        if sockets.not_delivered:
            say(f"not driven: {json.dumps(dict(sorted(sockets.not_delivered.items())))}")
        return {
            "site_id": layout.site_id,
            "delivered": dict(sorted(sockets.delivered.items())),
            "not_delivered": dict(sorted(sockets.not_delivered.items())),
            "scanned": dict(sorted(sockets.scanned.items())),
            "lag_s_max": round(lag_s, 3),
            "set_aside": set_aside,
        }


async def _within(work: Awaitable[None], what: str) -> None:
    try:
        await work
    except TimeoutError:
        raise LiveRefused(
            f"{what}: not in time; is its edge on this machine, in the same settings?"
        ) from None


def read_accounts(path: Path) -> list[Account]:
    """Accounts of a file in the shape of `demo-accounts.json`: `accounts`, each with `username`, `password`
    and `roles`. Raises LiveRefused."""
    try:
        document = json.loads(path.read_text("utf-8"))
        return msgspec.convert(document["accounts"], list[Account])
    except (OSError, ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise LiveRefused(f"{path}: accounts with username, password and roles ({error})") from error


def _who(accounts: list[Account], roles: frozenset[str], path: Path) -> Account:
    for account in accounts:
        if roles <= set(account.roles):
            return account
    raise LiveRefused(f"{path}: an account with the roles {' and '.join(sorted(roles))}")


def _herd_key(scenario: Scenario, keys: Keys, name: str) -> bytes | None:
    """The key from which the ear tags are programmed, as the edge has it. Raises LiveRefused."""
    if scenario.mode != "ranch":
        return None
    key = keys.get(name)
    if key is None:
        make = f"tallyhouse admin add-key {name}"
        raise LiveRefused(
            f"no key of the name {name!r} at this edge for the herd's ear tags; make it: {make}"
        )
    return key


def _site(options: LiveOptions, scenario: Scenario, herd_key: bytes | None, clock: Clock) -> Site:
    from_s = options.from_hour * HOUR_S
    days = 1 + int((from_s + options.lasts_s * options.pace) // (24 * HOUR_S))
    live = Live(
        clock=clock,
        from_s=from_s,
        pace=options.pace,
        first_boot=int(clock.now().timestamp()),
        herd_key=herd_key,
    )
    kind = SimulatedRanch if scenario.mode == "ranch" else SimulatedSite
    return kind(scenario, options.seed, days, live=live)


def _settings(site: Site, options: LiveOptions, ids: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What devices are enrolled with: of a herd's key the registry keeps the name alone, of a gateway the
    product's name."""
    named = {"herd_key": options.key_name, "gateway": ids.get(NETWORK_SERVER)}
    return {
        device: {**settings, **{key: name for key, name in named.items() if key in settings}}
        for device, settings in site.settings.items()
    }


async def _enrol(
    keeper: ApiClient,
    layout: Layout,
    ids: Mapping[str, str],
    connections: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Mapping[str, Any]],
) -> dict[str, str]:
    """Bring the layout in and enrol all but handhelds; returns the credentials, by mount."""
    await keeper.post("/sites", {"layout": msgspec.to_builtins(layout)})
    secrets = {}
    for mount in layout.mounts:
        if mount.family != "pda":
            body = {
                "device_id": ids[mount.mount_id],
                "family": mount.family,
                "mount_id": mount.mount_id,
                "connection": {**connections[mount.mount_id], **settings.get(mount.mount_id, {})},
            }
            enrolled = await keeper.post(f"/sites/{layout.site_id}/devices", body)
            secrets[mount.mount_id] = enrolled["secret"]
    return secrets


async def _accept(
    stack: AsyncExitStack,
    address: str,
    keeper: ApiClient,
    account: Account,
    layout: Layout,
    ids: Mapping[str, str],
) -> dict[str, str]:
    """The keeper invites the officer's bank, which accepts every device; returns the credentials that devices
    have from then on."""
    officer = await stack.enter_async_context(ApiClient(address))
    session = await officer.sign_in(account.username, account.password)
    body = {"party_id": session["party"]["party_id"]}
    await keeper.post(f"/sites/{layout.site_id}/inspectors", body)
    mounts = {device_id: mount for mount, device_id in ids.items()}
    secrets = {}
    for device in await officer.items(f"/sites/{layout.site_id}/devices"):
        mount = mounts.get(device["device_id"])
        if mount is None or device["retired_at"] is not None:
            continue
        accepted = await officer.post(
            f"/devices/{device['device_id']}/accept", {"enrolment": device["enrolment"]}
        )
        if accepted["secret"] is not None:
            secrets[mount] = accepted["secret"]
    return secrets


async def _hand_out(
    stack: AsyncExitStack, keeper: ApiClient, layout: Layout, picker: Account, address: str, clock: Clock
) -> dict[str, Handheld]:
    """Enrol a handheld for each of the layout, by code as its picture would, and sign the picker in on it."""
    handhelds, person = {}, SignIn(picker.username, picker.password)
    for mount in layout.mounts:
        if mount.family == "pda":
            issued = await keeper.post(f"/sites/{layout.site_id}/devices/pda/enrolment-codes")
            handheld = await Handheld.enrolled(address, issued["enrolment_code"], person, clock)
            handhelds[mount.mount_id] = await stack.enter_async_context(handheld)
    return handhelds


async def _set_aside(keeper: ApiClient, site_id: str) -> int:
    """How many readings of the site's devices went to quarantine."""
    return sum([device["quarantined"] for device in await keeper.items(f"/sites/{site_id}/devices")])


async def _drive(
    site: Site,
    sockets: Sockets,
    office: Office | None,
    eye: Eye | None,
    options: LiveOptions,
    clock: Clock,
    say: Say,
) -> float:
    """Step the world ahead and say what it said when it is time; returns how late anything was at most."""
    from_s = site.time_s
    begun = site.moment(from_s)
    ends = begun + timedelta(seconds=options.lasts_s)
    say(
        f"from {_of_day(site.time_s)} of its world, {options.pace:g} times as fast, until {ends:%H:%M:%S} UTC"
    )
    told_at, lag_s = begun, 0.0
    while site.moment(site.time_s) < ends:
        site.line.put(site.go_on()[1])
        if eye is not None and isinstance(site, SimulatedSite):
            await eye.look(site.world)
        for message in site.line.take(site.time_s):
            if message.at_s < from_s:
                continue  # Announced before.
            due = site.moment(message.at_s)
            if due >= ends:
                break
            if (wait_s := (due - clock.now()).total_seconds()) > 0:
                await asyncio.sleep(wait_s)
            lag_s = max(lag_s, -wait_s)
            if not (office and isinstance(message.facts, Paper) and await office.announce(message.facts)):
                sockets.deliver(message)
            if (clock.now() - told_at).total_seconds() >= TOLD_EVERY_S:
                told_at = clock.now()
                say(f"{_of_day(message.at_s)}: {sum(sockets.delivered.values()):,} messages")
    if (left_s := (ends - clock.now()).total_seconds()) > 0:
        await asyncio.sleep(left_s)
    return lag_s


def _of_day(at_s: float) -> str:
    day, of_day_s = divmod(at_s, 24 * HOUR_S)
    return f"day {int(day) + 1}, {int(of_day_s // HOUR_S):02d}:{int(of_day_s % HOUR_S // 60):02d}"
