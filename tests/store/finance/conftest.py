"""A small world for finance: a warehouse where goods really arrive, seen by a reader, a weighbridge and a
forklift, with a keeper, two owners and two banks. Observations are folded by the twin itself."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row

import twin.api
from app.database import PgTx
from app.wiring import all_commands, all_subscribers
from devices.messages import AcceptDevice, EnrolDevice, InviteInspector
from finance.messages import ApprovePrice, IssueReceipt, OpenFacility, PledgeReceipt, SetPrice
from identity.api import grant_access
from identity.messages import AddParty
from identity.parties.handlers import add_party
from kernel.caller import Caller, Role
from kernel.clock import ManualClock
from kernel.errors import TallyhouseError
from kernel.gs1 import epc_from_giai, epc_from_sscc, make_sscc
from kernel.ids import Ids
from kernel.layout import Layout, all_slots
from kernel.messages import (
    AnyReading,
    Command,
    DevicePlaced,
    Envelope,
    LoadChange,
    MassReading,
    Observation,
    TagRead,
)
from twin.messages import ImportLayout, VerifiedStock
from wms.messages import AnnounceDelivery, DeliveryUnit, RegisterSkus, RegisterVisit, SkuEntry, Vehicle

KEEPER, OWNER, OTHER_OWNER, BANK, OTHER_BANK = "keeper-k", "owner-o", "owner-p", "bank-a", "bank-b"
UNINVITED_BANK = "bank-c"
PARTIES = {
    KEEPER: "keeper",
    OWNER: "owner",
    OTHER_OWNER: "owner",
    BANK: "bank",
    OTHER_BANK: "bank",
    UNINVITED_BANK: "bank",
}
SKU = "RICE-25"
PREFIX = "6901234"
PALLET_G = 1_000_000
TRUCK_G = 9_000_000
EACH = 40
PIECE_G = 24_000
"""What is left of a pallet's mass without its wood and bags: more than the scale may be wrong by."""
ROOT = Path(__file__).parents[3]
DEMO = msgspec.json.decode(
    (ROOT / "simulators" / "scenarios" / "demo" / "layout.json").read_bytes(), type=Layout
)
LAYOUT = msgspec.structs.replace(DEMO, racks=DEMO.racks[:2])
"""The demonstration site with two of its racks: enough slots, and quick to import."""
SLOTS = all_slots(LAYOUT)
DEVICES = {
    "gate-1-reader": "llrp",
    "gate-1-barrier": "modbus_barrier",
    "weighbridge-1": "modbus_weighbridge",
    "forklift-1": "mqtt_position",
}
CONNECTIONS: dict[str, dict[str, Any]] = {
    "gate-1-reader": {"host": "127.0.0.1"},
    "gate-1-barrier": {"host": "127.0.0.1", "port": 502},
    "weighbridge-1": {"host": "127.0.0.1", "port": 502},
    "forklift-1": {},
}
ALIVE = """
    INSERT INTO devices.device_state AS d (device_id, site_id, state, state_at, last_seen_at, clock_skew_ms,
        skew_since, heard)
    SELECT device_id, site_id, 'online', %(now)s, %(now)s, 0, %(now)s, tstzmultirange(tstzrange(
        CASE WHEN device_id = ANY (%(were_silent)s) THEN %(now)s ELSE %(before)s END,
        %(now)s::timestamptz + interval '15 minutes'))
    FROM devices.device WHERE NOT device_id = ANY (%(silent)s)
    ON CONFLICT (device_id) DO UPDATE SET last_seen_at = EXCLUDED.last_seen_at,
        heard = d.heard + EXCLUDED.heard"""
SECRET = "the-credential-of-a-device-for-tests"


class Pallet(msgspec.Struct, frozen=True, kw_only=True):
    unit_id: str
    epc_hex: str
    slot: int


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """A lot that came on one truck."""

    lot_id: str
    pallets: tuple[Pallet, ...]

    @property
    def unit_ids(self) -> tuple[str, ...]:
        return tuple(pallet.unit_id for pallet in self.pallets)


