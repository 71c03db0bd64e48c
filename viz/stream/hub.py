"""One follower for each view that somebody watches: reads what has changed and gives it to every client.

A follower reads at most ten times a second when woken and at least once a second anyway; what it reads is
turned into JSON once, however many clients share it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from kernel.caller import Caller
from kernel.errors import Unavailable
from kernel.tx import ReadTx
from twin.messages import AssetState
from viz.activity import store as activity_store
from viz.activity.views import told
from viz.stream.mailbox import CLOSE_FAILED, CLOSE_VIEW_CHANGED, Mailbox
from viz.stream.watch import (
    ALARMS_RESUMED_MAX,
    Changes,
    View,
    alarm_frames,
    assets_frame,
    changes_since,
    event_frame,
    hello_frame,
    pose_of,
    units_of_lots,
    whole,
)

CHANNELS = ("tallyhouse_twin", "tallyhouse_event")
READ_EVERY_S_MIN = 0.1
READ_EVERY_S_MAX = 1.0
RETRY_S = 0.5
HELLO_EVERY = timedelta(seconds=5)
EVENTS_PER_READ_MAX = 500
EVENTS_RESUMED_MAX = 200
"""Events a returning client is sent, the newest; older ones are in the activity list."""

log = structlog.get_logger("stream")


class Woken(Protocol):
    """A flag that wake-ups set."""

    async def wait(self, at_most_s: float) -> None: ...


class Wakes(Protocol):
    """Where wake-ups come from. A wake-up carries nothing: the woken reads again."""

    def listening(self, *channels: str) -> AbstractAsyncContextManager[Woken]: ...


class Reads(Protocol):
    """Opens reading transactions under a caller's row-level security."""

    def read(self, caller: Caller) -> AbstractAsyncContextManager[ReadTx]: ...


@dataclass(frozen=True)
class Resume:
    """Where a client goes on: the revision of its scene, and the cursor of its last alarm."""

    after: int | None = None
    alarms_after: int | None = None


@dataclass(frozen=True)
class News:
    """Event frames through a place in the outbox, and the subjects that the party was granted meanwhile.

    `is_another_view`: it lost the right to see something, or gained the whole site. Its clients' pictures
    are not theirs any more; they are let go and come back for a new one.
    """

    frames: list[str]
    through: tuple[int, int]
    granted: set[str]
    is_another_view: bool


class Hub:
    """All followers of one process."""

    def __init__(self, reads: Reads, wakes: Wakes) -> None:
        self._reads = reads
        self._wakes = wakes
        self._followers: dict[View, Follower] = {}

    @asynccontextmanager
    async def watching(self, view: View, resume: Resume) -> AsyncIterator[Mailbox]:
        """A mailbox that fills with what the client has missed and with all that happens from now on."""
        follower = self._followers.get(view)
        if follower is None or follower.has_ended:
            follower = self._followers[view] = Follower(self._reads, self._wakes, view)
        mailbox = Mailbox()
        follower.clients += 1
        try:
            await follower.admit(mailbox, resume)
            yield mailbox
        finally:
            follower.leave(mailbox)
            follower.clients -= 1
            if follower.clients == 0:
                if self._followers.get(view) is follower:
                    del self._followers[view]
                await follower.stop()


