"""What drivers share whose device has a state: looked at over and over, told when it changes and now and
then, and waited for by the orders that it confirms."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from devices.transport.decoding import FieldRejected
from devices.transport.modbus_answer import AnswerRejected
from devices.transport.numbering import Numbered
from devices.transport.presence import BACKOFF_S, Presence
from devices.transport.tcp import LinkLost, NotServed
from kernel.clock import Clock
from kernel.messages import BarrierState, DeviceStatus, Observation, Rejected, SignalState

REPEAT_S: Final = 60.0
"""An unchanged state is reported again after this time, so that silence means something."""

Item = Observation | Rejected
State = TypeVar("State", BarrierState, SignalState)


class Feedback(Generic[State]):
    """The newest state that was read; None while the device does not answer or contradicts itself."""

    def __init__(self) -> None:
        self.state: State | None = None
        self._read = asyncio.Condition()

    async def saw(self, state: State | None) -> None:
        """What was read now."""
        self.state = state
        async with self._read:
            self._read.notify_all()

    async def until(self, holds: Callable[[State], bool], within_s: float) -> bool:
        """Whether the state is as wanted within this time."""
        try:
            async with asyncio.timeout(within_s), self._read:
                await self._read.wait_for(lambda: self.state is not None and holds(self.state))
        except TimeoutError:
            return False
        return True


class News:
    """Whether what was read is to be told: when it changed, and again after `REPEAT_S`. Pure."""

    def __init__(self) -> None:
        self._told: tuple[bytes, datetime] | None = None

    def is_news(self, raw: bytes, now: datetime) -> bool:
        if self._told is not None:
            before, at = self._told
            if before == raw and (now - at).total_seconds() < REPEAT_S:
                return False
        self._told = raw, now
        return True


@dataclass(frozen=True, slots=True)
class Seen(Generic[State]):
    """What one look gave: its bytes, and the state they say or why they cannot be."""

    raw: bytes
    state: State | FieldRejected


class StateWatch(Generic[State]):
    """Looks at a device's state and tells what is news: a change, an absence, a contradiction.

    `look` raises LinkLost when the device is away, NotServed or AnswerRejected when it answers but not as it
    would have to. `pause` waits until the next look is due; `trouble` is what keeps the device from being
    read as it should, empty for nothing.
    """

    def __init__(
        self,
        device_id: str,
        boot: int,
        clock: Clock,
        look: Callable[[], Awaitable[Seen[State]]],
        pause: Callable[[], Awaitable[None]],
        *,
        backoff_s: Sequence[float] = BACKOFF_S,
        trouble: Callable[[], str] = str,
    ) -> None:
        self.feedback: Feedback[State] = Feedback()
        self._clock = clock
        self._look: Callable[[], Awaitable[Seen[State]]] = look
        self._pause = pause
        self._trouble = trouble
        self._numbered = Numbered(device_id, boot, clock)
        self._presence = Presence(clock.now(), backoff_s)
        self._news = News()

    async def readings(self) -> AsyncIterator[Item]:
        """What is news, until cancelled."""
        while True:
            try:
                seen: Seen[State] = await self._look()
            except (LinkLost, NotServed, AnswerRejected) as error:
                await self.feedback.saw(None)
                for item in self._lost(error):
                    yield item
                await asyncio.sleep(self._presence.wait_s)
                continue
            await self.feedback.saw(None if isinstance(seen.state, FieldRejected) else seen.state)
            stated: list[DeviceStatus] = self._presence.heard(self._clock.now()) + self._presence.troubled(
                self._trouble()
            )
            for item in [*map(self._numbered.observation, stated), *self._read(seen)]:
                yield item
            await self._pause()

    def _lost(self, error: LinkLost | NotServed | AnswerRejected) -> list[Item]:
        stated = self._presence.lost(str(error))
        if not isinstance(error, LinkLost):
            stated = [DeviceStatus(state="fault", reason=status.reason) for status in stated]
        items: list[Item] = [self._numbered.observation(status) for status in stated]
        return items + (self._set_aside(error, error.raw) if isinstance(error, AnswerRejected) else [])

    def _read(self, seen: Seen[State]) -> list[Item]:
        if isinstance(seen.state, FieldRejected):
            return self._set_aside(seen.state, seen.raw)
        self._numbered.well_formed()
        return [self._numbered.observation(seen.state, raw=seen.raw)] if self._is_news(seen.raw) else []

    def _set_aside(self, error: FieldRejected, raw: bytes) -> list[Item]:
        return self._numbered.rejected(error, raw) if self._is_news(raw) else []

    def _is_news(self, raw: bytes) -> bool:
        return self._news.is_news(raw, self._clock.now())
