"""Watches a camera and reports what its pictures show of the slots it sees, and keeps them as evidence.

Pictures have no number and no time, so the driver numbers what it reports under `boot`, and the edge's clock
says when: a picture is looked at when it comes, and one that had to wait is not looked at.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Protocol, Self

import msgspec

from devices.drivers.camera.codec import Part, StreamBroken
from devices.drivers.camera.eye import Eye, Seen
from devices.drivers.camera.freshness import Digests
from devices.drivers.camera.links import Login, link_to
from devices.transport.decoding import FieldRejected
from devices.transport.limit import Limit
from devices.transport.numbering import Numbered
from devices.transport.presence import BACKOFF_S, Presence
from devices.transport.tcp import LinkLost
from devices.transport.view import read_view
from kernel.clock import Clock
from kernel.messages import AnyReading, CodeSight, DeviceStatus, Observation, Rejected, SlotSight

LOOK_EVERY_S: Final = 5.0
TELL_EVERY_S: Final = 300.0
SETTLE_S: Final = 10.0
PICTURES_PER_S_MAX: Final = 60
TOO_FAST: Final = f"more than {PICTURES_PER_S_MAX} pictures a second; the rest is not read"
RAW_BYTES_MAX: Final = 65_536
"""As much of a malformed picture is set aside."""

Item = Observation | Rejected


class Snapshots(Protocol):
    """Where pictures are kept."""

    async def keep(self, picture: bytes) -> str:
        """Keep a picture; returns its SHA-256 in hexadecimal once it is durable, "" when it is not kept."""
        ...


class CameraDriver:
    """An async context manager with one async iterator, `readings()`.

    A picture is looked at every `look_every_s`; what it shows is told when it has changed, else every
    `tell_every_s`. A camera that is away raises nothing: it is stated once and tried again with a bounded
    back-off. Raises FieldRejected for a URL or view that cannot be.
    """

    def __init__(
        self,
        device_id: str,
        url: str,
        clock: Clock,
        boot: int,
        *,
        view: str = "",
        look_every_s: float = LOOK_EVERY_S,
        tell_every_s: float = TELL_EVERY_S,
        settle_s: float = SETTLE_S,
        reads_codes: bool = True,
        user: str = "",
        password: str | None = None,
        backoff_s: Sequence[float] = BACKOFF_S,
        snapshots: Snapshots | None = None,
    ) -> None:
        self._view = read_view(view) if view else None
        self._eye = Eye(self._view, timedelta(seconds=settle_s), reads_codes=reads_codes)
        self._link = link_to(url, Login(user, password or ""), look_every_s)
        self._look_every, self._tell_every = timedelta(seconds=look_every_s), timedelta(seconds=tell_every_s)
        self._clock = clock
        self._snapshots = snapshots
        self._numbered = Numbered(device_id, boot, clock)
        self._presence = Presence(clock.now(), backoff_s)
        self._limit = Limit(PICTURES_PER_S_MAX)
        self._digests = Digests()
        self._looked_at: datetime | None = None
        self._told: tuple[SlotSight, datetime] | None = None
        self._codes_told: dict[tuple[str, str, str | None], datetime] = {}
        self._trouble = ""
        self._skipped_untold = 0
        self.came = self.skipped = self.looks = 0
        """Pictures since the driver was made: all, those too many to be read, those that were looked at."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def readings(self) -> AsyncIterator[Item]:
        """Sights, codes, statements and malformed pictures, until the driver is left."""
        while True:
            try:
                async with aclosing(self._link.pictures()) as pictures:
                    async for part in pictures:
                        for item in await self._take(part):
                            yield item
            except StreamBroken as broken:
                for item in self._numbered.rejected(FieldRejected(broken.field, broken.rule), broken.raw):
                    yield item
                reason = f"no stream of pictures: {broken.field}"
            except LinkLost as lost:
                reason = str(lost)
            self._trouble = ""
            for item in self._stated(self._presence.lost(reason)):
                yield item
            await asyncio.sleep(self._presence.wait_s)

    async def _take(self, part: Part) -> list[Item]:
        now = self._clock.now()
        items = self._stated(self._presence.heard(now))
        self.came += 1
        if not self._limit.admits(now):
            self.skipped += 1
            self._skipped_untold += 1
            return items + self._stated(self._presence.troubled(TOO_FAST))
        items += self._counted()
        if part.broken is not None:
            return items + self._rejected(part.broken, part)
        self._digests.take(part.body)
        if self._looked_at is not None and timedelta() <= now - self._looked_at < self._look_every:
            return items
        self._looked_at = now
        is_repeat, self._digests.is_repeat = self._digests.is_repeat, False
        try:
            seen = await asyncio.to_thread(
                self._eye.look, part.body, now, is_repeat=is_repeat, run=self._digests.run
            )
        except FieldRejected as error:
            self._looked_at = None  # The next one is looked at instead.
            return items + self._rejected(error, part)
        self._numbered.well_formed()
        self.looks += 1
        self._trouble = seen.trouble or seen.doubt
        too_fast = TOO_FAST if self._limit.is_exceeded else ""
        items += self._stated(self._presence.troubled(self._trouble or too_fast))
        return items + await self._tell(seen, part.body, now)

    def _counted(self) -> list[Item]:
        """How many pictures were not read, once the camera is slow enough again."""
        if not self._skipped_untold or self._limit.is_exceeded:
            return []
        reason = f"{self._skipped_untold} pictures came too fast and were not read"
        self._skipped_untold = 0
        return self._stated([DeviceStatus(state="gap", reason=reason)])

    def _rejected(self, error: FieldRejected, part: Part) -> list[Item]:
        """A malformed picture, with where in the stream it began."""
        rule = f"{error.rule} (picture at offset {part.offset} of the stream, {len(part.body)} bytes)"
        return [*self._numbered.rejected(FieldRejected(error.field, rule), part.body[:RAW_BYTES_MAX])]

    # --- what is told ----------------------------------------------------------------------------

    async def _tell(self, seen: Seen, picture: bytes, now: datetime) -> list[Item]:
        """The sight when it has changed or is due, and codes that are new, have moved, or are due."""
        if seen.state == "same":
            return []
        sight = self._sight(seen)
        is_due = self._told is None or now - self._told[1] >= self._tell_every
        is_news = self._told is None or self._told[0] != sight
        codes = [code for code in seen.looked.codes if self._is_code_due(code, now)]
        if not (is_due or is_news or codes):
            return []
        kept = await self._snapshots.keep(picture) if self._snapshots is not None else ""
        told: list[AnyReading] = [msgspec.structs.replace(code, snapshot_sha256=kept) for code in codes]
        if is_due or is_news:
            self._told = sight, now
            told.insert(0, msgspec.structs.replace(sight, frame_id=self.looks, snapshot_sha256=kept))
        items = [self._numbered.observation(reading, now, picture) for reading in told]
        return [msgspec.structs.replace(item, quality="suspect") if seen.doubt else item for item in items]

    def _sight(self, seen: Seen) -> SlotSight:
        names = () if self._view is None else self._view.slot_ids
        if seen.state in ("frozen", "replayed", "dark"):
            return SlotSight(state=seen.state)
        verdicts = seen.looked.verdicts or ("unclear",) * len(names)
        by_verdict: dict[str, list[str]] = {"occupied": [], "empty": [], "unclear": []}
        for name, verdict in zip(names, verdicts, strict=True):
            by_verdict[verdict].append(name)
        return SlotSight(
            occupied=tuple(by_verdict["occupied"]),
            empty=tuple(by_verdict["empty"]),
            unclear=tuple(by_verdict["unclear"]),
            pallet_count=len(by_verdict["occupied"]) + seen.looked.loose_count,
        )

    def _is_code_due(self, code: CodeSight, now: datetime) -> bool:
        key = code.symbology, code.code, code.slot_id
        told_at = self._codes_told.get(key)
        if told_at is not None and now - told_at < self._tell_every:
            return False
        self._codes_told = {k: at for k, at in self._codes_told.items() if now - at < self._tell_every}
        self._codes_told[key] = now
        return True

    def _stated(self, statuses: Sequence[DeviceStatus]) -> list[Item]:
        return [self._numbered.observation(status) for status in statuses]
