"""Moving, holding and correcting stock. Other slices move stock only through `apply_moves`."""

from collections.abc import Collection, Mapping, Sequence

from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import HoldId
from kernel.messages import StockClaimed
from kernel.tx import ReadTx, Row, Tx
from twin import api as twin
from wms.messages import AdjustStock, HoldLifted, HoldPlaced, StockAdjusted
from wms.stock import store
from wms.stock.model import (
    CORRECTION,
    UNITS_HELD_MAX,
    Balance,
    BookUnit,
    Change,
    Goods,
    LotBook,
    Move,
    Place,
    changes_of,
    is_outside,
    mass_share_g,
    require_enough,
    slot_of,
)

REASON_LENGTH_MAX = 200


async def sees_site(read: ReadTx, site_id: str) -> bool:
    """Whether the caller's party may see the site; the product itself may.

    Whoever looks a thing up by its own id answers a foreign one as one that is not there, and names no site.
    """
    return read.caller.party_id == "product" or await store.site_visible(read, site_id)


async def require_site(read: ReadTx, site_id: str) -> None:
    """NotFound `sites.unknown` unless the caller's party may see the site that it named."""
    if not await sees_site(read, site_id):
        raise NotFound("sites.unknown", site_id=site_id)


async def apply_moves(tx: Tx, site_id: str, moves: Sequence[Move]) -> dict[tuple[Goods, Place], int]:
    """Carry out moves of one site: lock their units, check, change balances, append to the journal.

    Returns the balances touched: goods and place to balance id.

    Raises Conflict `stock.held` when held pieces would change place and `stock.not_enough` when a balance
    would fall below zero or below its promises. Costs a handful of statements however many moves there are.
    """
    if not moves:
        return {}
    changes = changes_of(moves)
    locked = await store.lock_balances_of_units(tx, site_id, [change.place.unit_id for change in changes])
    balances = {(balance.goods, balance.place): balance for balance in locked}
    require_enough(changes, balances)
    less, more = _split(changes, balances)
    await store.take(tx, less)
    made = await store.put(tx, site_id, more)
    await store.append_moves(tx, site_id, moves)
    return made | {key: balance.balance_id for key, balance in balances.items()}


def _split(
    changes: Sequence[Change], balances: dict[tuple[Goods, Place], Balance]
) -> tuple[list[tuple[int, Change]], list[Change]]:
    """Changes of rows that exist (with their ids), and changes that make rows."""
    less, more = [], []
    for change in changes:
        balance = balances.get((change.goods, change.place))
        if balance is None:
            more.append(change)
        else:
            less.append((balance.balance_id, change))
    return less, more


async def declare_places(tx: Tx, site_id: str, slot_of_unit: Mapping[str, str | None], cause: str) -> None:
    """Tell the twin where the books now say that units stand (None: in no slot any more), in the transaction
    that makes them say it. A claim, never evidence."""
    claims = [
        StockClaimed(site_id=site_id, unit_id=unit_id, slot_id=slot_id, claimed_at=tx.now, cause=cause)
        for unit_id, slot_id in sorted(slot_of_unit.items())
    ]
    if claims:
        await twin.declare_claims(tx, claims)


async def place_hold(
    tx: Tx, site_id: str, unit_ids: Sequence[str], reason_code: str, holder_ref: str
) -> HoldId:
    """Hold units where they stand, in the caller's transaction; they can be neither moved nor promised.

    `holder_ref` is the holder's own reference, kept and never read. Raises Invalid for no units or too many,
    NotFound `stock.unit_unknown`, Conflict `stock.already_held` or `stock.reserved` naming the units.
    """
    wanted = sorted(set(unit_ids))
    if not 1 <= len(wanted) <= UNITS_HELD_MAX:
        raise Invalid("stock.hold_units", field="unit_ids", rule=f"1 to {UNITS_HELD_MAX} units")
    balances = [row for row in await store.lock_balances_of_units(tx, site_id, wanted) if row.quantity_each]
    _refuse_unholdable(wanted, balances)
    hold_id = tx.ids.new("hold")
    hold = {"hold_id": hold_id, "site_id": site_id, "reason_code": reason_code, "holder_ref": holder_ref}
    await store.insert_hold(tx, hold, wanted)
    await store.end_opening(tx, site_id)
    await apply_moves(
        tx,
        site_id,
        [
            Move(
                row.goods,
                row.quantity_each,
                row.place,
                row.place._replace(hold_id=hold_id),
                "hold",
                hold_id,
            )
            for row in balances
        ],
    )
    tx.emit(HoldPlaced(**hold, unit_ids=tuple(wanted), placed_at=tx.now))
    return HoldId(hold_id)


