"""The JSON a handheld sends and what it makes of an answer. Pure."""

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


def next_step(status: int) -> Literal["done", "retry", "sign_in", "give_up"]:
    """What a handheld does with the status of an answer."""
    if 200 <= status < 300:
        return "done"
    if status == 401:
        return "sign_in"
    return "retry" if status in RETRY_STATUS else "give_up"
