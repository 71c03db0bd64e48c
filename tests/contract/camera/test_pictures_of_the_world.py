"""The driver looks at pictures of the simulated warehouse: what it counts is what the world has there."""

from dataclasses import dataclass
from datetime import timedelta

import cv2
import numpy as np

from devices.drivers.camera.driver import CameraDriver
from devices.drivers.camera.marks import Looker
from devices.transport.view import read_view
from kernel.clock import ManualClock
from kernel.layout import Rack, slots_of
from kernel.messages import CodeSight, SlotSight
from kernel.rng import Rng
from simulators.protocols.camera.painter import Painter
from simulators.protocols.camera.scene import Camera, looking_at
from simulators.protocols.camera.server import Feed, HttpCamera
from simulators.sites.pictures import aisle_scene, stretch, truck_scene
from simulators.sites.views import view_of
from simulators.sites.warehouse import Codes
from simulators.world.warehouse.build import build_warehouse
from simulators.world.warehouse.parameters import read_parameters
from simulators.world.warehouse.places import Places, places_of
from simulators.world.warehouse.state import Warehouse
from simulators.world.warehouse.step import step
from tests.conftest import START
from tests.contract.camera.conftest import Paint
from tests.contract.wire import Collected, ticking
from tests.unit.simulators.test_warehouse_world import REFERENCE, SMALL

HOURS_MAX = 24


@dataclass
class Corner:
    """A stretch of a rack of the world, the camera before it, and what really stands there."""

    world: Warehouse
    places: Places
    rack: Rack
    camera: Camera

    @property
    def truth(self) -> tuple[str, ...]:
        slots = [slot.slot_id for slot in slots_of(self.rack)]
        return tuple(slot for slot in slots if self.world.pallet_at[self.places.number_of[slot]] >= 0)


def before(bays: int, column_pitch_mm: int) -> Corner:
    """A camera in an aisle, across from the first bays of a rack with places so wide."""
    site = {**SMALL["site"], "column_pitch_mm": column_pitch_mm}
    parameters = read_parameters(REFERENCE, {**SMALL, "site": site})
    world, places = build_warehouse(parameters, Rng(5).child("world")), places_of(parameters)
    rack = stretch(world, "R01", bays=bays, levels=2)
    slots = slots_of(rack)
    x_m = slots[0].centre.x_m + 0.55 + 3.1
    y_m = float(np.mean([slot.centre.y_m for slot in slots]))
    pan_deg, tilt_deg = looking_at(x_m, y_m, 2.0, (slots[0].centre.x_m, y_m, 1.9))
    return Corner(world, places, rack, Camera(x_m, y_m, 2.0, pan_deg, tilt_deg, focal_px=420.0))


async def test_a_mark_that_is_seen_past_a_neighbour_tells_nothing_when_it_is_hidden(paint: Paint) -> None:
    """Narrow places from near: only those straight ahead can be told occupied by what hides their marks."""
    corner = before(bays=6, column_pitch_mm=760)
    scene = aisle_scene(corner.world, corner.places, corner.rack, Codes(), corner.camera)
    negative = await paint(scene)
    looker = Looker(read_view(view_of(corner.rack, corner.camera)), timedelta(seconds=10))
    for look in range(3):
        jpeg = np.frombuffer(negative.exposed(look), dtype=np.uint8)
        grey = cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE).astype(np.uint8)
        seen = looker.look(grey, START + look * timedelta(seconds=12))
    slots = [slot.slot_id for slot in slots_of(corner.rack)]
    told = dict(zip(slots, seen.verdicts, strict=True))
    assert all(verdict != "empty" for slot, verdict in told.items() if slot in corner.truth)
    assert all(verdict != "occupied" for slot, verdict in told.items() if slot not in corner.truth)
    assert {"occupied", "empty", "unclear"} == set(told.values())


async def test_what_is_counted_is_what_stands_there_before_and_after_a_forklift_came(
    painter: Painter, clock: ManualClock
) -> None:
    corner, codes = before(bays=3, column_pitch_mm=1_400), Codes()
    view = view_of(corner.rack, corner.camera)

    def sees(item: object) -> bool:
        reading = getattr(item, "reading", None)
        return isinstance(reading, SlotSight) and (reading.occupied, len(reading.unclear)) == (
            corner.truth,
            0,
        )

    async with HttpCamera(clock) as camera, Feed(painter, camera.show, 0.02) as feed:
        await feed.set(aisle_scene(corner.world, corner.places, corner.rack, codes, corner.camera))
        driver = CameraDriver(
            "camera-1", camera.url(), clock, 1, view=view, look_every_s=0.1, settle_s=0.5, backoff_s=(0.05,)
        )
        async with driver, Collected(driver.readings()) as seen, ticking(clock):
            [first, *_] = await seen.until(sees)
            stood, rng = corner.truth, Rng(5).child("steps")
            while corner.truth == stood:
                assert corner.world.time_s < HOURS_MAX * 3600
                corner.world = step(corner.world, 60.0, rng)
            await feed.set(aisle_scene(corner.world, corner.places, corner.rack, codes, corner.camera))
            [after, *_] = await seen.until(sees)
            read = {
                item.reading.code
                for item in seen.seen
                if isinstance(getattr(item, "reading", None), CodeSight)
            }
    assert first.reading.pallet_count == len(stood)
    assert after.reading.pallet_count == len(corner.truth) != len(stood)
    known = {f"00{codes.sscc(pallet)}" for pallet in range(corner.world.pallets.count)}
    assert read, "some labels are near enough to be read"
    assert read <= known


async def test_a_truck_at_the_gate_shows_its_plate_and_is_kept_as_a_picture(
    painter: Painter, clock: ManualClock
) -> None:
    """Nothing reads plates from pixels; the picture is evidence beside what the camera recognised."""
    place = (1.5, 5.0, 2.0)
    camera_at = Camera(*place, *looking_at(*place, (0.0, 0.0, 0.9)))
    async with HttpCamera(clock) as camera, Feed(painter, camera.show, 0.02) as feed:
        await feed.set(truck_scene("赣G12345", camera_at))
        driver = CameraDriver("gate-1-camera", camera.url(), clock, 1, look_every_s=0.1)
        async with driver, Collected(driver.readings()) as seen, ticking(clock):
            [sight, *_] = await seen.until(lambda item: isinstance(getattr(item, "reading", None), SlotSight))
    assert sight.reading == SlotSight(frame_id=1)
