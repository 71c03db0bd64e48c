"""The explanation of a lot's verified stock over HTTP."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from identity.http import Admits, Session
from kernel.caller import ROLES
from twin.evidence.views import MODALITY_TEXTS, DiscrepancyRow, discrepancies, verified_stock
from twin.messages import MODALITIES, Modality, UnitEvidence, VerifiedStock

router = APIRouter(prefix="/api/v1", tags=["evidence"])

Anyone = Annotated[Session, Depends(Admits(*ROLES))]


class IntervalView(BaseModel):
    """At 99 %: low <= mid <= high."""

    low: int
    mid: int
    high: int


class ReasonView(BaseModel):
    observation_id: str
    modality: Modality
    at: datetime
    text_key: str


class UnitEvidenceView(BaseModel):
    unit_id: str
    sscc: str
    probability: float
    reasons: list[ReasonView]

    @classmethod
    def of(cls, unit: UnitEvidence) -> "UnitEvidenceView":
        reasons = [
            ReasonView(
                observation_id=unit.evidence_ids[modality],
                modality=modality,
                at=unit.modalities[modality],
                text_key=MODALITY_TEXTS[modality],
            )
            for modality in MODALITIES
            if modality in unit.modalities
        ]
        return cls(unit_id=unit.unit_id, sscc=unit.sscc, probability=unit.probability, reasons=reasons)


class DiscrepancyView(BaseModel):
    kind: str
    unit_id: str | None
    since: datetime
    cause: str
    text_key: str
    facts: dict[str, Any]

    @classmethod
    def of(cls, row: DiscrepancyRow) -> "DiscrepancyView":
        return cls(
            kind=row.kind,
            unit_id=row.unit_id,
            since=row.since,
            cause=row.cause,
            text_key=f"discrepancy.{row.cause}",
            facts=row.facts,
        )


class EvidenceView(BaseModel):
    """Why the twin believes what it believes of a lot. `as_of` None: no sensor has seen any of it."""

    lot_id: str
    verified: IntervalView
    mass_g: IntervalView | None
    modalities: dict[str, datetime | None]
    as_of: datetime | None
    units: list[UnitEvidenceView]
    discrepancies: list[DiscrepancyView]
    evidence_ids: list[str]

    @classmethod
    def of(cls, stock: VerifiedStock, found: list[DiscrepancyRow]) -> "EvidenceView":
        return cls(
            lot_id=stock.lot_id,
            verified=IntervalView(
                low=stock.unit_count_low, mid=stock.unit_count_mid, high=stock.unit_count_high
            ),
            mass_g=_mass(stock),
            modalities={modality: stock.modalities.get(modality) for modality in MODALITIES},
            as_of=stock.as_of,
            units=[UnitEvidenceView.of(unit) for unit in stock.units],
            discrepancies=[DiscrepancyView.of(row) for row in found],
            evidence_ids=stock.evidence_ids,
        )


def _mass(stock: VerifiedStock) -> IntervalView | None:
    low, mid, high = stock.mass_g_low, stock.mass_g_mid, stock.mass_g_high
    if low is None or mid is None or high is None:
        return None
    return IntervalView(low=low, mid=mid, high=high)


@router.get("/evidence/{lot_id}")
async def show_evidence(lot_id: str, session: Anyone) -> EvidenceView:
    """The lot's verified stock, unit by unit, with what it rests on and where the books differ."""
    async with session.read() as read:
        stock = await verified_stock(read, lot_id)
        return EvidenceView.of(stock, await discrepancies(read, lot_id))
