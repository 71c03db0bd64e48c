"""A pallet goes to the cheapest free slot that carries it, and the choice explains itself."""

from wms.inbound.model import Load, SlotOption, choose_slot

SLOTS = [
    SlotOption(f"{rack}-{bay:02d}-{level}", rack, level, x_m, float(bay))
    for rack, x_m in (("A01", 0.0), ("B01", 20.0))
    for bay in (1, 2)
    for level in (1, 2, 3)
]
LIGHT = Load("unit_1", "lot_1", 400_000)


def choose(load: Load = LIGHT, **changes: object):
    rules = {"occupied": set(), "promised": set(), "racks_of_lot": set(), "start": (0.0, 0.0)}
    return choose_slot(load, SLOTS, **{**rules, **changes})


def test_the_nearest_low_slot_wins() -> None:
    choice = choose()
    assert choice.slot_id == "A01-01-1"
    assert choice.explanation["cost_m"] == {"drive": 1.0, "lift": 0.0, "same_lot": 0.0}


def test_occupied_and_promised_slots_are_refused_and_counted() -> None:
    choice = choose(occupied={"A01-01-1"}, promised={"A01-02-1"})
    assert choice.slot_id == "A01-01-2"
    assert choice.explanation["refused"] == {"occupied": 1, "promised": 1}


def test_a_rack_with_the_same_lot_is_worth_a_longer_way() -> None:
    assert choose(racks_of_lot={"B01"}).slot_id == "A01-01-1"
    near = [slot._replace(x_m=10.0) if slot.rack_id == "B01" else slot for slot in SLOTS]
    choice = choose_slot(LIGHT, near, occupied=set(), promised=set(), racks_of_lot={"B01"}, start=(0.0, 0.0))
    assert choice.slot_id == "B01-01-1"


def test_a_heavy_pallet_stays_low_even_when_that_is_farther() -> None:
    low_taken = {"A01-01-1", "A01-02-1"}
    assert choose(Load("unit_1", "lot_1", 900_000), occupied=low_taken).slot_id == "B01-01-1"
    assert choose(occupied=low_taken).slot_id == "A01-01-2"


def test_what_a_level_cannot_carry_is_refused() -> None:
    low = {slot.slot_id for slot in SLOTS if slot.level == 1}
    choice = choose(Load("unit_1", "lot_1", 1_300_000), occupied=low)
    assert choice.slot_id is None
    assert choice.explanation["refused"] == {"occupied": 4, "too_heavy": 8}


def test_equal_costs_go_to_the_smaller_slot_so_that_the_choice_repeats() -> None:
    twins = [SlotOption(name, "A01", 1, 1.0, 1.0) for name in ("A01-02-1", "A01-01-1")]
    choice = choose_slot(LIGHT, twins, occupied=set(), promised=set(), racks_of_lot=set(), start=(0.0, 0.0))
    assert choice.slot_id == "A01-01-1"
