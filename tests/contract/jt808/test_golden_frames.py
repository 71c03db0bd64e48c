"""Frames of the standard, of a foreign library and of real terminals are read as they should be."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from devices.drivers.jt808 import codec
from devices.drivers.jt808.driver import Jt808Session
from devices.drivers.jt808.framing import Bad, Deframer, Message, encode, escaped, unescaped
from devices.transport.terminals import Step, Terminal, code_digest
from kernel.geometry import Point
from kernel.messages import DeviceStatus, Observation, PositionReading, Rejected, TerminalAlarm
from simulators.protocols.jt808.frames import (
    Fix,
    answers,
    authentication,
    batch,
    frame,
    location,
    message,
    registration,
)
from tests.contract.terminals import NOW, SITE, EdgeInMemory

GOLDEN: dict[str, dict[str, Any]] = tomllib.loads((Path(__file__).parent / "golden.toml").read_text())
CODE = "a-code-of-16-let"


def the_message(name: str) -> Message:
    [found] = Deframer().feed(bytes.fromhex(GOLDEN[name]["hex"]))
    assert isinstance(found, Message), found
    return found


def a_terminal(number: str, *, code: str | None = CODE, is_used: bool = True) -> Terminal:
    return Terminal(
        device_id="truck",
        site_id=SITE,
        name=number,
        code_sha256=None if code is None else code_digest(code),
        is_code_used=is_used,
    )


def a_session(number: str, *, is_2019: bool = False) -> Jt808Session:
    """Of a terminal that has shown its code."""
    session = Jt808Session(EdgeInMemory(a_terminal(number)))
    code = authentication(CODE, "123456789012345", is_2019=is_2019)
    [step] = session.receive(message(0x0102, number, 0, code, is_2019=is_2019)[0], NOW)
    assert not step.ends
    return session


def readings(step: Step) -> list[Any]:
    return [item.reading for item in step.items if isinstance(item, Observation)]


def result_of(step: Step) -> int:
    [answer], _ = answers(step.answer)
    return answer.body[-1]


@pytest.mark.parametrize("name", [name for name in GOLDEN if name.endswith("location")])
def test_a_position_report_is_read_with_the_terminals_own_time(name: str) -> None:
    golden, told = GOLDEN[name], the_message(name)
    assert (told.message_id, told.number, told.serial) == (0x0200, golden["number"], golden["serial"])
    read = codec.decode_location(told.body)
    assert read.at == golden["at"]
    assert list(read.alarms) == golden.get("alarms", [])
    assert not read.is_clipped
    where = read.position
    assert where is not None
    assert where.point == Point(golden["longitude_deg"], golden["latitude_deg"], float(golden["altitude_m"]))
    assert (where.frame, where.heading_deg, where.satellites) == (
        "wgs84",
        golden["heading_deg"],
        golden["satellites"],
    )
    assert where.speed_mps == pytest.approx(golden["speed_kmh"] / 3.6, abs=0.001)


@pytest.mark.parametrize("name", ["batch", "batch-without-fix"])
def test_stored_positions_are_read_each_with_its_own_time(name: str) -> None:
    golden = GOLDEN[name]
    session = a_session(golden["number"])
    [step] = session.receive(bytes.fromhex(golden["hex"]), NOW)
    found = [item for item in step.items if isinstance(item, Observation)]
    positions = [item for item in found if isinstance(item.reading, PositionReading)]
    assert len(positions) == golden["positions"]
    assert (found[0].observed_at, found[-1].observed_at) == (golden["first_at"], golden["last_at"])
    assert all(item.quality == "good" for item in found)
    assert result_of(step) == codec.DONE


def test_no_fix_is_said_once_and_is_never_a_position() -> None:
    golden = GOLDEN["batch-without-fix"]
    [step] = a_session(golden["number"]).receive(bytes.fromhex(golden["hex"]), NOW)
    no_fix, fixed, where = readings(step)
    assert no_fix == DeviceStatus(state="fault", reason="no fix")
    assert fixed == DeviceStatus(state="online", reason="a fix again")
    assert isinstance(where, PositionReading)


def test_the_answer_is_the_one_of_the_reference() -> None:
    golden = GOLDEN["reference-location"]
    told = the_message("reference-location")
    answer = encode(codec.GENERAL_REPLY, told.address, 0, codec.general_reply(told, codec.DONE))
    assert answer.hex().upper() == golden["answer"]


def test_heartbeats_of_both_forms_are_answered_in_the_form_they_came_in() -> None:
    for name in ("heartbeat", "reference-heartbeat-2019"):
        golden, told = GOLDEN[name], the_message(name)
        assert (told.message_id, told.number, told.serial) == (0x0002, golden["number"], golden["serial"])
        session = a_session(golden["number"], is_2019=told.is_2019)
        [step] = session.receive(bytes.fromhex(golden["hex"]), NOW)
        [answered] = Deframer().feed(step.answer)
        assert isinstance(answered, Message)
        assert answered.address == told.address
        assert answered.body == told.serial.to_bytes(2, "big") + b"\x00\x02\x00"


def test_a_registration_is_read_and_a_code_is_read_out_of_an_authentication() -> None:
    told = the_message("registration")
    assert (told.message_id, told.number, told.serial) == (0x0100, "14130567872", 36)
    shown = the_message("authentication")
    assert codec.decode_code(shown, shown.body) == GOLDEN["authentication"]["code"]


# --- registration and authentication -----------------------------------------------------------------


@pytest.mark.parametrize("is_2019", [False, True])
def test_a_terminal_is_issued_a_code_and_shows_it(is_2019: bool) -> None:
    home = EdgeInMemory(a_terminal("13800138000", code=None, is_used=False))
    session = Jt808Session(home)
    asks = message(0x0100, "13800138000", 5, registration("京A12345", is_2019=is_2019), is_2019=is_2019)
    [issued] = session.receive(asks[0], NOW)
    [answer], _ = answers(issued.answer)
    assert (answer.message_id, answer.body[:3]) == (0x8100, b"\x00\x05\x00")
    code = answer.body[3:].decode()
    assert code == "code-1"
    assert issued.code is not None
    assert issued.code[0] == code_digest(code)
    assert session.terminal is None, "a registration alone admits nobody"
    home.terminals["13800138000"] = a_terminal("13800138000", code=code, is_used=False)
    shows = authentication(code, "123456789012345", is_2019=is_2019)
    [admitted] = session.receive(message(0x0102, "13800138000", 6, shows, is_2019=is_2019)[0], NOW)
    assert result_of(admitted) == codec.DONE
    assert session.terminal is not None


def test_a_registration_is_closed_once_a_code_was_used() -> None:
    session = Jt808Session(EdgeInMemory(a_terminal("13800138000")))
    [step] = session.receive(message(0x0100, "13800138000", 5, registration("", is_2019=False))[0], NOW)
    assert answers(step.answer)[0][0].body == b"\x00\x05\x03"
    assert step.ends
    assert step.turned_away is not None
    assert step.turned_away[:2] == ("truck", "registration")


@pytest.mark.parametrize(
    ("message_id", "body", "number", "field", "answer"),
    [
        (0x0100, registration("", is_2019=False), "13900139000", "terminal_number", b"\x00\x05\x04"),
        (0x0102, CODE.encode(), "13900139000", "terminal_number", b"\x00\x05\x01\x02\x01"),
        (0x0102, b"another code", "13800138000", "authentication_code", b"\x00\x05\x01\x02\x01"),
        (0x0102, b"", "13800138000", "authentication_code", b"\x00\x05\x01\x02\x01"),
        (0x0200, location(NOW, Fix(29.7, 116.0)), "13800138000", "message_id", b"\x00\x05\x02\x00\x01"),
        (0x0100, b"too short", "13800138000", "body", b"\x00\x05\x04"),
    ],
    ids=["unknown", "unknown with a code", "wrong code", "no code", "not authenticated", "short"],
)
def test_who_may_not_come_in_is_told_and_turned_away(
    message_id: int, body: bytes, number: str, field: str, answer: bytes
) -> None:
    session = Jt808Session(EdgeInMemory(a_terminal("13800138000")))
    [step] = session.receive(message(message_id, number, 5, body)[0], NOW)
    assert step.turned_away is not None
    assert step.turned_away.field == field
    assert answers(step.answer)[0][0].body == answer
    assert step.ends
    assert session.receive(message(0x0102, "13800138000", 6, CODE.encode())[0], NOW) == []


def test_a_terminal_whose_code_no_longer_holds_is_turned_away_though_it_was_admitted() -> None:
    home = EdgeInMemory(a_terminal("13800138000"))
    session = Jt808Session(home)
    session.receive(message(0x0102, "13800138000", 0, CODE.encode())[0], NOW)
    home.terminals["13800138000"] = a_terminal("13800138000", code=None, is_used=False)
    [step] = session.receive(message(0x0102, "13800138000", 1, CODE.encode())[0], NOW)
    assert step.ends


# --- what makes one reading of two ---------------------------------------------------------------------


def test_a_report_that_comes_live_and_again_as_a_stored_one_is_the_same() -> None:
    at = NOW.replace(microsecond=0)
    report = location(at, Fix(29.712345, 115.987654, alarms=1))
    live, stored = a_session("13800138000"), a_session("13800138000")
    [first] = live.receive(message(0x0200, "13800138000", 9, report)[0], NOW)
    [again] = stored.receive(message(0x0704, "13800138000", 700, batch([report]))[0], NOW)
    assert first.items == again.items
    assert [type(reading) for reading in readings(first)] == [TerminalAlarm, PositionReading]
    assert len({item.observation_id for item in first.items if isinstance(item, Observation)}) == 2


# --- split messages ----------------------------------------------------------------------------------


@pytest.mark.parametrize("is_2019", [False, True])
def test_a_split_message_is_put_together_and_every_part_is_answered(is_2019: bool) -> None:
    reports = [location(NOW, Fix(29.7 + step / 1e4, 116.0)) for step in range(50)]
    frames = message(0x0704, "13800138000", 0xFFFD, batch(reports), is_2019=is_2019, split_at=300)
    assert len(frames) == 6
    session = a_session("13800138000", is_2019=is_2019)
    *before, last = [session.receive(part, NOW) for part in frames]
    assert before == [[]] * 5
    [step] = last
    assert len(readings(step)) == 50
    found, _ = answers(step.answer)
    serials = [int.from_bytes(answer.body[:2], "big") for answer in found]
    assert serials == [0xFFFD, 0xFFFE, 0xFFFF, 0, 1, 2]


@pytest.mark.parametrize("is_2019", [False, True])
def test_missing_parts_are_asked_for_when_the_terminal_waits(is_2019: bool) -> None:
    reports = [location(NOW, Fix(29.7 + step / 1e4, 116.0)) for step in range(50)]
    frames = message(0x0704, "13800138000", 40, batch(reports), is_2019=is_2019, split_at=300)
    session = a_session("13800138000", is_2019=is_2019)
    for part in (frames[0], frames[2], frames[3]):
        assert session.receive(part, NOW) == []
    [step] = session.receive(frames[5], NOW)
    [asked], _ = answers(step.answer)
    count = b"\x00\x02" if is_2019 else b"\x02"
    assert (asked.message_id, asked.body) == (0x8003, b"\x00\x28" + count + b"\x00\x02\x00\x05")
    assert session.receive(frames[1], NOW) == []
    [whole] = session.receive(frames[4], NOW)
    assert len(readings(whole)) == 50


def test_a_part_that_is_repeated_shows_that_the_terminal_waits() -> None:
    frames = message(0x0704, "13800138000", 40, batch([location(NOW, Fix(29.7, 116.0))]), split_at=20)
    session = a_session("13800138000")
    assert session.receive(frames[0], NOW) == []
    [step] = session.receive(frames[0], NOW)
    assert answers(step.answer)[0][0].message_id == 0x8003


# --- bad input ---------------------------------------------------------------------------------------

GOOD = location(NOW, Fix(29.712345, 115.987654), {0x31: b"\x09"})


def the_frame(body: bytes, *, message_id: int = 0x0200, attributes: int | None = None) -> bytes:
    head = message_id.to_bytes(2, "big")
    head += (len(body) if attributes is None else attributes).to_bytes(2, "big")
    return frame(head + bytes.fromhex("013800138000") + b"\x00\x07" + body)


@pytest.mark.parametrize(
    ("raw", "field", "rule", "result"),
    [
        (the_frame(GOOD)[:-2] + b"\x00\x7e", "checksum", "XOR of all before it, at offset 43", None),
        (b"\x7e\x02\x00\x7d\x03\x00\x7e", "escape", "7D 01 or 7D 02 at offset 2", None),
        (b"\x7e" + b"\x00" * 2_101 + b"\x7e", "frame", "at most 2100 bytes before the next 7E", None),
        (the_frame(GOOD, attributes=len(GOOD) + 1), "attributes", "31 bytes of body, not 32", None),
        (the_frame(GOOD, attributes=len(GOOD) | 1 << 10), "attributes", "not encrypted", None),
        (
            frame(b"\x02\x00\x40\x00\x02" + bytes(10) + b"\x00\x07"),
            "version",
            "1 at offset 4, 2 is not",
            None,
        ),
        (frame(b"\x02\x00\x20\x00" + bytes(8) + b"\x00\x02\x00\x03"), "part", "1 to 2 of", None),
        (frame(b"\x02\x00"), "attributes", "2 bytes at offset 2, where 0 are left", None),
        (the_frame(GOOD[:24]), "time", "6 bytes at offset 22", codec.MALFORMED),
        (the_frame(GOOD[:22] + b"\x26\x13\x41" + GOOD[25:]), "time", "BCD of", codec.MALFORMED),
        (the_frame(b"\x00", message_id=0x0704), "count", "2 bytes at offset 0", codec.MALFORMED),
        (the_frame(GOOD, message_id=0x0900), "message_id", "0900 is not", codec.UNSUPPORTED),
    ],
    ids=[
        "checksum",
        "escape",
        "over-long",
        "length",
        "cipher",
        "version",
        "part",
        "truncated head",
        "truncated body",
        "impossible time",
        "truncated batch",
        "unknown message",
    ],
)
def test_bad_frames_are_set_aside_with_rule_and_offset_and_the_connection_goes_on(
    raw: bytes, field: str, rule: str, result: int | None
) -> None:
    session = a_session("13800138000")
    [step] = session.receive(raw, NOW)
    [entry] = step.items
    assert isinstance(entry, Rejected)
    assert (entry.device_id, entry.field) == ("truck", field)
    assert rule in entry.rule
    assert entry.raw
    assert (result_of(step) if step.answer else None) == result
    assert not step.ends
    [good] = session.receive(the_frame(GOOD), NOW)
    assert len(readings(good)) == 1


def test_an_extra_that_says_it_is_longer_than_the_rest_is_cut_and_the_position_kept() -> None:
    body = location(NOW, Fix(29.712345, 115.987654), {0x31: b"\x09"}) + b"\xeb\x40\x01\x02"
    [step] = a_session("13800138000").receive(the_frame(body), NOW)
    [item] = step.items
    assert isinstance(item, Observation)
    assert isinstance(item.reading, PositionReading)
    assert item.reading.satellites == 9
    assert item.quality == "suspect"
    assert result_of(step) == codec.DONE


def test_a_batch_that_ends_early_gives_what_is_there() -> None:
    body = batch([GOOD, GOOD[:21] + b"\x30" + GOOD[22:]])[:-1]
    [step] = a_session("13800138000").receive(the_frame(body, message_id=0x0704), NOW)
    assert len(readings(step)) == 2
    whole = batch([GOOD])
    [step] = a_session("13800138000").receive(the_frame(b"\x00\x03" + whole[2:], message_id=0x0704), NOW)
    assert len(readings(step)) == 1
    assert [item.field for item in step.items if isinstance(item, Rejected)] == ["count"]
    assert result_of(step) == codec.DONE


def test_another_number_on_the_same_connection_is_set_aside() -> None:
    session = a_session("13800138000")
    [step] = session.receive(message(0x0200, "13900139000", 1, GOOD)[0], NOW)
    [entry] = step.items
    assert isinstance(entry, Rejected)
    assert entry.field == "terminal_number"


def test_what_is_no_frame_at_all_ends_a_connection_that_nobody_owns() -> None:
    session = Jt808Session(EdgeInMemory())
    [step] = session.receive(b"GET / HTTP/1.1\r\n\r\n\x7e", NOW)
    assert step.ends
    assert step.turned_away is not None


# --- our encoder against the simulated terminal's --------------------------------------------------------


def test_both_ends_escape_alike() -> None:
    every = bytes(range(256)) + b"\x7d\x7e\x7e\x7d\x7d\x01\x7d\x02"
    assert unescaped(escaped(every)) == every
    checked = frame(every)[1:-1]
    assert unescaped(checked)[:-1] == every
    assert b"\x7e" not in checked


def test_western_and_southern_places_have_their_sign() -> None:
    read = codec.decode_location(location(NOW, Fix(-34.9, -56.2)))
    assert read.position is not None
    assert read.position.point == Point(-56.2, -34.9, 20.0)
    assert read.at == datetime.fromisoformat(NOW.isoformat())


def test_two_frames_may_share_a_flag_and_bad_ones_between_cost_only_themselves() -> None:
    good = the_frame(GOOD)
    found = Deframer().feed(good + good[1:] + b"\x00\x01\x7e" + good)
    assert [type(one) for one in found] == [Message, Message, Bad, Message]
