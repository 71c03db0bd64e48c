"""Orders: placed, imported, reviewed, promised, picked, withdrawn."""

from typing import Any

import pytest

from app.database import PgTx
from kernel.errors import Conflict, Invalid, NotFound
from tests.store.wms.building import OWNER, SITE, SKU, Warehouse, an_opening_row, moment
from wms.api import import_summary, lift_hold, place_hold, refused_rows, unit_statuses
from wms.messages import (
    AllocateOrder,
    AllocateOrders,
    CancelOrder,
    DecideOrder,
    DeclareOpeningStock,
    ImportedInvoice,
    ImportOrders,
    ImportRow,
    OrderAllocated,
    OrderLine,
    OrderRefused,
    PlaceOrder,
)
from wms.orders.views import order_view, review_view
from wms.stock.views import FreeStockRow, free_stock

PLACED = moment("2010-12-01T08:26:00+00:00")


def an_invoice(reference: str, *rows: tuple[int, str, int], **changes: Any) -> ImportedInvoice:
    entries = tuple(
        ImportRow(row_number=number, sku=sku, quantity_each=quantity, price_milli=2550)
        for number, sku, quantity in rows
    )
    fields: dict[str, Any] = {"customer": "17850", "placed_at": PLACED, "rows": entries}
    return ImportedInvoice(reference=reference, **{**fields, **changes})


def an_import(*invoices: ImportedInvoice) -> ImportOrders:
    return ImportOrders(site_id=SITE, source="sales.csv", owner_party_id=OWNER, invoices=invoices)


MIXED = an_import(
    an_invoice("536365", (1, SKU, 6), (2, "POST", 1), (3, SKU, 6), (4, "71053", 2)),
    an_invoice("C536379", (5, SKU, -1), (6, "M", -1)),
    an_invoice("536366", (7, "nosuch", 3), customer=""),
)


async def test_every_imported_row_flows_or_is_refused_and_the_counts_add_up(
    warehouse: Warehouse, tx: PgTx
) -> None:
    result = await warehouse.do(MIXED)
    assert (result.rows, result.flowing_rows, result.refused_rows) == (7, 2, 5)
    assert [order.state for order in result.orders] == ["received", "refused", "refused"]
    summary = await import_summary(tx, SITE, "sales.csv")
    assert (summary.rows, summary.flowing_by_state) == (7, {"waiting": 2})
    assert summary.refused_by_reason == {
        "orders.row.junk_code": 2,
        "orders.row.duplicate": 1,
        "orders.row.return": 1,
        "orders.row.no_customer": 1,
    }
    assert len(warehouse.sent(OrderRefused)) == 2


async def test_a_refused_row_lists_all_its_reasons(warehouse: Warehouse, tx: PgTx) -> None:
    await warehouse.do(MIXED)
    rows = {row.row_number: row.keys for row in await refused_rows(tx, SITE, "sales.csv", 0, 100)}
    assert rows[7] == ["orders.row.no_customer", "orders.row.unknown_sku"]
    assert rows[6] == ["orders.row.junk_code", "orders.row.return", "orders.row.unknown_sku"]
    assert sorted(rows) == [2, 3, 5, 6, 7]


async def test_an_order_of_an_unknown_item_is_not_kept_and_its_reference_stays_free(
    warehouse: Warehouse,
) -> None:
    def order(sku: str) -> PlaceOrder:
        lines = (OrderLine(sku=SKU, quantity_each=1), OrderLine(sku=sku, quantity_each=1))
        return PlaceOrder(site_id=SITE, reference="SO-1", customer="Shop", owner_party_id=OWNER, lines=lines)

    with pytest.raises(Invalid, match=r"catalogue\.unknown") as refused:
        await warehouse.do(order("bad sku!"))
    assert (refused.value.facts["field"], refused.value.facts["skus"]) == ("lines.1.sku", ["BAD SKU!"])
    assert (await warehouse.do(order(SKU.lower()))).state == "received"


async def test_an_import_that_comes_again_changes_nothing(warehouse: Warehouse, tx: PgTx) -> None:
    first = await warehouse.do(MIXED)
    assert await warehouse.do(MIXED) == first
    assert await tx.value("SELECT count(*) FROM wms.order_line") == 7
    changed = an_import(an_invoice("536365", (1, SKU, 7)))
    with pytest.raises(Conflict, match=r"orders\.reference_taken"):
        await warehouse.do(changed)


