"""A site that lives: commands through the desk, readings through the journal, the fold and the relay.

Nothing is faked: what a test sees is what the product derived from observations it stored.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from app.database import Database
from app.desk import AppDesk
from app.folding import Fold
from app.relay import Relay
from app.wake import Wake
from app.wiring import all_subscribers
from devices.api import journal_after, journal_sites, record_observations
from devices.families import FAMILIES
from devices.messages import CLOCK_AHEAD_MAX, AcceptDevice, EnrolDevice, InviteInspector
from identity.api import grant_access
from kernel.caller import Caller, Role
from kernel.clock import ManualClock
from kernel.geometry import Point
from kernel.gs1 import epc_from_giai, epc_from_sscc, make_sscc
from kernel.layout import Layout, all_slots
from kernel.messages import (
    AnyReading,
    BarrierState,
    Command,
    DeviceStatus,
    LoadChange,
    MassReading,
    Observation,
    PositionReading,
    TagRead,
)
from twin.api import apply
from twin.messages import ImportLayout
from wms.messages import AnnounceDelivery, DeliveryUnit, RegisterSkus, RegisterVisit, SkuEntry, Vehicle

DEMO_LAYOUT = msgspec.json.decode(
    (Path(__file__).parents[2] / "simulators" / "scenarios" / "demo" / "layout.json").read_bytes(),
    type=Layout,
)
SLOTS = all_slots(DEMO_LAYOUT)
SKU = "RICE-25"
PREFIX = "6901234"
PALLET_G, TRUCK_G, EACH = 1_000_000, 9_000_000, 40
DEVICES = {
    "gate-1-reader": "llrp",
    "gate-1-barrier": "modbus_barrier",
    "weighbridge-1": "modbus_weighbridge",
    "forklift-1": "mqtt_position",
    "person-1": "mqtt_position",
    "pda-1": "pda",
}
"""Mount of the demonstration layout to family."""
ALIVE_S = 300
CLOCK_AHEAD_S = CLOCK_AHEAD_MAX.seconds
WATCHES = ("gate-1-reader", "gate-1-barrier", "weighbridge-1")
PDA_TOKEN = "handheld-token-of-this-test-run-{letter}"


class Pallet(msgspec.Struct, frozen=True, kw_only=True):
    unit_id: str
    sscc: str
    epc_hex: str
    slot: int


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """A lot that came on one truck."""

    lot_id: str
    delivery_id: str
    truck_epc: str
    vehicle_id: str
    pallets: tuple[Pallet, ...]

    @property
    def unit_ids(self) -> tuple[str, ...]:
        return tuple(pallet.unit_id for pallet in self.pallets)


class LivingSite:
    """`site-{letter}`, kept by `keeper-{letter}`, with stock of `owner-{letter}`; `bank-{letter}` lends."""

    def __init__(self, database: Database, desk: AppDesk, clock: ManualClock, letter: str) -> None:
        self.database = database
        self.desk = desk
        self.clock = clock
        self.letter = letter
        self.site_id = f"site-{letter}"
        self.keeper, self.owner, self.bank = f"keeper-{letter}", f"owner-{letter}", f"bank-{letter}"
        self._sequences = dict.fromkeys(DEVICES, 0)
        self._trucks = 100 * ord(letter)
        self._pallets = 10_000 * ord(letter)
        self._slot = 0
        self._alive_at = clock.now()
        wake = Wake(database.dsn)
        self._fold = Fold(database, wake, sites=journal_sites, journal_after=journal_after, apply=apply)
        self._relay = Relay(database, wake, all_subscribers())

    def device(self, mount_id: str) -> str:
        return f"{mount_id}-{self.letter}"

    def sequence_of(self, mount_id: str) -> int:
        """The number of the device's last reading."""
        return self._sequences[mount_id]

    # --- people and programs ---------------------------------------------------------------------

    async def do(self, command: Command, party_id: str, *roles: Role, person_id: str = "") -> Any:
        """One command by somebody of a party, and everything that follows from it."""
        caller = Caller(
            person_id=person_id or f"person-of-{party_id}", party_id=party_id, roles=frozenset(roles)
        )
        answer = await self.desk.do(caller, command)
        await self.settle()
        return answer

    async def settle(self) -> None:
        """Fold the journal and hand on events until nothing new follows."""
        while await self._fold.step() + await self._relay.step():
            pass

    async def accept(self, device_id: str, enrolment: int = 1, bank: str = "") -> None:
        """The site's bank, or another one, accepts the device."""
        accept = AcceptDevice(device_id=device_id, enrolment=enrolment, secret=PDA_TOKEN)
        await self.do(accept, bank or self.bank, "officer")

    async def invite(self, bank: str) -> None:
        """The keeper invites another bank, which accepts every device that can be evidence."""
        await self.do(InviteInspector(site_id=self.site_id, party_id=bank), self.keeper, "admin")
        for mount_id, family in DEVICES.items():
            if FAMILIES[family].is_witness:
                await self.accept(self.device(mount_id), bank=bank)

    # --- the yard --------------------------------------------------------------------------------

    async def build(self) -> "LivingSite":
        """The layout, the keeper's right to it, devices and the item."""
        layout = msgspec.structs.replace(DEMO_LAYOUT, site_id=self.site_id)
        await self.do(ImportLayout(layout=layout, keeper_party_id=self.keeper), self.keeper, "admin")
        async with self.database.write(Caller.product("test")) as tx:
            await grant_access(tx, self.keeper, self.site_id, cause="keeps the site")
        await self.do(InviteInspector(site_id=self.site_id, party_id=self.bank), self.keeper, "admin")
        for mount_id, family in DEVICES.items():
            is_dialled = FAMILIES[family].reach == "dialled"
            await self.do(
                EnrolDevice(
                    site_id=self.site_id,
                    device_id=self.device(mount_id),
                    family=family,
                    mount_id=mount_id,
                    connection={"host": "127.0.0.1", "port": 502} if is_dialled else {},
                    secret=PDA_TOKEN.format(letter=self.letter),
                ),
                self.keeper,
                "admin",
            )
            if FAMILIES[family].is_witness:
                await self.accept(self.device(mount_id))
        await self.wait(1)
        item = SkuEntry(sku=SKU, name_en="Rice, 25 kg", name_zh="大米25公斤", unit_mass_g=23_500)
        await self.do(RegisterSkus(items=(item,)), self.keeper, "keeper")
        return self

    async def announce(self, pallets: int) -> Lot:
        """A delivery of one lot is announced."""
        self._trucks += 1
        truck = epc_from_giai(PREFIX, self._trucks)
        units = [self._unit() for _ in range(pallets)]
        answer = await self.do(
            AnnounceDelivery(
                site_id=self.site_id,
                owner_party_id=self.owner,
                lot_code=f"LOT-{self._trucks}",
                sku=SKU,
                vehicle=Vehicle(plate=f"TEST-{self._trucks}", epc_hex=truck),
                units=tuple(units),
            ),
            self.keeper,
            "operator",
        )
        first = self._slot - pallets
        return Lot(
            lot_id=answer.lot_id,
            delivery_id=answer.delivery_id,
            truck_epc=truck,
            vehicle_id=answer.vehicle_id,
            pallets=tuple(
                Pallet(unit_id=unit_id, sscc=unit.sscc, epc_hex=unit.epc_hex, slot=first + at)
                for at, (unit_id, unit) in enumerate(zip(answer.unit_ids, units, strict=True))
            ),
        )

    async def pickup_truck(self) -> tuple[str, str]:
        """An empty truck comes in for a pickup; its tag and its id."""
        self._trucks += 1
        truck = epc_from_giai(PREFIX, self._trucks)
        visit = RegisterVisit(site_id=self.site_id, plate=f"TEST-{self._trucks}", epc_hex=truck)
        answer = await self.do(visit, self.keeper, "operator")
        await self.drive_in(truck, ())
        return truck, answer.vehicle_id

    async def receive(self, pallets: int) -> Lot:
        """A truck brings a lot: announced, heard, weighed, put into slots, weighed empty, gone. It comes when
        what watches the gate has been there for a while, by any clock."""
        await self.wait(CLOCK_AHEAD_S + 1)
        lot = await self.announce(pallets)
        await self.drive_in(lot.truck_epc, lot.pallets)
        await self.put_down(lot.pallets)
        await self.drive_out(lot.truck_epc, (), TRUCK_G)
        return lot

    def _unit(self) -> DeliveryUnit:
        self._pallets += 1
        self._slot += 1
        sscc = make_sscc(PREFIX, 0, self._pallets)
        epc = epc_from_sscc(sscc, len(PREFIX))
        return DeliveryUnit(sscc=sscc, epc_hex=epc, quantity_each=EACH, expected_mass_g=PALLET_G)

    async def drive_in(self, truck: str, load: Sequence[Pallet]) -> None:
        """Heard outside, weighed, heard inside."""
        tags = [truck, *(pallet.epc_hex for pallet in load)]
        await self.hear(tags, antenna=1)
        await self.weigh(TRUCK_G + PALLET_G * len(load))
        await self.hear(tags, antenna=2)

    async def drive_out(self, truck: str, load: Sequence[Pallet], mass_g: int) -> None:
        """Heard inside, weighed, heard outside."""
        await self.wait(1_200)
        tags = [truck, *(pallet.epc_hex for pallet in load)]
        await self.hear(tags, antenna=2)
        await self.weigh(mass_g)
        await self.hear(tags, antenna=1)

    async def wait(self, seconds: int) -> None:
        """Time passes, and what watches the gate goes on saying that it is there."""
        for passed in range(0, seconds, ALIVE_S):
            self.clock.advance(min(ALIVE_S, seconds - passed))
            await self._say_alive()

    async def _say_alive(self) -> None:
        self._alive_at = self.clock.now()
        for mount_id in WATCHES:
            await self.observe(mount_id, DeviceStatus(state="online"))

    async def hear(self, epcs: Sequence[str], antenna: int) -> None:
        """The portal reads each tag four times, a second apart."""
        for _ in range(4):
            self.clock.advance(1)
            reads = [TagRead(epc_hex=epc, antenna=antenna, rssi_cdbm=-4_500) for epc in epcs]
            await self.observe("gate-1-reader", *reads)

    async def weigh(self, mass_g: int) -> None:
        self.clock.advance(10)
        number = self._sequences["weighbridge-1"] + 1
        await self.observe("weighbridge-1", MassReading(mass_g=mass_g, weight_id=number))
        self.clock.advance(5)

    async def put_down(self, pallets: Sequence[Pallet]) -> None:
        """The forklift takes each pallet at the dock and sets it down in its slot."""
        self.clock.advance(120)
        for pallet in pallets:
            for action in ("picked_up", "set_down"):
                self.clock.advance(30)
                await self.observe(
                    "forklift-1",
                    LoadChange(action=action, epc_hex=pallet.epc_hex, point=SLOTS[pallet.slot].centre),
                )

    async def move(self, mount_id: str, x_m: float, y_m: float, **changes: Any) -> None:
        """A forklift or a person tells where it is."""
        self.clock.advance(1)
        await self.observe(mount_id, PositionReading(point=Point(x_m, y_m, 0.0), **changes))

    async def turn_barrier(self, *, is_open: bool) -> None:
        self.clock.advance(1)
        state = BarrierState(is_open=is_open, is_closed=not is_open, loop_occupied=False)
        await self.observe("gate-1-barrier", state)

    async def observe(self, mount_id: str, *readings: AnyReading) -> None:
        """The device's readings go into the journal, and everything follows from there."""
        if (self.clock.now() - self._alive_at).total_seconds() > ALIVE_S:
            await self._say_alive()
        device_id = self.device(mount_id)
        observations = []
        for reading in readings:
            self._sequences[mount_id] += 1
            observations.append(
                Observation(
                    device_id=device_id,
                    boot=1,
                    sequence=self._sequences[mount_id],
                    observed_at=self.clock.now(),
                    reading=reading,
                )
            )
        async with self.database.write(Caller.product("edge")) as tx:
            acked = await record_observations(tx, self.site_id, observations)
            assert acked.rejected == ()
        await self.settle()
