"""The driver, a real broker and the simulated tracker: nothing is forgotten before it is safe."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import aiomqtt
import pytest

from devices.drivers.mqtt_position.codec import decode
from devices.transport.broker import BrokerDriver
from devices.transport.decoding import Arrived
from devices.transport.manual_ack import BrokerLogin
from kernel.clock import ManualClock
from kernel.geometry import Point
from kernel.messages import AckedThrough, LoadChange, Observation, PositionReading, Rejected
from simulators.protocols.mqtt.frames import Load, Pose
from simulators.protocols.mqtt.server import Login, Tracker
from tests.contract.mqtt_position.conftest import SITE, password_of
from tests.contract.wire import WITHIN_S

Item = Observation | Rejected


class Journal:
    """Keeps what it is given, once, and answers as ingest does. `hold` withholds the answer."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kept: dict[str, Item] = {}
        self.arrived = 0
        self.free = asyncio.Event()
        self.free.set()
        self._grown = asyncio.Condition()

    async def take(self, site_id: str, device_id: str, items: Sequence[Item]) -> AckedThrough | None:
        self.arrived += len(items)
        async with self._grown:
            self._grown.notify_all()
        await self.free.wait()
        for item in items:
            name = item.observation_id if isinstance(item, Observation) else f"{site_id}/{item.field}"
            self.kept[name] = item
        async with self._grown:
            self._grown.notify_all()
        numbered = [item for item in items if item.boot is not None and item.sequence is not None]
        if not numbered:
            return None
        last = numbered[-1]
        assert last.boot is not None
        through = 0
        while f"{device_id}:{last.boot}:{through + 1}" in self.kept:
            through += 1
        return AckedThrough(boot=last.boot, sequence=through)

    async def until(self, kept: int = 0, arrived: int = 0) -> None:
        async with asyncio.timeout(WITHIN_S), self._grown:
            await self._grown.wait_for(lambda: len(self.kept) >= kept and self.arrived >= arrived)


@pytest.fixture
def journal(request: pytest.FixtureRequest) -> Journal:
    return Journal(f"edge-{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]}")


async def read(arrived: Arrived) -> Sequence[Item]:
    return decode(arrived, {})


@asynccontextmanager
async def consuming(product: BrokerLogin, journal: Journal, clock: ManualClock) -> AsyncIterator[None]:
    """The driver at work, with the same session for one journal however often it connects."""
    connected = asyncio.Event()
    driver = BrokerDriver(product, journal.name, clock, read, journal.take)
    task = asyncio.create_task(driver.run(connected.set))
    async with asyncio.timeout(WITHIN_S):
        await connected.wait()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def publish_as_fork(fork: Login, topic: str, payload: bytes) -> None:
    async with aiomqtt.Client(fork.host, fork.port, username="fork", password=fork.password) as device:
        await device.publish(topic, payload, qos=1)


async def test_positions_and_load_changes_arrive_and_are_answered(
    product: BrokerLogin, fork: Login, journal: Journal, clock: ManualClock
) -> None:
    async with consuming(product, journal, clock), Tracker(fork, SITE, "fork", clock, boot=101) as tracker:
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
    async with consuming(product, journal, clock), Tracker(fork, SITE, "fork", clock, boot=102) as tracker:
        for step in range(10):
            tracker.report(Pose(step, 0.0))
        await journal.until(arrived=10)
        assert (tracker.acked_sequence, tracker.pending_count) == (0, 10)
        journal.free.set()
        await tracker.settled(WITHIN_S)
    assert tracker.acked_sequence == 10


async def test_a_product_that_died_before_its_commit_gets_everything_again(
    product: BrokerLogin, fork: Login, journal: Journal, clock: ManualClock
) -> None:
    journal.free.clear()
    async with Tracker(fork, SITE, "fork", clock, boot=103, resend_after_s=0.2) as tracker:
        async with consuming(product, journal, clock):
            for step in range(5):
                tracker.report(Pose(step, 0.0))
            await journal.until(arrived=5)
        assert journal.kept == {}
        journal.free.set()
        async with consuming(product, journal, clock):
            await tracker.settled(WITHIN_S)
    assert [f"fork:103:{number}" in journal.kept for number in range(1, 6)] == [True] * 5


async def test_a_malformed_message_is_kept_as_rejected_and_stops_nothing(
    product: BrokerLogin, fork: Login, journal: Journal, clock: ManualClock
) -> None:
    async with consuming(product, journal, clock):
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
    async with consuming(product, journal, clock):
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
    async with consuming(product, journal, clock):
        process = await asyncio.create_subprocess_exec(
            *(
                "mosquitto_pub",
                "-h",
                fork.host,
                "-p",
                str(fork.port),
                "-u",
                "fork",
                "-P",
                password_of("fork"),
            ),
            *("-q", "1", "-t", f"tallyhouse/v1/{SITE}/fork/observation", "-m", message),
        )
        assert await process.wait() == 0
        await journal.until(kept=1)
    assert journal.kept["fork:106:1"].reading == PositionReading(point=Point(1.0, 2.0, 0.0))
