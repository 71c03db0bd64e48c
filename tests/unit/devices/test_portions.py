"""How many kept readings are moved at once: as many as the twin takes in within half a second."""

from devices.ingest.intake import (
    PORTION_ITEMS_MAX,
    PORTION_ITEMS_MIN,
    TAKEN_IN_S,
    portion_after,
)


def test_a_portion_that_took_just_as_long_as_it_may_stays() -> None:
    assert portion_after(400, TAKEN_IN_S) == 400


def test_a_twin_that_is_slow_is_given_less_and_a_fast_one_more() -> None:
    assert portion_after(400, 0.8 * TAKEN_IN_S) == 500
    assert portion_after(400, TAKEN_IN_S / 0.8) == 320


def test_a_portion_doubles_or_halves_at_most_within_its_bounds() -> None:
    assert portion_after(450, 0.0) == 900
    assert portion_after(600, 100.0) == 300
    assert portion_after(PORTION_ITEMS_MAX, 0.0) == PORTION_ITEMS_MAX
    assert portion_after(PORTION_ITEMS_MIN, 100.0) == PORTION_ITEMS_MIN
