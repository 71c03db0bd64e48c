"""The product under a simulated clock: its own codecs, session logic and rules of ingest, without sockets.

What a device says goes through the codec of its family, through the rules that a reading must keep, and once
into a journal that is kept as a digest; what remains goes on to be noticed. Cameras say what they recognised.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from app.drivers import BROKER
from devices.drivers.llrp.requests import RoSpec
from devices.drivers.llrp.session import LlrpSession, TagHeard
from devices.drivers.modbus_barrier import codec as barrier
from devices.drivers.modbus_weighbridge import codec as weighbridge
from devices.drivers.modbus_weighbridge.profiles import PROFILES
from devices.drivers.pda.codec import Scan, scan_observation
from devices.drivers.tmr.codec import Settings as IndicatorSettings
from devices.drivers.tmr.session import SILENCE_S_MAX, TmrSession
from devices.ingest import counters
from devices.ingest.model import Received, Registration, check, reading_kind
from devices.ingest.readings import Bounds
from devices.transport.decoding import Arrived, FieldRejected
from kernel.clock import ManualClock
from kernel.layout import Layout
from kernel.messages import (
    CONTENT_BOOT_BASE,
    AnyReading,
    MassReading,
    Observation,
    Rejected,
    TagRead,
)
from simulators.protocols.llrp.reader import SimulatedReader
from simulators.sites.messages import Message

Item = Observation | Rejected
Take = Callable[[Observation, datetime], None]
"""Gets a reading, and when it arrived."""
HANDSHAKE_ROUNDS_MAX = 20
OTHER_SITE_ID = "site-other"
IDENTITY = frozenset({"device_id", "boot", "sequence"})
INDICATOR = "tallyhouse-1"

_scans = msgspec.json.Decoder(dict[str, Any])
_encoder = msgspec.json.Encoder()


class Series:
    """Which numbers of one boot of a device came: through one, and some beyond. Two contents of one number,
    and a thousand holes, which ingest refuses besides, no simulated device makes."""

    def __init__(self) -> None:
        self.through = 0
        self.beyond: set[int] = set()

    def add(self, number: int) -> bool:
        """True when the number is new."""
        if number == self.through + 1 and not self.beyond:
            self.through = number
            return True
        if number <= self.through or number in self.beyond:
            return False
        self.beyond.add(number)
        while self.through + 1 in self.beyond:
            self.through += 1
            self.beyond.remove(self.through)
        return True


class Product:
    """Everything between the wire and what is noticed. `take` gets each new reading, once, in order."""

    def __init__(
        self,
        layout: Layout,
        take: Take,
        take_paper: Callable[[Any], None],
        elsewhere: Mapping[str, str],
        settings: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """`elsewhere` are devices of another site of the same parties, with their families: its own edge
        lets them in, and the centre hears them too. `settings` are what devices were enrolled with."""
        self._site_id = layout.site_id
        self._take = take
        self._take_paper = take_paper
        self._settings = settings
        self._nodes: dict[str, dict[str, str]] = defaultdict(dict)
        for device, enrolled in settings.items():
            if "gateway" in enrolled:
                self._nodes[enrolled["gateway"]][enrolled["node"]] = device
        self._families = {mount.mount_id: mount.family for mount in layout.mounts} | dict(elsewhere)
        self._registrations = {
            name: Registration(
                device_id=name,
                site_id=OTHER_SITE_ID if name in elsewhere else layout.site_id,
                family=family,
            )
            for name, family in self._families.items()
        }
        self._bounds = Bounds(
            width_m=layout.width_mm / 1000, length_m=layout.length_mm / 1000, height_m=layout.height_mm / 1000
        )
        self._series: dict[tuple[str, int], Series] = {}
        self._by_content: set[tuple[str, int, int]] = set()
        self._sessions: dict[str, LlrpSession] = {}
        self._indicators: dict[str, tuple[ManualClock, TmrSession]] = {}
        self._tag_marks: dict[counters.Tag, counters.Mark] = {}
        self._numbers: Counter[str] = Counter()
        self._decoders: Mapping[str, Callable[[Message, datetime], Iterable[Item]]] = {
            "broker": self._broker,
            "llrp": self._llrp,
            "modbus": self._modbus,
            "lines": self._lines,
            "http": self._http,
        }
        self.wire, self.journal = hashlib.sha256(), hashlib.sha256()
        self.stored: Counter[tuple[str, str]] = Counter()
        """New readings, by device and kind."""
        self.duplicates = 0
        self.quarantine: Counter[str] = Counter()

    def connect(self, device: str, reader: SimulatedReader) -> None:
        """Open an LLRP session with a reader: the whole handshake, byte for byte."""
        session = self._sessions[device] = LlrpSession(RoSpec(antennas=(1, 2)), 5_000)
        reader.connect()
        for _ in range(HANDSHAKE_ROUNDS_MAX):
            said = reader.outgoing()
            self.wire.update(said)
            session.receive(said)
            answer = session.bytes_to_send()
            if not answer and session.is_ready:
                return
            reader.receive(answer)
        raise RuntimeError(f"the session with {device} did not come about")

    def receive(self, message: Message, now: datetime) -> None:
        """One message, at the moment it arrives."""
        self.wire.update(message.wire())
        if message.via == "paper":
            self._take_paper(message.facts)
            return
        for item in self._decoders[message.via](message, now):
            if isinstance(item, Rejected):
                self._set_aside(item.device_id, item.field, item.rule)
            else:
                self._store(item, now)

    # --- ingest ------------------------------------------------------------------------------------

    def _store(self, observation: Observation, now: datetime) -> None:
        received = Received(observation=observation, received_at=now)
        registration = self._registrations.get(observation.device_id)
        site_id = self._site_id if registration is None else registration.site_id
        broken = check(received, site_id, registration, self._bounds)
        if broken is not None:
            self._set_aside(observation.device_id, broken.field, broken.rule)
            if broken.field not in IDENTITY:
                self._is_new(observation)  # Set aside is not missing.
        elif not self._is_new(observation):
            self.duplicates += 1
        elif (replay := counters.admit(received, self._tag_marks)) is not None:
            self._set_aside(observation.device_id, replay.field, replay.rule)
        else:
            self.journal.update(_encoder.encode(observation))
            self.stored[observation.device_id, reading_kind(observation)] += 1
            self._take(observation, now)

    def _is_new(self, observation: Observation) -> bool:
        key = observation.device_id, observation.boot
        if observation.boot >= CONTENT_BOOT_BASE:
            identity = (*key, observation.sequence)
            is_new = identity not in self._by_content
            self._by_content.add(identity)
            return is_new
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = Series()
        return series.add(observation.sequence)

    def _set_aside(self, device: str, field: str, rule: str) -> None:
        self.quarantine[f"{device} {field}: {rule}"] += 1

    @property
    def missing(self) -> int:
        """Numbers that lie below others that came."""
        return sum(
            max(series.beyond) - series.through - len(series.beyond)
            for series in self._series.values()
            if series.beyond
        )

    # --- codecs ------------------------------------------------------------------------------------

    def _broker(self, message: Message, now: datetime) -> Iterable[Item]:
        arrived = Arrived(
            site_id=self._site_id,
            device_id=message.device,
            payload=message.payload,
            received_at=now,
            channel=message.channel,
            settings=self._settings.get(message.device, {}),
        )
        return BROKER[self._families[message.device]](arrived, self._nodes[message.device])

    def _llrp(self, message: Message, now: datetime) -> Iterable[Item]:
        for happening in self._sessions[message.device].receive(message.payload):
            if isinstance(happening, TagHeard):
                yield self._numbered(
                    message.device,
                    happening.seen_at or now,
                    TagRead(
                        epc_hex=happening.epc_hex,
                        antenna=happening.antenna,
                        rssi_cdbm=happening.rssi_dbm * 100,
                        seen_count=happening.seen_count,
                    ),
                    is_suspect=happening.is_suspect or happening.seen_at is None,
                )

    def _modbus(self, message: Message, now: datetime) -> Iterable[Item]:
        try:
            if self._families[message.device] == "modbus_barrier":
                state = barrier.decode([bool(bit) for bit in message.registers])
                return [self._numbered(message.device, now, state)]
            snapshot = weighbridge.decode(PROFILES[INDICATOR], message.registers)
        except FieldRejected as error:
            self._set_aside(message.device, error.field, error.rule)
            return []
        last = snapshot.last
        if last is None:
            return []
        mass = MassReading(
            mass_g=last.mass_g,
            weight_id=last.weight_id,
            legal_for_trade=snapshot.shown.legal_for_trade,
            axle_count=last.axle_count,
        )
        return [self._observation(message.device, last.boot, last.weight_id, last.weighed_at, mass)]

    def _lines(self, message: Message, now: datetime) -> Iterable[Item]:
        """An indicator that fell silent was away, as its line would have said."""
        clock, session = self._indicator(message.device, now)
        silent_s = (now - clock.now()).total_seconds()
        clock.advance(silent_s)
        said: list[Item] = []
        if silent_s > SILENCE_S_MAX:
            said += session.lost("nothing came in time")
            session.begin()
        return [*said, *session.receive(message.payload)]

    def _indicator(self, device: str, now: datetime) -> tuple[ManualClock, TmrSession]:
        known = self._indicators.get(device)
        if known is None:
            clock = ManualClock(now)
            session = TmrSession(device, clock, 1, settings=IndicatorSettings())
            known = self._indicators[device] = clock, session
        return known

    def _http(self, message: Message, now: datetime) -> Iterable[Item]:  # noqa: ARG002
        body = _scans.decode(message.payload)
        for made in body["scans"]:
            scan = msgspec.convert({**made, "boot": body["boot"]}, Scan)
            yield scan_observation(message.device, None, scan)

    def _numbered(
        self, device: str, at: datetime, reading: AnyReading, *, is_suspect: bool = False
    ) -> Observation:
        """As the driver numbers what its device does not."""
        self._numbers[device] += 1
        numbered = self._observation(device, 1, self._numbers[device], at, reading)
        return msgspec.structs.replace(numbered, quality="suspect") if is_suspect else numbered

    def _observation(
        self, device: str, boot: int, sequence: int, at: datetime, reading: AnyReading
    ) -> Observation:
        return Observation(device_id=device, boot=boot, sequence=sequence, observed_at=at, reading=reading)
