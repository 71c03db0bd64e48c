"""The devices of a ranch, without sockets: they number, stamp and encode what the world noticed.

Stations hear ear tags, each of which beacons once in every interval, at a moment of its own; scales wake the
tag of who stands on them; the wagon's indicator streams while it feeds; cameras count at the gates. Each
speaks its own protocol under its own clock, and nothing here knows the product.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np

from kernel.rng import Rng
from simulators.faults.model import DeviceFault
from simulators.protocols.ear_tag import frames as ear_tag
from simulators.protocols.mqtt.frames import message, reading
from simulators.protocols.onvif_m import frames as onvif
from simulators.sites.clocks import DeviceClocks
from simulators.sites.indicators import captured
from simulators.sites.messages import Message, Via
from simulators.sites.numbering import Numbering
from simulators.sites.tags import HerdTags, bursting
from simulators.sites.wagon import said_of
from simulators.world.ranch.bursts import burst_mg
from simulators.world.ranch.state import (
    DEAD,
    WAGON,
    Beat,
    Died,
    Dropped,
    Heard,
    Loaded,
    Passed,
    Ranch,
    Seen,
    Stood,
    reader_name,
    station_name,
)

REPORT_EVERY_S = 10.0
"""A station sends what it heard every ten seconds."""
STATION_BATTERY_MV = 12_600
CAPTURED_AFTER_S = 2.0
ON_BEFORE_S = 120.0
"""The wagon's indicator is on for so long before its first line."""
BESIDE_RSSI_CDBM, BESIDE_SD_CDBM = -4_500, 300
"""A tag that a scale woke is two steps from the station beside it (set)."""


class _Beacon(NamedTuple):
    """What a station says of one tag that it heard."""

    at_s: float
    frame: bytes
    rssi_cdbm: int


