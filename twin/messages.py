"""Commands and events of the twin, and the structs its callers hand in or get back.

Moments are UTC, masses grams, points metres in the site's frame. `evidence_ids` are observation ids
(`device:boot:sequence`); lists of them are capped, the strongest first.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec

from kernel.geometry import Point
from kernel.layout import Layout
from kernel.messages import Command, Event

Direction = Literal["in", "out"]
Grade = Literal["note", "check", "restrict", "freeze"]
Modality = Literal["tag", "mass", "position", "sight"]
Place = Literal["slot", "staging", "floor", "gate", "vehicle", "left", "unknown"]
EvidenceLevel = Literal["claimed", "seen", "verified", "missing"]
AlarmKind = Literal[
    "exit_without_release",
    "exit_mass_differs",
    "exit_refused",
    "passage_unexplained",
    "delivery_mass_differs",
    "seen_after_exit",
    "device_cloned",
]
UNHEARD_EXITS: frozenset[AlarmKind] = frozenset({"exit_mass_differs", "exit_refused", "passage_unexplained"})
"""Alarms of what may have left unheard: they concern all goods of the site, whatever units they name."""
EXIT_ALARMS: frozenset[AlarmKind] = UNHEARD_EXITS | {"exit_without_release"}

GRADES: tuple[Grade, ...] = ("note", "check", "restrict", "freeze")
"""From mild to grave."""
MODALITIES: tuple[Modality, ...] = ("tag", "mass", "position", "sight")
"""Independent kinds of evidence: different physics, power and network. All readers of one tag are one."""
UNITS_MAX = 5_000
"""Units in one declaration, expectation or event."""


# --- commands ------------------------------------------------------------------------------------


class ImportLayout(Command, frozen=True, kw_only=True):
    """Check a layout and make it the site's current version; the same layout again changes nothing.

    `keeper_party_id` gets to see the site; empty means the caller's own party. Answers `LayoutImported`.
    Raises Invalid `layout.invalid` with every violation in the facts.
    """

    layout: Layout
    keeper_party_id: str = ""


class AcknowledgeAlarm(Command, frozen=True, kw_only=True):
    """A person has taken note. Doing it twice keeps the first."""

    alarm_id: str


class ClearAlarm(Command, frozen=True, kw_only=True):
    """A person closes the alarm and says why. Graver evidence opens it again."""

    alarm_id: str
    reason: str


# --- events --------------------------------------------------------------------------------------


class LayoutImported(Event, frozen=True, kw_only=True):
    site_id: str
    version: int
    imported_at: datetime


class UnitCrossed(Event, frozen=True, kw_only=True):
    """A tag passed a gate. `unit_id` None when the tag is declared at no unit.

    `is_direct` is True when both sides of the portal heard it on the way; False when one side was missed
    and the crossing follows from where it is now (a pallet lifted at the dock must have come in).
    """

    site_id: str
    gate_id: str
    unit_id: str | None
    epc_hex: str
    direction: Direction
    crossed_at: datetime
    evidence_ids: list[str]
    is_direct: bool = True


class UnitSetDown(Event, frozen=True, kw_only=True):
    """A forklift set a unit down: in `slot_id`, or nowhere near a slot when None."""

    site_id: str
    unit_id: str
    slot_id: str | None
    at: datetime
    evidence_ids: list[str]
    point: Point | None = None


class VehicleAtGate(Event, frozen=True, kw_only=True):
    """What stands at a gate has changed: sent again whenever the tags or the mass become better known.

    `unit_ids` are declared units heard with the vehicle; `unknown_epcs` pallet tags nobody declared.
    `mass_g` is the lane's weighing during this approach, None before it. `entry_mass_g` is what the same
    vehicle weighed when it came in on this visit.
    """

    site_id: str
    gate_id: str
    vehicle_id: str
    direction: Direction
    unit_ids: list[str]
    unknown_epcs: list[str]
    mass_g: int | None
    weight_id: int | None
    at: datetime
    evidence_ids: list[str]
    entry_mass_g: int | None = None


class VehicleWeighed(Event, frozen=True, kw_only=True):
    """A weighing on a lane's bridge. Sent again with the same `weight_id` when the vehicle becomes known.

    `direction` says whether the vehicle was coming in (gross) or leaving (tare); None while unknown.
    """

    site_id: str
    weighbridge_id: str
    vehicle_id: str | None
    mass_g: int
    weight_id: int
    weighed_at: datetime
    evidence_ids: list[str]
    direction: Direction | None = None


class DeliveryWeighed(Event, frozen=True, kw_only=True):
    """Both weighings of a delivery's vehicle are there: net = gross - tare against what was announced."""

    site_id: str
    delivery_id: str
    vehicle_id: str
    gross_g: int
    tare_g: int
    net_g: int
    expected_net_g: int
    agrees: bool
    weighed_at: datetime
    evidence_ids: list[str]


