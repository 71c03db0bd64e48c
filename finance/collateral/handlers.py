"""Pledging, valuing and releasing collateral. Locks the facility first, then the receipt."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from finance.collateral import model, store
from finance.collateral.model import Valuation
from finance.facilities import store as facility_store
from finance.facilities.handlers import lock_facility
from finance.facilities.model import Facility, require_open
from finance.ledger.model import BANK_ZONE, local_date
from finance.messages import (
    FacilityRevalued,
    PledgeReceipt,
    PledgeReleased,
    ReleasePledge,
    StockPledged,
)
from finance.receipts import store as receipt_store
from finance.receipts.handlers import Receipt, current_evidence, lock_receipt, take_step
from finance.receipts.model import SHOWN_UNITS_MAX
from finance.vouching.handlers import (
    require_own_look,
    require_own_sight,
    require_seen_since,
    require_sure,
    require_watched,
)
from identity.api import grant_access, revoke_access
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.tx import Tx
from twin.api import unit_states
from twin.messages import VerifiedStockChanged
from wms.api import book_of_lot, lift_hold, place_hold

HOLD_REASON = "third_party"
"""What the floor reads: whose hold it is and why concerns the parties to the pledge only."""


class PledgeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a command on a pledge leaves: where to read it."""

    pledge_id: str
    receipt_id: str
    facility_id: str


async def pledge_receipt(command: PledgeReceipt, tx: Tx) -> PledgeAnswer:
    """Pledge a receipt: the bank controls it, its units are held, the bank sees receipt and lot.

    NotFound unless the caller controls the receipt and is the facility's borrower; Conflict when the facility
    is not open, its bank did not accept the devices that are evidence there or were for these goods, a gate
    there is not watched, or the goods lie elsewhere, have no price or are held or promised already.
    """
    facility = await lock_facility(tx, command.facility_id)
    if facility.borrower_party_id != tx.caller.party_id:
        raise NotFound("facility.unknown", facility_id=command.facility_id)
    receipt = await lock_receipt(tx, command.receipt_id)
    _require_controller(receipt, tx)
    require_open(facility)
    await require_own_look(tx, facility)
    await require_watched(tx, facility)
    await require_own_sight(tx, facility, receipt.live_unit_ids)
    await require_seen_since(tx, facility, receipt.live_unit_ids)
    await _require_pledgeable(tx, receipt, facility)
    pledge_id = tx.ids.new("pledge")
    facts = {"pledge_id": pledge_id, "facility_id": facility.facility_id, "to": facility.bank_party_id}
    await take_step(tx, receipt, "pledged", facility.bank_party_id, facts)
    hold_id = await place_hold(tx, receipt.site_id, receipt.live_unit_ids, HOLD_REASON, pledge_id)
    await _insert_pledge(tx, pledge_id, str(hold_id), receipt, facility)
    for subject_id in (receipt.receipt_id, receipt.lot_id):
        await grant_access(tx, facility.bank_party_id, subject_id, cause="pledge")
    await revalue(tx, facility, "pledge")
    _tell_pledged(tx, pledge_id, receipt, facility)
    return PledgeAnswer(pledge_id=pledge_id, receipt_id=receipt.receipt_id, facility_id=facility.facility_id)


def _require_controller(receipt: Receipt, tx: Tx) -> None:
    """Only the controller acts. To anybody but the parties to the receipt it does not exist."""
    parties = (receipt.depositor_party_id, receipt.keeper_party_id, receipt.controller_party_id)
    if tx.caller.party_id not in parties:
        raise NotFound("receipts.unknown", receipt_id=receipt.receipt_id)
    if receipt.state == "pledged":
        raise Conflict("pledge.already_pledged", receipt_id=receipt.receipt_id)
    if receipt.controller_party_id != tx.caller.party_id:
        raise Forbidden("receipts.not_controller", receipt_id=receipt.receipt_id)


async def _require_pledgeable(tx: Tx, receipt: Receipt, facility: Facility) -> None:
    if receipt.site_id != facility.site_id:
        raise Conflict("pledge.other_site", site_id=receipt.site_id, facility_site_id=facility.site_id)
    if receipt.storage_until < local_date(tx.now, BANK_ZONE):
        raise Conflict("pledge.receipt_expired", storage_until=receipt.storage_until.isoformat())
    await _require_book(tx, receipt)
    if not await store.prices(tx, facility.bank_party_id, facility.currency, [receipt.sku]):
        raise Conflict("pledge.no_price", sku=receipt.sku, bank_party_id=facility.bank_party_id)


async def _require_book(tx: Tx, receipt: Receipt) -> None:
    """The book of every unit still says what its receipt does."""
    stated = await receipt_store.live_quantities(tx, receipt.receipt_id)
    in_book = {unit.unit_id: unit.quantity_each for unit in (await book_of_lot(tx, receipt.lot_id)).units}
    differing = [unit_id for unit_id, pieces in stated.items() if in_book.get(unit_id, 0) != pieces]
    if differing:
        unit_ids = sorted(differing)[:SHOWN_UNITS_MAX]
        raise Conflict("pledge.book_differs", receipt_id=receipt.receipt_id, unit_ids=unit_ids)


async def _insert_pledge(tx: Tx, pledge_id: str, hold_id: str, receipt: Receipt, facility: Facility) -> None:
    await store.insert_pledge(
        tx,
        {
            "pledge_id": pledge_id,
            "receipt_id": receipt.receipt_id,
            "facility_id": facility.facility_id,
            "bank_party_id": facility.bank_party_id,
            "site_id": receipt.site_id,
            "lot_id": receipt.lot_id,
            "sku": receipt.sku,
            "hold_id": hold_id,
        },
    )
    facts = {"receipt_id": receipt.receipt_id, "lot_id": receipt.lot_id, "units": len(receipt.live_unit_ids)}
    await facility_store.append(tx, facility.facility_id, "pledged", facts)


