"""How facilities stand, for the pages of banks and borrowers."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel

from devices.api import inspects_site, unvouched_devices, vouched_by_others
from finance.collateral import model as valuing
from finance.collateral import store as collateral_store
from finance.collateral.model import Price, Valuation
from finance.facilities.model import Facility
from finance.freezes import store as freeze_store
from finance.freezes.model import EVIDENCE_MAX, Freeze, newer_than
from finance.loans.views import DrawdownView, LoanView, drawdowns_of, loans_of
from finance.receipts import store as receipt_store
from finance.receipts.views import HistoryView, ReceiptView, receipts_by_id, steps_shown
from finance.standing import store
from finance.vouching.model import is_own
from identity.api import names_of
from kernel.errors import NotFound
from kernel.tx import ReadTx, Row
from twin.api import seen_since, unit_states
from twin.messages import MODALITIES, UnitState, Witness

OFFERED_MAX = 200
"""Observations that a page offers beyond those that a thaw needs."""
SEEN_MAX = EVIDENCE_MAX * len(MODALITIES)


class ExplainedView(BaseModel):
    """One line of the valuation, or its sum: see `finance.collateral.model.Valuation`."""

    receipt_id: str | None
    book_units: int
    verified_low: int
    counted_each: int
    unweighed_each: int
    modalities: list[str]
    modality_factor: str
    freshness_factor: str
    advance_rate: str
    unit_value_fen: int
    other_claims_fen: int
    value_fen: int
    adjusted_fen: int
    lendable_fen: int
    age_h: float | None
    priced_at: datetime | None
    price_source: str


class LendableView(ExplainedView):
    """The sum over all pledges; `parts` has each pledge on its own."""

    parts: list[ExplainedView]


class MarginView(BaseModel):
    """`state` is ok, warning, call or sell; `shortfall_fen` is debt above what would be lent today."""

    state: str
    debt_fen: int
    shortfall_fen: int


class FrozenView(BaseModel):
    """Why and since when; with several causes the latest, and how many there are."""

    freeze_id: str
    alarm_id: str | None
    at: datetime
    reason_key: str
    facts: dict[str, Any]
    unit_ids: list[str]
    evidence: list[dict[str, Any]]
    causes: int


class WitnessView(BaseModel):
    """One observation that shows pledged units on site; `ssccs` are theirs."""

    observation_id: str
    device_id: str
    modality: str
    at: datetime
    unit_ids: list[str]
    ssccs: list[str]


class UnitLabel(BaseModel):
    """A pallet by its label."""

    unit_id: str
    sscc: str


class ThawView(BaseModel):
    """A proposal with the evidence it rests on, as that was when it was made, and what it gives up."""

    thaw_id: str
    facility_id: str
    reason: str
    evidence_ids: list[str]
    evidence: list[WitnessView]
    lost: list[UnitLabel]
    proposed_by: str
    proposed_by_name: str | None
    proposed_at: datetime


class FacilityView(BaseModel):
    """A facility as it stands now."""

    facility_id: str
    bank_party_id: str
    bank_name: str
    borrower_party_id: str
    borrower_name: str
    site_id: str
    site_name_en: str
    site_name_zh: str
    limit_fen: int
    currency: str
    rate: str
    rule: dict[str, Any]
    state: str
    frozen: FrozenView | None
    drawn_fen: int
    interest_fen: int
    pledged_value_fen: int
    lendable_fen: int
    available_fen: int
    margin: MarginView
    thaw: ThawView | None
    freshness_age_h: float | None
    lendable_explained: LendableView


class UnvouchedView(BaseModel):
    """A device of the site that the bank does not vouch for. `is_evidence`: others do, `accepted_by`, and the
    bank's money stands still. `ended_at` and `end_cause` (enrolled, distrusted, layout, rekeyed, cloned) are
    of the bank's own last acceptance, None when there was none."""

    device_id: str
    is_evidence: bool
    accepted_by: list[str]
    ended_at: datetime | None
    end_cause: str | None


