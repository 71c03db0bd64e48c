"""Pure stock words and decisions: places, moves, what a set of moves does to balances.

Every bin is a slot of the layout, one of the two floor bins below, or outside the books (`@…`): moves name
outside bins, no balance exists for them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from kernel.errors import Conflict

STAGING_IN = "staging-in"
STAGING_OUT = "staging-out"
FLOOR_BINS = frozenset({STAGING_IN, STAGING_OUT})
"""Floor bins of every site: goods that came and are not yet put away, goods picked and not yet gone."""

OPENING = "@opening"
SUPPLIER = "@supplier"
CUSTOMER = "@customer"
CORRECTION = "@correction"
UNITS_HELD_MAX = 5_000

Status = Literal["available", "inspect", "damaged"]
Cause = Literal[
    "opening", "receipt", "putaway", "pick", "shipment", "hold", "lift", "correction", "status", "unpick"
]


def is_outside(bin_name: str) -> bool:
    """True for bins that are not in the books."""
    return bin_name.startswith("@")


def slot_of(bin_name: str) -> str | None:
    """The slot that a bin is, or None for floor bins and outside."""
    return None if bin_name in FLOOR_BINS or is_outside(bin_name) else bin_name


class Goods(NamedTuple):
    """What is moved: pieces of one item, of one lot, of one owner."""

    owner_party_id: str
    sku: str
    lot_id: str


class Place(NamedTuple):
    """Where pieces are in the books."""

    unit_id: str
    bin: str
    status: str = "available"
    hold_id: str | None = None


class Move(NamedTuple):
    """Pieces leave one place and enter another. `promised` says that they are reserved pieces, whose
    promise goes with them (and ends outside the books)."""

    goods: Goods
    quantity_each: int
    origin: Place
    target: Place
    cause: Cause
    ref_id: str
    evidence_id: str | None = None
    promised: bool = False


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """One balance row: `quantity_each` pieces at a place, `reserved_each` of them promised."""

    balance_id: int
    owner_party_id: str
    sku: str
    lot_id: str
    unit_id: str
    bin: str
    status: str
    hold_id: str | None
    quantity_each: int
    reserved_each: int

    @property
    def goods(self) -> Goods:
        return Goods(self.owner_party_id, self.sku, self.lot_id)

    @property
    def place(self) -> Place:
        return Place(self.unit_id, self.bin, self.status, self.hold_id)

    @property
    def free_each(self) -> int:
        """Pieces that may still be promised: none of held or not available stock."""
        if self.hold_id is not None or self.status != "available":
            return 0
        return self.quantity_each - self.reserved_each


class BookUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit as the books have it. `slot_id` is None on a floor bin; `mass_g` is by declaration."""

    unit_id: str
    quantity_each: int
    mass_g: int
    hold_id: str | None
    slot_id: str | None


class LotBook(msgspec.Struct, frozen=True, kw_only=True):
    """The books of a lot: its units that are on stock, in order of their ids."""

    lot_id: str
    site_id: str
    owner_party_id: str
    sku: str
    units: list[BookUnit]


class Change(NamedTuple):
    """What happens to one balance: both figures are differences."""

    goods: Goods
    place: Place
    quantity_each: int
    reserved_each: int


def changes_of(moves: Iterable[Move]) -> list[Change]:
    """The differences that moves make, one per balance touched; places outside the books have none.

    Raises Conflict `stock.held` when held pieces would change bin or unit: wms refuses and never asks why.
    """
    quantity: Counter[tuple[Goods, Place]] = Counter()
    reserved: Counter[tuple[Goods, Place]] = Counter()
    touched: dict[tuple[Goods, Place], None] = {}
    for move in moves:
        refuse_held(move)
        for place, sign in ((move.origin, -1), (move.target, 1)):
            if is_outside(place.bin):
                continue
            key = (move.goods, place)
            touched[key] = None
            quantity[key] += sign * move.quantity_each
            reserved[key] += sign * move.quantity_each if move.promised else 0
    return [Change(*key, quantity[key], reserved[key]) for key in touched]


def refuse_held(move: Move) -> None:
    """Raise Conflict `stock.held` when the move would carry held pieces to another bin or unit."""
    held = move.origin.hold_id or move.target.hold_id
    stays = move.origin.unit_id == move.target.unit_id and move.origin.bin == move.target.bin
    if held is not None and not stays:
        raise Conflict("stock.held", unit_ids=[move.origin.unit_id], hold_id=held)


def require_enough(changes: Sequence[Change], balances: Mapping[tuple[Goods, Place], Balance]) -> None:
    """Raise Conflict `stock.not_enough` for the first balance that would fall below zero, or below what
    is promised of it."""
    for change in changes:
        balance = balances.get((change.goods, change.place))
        have, promised = (balance.quantity_each, balance.reserved_each) if balance else (0, 0)
        left, promised_left = have + change.quantity_each, promised + change.reserved_each
        if left < 0 or promised_left < 0 or promised_left > left:
            raise Conflict(
                "stock.not_enough",
                unit_id=change.place.unit_id,
                bin=change.place.bin,
                wanted_each=-change.quantity_each,
                available_each=have - promised if change.reserved_each == 0 else promised,
            )


def picked_mass_g(full_mass_g: int, full_each: int, quantity_each: int, piece_g: int) -> int:
    """What a pick should weigh: a pallet taken whole with its wood and wrap, loose pieces by themselves.

    `piece_g` 0 when the catalogue does not know; then loose pieces weigh their share of the pallet.
    """
    if quantity_each == full_each or piece_g == 0:
        return mass_share_g(full_mass_g, full_each, quantity_each)
    return quantity_each * piece_g


def mass_share_g(full_mass_g: int, full_each: int, quantity_each: int) -> int:
    """The declared mass of a part of a unit, rounded down; the whole mass for the whole unit."""
    return full_mass_g * quantity_each // full_each if full_each else 0
