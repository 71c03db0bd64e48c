"""Promising stock: first in first out, whole pallets first, never held stock."""

from typing import Any

from wms.allocation.model import Want, allocate
from wms.stock.model import STAGING_IN, STAGING_OUT, Balance


def a_balance(balance_id: int, quantity_each: int, **changes: Any) -> Balance:
    row: dict[str, Any] = {
        "owner_party_id": "owner-a",
        "sku": "85123A",
        "lot_id": "lot_1",
        "unit_id": f"unit_{balance_id}",
        "bin": f"A01-{balance_id:02d}-1",
        "status": "available",
        "hold_id": None,
        "reserved_each": 0,
    }
    return Balance(balance_id=balance_id, quantity_each=quantity_each, **{**row, **changes})


def a_want(quantity_each: int, line_no: int = 1, **changes: Any) -> Want:
    want = Want("order_1", line_no, "owner-a", "85123A", None, frozenset(), quantity_each)
    return want._replace(**changes)


def taken(wants: list[Want], balances: list[Balance]) -> list[tuple[int, int]]:
    return [
        (promise.balance.balance_id, promise.quantity_each) for promise in allocate(wants, balances).promises
    ]


def test_the_older_lot_goes_first() -> None:
    stock = [a_balance(1, 100, lot_id="lot_2"), a_balance(2, 100, lot_id="lot_1")]
    assert taken([a_want(150)], stock) == [(2, 100), (1, 50)]


def test_whole_pallets_go_before_pieces_and_the_largest_first() -> None:
    stock = [a_balance(1, 40), a_balance(2, 100), a_balance(3, 60)]
    assert taken([a_want(110)], stock) == [(2, 100), (1, 10)]


def test_pieces_come_from_the_pallet_with_least_left() -> None:
    stock = [a_balance(1, 100), a_balance(2, 30, reserved_each=10)]
    assert taken([a_want(15)], stock) == [(2, 15)]


def test_two_lines_never_get_the_same_pieces() -> None:
    stock = [a_balance(1, 100)]
    result = allocate([a_want(70), a_want(70, line_no=2)], stock)
    assert [promise.quantity_each for promise in result.promises] == [70, 30]
    assert [(short.want.line_no, short.missing_each) for short in result.shortages] == [(2, 40)]


def test_held_stock_is_never_promised_but_named() -> None:
    stock = [a_balance(1, 100, hold_id="hold_1"), a_balance(2, 10)]
    result = allocate([a_want(50)], stock)
    assert [promise.balance.balance_id for promise in result.promises] == [2]
    assert [row.unit_id for row in result.shortages[0].held] == ["unit_1"]


def test_stock_that_is_not_available_is_not_promised() -> None:
    assert taken([a_want(10)], [a_balance(1, 100, status="inspect")]) == []


def test_goods_on_a_floor_bin_are_not_promised() -> None:
    assert taken([a_want(10)], [a_balance(1, 100, bin=STAGING_IN), a_balance(2, 100, bin=STAGING_OUT)]) == []


def test_another_owners_stock_is_never_taken() -> None:
    assert taken([a_want(10)], [a_balance(1, 100, owner_party_id="owner-b")]) == []


def test_a_line_of_one_lot_or_of_named_units_takes_only_those() -> None:
    stock = [a_balance(1, 100), a_balance(2, 100, lot_id="lot_2"), a_balance(3, 100, lot_id="lot_2")]
    assert taken([a_want(100, lot_id="lot_2")], stock) == [(2, 100)]
    assert taken([a_want(100, unit_ids=frozenset({"unit_2"}))], stock) == [(2, 100)]
