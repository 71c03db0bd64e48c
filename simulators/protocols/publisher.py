"""Devices as clients of the broker: connected as often as it takes, under their own name."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiomqtt

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
KEPT_MESSAGES_MAX = 10_000
"""A gateway's memory; beyond it the oldest goes, as in real ones."""


class Login(NamedTuple):
    """The broker, and the device's own credential."""

    host: str
    port: int
    password: str


class Line(aiomqtt.Client):
    """A connection that wants to write on its own socket alone.

    aiomqtt asks the loop later, by the number of the socket's descriptor, to tell when it can be written to.
    When the line has dropped meanwhile, that number is nobody's ("Bad file descriptor") or that of another
    connection, which then would be told no more.
    """

    def _on_socket_register_write(self, client: Any, _userdata: Any, sock: Any) -> None:
        def write() -> None:
            try:
                client.loop_write()
            except Exception as error:  # noqa: BLE001 - whatever it is, the line is broken
                if not self._disconnected.done():
                    self._disconnected.set_exception(error)

        def register() -> None:
            if sock.fileno() >= 0:
                self._loop.add_writer(sock.fileno(), write)

        self._loop.call_soon_threadsafe(register)


async def published(client: aiomqtt.Client, topic: str, payload: bytes) -> None:
    """Publish at least once, and be cancelled when asked to: aiomqtt waits with `asyncio.wait_for`, which up
    to Python 3.11 swallows a cancellation that comes together with the broker's answer."""
    await client.publish(topic, payload, qos=1)
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def side_by_side(*works: Coroutine[Any, Any, None]) -> None:
    """Until one fails; raises its error as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


class BrokerDevice(ABC):
    """An async context manager, within which the device connects, again and again with a bounded back-off."""

    def __init__(self, login: Login, site_id: str, device_id: str) -> None:
        self._login = login
        self._site_id = site_id
        self.device_id = device_id
        self._task: asyncio.Task[None] | None = None
        self._is_leaving = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"device {self.device_id}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._is_leaving = True
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        failures = 0
        while not self._is_leaving:
            try:
                async with Line(
                    self._login.host,
                    self._login.port,
                    username=self.device_id,
                    password=self._login.password,
                    identifier=self.device_id,
                    keepalive=10,
                ) as client:
                    failures = 0
                    await self._connected(client)
            except aiomqtt.MqttError:
                # It may come in place of the cancellation, when the broker's answer is still out.
                failures += 1
            if not self._is_leaving:
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])

    @abstractmethod
    async def _connected(self, client: aiomqtt.Client) -> None:
        """What it does while the connection stands."""


class Publisher(BrokerDevice):
    """Speaks a maker's own format, and keeps what the broker has not got; `publish` may be called at any
    time, connected or not.

    Makers' gateways know nothing of `…/reply`: what the broker acknowledged, they forget.
    """

    def __init__(self, login: Login, site_id: str, device_id: str) -> None:
        super().__init__(login, site_id, device_id)
        self._root = f"tallyhouse/v1/{site_id}/{device_id}"
        self._kept: deque[tuple[str, bytes]] = deque(maxlen=KEPT_MESSAGES_MAX)
        self._news = asyncio.Event()
        self._sent = asyncio.Event()
        self._sent.set()

    def publish(self, channel: str, payload: bytes) -> None:
        """Send `payload` on `…/{site}/{device}/{channel}` as soon as there is a connection."""
        self._kept.append((f"{self._root}/{channel}", payload))
        self._sent.clear()
        self._news.set()

    async def sent(self, within_s: float) -> None:
        """Wait until the broker has everything. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            await self._sent.wait()

    async def _connected(self, client: aiomqtt.Client) -> None:
        while True:
            while self._kept:
                topic, payload = self._kept[0]
                await published(client, topic, payload)
                self._kept.popleft()
            self._sent.set()
            await self._news.wait()
            self._news.clear()
