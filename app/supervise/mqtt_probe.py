"""As much MQTT 3.1.1 as it takes to try a broker: sign in, publish, hear topics.

A full client hides what is tried here: brokers answer a refused publish either politely or by hanging up, and
the probe must see which. Packet layouts: OASIS MQTT 3.1.1, chapters 2 and 3.
"""

import asyncio
from types import TracebackType
from typing import Self

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
PINGREQ, PINGRESP = 0xC0, 0xD0
_QOS_1 = 0x02
_CLEAN_SESSION, _USER_NAME, _PASSWORD = 0x02, 0x80, 0x40
_KEEP_ALIVE_S = 30
_LENGTH_BYTES_MAX = 4


class ProbeRefused(ConnectionError):
    """The broker answered the sign-in with a return code other than 0."""


def text(value: str) -> bytes:
    """A string with its length before it (section 1.5.3)."""
    encoded = value.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def packet(kind: int, body: bytes) -> bytes:
    """Fixed header with the remaining length in 7-bit groups, lowest first (section 2.2.3)."""
    length, groups = len(body), bytearray()
    while True:
        length, group = divmod(length, 128)
        groups.append(group | (0x80 if length else 0))
        if not length:
            return bytes([kind]) + bytes(groups) + body


def connect_body(
    user: str | None, password: str | None, client_id: str = "", *, keeps: bool = False
) -> bytes:
    """Body of a CONNECT (section 3.1). Without a `client_id` the broker makes one up."""
    flags, credentials = 0 if keeps else _CLEAN_SESSION, b""
    if user is not None and password is not None:
        flags |= _USER_NAME | _PASSWORD
        credentials = text(user) + text(password)
    head = text("MQTT") + bytes([4, flags]) + _KEEP_ALIVE_S.to_bytes(2, "big")
    return head + text(client_id) + credentials


class Probe:
    """One connection: `async with Probe(host, port, user, password)`. ConnectionError when it is refused.

    Without a `client_id` the broker makes one up. With `keeps` the session of the one given outlives us.
    """

    def __init__(
        self,
        host: str,
        port: int,
        user: str | None,
        password: str | None,
        client_id: str = "",
        *,
        keeps: bool = False,
    ) -> None:
        self._host, self._port = host, port
        self._user, self._password = user, password
        self._client_id, self._keeps = client_id, keeps

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        try:
            body = connect_body(self._user, self._password, self._client_id, keeps=self._keeps)
            self._send(CONNECT, body)
            answer = await self._expect(CONNACK)
            if answer[1] != 0:
                raise ProbeRefused(f"return code {answer[1]}")
        except BaseException:
            self._writer.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def publish(self, topic: str) -> bool:
        """Send an empty object with QoS 1; return once the broker dealt with it: False when it hung up."""
        self._send(PUBLISH | _QOS_1, text(topic) + (1).to_bytes(2, "big") + b"{}")
        self._send(PINGREQ, b"")
        try:
            await self._expect(PINGRESP)
        except ConnectionError:
            return False
        return True

    async def subscribe(self, topic_filter: str, *, qos: int = 0) -> None:
        self._send(SUBSCRIBE, (1).to_bytes(2, "big") + text(topic_filter) + bytes([qos]))
        await self._expect(SUBACK)

    async def next_topic(self) -> str:
        """Topic of the next message handed to us."""
        body = await self._expect(PUBLISH)
        return body[2 : 2 + int.from_bytes(body[:2], "big")].decode()

    def _send(self, kind: int, body: bytes) -> None:
        self._writer.write(packet(kind, body))

    async def _expect(self, kind: int) -> bytes:
        """Body of the next packet of `kind`; others are passed over. ConnectionError when the line ends."""
        while True:
            try:
                head = (await self._reader.readexactly(1))[0]
                body = await self._reader.readexactly(await self._length())
            except asyncio.IncompleteReadError as error:
                raise ConnectionError("the broker hung up") from error
            if head & 0xF0 == kind & 0xF0:
                return body

    async def _length(self) -> int:
        length = 0
        for place in range(_LENGTH_BYTES_MAX):
            group = (await self._reader.readexactly(1))[0]
            length |= (group & 0x7F) << (7 * place)
            if not group & 0x80:
                return length
        raise ConnectionError("a remaining length of more than four bytes")
