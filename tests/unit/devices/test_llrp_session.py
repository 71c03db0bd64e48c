"""The client's session, fed by hand: no sockets, no simulated reader."""

import struct
from datetime import UTC, datetime

import pytest

from devices.drivers.llrp.framing import Frame, FrameRejected, FrameSplitter, MessageType, frame, tlv
from devices.drivers.llrp.requests import RoSpec
from devices.drivers.llrp.session import Ended, InputChanged, LlrpSession, Noticed, Ready, TagHeard

ROSPEC = RoSpec(antennas=(1, 2))
OK = tlv(287, struct.pack(">HH", 0, 0))
EPC_96 = bytes([0x8D]) + bytes.fromhex("3034257BF7194E4000003039")
SEEN_US = 1_795_413_330_000_000


def event(*events: bytes) -> bytes:
    return frame(63, 0, tlv(246, tlv(128, struct.pack(">Q", SEEN_US)), *events))


def connection(status: int) -> bytes:
    return event(tlv(256, struct.pack(">H", status)))


def asked(session: LlrpSession) -> list[tuple[int, int]]:
    """Type and id of the requests to send."""
    messages = FrameSplitter().feed(session.bytes_to_send())
    return [(message.type, message.message_id) for message in messages if isinstance(message, Frame)]


def a_session(
    *rospecs: tuple[int, int], versions: tuple[int, int] = (1, 1), inputs: tuple[int, ...] = ()
) -> tuple[LlrpSession, list[object], list[int]]:
    """A session whose reader holds `rospecs` (id, state), speaks `versions` (current, latest) and grants
    everything, with the requests it got."""
    session, happenings, requests = LlrpSession(ROSPEC, keepalive_ms=5000, inputs=inputs), [], []
    happenings += session.receive(connection(0))
    while pending := asked(session):
        for kind, number in pending:
            requests.append(kind)
            if kind == MessageType.ENABLE_EVENTS_AND_REPORTS:
                continue
            first, extra = b"", b""
            if kind == MessageType.GET_SUPPORTED_VERSION:
                first = bytes(versions)
            if kind == MessageType.GET_READER_CAPABILITIES:
                ports = tlv(141, struct.pack(">HH", 2, 2))
                extra = tlv(137, struct.pack(">HHIIH", 4, 0x4000, 0, 0, 0), ports)
            if kind == MessageType.GET_ROSPECS:
                extra = b"".join(tlv(177, struct.pack(">IBB", name, 0, state)) for name, state in rospecs)
            happenings += session.receive(frame(kind + 10, number, first + OK + extra))
    return session, happenings, requests


def report(*fields: bytes) -> bytes:
    return frame(61, 9, tlv(240, EPC_96, *fields))


def test_an_idle_reader_gets_its_operation_anew() -> None:
    session, happenings, requests = a_session()
    assert requests == [46, 1, 3, 26, 21, 20, 24, 22, 64]
    assert isinstance(happenings[-1], Ready)
    assert not happenings[-1].was_running
    assert session.is_ready


def test_a_reader_that_still_runs_our_operation_is_not_restarted() -> None:
    _, happenings, requests = a_session((ROSPEC.rospec_id, 2))
    assert requests == [46, 1, 3, 26, 64]
    assert isinstance(happenings[-1], Ready)
    assert happenings[-1].was_running


@pytest.mark.parametrize(
    "held",
    [
        [(ROSPEC.rospec_id, 1)],
        [(ROSPEC.rospec_id + 1, 2)],
        [(ROSPEC.rospec_id, 2), (99, 2)],
        [(RoSpec(antennas=(1,)).rospec_id, 2)],
    ],
)
def test_any_other_operation_is_replaced(held: list[tuple[int, int]]) -> None:
    _, _, requests = a_session(*held)
    assert requests == [46, 1, 3, 26, 21, 20, 24, 22, 64]


@pytest.mark.parametrize(("status", "retry_after_s"), [(1, 30.0), (2, 30.0), (3, 60.0), (4, 5.0), (9, 60.0)])
def test_a_refused_connection_says_when_to_come_back(status: int, retry_after_s: float) -> None:
    session = LlrpSession(ROSPEC, keepalive_ms=5000)
    (ended,) = session.receive(connection(status))
    assert isinstance(ended, Ended)
    assert (ended.kind, ended.retry_after_s) == ("busy", retry_after_s)
    assert asked(session) == []


def test_nothing_is_asked_before_the_reader_has_spoken() -> None:
    session = LlrpSession(ROSPEC, keepalive_ms=5000)
    assert session.receive(frame(62, 1)) == []
    assert asked(session) == [(MessageType.KEEPALIVE_ACK, 1)]


