"""What may be issued, and which step may follow which."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from finance.receipts import model
from finance.receipts.model import Elements, Goods, LotEvidence, SeenUnit, Vouched
from finance.receipts.replay import Standing, replay
from kernel.errors import Conflict, Invalid

TODAY = date(2026, 11, 23)
SEEN_AT = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def elements(**changed: object) -> Elements:
    whole = Elements(
        goods="Rice, 25 kg bags",
        loss_standard="0.1 %",
        insurance="All risks",
        fee_terms="0.50 CNY per tonne and day",
        storage_until=date(2027, 5, 1),
        lien_fen=0,
    )
    return msgspec.structs.replace(whole, **changed)


def goods(count: int) -> list[Goods]:
    return [
        Goods(unit_id=f"unit-{n}", quantity_each=40, mass_g=1_000_000, slot_id=f"A01-01-{n}")
        for n in range(1, count + 1)
    ]


PIECE_G = 25_000


def unit(*modalities: str, mass_g: int = 1_000_000) -> SeenUnit:
    return SeenUnit(
        modalities=dict.fromkeys(modalities, SEEN_AT), mass_g=mass_g, received_each=40, book_each=40
    )


def evidence(
    *,
    seen: int,
    low: int,
    book: int = 12,
    modalities: tuple[str, ...] = ("tag", "mass"),
    weighed_g: int = 1_000_000,
) -> LotEvidence:
    """A lot whose first `seen` units are here; the scale may be off by 8 %."""
    return LotEvidence(
        lot_id="lot-1",
        site_id="site-1",
        book_units=book,
        units_low=low,
        units_mid=low,
        units_high=book,
        modalities=dict.fromkeys(modalities, SEEN_AT),
        as_of=SEEN_AT,
        mass_low_g=seen * weighed_g * 92 // 100,
        mass_mid_g=seen * weighed_g,
        mass_high_g=seen * weighed_g * 108 // 100,
        units={f"unit-{n}": unit(*modalities, mass_g=weighed_g) for n in range(1, seen + 1)},
    )


def test_a_complete_receipt_is_accepted() -> None:
    model.require_elements(elements(), TODAY)


@pytest.mark.parametrize("field", ["goods", "loss_standard", "insurance", "fee_terms"])
def test_a_receipt_without_a_required_element_names_it(field: str) -> None:
    with pytest.raises(Invalid) as refused:
        model.require_elements(elements(**{field: "  "}), TODAY)
    assert (refused.value.key, refused.value.facts["field"]) == ("receipts.element_missing", field)


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"storage_until": TODAY}, "receipts.storage_until"),
        ({"lien_fen": -1}, "receipts.lien"),
        ({"lien_fen": 2**53}, "receipts.lien"),
        ({"quality": "x" * 2_001}, "receipts.element_too_long"),
    ],
)
def test_an_absurd_element_is_refused(changed: dict[str, object], key: str) -> None:
    with pytest.raises(Invalid) as refused:
        model.require_elements(elements(**changed), TODAY)
    assert refused.value.key == key


def test_no_units_named_means_the_whole_book() -> None:
    assert model.choose_goods(goods(3), None) == goods(3)


def test_named_units_are_taken_in_the_order_given() -> None:
    assert [item.unit_id for item in model.choose_goods(goods(3), ["unit-3", "unit-1"])] == [
        "unit-3",
        "unit-1",
    ]


@pytest.mark.parametrize(
    ("unit_ids", "key"),
    [
        (["unit-9"], "receipts.units_not_in_lot"),
        (["unit-1", "unit-1"], "receipts.units_doubled"),
        ([], "receipts.unit_count"),
    ],
)
def test_units_that_cannot_be_covered_are_refused(unit_ids: list[str], key: str) -> None:
    with pytest.raises(Invalid) as refused:
        model.choose_goods(goods(3), unit_ids)
    assert refused.value.key == key


def test_a_unit_without_a_mass_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        model.choose_goods([msgspec.structs.replace(goods(1)[0], mass_g=0)], None)
    assert refused.value.facts["unit_ids"] == ["unit-1"]


def test_goods_that_were_seen_weighed_and_verified_may_be_issued_on() -> None:
    model.require_seen(goods(12), evidence(seen=12, low=12), units_under_receipt=0, piece_g=PIECE_G)


def test_a_unit_no_sensor_has_seen_stops_the_receipt_and_is_named() -> None:
    with pytest.raises(Conflict) as refused:
        model.require_seen(goods(12), evidence(seen=11, low=12), units_under_receipt=0, piece_g=PIECE_G)
    assert refused.value.key == "receipts.units_not_seen"
    assert refused.value.facts["unit_ids"] == ["unit-12"]


def test_goods_that_no_scale_has_weighed_stop_the_receipt() -> None:
    seen = evidence(seen=12, low=12, modalities=("tag", "position"))
    with pytest.raises(Conflict) as refused:
        model.require_seen(goods(12), seen, units_under_receipt=0, piece_g=PIECE_G)
    assert refused.value.key == "receipts.not_weighed"


def test_one_unit_that_was_not_weighed_stops_the_receipt_though_its_lot_was() -> None:
    lot = evidence(seen=12, low=12)
    part = msgspec.structs.replace(lot, units={**lot.units, "unit-12": unit("tag", "position")})
    model.require_seen(goods(11), part, units_under_receipt=0, piece_g=PIECE_G)
    with pytest.raises(Conflict, match=r"receipts\.not_weighed") as refused:
        model.require_seen(goods(12), part, units_under_receipt=0, piece_g=PIECE_G)
    assert refused.value.facts["unit_ids"] == ["unit-12"]


@pytest.mark.parametrize("weighed_g", [900_000, 1_100_000])
def test_a_declared_mass_that_was_not_weighed_stops_the_receipt(weighed_g: int) -> None:
    with pytest.raises(Conflict, match=r"receipts\.mass_disagrees") as refused:
        model.require_seen(goods(12), evidence(seen=12, low=12, weighed_g=weighed_g), 0, PIECE_G)
    assert refused.value.facts == {
        "declared_g": 12_000_000,
        "weighed_low_g": 12 * weighed_g * 92 // 100,
        "weighed_high_g": 12 * weighed_g * 108 // 100,
        "pieces_g": 12_000_000,
        "unit_ids": [],
    }


def test_more_pieces_than_the_declared_mass_can_be_stop_the_receipt() -> None:
    model.require_seen(goods(12), evidence(seen=12, low=12), 0, PIECE_G)
    model.require_seen(goods(12), evidence(seen=12, low=12), 0, 0)
    with pytest.raises(Conflict, match=r"receipts\.mass_disagrees") as refused:
        model.require_seen(goods(2), evidence(seen=12, low=12), 0, PIECE_G + 1)
    assert refused.value.facts["pieces_g"] == 2 * 40 * (PIECE_G + 1)
    assert refused.value.facts["unit_ids"] == ["unit-1", "unit-2"]


def test_a_pallet_does_not_grow_by_being_written_down() -> None:
    [first, second] = goods(2)
    grown = msgspec.structs.replace(first, quantity_each=41, mass_g=1_025_000)
    with pytest.raises(Conflict, match=r"receipts\.more_than_received") as refused:
        model.require_seen([grown, second], evidence(seen=12, low=12), 0, PIECE_G)
    assert refused.value.facts["unit_ids"] == ["unit-1"]
    part = msgspec.structs.replace(first, quantity_each=20, mass_g=500_000)
    model.require_seen([part, second], evidence(seen=12, low=12), 0, PIECE_G)


def test_all_receipts_together_stay_within_the_verified_low() -> None:
    model.require_seen(goods(5), evidence(seen=12, low=11), units_under_receipt=6, piece_g=PIECE_G)
    with pytest.raises(Conflict) as refused:
        model.require_seen(goods(6), evidence(seen=12, low=11), units_under_receipt=6, piece_g=PIECE_G)
    assert refused.value.key == "receipts.above_verified"
    assert (refused.value.facts["wanted_units"], refused.value.facts["verified_low"]) == (12, 11)


def test_a_second_live_receipt_names_the_units() -> None:
    model.require_free([])
    with pytest.raises(Conflict) as refused:
        model.require_free(["unit-2", "unit-1"])
    assert refused.value.key == "receipts.units_under_receipt"
    assert refused.value.facts["unit_ids"] == ["unit-1", "unit-2"]


def test_a_receipt_is_pledged_released_and_cancelled() -> None:
    assert model.next_state("r", "issued", "pledged") == "pledged"
    assert model.next_state("r", "pledged", "released") == "issued"
    assert model.next_state("r", "issued", "cancelled") == "cancelled"


@pytest.mark.parametrize("step", ["pledged", "released", "unit_delivered", "cancelled"])
def test_nothing_follows_a_cancelled_receipt(step: model.Step) -> None:
    with pytest.raises(Conflict, match=r"receipts\.state"):
        model.next_state("r", "cancelled", step)


@pytest.mark.parametrize("step", ["pledged", "unit_delivered", "cancelled"])
def test_a_pledged_receipt_can_only_be_released(step: model.Step) -> None:
    with pytest.raises(Conflict, match=r"receipts\.state"):
        model.next_state("r", "pledged", step)


@pytest.mark.parametrize(
    ("units", "seen", "low", "vouched"),
    [
        (12, 12, 12, 12),
        (12, 12, 11, 11),
        (6, 12, 11, 5),
        (6, 12, 6, 0),
        (6, 6, 8, 6),
        (6, 4, 6, 4),
        (3, 9, 0, 0),
    ],
)
def test_what_the_lot_lacks_is_taken_to_be_missing_from_each_part_of_it(
    units: int, seen: int, low: int, vouched: int
) -> None:
    unit_ids = [item.unit_id for item in goods(units)]
    assert model.vouched(unit_ids, evidence(seen=seen, low=low), low) == Vouched(vouched, 0)


def test_taking_units_out_of_the_book_vouches_for_none_of_the_rest() -> None:
    unit_ids = [item.unit_id for item in goods(12)[6:]]
    lot = evidence(seen=6, low=6, book=6)
    assert model.vouched(unit_ids, lot, 6) == Vouched(0, 0)


def test_what_one_device_alone_saw_is_covered_last() -> None:
    lot = evidence(seen=2, low=2)
    lot = msgspec.structs.replace(lot, units={**lot.units, "unit-3": unit("position")})
    assert model.vouched(lot.units, lot, 2) == Vouched(2, 0)
    assert model.vouched(lot.units, lot, 3) == Vouched(2, 1)


def test_a_place_names_the_slots_and_what_is_in_none() -> None:
    standing = [*goods(2), Goods(unit_id="u", quantity_each=1, mass_g=1, slot_id=None)]
    assert model.place_text(standing) == "A01-01-1, A01-01-2, staging"


def step(kind: str, units: list[str], **facts: str) -> dict[str, object]:
    return {"receipt_id": "r-1", "kind": kind, "unit_ids": units, "facts": facts}


def test_a_receipt_is_re_added_from_its_steps() -> None:
    steps = [step("issued", ["a", "b"]), step("pledged", ["a", "b"], pledge_id="p-1")]
    assert replay(steps)["r-1"] == Standing(
        state="pledged", live_units=frozenset({"a", "b"}), pledge_id="p-1"
    )
    steps += [step("released", ["a", "b"], pledge_id="p-1"), step("unit_delivered", ["a"])]
    assert replay(steps)["r-1"] == Standing(state="issued", live_units=frozenset({"b"}))
    steps += [step("unit_delivered", ["b"]), step("cancelled", [])]
    assert replay(steps)["r-1"] == Standing(state="cancelled", live_units=frozenset())


def test_a_journal_with_an_impossible_step_is_not_re_added() -> None:
    with pytest.raises(Conflict, match=r"receipts\.state"):
        replay([step("issued", ["a"]), step("released", ["a"])])
