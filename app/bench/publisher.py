"""Devices that hand messages to the broker at QoS 1 and take as little as can be of the machine measured.

Real ones stand elsewhere and have a processor of their own. A client process for each took as much of two
cores as the broker did, so here all of them share one: a connection each, packets written as they are due,
acknowledgements counted (MQTT 3.1.1, chapter 3).
"""

import asyncio
import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from app.supervise.mqtt_probe import CONNACK, CONNECT, PUBLISH, connect_body, packet, text
from devices.transport.manual_ack import BrokerLogin

QOS_1: Final = 0x02
ACK_BYTES: Final = 4
WITHIN_S: Final = 30.0
READ_BYTES: Final = 65_536
IDS: Final = 65_535


class Publisher:
    """One device and its topic; an async context manager that ends when the broker has acknowledged all."""

    def __init__(self, login: BrokerLogin, topic: str) -> None:
        self._login = login
        self._head = text(topic)
        self._said = self._acked_bytes = 0
        self._line: socket.socket
        self._idle = asyncio.Event()

    async def __aenter__(self) -> Self:
        login, loop = self._login, asyncio.get_running_loop()
        self._line = socket.create_connection((login.host, login.port), WITHIN_S)
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._line.sendall(packet(CONNECT, connect_body(login.username, login.password)))
        answer = self._line.recv(ACK_BYTES, socket.MSG_WAITALL)
        if answer[:1] != bytes([CONNACK]) or answer[3:] != b"\x00":
            raise ConnectionError(f"the broker refused a publisher: {answer.hex()}")
        self._line.setblocking(False)
        loop.add_reader(self._line, self._count)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(WITHIN_S):
                while error is None and self._acked_bytes < self._said * ACK_BYTES:
                    self._idle.clear()
                    await self._idle.wait()
        finally:
            loop.remove_reader(self._line)
            self._line.close()

    def say(self, payloads: Sequence[bytes]) -> None:
        """Send messages in one go. Raises BlockingIOError when the broker does not read."""
        packets = []
        for payload in payloads:
            number = self._said % IDS + 1
            self._said += 1
            packets.append(packet(PUBLISH | QOS_1, self._head + number.to_bytes(2, "big") + payload))
        self._line.sendall(b"".join(packets))

    def _count(self) -> None:
        acked = self._line.recv(READ_BYTES)
        if not acked:
            asyncio.get_running_loop().remove_reader(self._line)
        self._acked_bytes += len(acked)
        self._idle.set()
