"""Receipts as their parties see them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from pydantic import BaseModel

from finance.receipts import store
from finance.receipts.model import LotEvidence, number_text, vouched
from finance.receipts.replay import Shown, shown
from identity.api import names_of
from kernel.errors import NotFound
from kernel.tx import ReadTx, Row

RELEASED = "released"
"""The state of a receipt for a party that has given it back: whatever it is now, with whomever."""


class HistoryView(BaseModel):
    """One step: when, what, by whom (a person's id and name, or the product's own hand, which has none), with
    which facts."""

    at: datetime
    kind: str
    by: str
    by_name: str | None
    facts: dict[str, Any]


class VerifiedView(BaseModel):
    """How many of the receipt's units sensors vouch for, at 99 %, and when each modality last saw them."""

    low: int
    mid: int
    high: int
    modalities: dict[str, datetime]
    as_of: datetime | None


class PledgeView(BaseModel):
    """`released_at` is None while the pledge lasts."""

    pledge_id: str
    facility_id: str
    bank_party_id: str
    pledged_at: datetime
    released_at: datetime | None


class ReceiptView(BaseModel):
    """A receipt with its elements, what is seen of its goods now, and its whole history.

    A party that held it once and holds it no more reads it as it was when that ended, at `seen_until`: its
    `state` is then `released`, `pledge` that party's own, and nothing of the goods is told. `ssccs` are what
    the units' labels say, in the order of `unit_ids`.
    """

    receipt_id: str
    number: str
    state: str
    seen_until: datetime | None
    keeper_party_id: str
    keeper_name: str
    depositor_party_id: str
    depositor_name: str
    controller_party_id: str
    controller_name: str
    site_id: str
    lot_id: str
    sku: str
    goods: str
    quality: str
    package: str
    marks: str
    unit_ids: list[str]
    ssccs: list[str]
    live_units: int
    quantity_each: int
    mass_g: int
    place: str
    issued_at: datetime
    closed_at: datetime | None
    storage_until: date
    loss_standard: str
    insurance: str
    fee_terms: str
    lien_fen: int
    verified: VerifiedView | None
    pledge: PledgeView | None
    history: list[HistoryView]


async def receipt_list(read: ReadTx, cursor: str | None, limit: int) -> list[ReceiptView]:
    """The reader's receipts, also those it has given back, newest first."""
    return await _views(read, await store.page(read, cursor, limit))


async def receipts_by_id(read: ReadTx, receipt_ids: Sequence[str]) -> list[ReceiptView]:
    """Those of the receipts that the reader sees or saw, newest first."""
    return await _views(read, await store.by_ids(read, receipt_ids))


async def receipt_view(read: ReadTx, receipt_id: str) -> ReceiptView:
    """One receipt; NotFound when there is none for this reader."""
    found = await receipts_by_id(read, [receipt_id])
    if not found:
        raise NotFound("receipts.unknown", receipt_id=receipt_id)
    return found[0]


async def _views(read: ReadTx, rows: Sequence[Row]) -> list[ReceiptView]:
    ids = [row["receipt_id"] for row in rows]
    units = await store.units_of_many(read, ids)
    steps = await store.history_of_many(read, ids)
    standing = {receipt_id: shown(steps[receipt_id]) for receipt_id in ids}
    controllers = await store.party_names(read, [item.controller_party_id for item in standing.values()])
    history = await steps_shown(read, steps)
    evidence = await store.lots_evidence(read, [row["lot_id"] for row in rows])
    return [
        _view(
            {**row, **units[receipt_id], **_standing(standing[receipt_id], row, controllers)},
            history[receipt_id],
            None if row["seen_until"] else evidence.get(row["lot_id"]),
        )
        for receipt_id, row in zip(ids, rows, strict=True)
    ]


def _standing(standing: Shown, row: Row, names: Mapping[str, str]) -> Row:
    """What the receipt is for this reader."""
    return {
        **msgspec.structs.asdict(standing),
        "state": standing.state if row["seen_until"] is None else RELEASED,
        "controller_name": names[standing.controller_party_id],
    }


async def steps_shown(read: ReadTx, steps: Mapping[str, Sequence[Row]]) -> dict[str, list[HistoryView]]:
    """Per subject its journal as pages show it, in the order given."""
    names = await names_of(read, (row["by_person"] for rows in steps.values() for row in rows))
    return {subject: [_step(row, names) for row in rows] for subject, rows in steps.items()}


def _view(row: Row, history: Sequence[HistoryView], evidence: LotEvidence | None) -> ReceiptView:
    live = row["live_ids"]
    return ReceiptView(
        **{
            **_only(row, ReceiptView),
            "number": number_text(row["keeper_party_id"], row["number"]),
            "live_units": len(live),
            "verified": None if evidence is None else _verified(live, evidence),
            "pledge": None if row["pledge_id"] is None else PledgeView(**_only(row, PledgeView)),
            "history": history,
        }
    )


def _only(row: Row, kind: type[BaseModel]) -> Row:
    """The columns that the view has."""
    return {name: row[name] for name in kind.model_fields if name in row}


def _step(row: Row, names: Mapping[str, str]) -> HistoryView:
    by = row["by_person"]
    return HistoryView(at=row["at"], kind=row["kind"], by=by, by_name=names.get(by), facts=row["facts"])


def _verified(live: Sequence[str], evidence: LotEvidence) -> VerifiedView:
    low = sum(vouched(live, evidence, evidence.units_low))
    mid = max(low, sum(vouched(live, evidence, evidence.units_mid)))
    return VerifiedView(
        low=low,
        mid=mid,
        high=max(mid, sum(vouched(live, evidence, evidence.units_high))),
        modalities=evidence.modalities,
        as_of=evidence.as_of,
    )
