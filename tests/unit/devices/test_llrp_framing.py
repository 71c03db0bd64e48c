"""What the framing and the report decoder refuse, field by field."""

import pytest

from devices.drivers.llrp import codec
from devices.drivers.llrp.framing import (
    FRAME_BYTES_MAX,
    RAW_BYTES_MAX,
    Frame,
    FrameRejected,
    FrameSplitter,
    frame,
    parameters,
    tlv,
)

KEEPALIVE = "043E0000000A00000001"
EPC_96 = "8D3034257BF7194E4000003039"


@pytest.mark.parametrize(
    ("header", "field", "is_fatal"),
    [
        ("243E0000000A00000001", "header.reserved", False),
        ("003E0000000A00000001", "header.version", False),
        ("0C3E0000000A00000001", "header.version", False),
        ("043E0000000900000001", "header.length", True),
        ("043E0000000000000001", "header.length", True),
        (f"043E{FRAME_BYTES_MAX + 1:08X}00000001", "header.length", True),
    ],
)
def test_a_bad_header_names_its_field(header: str, field: str, is_fatal: bool) -> None:
    splitter = FrameSplitter()
    first, *rest = splitter.feed(bytes.fromhex(header + KEEPALIVE))
    assert isinstance(first, FrameRejected)
    assert (first.field, first.is_fatal) == (field, is_fatal)
    assert [message.message_id for message in rest if isinstance(message, Frame)] == ([] if is_fatal else [1])
    assert splitter.is_lost == is_fatal


def test_a_lost_stream_gives_nothing_more() -> None:
    splitter = FrameSplitter()
    splitter.feed(bytes.fromhex("043E0000000900000001"))
    assert splitter.feed(bytes.fromhex(KEEPALIVE)) == []


def test_a_frame_of_the_largest_size_is_taken() -> None:
    splitter = FrameSplitter(frame_bytes_max=64)
    (largest,) = splitter.feed(frame(1023, 1, bytes(54)))
    assert isinstance(largest, Frame)
    (too_large,) = splitter.feed(frame(1023, 1, bytes(55)))
    assert isinstance(too_large, FrameRejected)


def test_only_so_many_raw_bytes_are_kept() -> None:
    assert len(FrameRejected("field", "rule", bytes(RAW_BYTES_MAX + 1)).raw) == RAW_BYTES_MAX


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ("00F00000", "body.240.length", "must be 4 to 4, is 0"),
        ("00F00003", "body.240.length", "must be 4 to 4, is 3"),
        ("00F00005", "body.240.length", "must be 4 to 4, is 5"),
        ("04F00004", "body.240", "the first six bits of a TLV parameter must be 0"),
        ("00F0", "body", "2 stray bytes at the end"),
        ("8100", "body.1", "must have 2 bytes of value"),
        ("FF00", "body.127", "TV parameter of unknown size"),
    ],
)
def test_a_bad_parameter_names_its_field_and_rule(body: str, field: str, rule: str) -> None:
    with pytest.raises(FrameRejected) as caught:
        list(parameters(bytes.fromhex(body), "body"))
    assert (caught.value.field, caught.value.rule) == (field, rule)
    assert caught.value.raw == bytes.fromhex(body)


def rejections(*tag_parameters: str) -> list[tuple[str, str]]:
    body = tlv(240, *(bytes.fromhex(parameter) for parameter in tag_parameters))
    (message,) = FrameSplitter().feed(frame(61, 1, body))
    assert isinstance(message, Frame)
    reports = codec.decode(message)
    assert isinstance(reports, codec.TagReports)
    assert all(error.raw == body for error in reports.rejected), "the whole report is kept for quarantine"
    return [(error.field, error.rule) for error in reports.rejected]


@pytest.mark.parametrize(
    ("tag_parameters", "rejected"),
    [
        ([EPC_96, "810001"], []),
        (["00F10008006000AA"], [("tag.241", "96 bits of EPC in 2 bytes")]),
        (["00F100060000"], [("tag.241", "0 bits of EPC in 0 bytes")]),
        (["00F1000500"], [("tag.241", "must have 2 bytes, has 1")]),
        (["810001"], [("tag.epc", "EPC-96 or EPCData is missing")]),
        (
            [EPC_96, "84FFFFFFFFFFFFFFFF"],
            [("tag.timestamp", "18446744073709551615 us is past the year 9999")],
        ),
        (["8D3034"], [("tag.13", "must have 12 bytes of value")]),
    ],
)
def test_a_bad_tag_report_names_its_field_and_rule(
    tag_parameters: list[str], rejected: list[tuple[str, str]]
) -> None:
    assert rejections(*tag_parameters) == rejected


def test_an_epc_whose_bits_do_not_fill_the_last_byte_keeps_that_byte() -> None:
    (message,) = FrameSplitter().feed(frame(61, 1, tlv(240, bytes.fromhex("00F10008000CABC0"))))
    assert isinstance(message, Frame)
    reports = codec.decode(message)
    assert isinstance(reports, codec.TagReports)
    assert [report.epc_hex for report in reports.reports] == ["ABC0"]


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        (63, b"", "event.246"),
        (63, tlv(246, tlv(256, b"\x00")), "event.256"),
        (63, tlv(246, tlv(255, b"\x00\x00")), "event.255"),
        (63, tlv(246, tlv(252, b"\x00\x09abc")), "event.252"),
        (30, b"", "response.30.287"),
        (30, tlv(287, b"\x00"), "status.code"),
        (30, tlv(287, b"\x00\x00\x00\x05no"), "status.description"),
        (11, tlv(137, bytes(8)), "capabilities"),
        (36, tlv(177, bytes(5)), "rospec"),
    ],
)
def test_a_bad_body_names_its_field(kind: int, body: bytes, field: str) -> None:
    (message,) = FrameSplitter().feed(frame(kind, 1, body))
    assert isinstance(message, Frame)
    with pytest.raises(FrameRejected) as caught:
        codec.decode(message)
    assert caught.value.field == field
    assert not caught.value.is_fatal
