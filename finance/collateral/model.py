"""Pure valuation: from evidence, prices and the bank's rule to the amount that may be lent, each step shown.

Source of the formula: min(book, verified low, weighed low) x unit value x advance rate x freshness x modality
factor less claims that rank before the pledge. Ratios are exact fractions; each amount is rounded down to a
whole fen.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any, Literal, NamedTuple

import msgspec

from finance.facilities.model import Facility, MarginState, require_open
from finance.messages import LendingRule
from finance.receipts.model import SEVERAL, LotEvidence, SeenUnit, pieces_weighed, vouched
from kernel.errors import Conflict, Invalid
from kernel.money import AMOUNT_FEN_MAX
from twin.messages import UnitState

PRICE_FEN_MAX = 10**11
"""One thousand million yuan a piece."""
SOURCE_LENGTH_MAX = 200
FRESHNESS_STEPS = 10_000
"""Freshness is rounded down to four decimals, so that what a page shows is what was reckoned with."""
_FACTOR_DECIMALS = 6


PriceState = Literal["proposed", "in_force", "refused"]
PriceStanding = Literal["counts", "replaced", "waiting", "overtaken", "refused"]


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What the bank says one piece is worth, from which source, as of when."""

    sku: str
    price_fen_each: int
    source: str
    quoted_at: datetime


class Collateral(msgspec.Struct, frozen=True, kw_only=True):
    """The goods of one live pledge: the pieces of each unit by its receipt, the keeper's claim on them."""

    pledge_id: str
    receipt_id: str
    lot_id: str
    sku: str
    quantities_each: dict[str, int]
    lien_fen: int


class Valuation(msgspec.Struct, frozen=True, kw_only=True):
    """What a pledge, or all of a facility's pledges together, are worth now, and why.

    `counted_each` are the pieces of the counted units that are lent on, `unweighed_each` those that their
    book and receipt state beyond what was weighed for certain. `modalities` agree on every unit that is here;
    `modality_factor` is the mean over the counted pieces.
    `value_fen` is the price of the counted units; `adjusted_fen` is that after freshness and modality factor
    and less other claims: what loan-to-value is measured on. Factors are decimals between 0 and 1. `age_h` is
    the age of the newest sighting
    of the stalest pledge in hours, None when nothing ever saw it. `unit_value_fen` is the mean of the counted
    units.
    """

    book_units: int
    verified_low: int
    counted_each: int
    unweighed_each: int
    modalities: tuple[str, ...]
    modality_factor: str
    freshness_factor: str
    advance_rate: str
    unit_value_fen: int
    value_fen: int
    adjusted_fen: int
    other_claims_fen: int
    lendable_fen: int
    age_h: float | None
    priced_at: datetime | None = None
    price_source: str = ""
    receipt_id: str | None = None
    """None on the sum over a facility."""


def require_price(price_fen_each: int, source: str, quoted_at: datetime, now: datetime) -> None:
    """No collateral without a value, no value without source and time: Invalid otherwise."""
    if not 1 <= price_fen_each <= PRICE_FEN_MAX:
        raise Invalid("price.amount", field="price_fen_each", rule=f"1 to {PRICE_FEN_MAX}")
    if not 1 <= len(source.strip()) <= SOURCE_LENGTH_MAX:
        raise Invalid("price.source", field="source", rule=f"1 to {SOURCE_LENGTH_MAX} characters")
    if quoted_at > now:
        raise Invalid("price.quoted_at", field="quoted_at", rule="not in the future")


def require_not_older(quoted_at: datetime, standing: Price | None) -> None:
    """The latest quote counts: an older one than that in force is Invalid, for it would be dead at once."""
    if standing is not None and quoted_at < standing.quoted_at:
        raise Invalid("price.quoted_before", field="quoted_at", rule="not before the quote in force")


def price_state(price_fen_each: int, standing: Price | None) -> PriceState:
    """A price that lends no more than the one in force counts at once; a first or higher one is proposed."""
    lends_no_more = standing is not None and price_fen_each <= standing.price_fen_each
    return "in_force" if lends_no_more else "proposed"


def freshness(age: timedelta | None, rule: LendingRule) -> Fraction:
    """1 up to `fresh_h` of age, then in a line to 0 at `stale_h`; 0 when nothing was ever seen."""
    if age is None:
        return Fraction(0)
    seconds = max(0, floor(age.total_seconds()))
    fresh_s, stale_s = rule.fresh_h * 3600, rule.stale_h * 3600
    exact = min(Fraction(1), max(Fraction(0), Fraction(stale_s - seconds, stale_s - fresh_s)))
    return Fraction(floor(exact * FRESHNESS_STEPS), FRESHNESS_STEPS)


