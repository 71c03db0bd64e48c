"""The devices of a warehouse, without sockets: they number, stamp and encode what the world noticed.

Each device says things in its own protocol, under its own clock. Nothing here knows the product: the
encoders are the fakes' own, so that an error of encoding cannot cancel itself out.
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from kernel.clock import ManualClock
from kernel.geometry import Point, wgs84_from_site
from kernel.gs1 import epc_from_sscc, make_sscc
from kernel.rng import Rng
from simulators.faults.model import DeviceFault
from simulators.protocols.chirpstack import frames as chirpstack
from simulators.protocols.llrp.frames import Heard
from simulators.protocols.llrp.reader import SimulatedReader
from simulators.protocols.mqtt.batches import Load, Place, Read, ReadBatch, Report, read_batch, reports
from simulators.protocols.onvif_m import frames as onvif
from simulators.protocols.pda.frames import batch, scan
from simulators.sites.clocks import DeviceClocks
from simulators.sites.indicators import LEGAL_FOR_TRADE, STABLE, captured
from simulators.sites.messages import Message, Via
from simulators.sites.numbering import Numbering
from simulators.world.warehouse.parameters import Parameters
from simulators.world.warehouse.places import layout_of, places_of
from simulators.world.warehouse.state import (
    Announced,
    ClockSet,
    Entered,
    Felt,
    Framed,
    LoadChanged,
    Moved,
    Passed,
    PortalRead,
    Scanned,
    Seen,
    TagsRead,
    Tracked,
    Warehouse,
    Weighed,
)

COMPANY_PREFIX = "6901234"
POSITIONS_A_MESSAGE = 5
"""A tracker sends its fixes of five seconds at once."""
SIGMA_M = 0.3
PLATE_LIKELIHOOD = 0.95
"""What the cameras at the gates always claim; how often they are right is the world's."""


NETWORK_SERVER = "lorawan-1"
GATEWAY_EUI = "0016c001f153a14c"


def dev_eui(sensor: int) -> str:
    """The name under which the network server knows a sensor of the air."""
    return f"70b3d57ed006{sensor + 1:04x}"


class Codes:
    """SSCC and EPC of pallets, made when they are first asked for."""

    def __init__(self) -> None:
        self._epcs: list[str] = []
        self._ssccs: list[str] = []

    def _reach(self, pallet: int) -> None:
        while len(self._epcs) <= pallet:
            sscc = make_sscc(COMPANY_PREFIX, 3, len(self._epcs))
            self._ssccs.append(sscc)
            self._epcs.append(epc_from_sscc(sscc, len(COMPANY_PREFIX)))

    def epc(self, pallet: int) -> str:
        self._reach(pallet)
        return self._epcs[pallet]

    def sscc(self, pallet: int) -> str:
        self._reach(pallet)
        return self._ssccs[pallet]


class Paper(msgspec.Struct, frozen=True):
    """What people enter: pallets that a truck is to bring or may take away."""

    direction: str
    plate: str
    ssccs: tuple[str, ...]
    lots: dict[str, str]
    stated_g: dict[str, int]


class Entry(msgspec.Struct, frozen=True):
    """A paper of finance that somebody enters: what it is, for whom, about which lot and pallets."""

    what: str
    party: str
    lot: str
    ssccs: tuple[str, ...]


