"""Deliveries from the announcement to the receiving floor, and the stock a warehouse starts with."""

from collections.abc import Sequence

from identity import api as identity
from kernel.errors import Conflict, Invalid, NotFound
from kernel.tx import Row, Tx
from twin import api as twin
from twin.messages import ExpectedArrival, UnitCrossed, UnitDeclaration
from wms.catalogue.model import normal_sku
from wms.catalogue.store import known_skus
from wms.inbound import store
from wms.inbound.model import (
    BROKEN_ROWS_SHOWN_MAX,
    broken_opening_rows,
    require_announcement,
    require_masses,
)
from wms.inbound.putaway import plan_putaways
from wms.messages import (
    OPENING_ROWS_MAX,
    AnnounceDelivery,
    CancelVisit,
    DeclareOpeningStock,
    DeliveryAnnounced,
    DeliveryResult,
    DeliveryUnit,
    OpeningRow,
    VisitCancelled,
)
from wms.orders.handlers import require_reason
from wms.stock import store as stock
from wms.stock.handlers import apply_moves, declare_places, require_site, sees_site
from wms.stock.model import OPENING, STAGING_IN, SUPPLIER, Goods, Move, Place
from wms.visits import store as visits
from wms.visits.handlers import open_visit

LotKey = tuple[str, str, str]
"""Owner, item, the owner's lot code."""


async def announce_delivery(command: AnnounceDelivery, tx: Tx) -> DeliveryResult:
    """Enter an advance shipping notice: lot, units, vehicle and visit, and what the twin may expect.

    Raises Invalid for a malformed notice, an unknown item or owner and a mass that the pieces do not have,
    Conflict `stock.code_taken` when an
    SSCC or tag is in use and `deliveries.exists` when the delivery id is.
    """
    units = require_announcement(command)
    await require_site(tx, command.site_id)
    await identity.party_of(tx, command.owner_party_id)
    key = (command.owner_party_id, normal_sku(command.sku), command.lot_code.strip())
    require_masses(units, await _unit_mass_g(tx, key[1]))
    await _refuse_taken_codes(tx, command.site_id, units)
    lot_id = (await _lots(tx, command.site_id, {key}))[key]
    rows = [_unit_row(tx, lot_id, key, unit, unit.expected_mass_g) for unit in units]
    await _declare_units(tx, command.site_id, rows)
    vehicle = command.vehicle
    visit = await open_visit(tx, command.site_id, vehicle.plate, vehicle.epc_hex, "delivery")
    result = DeliveryResult(
        delivery_id=command.delivery_id or tx.ids.new("delivery"),
        lot_id=lot_id,
        visit_id=visit.visit_id,
        vehicle_id=visit.vehicle_id,
        unit_ids=tuple(row["unit_id"] for row in rows),
    )
    await _expect(tx, command, result, expected_net_g=sum(unit.expected_mass_g for unit in units))
    return result


async def cancel_visit(command: CancelVisit, tx: Tx) -> None:
    """Take back a vehicle that was announced wrongly, and what it was to bring.

    Raises NotFound, Invalid for a reason that is none, Conflict `visits.arrived` once the vehicle was let in
    or a pallet of it was heard, and `visits.released` while goods may leave on it.
    """
    require_reason(command.reason)
    visit = await visits.lock(tx, command.visit_id)
    if visit is None or not await sees_site(tx, visit["site_id"]):
        raise NotFound("visits.unknown", visit_id=command.visit_id)
    if visit["state"] != "expected":
        raise Conflict("visits.arrived", plate=visit["plate"])
    if await visits.is_released_to(tx, visit):
        raise Conflict("visits.released", plate=visit["plate"])
    delivery = await store.lock_of_visit(tx, command.visit_id)
    unit_ids = await _withdraw(tx, delivery, visit["plate"]) if delivery is not None else ()
    await visits.cancel(tx, command.visit_id, command.reason)
    tx.emit(
        VisitCancelled(
            site_id=visit["site_id"],
            visit_id=command.visit_id,
            vehicle_id=visit["vehicle_id"],
            delivery_id=None if delivery is None else delivery["delivery_id"],
            unit_ids=unit_ids,
            reason=command.reason,
            cancelled_at=tx.now,
        )
    )


