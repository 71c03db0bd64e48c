"""Spans behave as the set of numbers they stand for."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from devices.ingest.ranges import Spans

numbers = st.sets(st.integers(1, 60), max_size=60)


@given(numbers, numbers)
def test_spans_are_the_set_of_their_numbers(first: set[int], second: set[int]) -> None:
    spans = Spans.of(first).with_numbers(second)
    everything = first | second
    assert {number for number in range(-1, 70) if number in spans} == everything
    assert spans == Spans.of(second).joined(Spans.of(first))
    assert spans.last == max(everything, default=0)
    assert spans.through == next(number for number in range(1, 99) if number not in everything) - 1


@given(numbers)
def test_spans_are_as_few_as_can_be(chosen: set[int]) -> None:
    spans = list(Spans.of(chosen))
    assert all(before.last + 1 < after.first for before, after in itertools.pairwise(spans))
    assert sum(span.last - span.first + 1 for span in spans) == len(chosen)


@given(numbers)
def test_spans_survive_the_databases_canonical_text(chosen: set[int]) -> None:
    spans = Spans.of(chosen)
    canonical = "{" + ",".join(f"[{span.first},{span.last + 1})" for span in spans) + "}"
    assert Spans.from_sql(canonical) == spans