class RanchDevices:
    """All devices of one ranch. `say` gives the messages for what a step of the world noticed; steps are as
    long as the tags' interval."""

    def __init__(
        self,
        world: Ranch,
        start: datetime,
        rng: Rng,
        faults: Sequence[DeviceFault] = (),
        *,
        first_boot: int = 1,
        pace: float = 1.0,
        herd_key: bytes | None = None,
    ) -> None:
        self.clocks = DeviceClocks(world.parameters.clock, start, rng.child("clocks"), faults, pace)
        self.tags = HerdTags(world.parameters, world.herd.count, rng.child("tags"), herd_key)
        self._parameters = world.parameters
        self._numbers = Numbering(faults, first_boot)
        self._rng = rng
        self._said = 0
        self._told_until_s = world.time_s
        self._carried_g = world.carried_g
        self._waiting: list[tuple[float, int, Stood]] = []
        """Who will stand on a scale after the steps that were told: the heap of a queue before it."""
        self._is_down = np.zeros(world.parameters.station.count, dtype=np.bool_)
        self._started_s: defaultdict[str, float] = defaultdict(float)
        self._heard: Counter[str] = Counter()
        """Frames since the last beat, by station."""
        self._crossed: Counter[tuple[str, str]] = Counter()

    def say(self, world: Ranch) -> list[Message]:
        """The messages for what the last step of the world noticed, in the order of time. A device restarts
        with the first step that ends after its time, and so does a station that was without power."""
        begins_s = self._told_until_s
        self._begin(world)
        by_kind: defaultdict[type, list[Any]] = defaultdict(list)
        for noticed in world.seen:
            by_kind[type(noticed)].append(noticed)
        # First what moves on the counters of tags, then what ends a station's count, then what adds to it.
        said = [
            *self._stood(by_kind[Stood], begins_s),
            *self._each(by_kind[Beat], self._beat),
            *self._beacons(world, by_kind[Heard], begins_s),
            *self._feeding([*by_kind[Loaded], *by_kind[Dropped]], world.untold, begins_s),
            *self._each(by_kind[Passed], self._passed),
        ]
        self.tags.beaconed()
        self._carried_g = world.carried_g
        assert by_kind.keys() <= {Stood, Beat, Heard, Loaded, Dropped, Passed, Died}
        return sorted(said)

    def _begin(self, world: Ranch) -> None:
        self._told_until_s = world.time_s
        for device in self._numbers.restarted_before(world.time_s):
            self._started_s[device] = world.time_s
        is_down = world.station_down_until_s > world.time_s
        for number in np.flatnonzero(self._is_down & ~is_down).tolist():
            self._numbers.restart(station_name(number))
            self._started_s[station_name(number)] = world.time_s
        self._is_down = is_down

    @staticmethod
    def _each(noticed: Sequence[Any], say: Callable[[Any], Message]) -> list[Message]:
        return [say(one) for one in noticed]

    def _message(
        self,
        at_s: float,
        device: str,
        via: Via,
        payload: bytes = b"",
        registers: tuple[int, ...] = (),
        channel: str = "observation",
    ) -> Message:
        self._said += 1
        return Message(at_s, self._said, device, via, payload, registers, channel=channel)

    # --- stations ----------------------------------------------------------------------------------

    def _beacons(self, world: Ranch, heard: Sequence[Heard], begins_s: float) -> Iterable[Message]:
        """One frame a tag, in the mouths of all stations that heard it."""
        frames: dict[int, bytes] = {}
        for by_station in heard:
            yield from self._reported(by_station, self._frames(world, by_station, frames), begins_s)

    def _frames(self, world: Ranch, heard: Heard, known: dict[int, bytes]) -> list[bytes]:
        animals = heard.animals
        bursts = bursting(self._parameters, heard.at_s, animals).tolist()
        columns = zip(
            animals.tolist(),
            heard.temperature_mc.tolist(),
            heard.motion_mg.tolist(),
            heard.lying_permille.tolist(),
            bursts,
            strict=True,
        )
        frames = []
        for animal, temperature_mc, motion_mg, lying_permille, is_bursting in columns:
            frame = known.get(animal)
            if frame is None:
                frame = known[animal] = self.tags.frame(
                    animal,
                    self.tags.counter(animal),
                    temperature_mc=temperature_mc,
                    motion=ear_tag.Motion(motion_mg, lying_permille),
                    burst=self._burst(world, animal, heard.at_s) if is_bursting else None,
                )
            frames.append(frame)
        return frames

    def _burst(self, world: Ranch, animal: int, at_s: float) -> tuple[int, list[tuple[int, int, int]]]:
        tag, herd = self._parameters.tag, world.herd
        samples = burst_mg(
            int(herd.doing[animal]),
            is_dead=bool(herd.health[animal] == DEAD),
            hz=tag.burst_hz,
            samples=tag.burst_samples,
            draw=self._rng.child(f"burst/{animal}/{round(at_s)}").numpy,
        )
        return tag.burst_hz, samples

    def _reported(self, heard: Heard, frames: Sequence[bytes], begins_s: float) -> Iterable[Message]:
        """What a station heard in the interval, a message every few seconds."""
        at_s = begins_s + self.tags.after_s[heard.animals]
        order = np.argsort(at_s, kind="stable").tolist()
        moments, rssi = at_s.tolist(), heard.rssi_cdbm.tolist()
        window: list[_Beacon] = []
        for n in order:
            beacon = _Beacon(moments[n], frames[n], rssi[n])
            if window and beacon.at_s // REPORT_EVERY_S != window[0].at_s // REPORT_EVERY_S:
                yield self._station_says(heard.device, window)
                window = []
            window.append(beacon)
        if window:
            yield self._station_says(heard.device, window)

    def _station_says(self, device: str, window: Sequence[_Beacon]) -> Message:
        boot, number = self._numbers.boot(device), self._numbers.next(device, len(window))
        self._heard[device] += len(window)
        several = [
            ear_tag.report(
                boot, number + n, self.clocks.shown(device, beacon.at_s), beacon.frame, beacon.rssi_cdbm
            )
            for n, beacon in enumerate(window)
        ]
        ends_s = (window[-1].at_s // REPORT_EVERY_S + 1) * REPORT_EVERY_S
        return self._message(ends_s, device, "broker", ear_tag.reports(several))

    def _beat(self, beat: Beat) -> Message:
        device = beat.device
        count, self._heard[device] = self._heard[device], 0
        uptime_s = max(0, round(beat.at_s - self._started_s[device]))
        said = reading(
            self._numbers.boot(device),
            self._numbers.next(device),
            self.clocks.shown(device, beat.at_s),
            ear_tag.beat(uptime_s, count, STATION_BATTERY_MV),
        )
        return self._message(beat.at_s, device, "broker", message([said]))

    # --- scales, wagon, cameras --------------------------------------------------------------------

    def _stood(self, stood: Sequence[Stood], begins_s: float) -> Iterable[Message]:
        """The scale's ticket, and the tag that it woke; who comes later in the day waits for its step."""
        for one in stood:
            self._said += 1
            heapq.heappush(self._waiting, (one.at_s, self._said, one))
        while self._waiting and self._waiting[0][0] < self._told_until_s:
            one = heapq.heappop(self._waiting)[2]
            yield self._weighed(one)
            if one.is_tag_heard:
                yield self._woken(one, begins_s)

    def _weighed(self, stood: Stood) -> Message:
        at_s, device = stood.at_s + CAPTURED_AFTER_S, stood.device
        registers = captured(
            stood.shown_g,
            self._numbers.next(device),
            self.clocks.shown(device, at_s),
            self._numbers.boot(device),
        )
        return self._message(at_s, device, "modbus", registers=registers)

    def _woken(self, stood: Stood, begins_s: float) -> Message:
        device = reader_name(stood.device)
        counter = self.tags.wake(stood.animal, stood.at_s - begins_s)
        draw = self._rng.child(f"beside/{stood.animal}/{round(stood.at_s * 1_000)}")
        rssi_cdbm = round(draw.normal(BESIDE_RSSI_CDBM, BESIDE_SD_CDBM))
        return self._station_says(
            device, [_Beacon(stood.at_s, self.tags.frame(stood.animal, counter), rssi_cdbm)]
        )

    def _feeding(
        self, works: Sequence[Loaded | Dropped], untold: Sequence[Seen], begins_s: float
    ) -> Iterable[Message]:
        """An indicator that was off before shows what was loaded and fed meanwhile as soon as it is on."""
        if not works:
            return
        works = sorted(works, key=lambda work: work.at_s)
        carried_g = self._carried_g
        for one in untold:
            if isinstance(one, Loaded | Dropped) and one.at_s < works[0].at_s:
                carried_g += one.truly_g if isinstance(one, Loaded) else -one.truly_g
        for said in said_of(
            works,
            max(begins_s, works[0].at_s - ON_BEFORE_S),
            carried_g,
            self._parameters.wagon.moving_noise,
            self.clocks.true,
            lambda at_s: self.clocks.shown(WAGON, at_s),
            self._rng.child(f"wagon/{round(begins_s)}"),
        ):
            self._said += 1
            yield msgspec.structs.replace(said, number=self._said)

    def _passed(self, passed: Passed) -> Message:
        device = passed.device
        self._crossed[device, passed.direction] += passed.counted
        count = self._crossed[device, passed.direction]
        channel, said = onvif.counter(self.clocks.shown(device, passed.at_s), passed.direction, count)
        return self._message(passed.at_s + 1.0, device, "broker", said, channel=channel)
