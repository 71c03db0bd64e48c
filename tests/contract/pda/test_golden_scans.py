"""Scans as handhelds send them: the text survives, the scanner's framing does not."""

from datetime import UTC, datetime

import pytest

from devices.drivers.pda.codec import Scan, plain_code, scan_observation
from kernel.messages import CodeScan

AT = datetime(2026, 11, 23, 5, 55, 30, tzinfo=UTC)


def test_a_scan_becomes_a_claim_with_its_witness() -> None:
    scan = Scan(
        boot=3,
        sequence=12,
        observed_at=AT,
        code="]C100306141411234567890",
        place_code="A01-07-3",
        task_id="task-1",
    )
    observation = scan_observation("pda-1", "person-7", scan)
    assert (observation.observation_id, observation.observed_at) == ("pda-1:3:12", AT)
    assert observation.reading == CodeScan(
        code="00306141411234567890",
        symbology="gs1-128",
        place_code="A01-07-3",
        person_id="person-7",
        task_id="task-1",
    )


@pytest.mark.parametrize(
    ("scanned", "symbology", "plain"),
    [
        # GS1 General Specifications, section 7.8.1: ]C1 is GS1-128, ]d2 GS1 DataMatrix, ]Q3 GS1 QR.
        ("]C100306141411234567890", "code128", ("00306141411234567890", "gs1-128")),
        ("]d20109501101530003\x1d10AB", "qr", ("0109501101530003\x1d10AB", "gs1-datamatrix")),
        ("\x1d00306141411234567890", "code128", ("00306141411234567890", "code128")),
        ("A01-07-3", "code128", ("A01-07-3", "code128")),
        ("]X9 what is this", "code128", ("]X9 what is this", "code128")),
        ("货位 A01", "qr", ("货位 A01", "qr")),
    ],
)
def test_framing_goes_and_everything_else_stays(scanned: str, symbology: str, plain: tuple[str, str]) -> None:
    assert plain_code(scanned, symbology) == plain


def test_the_digest_is_of_what_was_scanned_not_of_what_was_kept() -> None:
    framed = scan_observation("pda-1", None, Scan(boot=1, sequence=1, observed_at=AT, code="]C1001"))
    bare = scan_observation("pda-1", None, Scan(boot=1, sequence=1, observed_at=AT, code="001"))
    assert framed.raw_sha256 != bare.raw_sha256
