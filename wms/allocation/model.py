"""Pure promising of stock: first in first out, whole pallets before pieces, never held stock."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wms.stock.model import STAGING_IN, STAGING_OUT, Balance

UNITS_SHOWN_MAX = 50


class Want(NamedTuple):
    """What a line still lacks. With `unit_ids` only from those units, with `lot_id` only of that lot."""

    order_id: str
    line_no: int
    owner_party_id: str
    sku: str
    lot_id: str | None
    unit_ids: frozenset[str]
    quantity_each: int


class Promise(NamedTuple):
    """Pieces of one balance for one line."""

    want: Want
    balance: Balance
    quantity_each: int


class Shortage(NamedTuple):
    """What a line still lacks after allocation, and the held units that would have served it."""

    want: Want
    missing_each: int
    held: tuple[Balance, ...]

    @property
    def found_each(self) -> int:
        """What was free for the line, and is promised to it."""
        return self.want.quantity_each - self.missing_each


class Allocation(NamedTuple):
    promises: list[Promise]
    shortages: list[Shortage]


def allocate(wants: Sequence[Want], balances: Iterable[Balance]) -> Allocation:
    """Serve the wants in their order from locked balances.

    First in, first out by lot: ids of lots sort by the time they were made. Within a lot whole pallets that
    the rest of the want uses up (largest first), then pieces from the balance with least left, so that bins
    empty. Goods on a floor bin are not promised: they are not put away, or already another order's.
    """
    rows = [row for row in balances if row.bin not in (STAGING_IN, STAGING_OUT)]
    free = {row.balance_id: row.free_each for row in rows}
    by_sku: dict[tuple[str, str], list[Balance]] = {}
    for row in sorted(rows, key=lambda row: (row.lot_id, row.unit_id, row.balance_id)):
        by_sku.setdefault((row.owner_party_id, row.sku), []).append(row)
    promises: list[Promise] = []
    shortages: list[Shortage] = []
    for want in wants:
        fitting = [row for row in by_sku.get((want.owner_party_id, want.sku), []) if _fits(want, row)]
        taken = _serve(want, fitting, free)
        promises += taken
        missing = want.quantity_each - sum(promise.quantity_each for promise in taken)
        if missing:
            held = tuple(row for row in fitting if row.hold_id is not None)
            shortages.append(Shortage(want, missing, held))
    return Allocation(promises, shortages)


def _fits(want: Want, row: Balance) -> bool:
    in_lot = want.lot_id is None or row.lot_id == want.lot_id
    return in_lot and (not want.unit_ids or row.unit_id in want.unit_ids)


def _serve(want: Want, rows: Sequence[Balance], free: dict[int, int]) -> list[Promise]:
    """Promises for one want; lowers `free`."""
    taken: list[Promise] = []
    rest = want.quantity_each
    lots = dict.fromkeys(row.lot_id for row in rows)
    for lot_id in lots:
        of_lot = [row for row in rows if row.lot_id == lot_id]
        while rest and (row := _next(of_lot, rest, free)) is not None:
            quantity = min(rest, free[row.balance_id])
            free[row.balance_id] -= quantity
            rest -= quantity
            taken.append(Promise(want, row, quantity))
    return taken


def _next(rows: Sequence[Balance], rest: int, free: dict[int, int]) -> Balance | None:
    """The balance to take from next: the largest whole one that is used up, else the one with least left."""
    whole = [row for row in rows if 0 < free[row.balance_id] == row.quantity_each <= rest]
    if whole:
        return min(whole, key=lambda row: (-row.quantity_each, row.balance_id))
    open_rows = [row for row in rows if free[row.balance_id] > 0]
    return min(open_rows, key=lambda row: (free[row.balance_id], row.balance_id)) if open_rows else None