def _tell_pledged(tx: Tx, pledge_id: str, receipt: Receipt, facility: Facility) -> None:
    tx.emit(
        StockPledged(
            site_id=receipt.site_id,
            pledge_id=pledge_id,
            receipt_id=receipt.receipt_id,
            facility_id=facility.facility_id,
            lot_id=receipt.lot_id,
            unit_ids=receipt.live_unit_ids,
            pledged_at=tx.now,
        )
    )


async def release_pledge(command: ReleasePledge, tx: Tx) -> PledgeAnswer:
    """Give a receipt back to its depositor and lift the hold.

    NotFound for another bank's pledge; Conflict when it was released, the facility is frozen (unless nothing
    is owed and the goods are gone), or what stays would not cover the debt. While anything is owed, what
    stays must also be such as money may be drawn on: see `require_sure`.
    """
    pledge = await store.find_pledge(tx, command.pledge_id)
    if pledge is None or pledge["bank_party_id"] != tx.caller.party_id:
        raise NotFound("pledge.unknown", pledge_id=command.pledge_id)
    facility = await lock_facility(tx, pledge["facility_id"])
    receipt = await lock_receipt(tx, pledge["receipt_id"])
    model.require_releasable(facility, await unit_states(tx, receipt.live_unit_ids))
    if not await store.end_pledge(tx, command.pledge_id):
        raise Conflict("pledge.released", pledge_id=command.pledge_id)
    facts = {"pledge_id": command.pledge_id, "to": receipt.depositor_party_id}
    released_at = await take_step(tx, receipt, "released", receipt.depositor_party_id, facts)
    model.require_covered(facility, await revalue(tx, facility, "release"))
    if facility.debt_fen:
        await require_sure(tx, facility, await store.lots_of_pledged_units(tx, facility.facility_id))
    await lift_hold(tx, pledge["hold_id"])
    await _end_sight(tx, facility.bank_party_id, receipt, released_at)
    _tell_released(tx, command.pledge_id, receipt, facility)
    history = {"receipt_id": receipt.receipt_id, "lot_id": receipt.lot_id}
    await facility_store.append(tx, facility.facility_id, "released", history)
    return PledgeAnswer(
        pledge_id=command.pledge_id, receipt_id=receipt.receipt_id, facility_id=facility.facility_id
    )


async def _end_sight(tx: Tx, bank_party_id: str, receipt: Receipt, released_at: datetime) -> None:
    """The bank goes on reading the receipt up to its release; it sees a lot no longer than it holds a receipt
    on it."""
    await revoke_access(tx, bank_party_id, receipt.receipt_id, cause="pledge released", valid_to=released_at)
    if not await store.bank_still_on_lot(tx, bank_party_id, receipt.lot_id):
        await revoke_access(tx, bank_party_id, receipt.lot_id, cause="pledge released")


def _tell_released(tx: Tx, pledge_id: str, receipt: Receipt, facility: Facility) -> None:
    tx.emit(
        PledgeReleased(
            site_id=receipt.site_id,
            pledge_id=pledge_id,
            receipt_id=receipt.receipt_id,
            facility_id=facility.facility_id,
            lot_id=receipt.lot_id,
            unit_ids=receipt.live_unit_ids,
            released_at=tx.now,
        )
    )


async def value_facility(tx: Tx, facility: Facility) -> Valuation:
    """What the facility's pledges are worth now, asking the twin and the book about every lot."""
    pledged = (await store.collateral(tx, [facility.facility_id]))[facility.facility_id]
    lots = sorted({goods.lot_id for goods in pledged})
    evidence = {lot_id: await current_evidence(tx, lot_id) for lot_id in lots}
    skus = [goods.sku for goods in pledged]
    prices = await store.prices(tx, facility.bank_party_id, facility.currency, skus)
    parts = model.value_all(pledged, evidence, prices, facility.rule, tx.now)
    return model.total(parts, facility.rule)


async def revalue(tx: Tx, facility: Facility, cause: str) -> Valuation:
    """Value a locked facility and keep the result; history and an event when it changed."""
    valuation = await value_facility(tx, facility)
    margin = model.margin_state(facility.debt_fen, valuation.adjusted_fen, facility.rule)
    if (valuation.lendable_fen, margin) == (facility.lendable_fen, facility.margin_state):
        return valuation
    await facility_store.set_value(tx, facility.facility_id, valuation.lendable_fen, margin)
    facts: dict[str, Any] = {**model.explained(valuation), "cause": cause, "margin_state": margin}
    await facility_store.append(tx, facility.facility_id, "revalued", facts)
    tx.emit(
        FacilityRevalued(
            site_id=facility.site_id,
            facility_id=facility.facility_id,
            lendable_fen=valuation.lendable_fen,
            debt_fen=facility.debt_fen,
            margin_state=margin,
            revalued_at=tx.now,
        )
    )
    return valuation


async def revalue_all(tx: Tx, facility_ids: Sequence[str], cause: str) -> None:
    """Revalue facilities one after another, in the order given."""
    for facility_id in facility_ids:
        await revalue(tx, await lock_facility(tx, facility_id), cause)


async def on_verified_stock_changed(event: VerifiedStockChanged, tx: Tx) -> None:
    """New evidence revalues the facilities the lot is pledged to; without any it is kept for the receipt."""
    facilities = await store.facilities_of_lot(tx, event.lot_id)
    if facilities:
        await revalue_all(tx, facilities, "evidence")
    elif await receipt_store.has_receipts(tx, event.lot_id):
        await current_evidence(tx, event.lot_id)
