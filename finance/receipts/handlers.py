"""Issuing, moving and cancelling receipts. Each change is a row of the journal and a row of its sum."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from finance.ledger.model import BANK_ZONE, local_date
from finance.messages import CancelReceipt, IssueReceipt, ReceiptCancelled, ReceiptIssued
from finance.receipts import model, store
from finance.receipts.model import Elements, Goods, LotEvidence, ReceiptState, Step
from finance.receipts.sight import look_at_lot
from identity.api import grant_access, parties_of, party_of
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.tx import Tx
from twin.api import unit_states
from wms.api import LotBook, lot_rows
from wms.messages import ShipmentDeparted


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt as commands see it; the row is locked until the transaction ends."""

    receipt_id: str
    number: int
    state: ReceiptState
    keeper_party_id: str
    depositor_party_id: str
    controller_party_id: str
    site_id: str
    lot_id: str
    sku: str
    lien_fen: int
    storage_until: date
    live_unit_ids: tuple[str, ...]


class ReceiptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a command on a receipt leaves: where to read it, and its number among the keeper's."""

    receipt_id: str
    number: int
    state: ReceiptState


async def issue_receipt(command: IssueReceipt, tx: Tx) -> ReceiptAnswer:
    """Issue a receipt on stock that sensors vouch for.

    NotFound when the keeper does not keep the lot's site; Invalid when an element is missing; Conflict when
    a unit was not seen, not weighed, not verified, states more than was received or weighed, or it, its SSCC
    or its tag is under another live receipt.
    """
    evidence, book = await look_at_lot(tx, command.lot_id)
    await _require_keeper(tx, book)
    elements = _elements(command, command.goods or await _item_name(tx, book))
    model.require_elements(elements, local_date(tx.now, BANK_ZONE))
    await _require_depositor(tx, book, command.depositor_party_id)
    goods = model.choose_goods(goods_of(book), command.unit_ids)
    receipt_id = tx.ids.new("receipt")
    model.require_free(await store.live_among(tx, [item.unit_id for item in goods], receipt_id))
    model.require_seen(goods, evidence, await store.live_in_lot(tx, command.lot_id), evidence.piece_mass_g)
    number = await store.next_number(tx, tx.caller.party_id)
    row = _row(receipt_id, number, elements, book, goods)
    await store.insert(tx, {**row, "keeper_party_id": tx.caller.party_id}, evidence)
    await _cover(tx, receipt_id, goods)
    await _tell_issued(tx, receipt_id, number, book, goods)
    return ReceiptAnswer(receipt_id=receipt_id, number=number, state="issued")


async def _item_name(tx: Tx, book: LotBook) -> str:
    """The item's name in the catalogue, in both languages where they differ."""
    [lot] = await lot_rows(tx, book.site_id, lot_ids=[book.lot_id])
    return " / ".join(dict.fromkeys((lot.name_zh, lot.name_en)))


def _elements(command: IssueReceipt, goods: str) -> Elements:
    return Elements(
        goods=goods,
        loss_standard=command.loss_standard,
        insurance=command.insurance,
        fee_terms=command.fee_terms,
        storage_until=command.storage_until,
        lien_fen=command.lien_fen,
        quality=command.quality,
        package=command.package,
        marks=command.marks,
    )


def goods_of(book: LotBook) -> list[Goods]:
    """The book's units as a receipt would state them."""
    return [
        Goods(
            unit_id=unit.unit_id,
            quantity_each=unit.quantity_each,
            mass_g=unit.mass_g,
            slot_id=unit.slot_id,
        )
        for unit in book.units
    ]


async def _require_keeper(tx: Tx, book: LotBook) -> None:
    """A lot that is kept elsewhere does not exist for this keeper."""
    keeper = await party_of(tx, tx.caller.party_id)
    if keeper.kind != "keeper" or keeper.party_id not in await parties_of(tx, book.site_id):
        raise NotFound("receipts.lot_unknown", lot_id=book.lot_id)


async def _require_depositor(tx: Tx, book: LotBook, depositor_party_id: str) -> None:
    """A receipt goes to the owner of the goods, who is not the keeper itself."""
    if depositor_party_id != book.owner_party_id:
        raise Conflict("receipts.not_the_owner", depositor_party_id=depositor_party_id, lot_id=book.lot_id)
    if depositor_party_id == tx.caller.party_id:
        raise Conflict("receipts.keepers_own_goods", lot_id=book.lot_id)


def _row(
    receipt_id: str, number: int, elements: Elements, book: LotBook, goods: Sequence[Goods]
) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(elements),
        "receipt_id": receipt_id,
        "number": number,
        "depositor_party_id": book.owner_party_id,
        "site_id": book.site_id,
        "lot_id": book.lot_id,
        "sku": book.sku,
        "unit_count": len(goods),
        "quantity_each": sum(item.quantity_each for item in goods),
        "mass_g": sum(item.mass_g for item in goods),
        "place": model.place_text(goods),
    }


