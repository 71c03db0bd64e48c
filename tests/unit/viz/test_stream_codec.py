"""Binary pose frames, against bytes written down by hand from the format's table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz.stream.codec import HEADER, NotAFrame, Pose, decode_frame, encode_frame, encode_pose

# type 1, version 1, two poses, revision 0x01020304; little-endian throughout.
GOLDEN = bytes.fromhex(
    "01 01 0200 04030201"
    # index 7, x 12.345 m, y -0.001 m, z 3 m, heading 359.99 degrees, loaded
    "07000000 39300000 ffffffff b80b0000 9f8c 0100"
    # index 0x01000001, x -2 m, y 0, z 0, heading 90 degrees, loaded and stale
    "01000001 30f8ffff 00000000 00000000 2823 0300"
)
POSES = [
    Pose(7, 12.345, -0.001, 3.0, 359.99, is_loaded=True),
    Pose(0x01000001, -2.0, 0.0, 0.0, 90.0, is_loaded=True, is_stale=True),
]


def test_the_frame_has_the_bytes_of_the_format() -> None:
    assert encode_frame(0x01020304, [encode_pose(pose) for pose in POSES]) == GOLDEN


def test_the_bytes_of_the_format_are_read_back() -> None:
    assert decode_frame(GOLDEN) == (0x01020304, POSES)


def test_the_revision_keeps_its_low_bits() -> None:
    assert decode_frame(encode_frame(2**40 + 5, []))[0] == 5


@pytest.mark.parametrize(
    ("heading_deg", "shown_deg"), [(-90.0, 270.0), (360.0, 0.0), (359.999, 0.0), (725.5, 5.5)]
)
def test_any_heading_is_turned_into_one_turn(heading_deg: float, shown_deg: float) -> None:
    frame = encode_frame(0, [encode_pose(Pose(1, 0, 0, 0, heading_deg))])
    assert decode_frame(frame)[1][0].heading_deg == shown_deg


def test_an_absurd_coordinate_is_held_at_the_bound() -> None:
    frame = encode_frame(0, [encode_pose(Pose(1, 1e12, -1e12, 0, 0))])
    assert decode_frame(frame)[1][0][1:3] == (2_147_483.647, -2_147_483.647)


@given(
    st.lists(
        st.builds(
            Pose,
            st.integers(0, 2**32 - 1),
            *[st.integers(-(2**31) + 1, 2**31 - 1).map(lambda mm: mm / 1000)] * 3,
            st.integers(0, 35_999).map(lambda cdeg: cdeg / 100),
            st.booleans(),
            st.booleans(),
        ),
        max_size=20,
    ),
    st.integers(0, 2**32 - 1),
)
def test_what_is_encoded_is_decoded(poses: list[Pose], revision: int) -> None:
    assert decode_frame(encode_frame(revision, [encode_pose(pose) for pose in poses])) == (revision, poses)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        GOLDEN[:7],
        GOLDEN[:-1],
        GOLDEN + b"\0",
        b"\x02" + GOLDEN[1:],
        GOLDEN[:1] + b"\x02" + GOLDEN[2:],
        HEADER.pack(1, 1, 65_535, 0),
    ],
)
def test_what_is_no_frame_is_refused(frame: bytes) -> None:
    with pytest.raises(NotAFrame):
        decode_frame(frame)


def test_too_many_poses_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 65535"):
        encode_frame(0, [b""] * 65_536)
