"""Moves and what they do to balances."""

import pytest

from kernel.errors import Conflict
from wms.stock.model import (
    CUSTOMER,
    OPENING,
    STAGING_OUT,
    Balance,
    Goods,
    Move,
    Place,
    changes_of,
    mass_share_g,
    require_enough,
    slot_of,
)

GOODS = Goods("owner-a", "85123A", "lot_1")
SLOT = Place("unit_1", "A01-01-1")


def a_balance(quantity_each: int, reserved_each: int = 0) -> Balance:
    return Balance(
        balance_id=1,
        owner_party_id="owner-a",
        sku="85123A",
        lot_id="lot_1",
        unit_id="unit_1",
        bin="A01-01-1",
        status="available",
        hold_id=None,
        quantity_each=quantity_each,
        reserved_each=reserved_each,
    )


def test_a_move_takes_here_and_puts_there() -> None:
    out = Place("parcel_1", STAGING_OUT)
    changes = changes_of([Move(GOODS, 5, SLOT, out, "pick", "task_1", promised=True)])
    assert [(change.place, change.quantity_each, change.reserved_each) for change in changes] == [
        (SLOT, -5, -5),
        (out, 5, 5),
    ]


def test_places_outside_the_books_have_no_balance() -> None:
    changes = changes_of([Move(GOODS, 5, Place("unit_1", OPENING), SLOT, "opening", "lot_1")])
    assert [change.place for change in changes] == [SLOT]


def test_moves_of_one_place_add_up() -> None:
    gone = Place("unit_1", CUSTOMER)
    moves = [Move(GOODS, quantity, SLOT, gone, "shipment", "release_1") for quantity in (2, 3)]
    assert [change.quantity_each for change in changes_of(moves)] == [-5]


@pytest.mark.parametrize("target", [Place("unit_1", CUSTOMER), Place("parcel_1", "A01-01-1")])
def test_held_pieces_never_change_bin_or_unit(target: Place) -> None:
    held = SLOT._replace(hold_id="hold_1")
    with pytest.raises(Conflict) as refused:
        changes_of([Move(GOODS, 5, held, target, "pick", "task_1")])
    assert refused.value.key == "stock.held"


def test_holding_pieces_where_they_stand_is_allowed() -> None:
    held = SLOT._replace(hold_id="hold_1")
    assert len(changes_of([Move(GOODS, 5, SLOT, held, "hold", "hold_1")])) == 2


@pytest.mark.parametrize(
    ("balance", "promised"),
    [
        (a_balance(4), False),
        (a_balance(10, reserved_each=6), False),
        (a_balance(10, reserved_each=4), True),
    ],
)
def test_more_than_is_there_or_promised_to_others_is_refused(balance: Balance, promised: bool) -> None:
    move = Move(GOODS, 5, SLOT, Place("unit_1", CUSTOMER), "shipment", "release_1", promised=promised)
    with pytest.raises(Conflict) as refused:
        require_enough(changes_of([move]), {(balance.goods, balance.place): balance})
    assert refused.value.key == "stock.not_enough"


def test_a_place_that_does_not_exist_has_nothing() -> None:
    move = Move(GOODS, 5, SLOT, Place("unit_1", CUSTOMER), "shipment", "release_1")
    with pytest.raises(Conflict):
        require_enough(changes_of([move]), {})


def test_the_mass_of_a_part_is_its_share_rounded_down() -> None:
    assert mass_share_g(1000, 3, 1) == 333
    assert mass_share_g(1000, 3, 3) == 1000
    assert mass_share_g(0, 0, 0) == 0


def test_floor_bins_and_outside_are_no_slots() -> None:
    assert [slot_of(name) for name in ("A01-01-1", STAGING_OUT, CUSTOMER)] == ["A01-01-1", None, None]