class FacilityDetailView(FacilityView):
    """`thaw_evidence` shows pledged units on site since the freeze, those first that the freeze concerns;
    for a bank that sees who accepted devices, without what others alone vouched for.

    `missing_units` are pledged and not placed on site by sensors; empty unless frozen.
    `unvouched` is for the bank that the keeper invited to look at the site's devices; None for others.
    """

    unvouched: list[UnvouchedView] | None
    thaw_evidence: list[WitnessView]
    missing_units: list[UnitLabel]
    receipts: list[ReceiptView]
    loans: list[LoanView]
    drawdowns: list[DrawdownView]
    history: list[HistoryView]


async def facility_list(read: ReadTx, cursor: str | None, limit: int) -> list[FacilityView]:
    """The reader's facilities, newest first."""
    return await _views(read, await store.page(read, cursor, limit))


async def facility_detail(read: ReadTx, facility_id: str) -> FacilityDetailView:
    """One facility with all that belongs to it; NotFound when there is none for this reader."""
    row = await store.one(read, facility_id)
    if row is None:
        raise NotFound("facility.unknown", facility_id=facility_id)
    view = (await _views(read, [row]))[0]
    history = await steps_shown(read, {facility_id: await store.history(read, facility_id)})
    return FacilityDetailView(
        **dict(view),
        unvouched=await _unvouched(read, view),
        thaw_evidence=[] if view.frozen is None else await _thaw_evidence(read, view),
        missing_units=[] if view.frozen is None else await _missing(read, facility_id),
        receipts=await receipts_by_id(read, await store.pledged_receipts(read, facility_id)),
        loans=await loans_of(read, facility_id),
        drawdowns=await drawdowns_of(read, facility_id),
        history=history[facility_id],
    )


async def _unvouched(read: ReadTx, view: FacilityView) -> list[UnvouchedView] | None:
    is_bank = read.caller.party_id == view.bank_party_id
    if not is_bank or not await inspects_site(read, view.site_id):
        return None
    found = await unvouched_devices(read, view.site_id, view.bank_party_id)
    return [UnvouchedView(**msgspec.structs.asdict(device)) for device in found]


async def _views(read: ReadTx, rows: Sequence[Row]) -> list[FacilityView]:
    """A handful of statements for any number of facilities."""
    ids = [row["facility_id"] for row in rows]
    pledged = await collateral_store.collateral(read, ids)
    goods = [item for items in pledged.values() for item in items]
    evidence = await receipt_store.lots_evidence(read, [item.lot_id for item in goods])
    prices = await store.prices(read, [row["bank_party_id"] for row in rows], [item.sku for item in goods])
    freezes = await freeze_store.standing_freezes(read, ids)
    thaws = await _open_thaws(read, ids)
    views = []
    for row in rows:
        facility = msgspec.convert(row, Facility)
        own = _own_prices(prices, facility)
        parts = valuing.value_all(pledged[facility.facility_id], evidence, own, facility.rule, read.now)
        views.append(
            _view(row, facility, parts, freezes[facility.facility_id], thaws.get(facility.facility_id))
        )
    return views


async def _thaw_evidence(read: ReadTx, view: FacilityView) -> list[WitnessView]:
    facility_id = view.facility_id
    freezes = (await freeze_store.standing_freezes(read, [facility_id]))[facility_id]
    since = newer_than(freezes)
    if since is None:
        return []
    frozen = {unit_id for freeze in freezes for unit_id in freeze.unit_ids}
    pledged = await collateral_store.lots_of_pledged_units(read, facility_id)
    spans = await vouched_by_others(read, view.site_id, view.bank_party_id)
    concerned = await seen_since(read, sorted(frozen & pledged.keys()), since, SEEN_MAX)
    others = await seen_since(read, sorted(pledged.keys() - frozen), since, OFFERED_MAX)
    offered = _offered([item for item in [*concerned, *others] if is_own(item, spans)], frozen)
    return [WitnessView(**msgspec.structs.asdict(item)) for item in offered]


