"""Units and lots for the pages: the twin's answer, with what wms and finance say of the same things."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from finance.api import pledge_statuses
from kernel.tx import ReadTx
from twin.api import LotRow, UnitDetail, find_units, lots, unit_detail
from twin.messages import MODALITIES
from viz.scene.model import UnitView
from viz.scene.views import unit_views
from wms.api import LotRow as BookedLot
from wms.api import UnitHold, lot_rows, unit_holds


class ClaimView(BaseModel):
    """What the books said of a unit's place; `slot_id` None: that it left."""

    slot_id: str | None
    claimed_at: datetime
    cause: str


class SightingView(BaseModel):
    observation_id: str
    device_id: str
    kind: str
    at: datetime
    text_key: str
    facts: dict[str, Any]


class HoldView(BaseModel):
    hold_id: str
    reason_code: str
    holder_ref: str


class UnitDetailView(UnitView):
    """A unit with what the books claimed and what sensors saw, newest first."""

    owner: str
    claims: list[ClaimView]
    sightings: list[SightingView]
    hold: HoldView | None
    receipt_id: str | None
    expected_mass_g: int | None


class BookView(BaseModel):
    """What the books have of a lot."""

    units: int
    quantity_each: int
    mass_g: int


class IntervalView(BaseModel):
    """At 99 %: low <= mid <= high."""

    low: int
    mid: int
    high: int


class LotView(BaseModel):
    """A lot: books beside evidence. `name` is the item's, in both languages."""

    lot_id: str
    code: str
    sku: str
    name: str
    name_en: str
    name_zh: str
    owner_party_id: str
    owner_name: str
    book: BookView
    verified: IntervalView
    mass_g: IntervalView | None
    modalities: dict[str, datetime | None]
    held_units: int
    discrepancies: int
    as_of: datetime | None


async def unit_list(
    read: ReadTx,
    site_id: str,
    *,
    query: str | None,
    lot: str | None,
    slot: str | None,
    after: str | None,
    limit: int,
) -> list[UnitView]:
    """Units by id; `query` is part of an SSCC, unit, lot or item, or a whole tag."""
    states = await find_units(read, site_id, query=query, lot=lot, slot=slot, after=after, limit=limit)
    return await unit_views(read, site_id, states)


async def unit_page(read: ReadTx, site_id: str, unit_id: str) -> UnitDetailView:
    """One unit in full. Raises NotFound `twin.unit_unknown`."""
    detail = await unit_detail(read, site_id, unit_id)
    [shown] = await unit_views(read, site_id, [detail.state])
    holds = await unit_holds(read, [unit_id])
    pledged = await pledge_statuses(read, [unit_id])
    pledge = pledged.get(unit_id)
    return _detail(detail, shown, holds, pledge.receipt_id if pledge is not None else None)


def _detail(
    detail: UnitDetail, shown: UnitView, holds: Sequence[UnitHold], receipt_id: str | None
) -> UnitDetailView:
    hold = holds[0] if holds else None
    return UnitDetailView(
        **shown.model_dump(),
        owner=detail.state.owner_party_id,
        claims=[
            ClaimView(slot_id=claim.slot_id, claimed_at=claim.claimed_at, cause=claim.cause)
            for claim in detail.claims
        ],
        sightings=[
            SightingView(
                observation_id=row.observation_id,
                device_id=row.device_id,
                kind=row.kind,
                at=row.at,
                text_key=row.text_key,
                facts=row.facts,
            )
            for row in detail.sightings
        ],
        hold=None
        if hold is None
        else HoldView(hold_id=hold.hold_id, reason_code=hold.reason_code, holder_ref=hold.holder_ref),
        receipt_id=receipt_id,
        expected_mass_g=detail.state.expected_mass_g,
    )


async def lot_list(read: ReadTx, site_id: str, after: str | None, limit: int) -> list[LotView]:
    """Lots by id, books beside evidence."""
    seen = await lots(read, site_id, after, limit)
    rows = await lot_rows(read, site_id, lot_ids=[lot.lot_id for lot in seen])
    booked = {row.lot_id: row for row in rows}
    return [_lot(lot, booked.get(lot.lot_id)) for lot in seen]


def _lot(seen: LotRow, booked: BookedLot | None) -> LotView:
    mass_g = None
    if seen.mass_g_low is not None and seen.mass_g_mid is not None and seen.mass_g_high is not None:
        mass_g = IntervalView(low=seen.mass_g_low, mid=seen.mass_g_mid, high=seen.mass_g_high)
    return LotView(
        lot_id=seen.lot_id,
        code=booked.code if booked else seen.lot_id,
        sku=seen.sku,
        name=booked.name_en if booked else seen.sku,
        name_en=booked.name_en if booked else seen.sku,
        name_zh=booked.name_zh if booked else seen.sku,
        owner_party_id=seen.owner_party_id,
        owner_name=seen.owner_name,
        book=BookView(
            units=booked.units if booked else 0,
            quantity_each=booked.quantity_each if booked else 0,
            mass_g=booked.mass_g if booked else 0,
        ),
        verified=IntervalView(low=seen.low, mid=seen.mid, high=seen.high),
        mass_g=mass_g,
        modalities={modality: seen.modalities.get(modality) for modality in MODALITIES},
        held_units=booked.held_units if booked else 0,
        discrepancies=seen.discrepancies,
        as_of=seen.as_of,
    )
