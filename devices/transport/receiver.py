"""A process that does nothing but listen to the broker: decoding and storing never hold its line up.

It hands messages to its parent in frames, in the order of receipt, and acknowledges a frame's messages when
the parent says that they are durable. It speaks over its standard input and output: four bytes of length,
big endian, then one msgpack value. When its parent goes away, so does it; what was not acknowledged the
broker hands out again.
"""

import asyncio
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from devices.transport.manual_ack import BrokerLogin, ManualClient, Message, MqttError, manual_client

FRAME_MESSAGES_MAX: Final = 500
FRAME_WAIT_S: Final = 0.005
"""How long the first message of a frame waits for others."""
FRAME_FULL_BYTES: Final = 393_216
"""A frame with so much is not added to: frames of large messages are read while earlier ones are stored, not
all before the first."""
REACHED_EVERY_S: Final = 0.25
"""A device hears of what it may forget this often at most; it sends nothing again for seconds."""
WORD_BYTES_MAX: Final = 16_777_216
"""More than a frame can hold."""


class Start(msgspec.Struct, frozen=True, tag=True):
    """The parent's first word: where to sign in, and what to hear."""

    login: BrokerLogin
    client_id: str
    topics: list[str]


class Settled(msgspec.Struct, frozen=True, tag=True):
    """Frames are durable: acknowledge their messages, and tell their devices: `replies` each as it is, of
    `reached` on each topic the newest."""

    frames: list[int]
    replies: list[tuple[str, bytes]]
    reached: list[tuple[str, bytes]] = []


class Connected(msgspec.Struct, frozen=True, tag=True):
    """Signed in and subscribed."""


class Frame(msgspec.Struct, frozen=True, tag=True):
    """Messages as they came: topic and payload."""

    number: int
    messages: list[tuple[str, bytes]]


class Away(msgspec.Struct, frozen=True, tag=True):
    """The broker is away or refused us. The child's last word."""

    reason: str


_encoder = msgspec.msgpack.Encoder()
_orders = msgspec.msgpack.Decoder(Start | Settled)
_words = msgspec.msgpack.Decoder(Connected | Frame | Away)


def packed(word: msgspec.Struct) -> bytes:
    """A word as it goes through the pipe."""
    body = _encoder.encode(word)
    return len(body).to_bytes(4, "big") + body


async def _body(stream: asyncio.StreamReader) -> bytes | None:
    """The next word's bytes; None at the end of the stream."""
    try:
        length = int.from_bytes(await stream.readexactly(4), "big")
        return await stream.readexactly(length) if length <= WORD_BYTES_MAX else None
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def words(stream: asyncio.StreamReader) -> AsyncIterator[Connected | Frame | Away]:
    """What the child says, until it is gone."""
    while (body := await _body(stream)) is not None:
        yield _words.decode(body)


class _Receiver:
    """The child at work."""

    def __init__(self, client: ManualClient, out: asyncio.StreamWriter) -> None:
        self._client = client
        self._out = out
        self._number = 0
        self._pending: list[Message] = []
        self._pending_bytes = 0
        self._handed: OrderedDict[int, list[Message]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self._reached: dict[str, bytes] = {}
        self._is_reached = asyncio.Event()

    async def listen(self) -> None:
        """Hand over what comes. What came before the line ended goes too: a broker that was killed may have
        had it from its device for good, and not have it any more."""
        loop = asyncio.get_running_loop()
        try:
            async for message in self._client.messages:
                self._pending.append(message)
                self._pending_bytes += len(message.payload)
                if len(self._pending) >= FRAME_MESSAGES_MAX or self._pending_bytes >= FRAME_FULL_BYTES:
                    self._hand_over()
                elif self._timer is None:
                    self._timer = loop.call_later(FRAME_WAIT_S, self._hand_over)
        finally:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        messages, self._pending, self._pending_bytes = self._pending, [], 0
        if not messages:
            return
        self._number += 1
        self._handed[self._number] = messages
        several = [(str(message.topic), bytes(message.payload)) for message in messages]
        self._out.write(packed(Frame(self._number, several)))

    async def obey(self, orders: asyncio.StreamReader) -> None:
        """Acknowledge frames as the parent settles them; returns when the parent is gone."""
        while (body := await _body(orders)) is not None:
            order = _orders.decode(body)
            assert isinstance(order, Settled)
            for topic, payload in order.replies:
                await self._client.publish(topic, payload)
            if order.reached:
                self._reached.update(order.reached)
                self._is_reached.set()
            for frame in order.frames:
                for message in self._handed.pop(frame):
                    self._client.acknowledge(message)

    async def tell_reached(self) -> None:
        """Tell devices how far they are: at once after a rest, then no more often than they can use it."""
        while True:
            await self._is_reached.wait()
            self._is_reached.clear()
            reached, self._reached = self._reached, {}
            for topic, payload in reached.items():
                await self._client.publish(topic, payload)
            await asyncio.sleep(REACHED_EVERY_S)


async def _run() -> None:
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=WORD_BYTES_MAX)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin.buffer)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout.buffer)
    out = asyncio.StreamWriter(transport, protocol, None, loop)
    body = await _body(orders)
    if body is None:
        return
    start = _orders.decode(body)
    assert isinstance(start, Start)
    try:
        async with manual_client(start.login, start.client_id) as client:
            for topic in start.topics:
                await client.subscribe(topic)
            out.write(packed(Connected()))
            receiver = _Receiver(client, out)
            listening = asyncio.create_task(receiver.listen())
            obeying = asyncio.create_task(receiver.obey(orders))
            telling = asyncio.create_task(receiver.tell_reached())
            await asyncio.wait({listening, obeying, telling}, return_when=asyncio.FIRST_COMPLETED)
            for task in (obeying, listening, telling):
                if task.done():
                    task.result()
                task.cancel()
    except MqttError as error:
        out.write(packed(Away(str(error))))
        await out.drain()


if __name__ == "__main__":
    asyncio.run(_run())
