"""Receipts over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from finance.bodies import Id
from finance.messages import CancelReceipt, IssueReceipt
from finance.receipts.model import TEXT_LENGTH_MAX, UNITS_MAX
from finance.receipts.views import ReceiptView, receipt_list, receipt_view
from identity.http import Admits, Body, Page, PagingQuery, Session
from kernel.money import AMOUNT_FEN_MAX

router = APIRouter(prefix="/api/v1/receipts", tags=["receipts"])

Reader = Annotated[Session, Depends(Admits("keeper", "officer", "approver", "borrower", "auditor"))]
Keeper = Annotated[Session, Depends(Admits("keeper"))]
Text = Annotated[str, Field(max_length=TEXT_LENGTH_MAX)]


class ReceiptBody(Body):
    """`unit_ids` null means every unit of the lot; `goods` empty means the lot's own name."""

    lot_id: Id
    depositor_party_id: Id
    storage_until: date
    loss_standard: Text
    insurance: Text
    fee_terms: Text
    unit_ids: Annotated[list[Id], Field(max_length=UNITS_MAX)] | None = None
    lien_fen: Annotated[int, Field(strict=True, ge=0, le=AMOUNT_FEN_MAX)] = 0
    goods: Text = ""
    quality: Text = ""
    package: Text = ""
    marks: Text = ""


class CancelBody(Body):
    reason: Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH_MAX)]


@router.get("")
async def list_receipts(session: Reader, paging: PagingQuery) -> Page[ReceiptView]:
    """The caller's receipts, newest first."""
    async with session.read() as read:
        receipts = await receipt_list(read, paging.cursor, paging.limit)
    return paging.page(receipts, lambda receipt: receipt.receipt_id)


@router.get("/{receipt_id}")
async def show_receipt(receipt_id: str, session: Reader) -> ReceiptView:
    async with session.read() as read:
        return await receipt_view(read, receipt_id)


@router.post("", status_code=201)
async def issue_receipt(body: ReceiptBody, session: Keeper) -> ReceiptView:
    """Issue a receipt on stock that sensors vouch for."""
    unit_ids = None if body.unit_ids is None else tuple(body.unit_ids)
    command = IssueReceipt(**{**body.model_dump(), "unit_ids": unit_ids})
    issued = await session.do(command)
    async with session.read() as read:
        return await receipt_view(read, issued.receipt_id)


@router.post("/{receipt_id}/cancel")
async def cancel_receipt(receipt_id: str, body: CancelBody, session: Keeper) -> ReceiptView:
    """Withdraw a receipt that was issued in error; it stays on record."""
    await session.do(CancelReceipt(receipt_id=receipt_id, reason=body.reason))
    async with session.read() as read:
        return await receipt_view(read, receipt_id)
