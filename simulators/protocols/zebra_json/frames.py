"""What a Zebra reader says through its IoT Connector, as JSON. Pure.

Written from captures of real readers and Zebra's documentation, apart from the product's own codec.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

TAGS_CHANNEL = "vendor/tags"
EVENTS_CHANNEL = "vendor/events"


def tag(
    at: datetime,
    number: int,
    epc_hex: str,
    antenna: int,
    rssi_dbm: int,
    *,
    reads: int = 1,
    tid_hex: str = "",
    mode: str = "INVENTORY",
) -> dict[str, Any]:
    """A tag data event of a fixed reader; `number` is its running count."""
    data: dict[str, Any] = {
        "antenna": antenna,
        "eventNum": number,
        "format": "epc",
        "idHex": epc_hex.lower(),
        "peakRssi": rssi_dbm,
        "reads": reads,
    }
    if tid_hex:
        data["TID"] = tid_hex.lower()
    return {"data": data, "timestamp": _moment(at), "type": mode}


def handheld_batch(at: datetime, tags: Sequence[tuple[int, str, int, int]]) -> dict[str, Any]:
    """A batch of a handheld: (number, EPC, dBm, times seen) of each tag."""
    records = [
        {"EPC": epc_hex, "EPCid": epc_hex, "eventNum": number, "peakRssi": dbm, "seenCount": seen}
        for number, epc_hex, dbm, seen in tags
    ]
    return {"type": "BALANCED_PERFORMANCE", "timestamp": _moment(at), "data": {"tagData": records}}


def heartbeat(
    at: datetime, number: int, connected: Sequence[int], port_count: int, *, is_active: bool
) -> dict[str, Any]:
    """The reader lives; `connected` are the ports with an antenna."""
    ports = range(1, port_count + 1)
    radio = {
        "antennas": {str(port): "connected" if port in connected else "disconnected" for port in ports},
        "radioActivity": "active" if is_active else "inactive",
        "radioConnection": "connected",
        "status": "running",
    }
    return _event(at, number, "heartbeat", {"radio_control": radio, "system": {}, "userapps": []})


def input_change(at: datetime, number: int, pin: int, *, is_high: bool) -> dict[str, Any]:
    return _event(at, number, "gpi", {"pin": pin, "state": "HIGH" if is_high else "LOW"})


def packet(events: Sequence[dict[str, Any]]) -> bytes:
    """One message; a list of events where batching is on."""
    whole = events[0] if len(events) == 1 else list(events)
    return json.dumps(whole, separators=(",", ":")).encode()


def _event(at: datetime, number: int, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Events of the management interface have a count of their own."""
    return {"component": "RG", "data": data, "eventNum": number, "timestamp": _moment(at), "type": kind}


def _moment(at: datetime) -> str:
    """The reader's own offset, without a colon."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}" + at.strftime("%z")
