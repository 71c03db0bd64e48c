"""Frames put together by hand from the profile, signed with OpenSSL:

    printf 010E…0000 | xxd -r -p | openssl dgst -sha256 -mac HMAC -macopt hexkey:$KEY

where KEY is the same command over `tallyhouse-tag-1`, scheme, number and 01, under the herd's key.
"""

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from devices.drivers.ear_tag.codec import MESSAGE_BYTES_MAX, REPORTS_MAX, decode
from devices.drivers.ear_tag.frame import FRAME_BYTES_MAX, key_of, verify
from devices.transport.decoding import Arrived, FieldRejected
from kernel.animals import AnimalId, animal_id
from kernel.messages import AnimalBeacon, DeviceStatus, Observation, Rejected, StationBeat

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
HERD_KEY = bytes(range(32))
ISO = bytes.fromhex(
    "010E 8000F9DCBE991A14 00000007 0BB8 0F0A 001A 012C 0502 FFD004080020 000004090000 5D589E34EB574424"
)
CHINESE = bytes.fromhex("0101 0000C3C4D871D74E 00000001 0BB8 C5E673296D1A053B")
BEACON = AnimalBeacon(
    animal_id="999123456789012",
    counter=7,
    rssi_cdbm=-8750,
    temperature_mc=38_500,
    motion_mg=26,
    lying_permille=300,
    burst_hz=5,
    burst_mg=((-48, 1032, 32), (0, 1033, 0)),
    battery_mv=3000,
    id_scheme="iso11784",
    key_id="630dcd2966c43366",
)


def report(frame: bytes = ISO, **more: Any) -> dict[str, Any]:
    return {
        "boot": 7,
        "sequence": 123,
        "observed_at": "2026-11-23T05:55:30.123Z",
        "rssi_dbm": -87.5,
        "frame": base64.b64encode(frame).decode(),
        **more,
    }


def read(said: Any, herd_key: bytes | None = HERD_KEY) -> list[Observation | Rejected]:
    payload = said if isinstance(said, bytes) else msgspec.json.encode(said)
    settings = {"herd_key": herd_key}
    arrived = Arrived(
        site_id="ranch", device_id="station", payload=payload, received_at=NOW, settings=settings
    )
    return decode(arrived, {})


def test_a_beacon_is_the_animals_own_as_the_station_heard_it() -> None:
    [beacon] = read(report())
    assert beacon.observation_id == "station:7:123"
    assert beacon.observed_at == datetime(2026, 11, 23, 5, 55, 30, 123_000, tzinfo=UTC)
    assert beacon.reading == BEACON


def test_a_chinese_tag_is_told_as_such() -> None:
    [beacon] = read(report(CHINESE))
    assert beacon.reading == AnimalBeacon(
        animal_id="215250212345678",
        counter=1,
        rssi_cdbm=-8750,
        battery_mv=3000,
        id_scheme="china",
        key_id="630dcd2966c43366",
    )


def test_the_key_of_a_tag_is_hkdf_of_the_herds_key() -> None:
    for number, info in (
        (AnimalId("iso11784", "999123456789012"), b"\0" + bytes.fromhex("8000F9DCBE991A14")),
        (AnimalId("china", "215250212345678"), b"\1" + bytes.fromhex("0000C3C4D871D74E")),
    ):
        expected = HKDFExpand(SHA256(), 32, b"tallyhouse-tag-1" + info).derive(HERD_KEY)
        assert key_of(number, HERD_KEY) == expected
    assert key_of(animal_id("999123456789012"), HERD_KEY).hex().startswith("0d8a9776b460259656dc45f2")


def test_a_station_says_that_it_listens() -> None:
    beat = {"uptime_s": 86400, "heard_count": 320, "battery_mv": 12600}
    [said] = read({"boot": 7, "sequence": 1, "observed_at": "2026-11-23T05:55:30Z", "beat": beat})
    assert said.reading == StationBeat(uptime_s=86400, heard_count=320, battery_mv=12600)
    [said] = read(
        {
            "boot": 7,
            "sequence": 2,
            "observed_at": "2026-11-23T05:55:30Z",
            "status": "fault",
            "reason": "radio",
        }
    )
    assert said.reading == DeviceStatus(state="fault", reason="radio")


