"""What readers and trackers of a simulated site put on the broker, many readings a message. Pure.

The same JSON as `frames`, built from columns so that a week of readings is encoded in seconds.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec


class Read(msgspec.Struct, frozen=True, omit_defaults=True):
    epc: str
    rssi_cdbm: int
    antenna: int
    after_ms: int = 0


class ReadBatch(msgspec.Struct, frozen=True):
    """A reader's reads of about a second, numbered on from `sequence`."""

    boot: int
    sequence: int
    observed_at: datetime
    reads: Sequence[Read]


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """In metres of the site, or degrees of longitude and latitude where the frame is `wgs84`."""

    x_m: float
    y_m: float
    z_m: float
    heading_deg: float
    speed_mps: float
    sigma_m: float
    frame: str = "anchor"


class Load(msgspec.Struct, frozen=True):
    change: str | None = None
    epc: str | None = None


class Report(msgspec.Struct, frozen=True):
    """A tracker's reading."""

    boot: int
    sequence: int
    observed_at: datetime
    position: Place
    load: Load


_encoder = msgspec.json.Encoder()


def read_batch(batch: ReadBatch) -> bytes:
    return _encoder.encode(batch)


def reports(several: Sequence[Report]) -> bytes:
    return _encoder.encode(several)
