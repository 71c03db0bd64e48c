"""A handheld's scan as an observation. Pure.

The body of `POST /api/v1/scans` is parsed by its route; here the text that was scanned becomes a reading. The
text is kept as it is, but for the framing that scanners may put before it: a symbology identifier (ISO/IEC
15424, such as `]C1`) and the leading FNC1 of a GS1 symbol (ASCII 29, GS1 General Specifications 7.8.3).
"""

import hashlib
from datetime import datetime

import msgspec

from kernel.messages import CodeScan, Observation

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
