"""The weighbridge's register map: 13 words to a snapshot. Pure.

No common map exists among indicators; this is the profile `tallyhouse-1`. Words are big-endian, the high
word first, zero-based:

| words | what |
|---|---|
| 0-1 | live mass, signed, in 100 g |
| 2 | status bits: 0 stable, 1 overload, 2 under zero, 3 motion, 4 legal for trade |
| 3-4 | number of the last stable weighing, from 1 after each start; 0 = none yet |
| 5-6 | its mass, signed, in 100 g |
| 7-8, 9 | its time: Unix seconds, then milliseconds |
| 10-11 | how often the indicator was started |
| 12 | axles counted during it; 0 = unknown |
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from devices.transport.decoding import FieldRejected

ADDRESS = 0
WORDS = 13
UNIT_G = 100
_LAYOUT = struct.Struct(">iHIiIHIH")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Weighing(msgspec.Struct, frozen=True, kw_only=True):
    """One stable weighing as the indicator's memory holds it. Its identity is (boot, weight_id)."""

    boot: int
    weight_id: int
    mass_g: int
    weighed_at: datetime
    axle_count: int


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All registers at one moment. `live_mass_g` is for display only, never evidence."""

    live_mass_g: int
    is_stable: bool
    is_overload: bool
    is_under_zero: bool
    in_motion: bool
    legal_for_trade: bool
    boot: int
    last: Weighing | None


def raw_of(registers: Sequence[int]) -> bytes:
    """The registers as they were on the wire; words that are no words count as zero."""
    return b"".join((word if 0 <= word <= 0xFFFF else 0).to_bytes(2, "big") for word in registers)


def decode(registers: Sequence[int]) -> Snapshot:
    """Read the words 0 to 12. Raises FieldRejected naming the register that breaks a rule."""
    if len(registers) != WORDS:
        raise FieldRejected("registers", f"{WORDS} words")
    if any(not 0 <= word <= 0xFFFF for word in registers):
        raise FieldRejected("registers", "16 bits a word")
    live, status, weight_id, mass, seconds, milliseconds, boot, axles = _LAYOUT.unpack(raw_of(registers))
    last = None
    if weight_id:
        last = Weighing(
            boot=boot,
            weight_id=weight_id,
            mass_g=mass * UNIT_G,
            weighed_at=_time(seconds, milliseconds),
            axle_count=axles,
        )
    return Snapshot(
        live_mass_g=live * UNIT_G,
        is_stable=bool(status & 1),
        is_overload=bool(status & 2),
        is_under_zero=bool(status & 4),
        in_motion=bool(status & 8),
        legal_for_trade=bool(status & 16),
        boot=boot,
        last=last,
    )


def _time(seconds: int, milliseconds: int) -> datetime:
    if milliseconds > 999:
        raise FieldRejected("register 9", "0 to 999 ms")
    return _EPOCH + timedelta(seconds=seconds, milliseconds=milliseconds)
