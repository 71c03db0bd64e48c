"""Booking and reversing entries, and the open business date. Called inside the command that moves money."""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from finance.ledger import model, store
from finance.ledger.model import Account, Draft, Entry
from kernel.errors import Conflict, NotFound
from kernel.tx import ReadTx, Tx


class BankDay(msgspec.Struct, frozen=True, kw_only=True):
    """The open business date of a bank, and what date it is there now."""

    bank_party_id: str
    business_date: date
    today: date


async def open_accounts(tx: Tx, accounts: Sequence[Account]) -> None:
    """Open the accounts that are not open yet."""
    await store.open_accounts(tx, accounts)


async def open_books(tx: Tx, bank_party_id: str, currency: str) -> None:
    """Give a bank its own accounts and its first business date. Doing it again changes nothing."""
    await store.open_accounts(tx, model.bank_accounts(bank_party_id, currency))
    first = model.local_date(tx.now, model.BANK_ZONE)
    await store.open_day(tx, bank_party_id, model.BANK_ZONE, first)


async def hold_day(tx: Tx, bank_party_id: str) -> BankDay:
    """The bank's open date, kept open until this transaction ends. Taken before any other lock."""
    row = await store.share_day(tx, bank_party_id)
    return _bank_day(tx, bank_party_id, row)


async def take_day(tx: Tx, bank_party_id: str) -> BankDay:
    """The bank's open date, with every other money move of the bank kept out until this one ends."""
    row = await store.take_day(tx, bank_party_id)
    return _bank_day(tx, bank_party_id, row)


def _bank_day(tx: Tx, bank_party_id: str, row: dict[str, object] | None) -> BankDay:
    if row is None:
        raise NotFound("day_end.no_books", bank_party_id=bank_party_id)
    business_date, zone = row["business_date"], row["time_zone"]
    assert isinstance(business_date, date)
    return BankDay(
        bank_party_id=bank_party_id,
        business_date=business_date,
        today=model.local_date(tx.now, str(zone)),
    )


async def close_day(tx: Tx, day: BankDay) -> None:
    """Move the open date on by one day; the caller holds it with `take_day`."""
    await store.set_day(tx, day.bank_party_id, day.business_date + timedelta(days=1))


async def days_to_close(read: ReadTx) -> list[tuple[str, date]]:
    """(bank, date) of each bank whose open date is over in its own zone: what the day-end job closes next."""
    return [
        (row["bank_party_id"], row["business_date"])
        for row in await store.open_days(read)
        if row["business_date"] < model.local_date(read.now, row["time_zone"])
    ]


async def book(tx: Tx, draft: Draft, business_date: date) -> str:
    """Book one balanced entry and move the balances; returns its id."""
    return (await book_all(tx, [draft], business_date))[0]


async def book_all(tx: Tx, drafts: Sequence[Draft], business_date: date) -> list[str]:
    """Book balanced entries and move the balances; returns their ids, in order.

    The database refuses at commit an entry that does not balance, and at once a balance on its wrong side.
    """
    entries = [
        Entry(entry_id=tx.ids.new("entry"), business_date=business_date, draft=draft) for draft in drafts
    ]
    await store.insert_entries(tx, entries)
    net = model.net_by_account([posting for draft in drafts for posting in draft.postings])
    await store.move_balances(tx, net)
    return [entry.entry_id for entry in entries]


async def reverse_entry(tx: Tx, entry_id: str, reason: str, business_date: date) -> str:
    """Answer a wrong entry with its opposite; returns the id of the reversing entry.

    NotFound when there is no such entry; Conflict when it was reversed before or is itself a reversal.
    """
    entry = await store.find_entry(tx, entry_id)
    if entry is None:
        raise NotFound("ledger.entry_unknown", entry_id=entry_id)
    if entry["kind"] == "reversal" or await store.reversal_of(tx, entry_id) is not None:
        raise Conflict("ledger.already_reversed", entry_id=entry_id)
    draft = Draft(
        bank_party_id=entry["bank_party_id"],
        kind="reversal",
        value_date=entry["value_date"],
        currency=entry["currency"],
        postings=model.reversal_of(await store.postings_of(tx, entry_id)),
        facility_id=entry["facility_id"],
        loan_id=entry["loan_id"],
        reverses=entry_id,
        facts={"reason": reason},
    )
    return await book(tx, draft, business_date)
