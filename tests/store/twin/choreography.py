"""Builders for tests of the twin: a small site with one gate lane, and devices that tell what happens."""

from collections.abc import Container, Sequence
from datetime import datetime, timedelta
from typing import Literal

from kernel.geometry import Origin, Point, wgs84_from_site
from kernel.gs1 import epc_from_giai, epc_from_sscc, make_sscc
from kernel.layout import Gate, Layout, Mount, Rack, Weighbridge, Zone, slots_of
from kernel.messages import (
    AnyReading,
    BarrierState,
    DevicePlaced,
    Envelope,
    LoadChange,
    MassReading,
    Observation,
    SlotSight,
    TagRead,
)
from kernel.tx import Tx
from tests.conftest import START
from twin import api as twin
from twin.messages import ExpectedArrival, ImportLayout, UnitDeclaration

SITE, GATE, BRIDGE, LOT = "site-t", "gate-t", "wb-t", "lot-t"
READER, BARRIER, SCALE, FORKLIFT, CAMERA = "reader", "barrier", "scale", "forklift-1", "camera"
PREFIX = "6901234"
UNIT_MASS_G = 700_000
TARE_G = 8_000_000
OUTER, INNER = 1, 2


def a_layout(site_id: str = SITE) -> Layout:
    """Road, barrier, bridge, yard from west to east; a hall with one rack of 12 slots in the north."""
    return Layout(
        site_id=site_id,
        name_en="Test site",
        name_zh="测试",
        origin=Origin(30.0, 115.0),
        time_zone="Asia/Shanghai",
        width_mm=60_000,
        length_mm=40_000,
        zones=[
            _zone("lane", "road", 0, 0, 30_000, 8_000),
            _zone("yard", "yard", 30_000, 0, 60_000, 8_000),
            _zone("dock", "dock", 0, 8_000, 60_000, 14_000),
            _zone("hall", "storage", 0, 14_000, 60_000, 40_000),
        ],
        racks=[Rack(rack_id="A01", zone_id="hall", x_mm=10_000, y_mm=20_000, bays=6, levels=2)],
        gates=[Gate(gate_id=GATE, zone_id="lane", x_mm=4_000, y_mm=4_000, lane_weighbridge_id=BRIDGE)],
        weighbridges=[Weighbridge(weighbridge_id=BRIDGE, zone_id="lane", x_mm=8_000, y_mm=2_000)],
        mounts=[
            Mount(mount_id=READER, family="llrp", serves=GATE, x_mm=4_000, y_mm=7_000),
            Mount(mount_id=BARRIER, family="modbus_barrier", serves=GATE, x_mm=4_000, y_mm=1_000),
            Mount(mount_id=SCALE, family="modbus_weighbridge", serves=BRIDGE, x_mm=9_000, y_mm=1_000),
            Mount(mount_id=FORKLIFT, family="mqtt_position", serves="forklift", x_mm=9_000, y_mm=15_000),
            Mount(mount_id=CAMERA, family="onvif_m", serves="hall", x_mm=9_000, y_mm=15_000),
            Mount(mount_id="tag-of-somebody", family="mqtt_position", serves="person", x_mm=1, y_mm=15_000),
        ],
    )


def _zone(zone_id: str, kind: str, left: int, low: int, right: int, high: int) -> Zone:
    outline = [(left, low), (right, low), (right, high), (left, high)]
    return Zone(zone_id=zone_id, kind=kind, outline_mm=outline)


SLOTS = [slot for rack in a_layout().racks for slot in slots_of(rack)]


def a_unit(number: int, lot_id: str = LOT, owner: str = "owner-t", site_id: str = SITE) -> UnitDeclaration:
    sscc = make_sscc(PREFIX, 3, number)
    return UnitDeclaration(
        unit_id=f"unit-{number:04d}",
        site_id=site_id,
        lot_id=lot_id,
        sku="SKU-1",
        owner_party_id=owner,
        sscc=sscc,
        epc_hex=epc_from_sscc(sscc, len(PREFIX)),
        quantity_each=40,
        expected_mass_g=UNIT_MASS_G,
    )


def truck_tag(number: int) -> str:
    return epc_from_giai(PREFIX, number)


