"""Batches of tag reads as a mobile or overhead reader sends them: JSON bytes to observations. Pure.

`{"boot":7,"sequence":123,"observed_at":"2026-11-23T05:55:30Z","reads":[{"epc":"3115…","antenna":1,
"rssi_cdbm":-5700,"count":1,"after_ms":120}, …]}`. The reads are numbered on from `sequence`, and each was
heard `after_ms` milliseconds after `observed_at`. With `"status":"online"|"fault"` and a `reason` instead of
reads the reader speaks of itself. One bad read costs only itself. Unknown members are ignored.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from devices.transport.decoding import Arrived
from devices.transport.makers import Boot, Sequence, known_identity, wrong_json
from kernel.messages import DeviceStatus, Observation, Rejected, TagRead

MESSAGE_BYTES_MAX = 262_144
READS_MAX = 1_000
READINGS_PER_S_MAX = 2_000
"""Of one reader; the air interface gives about 1,100 tags in a second."""
AFTER_MS_MAX = 600_000

Item = Observation | Rejected


class _Read(msgspec.Struct, frozen=True):
    epc: str
    rssi_cdbm: int
    antenna: int = 1
    count: int = 1
    after_ms: int = 0
    tid: str = ""


class _Batch(msgspec.Struct, frozen=True):
    boot: Boot
    sequence: Sequence
    observed_at: datetime
    reads: list[_Read] = []
    status: Literal["online", "offline", "fault"] | None = None
    reason: str = ""


class _Loose(msgspec.Struct, frozen=True):
    """The same while its reads are still bytes, so that one bad read costs only itself."""

    boot: Boot
    sequence: Sequence
    observed_at: datetime
    reads: list[msgspec.Raw] = []


_batch = msgspec.json.Decoder(_Batch)
_loose = msgspec.json.Decoder(_Loose)
_read = msgspec.json.Decoder(_Read)


def decode(arrived: Arrived, _nodes: Mapping[str, str]) -> list[Item]:
    """All reads of a message, in its order."""
    payload = arrived.payload
    if len(payload) > MESSAGE_BYTES_MAX:
        return [_refused(arrived, "message", f"at most {MESSAGE_BYTES_MAX} bytes")]
    try:
        batch = _batch.decode(payload)
    except msgspec.ValidationError as error:
        return _one_by_one(arrived, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [_refused(arrived, "message", "one JSON object")]
    return _observations(arrived, batch)


def _observations(arrived: Arrived, batch: _Batch) -> list[Item]:
    broken = _broken(batch.observed_at, len(batch.reads))
    if broken is not None:
        return _all_refused(arrived, broken, batch.boot, batch.sequence, len(batch.reads))
    digest = hashlib.sha256(arrived.payload).hexdigest()
    if batch.status is not None:
        status = DeviceStatus(state=batch.status, reason=batch.reason)
        return [_observation(arrived, batch.boot, batch.sequence, batch.observed_at, status, digest)]
    return [
        _tag_read(arrived, batch.boot, batch.sequence + place, batch.observed_at, read, digest)
        for place, read in enumerate(batch.reads)
    ] or [_refused(arrived, "reads", f"1 to {READS_MAX} reads, or a status", batch.boot, batch.sequence)]


def _broken(observed_at: datetime, read_count: int) -> tuple[str, str] | None:
    if observed_at.tzinfo is None:
        return "observed_at", "carries a time zone"
    if read_count > READS_MAX:
        return "reads", f"1 to {READS_MAX} reads, or a status"
    return None


def _tag_read(
    arrived: Arrived, boot: int, sequence: int, observed_at: datetime, read: _Read, digest: str
) -> Item:
    if not 0 <= read.after_ms <= AFTER_MS_MAX:
        return _refused(arrived, "after_ms", f"0 to {AFTER_MS_MAX}", boot, sequence)
    reading = TagRead(
        epc_hex=read.epc.upper(),
        antenna=read.antenna,
        rssi_cdbm=read.rssi_cdbm,
        seen_count=read.count,
        tid_hex=read.tid.upper(),
    )
    try:
        at = observed_at + timedelta(milliseconds=read.after_ms)
    except OverflowError:
        return _refused(arrived, "observed_at", "a date that can be", boot, sequence)
    return _observation(arrived, boot, sequence, at, reading, digest)


def _observation(
    arrived: Arrived, boot: int, sequence: int, at: datetime, reading: TagRead | DeviceStatus, digest: str
) -> Observation:
    return Observation(
        device_id=arrived.device_id,
        boot=boot,
        sequence=sequence,
        observed_at=at,
        reading=reading,
        raw_sha256=digest,
    )


def _one_by_one(arrived: Arrived, error: msgspec.ValidationError) -> list[Item]:
    """The message as a whole breaks a rule: keep the reads that do not."""
    try:
        batch = _loose.decode(arrived.payload)
    except msgspec.ValidationError as outer:
        return [_refused(arrived, *_wrong(outer), *(known_identity(arrived.payload) or (None, None)))]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # A value of the wrong kind was met before the place where it is no JSON any more.
        return [_refused(arrived, "message", "one JSON object")]
    if not batch.reads:
        return [_refused(arrived, *_wrong(error), batch.boot, batch.sequence)]
    broken = _broken(batch.observed_at, len(batch.reads))
    if broken is not None:
        return _all_refused(arrived, broken, batch.boot, batch.sequence, len(batch.reads))
    digest = hashlib.sha256(arrived.payload).hexdigest()
    items: list[Item] = []
    for sequence, raw in enumerate(batch.reads, start=batch.sequence):
        try:
            read = _read.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as inner:
            items.append(_refused(arrived, *_wrong(inner), batch.boot, sequence, bytes(raw)))
        else:
            items.append(_tag_read(arrived, batch.boot, sequence, batch.observed_at, read, digest))
    return items


def _all_refused(
    arrived: Arrived, broken: tuple[str, str], boot: int, sequence: int, read_count: int
) -> list[Item]:
    """A batch of which no read can be taken: each is set aside under its number, so that it is settled. The
    bytes stand with the first."""
    in_batch = f"in the batch that begins with number {sequence}".encode()
    return [
        _refused(arrived, *broken, boot, sequence + place, in_batch if place else None)
        for place in range(max(1, read_count))
    ]


def _refused(
    arrived: Arrived,
    field: str,
    rule: str,
    boot: int | None = None,
    sequence: int | None = None,
    raw: bytes | None = None,
) -> Rejected:
    numbered = boot is not None and sequence is not None and 0 <= boot < 2**53 and 1 <= sequence < 2**53
    return Rejected(
        device_id=arrived.device_id,
        field=field,
        rule=rule,
        raw=arrived.payload if raw is None else raw,
        received_at=arrived.received_at,
        boot=boot if numbered else None,
        sequence=sequence if numbered else None,
    )


def _wrong(error: Exception) -> tuple[str, str]:
    wrong = wrong_json(error, "reading")
    return wrong.field, wrong.rule
