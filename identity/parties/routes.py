"""Whom people of a keeper or bank may name, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from identity.http import Admits, Page, Paging, PagingQuery, Session
from identity.messages import PartyKind
from identity.parties.views import PartyView, party_list

router = APIRouter(prefix="/api/v1", tags=["parties"])

Inviter = Annotated[Session, Depends(Admits("admin", "keeper"))]
Staff = Annotated[Session, Depends(Admits("keeper", "officer", "operator"))]


@router.get("/banks")
async def list_banks(session: Inviter, paging: PagingQuery) -> Page[PartyView]:
    """The banks that may be invited to look at a site's devices."""
    return await _page(session, "bank", paging)


@router.get("/owners")
async def list_owners(session: Staff, paging: PagingQuery) -> Page[PartyView]:
    """The owners whose goods may be announced or lent against. Who keeps goods where is not told."""
    return await _page(session, "owner", paging)


async def _page(session: Session, kind: PartyKind, paging: Paging) -> Page[PartyView]:
    async with session.read() as read:
        parties = await party_list(read, kind, paging.cursor, paging.limit)
    return paging.page(parties, lambda party: party.party_id)