class Story:
    """Does commands as parties, and lets devices see what happens at the gate and in the hall."""

    site_id = LAYOUT.site_id
    prefix = ""
    """Before the name of its mount, a device's id."""

    def __init__(self, tx: PgTx, clock: ManualClock, after: "Story | None" = None) -> None:
        """`after` is a story whose rows are there already: devices go on numbering where they were."""
        self.tx = tx
        self.clock = clock
        self._handlers = all_commands()
        self._subscribers = all_subscribers()
        self._sequences = dict(after._sequences) if after else dict.fromkeys(DEVICES, 0)
        self._position = after._position if after else 0
        self.silent: set[str] = set()
        """Devices that nothing is heard of any more."""
        self.unaccepted: set[str] = set()
        """Devices that nobody has accepted at the moment."""
        self._alive_at = clock.now()
        self._were_silent: set[str] = set()
        self._pallets = 0
        self._trucks = 0

    # --- people and programs ---------------------------------------------------------------------

    async def as_(self, party_id: str, person_id: str, *roles: Role) -> PgTx:
        """The one transaction, in the hands of another person, at the clock's time."""
        caller = Caller(person_id=person_id, party_id=party_id, roles=frozenset(roles))
        tx = PgTx(self.tx.connection, caller, self.clock.now(), self.tx.ids)
        await tx.begin_as("tallyhouse_command")
        return tx

    async def do(self, command: Command, party_id: str, person_id: str = "") -> Any:
        """One command in a savepoint, then everybody who listens is told. Errors undo the command."""
        tx = await self.as_(party_id, person_id or f"person-of-{party_id}")
        await self._say_alive()
        async with tx.savepoint():
            answer = await self._handlers[type(command)](command, tx)
            await tx.run("SET CONSTRAINTS ALL IMMEDIATE")
            await tx.run("SET CONSTRAINTS ALL DEFERRED")
        await self._tell(tx)
        return answer

    async def _say_alive(self) -> None:
        """Devices that are not `silent` were heard until now, without a pause; the ingest that keeps this is
        not here."""
        moments = {"now": self.clock.now(), "before": self._alive_at}
        silent = {"silent": sorted(self.silent), "were_silent": sorted(self._were_silent)}
        await self.tx.run(ALIVE, {**moments, **silent})
        self._alive_at, self._were_silent = self.clock.now(), set(self.silent)

    async def read(self, party_id: str, view: Callable[[PgTx], Awaitable[Any]], *roles: Role) -> Any:
        """Call a view as a party's people see it, and go back to writing."""
        caller = Caller(person_id=f"person-of-{party_id}", party_id=party_id, roles=frozenset(roles))
        read = PgTx(self.tx.connection, caller, self.clock.now(), self.tx.ids)
        await read.begin_as("tallyhouse_read")
        try:
            return await view(read)
        finally:
            await self.tx.begin_as("tallyhouse_command")

    async def _tell(self, tx: PgTx) -> None:
        """Hand each event to its subscribers, as the relay would, until nothing new is said."""
        work = await self.as_("product", "product:work")
        work.events = tx.events
        while work.events:
            event = work.events.pop(0)
            for handler in self._subscribers.get(type(event), []):
                await handler(event, work)

    async def tell(self, *events: Any) -> None:
        """Say something that happened elsewhere."""
        work = await self.as_("product", "product:work")
        work.events = list(events)
        await self._tell(work)

    # --- the yard --------------------------------------------------------------------------------

    async def build(self) -> None:
        """Parties, layout, devices, the item; the keeper keeps the site."""
        for party_id, kind in PARTIES.items():
            await add_party(AddParty(kind=kind, name=party_id.title(), party_id=party_id), self.tx)
        await self.do(ImportLayout(layout=LAYOUT, keeper_party_id=KEEPER), KEEPER)
        await grant_access(self.tx, KEEPER, self.site_id, cause="keeps the site")
        for bank in (BANK, OTHER_BANK):
            await self.do(InviteInspector(site_id=self.site_id, party_id=bank), KEEPER)
        for device_id in DEVICES:
            await self.enrol(device_id)
            for bank in (BANK, OTHER_BANK):
                await self.accept(device_id, bank)
        item = SkuEntry(sku=SKU, name_en="Rice, 25 kg", name_zh="大米25公斤", unit_mass_g=PIECE_G)
        await self.do(RegisterSkus(items=(item,)), KEEPER)

    async def enrol(self, device_id: str) -> None:
        """The keeper enrols a device on its mount; the one that is there, anew."""
        await self.do(
            EnrolDevice(
                site_id=self.site_id,
                device_id=device_id,
                family=DEVICES[device_id],
                mount_id=device_id,
                connection=CONNECTIONS[device_id],
                secret=SECRET,
            ),
            KEEPER,
        )

    async def accept(self, device_id: str, bank: str = BANK) -> Any:
        """An officer of a bank accepts the device as it is enrolled now."""
        enrolment = await self.tx.value(
            "SELECT enrolment FROM devices.device WHERE device_id = %(device_id)s", {"device_id": device_id}
        )
        return await self.do(AcceptDevice(device_id=device_id, enrolment=enrolment, secret=SECRET), bank)

    async def receive(
        self,
        pallets: int = 12,
        *,
        owner: str = OWNER,
        seen: int | None = None,
        weighed: bool = True,
        pallet_g: int = PALLET_G,
    ) -> Lot:
        """A truck brings a lot: announced, heard at the gate, weighed full, put into slots, weighed empty.

        `seen` is how many of the pallets announced really are on the truck (all when None), `pallet_g` what
        each really weighs.
        """
        self._trucks += 1
        truck = epc_from_giai(PREFIX, self._trucks)
        units = [self._announced() for _ in range(pallets)]
        answer = await self.do(
            AnnounceDelivery(
                site_id=self.site_id,
                owner_party_id=owner,
                lot_code=f"LOT-{self._trucks}",
                sku=SKU,
                vehicle=Vehicle(plate=f"赣A{self._trucks:05d}", epc_hex=truck),
                units=tuple(units),
            ),
            KEEPER,
        )
        first_slot = self._pallets - pallets
        lot = Lot(
            lot_id=answer.lot_id,
            pallets=tuple(
                Pallet(unit_id=unit_id, epc_hex=unit.epc_hex, slot=first_slot + index)
                for index, (unit_id, unit) in enumerate(zip(answer.unit_ids, units, strict=True))
            ),
        )
        there = lot.pallets[: pallets if seen is None else seen]
        await self.drive_in(truck, there, pallet_g if weighed else None)
        await self.put_down(there)
        await self.drive_out(truck, (), TRUCK_G if weighed else None)
        return lot

    def _announced(self) -> DeliveryUnit:
        self._pallets += 1
        sscc = make_sscc(PREFIX, 0, self._pallets)
        return DeliveryUnit(
            sscc=sscc,
            epc_hex=epc_from_sscc(sscc, len(PREFIX)),
            quantity_each=EACH,
            expected_mass_g=PALLET_G,
        )

    async def visit(self) -> str:
        """An empty truck comes to fetch something; returns its tag."""
        truck = await self.expected()
        await self.drive_in(truck, ())
        return truck

    async def expected(self) -> str:
        """A truck is announced that will fetch something; returns its tag."""
        self._trucks += 1
        truck = epc_from_giai(PREFIX, self._trucks)
        plate = f"赣A{self._trucks:05d}"
        command = RegisterVisit(site_id=self.site_id, plate=plate, epc_hex=truck, purpose="pickup")
        await self.do(command, KEEPER)
        return truck

    async def drive_in(self, truck: str, load: tuple[Pallet, ...], pallet_g: int | None = PALLET_G) -> None:
        """Heard outside, weighed (unless `pallet_g` is None), heard inside."""
        tags = [truck, *(pallet.epc_hex for pallet in load)]
        await self.hear(tags, antenna=1)
        if pallet_g is not None:
            await self.weigh(TRUCK_G + pallet_g * len(load))
        await self.hear(tags, antenna=2)

    async def drive_out(self, truck: str, load: tuple[Pallet, ...], mass_g: int | None) -> None:
        """Heard inside, weighed, heard outside."""
        self.clock.advance(1200)
        tags = [truck, *(pallet.epc_hex for pallet in load)]
        await self.hear(tags, antenna=2)
        if mass_g is not None:
            await self.weigh(mass_g)
        await self.hear(tags, antenna=1)

    async def hear(self, epcs: list[str], antenna: int) -> None:
        """The portal reads each tag four times, a second apart."""
        reads = [TagRead(epc_hex=epc, antenna=antenna, rssi_cdbm=-4_500) for epc in epcs]
        await self.observe("gate-1-reader", [(second, read) for second in range(1, 5) for read in reads])

    async def weigh(self, mass_g: int) -> None:
        number = self._sequences["weighbridge-1"] + 1
        ticket = MassReading(mass_g=mass_g, weight_id=number, legal_for_trade=True)
        await self.observe("weighbridge-1", [(10, ticket)])
        self.clock.advance(5)

    async def put_down(self, pallets: tuple[Pallet, ...]) -> None:
        """The forklift takes each pallet and sets it down in its slot, half a minute each way."""
        changes: list[tuple[float, AnyReading]] = []
        for nth, pallet in enumerate(pallets):
            point = SLOTS[pallet.slot].centre
            lifted = LoadChange(action="picked_up", epc_hex=pallet.epc_hex, point=point)
            put = LoadChange(action="set_down", epc_hex=pallet.epc_hex, point=point)
            changes += [(120 + 60 * nth, lifted), (150 + 60 * nth, put)]
        await self.observe("forklift-1", changes)

    async def observe(self, device_id: str, readings: list[tuple[float, AnyReading]]) -> None:
        """A device sees things so many seconds from now; the twin folds them in one batch when the last
        has happened, and everybody is told what follows."""
        start = self.clock.now()
        self.clock.advance(max((after for after, _ in readings), default=0))
        observations = [
            Observation(
                device_id=self.prefix + device_id,
                boot=1,
                sequence=self._sequences[device_id] + nth,
                observed_at=start + timedelta(seconds=after),
                reading=reading,
            )
            for nth, (after, reading) in enumerate(readings, start=1)
        ]
        self._sequences[device_id] += len(observations)
        fold = await self.as_("product", "product:fold")
        await twin.api.apply(fold, [self._envelope(observation) for observation in observations])
        await self._tell(fold)

    async def tell_late(self, start: datetime, told: list[tuple[str, float, AnyReading]]) -> None:
        """What devices saw so many seconds after `start` comes in now, all at once."""
        observations = []
        for device_id, after, reading in told:
            self._sequences[device_id] += 1
            observations.append(
                Observation(
                    device_id=self.prefix + device_id,
                    boot=1,
                    sequence=self._sequences[device_id],
                    observed_at=start + timedelta(seconds=after),
                    reading=reading,
                )
            )
        fold = await self.as_("product", "product:fold")
        await twin.api.apply(fold, [self._envelope(observation) for observation in observations])
        await self._tell(fold)

    def _envelope(self, observation: Observation) -> Envelope:
        self._position += 1
        return Envelope(
            site_id=self.site_id,
            position=self._position,
            observation=observation,
            received_at=self.clock.now(),
            recorded_at=self.clock.now(),
            is_accepted=observation.device_id not in self.unaccepted,
        )

    def sequence_of(self, device_id: str) -> int:
        """The number of the device's last reading."""
        return self._sequences[device_id]

    async def verified(self, lot: Lot) -> VerifiedStock:
        return await twin.api.verified_stock(self.tx, lot.lot_id)

    # --- the bank --------------------------------------------------------------------------------

    async def facility(self, *, limit_fen: int = 10_000_000, bank: str = BANK, owner: str = OWNER) -> str:
        """An open line with a price for the goods: 12 345 fen a piece."""
        answer = await self.do(
            OpenFacility(borrower_party_id=owner, site_id=self.site_id, limit_fen=limit_fen, rate="0.0435"),
            bank,
        )
        await self.price(12_345, bank)
        return str(answer.facility_id)

    async def price(self, price_fen_each: int, bank: str = BANK) -> None:
        """A price in force: stated by one person and, where it needs it, approved by another."""
        price = SetPrice(
            sku=SKU, price_fen_each=price_fen_each, source="Exchange", quoted_at=self.clock.now()
        )
        stated = await self.do(price, bank, f"officer-of-{bank}")
        if stated.state == "proposed":
            await self.do(ApprovePrice(price_id=stated.price_id), bank, f"approver-of-{bank}")

    async def receipt(self, lot: Lot, unit_ids: tuple[str, ...] | None = None, **changed: Any) -> str:
        """The keeper issues; returns the receipt's id."""
        return str((await self.do(self.issue(lot, unit_ids, **changed), KEEPER)).receipt_id)

    def issue(self, lot: Lot, unit_ids: tuple[str, ...] | None = None, **changed: Any) -> IssueReceipt:
        terms: dict[str, Any] = {
            "lot_id": lot.lot_id,
            "depositor_party_id": OWNER,
            "storage_until": (self.clock.now() + timedelta(days=180)).date(),
            "loss_standard": "0.1 %",
            "insurance": "All risks",
            "fee_terms": "0.50 CNY per tonne and day",
            "unit_ids": unit_ids,
        }
        return IssueReceipt(**{**terms, **changed})

    async def pledged(self, lot: Lot, facility_id: str) -> str:
        """A receipt on the whole lot, pledged to the facility; returns the receipt's id."""
        receipt_id = await self.receipt(lot)
        await self.do(PledgeReceipt(receipt_id=receipt_id, facility_id=facility_id), OWNER)
        return receipt_id


