"""Whatever bytes a scale sends: an answer or the field that is wrong, and nothing unstable is a weight."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.mt_sics import codec as sics
from devices.drivers.opcua_scale import codec as opcua
from devices.drivers.toledo_continuous import codec as toledo
from devices.transport.decoding import FieldRejected
from devices.transport.lines import Lines
from kernel.units import MASS_G_MAX

words = st.sampled_from(
    [
        "S",
        "SI",
        "T",
        "TA",
        "Z",
        "I4",
        "ES",
        "ET",
        "EL",
        "D",
        "I",
        "+",
        "-",
        "A",
        "L",
        "kg",
        "g",
        "t",
        "lb",
        "oz",
    ]
)
numbers = st.from_regex(r"-?[0-9]{0,13}\.?[0-9]{0,10}", fullmatch=True)
sics_lines = st.binary(max_size=140) | st.lists(words | numbers | st.text(max_size=8), max_size=5).map(
    lambda parts: " ".join(parts).encode()
)


@given(sics_lines)
def test_any_line_of_a_sics_scale_is_an_answer_or_the_field_that_is_wrong(line: bytes) -> None:
    try:
        answer = sics.decode(line)
    except FieldRejected as error:
        assert error.field
        assert error.rule
        return
    assert abs(answer.mass_g) <= MASS_G_MAX
    if answer.topic == "weight" and answer.outcome == "stable":
        assert line.split()[0] in (b"S", b"SI", b"SIR")
        assert line.split()[1] == b"S"


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\r\n", b"\n"]), max_size=12), st.integers(1, 30))
def test_lines_do_not_depend_on_how_the_stream_is_cut_and_never_grow(
    pieces: list[bytes], bytes_max: int
) -> None:
    whole, cut = Lines(bytes_max), Lines(bytes_max)
    stream = b"".join(pieces)
    together = [line for line, error in whole.feed(stream) if error is None]
    apart = [line for byte in stream for line, error in cut.feed(bytes([byte])) if error is None]
    assert together == apart
    assert all(0 < len(line) <= bytes_max for line in together)


toledo_frames = st.builds(
    lambda head, status, digits, end, check: head + bytes(status) + digits + end + check,
    st.sampled_from([b"\x02", b"\x82", b"\x03"]),
    st.lists(st.integers(0x20, 0x7F) | st.integers(0, 0xFF), min_size=3, max_size=3),
    st.from_regex(rb"[0-9 ]{12}", fullmatch=True) | st.binary(min_size=12, max_size=12),
    st.sampled_from([b"\r", b"\n", b""]),
    st.binary(max_size=1),
)


@given(toledo_frames | st.binary(max_size=20))
def test_any_frame_of_a_toledo_scale_is_shown_or_the_field_that_is_wrong(frame: bytes) -> None:
    try:
        shown = toledo.decode(frame)
    except FieldRejected as error:
        assert error.field
        assert error.rule
        return
    assert abs(shown.mass_g) <= MASS_G_MAX
    assert shown.is_stable is not bool(frame[2] & 0b1000)
    assert bool(shown.trouble) is bool(frame[2] & 0b100_0100)


@given(st.lists(toledo_frames | st.binary(max_size=20), max_size=8), st.booleans())
def test_frames_do_not_depend_on_how_the_stream_is_cut_and_no_byte_is_lost(
    pieces: list[bytes], has_checksum: bool
) -> None:
    stream = b"".join(pieces)
    whole, cut = toledo.Frames(has_checksum=has_checksum), toledo.Frames(has_checksum=has_checksum)
    good = [frame for frame, error in whole.feed(stream) if error is None]
    assert good == [frame for byte in stream for frame, error in cut.feed(bytes([byte])) if error is None]
    assert all(frame in stream for frame in good)


opcua_values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31)
    | st.floats()
    | st.text(max_size=6)
    | st.builds(
        opcua.Structure,
        encoding=st.sampled_from([opcua.WEIGHT_ENCODING] * 3 + [97]),
        body=st.binary(max_size=30)
        | st.lists(st.floats(-1e5, 1e5) | st.floats(), min_size=3, max_size=3).map(
            lambda masses: struct.pack("<3d", *masses)
        )
        | st.floats(0, 1e5).map(lambda gross: struct.pack("<3d", gross, gross, 0.0)),
    )
    | st.builds(
        opcua.Unit, number=st.sampled_from([*opcua.UNITS, -1, 0]), name=st.sampled_from(["kg", "t", "x"])
    )
)
opcua_reads = st.builds(opcua.Read, value=opcua_values, is_good=st.sampled_from([True, True, True, False]))
opcua_items = st.fixed_dictionaries(
    {
        opcua.VALUE: opcua_reads,
        "EngineeringUnits": opcua_reads | st.just(opcua.Read(value=opcua.Unit(number=4933453, name="kg"))),
        "Overload": st.builds(opcua.Read, value=st.booleans()) | opcua_reads,
        "Underload": st.builds(opcua.Read, value=st.booleans()) | opcua_reads,
    },
    optional={"WeightStable": opcua_reads, "WeightId": opcua_reads, "Invalid": opcua_reads},
)


@given(opcua_items, st.booleans())
def test_any_values_of_a_weight_item_are_a_weight_or_the_property_that_is_wrong(
    reads: dict[str, opcua.Read], is_registered: bool
) -> None:
    assert opcua.raw_of(reads)
    try:
        weight = opcua.decode(reads, is_registered=is_registered)
    except FieldRejected as error:
        assert error.field
        assert error.rule
        return
    assert abs(weight.shown.mass_g) <= MASS_G_MAX
    if weight.shown.is_stable and not weight.shown.trouble:
        stable = reads.get("WeightStable")
        assert is_registered if stable is None else stable.value is True
