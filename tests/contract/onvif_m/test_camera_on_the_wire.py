"""The codec, a real broker, the simulated camera, and a client that is not ours."""

import shutil
from datetime import timedelta

import pytest

from devices.drivers.onvif_m.codec import decode
from devices.transport.manual_ack import BrokerLogin
from kernel.clock import ManualClock
from kernel.messages import PlateRead, SlotSight
from simulators.protocols.onvif_m.frames import EMPTY, PALLET, boxed
from simulators.protocols.onvif_m.server import RecognisingCamera
from simulators.protocols.publisher import Login
from tests.contract.broker import SITE, Journal, consuming, foreign_publish, reading_as
from tests.contract.onvif_m.test_golden_messages import MODULE, SAMPLE_FRAME, VIEW
from tests.contract.wire import WITHIN_S

READ = reading_as(decode, view=VIEW, empty_class=EMPTY)
LEFT, RIGHT = (-0.6, 0.3, -0.3, -0.3), (0.3, 0.3, 0.6, -0.3)


async def test_a_camera_tells_slots_plates_and_that_its_picture_shows_nothing(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    started = clock.now()
    async with (
        consuming(product_login, kept, clock, READ),
        RecognisingCamera(gateway_login, SITE, "gateway", clock) as camera,
    ):
        camera.frame([boxed(1, PALLET, *LEFT), boxed(2, EMPTY, *RIGHT)])
        clock.advance(1)
        camera.plate("赣G12345", 0.97, "in")
        clock.advance(1)
        camera.inside("A-2", True)
        clock.advance(1)
        camera.picture_is("frozen")
        await kept.until(kept=4)
    told = {(item.observed_at - started) / timedelta(seconds=1): item.reading for item in kept.observations}
    assert told == {
        0.0: SlotSight(occupied=("A-1",), empty=("A-2",), pallet_count=1),
        1.0: PlateRead(plate="赣G12345", confidence_permille=970, direction="in"),
        2.0: SlotSight(occupied=("A-2",), pallet_count=1),
        3.0: SlotSight(state="frozen"),
    }


async def test_a_malformed_message_is_kept_and_stops_nothing(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    async with (
        consuming(product_login, kept, clock, READ),
        RecognisingCamera(gateway_login, SITE, "gateway", clock) as camera,
    ):
        camera.frame([b'{"Appearance":7}'])
        camera.frame([])
        await camera.sent(WITHIN_S)
        await kept.until(kept=2)
    assert [(item.device_id, item.field) for item in kept.rejected] == [("gateway", "Object[0].Appearance")]
    assert [item.reading for item in kept.observations] == [SlotSight(unclear=("A-1", "A-2"))]


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto-clients is not installed")
async def test_a_foreign_client_with_the_standards_own_frame_is_understood(
    product_login: BrokerLogin, kept: Journal, clock: ManualClock
) -> None:
    async with consuming(product_login, kept, clock, reading_as(decode, view=VIEW, pallet_class="Human")):
        await foreign_publish(product_login, "gateway", MODULE, SAMPLE_FRAME)
        await kept.until(kept=1)
    assert [item.reading for item in kept.observations] == [SlotSight(empty=("A-1", "A-2"), pallet_count=1)]