def agreeing(unit: SeenUnit, rule: LendingRule, now: datetime) -> frozenset[str]:
    """The modalities that saw the unit and are not stale: one that has not looked for `stale_h` says nothing
    now."""
    limit = timedelta(hours=rule.stale_h)
    return frozenset(kind for kind, at in unit.modalities.items() if now - at < limit)


def modality_factor(count: int, rule: LendingRule) -> Fraction:
    """The rule's factor for `count` modalities that agree; 0 for none, the last one for more than listed."""
    if count == 0:
        return Fraction(0)
    return Fraction(rule.modality_factors[min(count, len(rule.modality_factors)) - 1])


class _Counted(NamedTuple):
    """A unit that a pledge counts: its pieces, and how far the modalities that saw it are trusted."""

    pieces: int
    trust: Fraction


def _counted(goods: Collateral, evidence: LotEvidence, rule: LendingRule, now: datetime) -> list[_Counted]:
    """The pledge's own units that are vouched for; where the lot lacks some, those worth least."""
    strong: list[_Counted] = []
    weak: list[_Counted] = []
    for unit_id, unit in evidence.here(goods.quantities_each).items():
        pieces = min(goods.quantities_each[unit_id], unit.book_each)
        trust = modality_factor(len(agreeing(unit, rule, now)), rule)
        (strong if len(unit.modalities) >= SEVERAL else weak).append(_Counted(pieces, trust))
    sure = vouched(goods.quantities_each, evidence, evidence.units_low)
    return [*_least(strong, sure.by_several), *_least(weak, sure.by_one)]


def _least(units: Sequence[_Counted], count: int) -> list[_Counted]:
    return sorted(units, key=lambda unit: (unit.pieces * unit.trust, unit.pieces))[:count]


def _shared(goods: Collateral, evidence: LotEvidence, rule: LendingRule, now: datetime) -> tuple[str, ...]:
    """The modalities that agree on every unit of the pledge that is here."""
    seen = [agreeing(unit, rule, now) for unit in evidence.here(goods.quantities_each).values()]
    return tuple(sorted(seen[0].intersection(*seen))) if seen else ()


def _age(goods: Collateral, evidence: LotEvidence, now: datetime) -> timedelta | None:
    """How long ago the stalest unit of the pledge that is here was last seen; None when none is here."""
    here = evidence.here(goods.quantities_each).values()
    return max((now - max(unit.modalities.values()) for unit in here), default=None)


def _mean_trust(counted: Sequence[_Counted]) -> Fraction:
    """The mean over the pieces, rounded down to what a page shows."""
    pieces = sum(unit.pieces for unit in counted)
    if pieces == 0:
        return Fraction(0)
    exact = sum((unit.pieces * unit.trust for unit in counted), Fraction(0)) / pieces
    return Fraction(floor(exact * 10**_FACTOR_DECIMALS), 10**_FACTOR_DECIMALS)


