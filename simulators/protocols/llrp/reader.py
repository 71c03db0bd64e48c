"""How a simulated reader behaves, without sockets: a client's bytes in, the reader's bytes out.

It keeps what a real one keeps across connections (operations, settings, reports it holds), serves one client
at a time, and hears a tag only while an operation runs that uses that antenna.
"""

from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime
from typing import Final

from kernel.clock import Clock
from simulators.protocols.llrp import frames
from simulators.protocols.llrp.frames import BadRequest, Heard, Operation, Request

HELD_REPORTS_MAX: Final = 5_000
"""Tag reports kept for a client that is away. When full, later ones are lost and the client is told."""

UNANSWERED_KEEPALIVES_MAX: Final = 3
"""A client that leaves so many KEEPALIVEs unanswered is taken for gone."""

HELD_EVENTS_MAX: Final = 1_000
"""Events kept likewise. The oldest makes room for the newest, without a word."""

DISABLED, INACTIVE, ACTIVE = 0, 1, 2

_EVENT_INPUT, _EVENT_OPERATION, _EVENT_BUFFER, _EVENT_ANTENNA = 1, 2, 3, 8


class SimulatedReader:
    """One reader. `antenna_count` antennas and `input_count` inputs, numbered from 1; without `has_utc_clock`
    it reports uptimes. `version_max` is the latest protocol version it speaks (1 is 1.0.1, 2 is 1.1); one
    that `hangs_up_on_strangers` closes the connection on a message or version that it does not know.

    Its owner moves bytes: `connect` and `receive` when the client does something, `outgoing` to send after
    each call, `is_open` False to hang up. `received` counts requests by message type.
    """

    def __init__(
        self,
        clock: Clock,
        antenna_count: int = 4,
        *,
        input_count: int = 2,
        has_utc_clock: bool = True,
        version_max: int = frames.VERSION_1_1,
        hangs_up_on_strangers: bool = False,
    ) -> None:
        self._clock = clock
        self._antenna_count = antenna_count
        self._input_count = input_count
        self._has_utc_clock = has_utc_clock
        self._version_max = version_max
        self._hangs_up_on_strangers = hangs_up_on_strangers
        self._has_agreed = False
        self._inputs: frozenset[int] = frozenset()
        self._held_events: deque[tuple[datetime, bytes]] = deque(maxlen=HELD_EVENTS_MAX)
        self._operation: Operation | None = None
        self._state = DISABLED
        self._holds_upon_reconnect = False
        self._events: frozenset[int] = frozenset()
        self._held: deque[bytes] = deque()
        self._has_overflown = False
        self._requests = frames.RequestBuffer()
        self._outgoing = bytearray()
        self._number = 0
        self._unanswered = 0
        self._is_holding = False
        self.is_open = False
        self.version = frames.VERSION_1_0_1
        self.keepalive_ms = 0
        self.received: Counter[int] = Counter()

    @property
    def is_inventorying(self) -> bool:
        """True while an operation runs; only then are tags heard."""
        return self._operation is not None and self._state == ACTIVE

    @property
    def is_reporting(self) -> bool:
        """True while what is heard goes to a client at once."""
        return self.is_inventorying and self.is_open and not self._is_holding

    def outgoing(self) -> bytes:
        """Bytes for the client; each is returned once."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    # --- what happens around the reader ----------------------------------------------------------

    def connect(self) -> None:
        """A client has connected and there is no other."""
        assert not self.is_open, "a reader has one connection"
        self.is_open, self._unanswered = True, 0
        self.version, self._has_agreed = frames.VERSION_1_0_1, False
        self._is_holding = self._holds_upon_reconnect
        self._requests = frames.RequestBuffer()
        self._outgoing.clear()
        self._tell(frames.connection_attempt(0))

    def refuse(self) -> bytes:
        """What a second client gets to read before it is hung up on; the first is told that it knocked."""
        self._tell(frames.connection_attempt(4))
        return frames.event(0, self._clock.now(), frames.connection_attempt(2))

    def disconnect(self) -> None:
        """The client is gone. Operations run on and their reports are held."""
        self.is_open = False
        self._outgoing.clear()

    def hear(self, heard: Heard) -> bool:
        """A tag is in the field of an antenna. False when the reader does not listen there just now."""
        operation = self._operation
        if operation is None or not self.is_inventorying or heard.antenna not in operation.antennas:
            return False
        report = frames.tag_report(
            heard, operation.with_fields, operation.number, has_utc_clock=self._has_utc_clock
        )
        if len(self._held) >= HELD_REPORTS_MAX:
            self._has_overflown = True
            return True
        self._held.append(report)
        if self.is_reporting and len(self._held) >= operation.report_each:
            self._report()
        return True

    def set_antenna(self, antenna: int, *, is_connected: bool) -> None:
        """Plug an antenna in or out; the client is told if it asked for antenna events."""
        self._happened(_EVENT_ANTENNA, frames.antenna_event(antenna, is_connected=is_connected))

    def set_input(self, number: int, *, is_high: bool) -> None:
        """A general purpose input changes; the client is told if it switched that input on."""
        if number in self._inputs:
            self._happened(_EVENT_INPUT, frames.input_event(number, is_high=is_high))

    def stop_operation(self) -> None:
        """Somebody else ends the operation, from the reader's own pages say. Nothing is heard any more."""
        if self._operation is not None and self.is_inventorying:
            self._state = INACTIVE
            self._happened(_EVENT_OPERATION, frames.operation_ended(self._operation.number))

    def keepalive(self) -> None:
        """A keepalive period has passed."""
        if not self.is_open:
            return
        if self._unanswered >= UNANSWERED_KEEPALIVES_MAX:
            self.disconnect()
            return
        self._unanswered += 1
        self._say(62)

    # --- the client's requests -------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Bytes from the client. A stream that is not LLRP ends the connection."""
        try:
            requests = self._requests.add(data)
        except BadRequest as error:
            self._say(100, frames.status(error.status, str(error)))
            self.is_open = False
            return
        for request in requests:
            self.received[request.kind] += 1
            self._answer(request)

    def _answer(self, request: Request) -> None:
        is_about_versions = request.kind in (46, 47)
        spoken = frames.VERSION_1_1 if is_about_versions else self.version
        act = self._acts().get(request.kind)
        if request.version != spoken or spoken > self._version_max:
            self._stranger(request, frames.STATUS_UNSUPPORTED_VERSION, f"version {request.version}")
            return
        if act is None:
            self._stranger(request, frames.STATUS_UNSUPPORTED_MESSAGE, f"message {request.kind}")
            return
        answer, action = act
        try:
            parts = action(request.body)
        except BadRequest as error:
            self._reply(answer or 100, request, error.status, str(error))
            return
        if answer:
            ordered = [*parts, frames.status(0)] if request.kind == 46 else [frames.status(0), *parts]
            self._outgoing += frames.message(answer, request.number, *ordered, version=self.version)
        if request.kind == 14:
            self.is_open = False

    def _stranger(self, request: Request, code: int, description: str) -> None:
        if self._hangs_up_on_strangers:
            self.is_open = False
        else:
            self._reply(100, request, code, description)

    def _acts(self) -> dict[int, tuple[int | None, Callable[[bytes], list[bytes]]]]:
        """Request type to answer type (None when there is no answer) and action."""
        return {
            1: (11, self._get_capabilities),
            3: (13, self._set_config),
            14: (4, _nothing),
            20: (30, self._add),
            21: (31, self._delete),
            22: (32, self._start),
            24: (34, self._enable),
            26: (36, self._list),
            46: (56, self._get_versions),
            47: (57, self._set_version),
            64: (None, self._release),
            72: (None, self._keepalive_answered),
        }

    def _get_capabilities(self, body: bytes) -> list[bytes]:
        wish = frames.Cursor(body)
        if wish.number(1) > 4:
            raise BadRequest(frames.STATUS_FIELD_ERROR, "RequestedData")
        return [
            frames.capabilities(
                self._antenna_count,
                self._input_count,
                has_utc_clock=self._has_utc_clock,
                version=self.version,
            )
        ]

    def _get_versions(self, body: bytes) -> list[bytes]:
        frames.Cursor(body).finish()
        return [frames.versions(self.version, self._version_max)]

    def _set_version(self, body: bytes) -> list[bytes]:
        """Once in a connection."""
        wish = frames.Cursor(body)
        version = wish.number(1)
        wish.finish()
        if self._has_agreed:
            raise BadRequest(frames.STATUS_UNEXPECTED_MESSAGE, "the version was set before")
        if not frames.VERSION_1_0_1 <= version <= self._version_max:
            raise BadRequest(frames.STATUS_UNSUPPORTED_VERSION, f"version {version}")
        self.version, self._has_agreed = version, True
        return []

    def _set_config(self, body: bytes) -> list[bytes]:
        settings = frames.read_settings(body)
        if not settings.inputs <= set(range(1, self._input_count + 1)):
            raise BadRequest(frames.STATUS_FIELD_ERROR, "no such input")
        self._inputs |= settings.inputs
        if settings.keepalive_ms is not None:
            self.keepalive_ms = settings.keepalive_ms
        if settings.holds_upon_reconnect is not None:
            self._holds_upon_reconnect = settings.holds_upon_reconnect
        if settings.events is not None:
            self._events = settings.events
        return []

    def _add(self, body: bytes) -> list[bytes]:
        operation = frames.read_operation(body)
        if self._operation is not None:
            raise BadRequest(frames.STATUS_FIELD_ERROR, "this reader holds one ROSpec")
        if not operation.antennas <= set(range(1, self._antenna_count + 1)):
            raise BadRequest(frames.STATUS_FIELD_ERROR, "no such antenna")
        self._operation, self._state = operation, DISABLED
        return []

    def _delete(self, body: bytes) -> list[bytes]:
        number = self._number_in(body)
        if number:
            self._named(number)
        self._operation, self._state = None, DISABLED
        return []

    def _enable(self, body: bytes) -> list[bytes]:
        self._named(self._number_in(body))
        self._state = max(self._state, INACTIVE)
        return []

    def _start(self, body: bytes) -> list[bytes]:
        self._named(self._number_in(body))
        if self._state == DISABLED:
            raise BadRequest(frames.STATUS_FIELD_ERROR, "a disabled ROSpec cannot start")
        self._state = ACTIVE
        return []

    def _list(self, body: bytes) -> list[bytes]:
        frames.Cursor(body).finish()
        if self._operation is None:
            return []
        encoded = self._operation.encoded
        return [frames.parameter(177, encoded[:5], bytes([self._state]), encoded[6:])]

    def _release(self, body: bytes) -> list[bytes]:
        frames.Cursor(body).finish()
        self._is_holding = False
        while self._held_events:
            at, happened = self._held_events.popleft()
            self._outgoing += self._event(happened, at)
        if self._held:
            self._report()
        if self._has_overflown and _EVENT_BUFFER in self._events:
            self._tell(frames.buffer_overflow())
        self._has_overflown = False
        return []

    def _keepalive_answered(self, body: bytes) -> list[bytes]:
        frames.Cursor(body).finish()
        self._unanswered = 0
        return []

    def _number_in(self, body: bytes) -> int:
        cursor = frames.Cursor(body)
        number = cursor.number(4)
        cursor.finish()
        return number

    def _named(self, number: int) -> Operation:
        if self._operation is None or self._operation.number != number:
            raise BadRequest(frames.STATUS_FIELD_ERROR, f"no ROSpec {number}")
        return self._operation

    # --- the reader's words ----------------------------------------------------------------------

    def _report(self) -> None:
        each = self._operation.report_each if self._operation else 1
        while self._held:
            batch = [self._held.popleft() for _ in range(min(each, len(self._held)))]
            self._say(61, *batch)

    def _happened(self, kind: int, happened: bytes) -> None:
        """Tell the client of an event that it asked for, or keep it until it wants to hear."""
        if kind not in self._events:
            return
        if self.is_open and not self._is_holding:
            self._tell(happened)
        elif self._holds_upon_reconnect:
            self._held_events.append((self._clock.now(), happened))

    def _tell(self, happened: bytes) -> None:
        self._outgoing += self._event(happened, self._clock.now())

    def _event(self, happened: bytes, at: datetime) -> bytes:
        self._number += 1
        return frames.event(
            self._number,
            at,
            happened,
            version=self.version,
            has_utc_clock=self._has_utc_clock,
        )

    def _say(self, kind: int, *parts: bytes) -> None:
        self._number += 1
        self._outgoing += frames.message(kind, self._number, *parts, version=self.version)

    def _reply(self, kind: int, request: Request, code: int, description: str) -> None:
        self._outgoing += frames.message(
            kind, request.number, frames.status(code, description), version=self.version
        )


def _nothing(_body: bytes) -> list[bytes]:
    return []
