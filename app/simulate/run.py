"""One run of a scenario: world and product step by step, truth against belief at the end of each day."""

import gc
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from app.simulate.crossings import Crossed, compare
from app.simulate.noticing import Noticing
from app.simulate.outcome import ActDone, DayEnd, Outcome, make_outcome
from app.simulate.product import Product
from app.simulate.ranch_run import RanchRun
from app.simulate.scenario import Scenario
from app.simulate.site import SimulatedSite
from simulators.sites.warehouse import lot_name
from simulators.world.warehouse.acts import Deed
from simulators.world.warehouse.build import DAY_S
from simulators.world.warehouse.state import PortalRead

NOT_OBSERVABLE = "not observable here"
"""No sensor of the site can see it; finance must."""


class _Running(Protocol):
    """A run in progress."""

    product: Product

    def day(self, day: int) -> None: ...
    def outcome(self, seed: int, cpu_s: float) -> Outcome: ...


def simulate(scenario: Scenario, seed: int, days: int, say: Callable[[str], None]) -> Outcome:
    """Run a scenario once. Nothing in it reads a clock but the measurement of its own time."""
    begun = time.process_time()
    is_ranch = scenario.mode == "ranch"
    running: _Running = RanchRun(scenario, seed, days) if is_ranch else _Run(scenario, seed, days)
    gc.disable()  # Nothing here makes cycles, and looking for them costs a fifth of the run.
    try:
        for day in range(days):
            running.day(day)
            say(f"seed {seed}: day {day + 1} of {days}, {sum(running.product.stored.values()):,} readings")
    finally:
        gc.enable()
    return running.outcome(seed, time.process_time() - begun)


class _Run:
    """A run of a warehouse."""

    def __init__(self, scenario: Scenario, seed: int, days: int) -> None:
        self.site = SimulatedSite(scenario, seed, days)
        self.noticing = Noticing(self.site.layout, self.site.books)
        self.product = self.site.product(self.noticing.take, self.noticing.take_paper)
        self._days: list[DayEnd] = []
        self._crossed: list[Crossed] = []

    def day(self, day: int) -> None:
        """Run to the next midnight and compare."""
        self.site.run_until((day + 1) * DAY_S, self.product, self._note)
        self._days.append(self._compare(day))

    def _note(self, noticed: Sequence[Any]) -> None:
        """The truth of what went through the portals, by the tags that it carried."""
        site = self.site
        for crossed in noticed:
            if isinstance(crossed, PortalRead):
                sscc = site.devices.codes.sscc(int(site.world.pallets.tag[crossed.pallet]))
                self._crossed.append(Crossed(site.moment(crossed.crossed_s), sscc, crossed.direction))

    def _compare(self, day: int) -> DayEnd:
        world = self.site.world
        here = world.pallets.place >= 0
        true = Counter(lot_name(int(lot)) for lot in world.pallets.lot[here])
        lots = self.noticing.lots(self.site.moment(world.time_s))
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
        site = self.site
        return ActDone(
            act=deed.act,
            case=deed.case,
            kind=deed.kind,
            device=deed.device,
            at=site.moment(deed.at_s),
            left_at=None if deed.left_s < 0 else site.moment(deed.left_s),
            pallets=[site.devices.codes.sscc(pallet) for pallet in deed.pallets],
            mass_g=deed.mass_g,
            worth_fen=deed.worth_fen,
            observable=", ".join(deed.shows_in) or NOT_OBSERVABLE,
        )

    def outcome(self, seed: int, cpu_s: float) -> Outcome:
        self.site.settle(self.product)
        world = self.site.world
        noticed: dict[str, int] = {
            **dict(sorted(self.noticing.counts.items())),
            "unknown_tags": len(self.noticing.unknown_tags),
        }
        return make_outcome(
            self.site,
            self.product,
            seed=seed,
            cpu_s=cpu_s,
            noticed=noticed,
            days=self._days,
            crossings=compare(self._crossed, self.noticing.crossings),
            acts=[self._done(deed) for deed in world.deeds],
            acts_not_done=sorted(set(range(len(world.acts))) - {deed.act for deed in world.deeds}),
        )