class World:
    """A database of its own where things are committed, for what only shows between connections."""

    def __init__(self, dsn: str, story: Story) -> None:
        self.dsn = dsn
        self.story = story

    async def commit(self) -> None:
        await self.story.tx.connection.commit()
        await self.story.tx.begin_as("tallyhouse_command")

    async def attempt(self, command: Command, party_id: str, person_id: str) -> Any:
        """One command on a connection of its own, committed; the error when it was refused."""
        caller = Caller(person_id=person_id, party_id=party_id, roles=frozenset())
        clock = self.story.clock
        ids = Ids.unguessable(clock)
        async with await psycopg.AsyncConnection.connect(self.dsn, row_factory=dict_row) as connection:
            tx = PgTx(connection, caller, clock.now(), ids)
            try:
                await tx.begin_as("tallyhouse_command")
                answer = await all_commands()[type(command)](command, tx)
                await connection.commit()
            except TallyhouseError as refused:
                await connection.rollback()
                return refused
            return answer


@pytest.fixture
async def world(database_server: Any, clock: ManualClock, ids: Ids) -> AsyncIterator[World]:
    """The warehouse stands in a database that is dropped at the end."""
    async with (
        database_server.copy() as server,
        await psycopg.AsyncConnection.connect(server.app_dsn, row_factory=dict_row) as connection,
    ):
        tx = PgTx(connection, Caller.product("test"), clock.now(), ids)
        await tx.begin_as("tallyhouse_command")
        story = Story(tx, clock)
        await story.build()
        yield World(server.app_dsn, story)


class SecondSite(Story):
    """Another warehouse of the same keeper, laid out alike, in the same database."""

    site_id = "site-two"
    prefix = "second-"

    async def build(self) -> None:
        layout = msgspec.structs.replace(LAYOUT, site_id=self.site_id)
        await self.do(ImportLayout(layout=layout, keeper_party_id=KEEPER), KEEPER)
        for mount_id, family in DEVICES.items():
            placed = DevicePlaced(
                site_id=self.site_id,
                device_id=self.prefix + mount_id,
                family=family,
                mount_id=mount_id,
                placed_at=self.clock.now(),
            )
            await self.tell(placed)


@pytest.fixture
async def story(tx: PgTx, clock: ManualClock) -> Story:
    """The warehouse stands, nothing has arrived yet."""
    opened = Story(tx, clock)
    await opened.build()
    return opened
