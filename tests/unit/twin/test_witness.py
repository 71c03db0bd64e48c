"""Which observation shows a unit on site, and what takes that from it."""

from datetime import UTC, datetime, timedelta

import pytest

from twin.evidence.witness import Ground, shows_here

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(minutes=1), NOW + timedelta(minutes=1)


def test_what_saw_a_unit_that_never_went_out_shows_it_here() -> None:
    assert shows_here(Ground(at=NOW, is_here=True))
    assert shows_here(Ground(at=NOW, is_here=True, side="inside"))


def test_a_unit_that_sensors_place_nowhere_is_shown_by_nothing() -> None:
    assert not shows_here(Ground(at=NOW, is_here=False))


def test_the_outer_antenna_and_a_weighing_on_the_way_out_show_nothing() -> None:
    assert not shows_here(Ground(at=NOW, is_here=True, side="outside"))
    assert not shows_here(Ground(at=NOW, is_here=True, was_leaving=True))


@pytest.mark.parametrize(
    "gone",
    [
        Ground(at=NOW, is_here=True, crossed="out", crossed_at=LATER),
        Ground(at=NOW, is_here=True, crossed="out", crossed_at=EARLIER),
        Ground(at=NOW, is_here=True, left_at=LATER),
        Ground(at=NOW, is_here=True, left_at=NOW),
    ],
)
def test_what_went_out_is_not_shown_by_what_was_seen_before_or_since(gone: Ground) -> None:
    assert not shows_here(gone)


def test_once_it_has_come_in_again_only_what_saw_it_since_counts() -> None:
    assert not shows_here(Ground(at=EARLIER, is_here=True, crossed="in", crossed_at=NOW))
    assert shows_here(Ground(at=NOW, is_here=True, crossed="in", crossed_at=NOW, left_at=EARLIER))
    assert shows_here(Ground(at=LATER, is_here=True, crossed="in", crossed_at=NOW, left_at=EARLIER))
