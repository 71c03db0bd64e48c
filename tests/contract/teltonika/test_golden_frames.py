"""Packets of the maker's documentation and of a vehicle are read as they should be."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from devices.drivers.teltonika.codec import (
    Record,
    alarm,
    crc16_ibm,
    decode_login,
    decode_packet,
    observed_at,
    packet_bytes,
    position,
)
from devices.drivers.teltonika.driver import TeltonikaSession
from kernel.geometry import Point
from kernel.messages import DeviceStatus, Observation, PositionReading, Rejected
from simulators.protocols.teltonika.frames import Codec, Fix, crc, packet, record
from tests.contract.terminals import NOW, EdgeInMemory, a_terminal

GOLDEN = tomllib.loads((Path(__file__).parent / "golden.toml").read_text())
LOGIN = bytes.fromhex(GOLDEN["login_hex"])
VEHICLE = bytes.fromhex(GOLDEN["packet"]["vehicle"]["hex"])


def a_session() -> TeltonikaSession:
    session = TeltonikaSession(EdgeInMemory(a_terminal(GOLDEN["login_imei"])))
    session.receive(LOGIN, NOW)
    return session


def with_crc(data: bytes) -> bytes:
    """A packet whose checksum is right whatever it holds."""
    return bytes(4) + len(data).to_bytes(4, "big") + data + crc16_ibm(data).to_bytes(4, "big")


@pytest.mark.parametrize("name", sorted(GOLDEN["packet"]))
def test_every_record_of_a_packet_is_read_with_its_own_time_and_elements(name: str) -> None:
    golden = GOLDEN["packet"][name]
    raw = bytes.fromhex(golden["hex"])
    assert packet_bytes(raw[:8]) == len(raw)
    read = decode_packet(raw)
    assert (read.stated_count, read.broken) == (golden["count"], None)
    for record_read, wanted in zip(read.records, golden["records"], strict=True):
        check(record_read, wanted)


def check(read: Record, wanted: dict[str, Any]) -> None:
    assert observed_at(read) == wanted["at"]
    assert read.priority == wanted["priority"]
    if "elements" in wanted:
        assert {str(name): value.hex() for name, value in read.elements.items()} == wanted["elements"]
        assert position(read) is None, "without satellites there is no fix"
        return
    where = position(read)
    assert where is not None
    assert where.point == Point(wanted["longitude_deg"], wanted["latitude_deg"], float(wanted["altitude_m"]))
    assert (where.frame, where.fix, where.satellites) == ("wgs84", "single", wanted["satellites"])
    assert where.heading_deg == wanted["heading_deg"]
    assert where.speed_mps == pytest.approx(wanted["speed_kmh"] / 3.6, abs=0.001)


def test_the_login_names_the_terminal() -> None:
    assert decode_login(LOGIN) == GOLDEN["login_imei"]
    assert LOGIN[2:] == GOLDEN["login_imei"].encode()


def test_both_ends_compute_the_same_checksum() -> None:
    data = VEHICLE[8:-4]
    assert crc16_ibm(data) == crc(data) == int.from_bytes(VEHICLE[-4:], "big")
    assert crc16_ibm(b"123456789") == 0xBB3D, "the check value of CRC-16/ARC"


@pytest.mark.parametrize("codec", [0x08, 0x8E, 0x10])
def test_what_the_simulated_terminal_sends_is_read_back(codec: Codec) -> None:
    fix = Fix(29.712345, 115.987654, 20, 90, 36, 11)
    elements = {182: (9).to_bytes(2, "big"), 252: b"\x01", 16: bytes(4), 78: bytes(8)}
    raw = packet([record(NOW, fix, elements=elements, priority=2, codec=codec)], codec)
    [read] = decode_packet(raw).records
    assert observed_at(read) == NOW
    assert position(read) == PositionReading(
        point=Point(115.987654, 29.712345, 20.0),
        frame="wgs84",
        heading_deg=90.0,
        speed_mps=10.0,
        sigma_m=pytest.approx(3.6),
        fix="single",
        satellites=11,
    )
    raised = alarm(read)
    assert raised is not None
    assert raised.alarms == ("sos", "power_lost")


def test_a_packet_that_is_sent_again_gives_the_same_identities() -> None:
    first, second = a_session(), a_session()
    [step], [again] = first.receive(VEHICLE, NOW), second.receive(VEHICLE, NOW)
    assert step.answer == again.answer == bytes([0, 0, 0, 3])
    assert step.items == again.items
    assert len({item.observation_id for item in step.items if isinstance(item, Observation)}) == 3


def test_no_fix_is_said_once_and_is_never_a_position() -> None:
    session = a_session()
    codes = [packet([record(NOW, Fix(29.7, 116.0, satellites=count))]) for count in (0, 0, 7)]
    steps = [step for code in codes for step in session.receive(code, NOW)]
    assert [step.answer for step in steps] == [bytes([0, 0, 0, 1])] * 3
    kinds = [[item.reading for item in step.items if isinstance(item, Observation)] for step in steps]
    assert kinds[0] == [DeviceStatus(state="fault", reason="no fix")]
    assert kinds[1] == []
    assert kinds[2][0] == DeviceStatus(state="online", reason="a fix again")
    assert isinstance(kinds[2][1], PositionReading)


# --- bad input: bytes, field, rule, whether the connection goes on ------------------------------------


@pytest.mark.parametrize(
    ("raw", "field", "rule", "answer", "ends"),
    [
        (VEHICLE[:-1] + b"\x00", "crc", "52CB at offset 226, 5200 is not", bytes(4), False),
        (with_crc(b"\x07" + VEHICLE[9:-4]), "codec", "08, 8E or 10 at offset 8, 07 is not", b"", False),
        (
            with_crc(VEHICLE[8:40] + b"\x03"),
            "element",
            "1 bytes at offset 41, where 0 are left",
            bytes([0, 0, 0, 3]),
            False,
        ),
        (
            with_crc(VEHICLE[8:-5] + b"\x02"),
            "count",
            "3 again at offset 225, 2 is not",
            bytes([0, 0, 0, 3]),
            False,
        ),
        (b"\x00\x00\x00\x01" + VEHICLE[4:], "preamble", "four zero bytes at offset 0", b"", True),
        (bytes(4) + b"\x00\x00\x10\x01", "length", "3 to 4096 at offset 4, 4097 is not", b"", True),
    ],
    ids=["checksum", "codec", "truncated", "count", "preamble", "over-long"],
)
def test_bad_packets_are_set_aside_with_offset_and_rule(
    raw: bytes, field: str, rule: str, answer: bytes, ends: bool
) -> None:
    session = a_session()
    [step] = session.receive(raw, NOW)
    entries = [item for item in step.items if isinstance(item, Rejected)]
    assert [(entry.device_id, entry.field) for entry in entries] == [("truck", field)]
    assert rule in entries[0].rule
    assert step.answer == answer
    assert bool(step.ends) is ends
    if not ends:
        [good] = session.receive(VEHICLE, NOW)
        assert good.answer == bytes([0, 0, 0, 3])


def test_the_good_records_before_a_broken_one_are_kept() -> None:
    data = VEHICLE[8:-4]
    session = a_session()
    [step] = session.receive(with_crc(data[:110] + b"\x03"), NOW)
    assert sum(isinstance(item, Observation) for item in step.items) == 1
    assert sum(isinstance(item, Rejected) for item in step.items) == 1


def test_a_time_beyond_the_calendar_costs_only_its_record() -> None:
    good = record(NOW, Fix(29.7, 116.0))
    session = a_session()
    [step] = session.receive(packet([b"\xff" * 8 + good[8:], good]), NOW)
    rejected, kept = step.items
    assert isinstance(rejected, Rejected)
    assert rejected.field == "timestamp"
    assert isinstance(kept, Observation)
    assert step.answer == bytes([0, 0, 0, 2])


def test_a_terminal_that_nobody_enrolled_is_refused_and_named() -> None:
    session = TeltonikaSession(EdgeInMemory())
    [step] = session.receive(LOGIN + VEHICLE, NOW)
    assert (step.answer, bool(step.ends)) == (b"\x00", True)
    assert step.turned_away is not None
    assert step.turned_away.name == GOLDEN["login_imei"]
    assert session.terminal is None


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\n\r\n", b"\x00\x0eABCDEFGHIJKLMNO", b"\x00\x0f35630704244101X"]
)
def test_what_is_no_login_ends_the_connection(said: bytes) -> None:
    session = TeltonikaSession(EdgeInMemory(a_terminal(GOLDEN["login_imei"])))
    [step] = session.receive(said, NOW)
    assert step.ends
    assert step.turned_away is not None
    assert step.turned_away.field == "login"
    assert session.receive(LOGIN, NOW) == []


def test_a_ping_between_packets_is_passed_over() -> None:
    session = a_session()
    assert session.receive(b"\xff", NOW) == []
    [step] = session.receive(b"\xff" + VEHICLE, NOW)
    assert step.answer == bytes([0, 0, 0, 3])
