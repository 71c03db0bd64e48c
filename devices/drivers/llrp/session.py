"""The client side of one LLRP connection, without input or output: bytes in, happenings out, bytes to send.

A driver feeds it what a socket gives; a simulation may feed it what a simulated reader gives.

    connected ─ 63 with "success" ─ versions spoken? (1.1: agree on it) ─ capabilities ─ configuration
              ─ operations held?
        ours is running:  64 (send what you held)                                          ─ ready
        else:             delete all ─ add ─ enable ─ start ─ 64 (send what you held)      ─ ready

A reader that refuses the question about versions, or to change, is spoken to in 1.0.1. One that does not even
answer it ends the session, and its owner makes the next one without the question.

A running operation is kept because restarting it forgets which tags stand in the field, and a pallet that
crosses meanwhile would be lost.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

import msgspec

from devices.drivers.llrp import codec, requests
from devices.drivers.llrp.codec import TagReport
from devices.drivers.llrp.framing import (
    VERSION_1_0_1,
    VERSION_1_1,
    Frame,
    FrameRejected,
    FrameSplitter,
    MessageType,
    with_version,
)
from devices.drivers.llrp.requests import RoSpec

_ACTIVE: Final = 2

_CONNECTION_REFUSALS: Final = {
    1: ("the reader is busy with a connection it opened itself", 30.0),
    2: ("another client is connected to the reader", 30.0),
    3: ("the reader refused the connection without a reason", 60.0),
    4: ("the reader is answering another connection attempt", 5.0),
}
"""ConnectionAttemptEvent status (section 13.2.6.10) to what it means and when to come back, in seconds."""

_OTHER_ATTEMPT: Final = 4
"""Seen on a live connection, status 4 only tells that somebody else knocked."""


class Ready(msgspec.Struct, frozen=True):
    """The reader inventories and reports. `was_running` when it had kept our operation since last time.
    `version` is the header's: 1 for 1.0.1, 2 for 1.1."""

    was_running: bool
    capabilities: codec.Capabilities | None
    version: int = VERSION_1_0_1


class TagHeard(msgspec.Struct, frozen=True):
    """A tag report, complete. `seen_at` is None when the reader has no clock or gave no time."""

    epc_hex: str
    antenna: int
    rssi_dbm: int
    seen_count: int
    seen_at: datetime | None
    is_suspect: bool
    raw: bytes


class InputChanged(msgspec.Struct, frozen=True):
    """A general purpose input went high or low. `at` is None when the reader has no clock."""

    number: int
    is_high: bool
    at: datetime | None
    raw: bytes


class Noticed(msgspec.Struct, frozen=True):
    """The reader says how it is: `gap` when it lost reports, `fault` when it or an antenna fails, `online`
    when that antenna is back."""

    state: Literal["online", "fault", "gap"]
    reason: str


class Ended(msgspec.Struct, frozen=True):
    """The connection is of no more use. `lost`: come back soon; `busy`: come back in `retry_after_s`;
    `refused`: nothing will change until a person does something. The last happening of a session."""

    kind: Literal["lost", "busy", "refused"]
    reason: str
    retry_after_s: float | None = None


Happening = Ready | TagHeard | InputChanged | Noticed | FrameRejected | Ended


class _Step(NamedTuple):
    name: str
    request: Callable[[int], bytes]
    answer: MessageType
    is_about_versions: bool = False


_VERSIONS: Final = _Step(
    "the versions", requests.get_supported_version, MessageType.GET_SUPPORTED_VERSION_RESPONSE, True
)
_CHANGE: Final = _Step(
    "the change of version", requests.set_protocol_version, MessageType.SET_PROTOCOL_VERSION_RESPONSE, True
)
_LOOK: Final = _Step("a look at the operation", requests.get_rospecs, MessageType.GET_ROSPECS_RESPONSE)


