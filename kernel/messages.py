"""What the layers say to each other: observations going up, commands, events, device life.

All are frozen msgspec structs; fields are only ever added, with a default. Moments are UTC.
"""

import hashlib
from datetime import UTC, datetime, timedelta
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


class Reading(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", gc=False):
    """Base of observation payloads."""


class TagRead(Reading, frozen=True, kw_only=True, tag="tag_read"):
    """A reader's antenna heard a tag. `rssi_cdbm` is hundredths of dBm (about -8000 to -2000).

    `tid_hex` is the chip's own number where the reader tells it: a copied EPC has another. `event_number` is
    the reader's own running count of what it tells, where it keeps one, from 1: a hole in it is a loss.
    """

    epc_hex: str
    antenna: int
    rssi_cdbm: int
    seen_count: int = 1
    tid_hex: str = ""
    event_number: int = 0


class BeamState(Reading, frozen=True, kw_only=True, tag="beam"):
    """A light beam across a lane was broken or is free again. `beam` is the input it is wired to, from 1."""

    beam: int
    is_broken: bool


class MassReading(Reading, frozen=True, kw_only=True, tag="mass"):
    """One stable weighing as the indicator's alibi memory holds it. Never an unstable value.

    `mass_g` is what `basis` says: gross, or net of `tare_g`. `weight_id` is the indicator's own ticket
    number, else the driver's; `axle_count` 0 when unknown.
    """

    mass_g: int
    weight_id: int
    legal_for_trade: bool = False
    axle_count: int = 0
    basis: Literal["gross", "net"] = "gross"
    tare_g: int = 0
    alibi_id: str = ""
    """What the scale calls the record in its alibi memory, where it has a name for it."""


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
    fix: Literal["unknown", "single", "differential", "rtk_float", "rtk_fixed", "estimated"] = "unknown"
    """How a satellite receiver came by it (NMEA 0183, GGA field 6)."""
    satellites: int = 0


class LoadChange(Reading, frozen=True, kw_only=True, tag="load_change"):
    """A forklift picked a load up or set it down: load switch, fork reader and position together.

    `point` is the fork's tip, in the frame that `frame` says as of a `PositionReading`; z is the height of
    the fork.
    """

    action: Literal["picked_up", "set_down"]
    epc_hex: str
    point: Point
    frame: Literal["anchor", "wgs84"] = "anchor"
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


class SlotSight(Reading, frozen=True, kw_only=True, tag="slot_sight"):
    """What one frame of a camera shows of the slots it looks at.

    Every slot in view is in one of the three lists; `unclear` is dark, covered or in motion. A frame that
    is `frozen`, `replayed` or `dark` shows nothing: its lists are empty. `snapshot_sha256` names the picture
    that was kept, `picture_sha256` the one that the camera looked at, noise and all, where it says so: named
    twice, it came again, for a sensor's noise never does.
    """

    state: Literal["fresh", "frozen", "replayed", "dark"] = "fresh"
    occupied: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    pallet_count: int = 0
    frame_id: int = 0
    snapshot_sha256: str = ""
    picture_sha256: str = ""


class CodeSight(Reading, frozen=True, kw_only=True, tag="code_sight"):
    """A camera read a code in a frame. `x_px, y_px` is the middle of the code; `slot_id` where that lies."""

    code: str
    symbology: str
    x_px: int
    y_px: int
    slot_id: str | None = None
    snapshot_sha256: str = ""


class PlateRead(Reading, frozen=True, kw_only=True, tag="plate"):
    """A camera read a number plate. `confidence_permille` 0 to 1000; `direction` as the camera tells it."""

    plate: str
    confidence_permille: int
    direction: Literal["in", "out", "unknown"] = "unknown"
    lane: int = 0
    snapshot_sha256: str = ""


class LineCount(Reading, frozen=True, kw_only=True, tag="line_count"):
    """A camera counts what crosses a line in its picture. `count` is how many did since the camera last began
    anew: one that is below the last was counted after that."""

    line: str
    count: int


class AnimalBeacon(Reading, frozen=True, kw_only=True, tag="animal"):
    """A base station heard an ear tag.

    `animal_id` is 15 digits in `id_scheme` (ISO 11784 country and national id, or the Chinese ear tag; see
    `kernel.animals`). `counter` is the tag's own, authenticated under the key with the fingerprint `key_id`,
    and grows with each beacon. Motion is the mean absolute change of acceleration in thousandths of g over
    the interval; `burst_mg` raw samples (x, y, z) at `burst_hz`, empty when none. `is_opened` when the loop
    through the tag's pin is or was broken: it may sit in another ear, or in a bucket.
    """

    animal_id: str
    counter: int
    rssi_cdbm: int
    temperature_mc: int | None = None
    """Thousandths of a degree Celsius at the ear."""
    motion_mg: int | None = None
    lying_permille: int | None = None
    burst_hz: int = 0
    burst_mg: tuple[tuple[int, int, int], ...] = ()
    battery_mv: int = 0
    id_scheme: Literal["iso11784", "china"] = "iso11784"
    key_id: str = ""
    is_opened: bool = False


class StationBeat(Reading, frozen=True, kw_only=True, tag="station"):
    """A base station says that it listens: without it, silence of its tags means nothing."""

    uptime_s: int
    heard_count: int = 0
    """Uplinks since the last beat."""
    battery_mv: int = 0


class FeedWeight(Reading, frozen=True, kw_only=True, tag="feed_weight"):
    """The weigh bars of a feed mixer at one moment. `is_moving` while the mass changes: not to be booked."""

    mass_g: int
    is_moving: bool


class FeedEvent(Reading, frozen=True, kw_only=True, tag="feed_event"):
    """An ingredient was loaded into a feed mixer, or feed unloaded to a pen. `mass_g` is what was moved,
    `target_g` what should have been, 0 when nobody said; `ration` is the recipe's code."""

    action: Literal["load", "unload"]
    mass_g: int
    ingredient: str = ""
    pen: str = ""
    batch: str = ""
    target_g: int = 0
    ration: str = ""


class Environment(Reading, frozen=True, kw_only=True, tag="environment"):
    """A sensor of the surroundings: thousandths of a degree Celsius, permille of relative humidity."""

    temperature_mc: int | None = None
    humidity_permille: int | None = None
    door_open: bool | None = None
    battery_mv: int = 0


class GatewayHeard(msgspec.Struct, frozen=True, kw_only=True):
    """How well a radio gateway heard an uplink; `snr_cdb` is hundredths of dB, None when it does not tell."""

    gateway: str
    rssi_cdbm: int
    snr_cdb: int | None = None


class UplinkHeard(Reading, frozen=True, kw_only=True, tag="uplink"):
    """A low-power node spoke and was heard by these gateways. `counter` is the node's own in this session."""

    counter: int
    heard: tuple[GatewayHeard, ...] = ()


class TerminalAlarm(Reading, frozen=True, kw_only=True, tag="terminal_alarm"):
    """A vehicle's terminal raises alarms, such as `sos`, `overspeed`, `antenna_cut`, `power_lost`."""

    alarms: tuple[str, ...]


class SignalState(Reading, frozen=True, kw_only=True, tag="signal"):
    """A signal lamp's own feedback."""

    aspect: Literal["off", "red", "amber", "green"]


class LabelPrinted(Reading, frozen=True, kw_only=True, tag="label"):
    """A label printer took a job. `reason` is empty when it `is_done`, else what the printer says."""

    job_id: str
    is_done: bool
    reason: str = ""


class DeviceStatus(Reading, frozen=True, kw_only=True, tag="status"):
    """The device or its driver says how it is. A gap is stated, never papered over."""

    state: Literal["online", "offline", "gap", "fault"]
    reason: str = ""
    gap_s: float = 0.0


AnyReading = (
    TagRead
    | BeamState
    | MassReading
    | PositionReading
    | LoadChange
    | CodeScan
    | BarrierState
    | SlotSight
    | CodeSight
    | PlateRead
    | LineCount
    | AnimalBeacon
    | StationBeat
    | FeedWeight
    | FeedEvent
    | Environment
    | UplinkHeard
    | TerminalAlarm
    | SignalState
    | LabelPrinted
    | DeviceStatus
)


class Observation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One reading of one device. Its identity is `device_id:boot:sequence`.

    `boot` grows by one at least each time the device (or the driver that numbers for it) starts;
    `sequence` grows by one with each observation, from 1. `observed_at` is the device's own time.
    What a device does not number is known by its content: see `content_identity`.
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


def device_of(observation_id: str) -> str:
    """The device that an observation of this id is of."""
    return observation_id.rsplit(":", 2)[0]


CONTENT_BOOT_BASE = 1 << 48
"""Boots from here on are digests of a reading's bytes, never counters: they tell nothing of gaps."""
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def content_identity(observed_at: datetime, raw: bytes) -> tuple[int, int]:
    """Boot and sequence of a reading that its device does not number, from its time and its own bytes.

    The same message delivered twice gives the same identity; two readings at one time differ by their bytes.
    `sequence` is the time in microseconds since 1970; out of range for a clock that is, as ingest says.
    """
    digest = int.from_bytes(hashlib.sha256(raw).digest()[:6], "big")
    return CONTENT_BOOT_BASE + digest, content_sequence(observed_at)


def content_sequence(observed_at: datetime) -> int:
    """The number of every reading of this moment that is known by its content: microseconds since 1970."""
    return (observed_at - _EPOCH) // _MICROSECOND


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An observation as the journal holds it: three times kept apart, and its place in the site's journal."""

    site_id: str
    position: int
    observation: Observation
    received_at: datetime
    recorded_at: datetime
    is_accepted: bool = True
    """A second party had accepted the device when it observed this; otherwise it is no evidence that goods
    are here."""


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


class DeviceCloned(Event, frozen=True, kw_only=True):
    """Two speak under the identity of one device: told again each minute while it goes on.

    `observation_id` is the number that came again with another content; otherwise two connections were alive
    and `said` tells where from, as far as that is known. `ended_acceptance`: somebody vouched for it until
    now.
    """

    site_id: str
    device_id: str
    seen_at: datetime
    observation_id: str = ""
    said: str = ""
    ended_acceptance: bool = False


class StockClaimed(Event, frozen=True, kw_only=True):
    """The books say that a unit stands in a slot (or left, with `slot_id` None). A claim, not evidence."""

    site_id: str
    unit_id: str
    slot_id: str | None
    claimed_at: datetime
    cause: str
