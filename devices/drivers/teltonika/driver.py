"""One connection of a Teltonika terminal, without input or output.

The terminal sends its IMEI and waits to be admitted, then packets of records, each of which it keeps until
the answer says how many were taken. It numbers nothing: a record is known by its time and its own bytes, so
one that is sent again is the same.
"""

from collections.abc import Iterator
from datetime import datetime

from devices.drivers.teltonika.codec import (
    ACCEPTED,
    HEAD_BYTES,
    LOGIN_BYTES,
    PING,
    READERS,
    REFUSED,
    Record,
    decode_login,
    decode_packet,
    observed_at,
    packet_bytes,
    position,
)
from devices.transport.decoding import FieldRejected, by_content
from devices.transport.terminals import Admission, Item, Step, Terminal, TurnedAway
from kernel.messages import DeviceStatus, Rejected

NO_FIX = DeviceStatus(state="fault", reason="no fix")
FIXED_AGAIN = DeviceStatus(state="online", reason="a fix again")


class TeltonikaSession:
    """Bytes in, steps out. Its own statements are `no fix` and `a fix again`, each once."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._buffer = b""
        self._has_ended = False
        self._has_fix: bool | None = None
        self.terminal: Terminal | None = None

    def receive(self, data: bytes, now: datetime) -> list[Step]:
        self._buffer += data
        return list(self._steps(now))

    def _steps(self, now: datetime) -> Iterator[Step]:
        while not self._has_ended:
            step = self._login() if self.terminal is None else self._packet(self.terminal, now)
            if step is None:
                return
            self._has_ended = bool(step.ends)
            yield step

    def _login(self) -> Step | None:
        if len(self._buffer) < LOGIN_BYTES and self._buffer[:2] in (b"", b"\0", b"\0\x0f"):
            return None
        said, self._buffer = self._buffer[:LOGIN_BYTES], self._buffer[LOGIN_BYTES:]
        try:
            imei = decode_login(said)
        except FieldRejected as error:
            return Step(
                turned_away=TurnedAway("", error.field, error.rule, said), ends="it did not say who it is"
            )
        self.terminal = self._admission.find(imei)
        if self.terminal is not None:
            return Step(answer=ACCEPTED)
        away = TurnedAway(imei, "imei", "of an enrolled terminal", said)
        return Step(answer=REFUSED, turned_away=away, ends="no such terminal is enrolled")

    def _packet(self, terminal: Terminal, now: datetime) -> Step | None:
        self._buffer = self._buffer.lstrip(PING)
        if len(self._buffer) < HEAD_BYTES:
            return None
        try:
            size = packet_bytes(self._buffer[:HEAD_BYTES])
        except FieldRejected as error:
            # Nothing marks where the next packet begins.
            entry = _rejected(terminal, error, self._buffer, now)
            return Step(terminal=terminal, items=(entry,), ends="the packets cannot be told apart")
        if len(self._buffer) < size:
            return None
        packet, self._buffer = self._buffer[:size], self._buffer[size:]
        return self._taken(terminal, packet, now)

    def _taken(self, terminal: Terminal, packet: bytes, now: datetime) -> Step:
        """What is set aside counts as taken: sent again it would be no better."""
        try:
            decoded = decode_packet(packet)
        except FieldRejected as error:
            # 0 has the terminal send it again: right for bytes that were damaged on the way.
            answer = (0).to_bytes(4, "big") if error.field == "crc" else b""
            return Step(terminal=terminal, items=(_rejected(terminal, error, packet, now),), answer=answer)
        items = [item for record in decoded.records for item in self._record(terminal, record, now)]
        if decoded.broken is not None:
            items.append(_rejected(terminal, decoded.broken, packet, now))
        return Step(terminal=terminal, items=tuple(items), answer=decoded.stated_count.to_bytes(4, "big"))

    def _record(self, terminal: Terminal, record: Record, now: datetime) -> Iterator[Item]:
        try:
            at = observed_at(record)
        except FieldRejected as error:
            yield _rejected(terminal, error, record.raw, now)
            return
        has_fix = position(record) is not None
        if self._has_fix is not has_fix:
            if not has_fix or self._has_fix is not None:
                status = FIXED_AGAIN if has_fix else NO_FIX
                yield by_content(terminal.device_id, at, status, record.raw)
            self._has_fix = has_fix
        for read in READERS:
            reading = read(record)
            if reading is not None:
                yield by_content(terminal.device_id, at, reading, record.raw)


def _rejected(terminal: Terminal, error: FieldRejected, raw: bytes, now: datetime) -> Rejected:
    return Rejected(
        device_id=terminal.device_id, field=error.field, rule=error.rule, raw=raw, received_at=now
    )
