"""What a ChirpStack v4 network server publishes of its nodes, as JSON. Pure.

Members with their default value are left out, as the Protocol Buffers mapping does: the counter of a first
frame is not told.
"""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

APPLICATION_ID = "17c82e96-be03-4f38-aef3-f83d48582d97"
TENANT_ID = "52f14cd4-c6f1-4fbd-8f87-4025e1d49242"


class Heard(NamedTuple):
    """How a radio gateway heard a frame: dBm and dB."""

    gateway_id: str
    rssi_dbm: int
    snr_db: float


class Node(NamedTuple):
    """A node as the server knows it, in its present session."""

    dev_eui: str
    dev_addr: str
    name: str = "node"


def channel(dev_eui: str, event: str) -> str:
    """The server's own topic below `vendor/`."""
    return f"vendor/application/{APPLICATION_ID}/device/{dev_eui}/event/{event}"


def up(
    node: Node,
    at: datetime,
    counter: int,
    heard: tuple[Heard, ...],
    data: bytes,
    said: Mapping[str, Any] | None,
    deduplication_id: str,
) -> bytes:
    """An uplink: `data` as it was sent, `said` as the decoder of its profile returned it."""
    event: dict[str, Any] = {
        "deduplicationId": deduplication_id,
        "time": _time(at),
        "deviceInfo": _info(node),
        "devAddr": node.dev_addr,
        "adr": True,
        "dr": 5,
        **({"fCnt": counter} if counter else {}),
        "fPort": 2,
        "data": base64.b64encode(data).decode(),
        **({"object": dict(said)} if said is not None else {}),
        "rxInfo": [
            {
                "gatewayId": one.gateway_id,
                "uplinkId": counter + place,
                "rssi": one.rssi_dbm,
                "snr": one.snr_db,
                "channel": 2,
                "context": "E3OWOQ==",
                "metadata": {"region_config_id": "cn470_10", "region_common_name": "CN470"},
            }
            for place, one in enumerate(heard)
        ],
        "txInfo": {
            "frequency": 486_300_000,
            "modulation": {"lora": {"bandwidth": 125_000, "spreadingFactor": 7, "codeRate": "CR_4_5"}},
        },
    }
    return json.dumps(event).encode()


def join(node: Node, at: datetime, deduplication_id: str) -> bytes:
    """The node began a new session; the server tells with its first uplink."""
    event = {"deduplicationId": deduplication_id, "time": _time(at), "deviceInfo": _info(node)}
    return json.dumps({**event, "devAddr": node.dev_addr}).encode()


def status(node: Node, at: datetime, margin_db: int, battery_percent: float, deduplication_id: str) -> bytes:
    """The node's answer to the server's request for its status."""
    event = {"deduplicationId": deduplication_id, "time": _time(at), "deviceInfo": _info(node)}
    return json.dumps({**event, "margin": margin_db, "batteryLevel": battery_percent}).encode()


def error(node: Node, at: datetime, code: str, description: str) -> bytes:
    """The server complains about a node, for instance about a frame with a wrong MIC."""
    event = {"time": _time(at), "deviceInfo": _info(node), "level": "ERROR"}
    return json.dumps({**event, "code": code, "description": description}).encode()


def _time(at: datetime) -> str:
    """With nanoseconds and an offset, as the server writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "242+00:00"


def _info(node: Node) -> dict[str, Any]:
    return {
        "tenantId": TENANT_ID,
        "tenantName": "ChirpStack",
        "applicationId": APPLICATION_ID,
        "applicationName": "site",
        "deviceProfileId": "14855bf7-d10d-4aee-b618-ebfcb64dc7ad",
        "deviceProfileName": "profile",
        "deviceName": node.name,
        "devEui": node.dev_eui,
        "deviceClassEnabled": "CLASS_A",
        "tags": {},
    }
