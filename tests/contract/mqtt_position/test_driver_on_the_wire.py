"""The driver, a real broker and the simulated tracker: nothing is forgotten before it is safe."""

import asyncio
import shutil
import socket
from contextlib import suppress
from typing import Any

import aiomqtt
import psutil
import pytest

from devices.drivers.mqtt_position.codec import decode
from devices.transport.broker import BrokerDriver
from devices.transport.manual_ack import BrokerLogin, MqttError
from kernel.clock import ManualClock
from kernel.geometry import Point
from kernel.messages import LoadChange, PositionReading, Rejected
from simulators.protocols.mqtt.frames import Load, Pose
from simulators.protocols.mqtt.server import Tracker
from simulators.protocols.publisher import Line, Login
from tests.contract.broker import SITE, Journal, consuming, foreign_publish, reading_as
from tests.contract.wire import WITHIN_S


@pytest.fixture
def journal(request: pytest.FixtureRequest) -> Journal:
    return Journal(request.node.nodeid)


READ = reading_as(decode)


async def publish_as_fork(fork: Login, topic: str, payload: bytes) -> None:
    async with aiomqtt.Client(fork.host, fork.port, username="fork", password=fork.password) as device:
        await device.publish(topic, payload, qos=1)


async def test_positions_and_load_changes_arrive_and_are_answered(
    product: BrokerLogin, fork: Login, journal: Journal, clock: ManualClock
) -> None:
    async with (
        consuming(product, journal, clock, READ),
        Tracker(fork, SITE, "fork", clock, boot=101) as tracker,
    ):
        tracker.report(Pose(1.5, 2.5, 0.0, 90.0, 1.2), Load(None, "3115AB"))
        tracker.report(Pose(3.0, 4.0, 1.2), Load("set_down", "3115AB"))
        await tracker.settled(WITHIN_S)
    assert journal.kept["fork:101:1"].reading == PositionReading(
        point=Point(1.5, 2.5, 0.0), heading_deg=90.0, speed_mps=1.2, load_epc_hex="3115AB"
    )
    assert journal.kept["fork:101:2"].reading == LoadChange(
        action="set_down", epc_hex="3115AB", point=Point(3.0, 4.0, 1.2)
    )
    assert tracker.acked_sequence == 2


async def test_a_tracker_forgets_nothing_before_the_journal_has_it(
    product: BrokerLogin, fork: Login, journal: Journal, clock: ManualClock
) -> None:
    journal.free.clear()
    async with (
        consuming(product, journal, clock, READ),
        Tracker(fork, SITE, "fork", clock, boot=102) as tracker,
    ):
        for step in range(10):
            tracker.report(Pose(step, 0.0))
        await journal.until(arrived=10)
        assert (tracker.acked_sequence, tracker.pending_count) == (0, 10)
        journal.free.set()
        await tracker.settled(WITHIN_S)
    assert tracker.acked_sequence == 10


