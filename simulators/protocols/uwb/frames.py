"""What a UWB positioning server says of its tags, as JSON. Pure.

The form is that of Pozyx: a list of updates, coordinates in millimetres, times in seconds since 1970.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

CHANNEL = "vendor/tags"
VERSION = "2.0"


def placed(
    tag_id: str,
    at: datetime,
    x_m: float,
    y_m: float,
    z_m: float,
    *,
    unit_m: float = 0.001,
    latency_ms: int = 28,
) -> dict[str, Any]:
    """A tag that the anchors could place, metres in their frame."""
    return {
        "version": VERSION,
        "tagId": tag_id,
        "timestamp": at.timestamp(),
        "data": {
            "metrics": {"latency": latency_ms, "rates": {"success": 1.0, "update": 1.0, "packetLoss": 0}},
            "tagData": {"blinkIndex": round(at.timestamp()) % 256},
            "anchorData": [],
            "coordinates": {"x": _whole(x_m, unit_m), "y": _whole(y_m, unit_m), "z": _whole(z_m, unit_m)},
        },
        "success": True,
    }


def not_placed(tag_id: str, at: datetime, code: str) -> dict[str, Any]:
    """A tag that was heard by too few anchors, or whose ranges contradict each other."""
    return {
        "version": VERSION,
        "tagId": tag_id,
        "timestamp": at.timestamp(),
        "success": False,
        "errorCode": code,
    }


def packet(updates: Sequence[dict[str, Any]]) -> bytes:
    """One message; several updates where the stream is batched."""
    return json.dumps(list(updates), separators=(",", ":")).encode()


def _whole(metres: float, unit_m: float) -> float:
    """Millimetres are told as whole numbers, metres with three places."""
    return round(metres / unit_m) if unit_m < 1 else round(metres, 3)
