"""Listens to a site's live stream as the viewer does, and notes when each alarm arrived."""

import asyncio
import json
from datetime import datetime
from typing import Any

import websockets

from app.api_client import ApiClient
from kernel.clock import Clock

RECONNECT_S = 0.2


class Listener:
    """`run()` listens until cancelled; `alarms` holds (arrival, alarm) in order of arrival."""

    def __init__(self, client: ApiClient, address: str, site_id: str, clock: Clock) -> None:
        self._client, self._address, self._clock = client, address, clock
        self._path = f"/api/v1/sites/{site_id}/stream"
        self.alarms: list[tuple[datetime, dict[str, Any]]] = []
        self.poses = 0
        self.connections = 0
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """Connect, listen, and connect again when the server went away."""
        while True:
            try:
                await self._listen()
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(RECONNECT_S)

    async def _listen(self) -> None:
        scheme, _, host = self._address.partition("://")
        address = f"{'wss' if scheme == 'https' else 'ws'}://{host}{self._path}"
        headers = {"Cookie": self._client.cookie_header, "Origin": self._address}
        async with websockets.connect(address, additional_headers=headers, proxy=None) as socket:
            self.connections += 1
            async for message in socket:
                await self._note(message)

    async def _note(self, message: str | bytes) -> None:
        arrived = self._clock.now()
        async with self._changed:
            if isinstance(message, bytes):
                self.poses += 1
            else:
                frame = json.loads(message)
                if frame["type"] == "alarm":
                    self.alarms.append((arrived, frame["alarm"]))
            self._changed.notify_all()

    async def alarm(self, kind: str, grade: str, within_s: float) -> tuple[datetime, dict[str, Any]]:
        """The first alarm of this kind and grade, and when it arrived. Raises TimeoutError when none came."""

        def found() -> tuple[datetime, dict[str, Any]] | None:
            for arrived, alarm in self.alarms:
                if alarm["kind"] == kind and alarm["grade"] == grade:
                    return arrived, alarm
            return None

        try:
            async with asyncio.timeout(within_s), self._changed:
                await self._changed.wait_for(lambda: found() is not None)
        except TimeoutError:
            raise TimeoutError(f"no alarm {kind} of grade {grade} within {within_s:g} s") from None
        alarm = found()
        assert alarm is not None
        return alarm