async def _withdraw(tx: Tx, delivery: Row, plate: str) -> tuple[str, ...]:
    """Take back the delivery and its units; Conflict when something of it was heard."""
    units = await store.units_of(tx, delivery["delivery_id"])
    unit_ids = tuple(unit["unit_id"] for unit in units)
    if delivery["state"] != "announced" or not await twin.withdraw_arrival(tx, delivery["delivery_id"]):
        raise Conflict("visits.arrived", plate=plate)
    await store.cancel(tx, delivery["delivery_id"])
    return unit_ids


async def _expect(tx: Tx, command: AnnounceDelivery, result: DeliveryResult, *, expected_net_g: int) -> None:
    """Keep the delivery, tell the twin, tell everybody."""
    delivery = {
        "delivery_id": result.delivery_id,
        "site_id": command.site_id,
        "owner_party_id": command.owner_party_id,
        "lot_id": result.lot_id,
        "sku": normal_sku(command.sku),
        "visit_id": result.visit_id,
        "expected_net_g": expected_net_g,
    }
    if not await store.insert(tx, delivery, result.unit_ids):
        raise Conflict("deliveries.exists", delivery_id=result.delivery_id)
    await twin.expect_arrival(
        tx,
        ExpectedArrival(
            delivery_id=result.delivery_id,
            site_id=command.site_id,
            vehicle_id=result.vehicle_id,
            unit_ids=list(result.unit_ids),
            expected_net_g=expected_net_g,
        ),
    )
    tx.emit(
        DeliveryAnnounced(
            site_id=command.site_id,
            delivery_id=result.delivery_id,
            lot_id=result.lot_id,
            owner_party_id=command.owner_party_id,
            sku=normal_sku(command.sku),
            vehicle_id=result.vehicle_id,
            unit_ids=result.unit_ids,
            expected_net_g=expected_net_g,
            announced_at=tx.now,
        )
    )


async def declare_opening_stock(command: DeclareOpeningStock, tx: Tx) -> int:
    """Enter stock that is already in the racks, set-based; returns how many units.

    Raises Invalid `opening.rows` with every broken rule (the first `BROKEN_ROWS_SHOWN_MAX` shown), Conflict
    `opening.over` once goods of the site were on hold or under a receipt: new labels on the same goods would
    be lent against twice, so goods come in through the gate then. Nothing here is evidence: verified stock
    stays zero until sensors see the units.
    """
    if not 1 <= len(command.rows) <= OPENING_ROWS_MAX:
        raise Invalid("opening.size", field="rows", rule=f"1 to {OPENING_ROWS_MAX} rows")
    await require_site(tx, command.site_id)
    rows = command.rows
    await _require_opening(tx, command.site_id, rows)
    if await stock.opening_is_over(tx, command.site_id):
        raise Conflict("opening.over", site_id=command.site_id, rule="before the first hold or receipt")
    await _refuse_taken_codes(tx, command.site_id, rows)
    keys = [(row.owner_party_id, normal_sku(row.sku), row.lot.strip()) for row in rows]
    lots = await _lots(tx, command.site_id, set(keys))
    units = [_unit_row(tx, lots[key], key, row, row.mass_g) for key, row in zip(keys, rows, strict=True)]
    await _declare_units(tx, command.site_id, units)
    moves = [
        Move(
            Goods(unit["owner_party_id"], unit["sku"], unit["lot_id"]),
            unit["full_each"],
            Place(unit["unit_id"], OPENING),
            Place(unit["unit_id"], row.slot_id),
            "opening",
            unit["lot_id"],
        )
        for unit, row in zip(units, rows, strict=True)
    ]
    await apply_moves(tx, command.site_id, moves)
    slots = {move.target.unit_id: move.target.bin for move in moves}
    await declare_places(tx, command.site_id, slots, "opening_stock")
    return len(units)


async def _require_opening(tx: Tx, site_id: str, rows: Sequence[OpeningRow]) -> None:
    for party_id in sorted({row.owner_party_id for row in rows}):
        await identity.party_of(tx, party_id)
    known = await known_skus(tx, {normal_sku(row.sku) for row in rows})
    broken = broken_opening_rows(
        rows,
        slots={slot.slot_id for slot in await twin.slots(tx, site_id)},
        occupied=await stock.occupied_bins(tx, site_id),
        unit_masses_g=known,
    )
    if broken:
        raise Invalid(
            "opening.rows",
            field=f"rows.{broken[0]['row']}.{broken[0]['field']}",
            rule=broken[0]["rule"],
            broken=broken[:BROKEN_ROWS_SHOWN_MAX],
            count=len(broken),
        )


