"""A day of real orders as the outbound flow: a sales file in, allocation, picks by scans, vans at the gate.

The file has the columns of the UCI "Online Retail" set: InvoiceNo, StockCode, Description, Quantity,
InvoiceDate, UnitPrice, CustomerID, Country. Nothing is cleaned here: what the rows are worth is for the
product's own review to say.
"""

import csv
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from app.demo.gate import told_to_open
from app.demo.stage import NotHeld, Stage
from app.demo.stock import OpeningPallet, kept_free, opening_pallet
from kernel.gs1 import epc_from_giai, make_sscc
from kernel.layout import Layout, all_slots
from kernel.rng import Rng
from simulators.world import actions
from simulators.world.state import Pallet

FILE_ZONE = ZoneInfo("Europe/London")
"""The sales of the set are a British shop's; its times carry no zone."""
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID")
OWNER = "owner-b"
INVOICES_A_REQUEST = 100
ORDERS_A_REQUEST = 500
SCANS_AT_ONCE = 400
VANS, FIRST_VAN_NUMBER, BAY = 4, 10, 3
PIECES_ON_PALLET = (300, 2_400)
PIECE_G = (40, 900)
WRAP_G = 22_000
"""Wood and wrap of a pallet."""
PARCEL_SERIAL = 900_000


class SalesRow(NamedTuple):
    """One row of the file as it stands there; `number` counts from 1."""

    number: int
    invoice: str
    sku: str
    description: str
    quantity_each: int
    placed_at: datetime
    price_milli: int
    customer: str


class OrdersDay(msgspec.Struct, frozen=True, kw_only=True):
    """A file read for the demonstration: its rows, the items to enter, the stock to begin with."""

    source: str
    rows: list[SalesRow]
    items: list[tuple[str, str, str, int]]
    stock: list[OpeningPallet]


def read_day(path: Path, layout: Layout, rng: Rng, pallets: int) -> OrdersDay:
    """Read the file and draw a warehouse that sells its items; raises ValueError naming row and column."""
    rows = read_rows(path)
    items = _items(rows, rng.child("items"))
    return OrdersDay(
        source=path.name, rows=rows, items=items, stock=_stock(items, layout, rng.child("pallets"), pallets)
    )


def read_rows(path: Path) -> list[SalesRow]:
    """Every row of the file, in order. Raises ValueError naming row and column when one cannot be read."""
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        reader = csv.DictReader(file)
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
        if missing:
            raise ValueError(f"no column {', '.join(missing)}; the columns are {', '.join(COLUMNS)}")
        rows = [_row(number, row) for number, row in enumerate(reader, start=1)]
    if not any(row.sku[:5].isdecimal() for row in rows):
        raise ValueError("no row names an item that could be sold (a StockCode of five digits or more)")
    return rows


def _row(number: int, row: dict[str, str]) -> SalesRow:
    column = ""
    try:
        column = "Quantity"
        quantity = int(row[column])
        column = "InvoiceDate"
        placed_at = datetime.strptime(row[column], "%m-%d-%Y %H:%M").replace(tzinfo=FILE_ZONE)
        column = "UnitPrice"
        price_milli = int((Decimal(row[column]) * 1000).to_integral_value())
    except (KeyError, ValueError, ArithmeticError) as error:
        raise ValueError(f"row {number}, column {column}: {row.get(column)!r} cannot be read") from error
    return SalesRow(
        number=number,
        invoice=row["InvoiceNo"].strip(),
        sku=row["StockCode"].strip().upper(),
        description=row["Description"].strip(),
        quantity_each=quantity,
        placed_at=placed_at,
        price_milli=price_milli,
        customer=row["CustomerID"].strip(),
    )


def _items(rows: Sequence[SalesRow], rng: Rng) -> list[tuple[str, str, str, int]]:
    """The catalogue of a shop that sells goods: every code that begins with five digits."""
    named: dict[str, str] = {}
    for row in rows:
        if row.sku[:5].isdecimal() and len(row.sku) >= 5 and row.description:
            named.setdefault(row.sku, row.description.capitalize())
    return [(sku, name, name, rng.integer(*PIECE_G)) for sku, name in sorted(named.items())]