def _refuse_unholdable(wanted: Sequence[str], balances: Sequence[Balance]) -> None:
    missing = sorted(set(wanted) - {row.unit_id for row in balances})
    if missing:
        raise NotFound("stock.unit_unknown", unit_ids=missing)
    held = sorted({row.unit_id for row in balances if row.hold_id is not None})
    if held:
        raise Conflict("stock.already_held", unit_ids=held)
    promised = sorted({row.unit_id for row in balances if row.reserved_each})
    if promised:
        raise Conflict("stock.reserved", unit_ids=promised)


async def end_opening(tx: Tx, site_id: str) -> None:
    """Others rely on the goods of the site by now, under a hold or a document: opening stock is over."""
    await store.end_opening(tx, site_id)


async def lift_hold(tx: Tx, hold_id: str) -> None:
    """Free the units of a hold. Raises NotFound `stock.hold_unknown`, Conflict `stock.hold_lifted` when it
    was lifted before: a hold ends once."""
    hold = await _live_hold(tx, hold_id)
    await _free(tx, hold, await store.units_of_hold(tx, hold_id))
    await store.end_hold(tx, hold_id)


async def free_units(tx: Tx, hold_id: str, unit_ids: Collection[str]) -> None:
    """Free these of a hold's units; it goes on for the others. Raises as `lift_hold` does."""
    hold = await _live_hold(tx, hold_id)
    freed = [unit_id for unit_id in await store.units_of_hold(tx, hold_id) if unit_id in unit_ids]
    await _free(tx, hold, freed)
    await store.free_units(tx, hold_id, freed)


async def _live_hold(tx: Tx, hold_id: str) -> Row:
    hold = await store.lock_hold(tx, hold_id)
    if hold is None:
        raise NotFound("stock.hold_unknown", hold_id=hold_id)
    if hold["lifted_at"] is not None:
        raise Conflict("stock.hold_lifted", hold_id=hold_id)
    return hold


async def _free(tx: Tx, hold: Row, unit_ids: Sequence[str]) -> None:
    """Move what the books have of the units out of the hold, and tell it."""
    hold_id = hold["hold_id"]
    balances = await store.lock_balances_of_units(tx, hold["site_id"], unit_ids)
    moves = [
        Move(row.goods, row.quantity_each, row.place, row.place._replace(hold_id=None), "lift", hold_id)
        for row in balances
        if row.hold_id == hold_id and row.quantity_each
    ]
    await apply_moves(tx, hold["site_id"], moves)
    tx.emit(
        HoldLifted(
            site_id=hold["site_id"],
            hold_id=hold_id,
            unit_ids=tuple(unit_ids),
            reason_code=hold["reason_code"],
            holder_ref=hold["holder_ref"],
            lifted_at=tx.now,
        )
    )


async def book_of_lot(read: ReadTx, lot_id: str) -> LotBook:
    """The books of a lot: its pallets on stock, held ones too. NotFound `lots.unknown`."""
    lot = await store.find_lot(read, lot_id)
    if lot is None:
        raise NotFound("lots.unknown", lot_id=lot_id)
    units = [
        BookUnit(
            unit_id=row["unit_id"],
            quantity_each=row["quantity_each"],
            mass_g=mass_share_g(row["full_mass_g"], row["full_each"], row["quantity_each"]),
            hold_id=row["hold_id"],
            slot_id=slot_of(row["bin"]),
        )
        for row in await store.book_units(read, lot_id)
    ]
    return LotBook(
        lot_id=lot_id,
        site_id=lot["site_id"],
        owner_party_id=lot["owner_party_id"],
        sku=lot["sku"],
        units=units,
    )


