"""What the layers say to each other: observations going up, commands, events, device life.

All are frozen msgspec structs; fields are only ever added, with a default. Moments are UTC.
"""

from datetime import datetime
from typing import Literal

import msgspec

from kernel.geometry import Point


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Base of commands and events."""


class Command(Message, frozen=True, kw_only=True):
    """A wish, in the imperative (`PledgeReceipt`). One command is one transaction."""


class Event(Message, frozen=True, kw_only=True):
    """A fact, in the past tense (`StockPledged`)."""


# --- what devices report -------------------------------------------------------------------------


class Reading(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of observation payloads."""


class TagRead(Reading, frozen=True, kw_only=True, tag="tag_read"):
    """A reader's antenna heard a tag. `rssi_cdbm` is hundredths of dBm (about -8000 to -2000)."""

    epc_hex: str
    antenna: int
    rssi_cdbm: int
    seen_count: int = 1


class MassReading(Reading, frozen=True, kw_only=True, tag="mass"):
    """One stable weighing as the indicator's alibi memory holds it. Never an unstable value.

    `weight_id` is the indicator's own ticket number; `axle_count` 0 when unknown.
    """

    mass_g: int
    weight_id: int
    legal_for_trade: bool = False
    axle_count: int = 0


class PositionReading(Reading, frozen=True, kw_only=True, tag="position"):
    """Where a moving thing is. `frame` says whether `point` is metres in the anchor frame of the site,
    or longitude, latitude and height in WGS 84 (x, y, z in that order)."""

    point: Point
    frame: Literal["anchor", "wgs84"] = "anchor"
    heading_deg: float = 0.0
    speed_mps: float = 0.0
    sigma_m: float = 0.3
    load_epc_hex: str | None = None
    """Tag heard by the reader on the fork while its load switch is pressed; None when empty."""


class LoadChange(Reading, frozen=True, kw_only=True, tag="load_change"):
    """A forklift picked a load up or set it down: load switch, fork reader and position together.

    `point` is the fork's tip in the anchor frame; z is the height of the fork.
    """

    action: Literal["picked_up", "set_down"]
    epc_hex: str
    point: Point
    sigma_m: float = 0.3


class CodeScan(Reading, frozen=True, kw_only=True, tag="scan"):
    """A person scanned a code with a handheld: a claim with a witness, never evidence."""

    code: str
    symbology: str = "code128"
    place_code: str | None = None
    person_id: str | None = None
    task_id: str | None = None


class BarrierState(Reading, frozen=True, kw_only=True, tag="barrier"):
    """A barrier's own feedback: limit switches and the vehicle loop."""

    is_open: bool
    is_closed: bool
    loop_occupied: bool


class DeviceStatus(Reading, frozen=True, kw_only=True, tag="status"):
    """The device or its driver says how it is. A gap is stated, never papered over."""

    state: Literal["online", "offline", "gap", "fault"]
    reason: str = ""
    gap_s: float = 0.0


AnyReading = TagRead | MassReading | PositionReading | LoadChange | CodeScan | BarrierState | DeviceStatus


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of one device. Its identity is `device_id:boot:sequence`.

    `boot` grows by one at least each time the device (or the driver that numbers for it) starts;
    `sequence` grows by one with each observation, from 1. `observed_at` is the device's own time.
    """

    device_id: str
    boot: int
    sequence: int
    observed_at: datetime
    reading: AnyReading
    quality: Literal["good", "suspect"] = "good"
    raw_sha256: str = ""
    """SHA-256 in hexadecimal of the bytes it was decoded from; empty when none are kept."""

    @property
    def observation_id(self) -> str:
        return f"{self.device_id}:{self.boot}:{self.sequence}"


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """An observation as the journal holds it: three times kept apart, and its place in the site's journal."""

    site_id: str
    position: int
    observation: Observation
    received_at: datetime
    recorded_at: datetime


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver or ingest could not accept: it goes to quarantine with device, field and rule."""

    device_id: str
    field: str
    rule: str
    raw: bytes
    received_at: datetime
    boot: int | None = None
    sequence: int | None = None


class AckedThrough(msgspec.Struct, frozen=True, kw_only=True):
    """All observations of this boot up to and including `sequence` are committed."""

    boot: int
    sequence: int


# --- what the layers agree on about devices and stock --------------------------------------------


class DevicePlaced(Event, frozen=True, kw_only=True):
    """A device has a place: in the site's layout the mount named `mount_id`."""

    site_id: str
    device_id: str
    family: str
    mount_id: str
    placed_at: datetime


class DeviceRetired(Event, frozen=True, kw_only=True):
    site_id: str
    device_id: str
    retired_at: datetime


class StockClaimed(Event, frozen=True, kw_only=True):
    """The books say that a unit stands in a slot (or left, with `slot_id` None). A claim, not evidence."""

    site_id: str
    unit_id: str
    slot_id: str | None
    claimed_at: datetime
    cause: str
