"""Both codecs against messages that neither of them wrote."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from devices.drivers.llrp import codec, requests
from devices.drivers.llrp.framing import Frame, FrameSplitter, with_version
from simulators.protocols.llrp import frames

SEEN_AT = datetime(2026, 11, 23, 5, 55, 30, tzinfo=UTC)


def decoded(message: str) -> codec.Message:
    (frame,) = FrameSplitter().feed(bytes.fromhex(message))
    assert isinstance(frame, Frame)
    return codec.decode(frame)


def only_report(message: str) -> codec.TagReport:
    reports = decoded(message)
    assert isinstance(reports, codec.TagReports)
    (report,) = reports.reports
    return report


def test_the_driver_reads_a_keepalive_and_writes_its_acknowledgement(golden: dict[str, str]) -> None:
    assert decoded(golden["keepalive"]) == codec.Keepalive(message_id=1)
    assert requests.keepalive_ack(1).hex().upper() == golden["keepalive_ack"]


def test_the_driver_reads_the_reference_tag_report(golden: dict[str, str]) -> None:
    report = only_report(golden["report_of_one_tag"])
    assert report.epc_hex == "3034257BF7194E4000003039"
    assert (report.antenna, report.rssi_dbm, report.seen_count) == (2, -57, 3)
    assert (report.first_seen_at, report.last_seen_at) == (None, SEEN_AT)


def test_the_driver_reads_every_field_a_report_may_carry(golden: dict[str, str]) -> None:
    report = only_report(golden["report_of_everything"])
    assert report.epc_hex == "E2806894000050123456789ABCDEF001"
    assert (report.antenna, report.rssi_dbm, report.seen_count) == (1, -68, 17)
    assert (report.first_seen_at, report.last_seen_at) == (SEEN_AT - timedelta(seconds=1), SEEN_AT)
    assert report.skipped_count == 7
    assert not report.is_suspect


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("connection_accepted", codec.ReaderEvent(at=SEEN_AT, connection_attempt=0)),
        ("connection_refused", codec.ReaderEvent(at=SEEN_AT, connection_attempt=2)),
        ("reader_closes", codec.ReaderEvent(is_closing=True)),
        ("antenna_lost", codec.ReaderEvent(at=SEEN_AT, antenna=2, antenna_is_connected=False)),
        ("beam_broken", codec.ReaderEvent(at=SEEN_AT, input=2, input_is_high=True)),
        ("operation_ended", codec.ReaderEvent(at=SEEN_AT, ended_rospec=17)),
    ],
)
def test_the_driver_reads_reader_events(golden: dict[str, str], name: str, event: codec.ReaderEvent) -> None:
    assert decoded(golden[name]) == event


def test_the_driver_reads_capabilities(golden: dict[str, str]) -> None:
    response = decoded(golden["capabilities"])
    assert isinstance(response, codec.Response)
    assert response.status == 0
    assert response.capabilities == codec.Capabilities(2, True, 25882, 2001002, "5.2", input_count=0)


def test_the_driver_reads_the_capabilities_of_a_reader_of_1_1(golden: dict[str, str]) -> None:
    response = decoded(golden["capabilities_of_1_1"])
    assert isinstance(response, codec.Response)
    assert response.capabilities == codec.Capabilities(2, True, 25882, 2001002, "6.0", input_count=4)


def test_the_driver_asks_for_versions_and_reads_the_answers(golden: dict[str, str]) -> None:
    assert requests.get_supported_version(1).hex().upper() == golden["get_versions"]
    assert requests.set_protocol_version(2).hex().upper() == golden["set_version"]
    assert decoded(golden["versions_of_a_new_reader"]) == codec.Response(
        56, 1, 0, versions=codec.Versions(current=1, latest=2)
    )
    assert decoded(golden["version_refused"]) == codec.Response(100, 1, 110)
    assert decoded(golden["version_set"]) == codec.Response(57, 2, 0)


def test_in_1_1_the_driver_sends_the_same_with_another_version(golden: dict[str, str]) -> None:
    sent = with_version(bytes.fromhex(golden["get_capabilities"]), 2)
    assert sent.hex().upper() == golden["get_capabilities"].replace("0401", "0801", 1)


def test_the_driver_reads_why_a_request_was_refused(golden: dict[str, str]) -> None:
    response = decoded(golden["refused_request"])
    assert isinstance(response, codec.Response)
    assert (response.message_id, response.status, response.description) == (11, 101, "no spec")


def test_the_driver_writes_requests_as_the_standard_lays_them_out(golden: dict[str, str]) -> None:
    rospec = requests.RoSpec(antennas=(1, 2))
    assert requests.get_reader_capabilities(1).hex().upper() == golden["get_capabilities"]
    assert requests.set_reader_config(2, keepalive_ms=5000).hex().upper() == golden["set_config"]
    with_beams = requests.set_reader_config(2, keepalive_ms=5000, inputs=(1, 2))
    assert with_beams.hex().upper() == golden["set_config_with_beams"]
    assert requests.enable_events_and_reports(8).hex().upper() == golden["enable_events_and_reports"]
    pattern = golden["add_rospec"].replace("?", "[0-9A-F]")
    assert re.fullmatch(pattern, requests.add_rospec(5, rospec).hex().upper())


def test_the_simulated_reader_understands_the_same_requests(golden: dict[str, str]) -> None:
    (config,) = frames.RequestBuffer().add(bytes.fromhex(golden["set_config"]))
    assert frames.read_settings(config.body) == frames.Settings(
        5000, True, frozenset({2, 3, 4, 8}), frozenset()
    )
    (config,) = frames.RequestBuffer().add(bytes.fromhex(golden["set_config_with_beams"]))
    assert frames.read_settings(config.body).inputs == {1, 2}
    (addition,) = frames.RequestBuffer().add(bytes.fromhex(golden["add_rospec"].replace("?", "1")))
    operation = frames.read_operation(addition.body)
    assert (operation.number, operation.antennas) == (0x11111111, frozenset({1, 2}))
    assert (operation.report_each, operation.with_fields) == (1, 0x1780)


def test_the_simulated_reader_writes_the_same_messages(golden: dict[str, str]) -> None:
    heard = frames.Heard("3034257BF7194E4000003039", 2, -5700, SEEN_AT, 3)
    without_first_seen = 0x1780 & ~0x0200
    report = frames.message(61, 5, frames.tag_report(heard, without_first_seen, 1, has_utc_clock=True))
    assert report.hex().upper() == golden["report_of_one_tag"]
    assert frames.message(62, 1).hex().upper() == golden["keepalive"]
    accepted = frames.event(0, SEEN_AT, frames.connection_attempt(0))
    assert accepted.hex().upper() == golden["connection_accepted"]
    refused = frames.event(0, SEEN_AT, frames.connection_attempt(2))
    assert refused.hex().upper() == golden["connection_refused"]
    lost = frames.event(9, SEEN_AT, frames.antenna_event(2, is_connected=False))
    assert lost.hex().upper() == golden["antenna_lost"]
    broken = frames.event(9, SEEN_AT, frames.input_event(2, is_high=True))
    assert broken.hex().upper() == golden["beam_broken"]
    ended = frames.event(9, SEEN_AT, frames.operation_ended(17))
    assert ended.hex().upper() == golden["operation_ended"]
    versions = frames.message(56, 1, frames.versions(1, 2), frames.status(0))
    assert versions.hex().upper() == golden["versions_of_a_new_reader"]
    assert frames.message(57, 2, frames.status(0), version=2).hex().upper() == golden["version_set"]
