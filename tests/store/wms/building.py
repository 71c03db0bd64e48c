"""A warehouse on a real database, and plain names for what happens in it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from app.database import PgTx
from app.wiring import all_commands
from devices.messages import DeviceOrdered, EnrolDevice
from identity.messages import AddParty, PartyKind
from kernel.gs1 import epc_from_giai, epc_from_sscc, make_sscc
from kernel.layout import Layout, Mount
from kernel.messages import Command, Event
from twin.messages import ImportLayout, UnitCrossed, VehicleAtGate, VehicleLeft, VehicleWeighed
from wms.api import SUBSCRIBERS
from wms.messages import (
    AllocateOrder,
    AnnounceDelivery,
    DeclareOpeningStock,
    DeliveryResult,
    DeliveryUnit,
    OpeningRow,
    OrderLine,
    OrderResult,
    PlaceOrder,
    RecordScans,
    RegisterSkus,
    RegisterVisit,
    Scan,
    ScanResult,
    SkuEntry,
    Vehicle,
    VisitResult,
)

SITE = "site-demo"
KEEPER = "party-test"
OWNER = "owner-a"
PARTIES: dict[str, PartyKind] = {KEEPER: "keeper", OWNER: "owner", "owner-b": "owner", "bank-a": "bank"}
PDA_TOKEN = "the-token-of-a-handheld-for-tests"
GATE = "gate-1"
BRIDGE = "weighbridge-1"
SKU = "85123A"
PREFIX = "6901234"
PALLET_G = 600_000
TRUCK_G = 12_000_000
LAYOUT_FILE = Path(__file__).parents[3] / "simulators" / "scenarios" / "demo" / "layout.json"
HANDLERS = all_commands()

Sent = TypeVar("Sent", bound=Event)


def sscc(serial: int) -> str:
    return make_sscc(PREFIX, 0, serial)


def epc(serial: int) -> str:
    return epc_from_sscc(sscc(serial), len(PREFIX))


class Warehouse:
    """The demonstration site in one transaction: commands, events and scans by plain names."""

    def __init__(self, tx: PgTx, site_id: str = SITE) -> None:
        self.tx = tx
        self.site_id = site_id
        self.sequence = 0
        self._mass_g: dict[str, int | None] = {}
        """What each vehicle was last said to weigh on its way out."""

    async def do(self, command: Command, tx: PgTx | None = None) -> Any:
        """Carry out a command; in a savepoint, so that a refused one leaves nothing behind."""
        used = tx or self.tx
        async with used.savepoint():
            return await HANDLERS[type(command)](command, used)

    async def hear(self, *events: Event) -> None:
        """Hand events to the subscribers of wms, as the relay does."""
        for event in events:
            for subscriber in SUBSCRIBERS.get(type(event), []):
                await subscriber(event, self.tx)

    def sent(self, kind: type[Sent]) -> list[Sent]:
        """Events of a kind that were emitted so far."""
        return [event for event in self.tx.events if type(event) is kind]

    async def set_up(self) -> None:
        """Parties, layout, items and devices."""
        for party_id, kind in PARTIES.items():
            await self.do(AddParty(kind=kind, name=party_id, party_id=party_id))
        await self.set_up_site(KEEPER)

    async def set_up_site(self, keeper_party_id: str) -> None:
        """Layout, items and devices of a site whose parties are there."""
        layout = msgspec.json.decode(LAYOUT_FILE.read_bytes(), type=Layout)
        layout = msgspec.structs.replace(layout, site_id=self.site_id)
        await self.do(ImportLayout(layout=layout, keeper_party_id=keeper_party_id))
        await self.do(RegisterSkus(items=tuple(an_item(sku) for sku in (SKU, "71053", "22633"))))
        await self.do(
            EnrolDevice(
                site_id=self.site_id,
                device_id="gate-1-barrier",
                family="modbus_barrier",
                mount_id="gate-1-barrier",
                connection={"host": "127.0.0.1", "port": 502},
            )
        )
        await self.accept("gate-1-barrier")
        await self.do(
            EnrolDevice(
                site_id=self.site_id,
                device_id="gate-1-reader",
                family="llrp",
                mount_id="gate-1-reader",
                connection={"host": "127.0.0.1"},
            )
        )
        await self.accept("gate-1-reader")
        await self.do(
            EnrolDevice(
                site_id=self.site_id,
                device_id="weighbridge-1",
                family="modbus_weighbridge",
                mount_id="weighbridge-1",
                connection={"host": "127.0.0.1", "port": 502},
            )
        )
        await self.accept("weighbridge-1")
        await self.do(
            EnrolDevice(
                site_id=self.site_id, device_id="pda-1", family="pda", mount_id="pda-1", secret=PDA_TOKEN
            )
        )

    async def accept(self, device_id: str) -> None:
        """A party that did not enrol the device has accepted it."""
        await self.tx.run(
            """UPDATE devices.device
            SET accepted_at = %(now)s, accepted_by = 'officer', accepted_party_id = 'bank-a'
            WHERE device_id = %(device)s""",
            {"now": self.tx.now, "device": device_id},
        )

    async def add_to_layout(self, *mounts: Mount) -> None:
        """The site's layout gets further places for devices."""
        layout = msgspec.json.decode(LAYOUT_FILE.read_bytes(), type=Layout)
        layout = msgspec.structs.replace(layout, site_id=self.site_id, mounts=[*layout.mounts, *mounts])
        await self.do(ImportLayout(layout=layout, keeper_party_id=KEEPER))

    async def stock(self, count: int = 3, **changes: Any) -> list[str]:
        """Opening stock: `count` pallets of 100 pieces in A01; returns their units, in order of slots."""
        rows = tuple(an_opening_row(serial, **changes) for serial in range(1, count + 1))
        await self.do(DeclareOpeningStock(site_id=self.site_id, rows=rows))
        found = await self.tx.rows(
            "SELECT unit_id FROM wms.unit WHERE sscc = ANY(%(ssccs)s) ORDER BY sscc",
            {"ssccs": [row.sscc for row in rows]},
        )
        return [row["unit_id"] for row in found]

    async def lot_of(self, unit_id: str) -> str:
        return str(
            await self.tx.value("SELECT lot_id FROM wms.unit WHERE unit_id = %(unit)s", {"unit": unit_id})
        )

    async def order(self, quantity_each: int, reference: str = "order-1", **line: Any) -> OrderResult:
        lines = (OrderLine(sku=line.pop("sku", SKU), quantity_each=quantity_each, **line),)
        result = await self.do(
            PlaceOrder(
                site_id=self.site_id,
                reference=reference,
                customer="shop",
                owner_party_id=OWNER,
                lines=lines,
            )
        )
        assert isinstance(result, OrderResult)
        return result

    async def allocated(self, quantity_each: int, reference: str = "order-1", **line: Any) -> str:
        """An order, placed and allocated; its id."""
        order = await self.order(quantity_each, reference, **line)
        await self.do(AllocateOrder(order_id=order.order_id))
        return order.order_id

    async def scan(self, *codes: tuple[str, str | None], boot: int = 1) -> list[ScanResult]:
        """Scans of (code, place) by the next numbers of `pda-1`; their answers."""
        scans = []
        for code, place in codes:
            self.sequence += 1
            scans.append(Scan(sequence=self.sequence, observed_at=self.tx.now, code=code, place_code=place))
        return await self.scan_batch(scans, boot=boot)

    async def scan_batch(
        self, scans: Sequence[Scan], boot: int = 1, tx: PgTx | None = None
    ) -> list[ScanResult]:
        command = RecordScans(site_id=self.site_id, device_id="pda-1", boot=boot, scans=tuple(scans))
        return list((await self.do(command, tx)).results)

    async def pick(self, order_id: str) -> list[ScanResult]:
        """Scan every open pick of an order."""
        tasks = await self.tx.rows(
            """SELECT t.task_id, u.sscc FROM wms.task t JOIN wms.unit u USING (unit_id)
            WHERE t.order_id = %(order)s AND t.state = 'open' ORDER BY t.task_id""",
            {"order": order_id},
        )
        scans = []
        for row in tasks:
            self.sequence += 1
            scan = Scan(
                sequence=self.sequence, observed_at=self.tx.now, code=row["sscc"], task_id=row["task_id"]
            )
            scans.append(scan)
        return await self.scan_batch(scans)

    async def ready(self, quantity_each: int, reference: str = "order-1", **line: Any) -> str:
        """An order of which everything is picked; its id."""
        order_id = await self.allocated(quantity_each, reference, **line)
        await self.pick(order_id)
        return order_id

    async def state_of(self, order_id: str) -> str:
        sql = "SELECT state FROM wms.outbound_order WHERE order_id = %(order)s"
        return str(await self.tx.value(sql, {"order": order_id}))

    async def announce(self, count: int = 3, serial: int = 5001, **changes: Any) -> DeliveryResult:
        """A delivery of `count` pallets of lot L2 on truck A."""
        units = tuple(
            DeliveryUnit(
                sscc=sscc(serial + index),
                epc_hex=epc(serial + index),
                quantity_each=100,
                expected_mass_g=PALLET_G,
            )
            for index in range(count)
        )
        notice: dict[str, Any] = {
            "site_id": self.site_id,
            "owner_party_id": OWNER,
            "lot_code": "L2",
            "sku": SKU,
            "vehicle": truck("A"),
            "units": units,
        }
        result = await self.do(AnnounceDelivery(**{**notice, **changes}))
        assert isinstance(result, DeliveryResult)
        return result

    async def visit(self, letter: str = "B") -> VisitResult:
        vehicle = truck(letter)
        result = await self.do(
            RegisterVisit(site_id=self.site_id, plate=vehicle.plate, epc_hex=vehicle.epc_hex)
        )
        assert isinstance(result, VisitResult)
        return result

    async def inside(self, letter: str = "B") -> str:
        """A pickup vehicle, expected, let in and weighed empty; its id."""
        visit = await self.visit(letter)
        await self.hear(self.at_gate(visit.vehicle_id, "in"), self.weighed(visit.vehicle_id, TRUCK_G, "in"))
        return visit.vehicle_id

    def at_gate(self, vehicle_id: str, direction: str, *unit_ids: str, **changes: Any) -> VehicleAtGate:
        event: dict[str, Any] = {
            "site_id": self.site_id,
            "gate_id": GATE,
            "vehicle_id": vehicle_id,
            "direction": direction,
            "unit_ids": list(unit_ids),
            "unknown_epcs": [],
            "mass_g": None,
            "weight_id": None,
            "at": self.tx.now,
            "evidence_ids": ["gate-1-reader:1:1"],
        }
        if direction == "out":
            self._mass_g[vehicle_id] = changes.get("mass_g")
        return VehicleAtGate(**{**event, **changes})

    def weighed(self, vehicle_id: str, mass_g: int, direction: str) -> VehicleWeighed:
        return VehicleWeighed(
            site_id=self.site_id,
            weighbridge_id=BRIDGE,
            vehicle_id=vehicle_id,
            mass_g=mass_g,
            weight_id=1,
            weighed_at=self.tx.now,
            evidence_ids=["weighbridge-1:1:1"],
            direction=direction,  # type: ignore[arg-type]
        )

    def crossed(self, unit_id: str, direction: str = "in") -> UnitCrossed:
        return UnitCrossed(
            site_id=self.site_id,
            gate_id=GATE,
            unit_id=unit_id,
            epc_hex="31" + "0" * 22,
            direction=direction,  # type: ignore[arg-type]
            crossed_at=self.tx.now,
            evidence_ids=["gate-1-reader:1:2"],
        )

    def left(self, vehicle_id: str, *unit_ids: str, mass_g: int | None = None) -> VehicleLeft:
        """It left with what it was last said to weigh on its way out, unless `mass_g` says another."""
        return VehicleLeft(
            site_id=self.site_id,
            gate_id=GATE,
            vehicle_id=vehicle_id,
            left_at=self.tx.now,
            unit_ids=list(unit_ids),
            mass_g=mass_g or self._mass_g.get(vehicle_id),
            weight_id=None,
            evidence_ids=["gate-1-reader:1:3"],
        )

    async def orders_to_barrier(self) -> list[str]:
        """What the barrier was told, in order."""
        kept = await self.tx.value("SELECT count(*) FROM devices.command")
        sent = [event.action for event in self.sent(DeviceOrdered)]
        assert kept == len(sent)
        return [str(action) for action in sent]

    async def gate_reasons(self) -> list[tuple[bool, str]]:
        sql = "SELECT opened, reason_key FROM wms.gate_decision ORDER BY decision_no"
        return [(row["opened"], row["reason_key"]) for row in await self.tx.rows(sql)]


def an_item(sku: str) -> SkuEntry:
    return SkuEntry(sku=sku, name_en=f"Item {sku}", name_zh=f"商品 {sku}", unit_mass_g=6_000)


def an_opening_row(serial: int, **changes: Any) -> OpeningRow:
    row: dict[str, Any] = {
        "sscc": sscc(serial),
        "epc_hex": epc(serial),
        "sku": SKU,
        "lot": "L1",
        "quantity_each": 100,
        "mass_g": PALLET_G,
        "slot_id": f"A01-{(serial - 1) // 4 + 1:02d}-{(serial - 1) % 4 + 1}",
        "owner_party_id": OWNER,
    }
    return OpeningRow(**{**row, **changes})


def truck(letter: str) -> Vehicle:
    return Vehicle(plate=f"赣G{letter}0001", epc_hex=epc_from_giai(PREFIX, ord(letter)))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
