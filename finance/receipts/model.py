"""Pure rules of warehouse receipts: what may be issued, and which step may follow which."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal

import msgspec

from kernel.errors import Conflict, Invalid
from kernel.money import AMOUNT_FEN_MAX

ReceiptState = Literal["issued", "pledged", "cancelled"]
Step = Literal["pledged", "released", "unit_delivered", "cancelled"]

UNITS_MAX = 5_000
"""Units under one receipt."""
TEXT_LENGTH_MAX = 2_000
SHOWN_UNITS_MAX = 20
"""How many offending units an error names."""

TRANSITIONS: Mapping[tuple[ReceiptState, Step], ReceiptState] = {
    ("issued", "pledged"): "pledged",
    ("pledged", "released"): "issued",
    ("issued", "unit_delivered"): "issued",
    ("issued", "cancelled"): "cancelled",
}
"""Goods of a pledged receipt are neither delivered nor is the receipt cancelled: the pledge goes first."""


class Goods(msgspec.Struct, frozen=True, kw_only=True):
    """One unit as the book has it: the claim that a receipt would rest on."""

    unit_id: str
    quantity_each: int
    mass_g: int
    slot_id: str | None


class LotEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What independent sensors say of a lot, beside the count of its book.

    `units_low` … `units_high` is the interval at 99 %. `modalities` holds those that agree, each with the
    moment by which it had seen every counted unit. `seen_unit_ids` are the units that sensors place in the
    warehouse now; None when only the copy kept for screens is at hand. `as_of` is the newest sighting.
    """

    lot_id: str
    site_id: str
    book_units: int
    units_low: int
    units_mid: int
    units_high: int
    modalities: dict[str, datetime]
    as_of: datetime | None
    mass_low_g: int | None = None
    mass_mid_g: int | None = None
    mass_high_g: int | None = None
    seen_unit_ids: frozenset[str] | None = None

    @property
    def shortfall_units(self) -> int:
        """How many units of the book the sensors do not vouch for."""
        return max(0, self.book_units - self.units_low)

    @property
    def newest_at(self) -> datetime | None:
        """When any modality last saw the lot."""
        return max(self.modalities.values(), default=None)


class Elements(msgspec.Struct, frozen=True, kw_only=True):
    """The stated elements of a receipt. `goods` names the goods; the last three may be empty."""

    goods: str
    loss_standard: str
    insurance: str
    fee_terms: str
    storage_until: date
    lien_fen: int
    quality: str = ""
    package: str = ""
    marks: str = ""


def require_elements(elements: Elements, today: date) -> None:
    """Refuse, by Invalid with field and rule, a receipt that would not state what it must."""
    for field in ("goods", "loss_standard", "insurance", "fee_terms"):
        if not getattr(elements, field).strip():
            raise Invalid("receipts.element_missing", field=field, rule="stated at issue")
    for field in ("goods", "loss_standard", "insurance", "fee_terms", "quality", "package", "marks"):
        if len(getattr(elements, field)) > TEXT_LENGTH_MAX:
            raise Invalid("receipts.element_too_long", field=field, rule=f"at most {TEXT_LENGTH_MAX}")
    if elements.storage_until <= today:
        raise Invalid("receipts.storage_until", field="storage_until", rule="after today")
    if not 0 <= elements.lien_fen <= AMOUNT_FEN_MAX:
        raise Invalid("receipts.lien", field="lien_fen", rule=f"0 to {AMOUNT_FEN_MAX}")


def choose_goods(book: Sequence[Goods], unit_ids: Sequence[str] | None) -> list[Goods]:
    """The units that a receipt would cover: those named, or all that the book holds.

    Invalid when there is none, one is named twice, too many are named, one is not in the lot's book or
    the book states no mass for it.
    """
    if unit_ids is None:
        chosen = list(book)
    else:
        in_book = {goods.unit_id: goods for goods in book}
        strangers = [unit_id for unit_id in unit_ids if unit_id not in in_book]
        if strangers:
            raise Invalid("receipts.units_not_in_lot", field="unit_ids", unit_ids=strangers[:SHOWN_UNITS_MAX])
        if len(set(unit_ids)) != len(unit_ids):
            raise Invalid("receipts.units_doubled", field="unit_ids", rule="each unit once")
        chosen = [in_book[unit_id] for unit_id in unit_ids]
    if not 1 <= len(chosen) <= UNITS_MAX:
        raise Invalid("receipts.unit_count", field="unit_ids", rule=f"1 to {UNITS_MAX} units")
    weightless = [item.unit_id for item in chosen if item.mass_g <= 0 or item.quantity_each <= 0]
    if weightless:
        raise Invalid("receipts.unit_without_mass", field="unit_ids", unit_ids=weightless[:SHOWN_UNITS_MAX])
    return chosen


def require_seen(goods: Sequence[Goods], evidence: LotEvidence, units_under_receipt: int) -> None:
    """Goods first: refuse, by Conflict, a receipt on stock that sensors do not vouch for.

    Every unit was placed in the warehouse by sensors, the weighbridge has weighed the lot, and with this
    receipt all live receipts together stay within the verified low of the lot.
    Source: 7 USC 250; 7 CFR 869.300(b)(2)-(3).
    """
    assert evidence.seen_unit_ids is not None, "issuing asks the twin itself"
    unseen = [item.unit_id for item in goods if item.unit_id not in evidence.seen_unit_ids]
    if unseen:
        raise Conflict(
            "receipts.units_not_seen", unit_ids=sorted(unseen)[:SHOWN_UNITS_MAX], unseen_count=len(unseen)
        )
    if "mass" not in evidence.modalities:
        raise Conflict("receipts.not_weighed", lot_id=evidence.lot_id)
    wanted = units_under_receipt + len(goods)
    if wanted > evidence.units_low:
        raise Conflict(
            "receipts.above_verified",
            lot_id=evidence.lot_id,
            wanted_units=wanted,
            verified_low=evidence.units_low,
        )


def require_free(doubled: Sequence[str]) -> None:
    """Refuse, by Conflict, a second live receipt on any unit."""
    if doubled:
        raise Conflict("receipts.units_under_receipt", unit_ids=sorted(doubled)[:SHOWN_UNITS_MAX])


def next_state(receipt_id: str, state: ReceiptState, step: Step) -> ReceiptState:
    """The state after `step`; Conflict when it may not follow the present one."""
    following = TRANSITIONS.get((state, step))
    if following is None:
        raise Conflict("receipts.state", receipt_id=receipt_id, state=state, step=step)
    return following


def place_text(goods: Sequence[Goods]) -> str:
    """The storage place, to the slot: slot codes in order, `staging` for units in none."""
    return ", ".join(sorted({item.slot_id or "staging" for item in goods}))


def number_text(keeper_party_id: str, number: int) -> str:
    """The receipt's number as printed: the keeper, then its own count."""
    return f"{keeper_party_id}-{number:06d}"


def vouched_units(units: int, evidence: LotEvidence, counted: int) -> int:
    """How many of `units` units of a lot are there when `counted` of the lot are.

    A count speaks for the lot, not for single units: whatever the lot lacks is taken to be missing from
    these, so this never says too much, whichever units are gone.
    """
    sure = units - max(0, evidence.book_units - counted)
    return max(0, min(evidence.book_units, counted, sure))