class Follower:
    """Follows one view for its clients."""

    def __init__(self, reads: Reads, wakes: Wakes, view: View) -> None:
        self._reads = reads
        self._wakes = wakes
        self._view = view
        self.clients = 0
        """Clients that are let in or on their way in; the hub stops a follower that has none."""
        self._caller = Caller(person_id="product:stream", party_id=view.party_id, roles=view.roles)
        self._mailboxes: set[Mailbox] = set()
        self._turn = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self._known: Changes | None = None
        self._assets: dict[str, AssetState] = {}
        self._poses: dict[int, bytes] = {}
        self._told_through = (0, 0)
        self._hello_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        return self._running is not None and self._running.done()

    async def admit(self, mailbox: Mailbox, resume: Resume) -> None:
        """Give a new client what it has missed; from now on it gets every change.

        Taken in turn with the reads, so that nothing older overtakes what is already in its mailbox.
        """
        async with self._turn:
            async with self._reads.read(self._caller) as read:
                if self._known is None:
                    await self._begin(read)
                await self._catch_up(read, mailbox, resume)
            self._mailboxes.add(mailbox)
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name=f"stream {self._view.site_id}")
        if self.has_ended:
            mailbox.close(CLOSE_FAILED, "the stream failed; connect again")

    def leave(self, mailbox: Mailbox) -> None:
        self._mailboxes.discard(mailbox)

    async def stop(self) -> None:
        """Return when nothing is read any more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _begin(self, read: ReadTx) -> None:
        self._told_through = await activity_store.last(read)
        self._known = await whole(read, self._view)
        self._take_assets(self._known)

    async def _catch_up(self, read: ReadTx, mailbox: Mailbox, resume: Resume) -> None:
        now = await whole(read, self._view)
        after = _within(resume.after, now.revision)
        alarms_after = _within(resume.alarms_after, now.revision)
        if alarms_after is None:
            alarms_after = after
        missed, events = now, list[str]()
        if alarms_after is not None:
            missed = await changes_since(
                read, self._view, min(alarms_after, alarms_after if after is None else after)
            )
        if after is not None:
            events = await self._missed_events(read, after)
        alarms = list(missed.alarms.values())[-ALARMS_RESUMED_MAX:]
        mailbox.put(
            now.revision,
            kept=[*alarm_frames(alarms, alarms_after or 0, now.revision), *events],
            units=None if after is None else missed.units,
            latest={
                **now.fixtures,
                "assets": assets_frame(now.assets.values(), now.now),
                "hello": hello_frame(now.revision, now.now),
            },
        )

    async def _missed_events(self, read: ReadTx, xid_from: int) -> list[str]:
        rows = await activity_store.missed(
            read, self._view.site_id, xid_from, self._told_through, EVENTS_RESUMED_MAX
        )
        return [event_frame(activity) for activity in await told(read, self._view.site_id, rows[::-1])]

    async def _run(self) -> None:
        """Read and tell until cancelled. Whatever goes wrong for good lets the clients go: they come back."""
        try:
            async with self._wakes.listening(*CHANNELS) as woken:
                while True:
                    try:
                        await self.step()
                    except Unavailable:
                        # The clients keep their last picture and see, by the missing hello, that it is old.
                        await asyncio.sleep(RETRY_S)
                    await asyncio.sleep(READ_EVERY_S_MIN)
                    await woken.wait(READ_EVERY_S_MAX - READ_EVERY_S_MIN)
        except Exception:
            log.exception("follower_failed", site_id=self._view.site_id, party_id=self._view.party_id)
            self._close_all(CLOSE_FAILED, "the stream failed; connect again")

    async def step(self) -> None:
        """Read once what has changed and put it into every mailbox.

        What was told is remembered only when the reads have ended well, so that a broken one loses nothing.
        """
        known = self._known
        assert known is not None, "clients are admitted before the first step"
        async with self._turn:
            async with self._reads.read(self._caller) as read:
                changes = await changes_since(read, self._view, known.revision)
                news = await self._news(read)
                granted = await units_of_lots(read, self._view, news.granted) if news.granted else {}
            self._put(known, changes, granted, news)
            self._known, self._told_through = changes, news.through

    def _put(self, known: Changes, changes: Changes, granted: dict[str, str], news: News) -> None:
        fresh = changes.beyond(known)
        latest = dict(fresh.fixtures)
        if self._take_assets(fresh):
            latest["assets"] = assets_frame(self._assets.values(), changes.now)
        if self._hello_at is None or changes.now - self._hello_at >= HELLO_EVERY:
            latest["hello"] = hello_frame(changes.revision, changes.now)
            self._hello_at = changes.now
        alarms = alarm_frames(list(fresh.alarms.values()), known.revision, changes.revision)
        units, poses = granted | fresh.units, self._moved(changes.now)
        for mailbox in self._mailboxes:
            mailbox.put(
                changes.revision, kept=[*alarms, *news.frames], latest=latest, units=units, poses=poses
            )
        if news.is_another_view:
            self._close_all(CLOSE_VIEW_CHANGED, "what you may see has changed; read the scene again")

    def _take_assets(self, changes: Changes) -> bool:
        """True when one is new or gone, carries something else, or has another label than before."""
        told = self._labels()
        for key, asset in changes.assets.items():
            if asset.is_gone:
                self._assets.pop(key, None)
            else:
                self._assets[key] = asset
        return self._labels() != told

    def _labels(self) -> dict[str, tuple[str, str | None]]:
        """What pages know of each asset beside its pose."""
        return {key: (asset.label, asset.load_epc_hex) for key, asset in self._assets.items()}

    def _moved(self, now: datetime) -> dict[int, bytes]:
        """Poses that differ from what was last told: those that moved, and those that fell silent."""
        poses = {asset.index: pose_of(asset, now) for asset in self._assets.values()}
        moved = {index: pose for index, pose in poses.items() if self._poses.get(index) != pose}
        self._poses = poses
        return moved

    async def _news(self, read: ReadTx) -> News:
        """What the outbox says since the last read: sentences, and changes of what the party may see."""
        start = self._told_through
        end = max(start, await activity_store.last(read))
        rows = await activity_store.after(read, self._view.site_id, *start, EVENTS_PER_READ_MAX)
        if rows:
            reached = (int(rows[-1]["xid"]), rows[-1]["event_id"])
            end = reached if len(rows) == EVENTS_PER_READ_MAX else max(end, reached)
        changed = await activity_store.access_changed(read, self._view.party_id, start, end)
        granted = {row["subject_id"] for row in changed if row["kind"] == "AccessGranted"}
        return News(
            frames=[event_frame(activity) for activity in await told(read, self._view.site_id, rows)],
            through=end,
            granted=granted,
            is_another_view=self._view.site_id in granted
            or any(row["kind"] == "AccessEnded" for row in changed),
        )

    def _close_all(self, code: int, reason: str) -> None:
        for mailbox in self._mailboxes:
            mailbox.close(code, reason)


def _within(place: int | None, revision: int) -> int | None:
    """A place beyond the present one is of another life of the database (it was restored): begin anew."""
    return 0 if place is not None and place > revision else place