def test_a_refused_request_ends_the_session_with_the_readers_words() -> None:
    session = LlrpSession(ROSPEC, keepalive_ms=5000, asks_versions=False)
    session.receive(connection(0))
    ((_, number),) = asked(session)
    status = tlv(287, struct.pack(">HH", 401, 6), b"no RF!")
    rejected, ended = session.receive(frame(11, number, status))
    assert isinstance(rejected, FrameRejected)
    assert (rejected.field, rejected.rule) == (
        "capabilities",
        "accepted by the reader, which says status 401 no RF!",
    )
    assert rejected.raw == frame(11, number, status)
    assert ended == Ended("refused", "the reader refused capabilities: status 401 no RF!")


def versions_in(data: bytes) -> list[tuple[int, int]]:
    """Version and type of the messages in `data`."""
    messages = FrameSplitter().feed(data)
    return [(message.version, message.type) for message in messages if isinstance(message, Frame)]


def test_a_reader_of_1_1_is_spoken_to_in_1_1_once_it_has_agreed() -> None:
    session, happenings, requests = a_session(versions=(1, 2))
    assert requests == [46, 47, 1, 3, 26, 21, 20, 24, 22, 64]
    assert isinstance(happenings[-1], Ready)
    assert happenings[-1].version == 2
    session.receive(frame(62, 7, version=2))
    assert versions_in(session.bytes_to_send()) == [(2, MessageType.KEEPALIVE_ACK)]


def test_a_reader_that_speaks_1_1_already_is_not_asked_to_change() -> None:
    _, happenings, requests = a_session(versions=(2, 2))
    assert requests[:2] == [46, 1]
    assert isinstance(happenings[-1], Ready)
    assert happenings[-1].version == 2


def test_questions_about_versions_are_of_1_1_whatever_is_spoken() -> None:
    session = LlrpSession(ROSPEC, keepalive_ms=5000)
    session.receive(connection(0))
    assert versions_in(session.bytes_to_send()) == [(2, 46)]
    session.receive(frame(62, 7) + frame(56, 1, b"\x01\x03" + OK))
    assert versions_in(session.bytes_to_send()) == [(1, MessageType.KEEPALIVE_ACK), (2, 47)]


@pytest.mark.parametrize("status", [109, 110, 401])
@pytest.mark.parametrize("refuses_the_change", [False, True])
def test_a_reader_that_refuses_the_question_or_the_change_is_spoken_to_in_1_0_1(
    status: int, refuses_the_change: bool
) -> None:
    session = LlrpSession(ROSPEC, keepalive_ms=5000)
    session.receive(connection(0))
    if refuses_the_change:
        session.receive(frame(56, 1, b"\x01\x02" + OK))
    number = 2 if refuses_the_change else 1
    assert session.is_negotiating
    session.bytes_to_send()
    assert session.receive(frame(100, number, tlv(287, struct.pack(">HH", status, 0)))) == []
    assert versions_in(session.bytes_to_send()) == [(1, MessageType.GET_READER_CAPABILITIES)]
    assert not session.is_negotiating


def test_an_input_that_the_reader_does_not_have_is_refused_by_number() -> None:
    _, happenings, _ = a_session(inputs=(1, 3))
    rejected, ended = happenings
    assert isinstance(rejected, FrameRejected)
    assert (rejected.field, rejected.rule) == ("inputs", "3 or more, is 2")
    assert ended == Ended("refused", "the reader has 2 inputs, not input 3")


