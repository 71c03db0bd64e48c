"""What waits to be sent to one client. Poses and units keep only their latest state; alarms and events are
never dropped: a client that lets too many of them wait is closed, and resumes by its cursors."""

import asyncio
from collections.abc import Iterable, Mapping

from viz.stream.codec import POSES_PER_FRAME_MAX, encode_frame

KEPT_FRAMES_MAX = 2_000
"""Alarms and events that may wait for one client."""
UNITS_PER_FRAME_MAX = 500

CLOSE_TOO_SLOW = 4408
CLOSE_VIEW_CHANGED = 4410
CLOSE_SESSION_ENDED = 4401
CLOSE_FAILED = 1011

Frame = str | bytes


class Closed(Exception):
    """The client must be let go, with this WebSocket close code; it may connect again."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code} {reason}")


class Mailbox:
    """One writer (the site's follower) puts, one reader (the client's sender) takes."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._latest: dict[str, str] = {}
        self._units: dict[str, str] = {}
        self._poses: dict[int, bytes] = {}
        self._revision = 0
        self._sent_revision = 0
        self._closed: Closed | None = None
        self._waiting = asyncio.Event()

    def close(self, code: int, reason: str) -> None:
        """Whoever takes next is told to let the client go; the first reason counts."""
        self._closed = self._closed or Closed(code, reason)
        self._waiting.set()

    def put(
        self,
        revision: int,
        *,
        kept: Iterable[str] = (),
        latest: Mapping[str, str] | None = None,
        units: Mapping[str, str] | None = None,
        poses: Mapping[int, bytes] | None = None,
    ) -> None:
        """Add what has changed up to `revision`. All texts are JSON; `latest` are whole frames by a name."""
        self._kept.extend(kept)
        self._latest.update(latest or {})
        self._units.update(units or {})
        self._poses.update(poses or {})
        self._revision = revision
        if len(self._kept) > KEPT_FRAMES_MAX:
            self.close(CLOSE_TOO_SLOW, "too many alarms and events wait; resume by cursor")
        if self._kept or self._latest or self._units or self._poses:
            self._waiting.set()

    async def take(self) -> list[Frame]:
        """Wait for something, then everything that waits: alarms and events first, poses last.

        Raises Closed when the client must be let go.
        """
        await self._waiting.wait()
        if self._closed:
            raise self._closed
        self._waiting.clear()
        frames: list[Frame] = [
            *self._kept,
            *self._unit_frames(),
            *self._latest.values(),
            *self._pose_frames(),
        ]
        for waiting in (self._kept, self._units, self._latest, self._poses):
            waiting.clear()
        self._sent_revision = self._revision
        return frames

    def _unit_frames(self) -> list[str]:
        """Only the last frame moves the client's revision: resuming between two frames must lose nothing."""
        units = list(self._units.values())
        parts = [units[at : at + UNITS_PER_FRAME_MAX] for at in range(0, len(units), UNITS_PER_FRAME_MAX)]
        last = len(parts) - 1
        return [
            units_frame(self._revision if at == last else self._sent_revision, part)
            for at, part in enumerate(parts)
        ]

    def _pose_frames(self) -> list[bytes]:
        poses = list(self._poses.values())
        return [
            encode_frame(self._revision, poses[at : at + POSES_PER_FRAME_MAX])
            for at in range(0, len(poses), POSES_PER_FRAME_MAX)
        ]


def units_frame(revision: int, units: Iterable[str]) -> str:
    """`units` are JSON objects already."""
    return f'{{"type":"units","revision":{revision},"units":[{",".join(units)}]}}'
