"""A handheld that scans over MQTT, by its own clock, and keeps its scans until the product has answered.

A PUBACK is the broker's word alone. A batch is sent again until `…/reply` has `acked_through` or a refusal;
one batch is out at a time, so that scans arrive in the order they were made.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

import aiomqtt

from kernel.clock import Clock
from simulators.protocols.mqtt.frames import topic
from simulators.protocols.pda.frames import SCANS_MAX, scan, signed
from simulators.protocols.publisher import BrokerDevice, Login, published, side_by_side

RESEND_AFTER_S = 2.0
QUEUED_SCANS_MAX = 10_000


class Session(NamedTuple):
    """What a sign-in answered with."""

    session_id: str
    secret: str


class MqttHandheld(BrokerDevice):
    """`session` is who has signed in; without anybody scans wait.

    `ahead` is how far its clock is ahead of the true one. A batch that is refused for its session waits for
    the next sign-in; every other refusal is final, and goes to `refused`.
    """

    def __init__(
        self,
        login: Login,
        site_id: str,
        device_id: str,
        clock: Clock,
        *,
        boot: int = 1,
        ahead: timedelta = timedelta(),
        session: Session | None = None,
    ) -> None:
        super().__init__(login, site_id, device_id)
        self._clock = clock
        self._boot = boot
        self.ahead = ahead
        self._session = session
        self.is_on_line = True
        """False while it is out of reach of the network."""
        self.results: dict[int, dict[str, Any]] = {}
        """The answer to each scan, by its sequence number."""
        self.refused: list[dict[str, Any]] = []
        self.told: dict[str, Any] = {}
        """The newest of each kind of word on `…/reply`."""
        self.sequence = self.acked_sequence = self.sent_count = 0
        self.spoil: Callable[[bytes], bytes] = bytes
        """What becomes of a message on its way."""
        self._kept: deque[dict[str, Any]] = deque()
        self._out_count = 0
        self._news = asyncio.Event()
        self._answered = asyncio.Event()

    def scan(self, code: str, place_code: str | None = None, *, task_id: str | None = None) -> int:
        """Scan now by its own clock; returns the number. Raises RuntimeError when its memory is full."""
        if len(self._kept) >= QUEUED_SCANS_MAX:
            raise RuntimeError(f"the handheld holds {QUEUED_SCANS_MAX} scans and takes no more")
        self.sequence += 1
        at = self._clock.now() + self.ahead
        self._kept.append(scan(self.sequence, at, code, place_code, "code128", task_id))
        self._news.set()
        return self.sequence

    def sign_in(self, session: Session | None) -> None:
        """Somebody signs in, or out."""
        self._session = session
        self._news.set()

    def go_on_line(self, is_on_line: bool) -> None:
        """It comes into reach of the network, or leaves it."""
        self.is_on_line = is_on_line
        self._news.set()

    @property
    def pending_count(self) -> int:
        return len(self._kept)

    # --- connection --------------------------------------------------------------------------------

    async def _connected(self, client: aiomqtt.Client) -> None:
        await client.subscribe(topic(self._site_id, self.device_id, "reply"), qos=1)
        await side_by_side(self._hear(client), self._send(client))

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for heard in client.messages:
            word = json.loads(bytes(heard.payload))
            self.told |= word
            if "acked_through" in word and word["acked_through"]["boot"] == self._boot:
                self.results |= {result["sequence"]: result for result in word.get("results", [])}
                self._forget(word["acked_through"]["sequence"])
            elif "refused" in word and word["refused"].get("boot") == self._boot:
                self._take_refusal(word["refused"])
            self._answered.set()

    def _forget(self, sequence: int) -> None:
        self.acked_sequence = max(self.acked_sequence, sequence)
        while self._kept and self._kept[0]["sequence"] <= sequence:
            self._kept.popleft()

    def _take_refusal(self, refused: dict[str, Any]) -> None:
        self.refused.append(refused)
        if refused["key"] == "session.none":
            self._session = None
        elif self._kept and self._kept[0]["sequence"] == refused["sequence"]:
            for _ in range(self._out_count):
                self._kept.popleft()

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            while self._kept and self._session is not None and self.is_on_line:
                self._answered.clear()
                await published(client, topic(self._site_id, self.device_id, "observation"), self._message())
                self.sent_count += 1
                with suppress(TimeoutError):
                    async with asyncio.timeout(RESEND_AFTER_S):
                        await self._answered.wait()
            await self._news.wait()
            self._news.clear()

    def _message(self) -> bytes:
        assert self._session is not None
        self._out_count = min(SCANS_MAX, len(self._kept))
        part = [self._kept[number] for number in range(self._out_count)]
        now = self._clock.now() + self.ahead
        return self.spoil(signed(self.device_id, self._boot, part, now, *self._session))
