"""A simulated site: a world, the devices of its site and their line, for a product to hear."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from app.simulate.cameras import camera_settings
from app.simulate.product import Product, Take
from app.simulate.scenario import Scenario, violations
from kernel.rng import Rng
from simulators.faults.model import DeviceFault, LineFault
from simulators.faults.network import Line, draw_cuts
from simulators.sites.warehouse import WarehouseDevices, lot_name
from simulators.world.warehouse.acts import OTHER_SITE_READER
from simulators.world.warehouse.build import build_warehouse
from simulators.world.warehouse.places import layout_of, places_of
from simulators.world.warehouse.state import Warehouse
from simulators.world.warehouse.step import step

START = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
"""Midnight in the site's own zone."""
STEP_S = 60.0


class SimulatedSite:
    """The world of a scenario from its first midnight on, at `start`. `run_until` tells what devices say.

    Raises ValueError for a scenario that cannot be at its site.
    """

    def __init__(self, scenario: Scenario, seed: int, days: int, start: datetime = START) -> None:
        parameters, rng = scenario.parameters(), Rng(seed)
        places = places_of(parameters)
        self.layout = layout_of(parameters)
        if broken := violations(scenario, self.layout):
            raise ValueError("; ".join(broken))
        self.start = start
        self.world: Warehouse = build_warehouse(parameters, rng.child("world"), scenario.acts)
        self._steps = rng.child("steps")
        of_devices = [fault for fault in scenario.fault if isinstance(fault, DeviceFault)]
        of_line = [fault for fault in scenario.fault if isinstance(fault, LineFault)]
        self.devices = WarehouseDevices(parameters, start, rng.child("devices"), of_devices)
        cuts = scenario.cuts or draw_cuts(parameters.network, days, rng)
        self.line = Line(parameters.network, cuts, rng, of_line)
        self.settings = camera_settings(self.layout, parameters)
        """What devices are enrolled with beside where they are reached, by device."""
        pallets = self.world.pallets
        self.books = {
            self.devices.codes.sscc(n): (
                lot_name(int(pallets.lot[n])),
                places.slot_ids[int(pallets.place[n])],
            )
            for n in range(pallets.count)
        }
        """The books at the start: lot and slot by SSCC."""
        self.messages = 0
        self.truth: Counter[str] = Counter()
        """What the world noticed, by kind."""

    def product(self, take: Take, take_paper: Callable[[Any], None]) -> Product:
        """A product that hears this site, its sessions with the portals open. It gives each new reading to
        `take`, with the moment it arrived."""
        product = Product(self.layout, take, take_paper, {OTHER_SITE_READER: "mqtt_reader"}, self.settings)
        for number, reader in enumerate(self.devices.portals):
            product.connect(f"portal-{number + 1}", reader)
        return product

    def run_until(self, until_s: float, product: Product) -> None:
        """Let the world go on, in steps, until this many seconds after its start."""
        while self.world.time_s < until_s:
            self.world = step(self.world, STEP_S, self._steps)
            self.truth.update(type(seen).__name__ for seen in self.world.seen)
            self.line.put(self.devices.say(self.world))
            for message in self.line.take(self.world.time_s):
                self.messages += 1
                product.receive(message, self.moment(message.at_s))

    def moment(self, at_s: float) -> datetime:
        """A moment of the world on the calendar, to the millisecond."""
        return self.start + timedelta(milliseconds=round(at_s * 1000))
