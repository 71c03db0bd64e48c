"""What an ear tag sends: profile `tallyhouse-tag-1`. Pure; the tag's counter is its only memory.

Written from the profile and from RFC 5869 and RFC 2104, not from the product's reader.
"""

import base64
import hmac
import struct
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

MAC_BYTES = 8


class Motion(NamedTuple):
    """Of the interval since the last beacon: mean change in mg, and permille of it lying."""

    motion_mg: int
    lying_permille: int


class Burst(NamedTuple):
    """Raw samples in mg (x, y, z), at most 255 at `hz` a second."""

    hz: int
    samples: Sequence[tuple[int, int, int]]


class Tag:
    """A tag with its own key, as its maker programmed it: `number` is the 8 bytes of its animal's number."""

    def __init__(self, herd_key: bytes, number: int, *, is_chinese: bool = False, counter: int = 0) -> None:
        self._flags = 1 if is_chinese else 0
        self._number = number.to_bytes(8, "big")
        self._key = key_for(herd_key, self._flags, self._number)
        self.counter = counter
        self.is_opened = False
        """The loop through the pin is broken."""

    def beacon(
        self,
        *,
        battery_mv: int = 3000,
        temperature_c: float | None = None,
        motion: Motion | None = None,
        burst: Burst | None = None,
    ) -> bytes:
        """The next beacon."""
        self.counter += 1
        flags, tail = self._flags | (0x80 if self.is_opened else 0), b""
        if temperature_c is not None:
            flags, tail = flags | 2, tail + struct.pack(">h", round(temperature_c * 100))
        if motion is not None:
            flags, tail = flags | 4, tail + struct.pack(">HH", *motion)
        if burst is not None:
            flags, tail = flags | 8, tail + _packed(burst)
        said = struct.pack(">BB8sIH", 1, flags, self._number, self.counter, battery_mv) + tail
        return said + hmac.digest(self._key, said, "sha256")[:MAC_BYTES]


def key_for(herd_key: bytes, flags: int, number: bytes) -> bytes:
    """HKDF-Expand with SHA-256 to one block; the info is the profile's name, the scheme and the number."""
    return hmac.digest(herd_key, b"tallyhouse-tag-1" + bytes([flags & 1]) + number + b"\x01", "sha256")


def iso_number(country: int, national: int) -> int:
    """The ISO 11784 word of an animal."""
    return 1 << 63 | country << 38 | national


def heard(frame: bytes, rssi_dbm: float) -> dict[str, Any]:
    """What a base station says of a frame."""
    return {"frame": base64.b64encode(frame).decode(), "rssi_dbm": rssi_dbm}


def report(boot: int, sequence: int, observed_at: datetime, frame: bytes, rssi_cdbm: int) -> bytes:
    """A numbered report of a frame, as `heard` and `reading` say it: put together from bytes, for a week of a
    herd has millions."""
    at = observed_at.isoformat(timespec="milliseconds").removesuffix("+00:00").encode()
    said = b'{"boot":%d,"sequence":%d,"observed_at":"%sZ","rssi_dbm":%.2f,"frame":"%s"}'
    return said % (boot, sequence, at, rssi_cdbm / 100, base64.b64encode(frame))


def reports(several: Sequence[bytes]) -> bytes:
    """A message of numbered reports."""
    return b"[%s]" % b",".join(several)


def beat(uptime_s: int, heard_count: int, battery_mv: int) -> dict[str, Any]:
    """What a base station says of itself."""
    return {"beat": {"uptime_s": uptime_s, "heard_count": heard_count, "battery_mv": battery_mv}}


def _packed(burst: Burst) -> bytes:
    axes = [axis for sample in burst.samples for axis in sample]
    return struct.pack(f">BB{len(axes)}h", burst.hz, len(burst.samples), *axes)
