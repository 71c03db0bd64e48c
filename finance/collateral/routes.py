"""Pledging, releasing and pricing over HTTP."""

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field

from finance.bodies import Currency, Fen, Id
from finance.collateral.model import SOURCE_LENGTH_MAX, PriceState
from finance.collateral.pricing import PriceAnswer
from finance.collateral.views import PriceView, last_pledge_id, price_list
from finance.facilities.model import REASON_LENGTH_MAX
from finance.messages import ApprovePrice, PledgeReceipt, RefusePrice, ReleasePledge, SetPrice
from finance.receipts.views import ReceiptView, receipt_view
from identity.http import Admits, Body, Page, PagingQuery, Session

router = APIRouter(prefix="/api/v1", tags=["collateral"])

Borrower = Annotated[Session, Depends(Admits("borrower"))]
Officer = Annotated[Session, Depends(Admits("officer"))]
Approver = Annotated[Session, Depends(Admits("approver"))]
Decider = Annotated[Session, Depends(Admits("officer", "approver"))]
Bank = Annotated[Session, Depends(Admits("officer", "approver", "auditor"))]


class PledgeBody(Body):
    facility_id: Id


class PriceBody(Body):
    """What one piece is worth: never without source and time."""

    sku: Id
    price_fen_each: Fen
    source: Annotated[str, Field(min_length=1, max_length=SOURCE_LENGTH_MAX)]
    quoted_at: AwareDatetime
    currency: Currency = "CNY"


class RefusalBody(Body):
    reason: Annotated[str, Field(min_length=1, max_length=REASON_LENGTH_MAX)]


class PriceSet(BaseModel):
    """`state` proposed: it counts once another person of the bank approves it."""

    price_id: str
    sku: str
    price_fen_each: int
    currency: str
    quoted_at: datetime
    state: PriceState

    @classmethod
    def of(cls, answer: PriceAnswer) -> "PriceSet":
        return cls(**msgspec.structs.asdict(answer))


class Released(BaseModel):
    """The receipt is its depositor's again; the bank goes on reading it as it was, and its goods no more."""

    receipt_id: str
    pledge_id: str
    facility_id: str
    state: str


@router.post("/receipts/{receipt_id}/pledge", status_code=201)
async def pledge_receipt(receipt_id: str, body: PledgeBody, session: Borrower) -> ReceiptView:
    """Pledge a receipt that the caller controls; its units are held from now on."""
    await session.do(PledgeReceipt(receipt_id=receipt_id, facility_id=body.facility_id))
    async with session.read() as read:
        return await receipt_view(read, receipt_id)


@router.post("/receipts/{receipt_id}/release")
async def release_pledge(receipt_id: str, session: Officer) -> Released:
    """Give a receipt back and lift the hold; only when what stays covers the debt."""
    async with session.read() as read:
        pledge_id = await last_pledge_id(read, receipt_id)
    released = await session.do(ReleasePledge(pledge_id=pledge_id))
    return Released(
        receipt_id=released.receipt_id,
        pledge_id=released.pledge_id,
        facility_id=released.facility_id,
        state="issued",
    )


@router.get("/prices")
async def list_prices(session: Bank, paging: PagingQuery) -> Page[PriceView]:
    async with session.read() as read:
        prices = await price_list(read, paging.cursor, paging.limit)
    return paging.page(prices, lambda price: price.price_id)


@router.post("/prices", status_code=201)
async def set_price(body: PriceBody, session: Officer) -> PriceSet:
    """State a price. A lower one revalues facilities at once; a first or a higher one is proposed."""
    return PriceSet.of(await session.do(SetPrice(**body.model_dump())))


@router.post("/prices/{price_id}/approve")
async def approve_price(price_id: str, session: Approver) -> PriceSet:
    """Approve another person's price; facilities with such goods are revalued at once."""
    return PriceSet.of(await session.do(ApprovePrice(price_id=price_id)))


@router.post("/prices/{price_id}/refuse")
async def refuse_price(price_id: str, body: RefusalBody, session: Decider) -> PriceSet:
    """Decline a proposed price, or take back an own one, and say why."""
    return PriceSet.of(await session.do(RefusePrice(price_id=price_id, reason=body.reason)))