def test_an_input_that_changes_is_told_with_the_readers_time() -> None:
    session, _, _ = a_session(inputs=(1, 2))
    message = event(tlv(248, struct.pack(">HB", 2, 0x80)))
    assert session.receive(message) == [
        InputChanged(2, True, datetime.fromtimestamp(SEEN_US // 1_000_000, UTC), message)
    ]
    without_clock = frame(63, 0, tlv(246, tlv(129, bytes(8)), tlv(248, b"\x00\x02\x00")))
    assert session.receive(without_clock) == [InputChanged(2, False, None, without_clock)]


@pytest.mark.parametrize(("kind", "is_looked_at"), [(0, False), (1, True), (2, True)])
def test_an_operation_that_is_said_to_have_ended_is_looked_at(kind: int, is_looked_at: bool) -> None:
    session, _, _ = a_session()
    session.receive(event(tlv(249, struct.pack(">BII", kind, ROSPEC.rospec_id, 0))))
    looked = asked(session)
    assert [kind for kind, _ in looked] == ([MessageType.GET_ROSPECS] if is_looked_at else [])
    for _, number in looked:
        assert session.receive(frame(36, number, OK)) == [Ended("lost", "the reader ended our inventory")]


def test_the_end_of_somebody_elses_operation_is_none_of_ours() -> None:
    session, _, _ = a_session()
    assert session.receive(event(tlv(249, struct.pack(">BII", 1, ROSPEC.rospec_id + 1, 0)))) == []
    assert asked(session) == []


def test_an_error_message_answers_a_request_the_reader_does_not_know() -> None:
    session = LlrpSession(ROSPEC, keepalive_ms=5000, asks_versions=False)
    session.receive(connection(0))
    ((_, number),) = asked(session)
    _, ended = session.receive(frame(100, number, tlv(287, struct.pack(">HH", 109, 0))))
    assert ended == Ended("refused", "the reader refused capabilities: status 109")


def test_answers_to_nothing_are_counted_and_passed_over() -> None:
    session, _, _ = a_session()
    assert session.receive(frame(30, 4711, OK)) == []
    assert session.receive(frame(1023, 1, b"\x00\x00\x65\x1a\x15")) == []
    assert session.skipped_messages == 2


def test_a_message_that_no_reader_sends_is_told_and_the_session_goes_on() -> None:
    session, _, _ = a_session()
    [rejected] = session.receive(frame(777, 1, b"\x01"))
    assert isinstance(rejected, FrameRejected)
    assert (rejected.field, rejected.is_fatal) == ("header.type", False)
    assert session.receive(frame(62, 2)) == []
    assert session.keepalives_heard == 1


def test_nothing_comes_after_the_end() -> None:
    session, _, _ = a_session()
    closing = event(tlv(257))
    assert session.receive(closing + report(b"\x81\x00\x01", b"\x86\xc4")) == [
        Ended("lost", "the reader closes the connection")
    ]


def test_a_knock_by_another_client_does_not_end_a_live_connection() -> None:
    session, _, _ = a_session()
    assert session.receive(connection(4)) == []
    (ended,) = session.receive(connection(3))
    assert isinstance(ended, Ended)


def test_a_field_left_out_is_the_last_one_sent() -> None:
    session, _, _ = a_session()
    last_seen = b"\x84" + struct.pack(">Q", SEEN_US)
    session.receive(report(b"\x81\x00\x02", b"\x86\xc7", last_seen, b"\x88\x00\x03"))
    (heard,) = session.receive(report(b"\x86\xc4"))
    assert isinstance(heard, TagHeard)
    assert (heard.antenna, heard.rssi_dbm, heard.seen_count) == (2, -60, 3)
    assert heard.seen_at == datetime.fromtimestamp(SEEN_US // 1_000_000, UTC)


def test_what_was_heard_on_one_connection_is_not_carried_to_the_next() -> None:
    session, _, _ = a_session()
    session.receive(report(b"\x81\x00\x02", b"\x86\xc7"))
    fresh, _, _ = a_session()
    (rejected,) = fresh.receive(report(b"\x86\xc4"))
    assert isinstance(rejected, FrameRejected)
    assert rejected.field == "tag.antenna"


def test_an_unknown_short_parameter_makes_a_report_suspect_but_not_lost() -> None:
    session, _, _ = a_session()
    (heard,) = session.receive(report(b"\x81\x00\x01", b"\x86\xc4", b"\xff\x01\x02"))
    assert isinstance(heard, TagHeard)
    assert heard.is_suspect
    assert session.skipped_parameters == 1


def test_an_unknown_long_parameter_is_skipped_and_counted() -> None:
    session, _, _ = a_session()
    custom = tlv(1023, b"\x00\x00\x65\x1a", b"\x00" * 8)
    (heard,) = session.receive(report(custom, b"\x81\x00\x01", b"\x86\xc4"))
    assert isinstance(heard, TagHeard)
    assert not heard.is_suspect
    assert session.skipped_parameters == 1


def test_a_time_past_the_calendar_is_rejected() -> None:
    session, _, _ = a_session()
    (rejected,) = session.receive(report(b"\x81\x00\x01", b"\x86\xc4", b"\x84" + b"\xff" * 8))
    assert isinstance(rejected, FrameRejected)
    assert rejected.field == "tag.timestamp"


def test_a_message_of_another_version_is_rejected_and_the_next_one_read() -> None:
    session, _, _ = a_session()
    other = frame(62, 1, version=3)
    rejected, heard = session.receive(other + report(b"\x81\x00\x01", b"\x86\xc4"))
    assert isinstance(rejected, FrameRejected)
    assert (rejected.field, rejected.is_fatal) == ("header.version", False)
    assert isinstance(heard, TagHeard)


def test_an_impossible_length_is_fatal_and_ends_the_session() -> None:
    session, _, _ = a_session()
    rejected, ended = session.receive(bytes.fromhex("043E0000000900000001"))
    assert isinstance(rejected, FrameRejected)
    assert rejected.is_fatal
    assert isinstance(ended, Ended)


def test_reader_troubles_are_told_as_they_are() -> None:
    session, _, _ = a_session()
    text = b"PA too hot"
    exception = tlv(252, struct.pack(">H", len(text)), text)
    assert session.receive(event(exception)) == [Noticed("fault", "reader exception: PA too hot")]
    assert session.receive(event(tlv(251))) == [
        Noticed("gap", "the reader's buffer overflowed and reports were lost")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"antennas": ()},
        {"antennas": (0,)},
        {"antennas": (1 << 16,)},
        {"antennas": (1,), "gen2_session": 4},
        {"antennas": (1,), "report_every_tags": 0},
        {"antennas": (1,), "tag_population": -1},
    ],
)
def test_an_operation_that_cannot_be_is_refused_at_once(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must"):
        RoSpec(**changes)  # type: ignore[arg-type]
