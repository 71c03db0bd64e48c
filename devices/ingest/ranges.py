"""Sets of sequence numbers as closed ranges: small however many numbers they hold."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Span(NamedTuple):
    """The numbers first..last, both included."""

    first: int
    last: int


class Spans:
    """An immutable set of positive whole numbers, kept as sorted spans that neither touch nor overlap."""

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._spans = tuple(_merged(spans))

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "Spans":
        return cls((number, number) for number in numbers)

    def __iter__(self) -> Iterator[Span]:
        return iter(self._spans)

    def __len__(self) -> int:
        """How many spans, not how many numbers."""
        return len(self._spans)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spans) and self._spans == other._spans

    def __hash__(self) -> int:
        return hash(self._spans)

    def __repr__(self) -> str:
        return f"Spans({[tuple(span) for span in self._spans]})"

    def __contains__(self, number: int) -> bool:
        low, high = 0, len(self._spans)
        while low < high:
            middle = (low + high) // 2
            if self._spans[middle].last < number:
                low = middle + 1
            else:
                high = middle
        return low < len(self._spans) and self._spans[low].first <= number

    def with_numbers(self, numbers: Iterable[int]) -> "Spans":
        """This set and `numbers`."""
        return Spans([*self._spans, *_runs(numbers)])

    def joined(self, other: "Spans") -> "Spans":
        return Spans([*self._spans, *other])

    @property
    def through(self) -> int:
        """The last number reached from 1 without a gap; 0 when 1 itself is missing."""
        if self._spans and self._spans[0].first == 1:
            return self._spans[0].last
        return 0

    @property
    def last(self) -> int:
        """The greatest number; 0 when there is none."""
        return self._spans[-1].last if self._spans else 0

    def to_sql(self) -> str:
        """PostgreSQL's text form of an int8multirange."""
        return "{" + ",".join(f"[{span.first},{span.last}]" for span in self._spans) + "}"

    @classmethod
    def from_sql(cls, text: str) -> "Spans":
        """Read the canonical text form of an int8multirange: `{[1,4),[6,7)}`."""
        inner = text.strip("{}")
        if not inner:
            return cls()
        pairs = (part.strip("[)").split(",") for part in inner.split("),["))
        return cls((int(first), int(end) - 1) for first, end in pairs)


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Neighbours together: most numbers come one after the other."""
    runs: list[tuple[int, int]] = []
    first = last = None
    for number in numbers:
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            runs.append((first, last))
        first = last = number
    if first is not None and last is not None:
        runs.append((first, last))
    return runs


def _merged(spans: Iterable[tuple[int, int]]) -> list[Span]:
    merged: list[Span] = []
    for first, last in sorted(spans):
        if first < 1 or last < first:
            raise ValueError(f"{first}..{last} is not a span of positive numbers")
        if merged and first <= merged[-1].last + 1:
            merged[-1] = Span(merged[-1].first, max(last, merged[-1].last))
        else:
            merged.append(Span(first, last))
    return merged