class VehicleLeft(Event, frozen=True, kw_only=True):
    """The vehicle passed the open barrier outwards. `unit_ids` are the units heard with it; `mass_g` is worth
    nothing where nobody had accepted the scale (`is_mass_accepted` false)."""

    site_id: str
    gate_id: str
    vehicle_id: str
    left_at: datetime
    unit_ids: list[str]
    mass_g: int | None
    weight_id: int | None
    evidence_ids: list[str]
    is_mass_accepted: bool = True


class VehicleTurnedBack(Event, frozen=True, kw_only=True):
    """A vehicle that stood at the gate on its way out is heard inside again."""

    site_id: str
    gate_id: str
    vehicle_id: str
    at: datetime
    evidence_ids: list[str]


class TagUnknown(Event, frozen=True, kw_only=True):
    """A device heard a tag that is declared neither as a unit nor as a vehicle; once per device and tag."""

    site_id: str
    device_id: str
    epc_hex: str
    observation_id: str
    at: datetime


class VerifiedStockChanged(Event, frozen=True, kw_only=True):
    """The count interval or the agreeing modalities of a lot changed. Counts are units, at 99 %."""

    site_id: str
    lot_id: str
    low: int
    mid: int
    high: int
    modalities: dict[str, datetime | None]
    as_of: datetime


class AlarmRaised(Event, frozen=True, kw_only=True):
    """An alarm is new, graver, or concerns more than before: the same `alarm_id` may come again."""

    alarm_id: str
    site_id: str
    kind: AlarmKind
    grade: Grade
    lot_ids: list[str]
    unit_ids: list[str]
    evidence_ids: list[str]
    raised_at: datetime
    facts: dict[str, Any]
    gate_id: str | None = None
    vehicle_id: str | None = None


class AlarmCleared(Event, frozen=True, kw_only=True):
    """Closed by a person, or withdrawn because later evidence took its ground away (`cleared_by` empty)."""

    alarm_id: str
    site_id: str
    cleared_at: datetime
    cleared_by: str
    reason: str


