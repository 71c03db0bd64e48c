"""What stands in the demonstration's racks on the first day, drawn from the seed: claims, until seen."""

from collections.abc import Sequence

import msgspec

from app.demo.accounts import OWNER
from kernel.gs1 import epc_from_sscc, make_sscc
from kernel.layout import Layout, Slot, all_slots
from kernel.rng import Rng
from simulators.world.actions import COMPANY_PREFIX
from simulators.world.state import Pallet

PALLETS = 2_000
LOTS = 60
OPENING_SERIAL = 10_000
OWNERS = (OWNER, "owner-b", "owner-c")
INBOUND_SKU = "CU-CATH-A"

GOODS: tuple[tuple[str, str, str, int], ...] = (
    (INBOUND_SKU, "Copper cathode, grade A", "A级阴极铜", 25_000),
    ("AL-INGOT-9970", "Aluminium ingot 99.70", "铝锭99.70", 15_000),
    ("ZN-INGOT-0", "Zinc ingot no. 0", "0号锌锭", 24_000),
    ("NR-SCRWF", "Natural rubber SCR WF", "全乳胶", 33_300),
    ("PE-LLD-7042", "Polyethylene LLDPE 7042", "聚乙烯7042", 25_000),
    ("PP-RAFFIA", "Polypropylene raffia", "聚丙烯拉丝", 25_000),
    ("COTTON-3128", "Cotton lint 3128B", "皮棉3128B", 22_700),
    ("SUGAR-1", "White sugar, first grade", "一级白砂糖", 50_000),
    ("RICE-JAPONICA", "Milled japonica rice", "粳米", 25_000),
    ("PULP-BSK", "Bleached softwood pulp", "漂白针叶浆", 25_000),
    ("SOY-PROTEIN", "Soy protein isolate", "大豆分离蛋白", 20_000),
    ("TIO2-R", "Titanium dioxide, rutile", "金红石型钛白粉", 25_000),
)
"""SKU, English and Chinese name, grams of one piece (ingot, bag, bale)."""


class OpeningPallet(msgspec.Struct, frozen=True, kw_only=True):
    """One pallet of the opening stock, in the shape of the API."""

    sscc: str
    epc_hex: str
    sku: str
    lot: str
    quantity_each: int
    mass_g: int
    slot_id: str
    owner_party_id: str


def kept_free(layout: Layout, count: int) -> list[Slot]:
    """The slots nearest to the dock, low first: they stay empty for what arrives during the demonstration."""
    dock = next(zone for zone in layout.zones if zone.kind == "dock")
    middle_x_m = sum(x for x, _ in dock.outline_mm) / len(dock.outline_mm) / 1000
    by_way = sorted(
        all_slots(layout), key=lambda slot: (slot.level, slot.centre.y_m + abs(slot.centre.x_m - middle_x_m))
    )
    return by_way[:count]


def opening_stock(layout: Layout, rng: Rng, pallets: int = PALLETS) -> list[OpeningPallet]:
    """`pallets` pallets in `LOTS` lots of several owners; the same seed gives the same stock."""
    free = {slot.slot_id for slot in kept_free(layout, 160)}
    slots = [slot for slot in all_slots(layout) if slot.slot_id not in free]
    rng.numpy.shuffle(slots)
    chosen = slots[:pallets]
    lots = [_lot(number, rng) for number in range(LOTS)]
    return [_pallet(serial, slot, lots[rng.integer(0, LOTS - 1)], rng) for serial, slot in enumerate(chosen)]


def _lot(number: int, rng: Rng) -> tuple[str, str, str, int]:
    sku, _, _, piece_g = GOODS[rng.integer(1, len(GOODS) - 1)]
    return f"OPEN-{number + 1:03d}", sku, OWNERS[number % len(OWNERS)], piece_g


def _pallet(serial: int, slot: Slot, lot: tuple[str, str, str, int], rng: Rng) -> OpeningPallet:
    code, sku, owner, piece_g = lot
    quantity = rng.integer(400_000 // piece_g, 950_000 // piece_g)
    return opening_pallet(serial, slot, code, sku, owner, quantity, quantity * piece_g + 22_000)


def opening_pallet(
    serial: int, slot: Slot, lot: str, sku: str, owner: str, quantity_each: int, mass_g: int
) -> OpeningPallet:
    """A labelled pallet in a slot; `serial` counts from 0 within the opening stock."""
    sscc = make_sscc(COMPANY_PREFIX, 3, OPENING_SERIAL + serial)
    return OpeningPallet(
        sscc=sscc,
        epc_hex=epc_from_sscc(sscc, len(COMPANY_PREFIX)),
        sku=sku,
        lot=lot,
        quantity_each=quantity_each,
        mass_g=mass_g,
        slot_id=slot.slot_id,
        owner_party_id=owner,
    )


def truth_of(stock: Sequence[OpeningPallet]) -> dict[str, Pallet]:
    """The same pallets as the world keeps them."""
    return {
        pallet.sscc: Pallet(
            sscc=pallet.sscc,
            epc_hex=pallet.epc_hex,
            mass_g=pallet.mass_g,
            place=f"slot:{pallet.slot_id}",
        )
        for pallet in stock
    }
