"""Stating prices: what lowers the value of stock counts at once, what raises it takes two people."""

from datetime import datetime

import msgspec

from finance.collateral import model, store
from finance.collateral.handlers import revalue
from finance.collateral.model import PriceState
from finance.facilities.handlers import lock_facility
from finance.facilities.model import require_currency, require_reason, require_second_person
from finance.messages import ApprovePrice, RefusePrice, SetPrice
from identity.api import party_of
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.tx import Row, Tx
from wms.api import known_skus


class PriceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A price as a command leaves it."""

    price_id: str
    sku: str
    price_fen_each: int
    currency: str
    quoted_at: datetime
    state: PriceState


async def set_price(command: SetPrice, tx: Tx) -> PriceAnswer:
    """State a price. A lower one revalues facilities in the same transaction; a first or a higher one waits
    for a second person of the bank. Banks only; Invalid for goods that are not in the catalogue and for a
    quote older than the one in force, which would never count.

    Prices of one bank and SKU are stated one after another, so that each is judged by the one before.
    """
    model.require_price(command.price_fen_each, command.source, command.quoted_at, tx.now)
    require_currency(command.currency)
    if not await known_skus(tx, [command.sku]):
        raise Invalid("price.sku_unknown", field="sku", rule="an item of the catalogue")
    bank = await party_of(tx, tx.caller.party_id)
    if bank.kind != "bank":
        raise Forbidden("facility.not_a_bank", party_id=bank.party_id)
    await store.take_prices(tx, bank.party_id, command.sku)
    standing = await store.prices(tx, bank.party_id, command.currency, [command.sku])
    in_force = standing.get(command.sku)
    model.require_not_older(command.quoted_at, in_force)
    state = model.price_state(command.price_fen_each, in_force)
    price_id = tx.ids.new("price")
    row = {**msgspec.structs.asdict(command), "price_id": price_id, "bank_party_id": bank.party_id}
    await store.insert_price(tx, {**row, "needs_approval": state == "proposed"})
    if state == "in_force":
        await _revalue_goods(tx, bank.party_id, command.sku)
    return msgspec.convert({**row, "state": state}, PriceAnswer)


async def approve_price(command: ApprovePrice, tx: Tx) -> PriceAnswer:
    """A second person of the bank agrees: from now on the price counts, unless a later quote does.

    NotFound for another bank's price; Forbidden for the one who proposed it; Conflict when it is decided.
    """
    price = await _take_waiting(tx, command.price_id)
    require_second_person(price["set_by"], tx.caller.person_id, "price.own_proposal")
    await store.approve_price(tx, command.price_id, price["set_by"])
    await _revalue_goods(tx, price["bank_party_id"], price["sku"])
    return msgspec.convert({**price, "state": "in_force"}, PriceAnswer)


async def refuse_price(command: RefusePrice, tx: Tx) -> PriceAnswer:
    """The bank declines a proposed price, or the one who proposed it takes it back; it never counts.

    NotFound for another bank's price; Conflict when it is decided.
    """
    require_reason(command.reason)
    price = await _take_waiting(tx, command.price_id)
    await store.refuse_price(tx, command.price_id, command.reason)
    return msgspec.convert({**price, "state": "refused"}, PriceAnswer)


async def _take_waiting(tx: Tx, price_id: str) -> Row:
    """The caller's bank's price that waits for a decision; nobody else decides on it until this one ends."""
    price = await store.find_price(tx, price_id)
    if price is None or price["bank_party_id"] != tx.caller.party_id:
        raise NotFound("price.unknown", price_id=price_id)
    await store.take_prices(tx, price["bank_party_id"], price["sku"])
    decision = await store.price_decision(tx, price_id)
    if decision == "refused":
        raise Conflict("price.refused", price_id=price_id)
    if decision == "approved" or not price["needs_approval"]:
        raise Conflict("price.in_force", price_id=price_id)
    return price


async def _revalue_goods(tx: Tx, bank_party_id: str, sku: str) -> None:
    for facility_id in await store.facilities_of_sku(tx, bank_party_id, sku):
        await revalue(tx, await lock_facility(tx, facility_id), "price")