async def _unit_mass_g(tx: Tx, sku: str) -> int:
    """The mass of one piece by the catalogue, 0 unknown. Invalid `catalogue.unknown` for another item."""
    known = await known_skus(tx, {sku})
    if sku not in known:
        raise Invalid("catalogue.unknown", field="sku", rule="in the catalogue", skus=[sku])
    return known[sku]


async def _refuse_taken_codes(
    tx: Tx, site_id: str, rows: Sequence[DeliveryUnit] | Sequence[OpeningRow]
) -> None:
    """Conflict naming those of the caller's own labels that are taken, by SSCC or by tag; not by whom."""
    epcs = [row.epc_hex.upper() for row in rows if row.epc_hex is not None]
    taken = await stock.taken_codes(tx, site_id, [row.sscc for row in rows], epcs)
    codes = {code for unit in taken for code in (unit["sscc"], unit["epc_hex"]) if code is not None}
    refused = [row.sscc for row in rows if row.sscc in codes or (row.epc_hex or "").upper() in codes]
    if refused:
        raise Conflict("stock.code_taken", ssccs=refused[:10])


async def _lots(tx: Tx, site_id: str, keys: set[LotKey]) -> dict[LotKey, str]:
    """The lots' ids; new lots are entered and become visible to their owners."""
    ordered = sorted(keys)
    fresh = await stock.insert_lots(tx, site_id, [(tx.ids.new("lot"), *key) for key in ordered])
    for lot in fresh:
        await identity.grant_access(tx, lot["owner_party_id"], lot["lot_id"], cause="owns the lot")
    found = await stock.lots_by_code(tx, site_id, {code for _, _, code in ordered})
    by_key = {(row["owner_party_id"], row["sku"], row["code"]): str(row["lot_id"]) for row in found}
    return {key: by_key[key] for key in ordered}


def _unit_row(tx: Tx, lot_id: str, key: LotKey, row: DeliveryUnit | OpeningRow, mass_g: int) -> Row:
    return {
        "unit_id": tx.ids.new("unit"),
        "owner_party_id": key[0],
        "kind": "pallet",
        "lot_id": lot_id,
        "sku": key[1],
        "sscc": row.sscc,
        "epc_hex": None if row.epc_hex is None else row.epc_hex.upper(),
        "full_each": row.quantity_each,
        "full_mass_g": mass_g,
    }


async def _declare_units(tx: Tx, site_id: str, rows: Sequence[Row]) -> None:
    """Enter pallets in the books and tell the twin which tags they carry."""
    await stock.insert_units(tx, site_id, rows)
    await twin.declare_units(
        tx,
        [
            UnitDeclaration(
                unit_id=row["unit_id"],
                site_id=site_id,
                lot_id=row["lot_id"],
                sku=row["sku"],
                owner_party_id=row["owner_party_id"],
                sscc=row["sscc"],
                epc_hex=row["epc_hex"],
                quantity_each=row["full_each"],
                expected_mass_g=row["full_mass_g"],
            )
            for row in rows
        ],
    )


async def on_unit_crossed(event: UnitCrossed, tx: Tx) -> None:
    """A unit of a delivery came through the gate: it is on the receiving floor and wants a slot.

    Units that are already in the books (a pallet that comes back) change nothing here.
    """
    if event.direction != "in" or event.unit_id is None:
        return
    delivery = await store.lock_of_unit(tx, event.unit_id)
    if delivery is None or delivery["seen_at"] is not None or delivery["state"] == "cancelled":
        return
    await store.mark_seen(tx, delivery["delivery_id"], event.unit_id, event.crossed_at)
    goods = Goods(delivery["owner_party_id"], delivery["sku"], delivery["lot_id"])
    move = Move(
        goods,
        delivery["full_each"],
        Place(event.unit_id, SUPPLIER),
        Place(event.unit_id, STAGING_IN),
        "receipt",
        delivery["delivery_id"],
        event.evidence_ids[0] if event.evidence_ids else None,
    )
    await apply_moves(tx, event.site_id, [move])
    await plan_putaways(tx, event.site_id)