async def _cover(tx: Tx, receipt_id: str, goods: Sequence[Goods]) -> None:
    """The unique indexes have the last word: also when two receipts are issued at the same moment, and when
    goods of the same SSCC or tag are under a receipt at another site."""
    states = await unit_states(tx, [item.unit_id for item in goods])
    labels = {state.unit_id: state.sscc for state in states}
    tags = {state.unit_id: state.epc_hex for state in states if state.epc_hex is not None}
    if await store.cover_units(tx, receipt_id, goods, labels, tags) != len(goods):
        model.require_free(await store.live_among(tx, [item.unit_id for item in goods], receipt_id))
        model.require_free_labels(await store.live_ssccs(tx, sorted(labels.values()), receipt_id))
        model.require_free_tags(await store.live_tags(tx, sorted(tags.values()), receipt_id))


async def _tell_issued(tx: Tx, receipt_id: str, number: int, book: LotBook, goods: Sequence[Goods]) -> None:
    unit_ids = sorted(item.unit_id for item in goods)
    facts = {"number": number, "keeper_party_id": tx.caller.party_id, "to_party_id": book.owner_party_id}
    await store.append(tx, receipt_id, "issued", unit_ids, facts)
    for party_id in (tx.caller.party_id, book.owner_party_id):
        await grant_access(tx, party_id, receipt_id, cause="receipt")
    tx.emit(
        ReceiptIssued(
            site_id=book.site_id,
            receipt_id=receipt_id,
            number=model.number_text(tx.caller.party_id, number),
            keeper_party_id=tx.caller.party_id,
            depositor_party_id=book.owner_party_id,
            lot_id=book.lot_id,
            unit_ids=tuple(unit_ids),
            quantity_each=sum(item.quantity_each for item in goods),
            mass_g=sum(item.mass_g for item in goods),
            issued_at=tx.now,
        )
    )


async def lock_receipt(tx: Tx, receipt_id: str) -> Receipt:
    """The receipt, locked. NotFound when there is none."""
    row = await store.lock(tx, receipt_id)
    if row is None:
        raise NotFound("receipts.unknown", receipt_id=receipt_id)
    live = tuple(unit["unit_id"] for unit in await store.units_of(tx, receipt_id) if unit["live"])
    return msgspec.convert({**row, "live_unit_ids": live}, Receipt)


async def take_step(
    tx: Tx, receipt: Receipt, step: Step, controller_party_id: str, facts: dict[str, Any]
) -> datetime:
    """One step in a locked receipt's life: the rule, the journal, the row. Returns the step's moment."""
    state = model.next_state(receipt.receipt_id, receipt.state, step)
    at = await store.append(tx, receipt.receipt_id, step, receipt.live_unit_ids, facts)
    await store.set_state(tx, receipt.receipt_id, state, controller_party_id)
    return at


async def cancel_receipt(command: CancelReceipt, tx: Tx) -> ReceiptAnswer:
    """The keeper withdraws a receipt that it issued. Only an unpledged one; the units are free again.

    NotFound for a receipt of another keeper; Forbidden once the depositor has let another party control it.
    """
    receipt = await lock_receipt(tx, command.receipt_id)
    if receipt.keeper_party_id != tx.caller.party_id:
        raise NotFound("receipts.unknown", receipt_id=command.receipt_id)
    if receipt.controller_party_id != receipt.depositor_party_id:
        raise Forbidden("receipts.controlled_elsewhere", receipt_id=receipt.receipt_id)
    await _close(tx, receipt, "withdrawn", {"cause": "withdrawn", "reason": command.reason})
    return ReceiptAnswer(receipt_id=receipt.receipt_id, number=receipt.number, state="cancelled")


async def _close(tx: Tx, receipt: Receipt, cause: str, facts: dict[str, Any]) -> None:
    await take_step(tx, receipt, "cancelled", receipt.controller_party_id, facts)
    await store.uncover(tx, receipt.receipt_id)
    tx.emit(
        ReceiptCancelled(
            site_id=receipt.site_id,
            receipt_id=receipt.receipt_id,
            lot_id=receipt.lot_id,
            cause=cause,
            cancelled_at=tx.now,
        )
    )


async def on_shipment_departed(event: ShipmentDeparted, tx: Tx) -> None:
    """Deliver against the receipts of the units that left; a receipt with nothing left is cancelled.

    Conflict when a receipt is still pledged: such goods cannot have left by the front gate, so the event is
    kept aside for a person to look at.
    """
    for receipt_id in await store.receipts_of_units(tx, event.unit_ids):
        receipt = await lock_receipt(tx, receipt_id)
        left = [unit_id for unit_id in receipt.live_unit_ids if unit_id in set(event.unit_ids)]
        await _deliver(tx, receipt, left, event)


async def _deliver(tx: Tx, receipt: Receipt, left: Sequence[str], event: ShipmentDeparted) -> None:
    facts = {"release_id": event.release_id, "evidence_ids": list(event.evidence_ids)}
    leaving = msgspec.structs.replace(receipt, live_unit_ids=tuple(left))
    await take_step(tx, leaving, "unit_delivered", receipt.controller_party_id, facts)
    await store.deliver(tx, receipt.receipt_id, left)
    if len(left) == len(receipt.live_unit_ids):
        empty = msgspec.structs.replace(receipt, live_unit_ids=())
        await _close(tx, empty, "delivered", {"cause": "delivered", "release_id": event.release_id})


async def current_evidence(tx: Tx, lot_id: str) -> LotEvidence:
    """Ask the twin and the book now, and keep the answer for the screens."""
    evidence, _ = await look_at_lot(tx, lot_id)
    return evidence
