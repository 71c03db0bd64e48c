"""The JSON a tracker sends and the reply it understands. Pure."""

import json
from datetime import datetime
from typing import Any, NamedTuple

MESSAGE_READINGS_MAX = 100


class Pose(NamedTuple):
    """Where a tracker is: metres in the site's frame, degrees, metres per second."""

    x_m: float
    y_m: float
    z_m: float = 0.0
    heading_deg: float = 0.0
    speed_mps: float = 0.0
    sigma_m: float = 0.3


class Load(NamedTuple):
    """`change` is picked_up, set_down or None; `epc` what the fork's reader hears."""

    change: str | None = None
    epc: str | None = None


NO_LOAD = Load()


def topic(site_id: str, device_id: str, kind: str) -> str:
    return f"tallyhouse/v1/{site_id}/{device_id}/{kind}"


def reading(boot: int, sequence: int, observed_at: datetime, said: dict[str, Any]) -> dict[str, Any]:
    """One numbered reading as it goes into a message."""
    at = observed_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"boot": boot, "sequence": sequence, "observed_at": at, **said}


def placed(pose: Pose, load: Load) -> dict[str, Any]:
    """What a tracker says: where it is and what it carries."""
    position = {name: round(value, 3) for name, value in pose._asdict().items()}
    return {"position": position, "load": load._asdict()}


def message(readings: list[dict[str, Any]]) -> bytes:
    """One reading as an object, several as a list."""
    return json.dumps(readings[0] if len(readings) == 1 else readings, separators=(",", ":")).encode()


def acked_through(payload: bytes) -> tuple[int, int] | None:
    """Boot and sequence of a reply; None when it is not one."""
    try:
        acked = json.loads(payload)["acked_through"]
        return int(acked["boot"]), int(acked["sequence"])
    except (ValueError, KeyError, TypeError):
        return None
