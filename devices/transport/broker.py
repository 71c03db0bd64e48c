"""All devices of a broker behind one connection: readings in, `acked_through` back after commit.

The line is held by a process of its own (`receiver`); here its frames are decoded and brought to safety, side
by side, and settled in the order they came. The device and the broker both keep a message until then.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from devices.transport.decoding import Arrived
from devices.transport.manual_ack import BrokerLogin, MqttError
from devices.transport.mqtt import (
    TOPICS,
    place_of,
    rejected_payload,
    reply_payload,
    reply_topic,
    slow_down_payload,
)
from devices.transport.receiver import (
    WORD_BYTES_MAX,
    Away,
    Connected,
    Frame,
    Settled,
    Start,
    packed,
    words,
)
from kernel.clock import Clock
from kernel.messages import AckedThrough, Observation, Rejected

Item = Observation | Rejected
Acks = Mapping[tuple[str, int], AckedThrough]
"""By device and boot: through which number nothing is missing."""
Decode = Callable[[Arrived], Awaitable[Sequence[Item]]]
"""Reads a message as its device's family says."""
Take = Callable[[str, Sequence[Item]], Awaitable[Acks]]
"""A site's readings, in order; returns once they are durable, with what to tell the devices."""

FRAMES_IN_HAND_MAX: Final = 32
GOODBYE_S_MAX: Final = 5.0


class _Read(msgspec.Struct):
    """A frame as it was read: its items by site, and the last boot of each device that spoke."""

    number: int
    items: dict[str, list[Item]] = {}
    boots: dict[tuple[str, str], int] = {}


class _Safe(msgspec.Struct):
    """A frame that is durable, and through where nothing of each device and boot is missing."""

    number: int
    acks: dict[tuple[str, str, int], AckedThrough]
    told: dict[str, bytes]


class BrokerDriver:
    """Consumes what all devices of a broker say, with a session that survives restarts of either side."""

    def __init__(self, login: BrokerLogin, client_id: str, clock: Clock, decode: Decode, take: Take) -> None:
        self._login = login
        self._client_id = client_id
        self._clock = clock
        self._decode = decode
        self._take = take
        self.is_connected = False
        self.was_connected = False
        """Whether the last `run` got through, so that whoever runs it knows how long to wait."""
        self._to_tell: dict[str, bytes] = {}
        self._to_child: asyncio.StreamWriter | None = None

    async def run(self, on_connected: Callable[[], None] = lambda: None) -> None:
        """Work until cancelled. Raises MqttError when the broker is or goes away."""
        self.was_connected = False
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "devices.transport.receiver",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=WORD_BYTES_MAX,
        )
        assert child.stdin is not None
        child.stdin.write(packed(Start(self._login, self._client_id, list(TOPICS))))
        try:
            self._to_child = child.stdin
            await self._consume(child, on_connected)
        finally:
            self.is_connected, self._to_child = False, None
            await _end(child)

    def slow_down(self, arrived: Arrived, readings_per_s_max: int) -> None:
        """Tell the device of a message that it sends too fast, with what is settled next."""
        topic = reply_topic(arrived.site_id, arrived.device_id)
        self._to_tell[topic] = slow_down_payload(readings_per_s_max)

    def tell(self, site_id: str, device_id: str, payload: bytes) -> None:
        """Put `payload` on a device's `…/reply` now. Without a line nobody is told: the device asks again."""
        if self._to_child is not None:
            self._to_child.write(packed(Settled([], [(reply_topic(site_id, device_id), payload)])))

    async def _consume(self, child: asyncio.subprocess.Process, on_connected: Callable[[], None]) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        in_hand: asyncio.Queue[asyncio.Task[_Safe]] = asyncio.Queue(FRAMES_IN_HAND_MAX)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_settle(in_hand, child.stdin))
                async for word in words(child.stdout):
                    if isinstance(word, Frame):
                        read = await self._read(word)
                        await in_hand.put(group.create_task(self._bring_to_safety(read)))
                    elif isinstance(word, Connected):
                        self.is_connected = self.was_connected = True
                        on_connected()
                    elif isinstance(word, Away):
                        await asyncio.sleep(0)  # The last frame is handed in before it is given up.
                        raise MqttError(word.reason)
                # What is in hand cannot be acknowledged any more. And a group that is left without an error
                # counts a later failure of its work as a cancellation of us, up to Python 3.11 for good.
                raise MqttError("the receiver is gone")
        except BaseExceptionGroup as errors:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # A failure at the same moment must not hide that we were asked to stop.
                raise asyncio.CancelledError from errors
            raise errors.exceptions[0] from None

    async def _read(self, frame: Frame) -> _Read:
        """Decode a frame, message by message, in order."""
        now, read = self._clock.now(), _Read(number=frame.number)
        for topic, payload in frame.messages:
            site_id, device_id, channel = place_of(topic)
            items = await self._decode(
                Arrived(
                    site_id=site_id, device_id=device_id, payload=payload, received_at=now, channel=channel
                )
            )
            read.items.setdefault(site_id, []).extend(items)
            self._tell_rejected(site_id, device_id, items)
            boot = next((item.boot for item in reversed(items) if item.device_id == device_id), None)
            if boot is not None:
                read.boots[site_id, device_id] = boot
        return read

    def _tell_rejected(self, site_id: str, device_id: str, items: Sequence[Item]) -> None:
        """A device that is acknowledged by number would send what has none for ever."""
        for item in items:
            if isinstance(item, Rejected) and item.sequence is None and item.device_id == device_id:
                self._to_tell[reply_topic(site_id, device_id)] = rejected_payload(item.field, item.rule)

    async def _bring_to_safety(self, read: _Read) -> _Safe:
        """Wait until all of a frame is durable."""
        acks: dict[tuple[str, int], AckedThrough] = {}
        for site_id, items in read.items.items():
            acks |= await self._take(site_id, items)
        told, self._to_tell = self._to_tell, {}
        reached = {
            (site_id, device_id, boot): acks[device_id, boot]
            for (site_id, device_id), boot in read.boots.items()
            if (device_id, boot) in acks
        }
        return _Safe(read.number, reached, told)


async def _settle(in_hand: asyncio.Queue[asyncio.Task[_Safe]], to_child: asyncio.StreamWriter) -> None:
    """Tell the child of frames that are durable, in the order they came. Those that became so together are
    settled together: each device is told once."""
    following: asyncio.Task[_Safe] | None = None
    while True:
        safe = [await (following or await in_hand.get())]
        following = None
        while following is None and not in_hand.empty():
            following = in_hand.get_nowait()
            if following.done():
                safe.append(following.result())
                following = None
        to_child.write(packed(_settled(safe)))
        await to_child.drain()


def _settled(safe: Sequence[_Safe]) -> Settled:
    acks: dict[tuple[str, str, int], AckedThrough] = {}
    told: dict[str, bytes] = {}
    for frame in safe:
        acks |= frame.acks
        told |= frame.told
    reached = [
        (reply_topic(site_id, device_id), reply_payload(ack)) for (site_id, device_id, _), ack in acks.items()
    ]
    return Settled([frame.number for frame in safe], list(told.items()), reached)


async def _end(child: asyncio.subprocess.Process) -> None:
    """Let the child say goodbye to the broker, so that nothing is taken for a cut line; else end it."""
    assert child.stdin is not None
    child.stdin.close()
    try:
        async with asyncio.timeout(GOODBYE_S_MAX):
            await child.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
