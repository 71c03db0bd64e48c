"""Lines as the Reference Manual MT-SICS has them: Response formats, Error messages, S, SI, T, TA, Z, I4."""

import pytest

from devices.drivers.mt_sics.codec import LINE_BYTES_MAX, Answer, decode, encode
from devices.transport.decoding import FieldRejected
from devices.transport.lines import Lines


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"S S     100.00 g", Answer(topic="weight", outcome="stable", mass_g=100)),
        (b"S S     100.00 kg", Answer(topic="weight", outcome="stable", mass_g=100_000)),
        (b"S D     129.07 g", Answer(topic="weight", outcome="moving", mass_g=129)),
        (b"S S      -0.50 kg", Answer(topic="weight", outcome="stable", mass_g=-500)),
        (b"S S     15.060 t", Answer(topic="weight", outcome="stable", mass_g=15_060_000)),
        (b"S S      220.4 lb", Answer(topic="weight", outcome="stable", mass_g=99_972)),
        (b"SI S     12.50 kg", Answer(topic="weight", outcome="stable", mass_g=12_500)),
        (b"S I", Answer(topic="weight", outcome="not executable")),
        (b"S +", Answer(topic="weight", outcome="overload")),
        (b"S -", Answer(topic="weight", outcome="underload")),
        (b"T S      25.00 kg", Answer(topic="tared", outcome="done", mass_g=25_000)),
        (b"T I", Answer(topic="tared", outcome="not executable")),
        (b"TA A     25.00 kg", Answer(topic="tare", outcome="done", mass_g=25_000)),
        (b"TA I", Answer(topic="tare", outcome="not executable")),
        (b"TA L", Answer(topic="tare", outcome="wrong parameter")),
        (b"Z A", Answer(topic="zeroed", outcome="done")),
        (b"Z +", Answer(topic="zeroed", outcome="overload")),
        (b'I4 A "B021002593"', Answer(topic="serial", outcome="done", text="B021002593")),
        (b'I4 A "SNR 12 345"', Answer(topic="serial", outcome="done", text="SNR 12 345")),
        (b"ES", Answer(topic="error", outcome="syntax error")),
        (b"ET", Answer(topic="error", outcome="transmission error")),
        (b"EL", Answer(topic="error", outcome="logical error")),
    ],
)
def test_a_line_reads_as_the_manual_has_it(line: bytes, answer: Answer) -> None:
    assert decode(line) == answer


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"", "command"),
        (b"X S 1 kg", "command"),
        (b"ES 1", "command"),
        (b"s S     100.00 g", "command"),
        (b"S", "status"),
        (b"S X     100.00 g", "status"),
        (b"Z S", "status"),
        (b"S S", "weight"),
        (b"S S     1e9 kg", "weight"),
        (b"S S     nan kg", "weight"),
        (b"S S     100,00 kg", "weight"),
        (b"S S     +100.00 kg", "weight"),
        (b"S S     Error 1b", "weight"),
        (b"S S     100.00", "unit"),
        (b"S S     100.00 oz", "unit"),
        (b"S S     100.00 KG", "unit"),
        (b"S S     100.00 kg kg", "unit"),
        (b"S S     200001 kg", "mass"),
        (b"I4 A B021002593", "serial number"),
        (b'I4 A ""', "serial number"),
        (b"S S \xb2 100.00 g", "line"),
        (b"S" * (LINE_BYTES_MAX + 1), "line"),
    ],
)
def test_a_line_that_cannot_be_is_refused_by_name(line: bytes, field: str) -> None:
    with pytest.raises(FieldRejected) as refused:
        decode(line)
    assert refused.value.field == field


def test_a_byte_that_is_no_text_is_told_with_its_offset() -> None:
    with pytest.raises(FieldRejected, match="offset 4"):
        decode(b"S S \xb2 100.00 g")


def test_commands_are_capitals_and_end_with_cr_lf() -> None:
    assert [encode(command) for command in ("S", "SIR", "I4")] == [b"S\r\n", b"SIR\r\n", b"I4\r\n"]


def test_lines_are_cut_out_of_a_stream_whatever_its_pieces() -> None:
    lines = Lines(20)
    pieces = [b"S S  1", b".0 kg\r", b"\nS D 2", b".0 kg\r\n\r\nS I\n"]
    found = [line for piece in pieces for line, error in lines.feed(piece) if error is None]
    assert found == [b"S S  1.0 kg", b"S D 2.0 kg", b"S I"]


def test_a_line_without_an_end_is_told_once_and_the_next_is_read() -> None:
    lines = Lines(4)
    found = [one for piece in (b"abcdefgh", b"ijklmnop", b"qr\nS I\n") for one in lines.feed(piece)]
    assert [(line, None if error is None else error.rule) for line, error in found] == [
        (b"abcd", "at most 4 bytes"),
        (b"S I", None),
    ]
