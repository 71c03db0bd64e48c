"""The books over HTTP, to look at: nothing is booked here."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from finance.ledger.views import AccountView, EntryView, account_list, entry_list
from identity.http import Admits, Page, PagingQuery, Session

router = APIRouter(prefix="/api/v1/ledger", tags=["ledger"])

Reader = Annotated[Session, Depends(Admits("officer", "auditor"))]
Filter = Annotated[str | None, Query(max_length=200)]


@router.get("/accounts")
async def list_accounts(session: Reader, paging: PagingQuery) -> Page[AccountView]:
    async with session.read() as read:
        accounts = await account_list(read, paging.cursor, paging.limit)
    return paging.page(accounts, lambda account: account.account_id)


@router.get("/entries")
async def list_entries(
    session: Reader, paging: PagingQuery, account: Filter = None, loan: Filter = None
) -> Page[EntryView]:
    """Newest first; `account` and `loan` are ids to look for."""
    async with session.read() as read:
        entries = await entry_list(read, account, loan, paging.cursor, paging.limit)
    return paging.page(entries, lambda entry: entry.entry_id)
