"""What one run of a scenario gave: truth against what was heard or believed at each midnight, and digests."""

import hashlib
from datetime import datetime
from typing import Any

import msgspec

from app.simulate.crossings import Told
from app.simulate.product import Product
from app.simulate.site import Site


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


class RanchDay(msgspec.Struct, frozen=True, kw_only=True):
    """A ranch's day, truth beside what was heard of it by its midnight. Masses are grams."""

    day: int
    head: int
    """Alive at midnight."""
    died: int
    tags_dark: int
    """Alive, and its tag is dead."""
    heard: int
    """Animals, by their numbers."""
    heard_alive: int
    """Of those that are alive at midnight."""
    heard_dead: int
    """Of those that are dead by then."""
    station_hours_down: float
    station_hours_silent: float
    """Without a heartbeat."""
    loaded_g: int
    loaded_told_g: int
    fed_g: int
    fed_told_g: int
    weighed: int
    weighed_told: int
    weighed_known: int
    """With the tag of who stood there."""
    mass_off_g: dict[str, int]
    """Mean distance of what a scale told from the animal's body mass, gut fill and all, by scale."""
    went_out: int
    went_out_counted: int
    came_in: int
    came_in_counted: int


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
    ranch_days: list[RanchDay]
    """One of the two is empty, for a site is a warehouse or a ranch."""
    readings: dict[str, int]
    """New ones, by kind."""
    by_device: dict[str, dict[str, int]]
    """The same, by device and kind."""
    messages: int
    duplicates: int
    missing: int
    quarantine: dict[str, int]
    line: dict[str, int]
    noticed: dict[str, int]
    truth: dict[str, int]
    crossings: dict[str, Told]
    """By direction; empty for a ranch."""
    acts: list[ActDone]
    acts_not_done: list[int]
    """Numbers of acts that found no occasion in the days of the run."""
    wire_sha256: str
    journal_sha256: str
    detail_sha256: str
    cpu_s: float


def make_outcome(
    site: Site,
    product: Product,
    *,
    seed: int,
    cpu_s: float,
    noticed: dict[str, int],
    crossings: dict[str, Told] | None = None,
    days: list[DayEnd] | None = None,
    ranch_days: list[RanchDay] | None = None,
    acts: list[ActDone] | None = None,
    acts_not_done: list[int] | None = None,
) -> Outcome:
    """What a run gave, from what its site told and its product heard."""
    line = site.line
    readings: dict[str, int] = {}
    by_device: dict[str, dict[str, int]] = {}
    for (device, kind), count in sorted(product.stored.items()):
        readings[kind] = readings.get(kind, 0) + count
        by_device.setdefault(device, {})[kind] = count
    detail: Any = (days or ranch_days, crossings, noticed, sorted(product.quarantine.items()), acts or [])
    return Outcome(
        seed=seed,
        days=days or [],
        ranch_days=ranch_days or [],
        readings=dict(sorted(readings.items())),
        by_device=by_device,
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
        crossings=crossings or {},
        acts=acts or [],
        acts_not_done=acts_not_done or [],
        wire_sha256=product.wire.hexdigest(),
        journal_sha256=product.journal.hexdigest(),
        detail_sha256=hashlib.sha256(msgspec.json.encode(detail)).hexdigest(),
        cpu_s=round(cpu_s, 3),
    )