async def test_what_each_rule_said_is_kept_with_its_version(warehouse: Warehouse, tx: PgTx) -> None:
    result = await warehouse.do(MIXED)
    said = {row.rule: row for row in await review_view(tx, result.orders[0].order_id)}
    assert len(said) == 9
    assert (said["junk_code"].version, said["junk_code"].outcome) == (1, "refuse")
    assert said["junk_code"].inputs == {"lines": 4, "found_lines": [2]}
    assert said["no_price"].outcome == "pass"


async def test_an_order_is_promised_first_in_first_out_and_picked_by_scans(
    warehouse: Warehouse, tx: PgTx
) -> None:
    units = await warehouse.stock(2)
    order_id = await warehouse.allocated(130)
    assert warehouse.sent(OrderAllocated)[0].state == "allocated"
    reserved = {one.unit_id: one.reserved_each for one in await unit_statuses(tx, SITE, units)}
    assert reserved == {units[0]: 100, units[1]: 30}
    assert [answer.outcome for answer in await warehouse.pick(order_id)] == ["done", "done"]
    shown = await order_view(tx, order_id)
    assert (shown.state, shown.lines[0].picked_each, shown.lines[0].state) == ("ready", 130, "picked")
    found = {one.unit_id: one for one in await unit_statuses(tx, SITE, units)}
    whole, opened = found[units[0]], found[units[1]]
    assert (whole.bin, opened.quantity_each, opened.reserved_each) == ("staging-out", 70, 0)
    parcels = await tx.rows("SELECT unit_id FROM wms.unit WHERE kind = 'parcel'")
    assert [one.quantity_each for one in await unit_statuses(tx, SITE, [parcels[0]["unit_id"]])] == [30]
    claims = await tx.rows("SELECT unit_id FROM twin.claim WHERE cause = 'pick'")
    assert [row["unit_id"] for row in claims] == [whole.unit_id]


async def test_a_partial_promise_is_visible_and_served_later(warehouse: Warehouse, tx: PgTx) -> None:
    await warehouse.stock(1)
    order_id = await warehouse.allocated(150)
    assert await warehouse.state_of(order_id) == "short"
    await warehouse.do(DeclareOpeningStock(site_id=SITE, rows=(an_opening_row(9),)))
    await warehouse.do(AllocateOrder(order_id=order_id))
    assert await warehouse.state_of(order_id) == "allocated"


async def test_held_stock_is_refused_by_name_until_the_hold_is_lifted(warehouse: Warehouse, tx: PgTx) -> None:
    units = await warehouse.stock(2)
    hold_id = await place_hold(tx, SITE, units, "pledge", "pledge_1")
    order = await warehouse.order(100, lot_id=await warehouse.lot_of(units[0]))
    with pytest.raises(Conflict) as refused:
        await warehouse.do(AllocateOrder(order_id=order.order_id))
    assert refused.value.key == "stock.held"
    assert refused.value.facts == {"unit_ids": sorted(units), "count": 2, "hold_reason": "pledge"}
    await lift_hold(tx, hold_id)
    await warehouse.do(AllocateOrder(order_id=order.order_id))
    assert await warehouse.state_of(order.order_id) == "allocated"


async def test_an_order_without_any_stock_is_short(warehouse: Warehouse) -> None:
    order = await warehouse.order(100)
    with pytest.raises(Conflict) as refused:
        await warehouse.do(AllocateOrder(order_id=order.order_id))
    assert refused.value.key == "orders.short"
    assert refused.value.facts == {
        "free_of_wanted": [f"{SKU} 0/100"],
        "lines": [{"line_no": 1, "sku": SKU, "wanted_each": 100, "free_each": 0}],
    }


async def test_free_stock_is_what_an_order_can_be_promised(warehouse: Warehouse, tx: PgTx) -> None:
    """Three pallets of a hundred: one on hold, thirty of another promised."""
    assert await free_stock(tx, SITE, None, 10) == []
    units = await warehouse.stock(3)
    await place_hold(tx, SITE, units[:1], "pledge", "pledge_1")
    order = await warehouse.order(30)
    await warehouse.do(AllocateOrder(order_id=order.order_id))
    assert await free_stock(tx, SITE, None, 10) == [
        FreeStockRow(owner_party_id=OWNER, sku=SKU, free_each=170)
    ]
    rest = await warehouse.order(200, "rest")
    await warehouse.do(AllocateOrder(order_id=rest.order_id))
    assert await free_stock(tx, SITE, None, 10) == []


async def test_free_stock_is_told_owner_by_owner_and_page_by_page(warehouse: Warehouse, tx: PgTx) -> None:
    rows = (an_opening_row(1), an_opening_row(2, owner_party_id="owner-b"), an_opening_row(3))
    await warehouse.do(DeclareOpeningStock(site_id=SITE, rows=rows))
    [mine] = await free_stock(tx, SITE, None, 1)
    [theirs] = await free_stock(tx, SITE, mine.place, 1)
    assert (mine.owner_party_id, theirs.owner_party_id) == (OWNER, "owner-b")
    assert mine.free_each == 2 * theirs.free_each
    assert await free_stock(tx, SITE, theirs.place, 1) == []


