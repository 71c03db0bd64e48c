"""Whatever bytes a scale sends: an answer or the field that is wrong, and nothing unstable is a weight."""

from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.mt_sics import codec as sics
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