class WarehouseDevices:
    """All devices of one warehouse. `say` gives the messages for what a step of the world noticed."""

    def __init__(
        self,
        parameters: Parameters,
        start: datetime,
        rng: Rng,
        faults: Sequence[DeviceFault] = (),
        *,
        first_boot: int = 1,
        pace: float = 1.0,
        has_readers: bool = True,
    ) -> None:
        """Without `has_readers`, what portals hear is told as facts, for readers that stand elsewhere."""
        self.codes = Codes()
        self.clocks = DeviceClocks(parameters.clock, start, rng.child("clocks"), faults, pace)
        self._numbers = Numbering(faults, first_boot)
        self._places = places_of(parameters)
        self._origin = layout_of(parameters).origin
        self._gnss_sigma_m = parameters.gnss.sigma_m
        self._uplinks: Counter[int] = Counter()
        self._said = 0
        self._clock = ManualClock(start)
        self._scenes: dict[int, tuple[tuple[bytes, bytes], bytes]] = {}
        self._objects: dict[tuple[int, str], bytes] = {}
        portals = parameters.devices.portals if has_readers else 0
        self.portals = [SimulatedReader(self._clock, 2) for _ in range(portals)]
        """Readers behind LLRP: the product opens its session with them before the first read."""

    def say(self, world: Warehouse) -> list[Message]:
        """The messages for what the last step of the world noticed, in the order of time. A device restarts
        with the first step that ends after its time."""
        self._pallets = world.pallets
        self._numbers.restarted_before(world.time_s)
        said: dict[type[Seen], Callable[[Any], Iterable[Message]]] = {
            TagsRead: self._tags_read,
            Moved: self._moved,
            Tracked: self._tracked,
            Felt: self._felt,
            PortalRead: self._portal_read,
            LoadChanged: self._load_changed,
            Weighed: self._weighed,
            Scanned: self._scanned,
            Framed: self._framed,
            Passed: self._passed,
            Announced: self._announced,
            ClockSet: self._clock_set,
            Entered: self._entered,
        }
        return sorted(message for noticed in world.seen for message in said[type(noticed)](noticed))

    def _message(
        self,
        at_s: float,
        device: str,
        via: Via,
        payload: bytes = b"",
        registers: tuple[int, ...] = (),
        facts: object = None,
        channel: str = "observation",
    ) -> Message:
        self._said += 1
        return Message(at_s, self._said, device, via, payload, registers, facts, channel)

    def _epcs(self, pallets: np.ndarray) -> list[str]:
        """What the tags on the pallets say: another's EPC where one is cloned."""
        return [self.codes.epc(pallet) for pallet in self._pallets.tag[pallets].tolist()]

    def _epc(self, pallet: int) -> str:
        return self.codes.epc(int(self._pallets.tag[pallet]))

    # --- over the broker ---------------------------------------------------------------------------

    def _tags_read(self, read: TagsRead) -> Iterable[Message]:
        """A reader sends what it heard once a second."""
        seconds = np.floor(read.at_s)
        starts = [0, *(np.flatnonzero(np.diff(seconds)) + 1).tolist(), len(seconds)]
        after_ms = np.rint((read.at_s - seconds) * 1000).astype(int).tolist()
        epcs, antennas, rssi = self._epcs(read.pallets), read.antenna.tolist(), read.rssi_cdbm.tolist()
        for first, end in itertools.pairwise(starts):
            if first == end:
                continue
            reads = [Read(epcs[n], rssi[n], antennas[n], after_ms[n]) for n in range(first, end)]
            second = float(seconds[first])
            payload = read_batch(
                ReadBatch(
                    boot=self._numbers.boot(read.reader),
                    sequence=self._numbers.next(read.reader, len(reads)),
                    observed_at=self.clocks.shown(read.reader, second),
                    reads=reads,
                )
            )
            yield self._message(second + 1.0, read.reader, "broker", payload)

    def _moved(self, moved: Moved) -> Iterable[Message]:
        device = f"forklift-{moved.forklift + 1}"
        x_m, y_m = np.round(moved.x_m, 3).tolist(), np.round(moved.y_m, 3).tolist()
        heading, speed = np.round(moved.heading_deg, 1).tolist(), np.round(moved.speed_mps, 2).tolist()
        loads, times = moved.load.tolist(), moved.at_s.tolist()
        for first in range(0, len(times), POSITIONS_A_MESSAGE):
            part = range(first, min(first + POSITIONS_A_MESSAGE, len(times)))
            number = self._numbers.next(device, len(part))
            several = [
                Report(
                    boot=self._numbers.boot(device),
                    sequence=number + place,
                    observed_at=self.clocks.shown(device, times[n]),
                    position=Place(x_m[n], y_m[n], 0.0, heading[n], speed[n], SIGMA_M),
                    load=Load(epc=self._epc(loads[n]) if loads[n] >= 0 else None),
                )
                for place, n in enumerate(part)
            ]
            yield self._message(times[part[-1]], device, "broker", reports(several))

    def _tracked(self, tracked: Tracked) -> Iterable[Message]:
        """A receiver tells where on earth it is; it sends its fixes of a minute or so at once."""
        device = f"tracker-{tracked.tracker + 1}"
        several = []
        for at_s, x_m, y_m in zip(
            tracked.at_s.tolist(), tracked.x_m.tolist(), tracked.y_m.tolist(), strict=True
        ):
            latitude_deg, longitude_deg, _ = wgs84_from_site(self._origin, Point(x_m, y_m))
            here = Place(
                round(longitude_deg, 7), round(latitude_deg, 7), 0.0, 0.0, 0.0, self._gnss_sigma_m, "wgs84"
            )
            number = self._numbers.next(device)
            shown = self.clocks.shown(device, at_s)
            several.append(Report(self._numbers.boot(device), number, shown, here, Load()))
        if several:
            yield self._message(float(tracked.at_s[-1]), device, "broker", reports(several))

    def _felt(self, felt: Felt) -> Iterable[Message]:
        """What a sensor of the air felt, as the network server publishes it."""
        self._uplinks[felt.sensor] += 1
        counter = self._uplinks[felt.sensor]
        said = {"temperature": felt.temperature_mc / 1_000, "humidity": felt.humidity_permille / 10}
        heard = (chirpstack.Heard(GATEWAY_EUI, -95, 7.5),)
        at, name = self.clocks.shown(NETWORK_SERVER, felt.at_s), dev_eui(felt.sensor)
        node = chirpstack.Node(name, f"01{felt.sensor:06x}")
        told = chirpstack.up(node, at, counter, heard, b"", said, f"{name}-{counter}")
        yield self._message(
            felt.at_s + 1.0, NETWORK_SERVER, "broker", told, channel=chirpstack.channel(name, "up")
        )

    def _load_changed(self, change: LoadChanged) -> Iterable[Message]:
        device = f"forklift-{change.forklift + 1}"
        report = Report(
            boot=self._numbers.boot(device),
            sequence=self._numbers.next(device),
            observed_at=self.clocks.shown(device, change.at_s),
            position=Place(
                round(change.x_m, 3), round(change.y_m, 3), round(change.z_m, 3), 0.0, 0.0, SIGMA_M
            ),
            load=Load(change=change.action, epc=self._epc(change.pallet) if change.pallet >= 0 else None),
        )
        yield self._message(change.at_s, device, "broker", reports([report]))

    # --- dialled -----------------------------------------------------------------------------------

    def _portal_read(self, read: PortalRead) -> Iterable[Message]:
        device = f"portal-{read.portal + 1}"
        for n, at_s in enumerate(read.at_s.tolist()):
            heard = Heard(
                self._epc(int(read.pallets[n])),
                int(read.antenna[n]),
                int(read.rssi_cdbm[n]) // 100 * 100,
                self.clocks.shown(device, at_s),
            )
            if not self.portals:
                yield self._message(at_s, device, "llrp", facts=heard)
                continue
            reader = self.portals[read.portal]
            reader.hear(heard)
            if payload := reader.outgoing():
                yield self._message(at_s, device, "llrp", payload)

    def _weighed(self, weighed: Weighed) -> Iterable[Message]:
        """The indicator's registers once it has captured, profile `tallyhouse-1`."""
        registers = captured(
            weighed.mass_g,
            self._numbers.next(weighed.scale),
            self.clocks.shown(weighed.scale, weighed.at_s),
            self._numbers.boot(weighed.scale),
            state=STABLE | LEGAL_FOR_TRADE,
            axles=2 if weighed.truck >= 0 else 0,
        )
        yield self._message(weighed.at_s, weighed.scale, "modbus", registers=registers)

    def _passed(self, passed: Passed) -> Iterable[Message]:
        """The boom goes up, the loop is entered and left, the boom comes down; the camera reads the plate."""
        device = f"gate-{passed.gate + 1}-barrier"
        loop = int(passed.loop_seen)
        if passed.barrier_opened:
            states = [(0.0, (1, 0, 0)), (4.0, (1, 0, loop)), (9.0, (1, 0, 0)), (14.0, (0, 1, 0))]
            for after_s, inputs in states:
                yield self._message(passed.at_s + after_s, device, "modbus", registers=inputs)
        if passed.plate:
            camera = f"gate-{passed.gate + 1}-camera"
            at = self.clocks.shown(camera, passed.at_s)
            said = onvif.plate(at, passed.plate, PLATE_LIKELIHOOD, passed.direction)
            yield self._message(passed.at_s + 2.0, camera, "broker", said, channel=onvif.PLATES_CHANNEL)

    # --- people and cameras ------------------------------------------------------------------------

    def _scanned(self, scanned: Scanned) -> Iterable[Message]:
        device = f"pda-{scanned.handheld + 1}"
        made = scan(
            self._numbers.next(device),
            self.clocks.shown(device, scanned.at_s),
            self.codes.sscc(scanned.pallet),
            self._places.slot_ids[scanned.place],
            "gs1-128",
            None,
        )
        payload = msgspec.json.encode(batch(device, self._numbers.boot(device), [made]))
        yield self._message(scanned.at_s, device, "http", payload)

    def _framed(self, framed: Framed) -> Iterable[Message]:
        """The camera tells every place that it sees, by where on earth that is; it says nothing of others. It
        names its picture, and knows of none that it has been shown before."""
        device = f"camera-{framed.camera + 1}"
        at, said_s = self.clocks.shown(device, framed.at_s), framed.at_s + 1.0
        if framed.is_dark:
            channel, said = onvif.picture_is(at, "dark")
            yield self._message(said_s, device, "broker", said, channel=channel)
            return
        picture = hashlib.sha256(b"%s/%d" % (device.encode(), framed.picture)).hexdigest()
        said = onvif.frame(at, self._scene(framed), picture)
        yield self._message(said_s, device, "broker", said, channel=onvif.FRAMES_CHANNEL)

    def _scene(self, framed: Framed) -> bytes:
        """What the camera sees; put into words anew only when it has changed."""
        shows = framed.occupied.tobytes(), framed.empty.tobytes()
        known = self._scenes.get(framed.camera)
        if known is None or known[0] != shows:
            places = [(place, onvif.PALLET) for place in framed.occupied.tolist()]
            places += [(place, onvif.EMPTY) for place in framed.empty.tolist()]
            known = self._scenes[framed.camera] = shows, onvif.scene(itertools.starmap(self._object, places))
        return known[1]

    def _object(self, place: int, kind: str) -> bytes:
        told = self._objects.get((place, kind))
        if told is None:
            told = self._objects[place, kind] = onvif.geolocated(place, kind, *self._places.earth[place])
        return told

    def _announced(self, announced: Announced) -> Iterable[Message]:
        ssccs = tuple(self.codes.sscc(pallet) for pallet in announced.pallets)
        lots = {
            sscc: lot_name(int(self._pallets.lot[pallet]))
            for sscc, pallet in zip(ssccs, announced.pallets, strict=True)
        }
        stated_g = {
            sscc: int(self._pallets.stated_g[pallet])
            for sscc, pallet in zip(ssccs, announced.pallets, strict=True)
        }
        paper = Paper(announced.direction, announced.plate, ssccs, lots, stated_g)
        yield self._message(announced.at_s, "office", "paper", facts=paper)

    def _entered(self, entered: Entered) -> Iterable[Message]:
        ssccs = tuple(self.codes.sscc(pallet) for pallet in entered.pallets)
        entry = Entry(entered.what, entered.party, lot_name(entered.lot), ssccs)
        yield self._message(entered.at_s, "office", "paper", facts=entry)

    # --- what people do to devices -----------------------------------------------------------------

    def _clock_set(self, moved: ClockSet) -> Iterable[Message]:
        """From this step on; the device itself says nothing of it."""
        self.clocks.shift(moved.device, moved.by_s)
        return ()


def lot_name(lot: int) -> str:
    return f"LOT-{lot + 1:03d}"
