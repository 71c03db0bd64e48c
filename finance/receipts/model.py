"""Pure rules of warehouse receipts: what may be issued, and which step may follow which."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from math import ceil, floor
from typing import Literal, NamedTuple

import msgspec

from kernel.errors import Conflict, Invalid
from kernel.money import AMOUNT_FEN_MAX

ReceiptState = Literal["issued", "pledged", "cancelled"]
Step = Literal["pledged", "released", "unit_delivered", "cancelled"]

UNITS_MAX = 5_000
"""Units under one receipt."""
TEXT_LENGTH_MAX = 2_000
SEVERAL = 2
"""Independent modalities that make a unit sure; one alone may be a device that is wrong or lies."""
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


class SeenUnit(msgspec.Struct, frozen=True, kw_only=True):
    """One unit of a lot: what sensors say of it, beside the pieces that its book states.

    `modalities` are those that saw it here, each with its moment; none while it is not here. `mass_g` is its
    share of what was weighed, `received_each` the pieces that it was received with. `book_each` is 0 for a
    unit that is not in the book.
    """

    modalities: dict[str, datetime]
    mass_g: int | None = None
    received_each: int = 0
    book_each: int = 0


class LotEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What independent sensors say of a lot and of each of its units, beside the count of its book.

    `units_low` … `units_high` is the interval at 99 %. `modalities` holds those that agree, each with the
    moment by which it had seen every counted unit. `units` are those that sensors place in the warehouse now
    or that the book holds. `as_of` is the newest sighting.
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
    piece_mass_g: int = 0
    """Of one piece, by the catalogue; 0 when that is unknown."""
    units: dict[str, SeenUnit] = msgspec.field(default_factory=dict)

    def here(self, unit_ids: Iterable[str]) -> dict[str, SeenUnit]:
        """Those of the units that sensors place in the warehouse now."""
        found = {unit_id: self.units[unit_id] for unit_id in unit_ids if unit_id in self.units}
        return {unit_id: unit for unit_id, unit in found.items() if unit.modalities}


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


def require_seen(
    goods: Sequence[Goods], evidence: LotEvidence, units_under_receipt: int, piece_g: int
) -> None:
    """Goods first: refuse, by Conflict, a receipt on stock that sensors do not vouch for.

    Every unit was placed in the warehouse by sensors and weighed there, its pieces are as good as its mass
    (`piece_g` is the catalogue's mass of one, 0 when unknown), and with this receipt all live receipts
    together stay within the verified low of the lot.
    Source: 7 USC 250; 7 CFR 869.300(b)(2)-(3).
    """
    seen = evidence.here(item.unit_id for item in goods)
    unseen = sorted(item.unit_id for item in goods if item.unit_id not in seen)
    if unseen:
        raise Conflict("receipts.units_not_seen", unit_ids=unseen[:SHOWN_UNITS_MAX], unseen_count=len(unseen))
    unweighed = sorted(
        unit_id for unit_id, unit in seen.items() if "mass" not in unit.modalities or unit.mass_g is None
    )
    if unweighed or not evidence.mass_mid_g or evidence.mass_high_g is None:
        raise Conflict("receipts.not_weighed", lot_id=evidence.lot_id, unit_ids=unweighed[:SHOWN_UNITS_MAX])
    _require_no_growth(goods, seen)
    _require_mass(goods, seen, Fraction(evidence.mass_high_g, evidence.mass_mid_g) - 1, piece_g)
    wanted = units_under_receipt + len(goods)
    if wanted > evidence.units_low:
        raise Conflict(
            "receipts.above_verified",
            lot_id=evidence.lot_id,
            wanted_units=wanted,
            verified_low=evidence.units_low,
        )


def _require_no_growth(goods: Sequence[Goods], seen: Mapping[str, SeenUnit]) -> None:
    """Nothing is added to a pallet by writing it down."""
    grown = sorted(item.unit_id for item in goods if item.quantity_each > seen[item.unit_id].received_each)
    if grown:
        raise Conflict("receipts.more_than_received", unit_ids=grown[:SHOWN_UNITS_MAX])


def _require_mass(
    goods: Sequence[Goods], seen: Mapping[str, SeenUnit], error: Fraction, piece_g: int
) -> None:
    """The declared mass agrees with the weighed one, and the pieces fit into the declared mass.

    A unit's weighed mass is its share of its delivery's; of a unit with fewer pieces than it was received
    with, the same part of it. `error` is how far the lot's verified mass may be off, as a ratio of it.
    """
    declared_g = sum(item.mass_g for item in goods)
    weighed_g = floor(sum(_weighed_g(item, seen[item.unit_id]) for item in goods))
    pieces_g = sum(item.quantity_each for item in goods) * piece_g
    too_many = sorted(item.unit_id for item in goods if item.quantity_each * piece_g > item.mass_g)
    if too_many or abs(declared_g - weighed_g) > weighed_g * error:
        raise Conflict(
            "receipts.mass_disagrees",
            declared_g=declared_g,
            weighed_low_g=ceil(weighed_g * (1 - error)),
            weighed_high_g=floor(weighed_g * (1 + error)),
            pieces_g=pieces_g,
            unit_ids=too_many[:SHOWN_UNITS_MAX],
        )


def _weighed_g(item: Goods, unit: SeenUnit) -> Fraction:
    assert unit.mass_g is not None, "weighed"
    return unit.mass_g * Fraction(item.quantity_each, unit.received_each)


def require_free(doubled: Sequence[str]) -> None:
    """Refuse, by Conflict, a second live receipt on any unit."""
    if doubled:
        raise Conflict("receipts.units_under_receipt", unit_ids=sorted(doubled)[:SHOWN_UNITS_MAX])


def require_free_labels(doubled: Sequence[str]) -> None:
    """Refuse, by Conflict, a second live receipt on any SSCC: it names one pallet, wherever it is entered.
    Whose the other receipt is, or where, is not told."""
    if doubled:
        raise Conflict("receipts.ssccs_under_receipt", ssccs=sorted(doubled)[:SHOWN_UNITS_MAX])


def require_free_tags(doubled: Sequence[str]) -> None:
    """Refuse, by Conflict, a second live receipt on any tag, under whatever SSCC."""
    if doubled:
        raise Conflict("receipts.tags_under_receipt", epcs=sorted(doubled)[:SHOWN_UNITS_MAX])


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


def pieces_weighed(unit_ids: Iterable[str], evidence: LotEvidence) -> int | None:
    """How many pieces these units hold at most, by the lower end of what was weighed; None when no mass says.

    The scale's error works against the pieces: of the lot's verified low mass the units have the part that
    their own weighed masses are of all. What was picked from a unit since it was weighed took its part of
    its mass along. Units that never crossed a scale are not bounded: they count as their book states.
    """
    if not evidence.piece_mass_g or evidence.mass_low_g is None:
        return None
    here = evidence.here(evidence.units)
    left_g = {unit_id: _left_g(unit) for unit_id, unit in here.items() if unit.mass_g is not None}
    picked_g = sum(unit.mass_g for unit in here.values() if unit.mass_g is not None) - sum(left_g.values())
    own = evidence.here(unit_ids)
    own_g = sum(left_g[unit_id] for unit_id in own if unit_id in left_g)
    unweighed = sum(unit.book_each for unit_id, unit in own.items() if unit_id not in left_g)
    if not own_g:
        return unweighed if own.keys() & left_g.keys() else None
    low_g = max(Fraction(0), evidence.mass_low_g - picked_g) * own_g / sum(left_g.values())
    return floor(low_g / evidence.piece_mass_g) + unweighed


def _left_g(unit: SeenUnit) -> Fraction:
    """What a weighed unit has left of its mass when its book holds fewer pieces than it came with."""
    assert unit.mass_g is not None, "weighed"
    if not unit.received_each:
        return Fraction(0)
    return unit.mass_g * Fraction(min(unit.book_each, unit.received_each), unit.received_each)


class Vouched(NamedTuple):
    """How many of some units are there for sure: seen by several modalities, and by one alone."""

    by_several: int
    by_one: int


def vouched(unit_ids: Iterable[str], evidence: LotEvidence, counted: int) -> Vouched:
    """How many of these units are there when `counted` of the lot are. Books have no say.

    Only these units' own sightings count. A count speaks for the lot, not for single units: it covers first
    what several modalities saw, then what one alone did, and whatever it lacks is taken to be missing from
    these. So the parts of a lot never come to more than the count, whichever units are gone.
    """
    own, whole = _by_strength(evidence.here(unit_ids)), _by_strength(evidence.here(evidence.units))
    rest = max(0, counted - whole.by_several)
    return Vouched(
        by_several=max(0, own.by_several - max(0, whole.by_several - counted)),
        by_one=max(0, own.by_one - max(0, whole.by_one - rest)),
    )


def _by_strength(units: Mapping[str, SeenUnit]) -> Vouched:
    several = sum(len(unit.modalities) >= SEVERAL for unit in units.values())
    return Vouched(several, len(units) - several)
