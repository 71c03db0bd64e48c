"""Opening stock, holds, corrections and the database's own refusals."""

import msgspec
import psycopg
import pytest

from app.database import PgTx
from identity.api import grant_access
from kernel.errors import Conflict, Invalid, NotFound
from kernel.gs1 import epc_from_giai
from tests.store.wms.building import (
    KEEPER,
    OWNER,
    PALLET_G,
    PREFIX,
    SITE,
    Warehouse,
    an_item,
    an_opening_row,
    epc,
    sscc,
)
from twin.api import layout_of
from twin.messages import ImportLayout
from wms.api import audit, book_of_lot, free_units, lift_hold, place_hold, unit_holds, unit_statuses
from wms.catalogue.store import items_of, known_skus
from wms.messages import (
    AdjustStock,
    DeclareOpeningStock,
    DeliveryUnit,
    HoldLifted,
    HoldPlaced,
    RegisterSkus,
    SkuEntry,
    StockAdjusted,
)


async def test_opening_stock_is_in_the_books_and_claimed_to_the_twin(warehouse: Warehouse, tx: PgTx) -> None:
    units = await warehouse.stock(3)
    book = await book_of_lot(tx, await warehouse.lot_of(units[0]))
    assert (book.site_id, book.owner_party_id, book.sku) == (SITE, OWNER, "85123A")
    assert [(unit.unit_id, unit.quantity_each, unit.mass_g, unit.hold_id) for unit in book.units] == [
        (unit_id, 100, PALLET_G, None) for unit_id in sorted(units)
    ]
    claims = await tx.rows("SELECT unit_id, slot_id FROM twin.claim ORDER BY slot_id")
    assert [row["slot_id"] for row in claims] == ["A01-01-1", "A01-01-2", "A01-01-3"]


async def test_every_broken_row_of_opening_stock_is_named_and_nothing_is_entered(
    warehouse: Warehouse, tx: PgTx
) -> None:
    rows = (
        an_opening_row(1),
        an_opening_row(2, sscc="123", sku="NOSUCH"),
        an_opening_row(3, slot_id="Z99-01-1", quantity_each=0),
        an_opening_row(4, slot_id="A01-01-1"),
    )
    with pytest.raises(Invalid) as refused:
        await warehouse.do(DeclareOpeningStock(site_id=SITE, rows=rows))
    broken = {(one["row"], one["field"]) for one in refused.value.facts["broken"]}
    assert broken == {(1, "sscc"), (1, "sku"), (2, "slot_id"), (2, "quantity_each"), (3, "slot_id")}
    assert await tx.value("SELECT count(*) FROM wms.unit") == 0


async def test_a_row_of_opening_stock_bears_its_own_pallets_tag(warehouse: Warehouse) -> None:
    rows = (an_opening_row(1, epc_hex=epc(2)), an_opening_row(3, epc_hex="xyz"), an_opening_row(4))
    with pytest.raises(Invalid) as refused:
        await warehouse.do(DeclareOpeningStock(site_id=SITE, rows=rows))
    assert [(one["row"], one["field"], one["rule"]) for one in refused.value.facts["broken"]] == [
        (0, "epc_hex", f"the tag of SSCC {sscc(1)}, not of {sscc(2)}"),
        (1, "epc_hex", "24 hexadecimal characters"),
    ]


async def test_a_pallet_label_is_entered_once(warehouse: Warehouse) -> None:
    await warehouse.stock(1)
    again = an_opening_row(1, slot_id="A01-02-1")
    with pytest.raises(Conflict) as refused:
        await warehouse.do(DeclareOpeningStock(site_id=SITE, rows=(again,)))
    assert refused.value.facts["ssccs"] == [sscc(1)]


async def test_an_occupied_slot_takes_no_second_pallet(warehouse: Warehouse) -> None:
    await warehouse.stock(1)
    with pytest.raises(Invalid) as refused:
        await warehouse.do(DeclareOpeningStock(site_id=SITE, rows=(an_opening_row(9, slot_id="A01-01-1"),)))
    assert refused.value.facts["rule"] == "an empty slot"


