"""The JSON a handheld sends and what it makes of an answer. Pure."""

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any, Literal

SCANS_MAX = 100
RETRY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same request may be sent again; everything else is final."""


def scan(
    sequence: int,
    observed_at: datetime,
    code: str,
    place_code: str | None,
    symbology: str,
    task_id: str | None,
) -> dict[str, Any]:
    return {
        "sequence": sequence,
        "observed_at": observed_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "code": code,
        "place_code": place_code,
        "symbology": symbology,
        "task_id": task_id,
    }


def batch(device_id: str, boot: int, scans: list[dict[str, Any]]) -> dict[str, Any]:
    return {"device_id": device_id, "boot": boot, "scans": scans}


def signed(
    device_id: str,
    boot: int,
    scans: list[dict[str, Any]],
    sent_at: datetime,
    session_id: str,
    secret: str,
) -> bytes:
    """A batch over MQTT: who scanned, and what proves it over the batch's own bytes as they stand here."""
    told_at = sent_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    carried = json.dumps({**batch(device_id, boot, scans), "sent_at": told_at}, ensure_ascii=False).encode()
    head = json.dumps({"session": session_id, "proof": proof(secret, carried)}).encode()
    return head[:-1] + b', "batch": ' + carried + b"}"


def proof(secret: str, carried: bytes) -> str:
    """HMAC-SHA256 over what it is for and the batch, under the secret of the session."""
    return hmac.new(secret.encode(), b"tallyhouse scans 1\n" + carried, hashlib.sha256).hexdigest()


def next_step(status: int) -> Literal["done", "retry", "sign_in", "give_up"]:
    """What a handheld does with the status of an answer."""
    if 200 <= status < 300:
        return "done"
    if status == 401:
        return "sign_in"
    return "retry" if status in RETRY_STATUS else "give_up"
