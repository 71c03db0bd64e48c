"""One run of a scenario: world and product minute by minute, truth against belief at the end of each day."""

import gc
import hashlib
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from app.simulate.noticing import Noticing
from app.simulate.scenario import Scenario
from app.simulate.site import SimulatedSite
from simulators.sites.warehouse import lot_name
from simulators.world.warehouse.acts import Deed
from simulators.world.warehouse.build import DAY_S

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
        self.site = SimulatedSite(scenario, seed, days)
        self.noticing = Noticing(self.site.layout, self.site.books)
        self.product = self.site.product(self.noticing.take, self.noticing.take_paper)
        self._days: list[DayEnd] = []

    def day(self, day: int) -> None:
        """Run to the next midnight and compare."""
        self.site.run_until((day + 1) * DAY_S, self.product)
        self._days.append(self._compare(day))

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
        site, product, line = self.site, self.product, self.site.line
        noticed: dict[str, int] = {
            **dict(sorted(self.noticing.counts.items())),
            "unknown_tags": len(self.noticing.unknown_tags),
        }
        acts = [self._done(deed) for deed in site.world.deeds]
        detail: Any = (self._days, noticed, sorted(product.quarantine.items()), acts)
        return Outcome(
            seed=seed,
            days=self._days,
            readings=dict(sorted(product.stored.items())),
            messages=site.messages,
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
            truth=dict(sorted(site.truth.items())),
            acts=acts,
            acts_not_done=sorted(set(range(len(site.world.acts))) - {deed.act for deed in site.world.deeds}),
            wire_sha256=product.wire.hexdigest(),
            journal_sha256=product.journal.hexdigest(),
            detail_sha256=_digest(detail),
            cpu_s=round(cpu_s, 3),
        )


def _digest(detail: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(detail)).hexdigest()