async def test_a_hold_is_seen_and_lifted_and_ends_once(warehouse: Warehouse, tx: PgTx) -> None:
    units = await warehouse.stock(3)
    hold_id = await place_hold(tx, SITE, units[:2], "pledge", "pledge_1")
    statuses = {one.unit_id: one.status for one in await unit_statuses(tx, SITE, units)}
    assert statuses == {units[0]: "held", units[1]: "held", units[2]: "free"}
    assert [(one.hold_id, one.reason_code) for one in await unit_holds(tx, units)] == [
        (hold_id, "pledge")
    ] * 2
    assert warehouse.sent(HoldPlaced)[0].unit_ids == tuple(sorted(units[:2]))
    await lift_hold(tx, hold_id)
    assert {one.status for one in await unit_statuses(tx, SITE, units)} == {"free"}
    assert warehouse.sent(HoldLifted)[0].holder_ref == "pledge_1"
    with pytest.raises(Conflict, match=r"stock\.hold_lifted"):
        await lift_hold(tx, hold_id)


async def test_a_unit_has_one_live_hold_at_most(warehouse: Warehouse, tx: PgTx) -> None:
    units = await warehouse.stock(2)
    await place_hold(tx, SITE, units[:1], "pledge", "pledge_1")
    with pytest.raises(Conflict) as refused:
        await place_hold(tx, SITE, units, "pledge", "pledge_2")
    assert (refused.value.key, refused.value.facts["unit_ids"]) == ("stock.already_held", units[:1])


async def test_the_database_itself_refuses_a_second_live_hold(warehouse: Warehouse, tx: PgTx) -> None:
    units = await warehouse.stock(1)
    await place_hold(tx, SITE, units, "pledge", "pledge_1")
    second = (
        "INSERT INTO wms.hold VALUES ('hold_x', %(site)s, 'r', 'h', %(now)s, 'p')",
        "INSERT INTO wms.hold_unit SELECT 'hold_x', unit_id, site_id, lot_id FROM wms.unit",
    )
    with pytest.raises(psycopg.errors.UniqueViolation, match="hold_unit_one_live"):
        async with tx.savepoint():
            for statement in second:
                await tx.run(statement, {"site": SITE, "now": tx.now})


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("quantity_each = -1, reserved_each = 0", "balance_never_negative"),
        ("reserved_each = quantity_each + 1", "reserved_within_stock"),
        ("status = 'inspect', reserved_each = 1", "only_available_is_promised"),
    ],
)
async def test_the_database_itself_refuses_a_wrong_balance(
    warehouse: Warehouse, tx: PgTx, change: str, constraint: str
) -> None:
    await warehouse.stock(1)
    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        async with tx.savepoint():
            await tx.run(f"UPDATE wms.balance SET {change}")


async def test_the_database_itself_refuses_that_held_stock_changes_place(
    warehouse: Warehouse, tx: PgTx
) -> None:
    units = await warehouse.stock(1)
    await place_hold(tx, SITE, units, "pledge", "pledge_1")
    with pytest.raises(psycopg.errors.CheckViolation, match="held_stock_stands_still"):
        async with tx.savepoint():
            await tx.run(
                """INSERT INTO wms.stock_move (site_id, owner_party_id, sku, lot_id, quantity_each,
                    from_unit_id, from_bin, from_status, from_hold_id, to_unit_id, to_bin, to_status,
                    cause, ref_id, moved_by, moved_at)
                SELECT site_id, owner_party_id, sku, lot_id, 100, unit_id, bin, status, hold_id, unit_id,
                    '@customer', status, 'shipment', 'x', 'x', %(now)s
                FROM wms.balance WHERE hold_id IS NOT NULL""",
                {"now": tx.now},
            )


@pytest.mark.parametrize(
    "statement", ["UPDATE wms.stock_move SET quantity_each = 1", "DELETE FROM wms.stock_move"]
)
async def test_the_stock_journal_is_never_rewritten(warehouse: Warehouse, tx: PgTx, statement: str) -> None:
    await warehouse.stock(1)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with tx.savepoint():
            await tx.run(statement)


async def test_only_units_on_stock_can_be_held(warehouse: Warehouse, tx: PgTx) -> None:
    delivery = await warehouse.announce(1)
    with pytest.raises(NotFound, match=r"stock\.unit_unknown"):
        await place_hold(tx, SITE, delivery.unit_ids, "pledge", "pledge_1")


async def test_promised_units_cannot_be_held(warehouse: Warehouse, tx: PgTx) -> None:
    units = await warehouse.stock(1)
    await warehouse.allocated(10)
    with pytest.raises(Conflict) as refused:
        await place_hold(tx, SITE, units, "pledge", "pledge_1")
    assert (refused.value.key, refused.value.facts["unit_ids"]) == ("stock.reserved", units)


