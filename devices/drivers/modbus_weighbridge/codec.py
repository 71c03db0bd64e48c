"""An indicator's registers to a snapshot, as its profile in the manifest says. Pure."""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from devices.drivers.modbus_weighbridge.profiles import Bit, Field, Mass, Profile, Ticket
from devices.transport.decoding import FieldRejected
from devices.transport.weighing import OVERLOAD, UNDER_ZERO, Shown, grams_of_float

FORMATS: Final = {"u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "f32": ">f"}
DIGITS: Final = 15
FLOAT32_DIGITS: Final = 7
"""As many significant digits as a binary number of 32 bits always holds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Weighing(msgspec.Struct, frozen=True, kw_only=True):
    """One stable weighing as the indicator's memory holds it. Its identity is (boot, weight_id)."""

    boot: int
    weight_id: int
    mass_g: int
    weighed_at: datetime
    axle_count: int


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All registers at one moment. `last` is None while nothing was weighed, and without alibi memory."""

    shown: Shown
    last: Weighing | None = None


def raw_of(registers: Sequence[int]) -> bytes:
    """The registers as they were on the wire; words that are no words count as zero."""
    return b"".join((word if 0 <= word <= 0xFFFF else 0).to_bytes(2, "big") for word in registers)


def decode(profile: Profile, registers: Sequence[int]) -> Snapshot:
    """Read the block of `profile`. Raises FieldRejected naming the register that breaks a rule."""
    if len(registers) != profile.words:
        raise FieldRejected("registers", f"{profile.words} words")
    if any(not 0 <= word <= 0xFFFF for word in registers):
        raise FieldRejected("registers", "16 bits a word")
    return _Block(profile, registers).snapshot()


class _Block:
    """The words of a profile's block, by what they mean."""

    def __init__(self, profile: Profile, words: Sequence[int]) -> None:
        self._profile = profile
        self._words = words

    def snapshot(self) -> Snapshot:
        profile, ticket = self._profile, self._profile.ticket
        unit = self._unit()
        last = None if ticket is None else self._weighing(ticket, unit)
        is_stable = self._bit(profile.stable) and not self._bit(profile.motion)
        is_legal = self._bit(profile.legal_for_trade)
        if self._bit(profile.overload):
            # What the mass says then is left to the maker: the highest number, none, or nonsense.
            shown = Shown(mass_g=0, is_stable=is_stable, trouble=OVERLOAD, legal_for_trade=is_legal)
            return Snapshot(shown=shown, last=last)
        mass_g = self._mass_g(profile.gross, unit)
        shown = Shown(
            mass_g=mass_g,
            is_stable=is_stable,
            trouble=UNDER_ZERO if self._bit(profile.under_zero) else "",
            tare_g=0 if profile.tare is None else self._mass_g(profile.tare, unit),
            legal_for_trade=is_legal,
        )
        return Snapshot(shown=shown, last=last)

    def _weighing(self, ticket: Ticket, unit: str) -> Weighing | None:
        number = int(self._number(ticket.number))
        if number == 0:
            return None
        milliseconds = int(self._number(ticket.milliseconds))
        if not 0 <= milliseconds <= 999:
            raise FieldRejected(self._name(ticket.milliseconds), "0 to 999 ms")
        seconds = int(self._number(ticket.unix_s))
        return Weighing(
            boot=int(self._number(ticket.boot)),
            weight_id=number,
            mass_g=self._mass_g(ticket.mass, unit),
            weighed_at=_EPOCH + timedelta(seconds=seconds, milliseconds=milliseconds),
            axle_count=0 if ticket.axle_count is None else int(self._number(ticket.axle_count)),
        )

    def _unit(self) -> str:
        choice = self._profile.unit
        if isinstance(choice, str):
            return choice
        number = self._words[choice.word] >> choice.shift & (1 << choice.bits) - 1
        name = choice.names.get(str(number))
        if name is None:
            raise FieldRejected(f"register {self._profile.address + choice.word}", "a unit of mass")
        return name

    def _mass_g(self, mass: Mass, unit: str) -> int:
        digits = FLOAT32_DIGITS if mass.type == "f32" else DIGITS
        try:
            return grams_of_float(self._number(mass) * mass.step, unit, digits)
        except FieldRejected as error:
            raise FieldRejected(self._name(mass), error.rule) from error

    def _number(self, field: Field) -> int | float:
        size = struct.calcsize(FORMATS[field.type]) // 2
        words = self._words[field.word : field.word + size]
        if self._profile.word_order == "low_first":
            words = words[::-1]
        number: int | float = struct.unpack(FORMATS[field.type], raw_of(words))[0]
        return number

    def _bit(self, bit: Bit | None) -> bool:
        return bit is not None and bool(self._words[bit.word] >> bit.bit & 1)

    def _name(self, field: Field) -> str:
        return f"register {self._profile.address + field.word}"