async def test_a_tracker_that_is_switched_off_while_the_broker_answers_is_off(
    product: BrokerLogin,
    fork: Login,
    journal: Journal,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`asyncio.wait_for` up to Python 3.11 returns the answer and forgets the cancellation."""
    answered, publish = asyncio.Event(), aiomqtt.Client.publish

    async def and_forget_the_cancellation(*args: Any, **named: Any) -> None:
        await publish(*args, **named)
        answered.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    monkeypatch.setattr(aiomqtt.Client, "publish", and_forget_the_cancellation)
    async with (
        consuming(product, journal, clock, READ),
        asyncio.timeout(WITHIN_S),
        Tracker(fork, SITE, "fork", clock, boot=110) as tracker,
    ):
        tracker.report(Pose(1.0, 0.0))
        await answered.wait()


async def test_a_receiver_that_dies_is_missed_at_once_whatever_is_in_hand(
    product: BrokerLogin, fork: Login, journal: Journal, clock: ManualClock
) -> None:
    connected = asyncio.Event()
    journal.free.clear()
    driver = BrokerDriver(product, journal.name, clock, READ, journal.take)
    running = asyncio.create_task(driver.run(connected.set))
    async with asyncio.timeout(WITHIN_S), Tracker(fork, SITE, "fork", clock, boot=111) as tracker:
        await connected.wait()
        for frame in (1, 2):
            tracker.report(Pose(1.0, 0.0))
            await journal.until(arrived=frame)
        [receiver] = [
            child for child in psutil.Process().children() if "devices.transport.receiver" in child.cmdline()
        ]
        receiver.kill()
        with pytest.raises(MqttError):
            await running


async def test_a_line_that_drops_asks_for_no_other_connection_to_be_told(fork: Login) -> None:
    async with Line(fork.host, fork.port, username="fork", password=fork.password) as line:
        client = line._client
        dropped = client.socket()
        number = dropped.fileno()
        client.publish("tallyhouse/v1/site-a/fork/observation", b"{}", qos=1)
        client._sock_close()
        with socket.socket() as other:
            assert other.fileno() == number, "the system gives the lowest free number"
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not asyncio.get_running_loop().remove_writer(other)


async def test_a_product_that_died_before_its_commit_gets_everything_again(
    product: BrokerLogin, fork: Login, journal: Journal, clock: ManualClock
) -> None:
    journal.free.clear()
    async with Tracker(fork, SITE, "fork", clock, boot=103, resend_after_s=0.2) as tracker:
        async with consuming(product, journal, clock, READ):
            for step in range(5):
                tracker.report(Pose(step, 0.0))
            await journal.until(arrived=5)
        assert journal.kept == {}
        journal.free.set()
        async with consuming(product, journal, clock, READ):
            await tracker.settled(WITHIN_S)
    assert [f"fork:103:{number}" in journal.kept for number in range(1, 6)] == [True] * 5


async def test_a_malformed_message_is_kept_as_rejected_and_stops_nothing(
    product: BrokerLogin, fork: Login, journal: Journal, clock: ManualClock
) -> None:
    async with consuming(product, journal, clock, READ):
        await publish_as_fork(fork, f"tallyhouse/v1/{SITE}/fork/observation", b"{not json")
        async with Tracker(fork, SITE, "fork", clock, boot=104) as tracker:
            tracker.report(Pose(1.0, 1.0))
            await tracker.settled(WITHIN_S)
    rejected = journal.kept[f"{SITE}/message"]
    assert isinstance(rejected, Rejected)
    assert (rejected.device_id, rejected.raw) == ("fork", b"{not json")


async def test_a_device_cannot_speak_for_another(
    product: BrokerLogin, fork: Login, journal: Journal, clock: ManualClock
) -> None:
    own = b'[{"device_id":"tag","boot":105,"sequence":1,"observed_at":"2026-11-23T05:00:00Z"}]'
    async with consuming(product, journal, clock, READ):
        # A broker may drop the message or the connection; either way nothing of it may arrive.
        with suppress(aiomqtt.MqttError):
            await publish_as_fork(fork, f"tallyhouse/v1/{SITE}/tag/observation", b"{}")
        await publish_as_fork(fork, f"tallyhouse/v1/{SITE}/fork/observation", own)
        await journal.until(kept=1)
    assert [(item.device_id, item.field) for item in journal.kept.values()] == [("fork", "device_id")]


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto-clients is not installed")
async def test_a_foreign_client_is_understood(
    product: BrokerLogin, fork: Login, journal: Journal, clock: ManualClock
) -> None:
    message = (
        '{"boot":106,"sequence":1,"observed_at":"2026-11-23T05:55:30.123Z","position":{"x_m":1,"y_m":2},'
        '"firmware":"9.1"}'
    )
    async with consuming(product, journal, clock, READ):
        await foreign_publish(product, "fork", "observation", message.encode())
        await journal.until(kept=1)
    assert journal.kept["fork:106:1"].reading == PositionReading(point=Point(1.0, 2.0, 0.0))
