"""One run of a scenario: world and product minute by minute, truth against belief at the end of each day."""

import gc
import hashlib
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from app.simulate.cameras import camera_settings
from app.simulate.noticing import Noticing
from app.simulate.product import Product
from app.simulate.scenario import Scenario, violations
from kernel.rng import Rng
from simulators.faults.model import DeviceFault, LineFault
from simulators.faults.network import Line, draw_cuts
from simulators.sites.warehouse import WarehouseDevices, lot_name
from simulators.world.warehouse.acts import OTHER_SITE_READER, Deed
from simulators.world.warehouse.build import DAY_S, build_warehouse
from simulators.world.warehouse.places import layout_of, places_of
from simulators.world.warehouse.state import Warehouse
from simulators.world.warehouse.step import step

START = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
"""Midnight in the site's own zone."""
STEP_S = 60.0
NOT_OBSERVABLE = "not observable here"
"""No sensor of the site can see it; finance must."""


class DayEnd(msgspec.Struct, frozen=True, kw_only=True):
    """Truth against belief at a midnight: pallets of the site, and of how many lots the interval held."""

    day: int
    true: int
    low: int
    mid: int
    high: int
    lots: int
    lots_covered: int
    lot_width_mean: float


class ActDone(msgspec.Struct, frozen=True, kw_only=True):
    """The truth of one act: when it began and, with a truck, left; the goods as SSCCs; what was in question.

    `observable` names the readings that can show it, or says that no sensor of the site can.
    """

    act: int
    case: int
    kind: str
    device: str
    at: datetime
    left_at: datetime | None
    pallets: list[str]
    mass_g: int
    worth_fen: int
    observable: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one seed gave. The digests are of every byte on the wire, of the journal, and of `days`."""

    seed: int
    days: list[DayEnd]
    readings: dict[str, int]
    messages: int
    duplicates: int
    missing: int
    quarantine: dict[str, int]
    line: dict[str, int]
    noticed: dict[str, int]
    truth: dict[str, int]
    acts: list[ActDone]
    acts_not_done: list[int]
    """Numbers of acts that found no occasion in the days of the run."""
    wire_sha256: str
    journal_sha256: str
    detail_sha256: str
    cpu_s: float


def simulate(scenario: Scenario, seed: int, days: int, say: Callable[[str], None]) -> Outcome:
    """Run a scenario once. Nothing in it reads a clock but the measurement of its own time."""
    begun = time.process_time()
    running = _Run(scenario, seed, days)
    gc.disable()  # Nothing here makes cycles, and looking for them costs a fifth of the run.
    try:
        for day in range(days):
            running.day(day)
            say(f"seed {seed}: day {day + 1} of {days}, {sum(running.product.stored.values()):,} readings")
    finally:
        gc.enable()
    return running.outcome(seed, time.process_time() - begun)


class _Run:
    def __init__(self, scenario: Scenario, seed: int, days: int) -> None:
        parameters, rng = scenario.parameters(), Rng(seed)
        layout, places = layout_of(parameters), places_of(parameters)
        if broken := violations(scenario, layout):
            raise ValueError("; ".join(broken))
        self._world: Warehouse = build_warehouse(parameters, rng.child("world"), scenario.acts)
        self._steps = rng.child("steps")
        of_devices = [fault for fault in scenario.fault if isinstance(fault, DeviceFault)]
        of_line = [fault for fault in scenario.fault if isinstance(fault, LineFault)]
        self._devices = WarehouseDevices(parameters, START, rng.child("devices"), of_devices)
        cuts = scenario.cuts or draw_cuts(parameters.network, days, rng)
        self._line = Line(parameters.network, cuts, rng, of_line)
        pallets = self._world.pallets
        books = {
            self._devices.codes.sscc(n): (
                lot_name(int(pallets.lot[n])),
                places.slot_ids[int(pallets.place[n])],
            )
            for n in range(pallets.count)
        }
        self.noticing = Noticing(layout, books)
        self.product = Product(
            layout,
            self.noticing.take,
            self.noticing.take_paper,
            {OTHER_SITE_READER: "mqtt_reader"},
            camera_settings(layout, parameters),
        )
        for number, reader in enumerate(self._devices.portals):
            self.product.connect(f"portal-{number + 1}", reader)
        self._messages = 0
        self._days: list[DayEnd] = []
        self._truth: Counter[str] = Counter()

    def day(self, day: int) -> None:
        """Run to the next midnight and compare."""
        until_s = (day + 1) * DAY_S
        while self._world.time_s < until_s:
            self._world = step(self._world, STEP_S, self._steps)
            self._truth.update(type(seen).__name__ for seen in self._world.seen)
            self._line.put(self._devices.say(self._world))
            for message in self._line.take(self._world.time_s):
                self._messages += 1
                self.product.receive(message, _moment(message.at_s))
        self._days.append(self._compare(day))

    def _compare(self, day: int) -> DayEnd:
        here = self._world.pallets.place >= 0
        true = Counter(lot_name(int(lot)) for lot in self._world.pallets.lot[here])
        lots = self.noticing.lots(START + timedelta(seconds=self._world.time_s))
        counts = {lot: evidence.count for lot, evidence in lots.items()}
        widths = [(count.high - count.low) / max(1, true[lot]) for lot, count in counts.items()]
        return DayEnd(
            day=day,
            true=int(here.sum()),
            low=sum(count.low for count in counts.values()),
            mid=sum(count.mid for count in counts.values()),
            high=sum(count.high for count in counts.values()),
            lots=len(counts),
            lots_covered=sum(count.low <= true[lot] <= count.high for lot, count in counts.items()),
            lot_width_mean=round(float(np.mean(widths)), 6),
        )

    def _done(self, deed: Deed) -> ActDone:
        return ActDone(
            act=deed.act,
            case=deed.case,
            kind=deed.kind,
            device=deed.device,
            at=_moment(deed.at_s),
            left_at=None if deed.left_s < 0 else _moment(deed.left_s),
            pallets=[self._devices.codes.sscc(pallet) for pallet in deed.pallets],
            mass_g=deed.mass_g,
            worth_fen=deed.worth_fen,
            observable=", ".join(deed.shows_in) or NOT_OBSERVABLE,
        )

    def outcome(self, seed: int, cpu_s: float) -> Outcome:
        product, line = self.product, self._line
        noticed: dict[str, int] = {
            **dict(sorted(self.noticing.counts.items())),
            "unknown_tags": len(self.noticing.unknown_tags),
        }
        acts = [self._done(deed) for deed in self._world.deeds]
        detail: Any = (self._days, noticed, sorted(product.quarantine.items()), acts)
        return Outcome(
            seed=seed,
            days=self._days,
            readings=dict(sorted(product.stored.items())),
            messages=self._messages,
            duplicates=product.duplicates,
            missing=product.missing,
            quarantine=dict(product.quarantine.most_common(50)),
            line={
                "delayed": line.delayed,
                "repeated": line.repeated,
                "late": line.late,
                "lost": line.lost,
                "on_the_way": line.waiting,
            },
            noticed=noticed,
            truth=dict(sorted(self._truth.items())),
            acts=acts,
            acts_not_done=sorted(
                set(range(len(self._world.acts))) - {deed.act for deed in self._world.deeds}
            ),
            wire_sha256=product.wire.hexdigest(),
            journal_sha256=product.journal.hexdigest(),
            detail_sha256=_digest(detail),
            cpu_s=round(cpu_s, 3),
        )


def _moment(at_s: float) -> datetime:
    return START + timedelta(milliseconds=round(at_s * 1000))


def _digest(detail: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(detail)).hexdigest()
