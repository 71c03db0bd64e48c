"""What a base station reports: JSON bytes to observations and rejections. Pure.

A message is one object or a list of up to `REPORTS_MAX`, each numbered by the station:
`{"boot":7,"sequence":123,"observed_at":"2026-11-23T05:55:30.123Z","rssi_dbm":-87.5,"frame":"AQ…"}` is a tag
that it heard then (the tag's bytes in base 64, see `frame`).
With `"beat":{"uptime_s":86400,"heard_count":320,"battery_mv":12600}` instead of a frame it says that it
listens; with `"status":"online"|"fault"` and a `reason` it speaks of itself. One bad report costs only
itself.

A frame that its tag did not make goes to quarantine, as does one that is heard again (ingest sees to that),
and both are counted as the station's errors. Where the edge has no key of the herd, a report is set aside
without its number: the station keeps it, and sends it again until somebody has brought the key.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec

from devices.drivers.ear_tag.frame import verify
from devices.transport.decoding import Arrived, FieldRejected
from devices.transport.makers import Boot, Sequence, json_parts, known_identity, wrong_json
from kernel.messages import AnimalBeacon, AnyReading, DeviceStatus, Observation, Rejected, StationBeat
from kernel.secrets import fingerprint

MESSAGE_BYTES_MAX: Final = 262_144
REPORTS_MAX: Final = 500
READINGS_PER_S_MAX: Final = 500
"""Of one station; a thousand tags beacon once in some minutes."""
RSSI_DBM_MAX: Final = 1_000.0

Item = Observation | Rejected


class _Beat(msgspec.Struct, frozen=True):
    uptime_s: int
    heard_count: int = 0
    battery_mv: int = 0


class _Report(msgspec.Struct, frozen=True):
    boot: Boot
    sequence: Sequence
    observed_at: datetime
    frame: bytes | None = None
    rssi_dbm: float | None = None
    beat: _Beat | None = None
    status: Literal["online", "offline", "fault"] | None = None
    reason: str = ""


class _KeyMissing(FieldRejected):
    """Not the station's doing: the report is good, and may be read later."""


_report = msgspec.json.Decoder(_Report)


def decode(arrived: Arrived, _nodes: Mapping[str, str]) -> list[Item]:
    """Every report of a message, in its order."""
    try:
        if len(arrived.payload) > MESSAGE_BYTES_MAX:
            raise FieldRejected("message", f"at most {MESSAGE_BYTES_MAX} bytes")
        parts = json_parts(arrived.payload)
        if not 0 < len(parts) <= REPORTS_MAX:
            raise FieldRejected("message", f"1 to {REPORTS_MAX} reports")
    except FieldRejected as error:
        return [_rejected(arrived, error, arrived.payload, None)]
    return [_decode_one(arrived, part) for part in parts]


def _decode_one(arrived: Arrived, raw: bytes) -> Item:
    try:
        report = _report.decode(raw)
        if report.observed_at.tzinfo is None:
            raise FieldRejected("observed_at", "carries a time zone")
        reading = _reading(report, arrived.settings.get("herd_key"))
    except _KeyMissing as error:
        return _rejected(arrived, error, raw, None)
    except FieldRejected as error:
        return _rejected(arrived, error, raw, known_identity(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _rejected(arrived, wrong_json(error, "report"), raw, known_identity(raw))
    return Observation(
        device_id=arrived.device_id,
        boot=report.boot,
        sequence=report.sequence,
        observed_at=report.observed_at,
        reading=reading,
        raw_sha256=hashlib.sha256(raw).hexdigest(),
    )


def _reading(report: _Report, herd_key: bytes | None) -> AnyReading:
    if report.frame is not None:
        return _beacon(report.frame, report.rssi_dbm, herd_key)
    if report.beat is not None:
        beat = report.beat
        return StationBeat(uptime_s=beat.uptime_s, heard_count=beat.heard_count, battery_mv=beat.battery_mv)
    if report.status is not None:
        return DeviceStatus(state=report.status, reason=report.reason)
    raise FieldRejected("frame", "given, or a beat or a status instead")


def _beacon(frame: bytes, rssi_dbm: float | None, herd_key: bytes | None) -> AnimalBeacon:
    if rssi_dbm is None or not abs(rssi_dbm) <= RSSI_DBM_MAX:
        raise FieldRejected("rssi_dbm", "how strongly the frame was heard, in dBm")
    if herd_key is None:
        raise _KeyMissing("herd_key", "a key that this edge has")
    said = verify(frame, herd_key)
    return AnimalBeacon(
        animal_id=said.animal.digits,
        id_scheme=said.animal.scheme,
        counter=said.counter,
        key_id=fingerprint(herd_key),
        rssi_cdbm=round(rssi_dbm * 100),
        temperature_mc=said.temperature_mc,
        motion_mg=said.motion_mg,
        lying_permille=said.lying_permille,
        burst_hz=said.burst_hz,
        burst_mg=said.burst_mg,
        battery_mv=said.battery_mv,
        is_opened=said.is_opened,
    )


def _rejected(
    arrived: Arrived, error: FieldRejected, raw: bytes, identity: tuple[int, int] | None
) -> Rejected:
    boot, sequence = identity or (None, None)
    return Rejected(
        device_id=arrived.device_id,
        field=error.field,
        rule=error.rule,
        raw=raw,
        received_at=arrived.received_at,
        boot=boot,
        sequence=sequence,
    )