@pytest.mark.parametrize("counted", [0, 90])
async def test_a_count_corrects_the_books_by_a_new_move(warehouse: Warehouse, tx: PgTx, counted: int) -> None:
    units = await warehouse.stock(1)
    await warehouse.do(AdjustStock(unit_id=units[0], counted_each=counted, reason="count 17"))
    assert (await unit_statuses(tx, SITE, units))[0].quantity_each == counted
    event = warehouse.sent(StockAdjusted)[0]
    assert (event.before_each, event.after_each) == (100, counted)


async def test_a_count_never_makes_a_unit_hold_more_than_came_in_with_it(
    warehouse: Warehouse, tx: PgTx
) -> None:
    units = await warehouse.stock(1)
    await warehouse.do(AdjustStock(unit_id=units[0], counted_each=90, reason="count 17"))
    await warehouse.do(AdjustStock(unit_id=units[0], counted_each=100, reason="found again"))
    with pytest.raises(Invalid) as refused:
        await warehouse.do(AdjustStock(unit_id=units[0], counted_each=101, reason="count 18"))
    assert refused.value.key == "stock.count_too_high"
    assert (refused.value.facts["counted_each"], refused.value.facts["most_each"]) == (101, 100)
    assert (await unit_statuses(tx, SITE, units))[0].quantity_each == 100


async def test_held_stock_is_not_counted_up_or_down(warehouse: Warehouse, tx: PgTx) -> None:
    units = await warehouse.stock(1)
    await warehouse.do(AdjustStock(unit_id=units[0], counted_each=90, reason="count 17"))
    await place_hold(tx, SITE, units, "third_party", "someone")
    for counted_each in (0, 100):
        with pytest.raises(Conflict) as refused:
            await warehouse.do(AdjustStock(unit_id=units[0], counted_each=counted_each, reason="count 18"))
        assert refused.value.key == "stock.held_count"
    assert (await unit_statuses(tx, SITE, units))[0].quantity_each == 90


@pytest.mark.parametrize("mass_g", [569_999, 690_001])
async def test_opening_stock_weighs_what_its_pieces_weigh(warehouse: Warehouse, mass_g: int) -> None:
    row = an_opening_row(1, mass_g=mass_g)
    with pytest.raises(Invalid) as refused:
        await warehouse.do(DeclareOpeningStock(site_id=SITE, rows=(row,)))
    assert refused.value.facts["field"] == "rows.0.mass_g"
    assert refused.value.facts["rule"].startswith("570000 to 690000")


async def test_a_count_below_what_is_promised_is_refused(warehouse: Warehouse) -> None:
    units = await warehouse.stock(1)
    await warehouse.allocated(60)
    with pytest.raises(Conflict, match=r"stock\.not_enough"):
        await warehouse.do(AdjustStock(unit_id=units[0], counted_each=59, reason="count 17"))


async def test_held_stock_is_not_corrected_behind_its_holders_back(warehouse: Warehouse, tx: PgTx) -> None:
    units = await warehouse.stock(1)
    await place_hold(tx, SITE, units, "pledge", "pledge_1")
    with pytest.raises(Conflict, match=r"stock\.held_count"):
        await warehouse.do(AdjustStock(unit_id=units[0], counted_each=50, reason="count 17"))


async def test_another_party_sees_neither_site_nor_lot_until_it_is_granted(
    warehouse: Warehouse, tx: PgTx, as_caller
) -> None:
    units = await warehouse.stock(2)
    lot_id = await warehouse.lot_of(units[0])
    async with as_caller("bank-a", "officer", reading=True) as bank:
        assert await unit_statuses(bank, SITE, units) == []
        with pytest.raises(NotFound):
            await book_of_lot(bank, lot_id)
    async with as_caller(OWNER, "borrower", reading=True) as owner:
        assert len(await unit_statuses(owner, SITE, units)) == 2
    await grant_access(tx, "bank-a", lot_id, cause="pledge")
    async with as_caller("bank-a", "officer", reading=True) as bank:
        assert len((await book_of_lot(bank, lot_id)).units) == 2


async def test_a_command_at_a_site_that_the_caller_may_not_see_finds_no_site(
    warehouse: Warehouse, as_caller
) -> None:
    with pytest.raises(NotFound, match=r"sites\.unknown"):
        async with as_caller("owner-b", "keeper") as stranger:
            await warehouse.do(DeclareOpeningStock(site_id=SITE, rows=(an_opening_row(1),)), stranger)


