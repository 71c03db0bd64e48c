"""Binary frames of the live stream: poses of moving things, 20 bytes each. Pure, little-endian.

A frame is a header of 8 bytes, `u8 type = 1, u8 version = 1, u16 count, u32 revision`, then `count` poses:
`u32 index, i32 x_mm, i32 y_mm, i32 z_mm, u16 heading in hundredths of a degree, u16 flags`. Flag bit 0 says
that it carries a load, bit 1 that the pose is stale. `revision` is the low 32 bits of the scene's revision.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

POSES = 1
VERSION = 1
LOADED, STALE = 1, 2
POSES_PER_FRAME_MAX = 65_535
HEADER = struct.Struct("<BBHI")
POSE = struct.Struct("<IiiiHH")

_COORDINATE_MM_MAX = 2**31 - 1
_TURN_CDEG = 36_000


class NotAFrame(ValueError):
    """The bytes are no pose frame of this version; the message says why."""


class Pose(NamedTuple):
    """Where an asset is: metres in the site's frame, degrees in [0, 360). `number` is the asset's `index`."""

    number: int
    x_m: float
    y_m: float
    z_m: float
    heading_deg: float
    is_loaded: bool = False
    is_stale: bool = False


def encode_pose(pose: Pose) -> bytes:
    """One pose, to the nearest millimetre and hundredth of a degree.

    Any heading is turned into [0, 360). Coordinates beyond ±2,147 km are held at that bound.
    """
    return POSE.pack(
        pose.number,
        _mm(pose.x_m),
        _mm(pose.y_m),
        _mm(pose.z_m),
        round(pose.heading_deg * 100) % _TURN_CDEG,
        LOADED * pose.is_loaded | STALE * pose.is_stale,
    )


def _mm(metres: float) -> int:
    return max(-_COORDINATE_MM_MAX, min(_COORDINATE_MM_MAX, round(metres * 1000)))


def encode_frame(revision: int, poses: Sequence[bytes]) -> bytes:
    """A frame of poses made by `encode_pose`; at most `POSES_PER_FRAME_MAX`."""
    if len(poses) > POSES_PER_FRAME_MAX:
        raise ValueError(f"{len(poses)} poses; a frame holds at most {POSES_PER_FRAME_MAX}")
    return HEADER.pack(POSES, VERSION, len(poses), revision & 0xFFFF_FFFF) + b"".join(poses)


def decode_frame(frame: bytes) -> tuple[int, list[Pose]]:
    """The revision and the poses of a frame. Raises NotAFrame for another type, version or length."""
    if len(frame) < HEADER.size:
        raise NotAFrame(f"{len(frame)} bytes; a header has {HEADER.size}")
    kind, version, count, revision = HEADER.unpack_from(frame)
    if (kind, version) != (POSES, VERSION):
        raise NotAFrame(f"type {kind} version {version}; expected {POSES} and {VERSION}")
    if len(frame) != HEADER.size + count * POSE.size:
        raise NotAFrame(f"{len(frame)} bytes for {count} poses")
    return revision, [_decode_pose(*fields) for fields in POSE.iter_unpack(frame[HEADER.size :])]


def _decode_pose(number: int, x_mm: int, y_mm: int, z_mm: int, heading_cdeg: int, flags: int) -> Pose:
    return Pose(
        number,
        x_mm / 1000,
        y_mm / 1000,
        z_mm / 1000,
        heading_cdeg / 100,
        bool(flags & LOADED),
        bool(flags & STALE),
    )