async def test_orders_allocated_together_share_the_stock_exactly(warehouse: Warehouse, tx: PgTx) -> None:
    await warehouse.stock(1)
    orders = [await warehouse.order(60, f"order-{number}") for number in range(3)]
    ids = tuple(order.order_id for order in orders)
    result = await warehouse.do(AllocateOrders(site_id=SITE, order_ids=ids))
    assert sorted(order.state for order in result.orders) == ["allocated", "received", "short"]
    assert await tx.value("SELECT sum(reserved_each) FROM wms.balance") == 100


async def test_whole_pallets_can_be_ordered_by_name(warehouse: Warehouse, tx: PgTx) -> None:
    units = await warehouse.stock(3)
    order_id = await warehouse.allocated(0, unit_ids=(units[2],))
    assert (await order_view(tx, order_id)).lines[0].quantity_each == 100
    reserved = [one.unit_id for one in await unit_statuses(tx, SITE, units) if one.reserved_each]
    assert reserved == [units[2]]


async def test_a_withdrawn_order_gives_its_promises_back_once(warehouse: Warehouse, tx: PgTx) -> None:
    await warehouse.stock(1)
    kept, withdrawn = await warehouse.allocated(40, "kept"), await warehouse.allocated(40, "withdrawn")
    await warehouse.do(CancelOrder(order_id=withdrawn, reason="customer changed its mind"))
    with pytest.raises(Conflict, match=r"orders\.state"):
        await warehouse.do(CancelOrder(order_id=withdrawn, reason="again"))
    assert await tx.value("SELECT sum(reserved_each) FROM wms.balance") == 40
    shown = await order_view(tx, withdrawn)
    assert (shown.state, shown.reasons[0].key) == ("cancelled", "orders.row.withdrawn")
    assert await warehouse.state_of(kept) == "allocated"
    assert await tx.value("SELECT count(*) FROM wms.task WHERE state = 'cancelled'") == 1


async def test_an_order_of_which_something_is_picked_is_not_withdrawn(warehouse: Warehouse) -> None:
    await warehouse.stock(1)
    order_id = await warehouse.ready(10)
    with pytest.raises(Conflict, match=r"orders\.state"):
        await warehouse.do(CancelOrder(order_id=order_id, reason="too late"))


async def test_a_person_decides_on_a_held_order(warehouse: Warehouse, tx: PgTx) -> None:
    held = [await warehouse.order(10_001, f"order-{number}") for number in range(2)]
    assert [order.state for order in held] == ["held", "held"]
    with pytest.raises(Conflict, match=r"orders\.state"):
        await warehouse.do(AllocateOrder(order_id=held[0].order_id))
    yes = await warehouse.do(DecideOrder(order_id=held[0].order_id, accept=True, reason="agreed by phone"))
    no = await warehouse.do(DecideOrder(order_id=held[1].order_id, accept=False, reason="a typing error"))
    assert (yes.state, no.state) == ("received", "refused")
    keys = [reason.key for reason in (await order_view(tx, held[1].order_id)).reasons]
    assert keys == ["orders.row.large_quantity", "orders.row.withdrawn"]


async def test_the_owner_of_an_order_is_clear_or_asked_for(warehouse: Warehouse) -> None:
    await warehouse.stock(1)
    await warehouse.do(DeclareOpeningStock(site_id=SITE, rows=(an_opening_row(9, owner_party_id="owner-b"),)))
    order = PlaceOrder(
        site_id=SITE, reference="o", customer="shop", lines=(OrderLine(sku=SKU, quantity_each=1),)
    )
    with pytest.raises(Invalid) as refused:
        await warehouse.do(order)
    assert refused.value.facts["owners"] == [OWNER, "owner-b"]


async def test_one_owners_order_never_takes_anothers_goods(warehouse: Warehouse) -> None:
    await warehouse.do(DeclareOpeningStock(site_id=SITE, rows=(an_opening_row(9, owner_party_id="owner-b"),)))
    order = await warehouse.order(1)
    with pytest.raises(Conflict, match=r"orders\.short"):
        await warehouse.do(AllocateOrder(order_id=order.order_id))


async def test_an_order_for_a_unit_that_is_not_here_finds_none(warehouse: Warehouse) -> None:
    with pytest.raises(NotFound, match=r"stock\.unit_unknown"):
        await warehouse.order(1, unit_ids=("unit_x",))
