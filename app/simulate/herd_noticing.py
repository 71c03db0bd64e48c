"""What of a ranch the product has heard so far, day by day: animals, feed, weighings, counts at gates.

The twin does not use these readings yet; here they are only put beside each other. A reading belongs to the
day at which its device says that it was, whenever it came.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from kernel.layout import Layout, Mount
from kernel.messages import (
    AnimalBeacon,
    DeviceStatus,
    FeedEvent,
    FeedWeight,
    LineCount,
    MassReading,
    Observation,
    StationBeat,
)

DAY = timedelta(days=1)
SAME_ANIMAL_MAX = timedelta(seconds=10)
"""A tag that was heard beside a scale so near to a weighing is that of who stood there."""
UNMATCHED_MAX = 100


class Weighed(msgspec.Struct, frozen=True):
    """A mass whose animal is known by the tag that was heard beside the scale."""

    device: str
    animal_id: str
    mass_g: int


class DayHeard(msgspec.Struct):
    """All that was told of one day."""

    animals: set[str] = msgspec.field(default_factory=set)
    beats: Counter[str] = msgspec.field(default_factory=Counter)
    loaded_g: int = 0
    fed_g: int = 0
    weighings: int = 0
    weighed: list[Weighed] = msgspec.field(default_factory=list)
    crossed: Counter[str] = msgspec.field(default_factory=Counter)
    """By the name of the line."""


class HerdNoticing:
    """Takes readings one by one; `of_day` says what is known of a day so far."""

    def __init__(self, layout: Layout, start: datetime) -> None:
        self._start = start
        self._days: defaultdict[int, DayHeard] = defaultdict(DayHeard)
        # A scale and the station beside it hang at the same place.
        scales = [mount for mount in layout.mounts if mount.family == "modbus_weighbridge"]
        self._scale_of = {
            mount.mount_id: scale.mount_id
            for scale in scales
            for mount in layout.mounts
            if mount.family == "ear_tag" and _place(mount) == _place(scale)
        }
        self._masses: defaultdict[str, deque[Observation]] = defaultdict(lambda: deque(maxlen=UNMATCHED_MAX))
        self._tags: defaultdict[str, deque[Observation]] = defaultdict(lambda: deque(maxlen=UNMATCHED_MAX))
        self._totals: dict[tuple[str, str], tuple[datetime, int]] = {}
        self.counts: Counter[str] = Counter()
        self._take: dict[type, Callable[[Observation, DayHeard], None]] = {
            AnimalBeacon: self._beacon,
            StationBeat: self._beat,
            MassReading: self._mass,
            FeedEvent: self._feed_event,
            FeedWeight: lambda _, __: None,
            LineCount: self._line_count,
            DeviceStatus: self._status,
        }

    def take(self, observation: Observation, _: datetime) -> None:
        """One new reading."""
        day = self._days[(observation.observed_at - self._start) // DAY]
        self._take[type(observation.reading)](observation, day)

    def of_day(self, day: int) -> DayHeard:
        return self._days[day]

    # --- readings ----------------------------------------------------------------------------------

    def _beacon(self, observation: Observation, day: DayHeard) -> None:
        beacon = observation.reading
        assert isinstance(beacon, AnimalBeacon)
        day.animals.add(beacon.animal_id)
        self.counts["bursts"] += bool(beacon.burst_mg)
        scale = self._scale_of.get(observation.device_id)
        if scale is not None:
            self._tags[scale].append(observation)
            self._match(scale, day)

    def _beat(self, observation: Observation, day: DayHeard) -> None:
        day.beats[observation.device_id] += 1

    def _mass(self, observation: Observation, day: DayHeard) -> None:
        day.weighings += 1
        self._masses[observation.device_id].append(observation)
        self._match(observation.device_id, day)

    def _match(self, scale: str, day: DayHeard) -> None:
        """Give each mass the tag that was heard nearest to it, as soon as both have come."""
        masses, tags = self._masses[scale], self._tags[scale]
        for mass in list(masses):
            near = [(abs(tag.observed_at - mass.observed_at), tag.observation_id, tag) for tag in tags]
            if not near or min(near)[0] > SAME_ANIMAL_MAX:
                continue
            tag = min(near)[2]
            masses.remove(mass)
            tags.remove(tag)
            assert isinstance(mass.reading, MassReading)
            assert isinstance(tag.reading, AnimalBeacon)
            day.weighed.append(Weighed(scale, tag.reading.animal_id, mass.reading.mass_g))

    def _feed_event(self, observation: Observation, day: DayHeard) -> None:
        event = observation.reading
        assert isinstance(event, FeedEvent)
        if event.action == "load":
            day.loaded_g += event.mass_g
        else:
            day.fed_g += event.mass_g

    def _line_count(self, observation: Observation, day: DayHeard) -> None:
        """What crossed since the last total; a total that came late adds nothing that is not known."""
        counted = observation.reading
        assert isinstance(counted, LineCount)
        line = observation.device_id, counted.line
        at, total = self._totals.get(line, (observation.observed_at, 0))
        if observation.observed_at < at:
            self.counts["totals_out_of_order"] += 1
            return
        self._totals[line] = observation.observed_at, counted.count
        day.crossed[counted.line] += counted.count - total if counted.count >= total else counted.count

    def _status(self, observation: Observation, _: DayHeard) -> None:
        status = observation.reading
        assert isinstance(status, DeviceStatus)
        self.counts[f"device_{status.state}"] += 1


def _place(mount: Mount) -> tuple[str, int, int]:
    return mount.serves, mount.x_mm, mount.y_mm