async def test_only_the_party_that_entered_an_item_corrects_it(warehouse: Warehouse, as_caller) -> None:
    item = SkuEntry(sku="COPPER", name_en="Copper", name_zh="铜", unit_mass_g=25_000)
    lighter = msgspec.structs.replace(item, unit_mass_g=1)
    await warehouse.do(RegisterSkus(items=(item,)))
    with pytest.raises(Conflict) as refused:
        async with as_caller("owner-b", "keeper") as other:
            await warehouse.do(RegisterSkus(items=(lighter, an_item("OF-THE-OTHER"))), other)
    assert (refused.value.key, refused.value.facts["skus"]) == ("skus.other_party", ["COPPER"])
    assert await known_skus(warehouse.tx, ["COPPER", "OF-THE-OTHER"]) == {"COPPER": 25_000}
    async with as_caller("owner-b", "keeper") as other:
        assert await warehouse.do(RegisterSkus(items=(item,)), other) == 1
    renamed = msgspec.structs.replace(item, name_en="Copper cathode")
    await warehouse.do(RegisterSkus(items=(renamed,)))
    assert await items_of(warehouse.tx, ["COPPER"]) == {"COPPER": renamed}


async def test_the_mass_of_a_piece_is_entered_once_and_stays(warehouse: Warehouse, tx: PgTx) -> None:
    item = SkuEntry(sku="COPPER", name_en="Copper", name_zh="铜", unit_mass_g=25_000)
    for _ in range(2):
        assert await warehouse.do(RegisterSkus(items=(item,))) == 1
    for unit_mass_g in (25, 25_001):
        other = msgspec.structs.replace(item, name_en="Lead", unit_mass_g=unit_mass_g)
        with pytest.raises(Conflict) as refused:
            await warehouse.do(RegisterSkus(items=(other, an_item("ANOTHER"))))
        assert refused.value.key == "skus.mass_fixed"
        assert (refused.value.facts["field"], refused.value.facts["skus"]) == ("unit_mass_g", ["COPPER"])
        assert await items_of(tx, ["COPPER", "ANOTHER"]) == {"COPPER": item}


@pytest.mark.parametrize("unit_mass_g", [-1, 0, 10_000_001])
async def test_a_piece_weighs_a_gram_at_least(warehouse: Warehouse, unit_mass_g: int) -> None:
    item = SkuEntry(sku="COPPER", name_en="Copper", name_zh="铜", unit_mass_g=unit_mass_g)
    with pytest.raises(Invalid) as refused:
        await warehouse.do(RegisterSkus(items=(item,)))
    assert refused.value.facts["field"] == "items.0.unit_mass_g"


async def test_a_mass_that_nobody_stated_in_older_books_is_entered_once(
    warehouse: Warehouse, tx: PgTx
) -> None:
    item = SkuEntry(sku="COPPER", name_en="Copper", name_zh="铜", unit_mass_g=25_000)
    await warehouse.do(RegisterSkus(items=(item,)))
    await tx.run("UPDATE wms.sku SET unit_mass_g = 0 WHERE sku = 'COPPER'")
    await warehouse.do(RegisterSkus(items=(item,)))
    with pytest.raises(Conflict, match=r"skus\.mass_fixed"):
        await warehouse.do(RegisterSkus(items=(msgspec.structs.replace(item, unit_mass_g=25),)))


async def test_opening_stock_is_over_once_goods_of_the_site_were_on_hold(
    warehouse: Warehouse, tx: PgTx
) -> None:
    """New labels on pledged pallets would be other goods, to be lent against again; a delivery is heard."""
    units = await warehouse.stock(1)
    hold_id = await place_hold(tx, SITE, units, "pledge", "pledge_1")
    later = DeclareOpeningStock(site_id=SITE, rows=(an_opening_row(9),))
    with pytest.raises(Conflict) as refused:
        await warehouse.do(later)
    assert (refused.value.key, refused.value.facts) == (
        "opening.over",
        {"site_id": SITE, "rule": "before the first hold or receipt"},
    )
    await lift_hold(tx, hold_id)
    with pytest.raises(Conflict, match=r"opening\.over"):
        await warehouse.do(later)
    delivery = await warehouse.announce(1)
    await warehouse.hear(*(warehouse.crossed(unit_id) for unit_id in delivery.unit_ids))
    assert await tx.value("SELECT sum(quantity_each) FROM wms.balance") == 200