class Day:
    """Writes down what devices would report, in order of time; `seen` is the set of observations so far."""

    def __init__(self, start: datetime = START) -> None:
        self.at = start
        self.seen: list[Observation] = []
        self._sequences: dict[str, int] = {}

    def wait(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def take(self) -> list[Observation]:
        """What was written since the last time."""
        taken, self.seen = self.seen, []
        return taken

    def report(self, device_id: str, reading: AnyReading) -> str:
        sequence = self._sequences[device_id] = self._sequences.get(device_id, 0) + 1
        observation = Observation(
            device_id=device_id, boot=1, sequence=sequence, observed_at=self.at, reading=reading
        )
        self.seen.append(observation)
        return observation.observation_id

    def hear(self, tags: list[str], antenna: int, rounds: int = 4, reader: str = READER) -> None:
        """Each tag is heard once a round, four rounds a second."""
        for _ in range(rounds):
            for tag in tags:
                self.report(reader, TagRead(epc_hex=tag, antenna=antenna, rssi_cdbm=-5400))
            self.wait(0.25)

    def weigh(self, mass_g: int) -> str:
        self.wait(3)
        weight_id = self._sequences.get(SCALE, 0) + 1
        return self.report(SCALE, MassReading(mass_g=mass_g, weight_id=weight_id))

    def look(self, occupied: Sequence[int], empty: Sequence[int] = ()) -> str:
        """The camera sees slots, by their numbers."""
        self.wait(30)
        return self.report(
            CAMERA,
            SlotSight(
                occupied=tuple(SLOTS[number].slot_id for number in occupied),
                empty=tuple(SLOTS[number].slot_id for number in empty),
                pallet_count=len(occupied),
            ),
        )

    def boom(self, *, is_open: bool, loop: bool) -> None:
        self.report(BARRIER, BarrierState(is_open=is_open, is_closed=not is_open, loop_occupied=loop))

    def pass_barrier(self) -> None:
        """The boom opens, a vehicle goes over the loop, the boom shuts."""
        self.boom(is_open=True, loop=False)
        self.wait(1)
        self.boom(is_open=True, loop=True)
        self.wait(3)
        self.boom(is_open=True, loop=False)
        self.wait(1)
        self.boom(is_open=False, loop=False)

    def lift(self, tag: str, point: Point) -> None:
        self._load("picked_up", tag, point)

    def put(self, tag: str, point: Point) -> None:
        self._load("set_down", tag, point)

    def put_by_satellite(self, tag: str, point: Point) -> None:
        """As `put`, by a truck that knows its place in WGS 84."""
        latitude_deg, longitude_deg, height_m = wgs84_from_site(a_layout().origin, point)
        there = Point(longitude_deg, latitude_deg, height_m)
        self.report(FORKLIFT, LoadChange(action="set_down", epc_hex=tag, point=there, frame="wgs84"))
        self.wait(10)

    def _load(self, action: Literal["picked_up", "set_down"], tag: str, point: Point) -> None:
        self.report(FORKLIFT, LoadChange(action=action, epc_hex=tag, point=point))
        self.wait(10)

    def drive_in(self, truck: str, tags: list[str], mass_g: int) -> None:
        """Road, barrier, bridge, yard: heard outside, over the loop, weighed, heard inside."""
        self.hear([truck, *tags], OUTER)
        self.pass_barrier()
        self.weigh(mass_g)
        self.wait(5)
        self.hear([truck, *tags], INNER)
        self.wait(60)

    def drive_to_barrier(self, truck: str, tags: list[str], mass_g: int) -> None:
        """Yard, bridge, barrier: heard inside, weighed, heard outside standing at the shut boom."""
        self.hear([truck, *tags], INNER)
        self.weigh(mass_g)
        self.wait(5)
        self.hear([truck, *tags], OUTER)

    def turn_back(self, truck: str, tags: list[str]) -> None:
        self.wait(10)
        self.hear([truck, *tags], INNER)
        self.wait(60)

    def unload(self, tags: list[str]) -> None:
        """A forklift takes each from the dock into its slot."""
        for tag, slot in zip(tags, SLOTS, strict=False):
            self.lift(tag, Point(30.0, 10.0, 1.2))
            self.put(tag, slot.centre)


def envelopes(
    observations: list[Observation],
    first_position: int = 1,
    site_id: str = SITE,
    not_accepted: Container[str] = (),
) -> list[Envelope]:
    """As the journal holds them; no second party has accepted the devices `not_accepted`."""
    return [
        Envelope(
            site_id=site_id,
            position=position,
            observation=observation,
            received_at=observation.observed_at,
            recorded_at=observation.observed_at,
            is_accepted=observation.device_id not in not_accepted,
        )
        for position, observation in enumerate(observations, start=1)
    ]


async def open_site(tx: Tx, keeper: str = "keeper-t") -> None:
    """Parties, layout and devices."""
    parties = [("keeper-t", "keeper"), ("owner-t", "owner"), ("bank-t", "bank")]
    for party_id, kind in parties:
        await tx.run(
            "INSERT INTO identity.party VALUES (%(id)s, %(kind)s, %(id)s, %(now)s) ON CONFLICT DO NOTHING",
            {"id": party_id, "kind": kind, "now": tx.now},
        )
    await twin.import_layout(ImportLayout(layout=a_layout(), keeper_party_id=keeper), tx)
    for mount in a_layout().mounts:
        await place(tx, mount.mount_id, mount)


async def place(tx: Tx, device_id: str, mount: Mount) -> None:
    """The device is on the mount."""
    placed = DevicePlaced(
        site_id=SITE,
        device_id=device_id,
        family=mount.family,
        mount_id=mount.mount_id,
        placed_at=tx.now,
    )
    for subscriber in twin.SUBSCRIBERS[DevicePlaced]:
        await subscriber(placed, tx)


async def announce(
    tx: Tx,
    units: list[UnitDeclaration],
    vehicle_id: str = "truck-a",
    number: int = 1,
    expected_net_g: int | None = None,
) -> None:
    """A delivery of these units on a truck, of their usual mass unless told otherwise."""
    await twin.declare_units(tx, units)
    await twin.declare_vehicle(tx, vehicle_id, SITE, truck_tag(number), f"TRUCK-{number}")
    await twin.expect_arrival(
        tx,
        ExpectedArrival(
            delivery_id=f"delivery-{vehicle_id}",
            site_id=SITE,
            vehicle_id=vehicle_id,
            unit_ids=[unit.unit_id for unit in units],
            expected_net_g=UNIT_MASS_G * len(units) if expected_net_g is None else expected_net_g,
        ),
    )


def tags_of(units: list[UnitDeclaration]) -> list[str]:
    return [unit.epc_hex for unit in units if unit.epc_hex is not None]


async def receive(tx: Tx, day: Day, units: list[UnitDeclaration]) -> None:
    """Truck A brings the units, they are put away, it leaves empty. All applied."""
    tags = tags_of(units)
    day.drive_in(truck_tag(1), tags, TARE_G + UNIT_MASS_G * len(units))
    day.unload(tags)
    day.drive_to_barrier(truck_tag(1), [], TARE_G)
    day.pass_barrier()
    day.wait(60)
    await twin.apply(tx, envelopes(day.take()))
