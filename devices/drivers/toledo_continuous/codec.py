"""Toledo's continuous output: frames out of a stream, and what a frame shows. Pure.

Sources: Rockwell 57C428 appendix D (frame, checksum); Mettler Toledo ICS425, KERN FTC (frame); Triner TS-700,
Fairbanks FB3000, Rice Lake 920i, Liden LUW2001 (bits of the status words, which agree but for the makers'
constants). A frame is 17 bytes, or 18 with its checksum:

| bytes | what |
|---|---|
| 0 | STX, 02 |
| 1 | SWA: bits 0-2 place of the point (2 is none, 4 is two decimals), 3-4 increment, 5 always 1 |
| 2 | SWB: bit 0 net, 1 negative, 2 out of range, 3 motion, 4 kilograms (or pounds), 5 always 1, 6 power-up |
| 3 | SWC: bits 0-2 unit (0 as SWB says, 1 g, 2 t), 3 print, 4 expanded tenfold, 5 always 1, 6 keyboard tare |
| 4-9, 10-15 | weight as displayed, tare: digits without point or sign, leading zeros or spaces |
| 16 | CR, 0D |
| 17 | two's complement of the sum of bits 0-6 of all bytes before |

Bit 7 of every byte is parity, if anything, and left out.
"""

from decimal import Decimal
from typing import Final

from devices.transport.decoding import FieldRejected
from devices.transport.weighing import OVERLOAD, UNDER_ZERO, Shown, grams

STX, CR = 0x02, 0x0D
BYTES: Final = 17
POINT_NONE: Final = 2
JUNK_BYTES_MAX: Final = 64
"""So much of what is no frame is kept for quarantine."""
POWER_UP: Final = "power-up: not yet zeroed"

ALWAYS: Final = 1 << 5
SWB_NET, SWB_NEGATIVE, SWB_OUT_OF_RANGE, SWB_MOTION, SWB_KILOGRAMS = (1 << bit for bit in range(5))
SWB_POWER_UP: Final = 1 << 6
SWC_UNIT, SWC_EXPANDED = 0b111, 1 << 4
_UNITS: Final = {1: "g", 2: "t"}


def checksum(frame: bytes) -> int:
    """What brings the sum of all low seven bits to zero."""
    return -sum(byte & 0x7F for byte in frame) & 0x7F


class Frames:
    """Cuts a stream into frames. What lies between them is given with the rule it breaks, save the rest of
    a frame that had begun before we listened."""

    def __init__(self, *, has_checksum: bool) -> None:
        self._size = BYTES + has_checksum
        self._held = b""
        self._has_begun = False

    def feed(self, data: bytes) -> list[tuple[bytes, FieldRejected | None]]:
        """The frames that `data` completes, each with the rule it breaks as a frame, or None."""
        self._held += data
        found: list[tuple[bytes, FieldRejected | None]] = []
        while self._held:
            start = _find_stx(self._held, 0)
            if start:
                self._drop(start, "a frame that begins with STX", found)
            self._has_begun = True
            # No other byte of a frame can be STX: status words have bit 5, all else is digits, spaces and CR.
            cut = _find_stx(self._held[:BYTES], 1)
            if self._held and cut < min(len(self._held), BYTES):
                self._drop(cut, f"{self._size} bytes, not {cut}", found)
            elif len(self._held) < self._size:
                break
            else:
                frame, self._held = self._held[: self._size], self._held[self._size :]
                found.append((frame, _broken_rule(frame)))
        return found

    def _drop(self, size: int, rule: str, found: list[tuple[bytes, FieldRejected | None]]) -> None:
        junk, self._held = self._held[:size], self._held[size:]
        if self._has_begun:
            found.append((junk[:JUNK_BYTES_MAX], FieldRejected("frame", rule)))


def _find_stx(data: bytes, start: int) -> int:
    """Where the next STX is, else the end."""
    return next((n for n in range(start, len(data)) if data[n] & 0x7F == STX), len(data))


def _broken_rule(frame: bytes) -> FieldRejected | None:
    if frame[16] & 0x7F != CR:
        return FieldRejected("frame", "CR at offset 16")
    if len(frame) > BYTES and frame[17] & 0x7F != checksum(frame[:17]):
        return FieldRejected("checksum", f"{checksum(frame[:17]):02X} at offset 17")
    return None


def decode(frame: bytes) -> Shown:
    """What a frame shows. Raises FieldRejected naming the field that cannot be, with its offset."""
    plain = bytes(byte & 0x7F for byte in frame)
    if len(plain) not in (BYTES, BYTES + 1) or plain[0] != STX:
        raise FieldRejected("frame", f"{BYTES} or {BYTES + 1} bytes from STX on")
    if (broken := _broken_rule(plain)) is not None:
        raise broken
    swa, swb, swc = plain[1:4]
    for offset, name in ((1, "SWA"), (2, "SWB"), (3, "SWC")):
        if not plain[offset] & ALWAYS:
            raise FieldRejected(name, f"bit 5 at offset {offset}")
    is_stable = not swb & SWB_MOTION
    if trouble := _trouble(swb):
        return Shown(mass_g=0, is_stable=is_stable, trouble=trouble)
    if swc & SWC_EXPANDED:
        raise FieldRejected("SWC", "a weight that is not expanded, bit 4 at offset 3")
    unit, point = _unit(swb, swc), swa & 0b111
    sign = -1 if swb & SWB_NEGATIVE else 1
    return Shown(
        mass_g=sign * _mass_g("weight", plain, 4, point, unit),
        is_stable=is_stable,
        basis="net" if swb & SWB_NET else "gross",
        tare_g=_mass_g("tare", plain, 10, point, unit),
    )


def _trouble(swb: int) -> str:
    if swb & SWB_POWER_UP:
        return POWER_UP
    if swb & SWB_OUT_OF_RANGE:
        return UNDER_ZERO if swb & SWB_NEGATIVE else OVERLOAD
    return ""


def _unit(swb: int, swc: int) -> str:
    code = swc & SWC_UNIT
    if code == 0:
        return "kg" if swb & SWB_KILOGRAMS else "lb"
    if code not in _UNITS:
        raise FieldRejected("SWC", "unit 0, 1 (g) or 2 (t) in bits 0-2 at offset 3")
    return _UNITS[code]


def _mass_g(name: str, plain: bytes, offset: int, point: int, unit: str) -> int:
    digits = plain[offset : offset + 6].lstrip(b" ") or b"0"
    if not digits.isdigit():
        raise FieldRejected(name, f"six digits at offset {offset}")
    try:
        return grams(Decimal(int(digits)).scaleb(POINT_NONE - point), unit)
    except FieldRejected as error:
        raise FieldRejected(name, f"{error.rule}, at offset {offset}") from error
