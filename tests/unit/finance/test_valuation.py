"""From evidence, prices and the bank's rule to the lendable amount, with figures reckoned by hand."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import msgspec
import pytest

from finance.collateral import model
from finance.collateral.model import Collateral, Price
from finance.facilities.model import Facility
from finance.messages import LendingRule
from finance.receipts.model import LotEvidence, SeenUnit
from kernel.errors import Conflict, Invalid
from kernel.money import AMOUNT_FEN_MAX

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
RULE = LendingRule()
PRICE = Price(sku="RICE", price_fen_each=12_345, source="Exchange", quoted_at=NOW - timedelta(days=1))


def seen(low: int = 12, here: int = 12, book_each: int = 40, **ages_h: float) -> LotEvidence:
    """A lot of which `here` units were seen by each modality so many hours ago."""
    moments = {
        kind: NOW - timedelta(hours=age)
        for kind, age in (ages_h or {"tag": 1, "mass": 1, "position": 1}).items()
    }
    return LotEvidence(
        lot_id="lot-1",
        site_id="site-1",
        book_units=12,
        units_low=low,
        units_mid=low,
        units_high=max(low, here),
        modalities=moments,
        as_of=max(moments.values(), default=None),
        units={unit_id: SeenUnit(modalities=moments, book_each=book_each) for unit_id in names(here)},
    )


def names(count: int) -> list[str]:
    return [f"unit-{nth:02}" for nth in range(1, count + 1)]


def pledged(units: int = 12, *, lien_fen: int = 0) -> Collateral:
    return Collateral(
        pledge_id="pledge-1",
        receipt_id="receipt-1",
        lot_id="lot-1",
        sku="RICE",
        quantities_each=dict.fromkeys(names(units), 40),
        lien_fen=lien_fen,
    )


def facility(**changed: object) -> Facility:
    whole = Facility(
        facility_id="facility-1",
        bank_party_id="bank",
        borrower_party_id="owner",
        site_id="site-1",
        currency="CNY",
        limit_fen=10_000_000,
        drawn_fen=0,
        interest_fen=0,
        lendable_fen=0,
        margin_state="ok",
        rate="0.0435",
        rule=RULE,
        state="open",
    )
    return msgspec.structs.replace(whole, **changed)


def weighed(low_g: int, unit_g: int = 1_000_000, piece_g: int = 25_000, book_each: int = 40) -> LotEvidence:
    """A lot of twelve units of 40 pieces that share what was weighed, `low_g` of it for certain."""
    lot = seen(book_each=book_each)
    units = {
        unit_id: msgspec.structs.replace(unit, mass_g=unit_g, received_each=40)
        for unit_id, unit in lot.units.items()
    }
    return msgspec.structs.replace(lot, units=units, mass_low_g=low_g, piece_mass_g=piece_g)


def test_no_more_pieces_are_lent_on_than_were_weighed_for_certain() -> None:
    value = model.value_pledge(pledged(), weighed(7_749_999), PRICE, RULE, NOW)
    assert (value.verified_low, value.counted_each, value.unweighed_each) == (12, 309, 171)
    assert value.value_fen == 309 * 12_345
    honest = model.value_pledge(pledged(), weighed(12_000_000), PRICE, RULE, NOW)
    assert (honest.counted_each, honest.unweighed_each) == (480, 0)


def test_pledges_of_one_lot_share_what_was_weighed_for_certain() -> None:
    lot = weighed(7_749_999)
    first, last = pledged(5), pledged(12)
    rest = dict.fromkeys(names(12)[5:], 40)
    parts = (first, msgspec.structs.replace(last, quantities_each=rest))
    counted = [model.value_pledge(part, lot, PRICE, RULE, NOW).counted_each for part in parts]
    assert counted == [129, 180]


def test_pieces_that_were_picked_took_their_mass_along() -> None:
    half = dict.fromkeys(names(12), 20)
    goods = msgspec.structs.replace(pledged(), quantities_each=half)
    value = model.value_pledge(goods, weighed(11_000_000, book_each=20), PRICE, RULE, NOW)
    assert value.counted_each == (11_000_000 - 6_000_000) // 25_000


@pytest.mark.parametrize("changed", [{"piece_mass_g": 0}, {"mass_low_g": None}])
def test_where_no_mass_says_how_many_pieces_there_are_the_count_of_units_alone_does(
    changed: dict[str, int | None],
) -> None:
    lot = msgspec.structs.replace(weighed(1), **changed)
    assert model.value_pledge(pledged(), lot, PRICE, RULE, NOW).counted_each == 480


def test_three_fresh_modalities_lend_the_advance_rate_of_the_value() -> None:
    value = model.value_pledge(pledged(), seen(), PRICE, RULE, NOW)
    assert value.value_fen == 12 * 40 * 12_345 == 5_925_600
    assert (value.modality_factor, value.freshness_factor, value.advance_rate) == ("1", "1", "0.70")
    assert value.lendable_fen == 4_147_920
    assert (value.verified_low, value.unit_value_fen, value.age_h) == (12, 493_800, 1.0)


@pytest.mark.parametrize(
    ("ages", "factor", "lendable_fen"),
    [
        ({"tag": 1.0}, "0.5", 2_073_960),
        ({"tag": 1.0, "mass": 2.0}, "0.9", 3_733_128),
        ({"tag": 1.0, "mass": 2.0, "position": 3.0}, "1", 4_147_920),
        ({"tag": 1.0, "mass": 2.0, "position": 3.0, "sight": 4.0}, "1", 4_147_920),
        ({"tag": 1.0, "mass": 168.0}, "0.5", 2_073_960),
    ],
)
def test_each_modality_that_agrees_and_is_not_stale_lends_more(
    ages: dict[str, float], factor: str, lendable_fen: int
) -> None:
    value = model.value_pledge(pledged(), seen(**ages), PRICE, RULE, NOW)
    assert (value.modality_factor, value.lendable_fen) == (factor, lendable_fen)


@pytest.mark.parametrize(
    ("age_h", "factor"),
    [(0, "1"), (24, "1"), (60, "0.75"), (96, "0.5"), (132, "0.25"), (168, "0"), (900, "0")],
)
def test_freshness_falls_in_a_line_between_one_day_and_seven(age_h: float, factor: str) -> None:
    exact = model.freshness(timedelta(hours=age_h), RULE)
    assert exact == Fraction(factor)


def test_what_was_never_seen_lends_nothing() -> None:
    for evidence in (None, seen(low=0), seen(here=0)):
        assert model.value_pledge(pledged(), evidence, PRICE, RULE, NOW).lendable_fen == 0


def test_goods_without_a_price_lend_nothing() -> None:
    value = model.value_pledge(pledged(), seen(), None, RULE, NOW)
    assert (value.value_fen, value.lendable_fen, value.priced_at) == (0, 0, None)


def test_books_never_raise_the_value_above_what_was_seen() -> None:
    value = model.value_pledge(pledged(), seen(low=9), PRICE, RULE, NOW)
    assert (value.book_units, value.verified_low, value.value_fen) == (12, 9, 9 * 493_800)


def test_the_smallest_units_are_counted_when_some_are_missing() -> None:
    mixed = msgspec.structs.replace(pledged(), quantities_each=dict(zip(names(3), (40, 10, 30), strict=True)))
    value = model.value_pledge(mixed, seen(low=2, here=3), PRICE, RULE, NOW)
    assert value.value_fen == 40 * 12_345


def test_other_units_of_the_lot_never_stand_in_for_the_pledges_own() -> None:
    half = msgspec.structs.replace(pledged(), quantities_each=dict.fromkeys(names(12)[6:], 40))
    only_the_others = msgspec.structs.replace(seen(low=6, here=6), book_units=6)
    value = model.value_pledge(half, only_the_others, PRICE, RULE, NOW)
    assert (value.book_units, value.verified_low, value.lendable_fen) == (6, 0, 0)


@pytest.mark.parametrize(("book_each", "pieces"), [(41, 40), (400, 40), (30, 30), (0, 0)])
def test_pieces_are_the_fewer_of_book_and_receipt(book_each: int, pieces: int) -> None:
    value = model.value_pledge(pledged(), seen(book_each=book_each), PRICE, RULE, NOW)
    assert value.value_fen == 12 * pieces * 12_345


def test_a_unit_that_one_device_alone_saw_counts_by_the_factor_for_one() -> None:
    lot = seen()
    alone = SeenUnit(modalities={"position": NOW}, book_each=40)
    lot = msgspec.structs.replace(lot, units={**lot.units, "unit-12": alone})
    value = model.value_pledge(pledged(), lot, PRICE, RULE, NOW)
    assert (value.verified_low, value.modalities) == (12, ("position",))
    assert value.modality_factor == "0.958333", "eleven at 1 and one at 0.5, rounded down"
    less = model.value_pledge(pledged(), msgspec.structs.replace(lot, units_low=11), PRICE, RULE, NOW)
    assert (less.verified_low, less.modality_factor) == (11, "1")


def test_claims_that_rank_before_the_pledge_are_taken_off_last() -> None:
    value = model.value_pledge(pledged(lien_fen=147_920), seen(), PRICE, RULE, NOW)
    assert (value.lendable_fen, value.other_claims_fen) == (4_000_000, 147_920)
    swallowed = model.value_pledge(pledged(lien_fen=9_000_000), seen(), PRICE, RULE, NOW)
    assert (swallowed.lendable_fen, swallowed.adjusted_fen) == (0, 0)


def test_amounts_are_rounded_down_to_the_fen() -> None:
    odd = msgspec.structs.replace(PRICE, price_fen_each=1)
    single = msgspec.structs.replace(pledged(1), quantities_each={"unit-01": 3})
    assert model.value_pledge(single, seen(low=1, here=1), odd, RULE, NOW).lendable_fen == 2


def test_a_sum_takes_the_worst_factors_and_adds_the_amounts() -> None:
    parts = [
        model.value_pledge(pledged(), seen(tag=1, mass=1, position=1), PRICE, RULE, NOW),
        model.value_pledge(pledged(), seen(tag=96, mass=96), PRICE, RULE, NOW),
    ]
    whole = model.total(parts, RULE)
    assert whole.lendable_fen == sum(part.lendable_fen for part in parts)
    assert (whole.modality_factor, whole.freshness_factor, whole.age_h) == ("0.9", "0.5", 96.0)
    assert (whole.modalities, whole.book_units) == (("mass", "tag"), 24)


def test_a_facility_without_pledges_lends_nothing() -> None:
    empty = model.total([], RULE)
    assert (empty.lendable_fen, empty.age_h, empty.modality_factor) == (0, None, "0")


def test_absurd_values_are_capped_at_what_json_readers_keep_exact() -> None:
    dear = msgspec.structs.replace(PRICE, price_fen_each=model.PRICE_FEN_MAX)
    many = msgspec.structs.replace(pledged(), quantities_each=dict.fromkeys(names(12), 10**9))
    assert model.value_pledge(many, seen(book_each=10**9), dear, RULE, NOW).lendable_fen == AMOUNT_FEN_MAX


@pytest.mark.parametrize(
    ("limit_fen", "drawn_fen", "interest_fen", "lendable_fen", "available_fen"),
    [
        (1_000, 0, 0, 700, 700),
        (1_000, 600, 0, 700, 100),
        (1_000, 600, 50, 700, 50),
        (650, 600, 0, 700, 50),
        (1_000, 600, 0, 500, 0),
    ],
)
def test_what_may_be_drawn_stays_within_limit_and_stock(
    limit_fen: int, drawn_fen: int, interest_fen: int, lendable_fen: int, available_fen: int
) -> None:
    line = facility(limit_fen=limit_fen, drawn_fen=drawn_fen, interest_fen=interest_fen)
    assert model.available_fen(line, lendable_fen) == available_fen


@pytest.mark.parametrize(
    ("debt_fen", "adjusted_fen", "state"),
    [
        (0, 0, "ok"),
        (7_499, 10_000, "ok"),
        (7_500, 10_000, "warning"),
        (8_000, 10_000, "call"),
        (8_500, 10_000, "sell"),
        (1, 0, "sell"),
    ],
)
def test_the_margin_state_changes_on_each_line(debt_fen: int, adjusted_fen: int, state: str) -> None:
    assert model.margin_state(debt_fen, adjusted_fen, RULE) == state


def test_a_pledge_is_given_back_only_when_the_rest_covers_the_debt() -> None:
    rest = model.total([model.value_pledge(pledged(), seen(), PRICE, RULE, NOW)], RULE)
    model.require_covered(facility(drawn_fen=4_147_920), rest)
    with pytest.raises(Conflict) as refused:
        model.require_covered(facility(drawn_fen=4_147_920, interest_fen=1), rest)
    assert (refused.value.key, refused.value.facts["gap_fen"]) == ("pledge.debt_not_covered", 1)


@pytest.mark.parametrize(
    ("price_fen", "source", "quoted_at", "key"),
    [
        (0, "Exchange", NOW, "price.amount"),
        (-5, "Exchange", NOW, "price.amount"),
        (model.PRICE_FEN_MAX + 1, "Exchange", NOW, "price.amount"),
        (1, "  ", NOW, "price.source"),
        (1, "Exchange", NOW + timedelta(seconds=1), "price.quoted_at"),
    ],
)
def test_a_price_without_sense_source_or_time_is_refused(
    price_fen: int, source: str, quoted_at: datetime, key: str
) -> None:
    with pytest.raises(Invalid) as refused:
        model.require_price(price_fen, source, quoted_at, NOW)
    assert refused.value.key == key
