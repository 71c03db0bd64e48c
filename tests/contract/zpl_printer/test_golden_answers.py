"""Answers as Zebra's guides print them and as its printers send them, and what a label has to hold."""

import pytest

from devices.drivers.zpl_printer.codec import (
    ANSWER_BYTES_MAX,
    Answer,
    Answers,
    Status,
    ask_object,
    ask_value,
    decode_count,
    decode_status,
    has_object,
)
from devices.drivers.zpl_printer.label import Medium, broken, escaped, pallet_label
from devices.families import FAMILIES
from devices.transport.decoding import FieldRejected
from kernel.gs1 import CodeRejected, parse_elements

READY = (
    b"\x02030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n"
    b"\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n"
    b"\x021234,0\x03\r\n"
)
"""A printer at rest; the form is that of the ZPL II Programming Guide, ~HS."""
SDK_EXAMPLE = (b"159,0,0,0364,000,0,0,0,000,0,0,0", b"000,0,0,0,0,1,4,0,00000000,1,000", b"0000,0")
"""A mobile printer, as `device.host_status` was answered to the example of Zebra's Link-OS SDK."""
LISTING = (
    b"\r\nDIR E: \r\n*SIMSUN.TTF  9857k     \r\n* ARIAL   .FNT   49140     \r\n\r\n-6419816 bytes free\r\n"
)
"""The form that the guide prints under ^HW: object names with and without filling."""
SSCC = "106141411234567897"
PALLET = {
    "sscc": SSCC,
    "name_en": "White hanging heart",
    "name_zh": "白色心形挂件",
    "sku": "85123A",
    "lot": "L-7",
    "quantity_each": 100,
    "mass_g": 600_000,
    "is_copy": False,
}


def texts(data: bytes) -> list[bytes]:
    return [found.content for found in Answers().feed(data) if isinstance(found, Answer)]


def test_a_host_status_reads_as_the_manual_has_it() -> None:
    assert decode_status(texts(READY)) == Status(trouble=None, waiting_count=0)
    assert decode_status(SDK_EXAMPLE) == Status(trouble=None, waiting_count=0)


@pytest.mark.parametrize(
    ("string", "place", "trouble"),
    [
        (0, 1, "paper_out"),
        (0, 2, "paused"),
        (0, 5, "buffer_full"),
        (0, 9, "memory_lost"),
        (0, 10, "too_cold"),
        (0, 11, "too_hot"),
        (1, 2, "head_open"),
        (1, 3, "ribbon_out"),
    ],
)
def test_each_flag_stands_where_the_guide_has_it(string: int, place: int, trouble: str) -> None:
    strings = [text.split(b",") for text in SDK_EXAMPLE]
    strings[string][place] = b"1"
    assert decode_status([b",".join(fields) for fields in strings]).trouble == trouble


def test_the_gravest_trouble_is_told_and_what_waits_is_counted() -> None:
    strings = [
        b"030,1,1,1245,002,0,0,1,000,0,0,0",
        b"000,0,1,0,0,2,4,0,00000003,1,000",
        b"1234,0",
    ]
    assert decode_status(strings) == Status(trouble="head_open", waiting_count=6)


@pytest.mark.parametrize(
    ("strings", "field"),
    [
        (SDK_EXAMPLE[:2], "host status"),
        ((b"159,0,0", *SDK_EXAMPLE[1:]), "string 1"),
        ((b"159,2,0,0364,000,0,0,0,000,0,0,0", *SDK_EXAMPLE[1:]), "paper out"),
        ((b"159,0,0,0364,x,0,0,0,000,0,0,0", *SDK_EXAMPLE[1:]), "formats in buffer"),
        ((SDK_EXAMPLE[0], b"000,0,0,0,0,1,4,0,99999999999,1,000", SDK_EXAMPLE[2]), "labels left"),
    ],
)
def test_a_status_that_cannot_be_is_refused_by_name(strings: tuple[bytes, ...], field: str) -> None:
    with pytest.raises(FieldRejected) as refused:
        decode_status(strings)
    assert refused.value.field == field


def test_answers_are_cut_out_of_the_stream_wherever_it_is_cut() -> None:
    stream = READY + b'"1234"\r\n' + b"?\r\n" + READY
    whole = Answers().feed(stream)
    for cut in range(len(stream)):
        answers = Answers()
        assert [*answers.feed(stream[:cut]), *answers.feed(stream[cut:])] == whole
    assert [found.kind for found in whole if isinstance(found, Answer)] == [*["text"] * 3, *["value"] * 2] + [
        "text"
    ] * 3


