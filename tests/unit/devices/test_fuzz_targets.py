"""Every family and codec is a target of `tallyhouse bench decode`, and reads what its fuzzing starts from."""

import pytest

from app.bench.decoders import BYTES_MAX, targets
from app.bench.seeds import SEEDS
from devices.families import FAMILIES

TARGETS = targets()


def test_every_family_is_a_target_and_every_target_has_seeds() -> None:
    assert set(FAMILIES) <= set(TARGETS)
    assert set(SEEDS) == set(TARGETS)
    assert list(SEEDS) == sorted(SEEDS)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_codec_reads_every_seed_of_its_target(name: str) -> None:
    for seed in SEEDS[name]:
        assert len(seed) <= BYTES_MAX
        assert TARGETS[name](seed), seed


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_target_reads_nothing_out_of_nothing(name: str) -> None:
    for data in (b"", b"\0"):
        TARGETS[name](data)