@pytest.mark.parametrize("place", range(len(ISO)))
def test_a_frame_with_any_byte_changed_is_not_its_tags(place: int) -> None:
    changed = bytearray(ISO)
    changed[place] ^= 1
    [rejected] = read(report(bytes(changed)))
    assert isinstance(rejected, Rejected)
    assert rejected.field in ("frame.mac", "frame.version")
    assert (rejected.boot, rejected.sequence) == (7, 123)


def test_a_frame_under_another_herds_key_is_not_its_tags() -> None:
    [rejected] = read(report(), herd_key=bytes(32))
    assert (rejected.field, rejected.rule) == (
        "frame.mac",
        "made with the tag's key: 8 bytes at offset 36",
    )


def test_without_the_herds_key_a_report_is_kept_by_its_station() -> None:
    [rejected] = read(report(), herd_key=None)
    assert isinstance(rejected, Rejected)
    assert (rejected.field, rejected.boot, rejected.sequence) == ("herd_key", None, None)


def test_a_list_is_read_in_its_order_and_one_bad_report_costs_only_itself() -> None:
    items = read([report(), report(b"\x01", sequence=124), report(CHINESE, sequence=125)])
    assert [(type(item).__name__, item.sequence) for item in items] == [
        ("Observation", 123),
        ("Rejected", 124),
        ("Observation", 125),
    ]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (b"{", "message"),
        (b"[]", "message"),
        (b"[" + b"{}," * REPORTS_MAX + b"{}]", "message"),
        (b" " * (MESSAGE_BYTES_MAX + 1), "message"),
        (b"7", "report"),
        (report(frame=b""), "frame"),
        (report(ISO[:23]), "frame"),
        (report(ISO + bytes(FRAME_BYTES_MAX)), "frame"),
        (report(b"\x02" + ISO[1:]), "frame.version"),
        (report(b"\x01\x4e" + ISO[2:]), "frame.flags"),
        (report() | {"frame": "not base 64"}, "frame"),
        (report() | {"rssi_dbm": None}, "rssi_dbm"),
        (report() | {"rssi_dbm": 1e300}, "rssi_dbm"),
        (report() | {"observed_at": "2026-11-23T05:55:30"}, "observed_at"),
        (report() | {"frame": None}, "frame"),
        (report() | {"boot": "7"}, "boot"),
    ],
)
def test_what_is_wrong_is_set_aside_under_its_field(said: Any, field: str) -> None:
    [rejected] = read(said)
    assert isinstance(rejected, Rejected)
    assert rejected.field == field
    assert rejected.rule


@pytest.mark.parametrize(
    ("said", "field", "rule"),
    [
        ("010E 8000F9DCBE991A14 00000007 0BB8 0F0A", "frame.motion", "2 bytes at offset 18"),
        ("0108 8000F9DCBE991A14 00000007 0BB8 05FF 000000000000", "frame.burst", "2 bytes at offset 24"),
        ("0100 8000F9DCBE991A14 00000007 0BB8 FF", "frame", "nothing more at offset 16"),
        ("0100 0000F9DCBE991A14 00000007 0BB8", "frame.number", "the animal bit set, at offset 2"),
        ("0101 0000C3C4D871D74F FFFFFFFF 0000", "", ""),
        ("0101 FFFFFFFFFFFFFFFF 00000007 0BB8", "frame.number", "species 1 to 3"),
    ],
)
def test_a_signed_frame_that_cannot_be_read_says_where(said: str, field: str, rule: str) -> None:
    body = bytes.fromhex(said)
    info = b"tallyhouse-tag-1" + bytes([body[1] & 1]) + body[2:10]
    key = HKDFExpand(SHA256(), 32, info).derive(HERD_KEY)
    frame = body + _hmac(key, body)[:8]
    if not field:
        assert verify(frame, HERD_KEY).counter == 2**32 - 1
        return
    with pytest.raises(FieldRejected) as refused:
        verify(frame, HERD_KEY)
    assert refused.value.field == field
    assert refused.value.rule.startswith(rule)


def _hmac(key: bytes, said: bytes) -> bytes:
    signing = HMAC(key, SHA256())
    signing.update(said)
    return signing.finalize()