def value_pledge(
    goods: Collateral, evidence: LotEvidence | None, price: Price | None, rule: LendingRule, now: datetime
) -> Valuation:
    """What one pledge is worth now. Without evidence or price it is worth nothing.

    Only the pledge's own units count, each when sensors see it here and with no more pieces than both receipt
    and book state; as many of them as the lot's verified low vouches for. Each unit is trusted by how many
    modalities saw it. Together they hold no more pieces than were weighed for certain.
    """
    counted = _counted(goods, evidence, rule, now) if evidence else []
    age = _age(goods, evidence, now) if evidence else None
    fresh, trust = freshness(age, rule), _mean_trust(counted)
    low = len(counted)
    stated = sum(unit.pieces for unit in counted)
    weighed = pieces_weighed(goods.quantities_each, evidence) if evidence else None
    pieces = stated if weighed is None else min(stated, weighed)
    value_fen = pieces * (price.price_fen_each if price else 0)
    trusted = value_fen * fresh * trust
    return Valuation(
        book_units=len(goods.quantities_each),
        verified_low=low,
        counted_each=pieces,
        unweighed_each=stated - pieces,
        modalities=_shared(goods, evidence, rule, now) if evidence else (),
        modality_factor=_decimal(trust),
        freshness_factor=_decimal(fresh),
        advance_rate=rule.advance_rate,
        unit_value_fen=_capped(value_fen // low if low else 0),
        value_fen=_capped(value_fen),
        adjusted_fen=_capped(floor(trusted) - goods.lien_fen),
        other_claims_fen=goods.lien_fen,
        lendable_fen=_capped(floor(trusted * Fraction(rule.advance_rate)) - goods.lien_fen),
        age_h=None if age is None else _hours(age),
        priced_at=price.quoted_at if price else None,
        price_source=price.source if price else "",
        receipt_id=goods.receipt_id,
    )


def value_all(
    pledged: Sequence[Collateral],
    evidence: Mapping[str, LotEvidence],
    prices: Mapping[str, Price],
    rule: LendingRule,
    now: datetime,
) -> list[Valuation]:
    """Each pledge valued on its own, in the order given. `evidence` by lot, `prices` by SKU."""
    return [
        value_pledge(goods, evidence.get(goods.lot_id), prices.get(goods.sku), rule, now) for goods in pledged
    ]


def total(parts: Sequence[Valuation], rule: LendingRule) -> Valuation:
    """The sum over a facility. Factors and age are the worst of the parts; the amounts are exact sums."""
    low = sum(part.verified_low for part in parts)
    value_fen = sum(part.value_fen for part in parts)
    common = set(parts[0].modalities).intersection(*(part.modalities for part in parts)) if parts else set()
    ages = [part.age_h for part in parts]
    return Valuation(
        book_units=sum(part.book_units for part in parts),
        verified_low=low,
        counted_each=sum(part.counted_each for part in parts),
        unweighed_each=sum(part.unweighed_each for part in parts),
        modalities=tuple(sorted(common)),
        modality_factor=min((part.modality_factor for part in parts), key=Fraction, default="0"),
        freshness_factor=min((part.freshness_factor for part in parts), key=Fraction, default="0"),
        advance_rate=rule.advance_rate,
        unit_value_fen=_capped(value_fen // low if low else 0),
        value_fen=_capped(value_fen),
        adjusted_fen=_capped(sum(part.adjusted_fen for part in parts)),
        other_claims_fen=_capped(sum(part.other_claims_fen for part in parts)),
        lendable_fen=_capped(sum(part.lendable_fen for part in parts)),
        age_h=None if None in ages else max((age for age in ages if age is not None), default=None),
    )


def available_fen(facility: Facility, lendable_fen: int) -> int:
    """What may still be drawn: within the limit, and with the whole debt within the lendable amount."""
    room = min(facility.limit_fen - facility.drawn_fen, lendable_fen - facility.debt_fen)
    return max(0, room)


def shortfall_fen(debt_fen: int, lendable_fen: int) -> int:
    """By how much the debt exceeds what would be lent today."""
    return max(0, debt_fen - lendable_fen)


def margin_state(debt_fen: int, adjusted_fen: int, rule: LendingRule) -> MarginState:
    """On which side of the warning, call and sell lines the loan-to-value lies; a line itself is crossed."""
    if debt_fen == 0:
        return "ok"
    if adjusted_fen == 0:
        return "sell"
    ltv = Fraction(debt_fen, adjusted_fen)
    lines: tuple[tuple[str, MarginState], ...] = (
        (rule.sell_ltv, "sell"),
        (rule.call_ltv, "call"),
        (rule.warning_ltv, "warning"),
    )
    return next((state for line, state in lines if ltv >= Fraction(line)), "ok")


def require_releasable(facility: Facility, units: Sequence[UnitState]) -> None:
    """Conflict while the facility is frozen, unless nothing is owed and none of the units is on site any
    more: no money rests on what is gone for good, and nothing could ever be seen of it that would thaw."""
    are_gone = all(unit.level == "missing" for unit in units)
    if facility.state != "frozen" or facility.debt_fen or not are_gone:
        require_open(facility)


def require_covered(facility: Facility, rest: Valuation) -> None:
    """A pledge is given back only when what stays covers the debt; Conflict with the gap otherwise."""
    gap_fen = shortfall_fen(facility.debt_fen, rest.lendable_fen)
    if gap_fen > 0:
        raise Conflict(
            "pledge.debt_not_covered",
            facility_id=facility.facility_id,
            debt_fen=facility.debt_fen,
            lendable_after_fen=rest.lendable_fen,
            gap_fen=gap_fen,
            currency=facility.currency,
        )


def explained(valuation: Valuation) -> dict[str, Any]:
    """The facts of a revaluation for a facility's history."""
    return {
        "book_units": valuation.book_units,
        "verified_low": valuation.verified_low,
        "unweighed_each": valuation.unweighed_each,
        "lendable_fen": valuation.lendable_fen,
        "modalities": list(valuation.modalities),
        "freshness_factor": valuation.freshness_factor,
        "modality_factor": valuation.modality_factor,
    }


def _capped(amount_fen: int) -> int:
    """Never below nothing, never beyond what JSON readers keep exact: both err on the bank's side."""
    return min(AMOUNT_FEN_MAX, max(0, amount_fen))


def _decimal(value: Fraction) -> str:
    """A ratio as a decimal string without trailing zeros; none here has more than six places."""
    scaled = floor(value * 10**_FACTOR_DECIMALS)
    whole, rest = divmod(scaled, 10**_FACTOR_DECIMALS)
    digits = f"{rest:0{_FACTOR_DECIMALS}d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def _hours(age: timedelta) -> float:
    """Hours with one decimal; an age is never negative, even when a device's clock runs ahead."""
    return max(0.0, round(age.total_seconds() / 3600, 1))
