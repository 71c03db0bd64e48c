"""Watches a scale that speaks MT-SICS and reports each load once, as the stable weight the scale then tells.

The scale numbers nothing and tells no time, so the driver does: `boot` is given and must grow with each start
of the driver. What is watched (`SI` or `SIR`) only says when to ask; a weighing is what the scale answers to
`S`, and only `S S` is one.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Literal, Self

from devices.drivers.mt_sics.codec import LINE_BYTES_MAX, Answer, Command, Outcome, Topic, decode, encode
from devices.transport.decoding import FieldRejected
from devices.transport.errands import Errands
from devices.transport.limit import Limit
from devices.transport.lines import Lines
from devices.transport.numbering import Numbered
from devices.transport.orders import Order
from devices.transport.presence import BACKOFF_S, Presence
from devices.transport.tcp import LinkLost, TcpLink
from devices.transport.weighing import (
    CAPTURE_MIN_G,
    CHANGE_G,
    OVERLOAD,
    SETTLE_S,
    UNDER_ZERO,
    Settings,
    Shown,
    Standstill,
    mass_reading,
    unseen_load,
)
from kernel.clock import Clock
from kernel.messages import DeviceStatus, Observation, Rejected

POLL_MS: Final = 200
ANSWER_S_MAX: Final = 2.0
STABLE_S_MAX: Final = 10.0
"""How long a scale may take to come to rest before it answers `S`, `T` or `Z`."""
SILENCE_S_MAX: Final = 5.0
"""Silence of a scale that was told to go on by itself; they send several weights a second."""
LINES_PER_S_MAX: Final = 100
"""A scale that goes on by itself sends 5 to 25 weights a second."""
TOO_FAST: Final = f"more than {LINES_PER_S_MAX} lines a second; the rest is not read"

Item = Observation | Rejected
Failure = Literal["unreachable", "not_executable", "overload", "underload", "refused"]
FAILURES: Final[Mapping[Outcome, Failure]] = {
    "not executable": "not_executable",
    "overload": "overload",
    "underload": "underload",
}
"""What the scale may answer to an order that it does not carry out; anything else is a refusal."""


class _Refused(Exception):
    """The scale answers, but not as it would have to."""


class MtSicsDriver:
    """An async context manager with one async iterator, `readings()`, and the orders `tare` and `zero`.

    `watch` is `poll` (the driver asks `SI` every `poll_ms`) or `stream` (`SIR`: the scale goes on by itself).
    `serial_number`, where given, is the only scale that is believed. A scale that is away raises nothing: it
    is stated once and tried again with a bounded back-off. Raises ValueError for settings that cannot be.
    """

    def __init__(
        self,
        device_id: str,
        host: str,
        port: int,
        clock: Clock,
        boot: int,
        *,
        serial_number: str = "",
        watch: Literal["poll", "stream"] = "poll",
        poll_ms: int = POLL_MS,
        settle_s: float = SETTLE_S,
        capture_min_g: int = CAPTURE_MIN_G,
        change_g: int = CHANGE_G,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        if poll_ms <= 0:
            raise ValueError("poll_ms must be positive")
        self._serial_number = serial_number
        self._is_streaming = watch == "stream"
        self._poll_s = poll_ms / 1000
        self._change_g = change_g
        self._clock = clock
        stale_s_max = SILENCE_S_MAX if self._is_streaming else None
        self._link = TcpLink(host, port, stale_s_max=stale_s_max)
        self._lines = Lines(LINE_BYTES_MAX)
        self._limit = Limit(LINES_PER_S_MAX)
        self._answers: deque[tuple[Answer, bytes]] = deque()
        self._goes_on = False
        """Whether the scale was last told to send weights by itself."""
        self._said: list[Item] = []
        """What came up while an answer was waited for; told with the next item."""
        self._numbered = Numbered(device_id, boot, clock)
        self._presence = Presence(clock.now(), backoff_s)
        self._standstill = Standstill(
            Settings(settle_s=settle_s, capture_min_g=capture_min_g, change_g=change_g)
        )
        self._tare_g: int | None = 0
        """None where the scale does not tell its tare."""
        self._tare_asked_at_g: int | None = None
        self._errands = Errands()
        self.live: Shown | None = None
        """What the scale shows, for a display; None while nothing was read."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()

    # --- orders ----------------------------------------------------------------------------------

    async def command(self, order: Order) -> str | None:
        """Tare or zero the scale; None once it says that it did, else why not.

        Carried out by `readings()`, so somebody must be iterating it; what was done is stated there.
        """
        return await self._errands.ask(order)

    async def _carry_out(self, order: Order) -> Failure | None:
        if order.action == "tare":
            answer, _ = await self._ask("T", "tared", STABLE_S_MAX)
        else:
            answer, _ = await self._ask("Z", "zeroed", STABLE_S_MAX)
        if answer.outcome != "done":
            return FAILURES.get(answer.outcome, "refused")
        self._tare_asked_at_g = None
        what = f"tared by {answer.mass_g} g" if order.action == "tare" else "zeroed"
        self._state([DeviceStatus(state="online", reason=f"the scale was {what} by an order")])
        return None

    # --- readings --------------------------------------------------------------------------------

    async def readings(self) -> AsyncIterator[Item]:
        """Every load at rest, every statement and every malformed line, until the driver is left."""
        while True:
            try:
                await self._greet()
                while True:
                    await self._look()
                    for item in self._told():
                        yield item
                    if not self._is_streaming:
                        await asyncio.sleep(self._poll_s)
            except (LinkLost, _Refused) as error:
                self._hang_up()
                state: Literal["fault", "offline"] = "fault" if isinstance(error, _Refused) else "offline"
                for status in self._presence.lost(str(error)):
                    self._state([DeviceStatus(state=state, reason=status.reason)])
                for item in self._told():
                    yield item
                await asyncio.sleep(self._presence.wait_s)

    def _hang_up(self) -> None:
        self._link.close()
        self._lines = Lines(LINE_BYTES_MAX)
        self._answers.clear()
        self._goes_on = False
        self._standstill.interrupt()
        self._tare_asked_at_g = None
        self.live = None

    async def _greet(self) -> None:
        """Whose scale it is, and the first weight wanted."""
        await self._link.open()
        answer, _ = await self._ask("I4", "serial", ANSWER_S_MAX)
        if self._serial_number and answer.text != self._serial_number:
            raise _Refused(f"the scale answers to the serial number {answer.text!r}")

    async def _look(self) -> None:
        """One weight, and what it completes."""
        await self._errands.carry_out(self._carry_out)
        answer, _ = await (self._next_weight() if self._is_streaming else self._polled())
        self.live = await self._shown(answer)
        self._state(self._presence.heard(self._clock.now()))
        if self.live is None:
            self._standstill.stir()
        elif (verdict := self._standstill.look(self.live, self._clock.now())) == "captured":
            await self._weigh(self.live)
        elif verdict == "unseen":
            self._state([unseen_load(self.live)])
        too_fast = TOO_FAST if self._limit.is_exceeded else ""
        self._state(self._presence.troubled(self._standstill.trouble or too_fast))

    async def _shown(self, answer: Answer) -> Shown | None:
        """What the scale shows at rest, None while it moves: a tare may just be taken, so that the weight
        falls and the load stays. The tare is asked for whenever the weight at rest has changed."""
        match answer.outcome:
            case "overload":
                return Shown(mass_g=0, is_stable=True, trouble=OVERLOAD)
            case "underload":
                return Shown(mass_g=0, is_stable=True, trouble=UNDER_ZERO)
            case "stable" if await self._knows_tare(answer.mass_g):
                pass
            case "syntax error" | "logical error":
                raise _Refused(f"the scale answers with a {answer.outcome}")
            case _:
                return None
        is_net = self._tare_g is None or self._tare_g > 0
        return Shown(
            mass_g=answer.mass_g,
            is_stable=True,
            basis="net" if is_net else "gross",
            tare_g=self._tare_g or 0,
        )

    async def _knows_tare(self, stable_g: int) -> bool:
        """Whether the tare is known that belongs to this weight, or known not to be told."""
        asked_at_g = self._tare_asked_at_g
        if asked_at_g is not None and abs(stable_g - asked_at_g) <= self._change_g:
            return True
        if self._tare_g is not None:
            answer, _ = await self._ask("TA", "tare", ANSWER_S_MAX)
            if answer.outcome in ("syntax error", "logical error"):
                self._tare_g = None
            elif answer.outcome == "done":
                self._tare_g = answer.mass_g
            else:
                return False
        self._tare_asked_at_g = stable_g
        return True

    async def _weigh(self, shown: Shown) -> None:
        """Ask for the stable weight: the one evidence. It has to be that of the load that came to rest."""
        answer, line = await self._ask("S", "weight", STABLE_S_MAX)
        if answer.outcome != "stable" or abs(answer.mass_g - shown.mass_g) > self._change_g:
            self._standstill.reopen()
            return
        weighed = Shown(mass_g=answer.mass_g, is_stable=True, basis=shown.basis, tare_g=shown.tare_g)
        reading = mass_reading(weighed, self._numbered.next_sequence)
        self._said.append(self._numbered.observation(reading, raw=line))

    # --- conversation ----------------------------------------------------------------------------

    async def _next_weight(self) -> tuple[Answer, bytes]:
        """The next weight of the stream, which every other command has ended."""
        if not self._goes_on:
            await self._link.send(encode("SIR"))
            self._goes_on = True
        return await self._answer("weight", SILENCE_S_MAX)

    async def _polled(self) -> tuple[Answer, bytes]:
        return await self._ask("SI", "weight", ANSWER_S_MAX)

    async def _ask(self, command: Command, topic: Topic, within_s: float) -> tuple[Answer, bytes]:
        """Give a command and wait for its answer. What was garbled on the way is asked once more."""
        for _ in range(2):
            self._goes_on = False
            await self._link.send(encode(command))
            answer, line = await self._answer(topic, within_s)
            if answer.outcome != "transmission error":
                break
        return answer, line

    async def _answer(self, topic: Topic, within_s: float) -> tuple[Answer, bytes]:
        """The next answer of a topic, or the next error; what else comes meanwhile belongs to a stream."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_s
        while True:
            while self._answers:
                answer, line = self._answers.popleft()
                if answer.topic in (topic, "error"):
                    return answer, line
            self._take(await self._link.read(max(0.0, until_s - loop.time())))

    def _take(self, data: bytes) -> None:
        for line, error in self._lines.feed(data):
            if not self._limit.admits(self._clock.now()):
                continue
            try:
                if error is not None:
                    raise error
                self._answers.append((decode(line), line))
            except FieldRejected as rejected:
                self._said += self._numbered.rejected(rejected, line)
                self._answers.append((Answer(topic="error", outcome="transmission error"), line))
            else:
                self._numbered.well_formed()

    def _state(self, statuses: Sequence[DeviceStatus]) -> None:
        self._said += [self._numbered.observation(status) for status in statuses]

    def _told(self) -> list[Item]:
        said, self._said = self._said, []
        return said
