"""A simulated site: a world, the devices of its site and their line, for a product to hear."""

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from app.simulate.cameras import camera_settings
from app.simulate.product import Product, Take
from app.simulate.scenario import Scenario, reboots_of, violations
from kernel import clock as calendar
from kernel.layout import Layout
from kernel.rng import Rng
from simulators.faults.model import DeviceFault, LineFault
from simulators.faults.network import Line, draw_cuts
from simulators.sites.clocks import draw_reboots
from simulators.sites.messages import Message
from simulators.sites.ranch import RanchDevices
from simulators.sites.warehouse import NETWORK_SERVER, Codes, WarehouseDevices, dev_eui, lot_name
from simulators.world.ranch import places as ranch
from simulators.world.ranch.build import build_ranch
from simulators.world.ranch.state import Ranch
from simulators.world.ranch.step import step as advance
from simulators.world.tables import Clock, Network
from simulators.world.warehouse.acts import OTHER_SITE_READER
from simulators.world.warehouse.build import build_warehouse
from simulators.world.warehouse.places import layout_of, places_of
from simulators.world.warehouse.state import EXPECTED, Announced, Warehouse
from simulators.world.warehouse.step import step

START = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
"""Midnight in the site's own zone."""
STEP_S = 60.0


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """How a site is driven whose devices stand on sockets: from which moment of its world on, how many of its
    seconds pass in one of the calendar, under which boot its devices number, which key its tags have."""

    clock: calendar.Clock
    from_s: float
    pace: float
    first_boot: int
    herd_key: bytes | None = None

    def start(self, time_s: float) -> datetime:
        """The world's first midnight on the calendar, when it is now so far."""
        return self.clock.now() - timedelta(seconds=time_s / self.pace)


class Site(ABC):
    """What every simulated site shares: the calendar of its world, its line, and what it told so far.

    `run_until` tells what devices say. Raises ValueError for a scenario that cannot be at its site.
    """

    def __init__(
        self,
        scenario: Scenario,
        layout: Layout,
        network: Network,
        clock: Clock,
        rng: Rng,
        days: int,
        start: datetime,
        live: Live | None,
    ) -> None:
        if broken := violations(scenario, layout):
            raise ValueError("; ".join(broken))
        self.layout, self.start = layout, start
        self._pace = 1.0 if live is None else live.pace
        self._steps = rng.child("steps")
        self.of_devices: list[DeviceFault] = [
            *(fault for fault in scenario.fault if isinstance(fault, DeviceFault)),
            *draw_reboots(clock, reboots_of(layout), days, rng),
        ]
        """Faults of the scenario, and reboots that come of themselves."""
        of_line = [fault for fault in scenario.fault if isinstance(fault, LineFault)]
        cuts = scenario.cuts or draw_cuts(network, days, rng)
        self.line = Line(network, cuts, rng, of_line)
        self.settings: Mapping[str, Mapping[str, Any]] = {}
        """What devices are enrolled with beside where they are reached, by device."""
        self.messages = 0
        self.truth: Counter[str] = Counter()
        """What the world noticed, by kind."""

    @property
    @abstractmethod
    def time_s(self) -> float:
        """How far the world is, in its seconds."""

    @abstractmethod
    def go_on(self) -> tuple[Sequence[Any], list[Message]]:
        """One step of the world: what it noticed, and what its devices say of it."""

    def run_until(
        self, until_s: float, product: Product, note: Callable[[Sequence[Any]], None] = lambda _: None
    ) -> None:
        """Let the world go on, in steps, until this many seconds after its start. `note` gets what it noticed
        in each."""
        while self.time_s < until_s:
            seen, said = self.go_on()
            note(seen)
            self.truth.update(type(noticed).__name__ for noticed in seen)
            self.line.put(said)
            self._arrive(self.time_s, product)

    def settle(self, product: Product) -> None:
        """Let all that was said arrive before anything is counted; the world stands still."""
        self._arrive(math.inf, product)

    def _arrive(self, until_s: float, product: Product) -> None:
        for message in self.line.take(until_s):
            self.messages += 1
            product.receive(message, self.moment(message.at_s))

    def moment(self, at_s: float) -> datetime:
        """A moment of the world on the calendar, to the millisecond."""
        return self.start + timedelta(milliseconds=round(at_s / self._pace * 1000))


