"""The books as the bank's officers and auditors see them."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from finance.ledger import store
from identity.api import names_of
from kernel.tx import ReadTx


class AccountView(BaseModel):
    """An account with its balance: debits positive."""

    account_id: str
    name: str
    kind: str
    side: str
    party_id: str
    facility_id: str | None
    balance_fen: int
    currency: str


class PostingView(BaseModel):
    account_id: str
    amount_fen: int


class EntryView(BaseModel):
    """A booking. `text_key` is found in the locales; `facts` fill it."""

    entry_id: str
    at: datetime
    business_date: date
    value_date: date
    kind: str
    loan_id: str | None
    facility_id: str | None
    reverses: str | None
    by: str
    by_name: str | None
    text_key: str
    facts: dict[str, Any]
    postings: list[PostingView]


async def account_list(read: ReadTx, cursor: str | None, limit: int) -> list[AccountView]:
    """The accounts of the reader's bank, by id."""
    rows = await store.account_page(read, cursor, limit)
    return [AccountView(**{name: row[name] for name in AccountView.model_fields}) for row in rows]


async def entry_list(
    read: ReadTx, account_id: str | None, loan_id: str | None, cursor: str | None, limit: int
) -> list[EntryView]:
    """The entries of the reader's bank, newest first: all, those on an account, or those of a loan."""
    rows = await store.entry_page(read, account_id, loan_id, cursor, limit)
    lines = await store.postings_of_many(read, [row["entry_id"] for row in rows])
    names = await names_of(read, (row["by_person"] for row in rows))
    return [
        EntryView(
            **{name: row[name] for name in EntryView.model_fields if name in row},
            by=row["by_person"],
            by_name=names.get(row["by_person"]),
            text_key=f"ledger.{row['kind']}",
            postings=[PostingView(**line) for line in lines[row["entry_id"]]],
        )
        for row in rows
    ]
