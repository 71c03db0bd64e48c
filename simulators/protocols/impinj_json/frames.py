"""What an Impinj reader says in its IoT device interface, as JSON. Pure.

Written from the schema ReaderEvent of its REST API (1.7), apart from the product's own codec.
"""

import base64
import json
from datetime import UTC, datetime
from typing import Any, Literal

EVENTS_CHANNEL = "vendor/events"
STATUS_CHANNEL = "vendor/status"
CONNECTED, CONNECTION_LOST = b"connected", b"connection lost"


def tag_inventory(
    at: datetime,
    seen_at: datetime,
    epc_hex: str,
    antenna: int,
    rssi_cdbm: int,
    *,
    tid_hex: str = "",
    epc_as: Literal["hex", "base64url", "both"] = "both",
) -> dict[str, Any]:
    """A tag was heard at `seen_at`, and the event queued at `at`."""
    tag: dict[str, Any] = {
        "antennaPort": antenna,
        "antennaName": f"Antenna {antenna}",
        "peakRssiCdbm": rssi_cdbm,
        "frequency": 922_250,
        "transmitPowerCdbm": 3000,
        "lastSeenTime": _moment(seen_at),
        "phaseAngle": 69.0,
    }
    if epc_as in ("hex", "both"):
        tag["epcHex"] = epc_hex
    if epc_as in ("base64url", "both"):
        tag["epc"] = base64.urlsafe_b64encode(bytes.fromhex(epc_hex)).decode()
    if tid_hex:
        tag["tidHex"] = tid_hex
    return _event(at, "tagInventory", tag)


def antenna(at: datetime, port: int, *, is_connected: bool) -> dict[str, Any]:
    """An antenna was plugged in or out."""
    kind = "antennaConnected" if is_connected else "antennaDisconnected"
    return _event(at, kind, {"antennaPort": port})


def inventory_status(at: datetime, status: Literal["idle", "running", "armed"]) -> dict[str, Any]:
    return _event(at, "inventoryStatus", {"status": status})


def overflow(at: datetime, first: datetime, last: datetime, purged: int, left: int) -> dict[str, Any]:
    """The buffer was full and `purged` events were thrown away."""
    return _event(
        at,
        "overflow",
        {
            "firstEventTimestamp": _moment(first),
            "lastEventTimestamp": _moment(last),
            "eventsPurged": purged,
            "eventsRemaining": left,
        },
    )


def input_change(at: datetime, number: int, *, is_high: bool) -> dict[str, Any]:
    transition = "low-to-high" if is_high else "high-to-low"
    return _event(at, "gpiTransition", {"gpi": number, "transition": transition})


def packet(event: dict[str, Any]) -> bytes:
    """One message."""
    return json.dumps(event, separators=(",", ":")).encode()


def _event(at: datetime, kind: str, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "timestamp": _moment(at),
        "hostname": "impinj-01-23-45",
        "eventType": kind,
        f"{kind}Event": content,
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