async def adjust_stock(command: AdjustStock, tx: Tx) -> None:
    """Correct a unit's books to what was counted; the difference is a new move against `@correction`.

    Raises Invalid `stock.count_too_high` above what came with the unit and has not left it, Conflict
    `stock.held_count` under a hold and `stock.code_taken` when the books have nothing of the unit any more
    and its label is in stock at another site.
    """
    if not command.reason.strip() or len(command.reason) > REASON_LENGTH_MAX:
        raise Invalid("stock.reason", field="reason", rule=f"1 to {REASON_LENGTH_MAX} characters")
    if command.counted_each < 0:
        raise Invalid("stock.counted", field="counted_each", rule="0 or more")
    unit = (await store.units_by_id(tx, [command.unit_id])).get(command.unit_id)
    if unit is None or not await sees_site(tx, unit["site_id"]):
        raise NotFound("stock.unit_unknown", unit_ids=[command.unit_id])
    balances = await store.lock_balances_of_units(tx, unit["site_id"], [command.unit_id])
    await _refuse_too_high(tx, command)
    balance = _only_balance(command.unit_id, balances)
    move = _correction(balance, command)
    if move is None:
        return
    if balance.quantity_each == 0 and await store.is_elsewhere(tx, unit):
        raise Conflict("stock.code_taken", ssccs=[unit["sscc"]])
    await apply_moves(tx, unit["site_id"], [move])
    if unit["kind"] == "pallet":
        await _declare_count(tx, unit["site_id"], balance, command.counted_each)
    tx.emit(
        StockAdjusted(
            site_id=unit["site_id"],
            unit_id=command.unit_id,
            lot_id=balance.lot_id,
            before_each=balance.quantity_each,
            after_each=command.counted_each,
            reason=command.reason,
            adjusted_at=tx.now,
        )
    )


async def _declare_count(tx: Tx, site_id: str, before: Balance, counted_each: int) -> None:
    """Tell the twin of a pallet that the books have nothing of any more, or something of again."""
    if counted_each == 0:
        await declare_places(tx, site_id, {before.unit_id: None}, "counted_out")
    elif before.quantity_each == 0:
        await declare_places(tx, site_id, {before.unit_id: slot_of(before.bin)}, "counted_in")


async def _refuse_too_high(tx: Tx, command: AdjustStock) -> None:
    """A count finds pieces that were lost sight of. It makes no unit hold more than came in with it, and
    brings none back that was picked out of it or went through the gate."""
    most_each = await store.net_into_unit(tx, command.unit_id)
    if command.counted_each > most_each:
        raise Invalid(
            "stock.count_too_high",
            field="counted_each",
            rule=f"at most {most_each}",
            counted_each=command.counted_each,
            most_each=most_each,
        )


def _only_balance(unit_id: str, balances: Sequence[Balance]) -> Balance:
    """The one row a counted unit has; a unit whose pieces lie in several places is counted place by place."""
    rows = [row for row in balances if row.quantity_each] or list(balances)[:1]
    if len(rows) != 1:
        raise Conflict("stock.in_several_places", unit_id=unit_id, places=[row.bin for row in rows])
    return rows[0]


def _correction(balance: Balance, command: AdjustStock) -> Move | None:
    """The move that makes the books say what was counted. Held stock is corrected by its holder's leave
    only: Conflict `stock.held_count`."""
    difference = command.counted_each - balance.quantity_each
    if difference == 0:
        return None
    if balance.hold_id is not None:
        raise Conflict("stock.held_count", unit_ids=[balance.unit_id], hold_id=balance.hold_id)
    outside = Place(balance.unit_id, CORRECTION)
    assert is_outside(outside.bin)
    origin, target = (outside, balance.place) if difference > 0 else (balance.place, outside)
    return Move(balance.goods, abs(difference), origin, target, "correction", command.reason)