def _offered(found: Sequence[Witness], frozen: Set[str]) -> list[Witness]:
    """Each observation once, as many as may be named: first the newest of each unit that has to be shown,
    then others as long as there are not many."""
    shown: set[str] = set()
    needed: dict[str, Witness] = {}
    rest: dict[str, Witness] = {}
    for item in found:
        is_needed = not shown.issuperset(frozen & set(item.unit_ids))
        (needed if is_needed else rest).setdefault(item.observation_id, item)
        shown.update(item.unit_ids)
    kept = [item for name, item in rest.items() if name not in needed]
    return [*list(needed.values())[:EVIDENCE_MAX], *kept[: max(0, OFFERED_MAX - len(needed))]]


async def _missing(read: ReadTx, facility_id: str) -> list[UnitLabel]:
    pledged = await collateral_store.lots_of_pledged_units(read, facility_id)
    states = await unit_states(read, sorted(pledged))
    return [_label(state) for state in states if not state.modalities]


def _label(state: UnitState) -> UnitLabel:
    return UnitLabel(unit_id=state.unit_id, sscc=state.sscc)


async def thaw_view(read: ReadTx, thaw_id: str) -> ThawView:
    """One proposal; NotFound when there is none for this reader."""
    thaw = await freeze_store.find_thaw(read, thaw_id)
    if thaw is None:
        raise NotFound("thaw.unknown", thaw_id=thaw_id)
    [shown] = await _thaws(read, [thaw])
    return shown


async def _open_thaws(read: ReadTx, facility_ids: Sequence[str]) -> dict[str, ThawView]:
    thaws = await freeze_store.open_thaws(read, facility_ids)
    return {thaw.facility_id: thaw for thaw in await _thaws(read, list(thaws.values()))}


async def _thaws(read: ReadTx, rows: Sequence[Row]) -> list[ThawView]:
    names = await names_of(read, (row["proposed_by"] for row in rows))
    states = await unit_states(read, sorted({unit_id for row in rows for unit_id in row["lost_unit_ids"]}))
    labels = {state.unit_id: _label(state) for state in states}
    return [
        ThawView(
            **{name: row[name] for name in ThawView.model_fields.keys() & row.keys()},
            lost=[labels[unit_id] for unit_id in row["lost_unit_ids"] if unit_id in labels],
            proposed_by_name=names.get(row["proposed_by"]),
        )
        for row in rows
    ]


def _own_prices(prices: Sequence[Row], facility: Facility) -> Mapping[str, Price]:
    """The prices by SKU of the facility's bank in its currency."""
    return {
        row["sku"]: msgspec.convert(row, Price)
        for row in prices
        if (row["bank_party_id"], row["currency"]) == (facility.bank_party_id, facility.currency)
    }


def _view(
    row: Row, facility: Facility, parts: Sequence[Valuation], freezes: Sequence[Freeze], thaw: ThawView | None
) -> FacilityView:
    total = valuing.total(parts, facility.rule)
    margin = MarginView(
        state=valuing.margin_state(facility.debt_fen, total.adjusted_fen, facility.rule),
        debt_fen=facility.debt_fen,
        shortfall_fen=valuing.shortfall_fen(facility.debt_fen, total.lendable_fen),
    )
    explained = {**msgspec.structs.asdict(total), "parts": [msgspec.structs.asdict(part) for part in parts]}
    kept = {name: row[name] for name in FacilityView.model_fields.keys() & row.keys()}
    return FacilityView(
        **{
            **kept,
            "frozen": _frozen(freezes) if facility.state == "frozen" else None,
            "thaw": thaw,
            "pledged_value_fen": total.value_fen,
            "lendable_fen": total.lendable_fen,
            "available_fen": _available(facility, total),
            "margin": margin,
            "freshness_age_h": total.age_h,
            "lendable_explained": explained,
        }
    )


def _available(facility: Facility, total: Valuation) -> int:
    """Nothing may be drawn from a facility that is not open, whatever its stock is worth."""
    return valuing.available_fen(facility, total.lendable_fen) if facility.state == "open" else 0


def _frozen(freezes: Sequence[Freeze]) -> FrozenView | None:
    if not freezes:
        return None
    last = freezes[-1]
    return FrozenView(
        freeze_id=last.freeze_id,
        alarm_id=last.alarm_id,
        at=last.frozen_at,
        reason_key=last.reason_key,
        facts=last.facts,
        unit_ids=list(last.unit_ids),
        evidence=list(last.evidence),
        causes=len(freezes),
    )