class LlrpSession:
    """One connection, from the first byte. Feed `receive`, send `bytes_to_send`, stop at Ended.

    `keepalives_heard` grows with each KEEPALIVE, so that the owner of the clock can see silence;
    `skipped_messages` and `skipped_parameters` count what was passed over: makers' own, answers to nothing.
    `inputs` are the general purpose inputs to watch; without `asks_versions` only 1.0.1 is spoken.
    """

    def __init__(
        self,
        rospec: RoSpec,
        keepalive_ms: int,
        inputs: Sequence[int] = (),
        *,
        asks_versions: bool = True,
    ) -> None:
        self._rospec = rospec
        self._keepalive_ms = keepalive_ms
        self._inputs = tuple(inputs)
        self._asks_versions = asks_versions
        self._version = VERSION_1_0_1
        self._splitter = FrameSplitter()
        self._outgoing = bytearray()
        self._message_id = 0
        self._step: _Step | None = None
        self._rest: list[_Step] = []
        self._capabilities: codec.Capabilities | None = None
        self._last = TagReport(epc_hex="", raw=b"")
        self._ended = False
        self.waiting_for = "the connection event"
        self.is_ready = False
        self.keepalives_heard = 0
        self.skipped_messages = 0
        self.skipped_parameters = 0

    def bytes_to_send(self) -> bytes:
        """What must go out now; empty when nothing. Each byte is returned once."""
        outgoing = bytes(self._outgoing)
        self._outgoing.clear()
        return outgoing

    def close(self) -> None:
        """Ask the reader to close; its answer ends the session."""
        self._send(requests.close_connection)

    def receive(self, data: bytes) -> list[Happening]:
        """Take in bytes from the reader and return what happened, in order. Never raises on any input."""
        happenings: list[Happening] = []
        for message in self._splitter.feed(data):
            if self._ended:
                break
            happenings += (
                self._rejected(message) if isinstance(message, FrameRejected) else self._take(message)
            )
        return happenings

    def _rejected(self, error: FrameRejected) -> Iterable[Happening]:
        yield error
        if error.is_fatal:
            yield self._end("lost", f"the stream is not LLRP: {error}")

    @property
    def is_negotiating(self) -> bool:
        """True while the reader has not answered which versions it speaks, or to change to another."""
        return self._step is not None and self._step.is_about_versions

    def _take(self, message: Frame) -> list[Happening]:
        try:
            said = codec.decode(message)
        except FrameRejected as error:
            return [error]
        match said:
            case codec.Keepalive(message_id):
                self.keepalives_heard += 1
                self._outgoing += with_version(requests.keepalive_ack(message_id), self._version)
                return []
            case codec.TagReports():
                return self._heard(said)
            case codec.ReaderEvent():
                return list(self._on_event(said, message.raw))
            case codec.Response():
                return self._on_response(said, message.raw)
            case codec.Unknown(MessageType.CUSTOM_MESSAGE):
                self.skipped_messages += 1
                return []
            case codec.Unknown():
                return [FrameRejected("header.type", "a message that readers send", message.raw)]

    # --- connecting ------------------------------------------------------------------------------

    def _on_event(self, event: codec.ReaderEvent, raw: bytes) -> Iterable[Happening]:
        if event.connection_attempt is not None and self._is_before_handshake:
            yield from self._on_connection_attempt(event.connection_attempt)
        elif event.connection_attempt not in (None, _OTHER_ATTEMPT):
            yield self._end("lost", f"connection event {event.connection_attempt} on a live connection")
        if event.has_overflown:
            yield Noticed("gap", "the reader's buffer overflowed and reports were lost")
        if event.exception is not None:
            yield Noticed("fault", f"reader exception: {event.exception}")
        if event.antenna is not None:
            how = "connected" if event.antenna_is_connected else "disconnected"
            yield Noticed(
                "online" if event.antenna_is_connected else "fault", f"antenna {event.antenna} {how}"
            )
        if event.input is not None:
            yield InputChanged(event.input, event.input_is_high, event.at, raw)
        if event.ended_rospec == self._rospec.rospec_id and self.is_ready and self._step is None:
            # The event may have waited at the reader since before we started the operation anew.
            self._step = _LOOK
            self._send(_LOOK.request)
        if event.is_closing:
            yield self._end("lost", "the reader closes the connection")

    @property
    def _is_before_handshake(self) -> bool:
        return self._step is None and not self.is_ready

    def _on_connection_attempt(self, status: int) -> Iterable[Happening]:
        if status:
            reason, retry_after_s = _CONNECTION_REFUSALS.get(
                status, (f"the reader refused the connection with status {status}", 60.0)
            )
            yield self._end("busy", reason, retry_after_s)
            return
        self._rest = [
            *([_VERSIONS] if self._asks_versions else []),
            _Step(
                "capabilities",
                requests.get_reader_capabilities,
                MessageType.GET_READER_CAPABILITIES_RESPONSE,
            ),
            _Step("configuration", self._configure, MessageType.SET_READER_CONFIG_RESPONSE),
            _Step("list of operations", requests.get_rospecs, MessageType.GET_ROSPECS_RESPONSE),
        ]
        self._next()

    def _configure(self, message_id: int) -> bytes:
        return requests.set_reader_config(message_id, self._keepalive_ms, self._inputs)

    def _start_inventory(self) -> list[_Step]:
        rospec, number = self._rospec, self._rospec.rospec_id
        return [
            _Step("deletion", requests.delete_all_rospecs, MessageType.DELETE_ROSPEC_RESPONSE),
            _Step("addition", lambda i: requests.add_rospec(i, rospec), MessageType.ADD_ROSPEC_RESPONSE),
            _Step(
                "enabling", lambda i: requests.enable_rospec(i, number), MessageType.ENABLE_ROSPEC_RESPONSE
            ),
            _Step("start", lambda i: requests.start_rospec(i, number), MessageType.START_ROSPEC_RESPONSE),
        ]

    def _next(self) -> None:
        self._step = self._rest.pop(0)
        self.waiting_for = self._step.name
        self._send(self._step.request)

    def _send(self, request: Callable[[int], bytes]) -> None:
        self._message_id += 1
        message = request(self._message_id)
        self._outgoing += message if self.is_negotiating else with_version(message, self._version)

    # --- answers ---------------------------------------------------------------------------------

    def _on_response(self, response: codec.Response, raw: bytes) -> list[Happening]:
        if response.type == MessageType.CLOSE_CONNECTION_RESPONSE:
            return [self._end("lost", "closed at our request")]
        step = self._step
        if step is None or response.message_id != self._message_id:
            self.skipped_messages += 1
            return []
        if response.status or response.type != step.answer:
            return self._go_on() if step.is_about_versions else self._refused(step, response, raw)
        return self._on_success(step, response, raw)

    def _refused(self, step: _Step, response: codec.Response, raw: bytes) -> list[Happening]:
        detail = f"status {response.status} {response.description}".strip()
        rejected = FrameRejected(step.name, f"accepted by the reader, which says {detail}", raw)
        return [rejected, self._end("refused", f"the reader refused {step.name}: {detail}")]

    def _on_success(self, step: _Step, response: codec.Response, raw: bytes) -> list[Happening]:
        if step is _LOOK:
            return self._looked(response)
        if step.is_about_versions:
            self._agree(step, response)
        if step.answer == MessageType.GET_READER_CAPABILITIES_RESPONSE and response.capabilities:
            self._capabilities = response.capabilities
            lacking = self._lacking(response.capabilities)
            if lacking is not None:
                what, wanted, has = lacking
                rejected = FrameRejected(f"{what}s", f"{wanted} or more, is {has}", raw)
                reason = f"the reader has {has} {what}s, not {what} {wanted}"
                return [rejected, self._end("refused", reason)]
        was_running = False
        if step.answer == MessageType.GET_ROSPECS_RESPONSE:
            was_running = self._is_running(response)
            self._rest += [] if was_running else self._start_inventory()
        return self._go_on(was_running=was_running)

    def _go_on(self, *, was_running: bool = False) -> list[Happening]:
        if self._rest:
            self._next()
            return []
        return [self._ready(was_running)]

    def _ready(self, was_running: bool) -> Ready:
        self._step, self.is_ready, self.waiting_for = None, True, "a keepalive"
        self._send(requests.enable_events_and_reports)
        return Ready(was_running, self._capabilities, self._version)

    def _agree(self, step: _Step, response: codec.Response) -> None:
        """Speak 1.1 once both sides can and the reader knows."""
        can = response.versions
        if step is _CHANGE or (can is not None and can.current == VERSION_1_1):
            self._version = VERSION_1_1
        elif can is not None and can.latest >= VERSION_1_1:
            self._rest.insert(0, _CHANGE)

    def _lacking(self, has: codec.Capabilities) -> tuple[str, int, int] | None:
        """What we were told to use and the reader does not have: its name, the number wanted, how many."""
        antenna = max(self._rospec.antennas)
        if antenna > has.antenna_count_max:
            return "antenna", antenna, has.antenna_count_max
        number = max(self._inputs, default=0)
        if has.input_count is not None and number > has.input_count:
            return "input", number, has.input_count
        return None

    def _is_running(self, response: codec.Response) -> bool:
        return response.rospecs == (codec.RoSpecState(self._rospec.rospec_id, _ACTIVE),)

    def _looked(self, response: codec.Response) -> list[Happening]:
        """Keepalives go on without an inventory: a gate that has become deaf must not look alive."""
        self._step = None
        return [] if self._is_running(response) else [self._end("lost", "the reader ended our inventory")]

    def _end(
        self, kind: Literal["lost", "busy", "refused"], reason: str, retry_after_s: float | None = None
    ) -> Ended:
        self._ended = True
        return Ended(kind, reason, retry_after_s)

    # --- tags ------------------------------------------------------------------------------------

    def _heard(self, message: codec.TagReports) -> list[Happening]:
        self.skipped_parameters += message.skipped_count
        happenings: list[Happening] = []
        for report in message.reports:
            self.skipped_parameters += report.skipped_count
            happenings.append(self._complete(report))
        return [*happenings, *message.rejected]

    def _complete(self, report: TagReport) -> TagHeard | FrameRejected:
        """Fill in what the reader left out because it equals the last value it sent (section 13.2.3)."""
        last = self._last = _carry_over(report, self._last)
        if last.antenna is None:
            return FrameRejected("tag.antenna", "AntennaID was asked for and never sent", report.raw)
        if last.rssi_dbm is None:
            return FrameRejected("tag.rssi", "PeakRSSI was asked for and never sent", report.raw)
        return TagHeard(
            epc_hex=report.epc_hex,
            antenna=last.antenna,
            rssi_dbm=last.rssi_dbm,
            seen_count=1 if last.seen_count is None else last.seen_count,
            seen_at=last.last_seen_at or last.first_seen_at,
            is_suspect=report.is_suspect,
            raw=report.raw,
        )


def _carry_over(report: TagReport, last: TagReport) -> TagReport:
    return TagReport(
        epc_hex=report.epc_hex,
        raw=report.raw,
        antenna=last.antenna if report.antenna is None else report.antenna,
        rssi_dbm=last.rssi_dbm if report.rssi_dbm is None else report.rssi_dbm,
        first_seen_at=report.first_seen_at or last.first_seen_at,
        last_seen_at=report.last_seen_at or last.last_seen_at,
        seen_count=last.seen_count if report.seen_count is None else report.seen_count,
    )
