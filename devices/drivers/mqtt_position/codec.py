"""Position messages: JSON bytes to observations and rejections. Pure.

A message is one object or a list of up to `READINGS_MAX`:
`{"boot":7,"sequence":123,"observed_at":"2026-11-23T05:55:30.123Z","position":{"x_m":…,"y_m":…,"z_m":…,
"heading_deg":…,"speed_mps":…,"sigma_m":…},"load":{"change":"picked_up"|"set_down"|null,"epc":"3115…"|null}}`.
With `"status":"online"|"offline"|"fault"` instead of `position` the device speaks of itself.
One bad reading costs only itself. Unknown members are ignored, so that newer devices can be understood.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from devices.transport.decoding import Arrived, FieldRejected
from devices.transport.makers import Boot, Sequence, json_parts, known_identity, wrong_json
from kernel.geometry import Point
from kernel.messages import AnyReading, DeviceStatus, LoadChange, Observation, PositionReading, Rejected

MESSAGE_BYTES_MAX = 262_144
READINGS_MAX = 500
READINGS_PER_S_MAX = 200
"""Of one tracker; the fastest of them fix their place a hundred times a second."""


class _Position(msgspec.Struct, frozen=True):
    x_m: float
    y_m: float
    z_m: float = 0.0
    heading_deg: float = 0.0
    speed_mps: float = 0.0
    sigma_m: float = 0.3
    frame: Literal["anchor", "wgs84"] = "anchor"


class _Load(msgspec.Struct, frozen=True):
    change: Literal["picked_up", "set_down"] | None = None
    epc: str | None = None


class _Report(msgspec.Struct, frozen=True):
    boot: Boot
    sequence: Sequence
    observed_at: datetime
    position: _Position | None = None
    load: _Load = _Load()
    status: Literal["online", "offline", "fault"] | None = None
    device_id: str | None = None


_report = msgspec.json.Decoder(_Report)


def decode(arrived: Arrived, _nodes: Mapping[str, str]) -> list[Observation | Rejected]:
    """All readings of a message, in its order."""
    payload, device_id, received_at = arrived.payload, arrived.device_id, arrived.received_at

    def refuse(field: str, rule: str) -> list[Observation | Rejected]:
        return [Rejected(device_id=device_id, field=field, rule=rule, raw=payload, received_at=received_at)]

    if len(payload) > MESSAGE_BYTES_MAX:
        return refuse("message", f"at most {MESSAGE_BYTES_MAX} bytes")
    try:
        parts = json_parts(payload)
    except FieldRejected as error:
        return refuse(error.field, error.rule)
    if not 0 < len(parts) <= READINGS_MAX:
        return refuse("message", f"1 to {READINGS_MAX} readings")
    return [_decode_one(part, device_id, received_at) for part in parts]


def _decode_one(raw: bytes, device_id: str, received_at: datetime) -> Observation | Rejected:
    try:
        report = _report.decode(raw)
        reading, quality = _reading(report, device_id)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _refused(raw, device_id, received_at, wrong_json(error, "reading"))
    except FieldRejected as wrong:
        return _refused(raw, device_id, received_at, wrong)
    return Observation(
        device_id=device_id,
        boot=report.boot,
        sequence=report.sequence,
        observed_at=report.observed_at,
        reading=reading,
        quality=quality,
        raw_sha256=hashlib.sha256(raw).hexdigest(),
    )


def _refused(raw: bytes, device_id: str, received_at: datetime, wrong: FieldRejected) -> Rejected:
    """One reading of a message, settled by its number where that can be read."""
    boot, sequence = known_identity(raw) or (None, None)
    return Rejected(
        device_id=device_id,
        field=wrong.field,
        rule=wrong.rule,
        raw=raw,
        received_at=received_at,
        boot=boot,
        sequence=sequence,
    )


def _reading(report: _Report, device_id: str) -> tuple[AnyReading, Literal["good", "suspect"]]:
    """What a report says, and how good that is. Raises FieldRejected."""
    if report.device_id is not None and report.device_id != device_id:
        raise FieldRejected("device_id", "the device of the topic")
    if report.observed_at.tzinfo is None:
        raise FieldRejected("observed_at", "carries a time zone")
    if report.status is not None:
        return DeviceStatus(state=report.status), "good"
    position, load = report.position, report.load
    if position is None:
        raise FieldRejected("position", "given, or a status instead")
    point = Point(position.x_m, position.y_m, position.z_m)
    epc_hex = load.epc.upper() if load.epc else None
    if load.change is not None and epc_hex is not None:
        change = LoadChange(
            action=load.change,
            epc_hex=epc_hex,
            point=point,
            frame=position.frame,
            sigma_m=position.sigma_m,
        )
        return change, "good"
    where = PositionReading(
        point=point,
        frame=position.frame,
        heading_deg=position.heading_deg,
        speed_mps=position.speed_mps,
        sigma_m=position.sigma_m,
        load_epc_hex=epc_hex,
    )
    # The load switch moved but no tag was heard: where it happened is known, what was carried is not.
    return where, "good" if load.change is None else "suspect"