class SimulatedSite(Site):
    """The warehouse of a scenario from its first midnight on, at `start`."""

    def __init__(
        self, scenario: Scenario, seed: int, days: int, start: datetime = START, live: Live | None = None
    ) -> None:
        parameters, rng = scenario.parameters(), Rng(seed)
        places, codes = places_of(parameters), Codes()
        super().__init__(
            scenario, layout_of(parameters), parameters.network, parameters.clock, rng, days, start, live
        )
        self.slot_ids = places.slot_ids
        """By the number of a place in the world."""
        self.world: Warehouse = build_warehouse(parameters, rng.child("world"), scenario.acts)
        self.settings = {
            **camera_settings(self.layout, parameters),
            **_air(parameters.devices.climate_sensors),
        }
        pallets = self.world.pallets
        self.books = {
            codes.sscc(n): (
                lot_name(int(pallets.lot[n])),
                places.slot_ids[int(pallets.place[n])],
            )
            for n in range(pallets.count)
        }
        """The books at the start: lot and slot by SSCC."""
        on_sockets: dict[str, Any] = {}
        if live is not None:
            announced = self._ahead(live.from_s)
            self.start = live.start(self.world.time_s)
            on_sockets = {"first_boot": live.first_boot, "pace": live.pace, "has_readers": False}
        self.devices = WarehouseDevices(
            parameters, self.start, rng.child("devices"), self.of_devices, **on_sockets
        )
        if live is not None:
            self.line.put(self.devices.say(msgspec.structs.replace(self.world, seen=announced)))

    def _ahead(self, until_s: float) -> tuple[Announced, ...]:
        """Let the world go on untold; returns what was announced meanwhile and has not come yet."""
        announced: list[Announced] = []
        while self.world.time_s < until_s:
            self.world = step(self.world, STEP_S, self._steps)
            announced += [noticed for noticed in self.world.seen if isinstance(noticed, Announced)]
        place = self.world.pallets.place
        return tuple(
            paper
            for paper in announced
            if paper.direction == "in" and all(place[pallet] == EXPECTED for pallet in paper.pallets)
        )

    def product(self, take: Take, take_paper: Callable[[Any], None]) -> Product:
        """A product that hears this site, its sessions with the portals open. It gives each new reading to
        `take`, with the moment it arrived."""
        product = Product(self.layout, take, take_paper, {OTHER_SITE_READER: "mqtt_reader"}, self.settings)
        for number, reader in enumerate(self.devices.portals):
            product.connect(f"portal-{number + 1}", reader)
        return product

    @property
    def time_s(self) -> float:
        return self.world.time_s

    def go_on(self) -> tuple[Sequence[Any], list[Message]]:
        self.world = step(self.world, STEP_S, self._steps)
        return self.world.seen, self.devices.say(self.world)


def _air(sensors: int) -> dict[str, dict[str, Any]]:
    """Sensors of the air are nodes of the network server."""
    return {f"climate-{n + 1}": {"gateway": NETWORK_SERVER, "node": dev_eui(n)} for n in range(sensors)}


class SimulatedRanch(Site):
    """The ranch of a scenario from its first midnight on, at `start`."""

    def __init__(
        self, scenario: Scenario, seed: int, days: int, start: datetime = START, live: Live | None = None
    ) -> None:
        parameters, rng = scenario.ranch_parameters(), Rng(seed)
        layout = ranch.layout_of(parameters)
        super().__init__(scenario, layout, parameters.network, parameters.clock, rng, days, start, live)
        self._step_s = float(parameters.station.beacon_s)
        self.world: Ranch = build_ranch(parameters, rng.child("world"), scenario.troubles)
        on_sockets: dict[str, Any] = {}
        if live is not None:
            while self.world.time_s < live.from_s:
                self.world = advance(self.world, self._step_s, self._steps)
            self.start = live.start(self.world.time_s)
            on_sockets = {"first_boot": live.first_boot, "pace": live.pace, "herd_key": live.herd_key}
        self.devices = RanchDevices(
            self.world, self.start, rng.child("devices"), self.of_devices, **on_sockets
        )
        self.settings = {
            mount.mount_id: {"herd_key": self.devices.tags.herd_key}
            for mount in self.layout.mounts
            if mount.family == "ear_tag"
        }

    def product(self, take: Take) -> Product:
        """A product that hears this ranch, with the herd's key at its edge."""
        return Product(self.layout, take, lambda _: None, {}, self.settings)

    @property
    def time_s(self) -> float:
        return self.world.time_s

    def go_on(self) -> tuple[Sequence[Any], list[Message]]:
        self.world = advance(self.world, self._step_s, self._steps)
        return self.world.seen, self.devices.say(self.world)
