"""The driver against simulated cameras on real sockets; pictures are painted from a rack and its pallets."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices.drivers.camera.driver import PICTURES_PER_S_MAX, CameraDriver
from devices.ingest.snapshots import SnapshotStore, snapshot_path
from kernel.clock import ManualClock
from kernel.messages import CodeSight, DeviceStatus, Observation, Rejected, SlotSight
from simulators.protocols.camera.exposure import Exposure, encoded_again
from simulators.protocols.camera.frames import Account, part
from simulators.protocols.camera.painter import Painter
from simulators.protocols.camera.scene import Load
from simulators.protocols.camera.server import Feed, HttpCamera, RtspCamera
from tests.contract.camera.conftest import Paint
from tests.contract.camera.racks import CAMERA, SLOTS, SMALL, a_load, a_scene, the_view
from tests.contract.wire import Collected, eventually, ticking

LOADS = {slot.slot_id: a_load(number) for number, slot in enumerate(SLOTS) if number % 3 != 1}
FREE = [slot.slot_id for slot in SLOTS if slot.slot_id not in LOADS]
QUICK: dict[str, Any] = {"look_every_s": 0.1, "settle_s": 0.5, "tell_every_s": 3600.0, "backoff_s": (0.05,)}
Wanted = Callable[[Any], bool]


@asynccontextmanager
async def watching(url: str, clock: ManualClock, **settings: Any) -> AsyncIterator[Collected]:
    async with (
        CameraDriver("camera-1", url, clock, 1, **QUICK | settings) as driver,
        Collected(driver.readings()) as seen,
        ticking(clock),
    ):
        yield seen


def shows(loads: Mapping[str, Load]) -> Wanted:
    """Whether an item is the sight of exactly these pallets."""
    sight = SlotSight(
        occupied=tuple(slot.slot_id for slot in SLOTS if slot.slot_id in loads),
        empty=tuple(slot.slot_id for slot in SLOTS if slot.slot_id not in loads),
        pallet_count=len(loads),
    )

    def is_it(item: Any) -> bool:
        reading = getattr(item, "reading", None)
        return isinstance(reading, SlotSight) and msgspec.structs.replace(reading, frame_id=0) == sight

    return is_it


def is_sight(state: str) -> Wanted:
    def is_it(item: Any) -> bool:
        reading = getattr(item, "reading", None)
        return isinstance(reading, SlotSight) and reading.state == state

    return is_it


def says(state: str) -> Wanted:
    def is_it(item: Any) -> bool:
        reading = getattr(item, "reading", None)
        return isinstance(reading, DeviceStatus) and reading.state == state

    return is_it


def is_rejected(item: Any) -> bool:
    return isinstance(item, Rejected)


async def test_the_count_and_the_slots_come_from_pixels_and_change_when_a_pallet_is_moved(
    painter: Painter, clock: ManualClock
) -> None:
    moved = {**LOADS, FREE[0]: LOADS["A01-01-1"]}
    del moved["A01-01-1"]

    def is_label_there(item: Any) -> bool:
        reading = getattr(item, "reading", None)
        return isinstance(reading, CodeSight) and reading.slot_id == FREE[0]

    async with HttpCamera(clock) as camera, Feed(painter, camera.show, 0.02) as feed:
        await feed.set(a_scene(LOADS))
        async with watching(camera.url(), clock, view=the_view()) as seen:
            await seen.until(shows(LOADS))
            await feed.set(a_scene(moved))
            await seen.until(shows(moved))
            [label, *_] = await seen.until(is_label_there)
    assert label.reading.code == str(LOADS["A01-01-1"].label)
    assert label.reading.symbology == "apriltag_36h11"


async def test_a_picture_that_something_was_told_of_is_kept_under_its_digest(
    paint: Paint, clock: ManualClock, tmp_path: Path
) -> None:
    store = SnapshotStore(tmp_path, clock, 10_000_000, timedelta(days=1))
    jpeg = (await paint(a_scene(LOADS))).exposed(1)
    async with (
        HttpCamera(clock) as camera,
        watching(camera.url(), clock, view=the_view(), snapshots=store.of_site("site-a")) as seen,
    ):
        camera.show(jpeg)
        [sight, *_] = await seen.until(is_sight("fresh"))
    assert sight.reading.snapshot_sha256 == sight.raw_sha256 == hashlib.sha256(jpeg).hexdigest()
    path = snapshot_path(tmp_path, "site-a", sight.raw_sha256)
    assert path is not None
    assert path.read_bytes() == jpeg


async def test_a_frozen_camera_is_found_and_shows_nothing_and_then_sees_again(
    painter: Painter, clock: ManualClock
) -> None:
    async with HttpCamera(clock) as camera, Feed(painter, camera.show, 0.02) as feed:
        await feed.set(a_scene(LOADS))
        async with watching(camera.url(), clock, view=the_view()) as seen:
            await seen.until(shows(LOADS))
            feed.is_frozen = True
            [frozen] = await seen.until(is_sight("frozen"))
            before = len(seen.seen)
            feed.is_frozen = False
            await seen.until(lambda item: is_sight("fresh")(item) and item in seen.seen[before:])
    assert frozen.reading == SlotSight(state="frozen", frame_id=frozen.reading.frame_id)


@pytest.mark.parametrize(
    "again",
    [
        lambda jpeg, _: jpeg,
        lambda jpeg, _: encoded_again(jpeg, 92),
        lambda jpeg, seed: encoded_again(jpeg, 75, noise=1.0, seed=seed),
    ],
    ids=["its bytes", "encoded again", "under noise of one level"],
)
async def test_a_recording_that_is_played_again_is_found(
    paint: Paint, clock: ManualClock, again: Callable[[bytes, int], bytes]
) -> None:
    negative = await paint(a_scene(LOADS))
    taken = [negative.exposed(number) for number in range(30)]
    played = [again(jpeg, seed) for seed, jpeg in enumerate(taken)]
    async with HttpCamera(clock) as camera:
        driver = CameraDriver("camera-1", camera.url(), clock, 1, look_every_s=0.1, reads_codes=False)
        async with driver, Collected(driver.readings()) as seen, ticking(clock):
            for number, jpeg in enumerate(taken):
                await eventually(lambda number=number: driver.looks >= number)
                clock.advance(0.1)
                camera.show(jpeg)
            await eventually(lambda: driver.looks >= len(taken))
            assert not any(is_sight("replayed")(item) for item in seen.seen)
            for number, jpeg in enumerate(played[5:15]):
                clock.advance(0.1)
                camera.show(jpeg)
                await eventually(lambda number=number: driver.looks > len(taken) + number)
            await seen.until(is_sight("replayed"))


async def test_a_camera_that_goes_away_is_stated_once_and_so_is_its_return(
    paint: Paint, clock: ManualClock
) -> None:
    negative = await paint(a_scene(LOADS))
    async with HttpCamera(clock) as camera, watching(camera.url(), clock, view=the_view()) as seen:
        camera.show(negative.exposed(1))
        await seen.until(is_sight("fresh"))
        await camera.cut()
        [gone] = await seen.until(says("offline"))
        clock.advance(60)
        await camera.mend()
        camera.show(negative.exposed(2))
        [gap] = await seen.until(says("gap"))
        await seen.until(says("online"), count=2)
    assert sum(map(says("offline"), seen.seen)) == 1
    assert gap.reading.gap_s >= 60
    assert seen.seen.index(gone) < seen.seen.index(gap)
    numbers = [item.sequence for item in seen.seen if isinstance(item, Observation)]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_a_malformed_picture_is_set_aside_with_its_offset_and_the_stream_goes_on(
    paint: Paint, clock: ManualClock
) -> None:
    good = (await paint(a_scene(LOADS))).exposed(1)
    async with HttpCamera(clock) as camera, watching(camera.url(), clock, view=the_view()) as seen:
        await eventually(lambda: camera.connection_count == 1)
        camera.show(good[: len(good) // 2])
        [rejected] = await seen.until(is_rejected)
        camera.show(good)
        await seen.until(is_sight("fresh"))
        assert camera.connection_count == 1
    assert (rejected.device_id, rejected.field) == ("camera-1", "jpeg")
    assert "without EOI" in rejected.rule
    assert "picture at offset" in rejected.rule
    assert rejected.raw == good[: len(good) // 2][: len(rejected.raw)]


async def test_a_camera_that_sends_too_fast_is_limited_and_told_with_how_much_was_not_read(
    paint: Paint, clock: ManualClock
) -> None:
    negative = await paint(a_scene(LOADS))
    async with HttpCamera(clock) as camera:
        driver = CameraDriver("camera-1", camera.url(), clock, 1)
        async with driver, Collected(driver.readings()) as seen:
            await eventually(lambda: camera.connection_count == 1)
            for number in range(PICTURES_PER_S_MAX + 5):
                camera.show(negative.exposed(number % 4))
                await eventually(lambda number=number: driver.came > number)
            [told] = await seen.until(says("fault"))
            for number in range(3):
                clock.advance(1.5)
                camera.show(negative.exposed(1))
                await eventually(lambda number=number: driver.came > PICTURES_PER_S_MAX + 5 + number)
            [counted] = await seen.until(says("gap"))
    assert driver.skipped == 5
    assert told.reading.reason == f"more than {PICTURES_PER_S_MAX} pictures a second; the rest is not read"
    assert counted.reading.reason == "5 pictures came too fast and were not read"
    assert sum(map(says("fault"), seen.seen)) == 1


@pytest.mark.parametrize("scheme", ["basic", "digest"])
async def test_a_camera_that_asks_for_a_password_gets_it_in_the_way_it_asks(
    paint: Paint, clock: ManualClock, scheme: str
) -> None:
    jpeg = (await paint(a_scene(LOADS))).exposed(1)
    async with HttpCamera(clock, account=Account("viewer", "s3cret", scheme)) as camera:
        camera.show(jpeg)
        async with watching(camera.url(), clock, user="viewer", password="s3cret") as seen:
            await seen.until(is_sight("fresh"))
        async with watching(camera.url(), clock, user="viewer", password="wrong") as seen:
            [gone] = await seen.until(says("offline"))
    assert gone.reading.reason == "the camera answers 401"


async def test_single_pictures_are_asked_for_again_and_again(paint: Paint, clock: ManualClock) -> None:
    negative = await paint(a_scene(LOADS))
    async with (
        HttpCamera(clock) as camera,
        Feed.of(negative, camera.show, 0.02),
        watching(camera.url("picture"), clock, view=the_view()) as seen,
    ):
        await seen.until(shows(LOADS))


async def test_what_is_no_stream_of_pictures_is_set_aside_and_the_camera_is_away(clock: ManualClock) -> None:
    async with (
        HttpCamera(clock, content_type="text/html") as camera,
        watching(camera.url(), clock) as seen,
    ):
        [rejected] = await seen.until(is_rejected)
        await seen.until(says("offline"))
    assert (rejected.field, rejected.raw) == ("content-type", b"text/html")


async def test_a_part_that_is_no_picture_is_set_aside(paint: Paint, clock: ManualClock) -> None:
    jpeg = (await paint(a_scene(LOADS))).exposed(1)
    async with HttpCamera(clock, make_part=lambda body: part(body, content_type="text/plain")) as camera:
        camera.show(jpeg)
        async with watching(camera.url(), clock) as seen:
            [rejected] = await seen.until(is_rejected)
    assert rejected.field == "part.content-type"


async def test_a_camera_that_was_moved_is_told_and_every_slot_is_unclear(
    paint: Paint, clock: ManualClock
) -> None:
    turned = msgspec.structs.replace(CAMERA, pan_deg=CAMERA.pan_deg + 4.0)
    negative = await paint(a_scene(LOADS, turned))
    async with (
        HttpCamera(clock) as camera,
        Feed.of(negative, camera.show, 0.02),
        watching(camera.url(), clock, view=the_view()) as seen,
    ):
        [fault] = await seen.until(says("fault"))
        [sight] = await seen.until(is_sight("fresh"))
    assert fault.reading.reason.startswith("the camera was moved")
    assert len(sight.reading.unclear) == len(SLOTS)


async def test_the_night_shows_nothing(paint: Paint, clock: ManualClock) -> None:
    negative = await paint(a_scene(LOADS))
    async with (
        HttpCamera(clock) as camera,
        Feed.of(negative, camera.show, 0.02, Exposure(light=0.05)),
        watching(camera.url(), clock, view=the_view()) as seen,
    ):
        await seen.until(is_sight("dark"))


async def test_rtsp_is_seen_as_well_through_opencvs_own_decoder_and_found_again_after_a_cut(
    paint: Paint, clock: ManualClock
) -> None:
    negative = await paint(a_scene(LOADS, SMALL))
    settings = {"view": the_view(SMALL), "user": "viewer", "password": "s3 cret"}
    async with (
        RtspCamera(clock, account=Account("viewer", "s3 cret")) as camera,
        Feed.of(negative, camera.show, 0.05, Exposure(noise=1.0, quality=92)),
        watching(camera.url, clock, **settings) as seen,
    ):
        await seen.until(shows(LOADS))
        await camera.cut()
        await seen.until(says("offline"))
        await camera.mend()
        await seen.until(says("gap"))