def _stock(
    items: Sequence[tuple[str, str, str, int]], layout: Layout, rng: Rng, pallets: int
) -> list[OpeningPallet]:
    """One pallet of each item as far as the slots go: some orders will find too little, as on any day."""
    free = {slot.slot_id for slot in kept_free(layout, 160)}
    slots = [slot for slot in all_slots(layout) if slot.slot_id not in free]
    rng.numpy.shuffle(slots)
    stocked = items[:pallets]
    again = [items[rng.integer(0, len(items) - 1)] for _ in range(pallets - len(stocked))]
    found = []
    for serial, (item, slot) in enumerate(zip([*stocked, *again], slots, strict=False)):
        sku, _, _, piece_g = item
        pieces = rng.integer(*PIECES_ON_PALLET)
        found.append(
            opening_pallet(serial, slot, f"SHOP-{sku}", sku, OWNER, pieces, pieces * piece_g + WRAP_G)
        )
    return found


# --- the day -------------------------------------------------------------------------------------


async def run_orders_day(stage: Stage, day: OrdersDay) -> dict[str, Any]:
    """Import, allocate, pick, ship; returns the counts, which have to add up to the rows of the file."""
    order_ids = await _import(stage, day)
    await _allocate(stage, order_ids)
    picked = await _pick(stage, day)
    shipped = await _ship(stage)
    summary = await stage.people.operator.get(f"{stage.path}/order-imports/{day.source}/summary")
    refused = await stage.people.operator.items(f"{stage.path}/order-imports/{day.source}/refused")
    _must_add_up(day, summary, refused)
    _say_summary(stage, summary)
    return {**summary, "picks": picked, "orders_shipped": shipped, "rows_listed_as_refused": len(refused)}


async def _import(stage: Stage, day: OrdersDay) -> list[str]:
    by_invoice: dict[str, list[SalesRow]] = {}
    for row in day.rows:
        by_invoice.setdefault(row.invoice, []).append(row)
    invoices = [_invoice(reference, rows) for reference, rows in by_invoice.items()]
    order_ids: list[str] = []
    for start in range(0, len(invoices), INVOICES_A_REQUEST):
        body = {
            "source": day.source,
            "owner_party_id": OWNER,
            "invoices": invoices[start : start + INVOICES_A_REQUEST],
        }
        answer = await stage.people.operator.post(f"{stage.path}/order-imports", body)
        order_ids += answer["order_ids"]
        stage.say(f"  {min(start + INVOICES_A_REQUEST, len(invoices))} of {len(invoices)} invoices entered")
    return order_ids


def _invoice(reference: str, rows: Sequence[SalesRow]) -> dict[str, Any]:
    return {
        "reference": reference,
        "customer": rows[0].customer,
        "placed_at": rows[0].placed_at.isoformat(),
        "rows": [
            {
                "row_number": row.number,
                "sku": row.sku,
                "quantity_each": row.quantity_each,
                "description": row.description,
                "price_milli": row.price_milli,
            }
            for row in rows
        ],
    }


async def _allocate(stage: Stage, order_ids: Sequence[str]) -> None:
    for start in range(0, len(order_ids), ORDERS_A_REQUEST):
        part = list(order_ids[start : start + ORDERS_A_REQUEST])
        await stage.people.operator.post(f"{stage.path}/allocations", {"order_ids": part})
    stage.say(f"  {len(order_ids)} orders allocated as far as the stock goes")


async def _pick(stage: Stage, day: OrdersDay) -> int:
    """Confirm every open pick with a scan of pallet and slot; returns how many."""
    tasks = [
        task
        for task in await stage.people.operator.items(f"{stage.path}/tasks", state="open")
        if task["kind"] == "pick"
    ]
    stage.made.whole_pallets = _whole_pallets(tasks, day)
    for start in range(0, len(tasks), SCANS_AT_ONCE):
        part = tasks[start : start + SCANS_AT_ONCE]
        answers = [
            stage.handheld.queue(task["sscc"], task["from_place"], task_id=task["task_id"]) for task in part
        ]
        for answer in answers:
            result = await answer
            if result["outcome"] != "done":
                raise NotHeld(f"a pick was not taken: {result}")
        stage.say(f"  {start + len(part)} of {len(tasks)} picks confirmed by scans")
    return len(tasks)


def _whole_pallets(tasks: Sequence[dict[str, Any]], day: OrdersDay) -> dict[str, list[str]]:
    """By order, the pallets that one pick empties: these go out themselves, with their wood and tag."""
    full = {pallet.sscc: pallet.quantity_each for pallet in day.stock}
    found: dict[str, list[str]] = {}
    for task in tasks:
        if task["quantity_each"] == full[task["sscc"]]:
            found.setdefault(task["order_id"], []).append(task["sscc"])
    return found


