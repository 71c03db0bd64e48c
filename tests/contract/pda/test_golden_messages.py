"""What a handheld puts on the broker, byte for byte, and what is wrong with what it does not."""

from datetime import UTC, datetime

import pytest

from devices.drivers.pda.codec import (
    MESSAGE_BYTES_MAX,
    SCANS_MAX,
    Scan,
    ScanBatch,
    decode_batch,
    decode_signed,
    is_proven,
    proof_of,
)
from devices.transport.decoding import FieldRejected
from wms import messages

BATCH = (
    b'{"device_id":"pda-1","boot":3,"sent_at":"2026-11-23T05:56:00Z","scans":[{"sequence":12,'
    b'"observed_at":"2026-11-23T05:55:30.123Z","code":"]C100306141411234567890","place_code":"A01-07-3",'
    b'"symbology":"code128","task_id":"task-1"}]}'
)
SECRET = "csrf-secret-of-a-session"
PROOF = "1818cc72ede7759ae8ac99a31693e94275d39d49666127b4160ed7374df4de60"
"""As OpenSSL 3 makes it: printf 'tallyhouse scans 1\\n%s' BATCH | openssl dgst -sha256 -hmac SECRET."""
MESSAGE = b'{"session":"session_7","proof":"' + PROOF.encode() + b'","batch":' + BATCH + b"}"


def test_a_message_reads_as_its_batch_and_is_proven_by_the_sessions_secret() -> None:
    signed = decode_signed(MESSAGE)
    assert (signed.session_id, signed.proof, signed.raw) == ("session_7", PROOF, BATCH)
    assert signed.batch == ScanBatch(
        device_id="pda-1",
        boot=3,
        sent_at=datetime(2026, 11, 23, 5, 56, tzinfo=UTC),
        scans=(
            Scan(
                boot=3,
                sequence=12,
                observed_at=datetime(2026, 11, 23, 5, 55, 30, 123_000, tzinfo=UTC),
                code="]C100306141411234567890",
                place_code="A01-07-3",
                task_id="task-1",
            ),
        ),
    )
    assert is_proven(SECRET, signed)
    assert proof_of(SECRET, BATCH) == PROOF


def test_blanks_and_order_belong_to_what_is_proven() -> None:
    spaced = decode_signed(MESSAGE.replace(b'"boot":3', b'"boot": 3'))
    assert spaced.batch == decode_signed(MESSAGE).batch
    assert not is_proven(SECRET, spaced)
    assert not is_proven(SECRET + "x", decode_signed(MESSAGE))


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (b"", "message"),
        (b"[]", "message"),
        (b"{}", "message"),
        (MESSAGE[:-1], "message"),
        (b" " * (MESSAGE_BYTES_MAX + 1), "message"),
        (MESSAGE.replace(PROOF.encode(), b"18"), "proof"),
        (MESSAGE.replace(PROOF.encode(), PROOF.upper().encode()), "proof"),
        (MESSAGE.replace(b'"boot":3', b'"boot":"3"'), "boot"),
        (MESSAGE.replace(b'"boot":3', b'"boot":0'), "boot"),
        (MESSAGE.replace(b'"boot":3,', b""), "batch"),
        (MESSAGE.replace(b'"sequence":12', b'"sequence":0'), "scans.0.sequence"),
        (MESSAGE.replace(b"30.123Z", b"30.123"), "scans.0.observed_at"),
        (MESSAGE.replace(b"56:00Z", b"56:00"), "sent_at"),
        (MESSAGE.replace(b'"code":', b'"code":7,"x":'), "scans[0].code"),
        (MESSAGE[: MESSAGE.index(b"[")] + b"[]}}", "scans"),
    ],
)
def test_what_is_no_message_is_refused_by_name(message: bytes, field: str) -> None:
    with pytest.raises(FieldRejected) as refused:
        decode_signed(message)
    assert refused.value.field == field
    assert refused.value.rule


def test_a_batch_holds_as_many_scans_as_the_command_takes() -> None:
    assert messages.SCANS_MAX == SCANS_MAX
    one = BATCH[BATCH.index(b"[") + 1 : BATCH.index(b"]}")]
    full = BATCH.replace(one, b",".join([one] * SCANS_MAX))
    assert len(decode_batch(full).scans) == SCANS_MAX
    with pytest.raises(FieldRejected):
        decode_batch(full.replace(one, one + b"," + one, 1))
