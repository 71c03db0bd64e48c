"""The bytes that an ear tag sends: profile `tallyhouse-tag-1`, big-endian, authenticated. Pure.

No open standard exists for active ear tags; this is the profile that our tags are made to.

| offset | bytes | what |
|---|---|---|
| 0 | 1 | version, 1 |
| 1 | 1 | flags: bit 0 a Chinese number, 1 temperature, 2 motion, 3 a burst follows, 7 the tag was opened |
| 2 | 8 | number: the ISO 11784 word, or the 15 digits of the Chinese tag as an integer |
| 10 | 4 | counter; grows with each beacon, kept in flash |
| 14 | 2 | battery, mV |
| | 2 | temperature at the ear, signed, hundredths of a degree Celsius |
| | 4 | motion, thousandths of g; lying, permille of the interval |
| | 2 + 6 n | burst: rate in Hz, n samples, then x, y, z of each, signed, thousandths of g |
| end - 8 | 8 | MAC |

The MAC is the first 8 bytes of HMAC-SHA256 (RFC 2104, section 5 on truncation) of all before it, under the
tag's own key. That key is HKDF-Expand (RFC 5869) of the herd's key for the tag's number, so that whoever has
the herd's key can check every tag of it, and one tag that was taken apart gives away no other.
"""

import hmac
from typing import Final

import msgspec

from devices.transport.decoding import FieldRejected
from devices.transport.fields import Fields
from kernel.animals import AnimalId, WrongAnimalId, chinese_id, iso_word

VERSION: Final = 1
MAC_BYTES: Final = 8
FRAME_BYTES_MAX: Final = 1_600
HEAD_BYTES: Final = 10
_INFO: Final = b"tallyhouse-tag-1"

_IS_CHINESE, _HAS_TEMPERATURE, _HAS_MOTION, _HAS_BURST, _IS_OPENED = 1, 2, 4, 8, 128
_RESERVED = 0b0111_0000


class TagFrame(msgspec.Struct, frozen=True, kw_only=True):
    """What a tag says of its animal and of itself."""

    animal: AnimalId
    counter: int
    battery_mv: int
    temperature_mc: int | None = None
    motion_mg: int | None = None
    lying_permille: int | None = None
    burst_hz: int = 0
    burst_mg: tuple[tuple[int, int, int], ...] = ()
    is_opened: bool = False


def key_of(animal: AnimalId, herd_key: bytes) -> bytes:
    """The key to program into an animal's tag, 32 bytes."""
    if animal.scheme == "china":
        return _key(herd_key, _IS_CHINESE, int(animal.digits).to_bytes(8, "big"))
    return _key(herd_key, 0, animal.word.to_bytes(8, "big"))


def _key(herd_key: bytes, scheme: int, number: bytes) -> bytes:
    """One block of HKDF-Expand (RFC 5869, section 2.3)."""
    return hmac.digest(herd_key, _INFO + bytes([scheme]) + number + b"\x01", "sha256")


def mac_of(said: bytes, herd_key: bytes) -> bytes:
    key = _key(herd_key, said[1] & _IS_CHINESE, said[2:HEAD_BYTES])
    return hmac.digest(key, said, "sha256")[:MAC_BYTES]


def verify(frame: bytes, herd_key: bytes) -> TagFrame:
    """Read a frame that its tag made. Raises FieldRejected for one that it did not, or that cannot be read;
    whether the tag made it now or long ago is for ingest to say, which knows the tag's last counter."""
    _check_head(frame)
    said, mac = frame[:-MAC_BYTES], frame[-MAC_BYTES:]
    if not hmac.compare_digest(mac, mac_of(said, herd_key)):
        raise FieldRejected("frame.mac", f"made with the tag's key: {MAC_BYTES} bytes at offset {len(said)}")
    return _read(said)


def _check_head(frame: bytes) -> None:
    least = HEAD_BYTES + 6 + MAC_BYTES
    if not least <= len(frame) <= FRAME_BYTES_MAX:
        raise FieldRejected("frame", f"{least} to {FRAME_BYTES_MAX} bytes")
    if frame[0] != VERSION:
        raise FieldRejected("frame.version", f"{VERSION} at offset 0")
    if frame[1] & _RESERVED:
        raise FieldRejected("frame.flags", "bits 4 to 6 are 0 at offset 1")


def _read(said: bytes) -> TagFrame:
    flags, fields = said[1], Fields(said, at=2)
    animal = _animal(fields.unsigned("frame.number", 8), flags)
    counter = fields.unsigned("frame.counter", 4)
    battery_mv = fields.unsigned("frame.battery", 2)
    temperature_mc = motion_mg = lying_permille = None
    if flags & _HAS_TEMPERATURE:
        temperature_mc = fields.signed("frame.temperature", 2) * 10
    if flags & _HAS_MOTION:
        motion_mg = fields.unsigned("frame.motion", 2)
        lying_permille = fields.unsigned("frame.lying", 2)
    burst_hz, burst_mg = _burst(fields) if flags & _HAS_BURST else (0, ())
    if fields.left:
        raise FieldRejected(
            "frame", f"nothing more at offset {fields.at}, where {fields.left} bytes are left"
        )
    return TagFrame(
        animal=animal,
        counter=counter,
        battery_mv=battery_mv,
        temperature_mc=temperature_mc,
        motion_mg=motion_mg,
        lying_permille=lying_permille,
        burst_hz=burst_hz,
        burst_mg=burst_mg,
        is_opened=bool(flags & _IS_OPENED),
    )


def _animal(number: int, flags: int) -> AnimalId:
    try:
        return chinese_id(f"{number:015}") if flags & _IS_CHINESE else iso_word(number)
    except WrongAnimalId as error:
        raise FieldRejected("frame.number", f"{error}, at offset 2") from error


def _burst(fields: Fields) -> tuple[int, tuple[tuple[int, int, int], ...]]:
    hz, count = fields.unsigned("frame.burst_hz", 1), fields.unsigned("frame.burst", 1)
    axes = fields.signed_words("frame.burst", 3 * count)
    return hz, tuple(zip(axes[0::3], axes[1::3], axes[2::3], strict=True))
