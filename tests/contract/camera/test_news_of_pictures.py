"""Whether painted pictures are news: no live one is taken for one that comes again, and noise on top of one
does not hide that it does."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from devices.drivers.camera.freshness import FROZEN_AFTER, Freshness, Grey
from simulators.protocols.camera.exposure import Exposure, Negative, encoded_again
from tests.contract.camera.conftest import Paint
from tests.contract.camera.racks import SLOTS, SMALL, a_load, a_scene

LOOKS = 120
EXPOSURES = [Exposure(1.0, 1.5, 85), Exposure(1.0, 2.0, 75), Exposure(1.0, 4.0, 60)]


@pytest.fixture(scope="module")
async def racks(paint: Paint) -> list[Negative]:
    """One rack, with other pallets in each picture."""
    loads = [
        {slot.slot_id: a_load(number) for number, slot in enumerate(SLOTS) if (7 * number + turn) % 3}
        for turn in range(3)
    ]
    return [await paint(a_scene(load, SMALL)) for load in loads]


def decoded(jpeg: bytes) -> Grey:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE).astype(np.uint8)


def lights(kind: str) -> Iterator[float]:
    for look in range(LOOKS):
        yield {
            "even": 1.0,
            "a lamp that is switched": 0.6 if look % 3 else 0.9,
            "dusk and dawn": 0.15 + 0.85 * float(np.sin(np.pi * look / LOOKS)) ** 2,
            "a lamp that goes out": 1.0 if look < LOOKS / 2 else 0.4,
        }[kind]


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("kind", ["even", "a lamp that is switched", "dusk and dawn", "a lamp that goes out"])
def test_every_picture_of_a_live_camera_is_news(racks: list[Negative], kind: str, exposure: Exposure) -> None:
    fresh = Freshness()
    for look, light in enumerate(lights(kind)):
        now = Exposure(light, exposure.noise, exposure.quality)
        jpeg = racks[look // 20 % len(racks)].exposed(look, now)
        assert fresh.judge(decoded(jpeg)) == "fresh"
    assert fresh.can_tell


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_a_frozen_picture_is_told_under_noise_up_to_that_of_the_sensor_itself(
    racks: list[Negative], exposure: Exposure, share: float
) -> None:
    fresh, taken = Freshness(), [racks[0].exposed(look, exposure) for look in range(40)]
    for jpeg in taken:
        assert fresh.judge(decoded(jpeg)) == "fresh"
    said = [
        fresh.judge(
            decoded(encoded_again(taken[-1], exposure.quality, noise=share * exposure.noise, seed=seed))
        )
        for seed in range(8)
    ]
    assert said == ["same"] * (FROZEN_AFTER - 2) + ["frozen"] * (8 - FROZEN_AFTER + 2)
    assert fresh.judge(decoded(racks[0].exposed(1_000, exposure))) == "fresh"


@pytest.mark.parametrize("quality", [70, 75, 92])
def test_an_earlier_picture_is_told_under_noise_of_one_level_and_another_encoding(
    racks: list[Negative], quality: int
) -> None:
    fresh, taken = Freshness(), [racks[0].exposed(look) for look in range(60)]
    for jpeg in taken:
        assert fresh.judge(decoded(jpeg)) == "fresh"
    for seed in range(8):
        jpeg = encoded_again(taken[10 + seed], quality, noise=1.0, seed=seed)
        assert fresh.judge(decoded(jpeg)) == "replayed"
