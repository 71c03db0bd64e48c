"""One connection of a JT/T 808 terminal, without input or output.

The terminal registers once and is issued an authentication code, shows it each time it dials, and then
reports positions, live or stored. It keeps a report until the general reply says that it was taken; what is
sent again is known by its time and its own bytes.
"""

from collections.abc import Iterator
from datetime import datetime

from devices.drivers.jt808 import codec
from devices.drivers.jt808.framing import Bad, Deframer, Joined, Joiner, Message, encode
from devices.transport.decoding import FieldRejected, by_content
from devices.transport.terminals import (
    Admission,
    CodeShown,
    IssueCode,
    Item,
    Step,
    Terminal,
    TurnedAway,
    code_digest,
)
from kernel.messages import DeviceStatus, Rejected, TerminalAlarm

NO_FIX = DeviceStatus(state="fault", reason="no fix")
FIXED_AGAIN = DeviceStatus(state="online", reason="a fix again")


class Jt808Session:
    """Bytes in, steps out. Its own statements are `no fix` and `a fix again`, each once."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._deframer = Deframer()
        self._joiner = Joiner()
        self._serial = 0
        self._has_ended = False
        self._has_fix: bool | None = None
        self.terminal: Terminal | None = None

    def receive(self, data: bytes, now: datetime) -> list[Step]:
        return list(self._steps(data, now))

    def _steps(self, data: bytes, now: datetime) -> Iterator[Step]:
        for frame in self._deframer.feed(data):
            for step in self._frame(frame, now):
                if self._has_ended:
                    return
                self._has_ended = bool(step.ends)
                yield step

    def _frame(self, frame: Message | Bad, now: datetime) -> Iterator[Step]:
        if isinstance(frame, Bad):
            yield self._bad(frame, now)
        elif self.terminal is not None and frame.number != self.terminal.name:
            rule = f"{self.terminal.name} as at first, {frame.number} is not"
            error = FieldRejected("terminal_number", rule)
            yield Step(terminal=self.terminal, items=(self._rejected(error, frame.raw, now),))
        elif self.terminal is None or frame.message_id in (codec.REGISTER, codec.AUTHENTICATE):
            yield self._introduced(frame)
        else:
            yield from self._said(frame, self.terminal, now)

    def _bad(self, bad: Bad, now: datetime) -> Step:
        """Without a message there is nothing to answer: the terminal sends it again."""
        if self.terminal is not None:
            return Step(terminal=self.terminal, items=(self._rejected(bad.error, bad.raw, now),))
        away = TurnedAway("", bad.error.field, bad.error.rule, bad.raw)
        return Step(turned_away=away, ends="it did not say who it is")

    # --- who it is -------------------------------------------------------------------------------

    def _introduced(self, message: Message) -> Step:
        terminal = self._admission.find(message.number)
        if message.message_id == codec.REGISTER and message.parts == 1:
            return self._register(message, terminal)
        if terminal is None:
            return self._refused(message, message.number, "terminal_number", "of an enrolled terminal")
        if message.message_id != codec.AUTHENTICATE or message.parts != 1:
            return self._refused(message, terminal.device_id, "message_id", "authenticated first")
        try:
            code = codec.decode_code(message, message.body)
        except FieldRejected as error:
            return self._refused(message, terminal.device_id, error.field, error.rule)
        if terminal.code_sha256 is None or code_digest(code) != terminal.code_sha256:
            rule = "the one that was issued"
            return self._refused(message, terminal.device_id, "authentication_code", rule)
        self.terminal = terminal
        return Step(
            terminal=terminal,
            code=None if terminal.is_code_used else CodeShown(),
            answer=self._reply(message, codec.DONE),
        )

    def _register(self, message: Message, terminal: Terminal | None) -> Step:
        """A code is issued until one has been used: the answer may be lost, and nobody else has asked yet."""
        if terminal is None or len(message.body) < codec.REGISTER_BYTES_MIN:
            rule = "of an enrolled terminal" if terminal is None else "a whole registration"
            field = "terminal_number" if terminal is None else "body"
            return Step(
                answer=self._registered(message, codec.NO_SUCH_TERMINAL),
                turned_away=TurnedAway(message.number, field, rule, message.raw),
                ends="no such terminal is enrolled",
            )
        if terminal.is_code_used:
            rule = "open until a code was used; enrol the device again to open it"
            return Step(
                answer=self._registered(message, codec.TERMINAL_TAKEN),
                turned_away=TurnedAway(terminal.device_id, "registration", rule, message.raw),
                ends="its registration is closed",
            )
        code = self._admission.new_code()
        return Step(
            terminal=terminal,
            code=IssueCode(code_digest(code), self._registered(message, codec.TERMINAL_TAKEN)),
            answer=self._registered(message, codec.REGISTERED, code),
        )

    def _refused(self, message: Message, name: str, field: str, rule: str) -> Step:
        return Step(
            answer=self._reply(message, codec.FAILED),
            turned_away=TurnedAway(name, field, rule, message.raw),
            ends=f"{field}: {rule}",
        )

    # --- what it says ----------------------------------------------------------------------------

    def _said(self, message: Message, terminal: Terminal, now: datetime) -> Iterator[Step]:
        joined = self._joiner.add(message)
        if isinstance(joined, list):
            wanted = self._answer(codec.RESEND_PARTS, message, codec.resend_parts(message, joined))
            yield Step(terminal=terminal, answer=wanted)
        elif joined is not None:
            yield from self._whole(joined, terminal, now)

    def _whole(self, joined: Joined, terminal: Terminal, now: datetime) -> Iterator[Step]:
        """A whole message; each of its parts is answered once all it says is safe."""
        message, result = joined.parts[0], codec.DONE
        items: list[Item] = []
        raw = b"\x7e".join(part.raw for part in joined.parts)
        match message.message_id:
            case codec.TERMINAL_REPLY:
                return
            case codec.HEARTBEAT:
                pass
            case codec.LOCATION:
                items += self._location(joined.body, terminal, now)
            case codec.LOCATION_BATCH:
                items += self._batch(joined.body, raw, terminal, now)
            case _:
                result = codec.UNSUPPORTED
                error = FieldRejected("message_id", f"one that is read here, {message.message_id:04X} is not")
                items.append(self._rejected(error, raw, now))
        if items and all(isinstance(item, Rejected) for item in items) and result == codec.DONE:
            result = codec.MALFORMED
        answer = b"".join(self._reply(part, result) for part in joined.parts)
        yield Step(terminal=terminal, items=tuple(items), answer=answer)

    def _batch(self, body: bytes, raw: bytes, terminal: Terminal, now: datetime) -> Iterator[Item]:
        try:
            batch = codec.decode_batch(body)
        except FieldRejected as error:
            yield self._rejected(error, raw, now)
            return
        for report in batch.bodies:
            yield from self._location(report, terminal, now)
        if batch.broken is not None:
            yield self._rejected(batch.broken, raw, now)

    def _location(self, body: bytes, terminal: Terminal, now: datetime) -> Iterator[Item]:
        try:
            location = codec.decode_location(body)
        except FieldRejected as error:
            yield self._rejected(error, body, now)
            return
        device_id, at, suspect = terminal.device_id, location.at, location.is_clipped
        if location.alarms:
            raised = TerminalAlarm(alarms=location.alarms)
            yield by_content(device_id, at, raised, body, is_suspect=suspect)
        has_fix = location.position is not None
        if not has_fix and self._has_fix is not False:
            yield by_content(device_id, at, NO_FIX, body)
        if has_fix and self._has_fix is False:
            yield by_content(device_id, at, FIXED_AGAIN, body)
        self._has_fix = has_fix
        if location.position is not None:
            yield by_content(device_id, at, location.position, body, is_suspect=suspect)

    # --- answers ---------------------------------------------------------------------------------

    def _reply(self, message: Message, result: int) -> bytes:
        return self._answer(codec.GENERAL_REPLY, message, codec.general_reply(message, result))

    def _registered(self, message: Message, result: int, code: str = "") -> bytes:
        return self._answer(codec.REGISTER_REPLY, message, codec.register_reply(message, result, code))

    def _answer(self, message_id: int, message: Message, body: bytes) -> bytes:
        serial, self._serial = self._serial, (self._serial + 1) & 0xFFFF
        return encode(message_id, message.address, serial, body)

    def _rejected(self, error: FieldRejected, raw: bytes, now: datetime) -> Rejected:
        assert self.terminal is not None
        return Rejected(
            device_id=self.terminal.device_id, field=error.field, rule=error.rule, raw=raw, received_at=now
        )
