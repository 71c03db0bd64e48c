"""Frames written down by hand from the makers' tables; the sources are in the codec's docstring."""

import pytest

from devices.drivers.toledo_continuous.codec import POWER_UP, Frames, checksum, decode
from devices.transport.decoding import FieldRejected
from devices.transport.weighing import OVERLOAD, UNDER_ZERO, Shown

# STX, SWA 2C (two decimals, increment 1), SWB 30 (kg, gross, in range, at rest), SWC 20, 123.40, tare 0, CR.
PLAIN = bytes.fromhex("02 2C 30 20 303132333430 303030303030 0D")
CHECKED = PLAIN + b"\x2b"


def frame(swa: int, swb: int, swc: int, weight: bytes, tare: bytes = b"000000") -> bytes:
    return bytes([0x02, swa, swb, swc]) + weight + tare + b"\r"


def test_the_checksum_is_the_twos_complement_of_the_low_seven_bits() -> None:
    assert checksum(PLAIN) == 0x2B
    assert sum(byte & 0x7F for byte in CHECKED) % 128 == 0


def test_a_frame_reads_alike_with_checksum_and_without_and_whatever_its_parity() -> None:
    shown = Shown(mass_g=123_400, is_stable=True)
    with_parity = bytes(byte | (byte.bit_count() % 2) << 7 for byte in CHECKED)
    assert [decode(one) for one in (PLAIN, CHECKED, with_parity)] == [shown] * 3


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        # SWB bit 3: motion.
        (frame(0x2C, 0x38, 0x20, b"012340"), Shown(mass_g=123_400, is_stable=False)),
        # SWB bit 0: net, of the tare that follows.
        (
            frame(0x2C, 0x31, 0x20, b"010000", b"002340"),
            Shown(mass_g=100_000, is_stable=True, basis="net", tare_g=23_400),
        ),
        # SWB bit 1: negative.
        (frame(0x2C, 0x32, 0x20, b"000150"), Shown(mass_g=-1_500, is_stable=True)),
        # SWB bit 2: out of range, above or below; the digits are blank.
        (frame(0x2C, 0x34, 0x20, b"      "), Shown(mass_g=0, is_stable=True, trouble=OVERLOAD)),
        (frame(0x2C, 0x36, 0x20, b"      "), Shown(mass_g=0, is_stable=True, trouble=UNDER_ZERO)),
        # SWB bit 6: power-up, not zeroed since.
        (frame(0x2C, 0x70, 0x20, b"012340"), Shown(mass_g=0, is_stable=True, trouble=POWER_UP)),
        # SWB bit 4 off: pounds.
        (frame(0x2B, 0x20, 0x20, b"002204"), Shown(mass_g=99_972, is_stable=True)),
        # SWC bits 0-2: grams, tonnes.
        (frame(0x2A, 0x30, 0x21, b"012340"), Shown(mass_g=12_340, is_stable=True)),
        (frame(0x2D, 0x30, 0x22, b"015060"), Shown(mass_g=15_060_000, is_stable=True)),
        # SWA bits 0-2: hundreds, tens, none, one, five places; spaces lead.
        (frame(0x28, 0x30, 0x20, b"   150"), Shown(mass_g=15_000_000, is_stable=True)),
        (frame(0x29, 0x30, 0x20, b"001506"), Shown(mass_g=15_060_000, is_stable=True)),
        (frame(0x2A, 0x30, 0x20, b" 15060"), Shown(mass_g=15_060_000, is_stable=True)),
        (frame(0x2B, 0x30, 0x20, b"150600"), Shown(mass_g=15_060_000, is_stable=True)),
        (frame(0x2F, 0x30, 0x20, b"150600"), Shown(mass_g=1_506, is_stable=True)),
        # SWC bits 3 and 6: print was pressed, the tare was keyed in. They change nothing.
        (frame(0x2C, 0x30, 0x68, b"012340"), Shown(mass_g=123_400, is_stable=True)),
    ],
)
def test_a_frame_shows_what_the_status_words_say(sent: bytes, shown: Shown) -> None:
    assert decode(sent) == shown


@pytest.mark.parametrize(
    ("sent", "field", "rule"),
    [
        (PLAIN[:16], "frame", "17 or 18 bytes from STX on"),
        (CHECKED + b"\r", "frame", "17 or 18 bytes from STX on"),
        (b"\x03" + PLAIN[1:], "frame", "17 or 18 bytes from STX on"),
        (PLAIN[:16] + b"\n", "frame", "CR at offset 16"),
        (PLAIN + b"\x2c", "checksum", "2B at offset 17"),
        (frame(0x0C, 0x30, 0x20, b"012340"), "SWA", "bit 5 at offset 1"),
        (frame(0x2C, 0x10, 0x20, b"012340"), "SWB", "bit 5 at offset 2"),
        (frame(0x2C, 0x30, 0x00, b"012340"), "SWC", "bit 5 at offset 3"),
        (frame(0x2C, 0x30, 0x23, b"012340"), "SWC", "unit 0, 1 (g) or 2 (t) in bits 0-2 at offset 3"),
        (frame(0x2C, 0x30, 0x30, b"012340"), "SWC", "a weight that is not expanded, bit 4 at offset 3"),
        (frame(0x2C, 0x30, 0x20, b"0123.4"), "weight", "six digits at offset 4"),
        (frame(0x2C, 0x30, 0x20, b"01 340"), "weight", "six digits at offset 4"),
        (frame(0x2C, 0x31, 0x20, b"012340", b"00-100"), "tare", "six digits at offset 10"),
        (frame(0x28, 0x30, 0x20, b"012340"), "weight", "a number, at most 200 t, at offset 4"),
    ],
)
def test_a_frame_that_cannot_be_is_refused_by_field_and_offset(sent: bytes, field: str, rule: str) -> None:
    with pytest.raises(FieldRejected) as refused:
        decode(sent)
    assert (refused.value.field, refused.value.rule) == (field, rule)


def cut(stream: bytes, *, has_checksum: bool = True) -> list[tuple[bytes, str]]:
    """Frames, each with the rule it breaks or an empty text."""
    found = Frames(has_checksum=has_checksum).feed(stream)
    return [(one, "" if error is None else error.rule) for one, error in found]


def test_frames_are_found_from_the_middle_of_a_stream() -> None:
    assert cut(CHECKED[7:] + CHECKED + CHECKED + CHECKED[:5]) == [(CHECKED, ""), (CHECKED, "")]
    assert cut(PLAIN[7:] + PLAIN + PLAIN, has_checksum=False) == [(PLAIN, ""), (PLAIN, "")]


def test_a_truncated_frame_and_junk_are_set_aside_and_the_next_frame_is_read() -> None:
    assert cut(CHECKED + CHECKED[:9] + CHECKED + b"xyz" + CHECKED) == [
        (CHECKED, ""),
        (CHECKED[:9], "18 bytes, not 9"),
        (CHECKED, ""),
        (b"xyz", "a frame that begins with STX"),
        (CHECKED, ""),
    ]


def test_a_checksum_that_happens_to_be_stx_is_no_new_frame() -> None:
    # The weight of PLAIN has a digit sum of 10 and a checksum of 2B; a digit sum of 51 lowers it to 02.
    body = frame(0x2C, 0x30, 0x20, b"999996")
    assert checksum(body) == 0x02
    assert cut(body + b"\x02" + CHECKED) == [(body + b"\x02", ""), (CHECKED, "")]


def test_a_scale_set_to_no_checksum_is_told_as_such() -> None:
    rules = {rule for _, rule in cut(PLAIN * 4)}
    assert "2B at offset 17" in rules
