"""Prices and pledge marks for the pages."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from pydantic import BaseModel

from finance.collateral import store
from finance.collateral.model import PriceStanding, PriceState
from identity.api import names_of
from kernel.caller import Role
from kernel.errors import NotFound
from kernel.tx import ReadTx

SEES_PLEDGES: frozenset[Role] = frozenset({"keeper", "officer", "approver", "borrower", "auditor"})
"""People of the floor see that a unit is held, not why."""


class PriceView(BaseModel):
    """A price. Only one in force values stock; `approved_by` is None when it needed no second person.

    `standing` says what it is to the others of its goods: `counts` now or is `replaced`; `waiting` for a
    second person, or `overtaken` by a later quote in force before one came; or `refused`, with the reason.
    """

    price_id: str
    sku: str
    currency: str
    price_fen_each: int
    source: str
    quoted_at: datetime
    set_at: datetime
    set_by: str
    set_by_name: str | None
    state: PriceState
    standing: PriceStanding
    approved_by: str | None
    approved_by_name: str | None
    approved_at: datetime | None
    refused_by: str | None
    refused_by_name: str | None
    refused_at: datetime | None
    refusal_reason: str | None


class PledgeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A unit is pledged: to whom, under which receipt."""

    unit_id: str
    bank_party_id: str
    facility_id: str
    receipt_id: str


async def price_list(read: ReadTx, cursor: str | None, limit: int) -> list[PriceView]:
    """The prices that the reader may see, newest first."""
    rows = await store.price_page(read, cursor, limit)
    people = [row[field] for row in rows for field in ("set_by", "approved_by", "refused_by") if row[field]]
    names = await names_of(read, people)
    return [
        PriceView(
            **row,
            set_by_name=names.get(row["set_by"]),
            approved_by_name=names.get(row["approved_by"] or ""),
            refused_by_name=names.get(row["refused_by"] or ""),
        )
        for row in rows
    ]


async def pledge_statuses(read: ReadTx, unit_ids: Sequence[str]) -> dict[str, PledgeStatus]:
    """Those of the units that are pledged, by unit id.

    Only what the reader's party may see (its keeper, owner or bank), and nothing for people whose roles do
    not deal with pledges.
    """
    if not unit_ids or not read.caller.roles & SEES_PLEDGES:
        return {}
    rows = await store.pledged_units(read, unit_ids)
    return {row["unit_id"]: msgspec.convert(row, PledgeStatus) for row in rows}


async def last_pledge_id(read: ReadTx, receipt_id: str) -> str:
    """The receipt's live pledge, else its last one; NotFound when the reader may see none."""
    found = await store.last_pledge_id(read, receipt_id)
    if found is None:
        raise NotFound("pledge.unknown", receipt_id=receipt_id)
    return found