def test_what_is_no_answer_is_given_with_its_rule_and_the_next_one_is_found() -> None:
    [(stray, rule), after] = Answers().feed(b"hello\x02x\x03")  # type: ignore[misc]
    assert (stray, rule.field, after) == (b"hello", "answer", Answer(kind="text", content=b"x"))
    [(long, rule)] = Answers().feed(b"\x02" + b"x" * (ANSWER_BYTES_MAX + 1))  # type: ignore[misc]
    assert (len(long), rule.rule) == (ANSWER_BYTES_MAX, f"at most {ANSWER_BYTES_MAX} bytes")


def test_a_count_is_a_number_or_not_kept() -> None:
    assert decode_count(b"1234") == 1234
    assert decode_count(b"?") is None
    with pytest.raises(FieldRejected):
        decode_count(b"1489 INCHES, 3784 CENTIMETERS")


def test_a_font_is_found_in_the_directory() -> None:
    assert has_object(LISTING, "SIMSUN.TTF")
    assert has_object(LISTING, "arial.fnt")
    assert not has_object(LISTING, "SIMSUN.FNT")


def test_questions_are_as_the_guide_writes_them() -> None:
    assert ask_value("odometer.total_label_count") == b'! U1 getvar "odometer.total_label_count"\r\n'
    assert ask_object("E:SIMSUN.TTF") == b"^XA^HWE:SIMSUN.TTF^XZ\r\n"
    font = FAMILIES["zpl_printer"].parameters["font"]
    assert font.broken_rule("E:SIMSUN.TTF") is None
    assert font.broken_rule("E:SIMSUN.TTF^XZ") is not None


def test_the_symbol_holds_the_sscc_under_its_application_identifier() -> None:
    label = pallet_label(PALLET, Medium()).decode()
    [symbol] = [part for part in label.split("^FS") if "^BC" in part]
    # Guide, ^BC: `>;` is start C and `>8` FNC1; mode N leaves the data as it is.
    assert symbol.endswith(f"^BCN,256,N,N,N^FD>;>800{SSCC}")
    assert parse_elements(f"00{SSCC}") == {"00": SSCC}
    assert f"(00){SSCC}" in label


@pytest.mark.parametrize("dots_per_mm", [6, 8, 12, 24])
def test_the_symbol_is_as_wide_and_high_as_gs1_asks(dots_per_mm: int) -> None:
    medium = Medium(dots_per_mm=dots_per_mm)
    assert 0.495 <= medium.module_dots / dots_per_mm <= 0.940
    assert 176 * medium.module_dots <= medium.width_mm * dots_per_mm
    label = pallet_label(PALLET, medium).decode()
    assert f"^BY{medium.module_dots},3,{32 * dots_per_mm}" in label


def test_chinese_is_set_only_in_a_font_that_has_it() -> None:
    assert "^A@" not in pallet_label(PALLET, Medium()).decode()
    label = pallet_label(PALLET, Medium(font="E:SIMSUN.TTF")).decode()
    assert f"^A@N,48,48,E:SIMSUN.TTF^FH^FD{escaped('白色心形挂件')}^FS" in label


def test_a_copy_says_so() -> None:
    assert "COPY" not in pallet_label(PALLET, Medium()).decode()
    assert "COPY" in pallet_label({**PALLET, "is_copy": True}, Medium()).decode()


def test_data_that_could_be_a_command_is_written_in_hexadecimal() -> None:
    # Guide, ^FH: the indicator is an underscore, so that is written so too.
    assert escaped("^XZ~JA_5\\ é") == "_5EXZ_7EJA_5F5_5C _C3_A9"


def test_long_names_are_broken_and_end_in_dots() -> None:
    assert broken("abcdef", 3, 2) == ["abc", "def"]
    assert broken("red heart", 5, 2) == ["red", "heart"]
    assert broken("白色心形挂件", 4, 2) == ["白色心形", "挂件"]
    assert broken("abcdefg", 3, 2) == ["abc", "..."]
    assert broken("a\tb\n", 9, 1) == ["ab"]
    assert broken("", 9, 1) == []


def test_a_wrong_check_digit_is_no_label() -> None:
    with pytest.raises(FieldRejected) as refused:
        pallet_label({**PALLET, "sscc": SSCC[:-1] + "0"}, Medium())
    assert refused.value.field == "sscc"
    with pytest.raises(CodeRejected):
        parse_elements("00" + SSCC[:-1] + "0")


def test_a_label_that_is_too_narrow_for_its_symbol_is_refused() -> None:
    with pytest.raises(FieldRejected) as refused:
        pallet_label(PALLET, Medium(width_mm=80))
    assert refused.value.field == "width_mm"
