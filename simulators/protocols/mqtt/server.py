"""Devices that report, keep, and send again until the product has it for good: trackers, base stations.

A PUBACK is the broker's word, not the product's. Such a device forgets a reading only when `…/reply` says
`acked_through`, and sends what is left again after a time, or when the connection comes back.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aiomqtt

from kernel.clock import Clock
from simulators.protocols.mqtt.frames import (
    MESSAGE_READINGS_MAX,
    NO_LOAD,
    Load,
    Pose,
    acked_through,
    message,
    placed,
    reading,
    topic,
)
from simulators.protocols.publisher import BrokerDevice, Login, published, side_by_side

RESEND_AFTER_S = 3.0
KEPT_READINGS_MAX = 100_000
"""A device's memory. When it is full nothing new is taken, and `refused_count` says so: a hole in the
sequence would never be acknowledged."""


class Reporter(BrokerDevice):
    """What is noted is kept and sent again until the product has acknowledged it.

    `boot` grows with each start of the device; sequence numbers start at 1 in each.
    """

    def __init__(
        self,
        login: Login,
        site_id: str,
        device_id: str,
        clock: Clock,
        *,
        boot: int = 1,
        resend_after_s: float = RESEND_AFTER_S,
    ) -> None:
        super().__init__(login, site_id, device_id)
        self._clock = clock
        self._boot = boot
        self._resend_after_s = resend_after_s
        self._kept: deque[dict[str, Any]] = deque()
        self._sent_through = 0
        self._news = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self.sequence = 0
        self.acked_sequence = 0
        self.connect_count = 0
        self.refused_count = 0
        self.told: dict[str, Any] = {}
        """What the product said last, by its name."""

    @property
    def boot(self) -> int:
        return self._boot

    @property
    def pending_count(self) -> int:
        """Readings not acknowledged yet."""
        return len(self._kept)

    def note(self, said: dict[str, Any], at: datetime | None = None) -> int:
        """Keep a reading of now, or `at`, and send it when it can be.

        Returns its sequence number; 0 when the memory is full.
        """
        if len(self._kept) == KEPT_READINGS_MAX:
            self.refused_count += 1
            return 0
        self.sequence += 1
        self._kept.append(reading(self._boot, self.sequence, at or self._clock.now(), said))
        self._news.set()
        self._settled.clear()
        return self.sequence

    async def settled(self, within_s: float) -> None:
        """Wait until everything reported is acknowledged. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            await self._settled.wait()

    # --- connection ------------------------------------------------------------------------------

    async def _connected(self, client: aiomqtt.Client) -> None:
        self._sent_through = 0
        await client.subscribe(topic(self._site_id, self.device_id, "reply"), qos=1)
        self.connect_count += 1
        await side_by_side(self._hear(client), self._send(client))

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for heard in client.messages:
            self.told |= json.loads(bytes(heard.payload))
            acked = acked_through(bytes(heard.payload))
            if acked is not None and acked[0] == self._boot:
                self._forget_through(acked[1])

    def _forget_through(self, sequence: int) -> None:
        self.acked_sequence = max(self.acked_sequence, sequence)
        while self._kept and self._kept[0]["sequence"] <= sequence:
            self._kept.popleft()
        if not self._kept:
            self._settled.set()

    async def _send(self, client: aiomqtt.Client) -> None:
        """Send what is new; when nothing was acknowledged for a while, everything kept again."""
        place = topic(self._site_id, self.device_id, "observation")
        while True:
            for part in _parts([kept for kept in self._kept if kept["sequence"] > self._sent_through]):
                await published(client, place, message(part))
                self._sent_through = int(part[-1]["sequence"])
            acked_before = self.acked_sequence
            try:
                async with asyncio.timeout(self._resend_after_s if self._kept else None):
                    await self._news.wait()
                self._news.clear()
            except TimeoutError:
                if self._kept and self.acked_sequence == acked_before:
                    self._sent_through = 0


class Tracker(Reporter):
    """A tracker on a forklift or a person; `report` may be called at any time, connected or not."""

    def report(self, pose: Pose, load: Load = NO_LOAD, at: datetime | None = None) -> int:
        """Note where it is (now, or `at`). Returns the sequence number; 0 when the memory is full."""
        return self.note(placed(pose, load), at)


def _parts(readings: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [
        readings[start : start + MESSAGE_READINGS_MAX]
        for start in range(0, len(readings), MESSAGE_READINGS_MAX)
    ]


def acked_of(trackers: Mapping[str, Tracker]) -> dict[str, int]:
    """How many readings of each tracker the product has acknowledged: none of them may ever be missing."""
    return {name: tracker.acked_sequence for name, tracker in trackers.items()}