PALLETS_OWN_TAG = epc_from_giai(PREFIX, 1)
"""It says no SSCC, so that it may be on a pallet of any."""


async def test_part_of_a_hold_is_freed_and_the_hold_goes_on_for_the_rest(
    warehouse: Warehouse, tx: PgTx
) -> None:
    unit_ids = await warehouse.stock(3)
    hold_id = await place_hold(tx, SITE, unit_ids, "third_party", "ref")
    await free_units(tx, hold_id, unit_ids[:1])
    [told] = warehouse.sent(HoldLifted)
    assert told.unit_ids == (unit_ids[0],)
    await warehouse.do(AdjustStock(unit_id=unit_ids[0], counted_each=0, reason="Stolen"))
    with pytest.raises(Conflict, match=r"stock\.held_count"):
        await warehouse.do(AdjustStock(unit_id=unit_ids[1], counted_each=0, reason="Stolen"))
    await lift_hold(tx, hold_id)
    with pytest.raises(Conflict, match=r"stock\.hold_lifted"):
        await free_units(tx, hold_id, unit_ids[1:])
    for journal in await audit(tx):
        assert journal.findings == []


async def a_second_site(warehouse: Warehouse, tx: PgTx) -> Warehouse:
    """The same keeper's other warehouse, of the same layout."""
    other = Warehouse(tx, "site-other")
    layout = msgspec.structs.replace(await layout_of(tx, SITE), site_id=other.site_id)
    await other.do(ImportLayout(layout=layout, keeper_party_id=KEEPER))
    return other


@pytest.mark.parametrize(
    "label",
    [
        {},
        {"sscc": sscc(8)},
        {"epc_hex": epc_from_giai(PREFIX, 8)},
        {"sscc": sscc(8), "epc_hex": PALLETS_OWN_TAG.lower()},
    ],
)
async def test_a_label_or_tag_that_is_in_stock_at_another_site_is_refused(
    warehouse: Warehouse, tx: PgTx, label: dict[str, str]
) -> None:
    """The same pallets would carry a receipt at each site. Nobody is told where they are."""
    own = an_opening_row(1, epc_hex=PALLETS_OWN_TAG)
    await warehouse.do(DeclareOpeningStock(site_id=SITE, rows=(own,)))
    other = await a_second_site(warehouse, tx)
    row = msgspec.structs.replace(own, **label)
    unit = DeliveryUnit(sscc=row.sscc, epc_hex=row.epc_hex, quantity_each=100, expected_mass_g=PALLET_G)
    for enter in (
        other.do(DeclareOpeningStock(site_id=other.site_id, rows=(row,))),
        other.announce(units=(unit,)),
    ):
        with pytest.raises(Conflict) as refused:
            await enter
        assert (refused.value.key, refused.value.facts) == ("stock.code_taken", {"ssccs": [row.sscc]})
    assert await tx.value("SELECT count(*) FROM wms.unit") == 1


async def test_a_pallet_is_expected_on_one_vehicle_at_one_site(warehouse: Warehouse, tx: PgTx) -> None:
    delivery = await warehouse.announce(1)
    other = await a_second_site(warehouse, tx)
    with pytest.raises(Conflict, match=r"stock\.code_taken"):
        await other.announce(1)
    await warehouse.hear(warehouse.at_gate(delivery.vehicle_id, "in"), warehouse.left(delivery.vehicle_id))
    await other.announce(1)


async def test_a_pallet_that_left_one_site_comes_to_another_with_its_label(
    warehouse: Warehouse, tx: PgTx
) -> None:
    units = await warehouse.stock(1)
    other = await a_second_site(warehouse, tx)
    row = an_opening_row(1)
    moved = DeliveryUnit(sscc=row.sscc, epc_hex=row.epc_hex, quantity_each=100, expected_mass_g=PALLET_G)
    await warehouse.do(AdjustStock(unit_id=units[0], counted_each=0, reason="gone to the other site"))
    delivery = await other.announce(units=(moved,))
    await other.hear(*(other.crossed(unit_id) for unit_id in delivery.unit_ids))
    with pytest.raises(Conflict, match=r"stock\.code_taken"):
        await warehouse.do(AdjustStock(unit_id=units[0], counted_each=100, reason="found again"))