async def _ship(stage: Stage) -> int:
    """Vans come, take what is ready, and leave through the gate on releases; returns the orders shipped."""
    orders = await stage.people.operator.items(f"{stage.path}/orders", state="ready")
    ready = [order for order in orders if order["source"]]
    shipped = 0
    for number in range(VANS):
        load = ready[number::VANS]
        if load:
            await _send_van(stage, number, load)
            shipped += len(load)
            stage.say(f"  {shipped} of {len(ready)} orders left through the gate")
    return shipped


async def _send_van(stage: Stage, number: int, orders: Sequence[dict[str, Any]]) -> None:
    van, tag = f"van-{number + 1}", FIRST_VAN_NUMBER + number
    visit = await stage.people.operator.post(
        f"{stage.path}/visits",
        {
            "plate": f"VAN-{tag:04d}",
            "epc_hex": epc_from_giai(actions.COMPANY_PREFIX, tag),
            "purpose": "pickup",
        },
    )
    stage.site.truck_appears(van, tag)
    await stage.site.weigh(van, BAY)
    await stage.site.drive(van, "dock", BAY)
    stage.site.world = actions.add_pallets(stage.site.world, await _load_of(stage, van, number, orders))
    for order in orders:
        body = {"gate_id": "gate-1", "vehicle_id": visit["vehicle_id"], "valid_minutes": 60}
        await stage.people.operator.post(f"/orders/{order['order_id']}/ship", body)
    asked = stage.clock.now()
    await stage.site.weigh(van, BAY)
    await told_to_open(stage, van, BAY, asked)
    await stage.site.leave(van, BAY)
    last = orders[-1]["order_id"]
    await stage.until(
        lambda: stage.people.operator.get(f"/orders/{last}"),
        lambda order: order["state"] == "shipped",
        f"the orders of {van} are shipped",
    )


async def _load_of(stage: Stage, van: str, number: int, orders: Sequence[dict[str, Any]]) -> list[Pallet]:
    """What is really on a van: the pallets that were taken whole, and loose pieces by their own mass.

    The pieces are untagged as far as the portal goes: no antenna hears them, the scale alone tells.
    """
    whole = [sscc for order in orders for sscc in stage.made.whole_pallets.get(order["order_id"], ())]
    pallets = [msgspec.structs.replace(stage.site.world.pallets[sscc], place=f"on:{van}") for sscc in whole]
    items = {item["sku"]: item["unit_mass_g"] for item in await stage.people.operator.items("/skus")}
    picked = [line for order in orders for line in order["lines"] if line["picked_each"] > 0]
    mass_g = sum(line["picked_each"] * items[line["sku"]] for line in picked)
    mass_g += sum(WRAP_G - pallet.mass_g for pallet in pallets)
    sscc = make_sscc(actions.COMPANY_PREFIX, 3, PARCEL_SERIAL + number)
    return [*pallets, Pallet(sscc=sscc, epc_hex="", mass_g=mass_g, place=f"on:{van}", luck=0.0)]


def _say_summary(stage: Stage, summary: dict[str, Any]) -> None:
    stage.say(
        f"  {summary['rows']} rows = {summary['flowing_rows']} flowing + {summary['refused_rows']} refused"
    )
    for name in ("flowing_by_state", "refused_by_reason", "orders_by_state"):
        parts = ", ".join(
            f"{key.removeprefix('orders.row.')} {count}" for key, count in summary[name].items()
        )
        stage.say(f"  {name.replace('_', ' ')}: {parts}")


def _must_add_up(day: OrdersDay, summary: dict[str, Any], refused: Sequence[dict[str, Any]]) -> None:
    """Every row of the file is flowing or listed with its reason, and nothing is counted twice."""
    rows = len(day.rows)
    sums = {
        "rows": summary["rows"],
        "flowing and refused": summary["flowing_rows"] + summary["refused_rows"],
        "by state and by reason": sum(summary["flowing_by_state"].values())
        + sum(summary["refused_by_reason"].values()),
        "flowing and listed": summary["flowing_rows"] + len(refused),
    }
    wrong = {name: value for name, value in sums.items() if value != rows}
    if wrong:
        raise NotHeld(f"the file has {rows} rows, but {wrong}")
