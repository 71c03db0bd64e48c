"""Whether a picture is news: noise never comes twice, whatever light and movement do."""

import io
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from PIL import Image

from devices.drivers.camera.freshness import (
    FROZEN_AFTER,
    LEARNT_AFTER,
    TRUST_AFTER,
    USUAL_LEVELS_MIN,
    Digests,
    Freshness,
)

Y, X = np.mgrid[:180, :320]
SCENE = 60.0 + 80 * (X / 320) + 40 * ((X // 20 + Y // 15) % 2)


def shot(seed: int, *, noise: float = 2.0, light: float = 1.0, moved_px: int = 0) -> np.ndarray:
    """The scene as a sensor sees it, with a box that has moved through it."""
    scene = SCENE.copy()
    scene[60:140, 40 + moved_px : 100 + moved_px] = 30
    seen = scene * light + np.random.default_rng(seed).normal(0, noise, scene.shape)
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)


def recorded(grey: np.ndarray, quality: int) -> np.ndarray:
    """Encoded and decoded again."""
    out = io.BytesIO()
    Image.fromarray(grey).save(out, "JPEG", quality=quality)
    return cv2.imdecode(np.frombuffer(out.getvalue(), np.uint8), cv2.IMREAD_GRAYSCALE)


def an_ordinary_day() -> Iterator[np.ndarray]:
    """Daylight that comes and goes, a lamp that is on at every third look, a box that moves now and then."""
    for number in range(300):
        light = 0.6 + 0.4 * np.sin(number / 60) ** 2 + (0.5 if number % 3 == 0 else 0.0)
        yield shot(number, light=light, moved_px=(number // 25) * 10)


def test_every_picture_of_an_ordinary_day_is_news() -> None:
    fresh = Freshness()
    assert {fresh.judge(recorded(grey, 85)) for grey in an_ordinary_day()} == {"fresh"}
    assert fresh.can_tell


@pytest.mark.parametrize("noise", [1.0, 2.0, 4.0])
def test_no_two_pictures_of_a_still_scene_are_taken_for_one(noise: float) -> None:
    fresh = Freshness()
    assert {fresh.judge(recorded(shot(n, noise=noise), 85)) for n in range(200)} == {"fresh"}


def test_the_same_picture_is_no_news_and_then_frozen_until_there_is_another() -> None:
    fresh = Freshness()
    for number in range(LEARNT_AFTER + 2):
        fresh.judge(shot(number))
    said = [fresh.judge(shot(LEARNT_AFTER + 1)) for _ in range(FROZEN_AFTER + 2)]
    assert said == ["same"] * (FROZEN_AFTER - 2) + ["frozen"] * 4
    assert fresh.judge(shot(10_000)) == "fresh"


@pytest.mark.parametrize("quality", [85, 95])
def test_a_picture_that_comes_again_is_found_though_it_was_encoded_anew(quality: int) -> None:
    fresh, taken = Freshness(), [recorded(shot(number), 85) for number in range(60)]
    for picture in taken:
        assert fresh.judge(picture) == "fresh"
    assert fresh.judge(recorded(taken[20], quality)) == "replayed"


def test_a_camera_that_was_replayed_is_trusted_again_only_after_many_pictures_that_are_news() -> None:
    fresh, taken = Freshness(), [shot(number) for number in range(30)]
    for picture in taken:
        fresh.judge(picture)
    assert fresh.judge(taken[3]) == "replayed"
    said = [fresh.judge(shot(1_000 + number)) for number in range(TRUST_AFTER + 1)]
    assert said == ["replayed"] * (TRUST_AFTER - 1) + ["fresh"] * 2


def test_pictures_without_noise_cannot_be_told_apart_and_that_is_said() -> None:
    fresh = Freshness()
    for number in range(LEARNT_AFTER + 1):
        assert fresh.judge(recorded(shot(number, noise=0.3), 30)) == "fresh"
    assert not fresh.can_tell
    assert fresh.usual_levels is not None
    assert fresh.usual_levels < USUAL_LEVELS_MIN
    assert fresh.judge(shot(0), is_repeat=True) == "replayed"


def test_bytes_that_come_again_are_noticed_between_two_looks() -> None:
    digests = Digests()
    for picture in (b"a", b"b", b"c"):
        digests.take(picture)
    assert (digests.is_repeat, digests.run) == (False, 0)
    digests.take(b"c")
    assert (digests.is_repeat, digests.run) == (False, 1)
    digests.take(b"a")
    digests.take(b"d")
    assert (digests.is_repeat, digests.run) == (True, 0)
