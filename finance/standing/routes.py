"""Facilities over HTTP: how they stand, opening, freezing and thawing them."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from devices.api import inspected_sites
from finance.bodies import Currency, Fen, Id
from finance.facilities.model import REASON_LENGTH_MAX
from finance.freezes.model import EVIDENCE_MAX
from finance.messages import (
    ApproveThaw,
    FreezeFacility,
    LendingRule,
    OpenFacility,
    ProposeThaw,
    RefuseThaw,
)
from finance.receipts.model import UNITS_MAX
from finance.standing.views import (
    FacilityDetailView,
    FacilityView,
    ThawView,
    facility_detail,
    facility_list,
    thaw_view,
)
from identity.http import Admits, Body, Page, PagingQuery, Session
from twin.api import SiteName, site_names

router = APIRouter(prefix="/api/v1", tags=["facilities"])

Reader = Annotated[Session, Depends(Admits("officer", "approver", "borrower", "auditor"))]
Officer = Annotated[Session, Depends(Admits("officer"))]
Approver = Annotated[Session, Depends(Admits("approver"))]
Inspector = Annotated[Session, Depends(Admits("officer", "approver", "auditor"))]
Decider = Annotated[Session, Depends(Admits("officer", "approver"))]
Ratio = Annotated[str, Field(max_length=12)]
Reason = Annotated[str, Field(min_length=1, max_length=REASON_LENGTH_MAX)]
_DEFAULT = LendingRule()


class RuleBody(Body):
    """The bank's lending rule; what is left out has the product's default."""

    advance_rate: Ratio = _DEFAULT.advance_rate
    warning_ltv: Ratio = _DEFAULT.warning_ltv
    call_ltv: Ratio = _DEFAULT.call_ltv
    sell_ltv: Ratio = _DEFAULT.sell_ltv
    modality_factors: Annotated[tuple[Ratio, ...], Field(max_length=10)] = _DEFAULT.modality_factors
    fresh_h: int = _DEFAULT.fresh_h
    stale_h: int = _DEFAULT.stale_h
    drawdown_age_h_max: int = _DEFAULT.drawdown_age_h_max


class FacilityBody(Body):
    borrower_party_id: Id
    site_id: Id
    limit_fen: Fen
    rate: Ratio
    currency: Currency = "CNY"
    rule: RuleBody = RuleBody()


class ReasonBody(Body):
    reason: Reason


class ThawBody(Body):
    reason: Reason
    evidence_ids: Annotated[list[Id], Field(max_length=EVIDENCE_MAX)]
    lost_unit_ids: Annotated[tuple[Id, ...], Field(max_length=UNITS_MAX)] = ()


@router.get("/facilities")
async def list_facilities(session: Reader, paging: PagingQuery) -> Page[FacilityView]:
    """The caller's facilities, newest first."""
    async with session.read() as read:
        facilities = await facility_list(read, paging.cursor, paging.limit)
    return paging.page(facilities, lambda facility: facility.facility_id)


@router.get("/inspected-sites")
async def list_inspected_sites(session: Inspector, paging: PagingQuery) -> Page[SiteName]:
    """The sites whose devices the caller's bank was invited to look at: their names and nothing more."""
    async with session.read() as read:
        site_ids = await inspected_sites(read, paging.cursor, paging.limit)
    async with session.sessions() as read:
        sites = await site_names(read, site_ids)
    return paging.page(sites, lambda site: site.site_id)


@router.get("/facilities/{facility_id}")
async def show_facility(facility_id: str, session: Reader) -> FacilityDetailView:
    async with session.read() as read:
        return await facility_detail(read, facility_id)


@router.post("/facilities", status_code=201)
async def open_facility(body: FacilityBody, session: Officer) -> FacilityDetailView:
    """Open a line for a borrower against stock at one site."""
    opened = await session.do(
        OpenFacility(
            borrower_party_id=body.borrower_party_id,
            site_id=body.site_id,
            limit_fen=body.limit_fen,
            rate=body.rate,
            currency=body.currency,
            rule=LendingRule(**body.rule.model_dump()),
        )
    )
    async with session.read() as read:
        return await facility_detail(read, opened.facility_id)


@router.post("/facilities/{facility_id}/freeze")
async def freeze_facility(facility_id: str, body: ReasonBody, session: Officer) -> FacilityDetailView:
    """Freeze by hand: nothing is drawn, pledged or released until two people thaw it."""
    await session.do(FreezeFacility(facility_id=facility_id, reason=body.reason))
    async with session.read() as read:
        return await facility_detail(read, facility_id)


@router.post("/facilities/{facility_id}/thaws", status_code=201)
async def propose_thaw(facility_id: str, body: ThawBody, session: Officer) -> ThawView:
    """Propose to thaw, on evidence newer than the freeze that shows pledged units on site, each of those that
    it was frozen for among them; another person decides. A facility's `thaw_evidence` is what may be named
    now; it may be followed by newer evidence and stays good. Where nothing is pledged the reason stands
    alone. Of `missing_units` those may be given up as lost that nobody will see again: they need no evidence,
    and the pledge counts them no more."""
    proposed = await session.do(
        ProposeThaw(
            facility_id=facility_id,
            reason=body.reason,
            evidence_ids=tuple(body.evidence_ids),
            lost_unit_ids=body.lost_unit_ids,
        )
    )
    async with session.read() as read:
        return await thaw_view(read, proposed.thaw_id)


@router.post("/thaws/{thaw_id}/refuse")
async def refuse_thaw(thaw_id: str, body: ReasonBody, session: Decider) -> FacilityDetailView:
    """Decline a proposal, or take back one's own; the facility stays frozen."""
    refused = await session.do(RefuseThaw(thaw_id=thaw_id, reason=body.reason))
    async with session.read() as read:
        return await facility_detail(read, refused.facility_id)


@router.post("/thaws/{thaw_id}/approve")
async def approve_thaw(thaw_id: str, session: Approver) -> FacilityDetailView:
    """Approve another person's proposal; the facility is open again."""
    thawed = await session.do(ApproveThaw(thaw_id=thaw_id))
    async with session.read() as read:
        return await facility_detail(read, thawed.facility_id)
