"""A stream of somebody else's server: the npm package mjpeg-server."""

import asyncio
import base64

from devices.drivers.camera.driver import CameraDriver
from kernel.clock import ManualClock
from kernel.messages import SlotSight
from tests.contract.camera.conftest import Paint
from tests.contract.camera.racks import SLOTS, a_load, a_scene, the_view
from tests.contract.peers import running
from tests.contract.wire import WITHIN_S, Collected


async def test_the_pictures_of_a_foreign_server_are_seen(paint: Paint, clock: ManualClock) -> None:
    loads = {slot.slot_id: a_load(number) for number, slot in enumerate(SLOTS[:5])}
    jpeg = (await paint(a_scene(loads))).exposed(1)
    picture = {"jpeg": base64.b64encode(jpeg).decode()}
    async with running("mjpeg_server.cjs") as peer:
        url = f"http://127.0.0.1:{peer.greeting['port']}/"
        driver = CameraDriver("camera-1", url, clock, 1, view=the_view(), look_every_s=0.1)
        async with driver, Collected(driver.readings()) as seen:
            async with asyncio.timeout(WITHIN_S):
                while not await peer.tell(picture):
                    await asyncio.sleep(0.01)
            [sight] = await seen.until(lambda item: isinstance(getattr(item, "reading", None), SlotSight))
    assert sight.reading.occupied == tuple(loads)
    assert sight.reading.empty == tuple(slot.slot_id for slot in SLOTS[5:])
