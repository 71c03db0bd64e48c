"""The codec, a real broker and the simulated positioning server."""

import shutil

import pytest

from devices.drivers.uwb.codec import decode
from devices.transport.manual_ack import BrokerLogin
from kernel.clock import ManualClock
from kernel.geometry import Point
from kernel.messages import DeviceStatus, PositionReading
from simulators.protocols.publisher import Login
from simulators.protocols.uwb.server import Place, PositioningServer
from tests.contract.broker import SITE, Journal, consuming, foreign_publish, reading_as
from tests.contract.uwb.test_golden_messages import DEVELOPER_TAG, NODES
from tests.contract.wire import WITHIN_S

READ = reading_as(decode, NODES)


async def test_tags_are_where_the_server_says(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    async with (
        consuming(product_login, kept, clock, READ),
        PositioningServer(gateway_login, SITE, "gateway", clock) as server,
    ):
        server.report({"30331": Place(12.5, 3.25, 1.1), "10001009": Place(0.001, 80.0)})
        clock.advance(1)
        server.lose("30331")
        await kept.until(kept=3)
    by_device = {(item.device_id, item.observed_at): item.reading for item in kept.observations}
    assert sorted(by_device.values(), key=repr) == sorted(
        [
            PositionReading(point=Point(12.5, 3.25, 1.1)),
            PositionReading(point=Point(0.001, 80.0, 0.0)),
            DeviceStatus(state="fault", reason="no position: TooFewAnchors"),
        ],
        key=repr,
    )
    assert {at for _, at in by_device} == {clock.now(), min(at for _, at in by_device)}


async def test_a_server_that_tells_metres_is_read_in_metres(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    async with (
        consuming(product_login, kept, clock, reading_as(decode, NODES, unit="m")),
        PositioningServer(gateway_login, SITE, "gateway", clock, unit_m=1.0) as server,
    ):
        server.report({"30331": Place(12.345, 3.25, 1.1)})
        await kept.until(kept=1)
    assert [item.reading for item in kept.observations] == [PositionReading(point=Point(12.345, 3.25, 1.1))]


async def test_a_malformed_message_is_kept_and_stops_nothing(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    async with (
        consuming(product_login, kept, clock, READ),
        PositioningServer(gateway_login, SITE, "gateway", clock) as server,
    ):
        server.report({"unknown": Place(1.0, 1.0)})
        server.report({"30331": Place(1.0, 1.0)})
        await server.sent(WITHIN_S)
        await kept.until(kept=2)
    assert [(item.device_id, item.field) for item in kept.rejected] == [("gateway", "tagId")]


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto-clients is not installed")
async def test_a_foreign_client_with_the_makers_own_example_is_understood(
    product_login: BrokerLogin, kept: Journal, clock: ManualClock
) -> None:
    async with consuming(product_login, kept, clock, READ):
        await foreign_publish(product_login, "gateway", "vendor/tags", DEVELOPER_TAG)
        await kept.until(kept=1)
    [position] = kept.observations
    assert (position.device_id, position.reading.point) == ("forklift-1", Point(4.425, 6.201, -0.1))