# --- what callers hand in ------------------------------------------------------------------------


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what callers hand in or get back."""


class UnitDeclaration(Part, frozen=True, kw_only=True):
    """A unit the books know. Declaring again with the same `unit_id` corrects what is not evidence.

    `epc_hex` is None for an untagged unit; `expected_mass_g` None when nobody stated a mass.
    """

    unit_id: str
    site_id: str
    lot_id: str
    sku: str
    owner_party_id: str
    sscc: str
    epc_hex: str | None
    quantity_each: int
    expected_mass_g: int | None = None


class ExpectedArrival(Part, frozen=True, kw_only=True):
    """A delivery is announced: these units on this vehicle, with this net mass. A claim, not evidence."""

    delivery_id: str
    site_id: str
    vehicle_id: str
    unit_ids: list[str]
    expected_net_g: int


class ExpectedDeparture(Part, frozen=True, kw_only=True):
    """A release: these units may leave on this vehicle through this gate, within these moments.

    `mass_g` is what is released, with goods that bear no tag; None: what the units weigh.
    """

    release_id: str
    site_id: str
    gate_id: str
    vehicle_id: str
    unit_ids: list[str]
    valid_from: datetime
    valid_until: datetime
    mass_g: int | None = None


# --- what callers get back -----------------------------------------------------------------------


class UnitEvidence(Part, frozen=True, kw_only=True):
    """One unit of a lot: the probability that it is on site, and which modality last saw it when."""

    unit_id: str
    sscc: str
    probability: float
    level: EvidenceLevel
    modalities: dict[str, datetime]
    evidence_ids: dict[str, str]
    slot_id: str | None
    mass_g: int | None
    last_seen_at: datetime | None


class Witness(Part, frozen=True, kw_only=True):
    """One observation of one or more units. `ssccs` are theirs, in the order of `unit_ids`.

    `shows_here`: it shows the units on site, and nothing since says that they went out.
    """

    observation_id: str
    device_id: str
    modality: Modality
    at: datetime
    unit_ids: tuple[str, ...]
    ssccs: tuple[str, ...]
    shows_here: bool


class UnexplainedExit(msgspec.Struct, frozen=True, kw_only=True):
    """When something may have left unheard by a gate, and which kind of alarm says so."""

    kind: AlarmKind
    gate_id: str
    since: datetime
    until: datetime


class DeviceSpan(Part, frozen=True, kw_only=True):
    """From when until when a device is not to be believed, both included."""

    device_id: str
    since: datetime
    until: datetime


class VerifiedStock(Part, frozen=True, kw_only=True):
    """What sensors vouch for of a lot: counts of units at 99 %, never from books.

    `modalities` holds those that agree on the counted units, each with the moment by which *every* counted
    unit had been seen by it (so its age is that of the stalest unit). `mass_g_*` are None until the lot's
    units crossed a scale. `as_of` is the newest evidence, None when there is none.
    """

    lot_id: str
    site_id: str
    unit_count_low: int
    unit_count_mid: int
    unit_count_high: int
    mass_g_low: int | None
    mass_g_mid: int | None
    mass_g_high: int | None
    modalities: dict[str, datetime]
    units: list[UnitEvidence]
    evidence_ids: list[str]
    as_of: datetime | None


class UnitState(Part, frozen=True, kw_only=True):
    """Where a unit is, as seen; `claimed_slot_id` is what the books say."""

    unit_id: str
    site_id: str
    lot_id: str
    sku: str
    sscc: str
    epc_hex: str | None
    owner_party_id: str
    quantity_each: int
    expected_mass_g: int | None
    mass_g: int | None
    place: Place
    slot_id: str | None
    point: Point | None
    level: EvidenceLevel
    modalities: dict[str, datetime]
    last_seen_at: datetime | None
    claimed_slot_id: str | None
    claimed_at: datetime | None
    alarm_grade: Grade | None


class VehicleState(Part, frozen=True, kw_only=True):
    """A vehicle's latest visit: `gross_g` weighed coming in, `tare_g` last weighed leaving."""

    vehicle_id: str
    site_id: str
    plate: str
    epc_hex: str | None
    state: Literal["away", "approaching", "inside", "leaving", "left"]
    gate_id: str | None
    entered_at: datetime | None
    left_at: datetime | None
    gross_g: int | None
    tare_g: int | None


class AssetState(Part, frozen=True, kw_only=True):
    """The latest pose of a moving thing. `index` is a small number that never changes for an asset.

    People carry only a pseudonym, and only readers who may see the whole site get them at all.
    """

    asset_id: str
    index: int
    kind: Literal["forklift", "person", "truck"]
    label: str
    point: Point
    heading_deg: float
    load_epc_hex: str | None
    at: datetime
    is_gone: bool = False
    """It is no longer to be shown: the truck left, the device was retired."""


class SlotRow(Part, frozen=True, kw_only=True):
    """A pallet place of the current layout."""

    slot_id: str
    rack_id: str
    zone_id: str
    bay: int
    level: int
    point: Point


class BarrierRow(Part, frozen=True, kw_only=True):
    gate_id: str
    device_id: str
    is_open: bool
    loop_occupied: bool
    at: datetime


class WeighbridgeRow(Part, frozen=True, kw_only=True):
    """The last weighing of a bridge; nulls before the first."""

    weighbridge_id: str
    vehicle_id: str | None
    mass_g: int | None
    at: datetime | None


class AlarmEvidence(Part, frozen=True, kw_only=True):
    observation_id: str
    device_id: str
    modality: Modality | None
    """None where it tells of the device itself, and not of goods."""
    at: datetime
    summary: str


class AlarmRow(Part, frozen=True, kw_only=True):
    """An alarm as the pages show it. `text_key` is found in the locales; `facts` fill it."""

    alarm_id: str
    site_id: str
    kind: AlarmKind
    grade: Grade
    state: Literal["active", "cleared"]
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    raised_at: datetime
    cleared_at: datetime | None
    lot_ids: list[str]
    unit_ids: list[str]
    gate_id: str | None
    vehicle_id: str | None
    point: Point | None
    text_key: str
    facts: dict[str, Any]
    evidence: list[AlarmEvidence]
    acknowledged_by_name: str | None = None
    clear_reason: str | None = None
    """Why a person closed it; told to those who see the whole site, and None when it was withdrawn."""
