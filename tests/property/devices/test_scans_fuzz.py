"""Scans are the same over the broker as over HTTP, and whatever else comes is refused by name."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from devices.drivers.pda.codec import ScanBatch, SignedBatch, decode_batch, decode_signed, is_proven
from devices.transport.decoding import FieldRejected
from wms.scans.routes import ScansBody

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)
words = st.text(max_size=12) | st.none()
numbers = st.integers(-1, 5) | st.integers() | st.sampled_from([2**31, 2**53, 2**63, 2**64])
known = st.integers(0, 300_000_000).map(lambda seconds: NOON + timedelta(seconds=seconds))
moments = known | known.map(lambda moment: moment.replace(tzinfo=None))
anything = st.none() | st.booleans() | numbers | st.floats() | words | st.lists(words, max_size=2)
times = moments.map(datetime.isoformat) | anything
scans = st.fixed_dictionaries(
    {"sequence": numbers, "observed_at": times, "code": words | anything},
    optional={"place_code": words, "symbology": words, "task_id": words | anything, "x": anything},
)
batches = st.fixed_dictionaries(
    {"device_id": words, "boot": numbers, "scans": st.lists(scans, max_size=3) | anything},
    optional={"sent_at": times, "y": anything},
)
good_scans = st.fixed_dictionaries(
    {
        "sequence": st.integers(1, 2**53),
        "observed_at": known.map(datetime.isoformat),
        "code": st.text(max_size=20),
    },
    optional={"place_code": words, "symbology": st.text(max_size=8), "task_id": words},
)
good_batches = st.fixed_dictionaries(
    {
        "device_id": st.text(max_size=12),
        "boot": st.integers(1, 2**53),
        "scans": st.lists(good_scans, min_size=1),
    }
)


def over_http(raw: bytes) -> dict[str, Any] | None:
    try:
        return ScansBody.model_validate_json(raw).model_dump()
    except ValidationError:
        return None


def over_the_broker(raw: bytes) -> dict[str, Any] | None:
    try:
        batch = decode_batch(raw)
    except FieldRejected as error:
        assert error.field
        assert error.rule
        return None
    made = [
        {name: getattr(scan, name) for name in scan.__struct_fields__ if name != "boot"}
        for scan in batch.scans
    ]
    return {"device_id": batch.device_id, "boot": batch.boot, "scans": made, "sent_at": batch.sent_at}


@given(good_batches)
def test_a_batch_that_is_right_is_the_same_over_both(batch: dict[str, Any]) -> None:
    raw = json.dumps(batch).encode()
    found = over_the_broker(raw)
    assert found is not None
    assert found == over_http(raw)


@given(batches)
def test_nothing_that_http_would_refuse_is_taken_over_the_broker(batch: dict[str, Any]) -> None:
    raw = json.dumps(batch, allow_nan=False, default=str).encode() if _is_finite(batch) else b"{"
    found = over_the_broker(raw)
    assert found is None or found == over_http(raw)


def _is_finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


@given(
    st.binary(max_size=400)
    | st.builds(lambda inner: b'{"session":"s","proof":"p","batch":' + inner + b"}", st.binary())
)
def test_any_bytes_of_a_handheld_are_a_batch_or_refused_by_name(payload: bytes) -> None:
    with suppress(FieldRejected):
        signed = decode_signed(payload)
        assert isinstance(signed, SignedBatch)
        assert isinstance(signed.batch, ScanBatch)
        assert not is_proven("secret", signed)
