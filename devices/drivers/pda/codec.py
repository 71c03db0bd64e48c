"""A handheld's scans: from a message to scans, and from a scan to an observation. Pure.

A batch of scans is one JSON object, the same over HTTP (the body of `POST /api/v1/scans`) and over MQTT:
`{"device_id":"pda-1","boot":3,"sent_at":"…","scans":[{"sequence":12,"observed_at":"…","code":"…",
"place_code":…,"symbology":"…","task_id":…}]}`. `sent_at` is the handheld's clock at the moment of sending.

Over MQTT the batch is carried by `{"session":"…","proof":"…","batch":{…}}` on
`tallyhouse/v1/{site}/{device}/observation`. `session` is the id that a sign-in answered with; `proof` is
HMAC-SHA256 in hexadecimal under that sign-in's `csrf_token`, which never travels this way, over
`tallyhouse scans 1`, LF and the bytes of `batch` as they stand in the message. It says who scanned, binds
that to what was scanned by which device, and is worth nothing for anything else.

The text that was scanned is kept as it is, but for the framing that scanners may put before it: a symbology
identifier (ISO/IEC 15424, such as `]C1`) and the leading FNC1 of a GS1 symbol (ASCII 29, GS1 General
Specifications 7.8.3).
"""

import hashlib
import hmac
import re
from datetime import datetime
from typing import Final

import msgspec

from devices.transport.decoding import FieldRejected
from devices.transport.makers import wrong_json, zoned
from kernel.messages import CodeScan, Observation

MESSAGE_BYTES_MAX: Final = 262_144
SCANS_MAX: Final = 500
_CONTEXT: Final = b"tallyhouse scans 1\n"
_PROOF = re.compile(r"[0-9a-f]{64}")

_SYMBOLOGY_IDENTIFIERS = {"]C1": "gs1-128", "]C0": "code128", "]d2": "gs1-datamatrix", "]Q3": "gs1-qr"}
_FNC1 = "\x1d"


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """One scan as the handheld sends it; `sequence` counts from 1 in each `boot` of the handheld."""

    boot: int
    sequence: int
    observed_at: datetime
    code: str
    place_code: str | None = None
    symbology: str = "code128"
    task_id: str | None = None


class ScanBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Scans of one boot of a handheld, in the order they were made."""

    device_id: str
    boot: int
    scans: tuple[Scan, ...]
    sent_at: datetime | None = None


class SignedBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as it came over MQTT: who is said to have scanned, and what proves it over `raw`."""

    session_id: str
    proof: str
    raw: bytes
    batch: ScanBatch


class _Sent(msgspec.Struct, frozen=True):
    session: str
    proof: str
    batch: msgspec.Raw


class _Scan(msgspec.Struct, frozen=True):
    sequence: int
    observed_at: datetime
    code: str
    place_code: str | None = None
    symbology: str = "code128"
    task_id: str | None = None


class _Batch(msgspec.Struct, frozen=True):
    device_id: str
    boot: int
    scans: list[_Scan]
    sent_at: datetime | None = None


_sent = msgspec.json.Decoder(_Sent)
_batch = msgspec.json.Decoder(_Batch)


def decode_signed(payload: bytes) -> SignedBatch:
    """A message of a handheld. Raises FieldRejected naming what is wrong; nothing is proven yet."""
    if len(payload) > MESSAGE_BYTES_MAX:
        raise FieldRejected("message", f"at most {MESSAGE_BYTES_MAX} bytes")
    try:
        sent = _sent.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise wrong_json(error) from None
    if not _PROOF.fullmatch(sent.proof):
        raise FieldRejected("proof", "64 hexadecimal digits in small letters")
    raw = bytes(sent.batch)
    return SignedBatch(session_id=sent.session, proof=sent.proof, raw=raw, batch=decode_batch(raw))


def decode_batch(raw: bytes) -> ScanBatch:
    """A batch of scans. Raises FieldRejected naming what is wrong."""
    try:
        found = _batch.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise wrong_json(error, "batch") from None
    if not 1 <= len(found.scans) <= SCANS_MAX:
        raise FieldRejected("scans", f"1 to {SCANS_MAX} scans")
    if found.boot < 1:
        raise FieldRejected("boot", "1 or more")
    if found.sent_at is not None:
        zoned("sent_at", found.sent_at)
    return ScanBatch(
        device_id=found.device_id,
        boot=found.boot,
        sent_at=found.sent_at,
        scans=tuple(_scan(found.boot, number, scan) for number, scan in enumerate(found.scans)),
    )


def _scan(boot: int, number: int, scan: _Scan) -> Scan:
    if scan.sequence < 1:
        raise FieldRejected(f"scans.{number}.sequence", "1 or more")
    zoned(f"scans.{number}.observed_at", scan.observed_at)
    return Scan(boot=boot, **msgspec.structs.asdict(scan))


def proof_of(secret: str, raw: bytes) -> str:
    """What proves a batch under a session's secret."""
    return hmac.new(secret.encode(), _CONTEXT + raw, hashlib.sha256).hexdigest()


def is_proven(secret: str, signed: SignedBatch) -> bool:
    return hmac.compare_digest(proof_of(secret, signed.raw), signed.proof)


def scan_observation(device_id: str, person_id: str | None, scan: Scan) -> Observation:
    """The scan as ingest takes it. Any text passes; ingest says whether it may enter the journal."""
    code, symbology = plain_code(scan.code, scan.symbology)
    place = None if scan.place_code is None else plain_code(scan.place_code, "")[0]
    return Observation(
        device_id=device_id,
        boot=scan.boot,
        sequence=scan.sequence,
        observed_at=scan.observed_at,
        reading=CodeScan(
            code=code, symbology=symbology, place_code=place, person_id=person_id, task_id=scan.task_id
        ),
        raw_sha256=hashlib.sha256(scan.code.encode("utf-8", "surrogatepass")).hexdigest(),
    )


def plain_code(code: str, symbology: str) -> tuple[str, str]:
    """The code without symbology identifier and leading FNC1, and the symbology the identifier names."""
    for prefix, named in _SYMBOLOGY_IDENTIFIERS.items():
        if code.startswith(prefix):
            return code.removeprefix(prefix).lstrip(_FNC1), named
    return code.lstrip(_FNC1), symbology
