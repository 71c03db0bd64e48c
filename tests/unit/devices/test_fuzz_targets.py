"""Every family and codec is a target of `tallyhouse bench decode`, and its examples reach it."""

import pytest

from app.bench.decoders import EXAMPLES, targets
from devices.families import FAMILIES

TARGETS = targets()


def test_every_family_is_a_target() -> None:
    assert set(FAMILIES) <= set(TARGETS)
    assert set(EXAMPLES) <= set(TARGETS)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_target_takes_its_examples_and_nothing_at_all(name: str) -> None:
    for data in (b"", b"\0", *EXAMPLES.get(name, ())):
        TARGETS[name](data)
