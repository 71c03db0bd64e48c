"""The process that listens to the broker, and its parent, when the line ends."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiomqtt
import pytest

from devices.transport.broker import Acks, BrokerDriver, Item
from devices.transport.decoding import Arrived
from devices.transport.manual_ack import BrokerLogin, ManualClient, Message, MqttError
from devices.transport.receiver import Away, Connected, Frame, _Receiver, packed, words
from kernel.clock import SystemClock
from kernel.messages import Rejected

TOPIC = "tallyhouse/v1/site-a/fork/observation"


class EndingLine(ManualClient):
    """A line that brings three messages and ends."""

    def __init__(self) -> None:
        self.messages = self._three()

    async def _three(self) -> AsyncIterator[Message]:
        for number in range(3):
            yield aiomqtt.Message(TOPIC, b"%d" % number, 1, False, number, None)
        raise MqttError("Disconnected during message iteration")


async def test_what_came_before_the_line_ended_is_handed_over() -> None:
    loop = asyncio.get_running_loop()
    outlet, inlet = os.pipe()
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(inlet, "wb")
    )
    receiver = _Receiver(EndingLine(), asyncio.StreamWriter(transport, protocol, None, loop))
    with pytest.raises(MqttError):
        await receiver.listen()
    transport.close()
    said = asyncio.StreamReader()
    reading, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(said), os.fdopen(outlet, "rb")
    )
    assert [word async for word in words(said)] == [
        Frame(1, [(TOPIC, b"0"), (TOPIC, b"1"), (TOPIC, b"2")]),
    ]
    reading.close()


async def test_the_last_frame_is_handed_in_though_the_broker_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "said"
    said.write_bytes(packed(Connected()) + packed(Frame(1, [(TOPIC, b"0")])) + packed(Away("gone")))
    child = tmp_path / "child"
    child.write_text(f"#!/bin/sh\nexec cat '{said}'\n")
    child.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(child))
    taken: list[Item] = []

    async def read(arrived: Arrived) -> Sequence[Item]:
        return [
            Rejected(
                device_id=arrived.device_id,
                field="message",
                rule="JSON",
                raw=arrived.payload,
                received_at=arrived.received_at,
            )
        ]

    async def take(site_id: str, items: Sequence[Item]) -> Acks:
        taken.extend(items)
        await asyncio.Event().wait()
        return {}

    driver = BrokerDriver(BrokerLogin("", 0, "", ""), "edge", SystemClock(), read, take)
    with pytest.raises(MqttError, match="gone"):
        await driver.run()
    [item] = taken
    assert isinstance(item, Rejected)
    assert item.raw == b"0"
