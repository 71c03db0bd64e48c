"""Commands and events of wms. Quantities are whole pieces (`quantity_each`), masses grams.

A unit is a pallet with an SSCC (and usually a tag), or a parcel packed from one. Books are claims: nothing
here raises verified stock.
"""

from datetime import datetime
from typing import Literal

import msgspec

from devices.messages import BarrierAction
from kernel.caller import Role
from kernel.messages import Command, Event

OPENING_ROWS_MAX = 5_000
DELIVERY_UNITS_MAX = 500
ORDER_LINES_MAX = 2_000
IMPORT_ROWS_MAX = 5_000
SCANS_MAX = 500
MAY_SCAN: tuple[Role, ...] = ("picker", "keeper", "operator")
"""Roles of people whose scans are taken."""
SKUS_MAX = 5_000
ORDERS_ALLOCATED_MAX = 1_000

Handling = Literal["ambient", "chilled", "frozen", "hazard"]
VisitPurpose = Literal["delivery", "pickup"]
TaskKind = Literal["putaway", "pick"]
TaskState = Literal["open", "claimed", "done", "cancelled"]
OrderState = Literal[
    "received", "held", "refused", "short", "allocated", "picking", "ready", "shipped", "cancelled"
]
ScanOutcome = Literal["done", "refused", "noted"]
ReleaseState = Literal["issued", "at_gate", "departed", "expired", "cancelled"]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what commands are made of."""


# --- catalogue -----------------------------------------------------------------------------------


class SkuEntry(Part, frozen=True, kw_only=True):
    """An item of the catalogue. `sku` is kept in capitals; `unit_mass_g` is the mass of one piece, at least
    1 g, and stays as it was entered."""

    sku: str
    name_en: str
    name_zh: str
    unit_mass_g: int
    handling: Handling = "ambient"


class RegisterSkus(Command, frozen=True, kw_only=True):
    """Enter items, or correct names and handling of one's own. At most `SKUS_MAX`."""

    items: tuple[SkuEntry, ...]


# --- stock ---------------------------------------------------------------------------------------


class OpeningRow(Part, frozen=True, kw_only=True):
    """One pallet that stood here before the product came. `lot` is the owner's own lot code."""

    sscc: str
    sku: str
    lot: str
    quantity_each: int
    mass_g: int
    slot_id: str
    owner_party_id: str
    epc_hex: str | None = None


class DeclareOpeningStock(Command, frozen=True, kw_only=True):
    """Enter stock that is already in the racks: a claim, worth nothing until sensors see it."""

    site_id: str
    rows: tuple[OpeningRow, ...]


class AdjustStock(Command, frozen=True, kw_only=True):
    """Correct the books of one unit to a counted quantity, by a new move with a reason."""

    unit_id: str
    counted_each: int
    reason: str


class PrintPalletLabel(Command, frozen=True, kw_only=True):
    """Print the label of a pallet on a printer of its site. Answers a `LabelOrdered`.

    `reason`: 3 to 200 characters once a label of this pallet was or may have been printed.
    """

    unit_id: str
    device_id: str
    reason: str = ""


class LabelOrdered(Part, frozen=True, kw_only=True):
    """The order is queued; `is_copy` when the label says so."""

    command_id: str
    is_copy: bool


class HoldPlaced(Event, frozen=True, kw_only=True):
    """Units may not be moved or promised until the hold is lifted. wms never learns why."""

    site_id: str
    hold_id: str
    unit_ids: tuple[str, ...]
    reason_code: str
    holder_ref: str
    placed_at: datetime


class HoldLifted(Event, frozen=True, kw_only=True):
    site_id: str
    hold_id: str
    unit_ids: tuple[str, ...]
    reason_code: str
    holder_ref: str
    lifted_at: datetime


class StockAdjusted(Event, frozen=True, kw_only=True):
    site_id: str
    unit_id: str
    lot_id: str
    before_each: int
    after_each: int
    reason: str
    adjusted_at: datetime


# --- visits and inbound --------------------------------------------------------------------------


class Vehicle(Part, frozen=True, kw_only=True):
    """A vehicle by its plate and its windscreen tag (GIAI-96)."""

    plate: str
    epc_hex: str


class RegisterVisit(Command, frozen=True, kw_only=True):
    """Expect a vehicle; answers a `VisitResult`. One vehicle has one live visit at a site."""

    site_id: str
    plate: str
    epc_hex: str
    purpose: VisitPurpose = "pickup"


class DeliveryUnit(Part, frozen=True, kw_only=True):
    sscc: str
    epc_hex: str
    quantity_each: int
    expected_mass_g: int


class AnnounceDelivery(Command, frozen=True, kw_only=True):
    """Advance shipping notice: one lot of one item on one vehicle. Answers a `DeliveryResult`.

    `delivery_id` is chosen by the sender or made. Declares units, lot and vehicle, opens the visit and tells
    the twin what to expect.
    """

    site_id: str
    owner_party_id: str
    lot_code: str
    sku: str
    vehicle: Vehicle
    units: tuple[DeliveryUnit, ...]
    delivery_id: str | None = None


class CancelVisit(Command, frozen=True, kw_only=True):
    """Take back a vehicle that was announced wrongly, with the delivery that it was to bring, while it was
    not let in and none of its pallets was heard. Their labels and tags may be announced anew."""

    visit_id: str
    reason: str


class ProposeTare(Command, frozen=True, kw_only=True):
    """State what a vehicle weighs empty; answers a `TareResult`. `document` says what that rests on, such as
    the number of its licence. Nothing changes until banks approve it."""

    site_id: str
    vehicle_id: str
    mass_g: int
    document: str


class ApproveTare(Command, frozen=True, kw_only=True):
    """Agree, in the caller's bank's name, to a stated tare."""

    tare_id: str


class RefuseTare(Command, frozen=True, kw_only=True):
    """Decline it in the caller's bank's name; it may still count for others."""

    tare_id: str
    reason: str


class WithdrawTare(Command, frozen=True, kw_only=True):
    """Take a stated tare back for all: by its keeper, or a bank that approved it."""

    tare_id: str
    reason: str


class TareResult(Part, frozen=True, kw_only=True):
    tare_id: str
    site_id: str


class VisitResult(Part, frozen=True, kw_only=True):
    visit_id: str
    vehicle_id: str


class DeliveryResult(Part, frozen=True, kw_only=True):
    delivery_id: str
    lot_id: str
    visit_id: str
    vehicle_id: str
    unit_ids: tuple[str, ...]


class DeliveryAnnounced(Event, frozen=True, kw_only=True):
    site_id: str
    delivery_id: str
    lot_id: str
    owner_party_id: str
    sku: str
    vehicle_id: str
    unit_ids: tuple[str, ...]
    expected_net_g: int
    announced_at: datetime


class DeliveryReceived(Event, frozen=True, kw_only=True):
    """Every unit that came is put away. `missing_unit_ids` were announced and not received."""

    site_id: str
    delivery_id: str
    lot_id: str
    unit_ids: tuple[str, ...]
    missing_unit_ids: tuple[str, ...]
    received_at: datetime


class VisitExpected(Event, frozen=True, kw_only=True):
    site_id: str
    visit_id: str
    vehicle_id: str
    plate: str
    purpose: VisitPurpose
    expected_at: datetime


class VisitCancelled(Event, frozen=True, kw_only=True):
    """An announcement was taken back. `delivery_id` is what the vehicle was to bring, None for one that was
    to fetch; `unit_ids` are of that and exist no more."""

    site_id: str
    visit_id: str
    vehicle_id: str
    delivery_id: str | None
    unit_ids: tuple[str, ...]
    reason: str
    cancelled_at: datetime


class TareProposed(Event, frozen=True, kw_only=True):
    site_id: str
    tare_id: str
    vehicle_id: str
    mass_g: int
    proposed_at: datetime


class TareAnswered(Event, frozen=True, kw_only=True):
    """A bank approved or refused a stated tare."""

    site_id: str
    tare_id: str
    vehicle_id: str
    party_id: str
    is_approved: bool
    answered_at: datetime


class TareWithdrawn(Event, frozen=True, kw_only=True):
    site_id: str
    tare_id: str
    vehicle_id: str
    reason: str
    withdrawn_at: datetime


class VehicleAdmitted(Event, frozen=True, kw_only=True):
    site_id: str
    gate_id: str
    visit_id: str
    vehicle_id: str
    admitted_at: datetime


# --- work with the handheld ----------------------------------------------------------------------


class ClaimTask(Command, frozen=True, kw_only=True):
    """Take a task. A claim older than its time-out may be taken over."""

    task_id: str


class ReleaseTask(Command, frozen=True, kw_only=True):
    """Give a claimed task back."""

    task_id: str


class Scan(Part, frozen=True, kw_only=True):
    """One scan: `code` is what was read (an SSCC, with or without its AI 00), `place_code` a slot code."""

    sequence: int
    observed_at: datetime
    code: str
    place_code: str | None = None
    symbology: str = "code128"
    task_id: str | None = None


class RecordScans(Command, frozen=True, kw_only=True):
    """A handheld's scans, in order: each is stored as an observation, judged, and confirms its task.

    A scan is known by `device:boot:sequence`; sent again, it gets the answer it got first, whoever sends it.
    `sent_at` is the handheld's own clock at the moment of sending.
    """

    site_id: str
    device_id: str
    boot: int
    scans: tuple[Scan, ...]
    sent_at: datetime | None = None


class ScanResult(Part, frozen=True, kw_only=True):
    """What became of one scan. `key` names the reason when refused; `facts` name expected and scanned."""

    sequence: int
    outcome: ScanOutcome
    key: str | None = None
    facts: dict[str, str | int | None] = {}
    task_id: str | None = None


class ScansRecorded(Part, frozen=True, kw_only=True):
    acked_boot: int
    acked_sequence: int
    results: tuple[ScanResult, ...]


class PutawayConfirmed(Event, frozen=True, kw_only=True):
    site_id: str
    task_id: str
    unit_id: str
    lot_id: str
    slot_id: str
    observation_id: str
    confirmed_at: datetime


class PickConfirmed(Event, frozen=True, kw_only=True):
    site_id: str
    task_id: str
    order_id: str
    line_no: int
    unit_id: str
    quantity_each: int
    observation_id: str
    confirmed_at: datetime


# --- orders --------------------------------------------------------------------------------------


class OrderLine(Part, frozen=True, kw_only=True):
    """What is wanted: pieces of an item, of one lot, or whole named units (`quantity_each` is then theirs)."""  # noqa: E501

    sku: str
    quantity_each: int
    lot_id: str | None = None
    unit_ids: tuple[str, ...] = ()


class PlaceOrder(Command, frozen=True, kw_only=True):
    """Order goods out. Without `owner_party_id` the owner of the named lot, or the only owner of the items.

    Answers an `OrderResult`. The order is reviewed by every rule; all reasons are kept.
    """

    site_id: str
    reference: str
    customer: str
    lines: tuple[OrderLine, ...]
    owner_party_id: str | None = None


class ImportRow(Part, frozen=True, kw_only=True):
    """One row of a sales file. `row_number` counts from 1 in the file; `price_milli` is thousandths."""

    row_number: int
    sku: str
    quantity_each: int
    description: str = ""
    price_milli: int = 0


class ImportedInvoice(Part, frozen=True, kw_only=True):
    """The rows of one invoice. `customer` is empty when the file names none."""

    reference: str
    customer: str
    placed_at: datetime
    rows: tuple[ImportRow, ...]


class ImportOrders(Command, frozen=True, kw_only=True):
    """Enter invoices of a file named `source`, at most `IMPORT_ROWS_MAX` rows a command.

    Every row ends as exactly one of flowing (in an order) or refused with its reasons. The same invoice again
    changes nothing; another content under the same reference is a conflict. Answers an `ImportResult`.
    """

    site_id: str
    source: str
    owner_party_id: str
    invoices: tuple[ImportedInvoice, ...]


class AllocateOrder(Command, frozen=True, kw_only=True):
    """Promise stock to an order, first in first out. Conflict `stock.held` or `orders.short` when nothing
    can be promised; a partial promise is the visible state `short`. Answers an `OrderResult`."""

    order_id: str


class AllocateOrders(Command, frozen=True, kw_only=True):
    """The same for up to `ORDERS_ALLOCATED_MAX` orders; one that gets nothing keeps its state."""

    site_id: str
    order_ids: tuple[str, ...]


class CancelOrder(Command, frozen=True, kw_only=True):
    """Withdraw an order of which nothing is picked: promises are released, its tasks cancelled."""

    order_id: str
    reason: str


class DecideOrder(Command, frozen=True, kw_only=True):
    """A person decides on an order that review has held."""

    order_id: str
    accept: bool
    reason: str


class OrderResult(Part, frozen=True, kw_only=True):
    order_id: str
    state: OrderState


class OrdersResult(Part, frozen=True, kw_only=True):
    orders: tuple[OrderResult, ...]


class ImportResult(Part, frozen=True, kw_only=True):
    """`rows` = `flowing_rows` + `refused_rows`."""

    orders: tuple[OrderResult, ...]
    rows: int
    flowing_rows: int
    refused_rows: int


class OrderPlaced(Event, frozen=True, kw_only=True):
    site_id: str
    order_id: str
    reference: str
    state: OrderState
    placed_at: datetime


class OrderRefused(Event, frozen=True, kw_only=True):
    """No line of the order may flow. `reason_keys` are all reasons."""

    site_id: str
    order_id: str
    reference: str
    reason_keys: tuple[str, ...]
    refused_at: datetime


class OrderAllocated(Event, frozen=True, kw_only=True):
    """`state` is `allocated`, or `short` when only a part could be promised."""

    site_id: str
    order_id: str
    state: OrderState
    allocated_each: int
    wanted_each: int
    allocated_at: datetime


class OrderCancelled(Event, frozen=True, kw_only=True):
    site_id: str
    order_id: str
    reason: str
    cancelled_at: datetime


# --- dispatch ------------------------------------------------------------------------------------


class ReleaseShipment(Command, frozen=True, kw_only=True):
    """Let what was picked for an order leave: one vehicle, one gate, until it expires. Used once.

    Answers a `ReleaseResult`.
    """

    order_id: str
    gate_id: str
    vehicle_id: str
    valid_minutes: int = 120


class CancelRelease(Command, frozen=True, kw_only=True):
    """Withdraw a release that was not used; the goods stay picked."""

    release_id: str
    reason: str


class MoveBarrierByHand(Command, frozen=True, kw_only=True):
    """A person opens or closes a barrier, past what the gate decided, and says why.

    Answers a `BarrierMoved`. Conflict `barrier.goods_at_gate` while goods that nobody released may go out.
    """

    device_id: str
    action: BarrierAction
    reason: str


class BarrierMoved(Part, frozen=True, kw_only=True):
    """The order is queued."""

    command_id: str


class ReleaseResult(Part, frozen=True, kw_only=True):
    release_id: str
    unit_ids: tuple[str, ...]
    valid_until: datetime


class ShipmentReleased(Event, frozen=True, kw_only=True):
    site_id: str
    release_id: str
    order_id: str
    gate_id: str
    vehicle_id: str
    unit_ids: tuple[str, ...]
    valid_until: datetime
    released_at: datetime


class ReleaseCancelled(Event, frozen=True, kw_only=True):
    site_id: str
    release_id: str
    order_id: str
    reason: str
    cancelled_at: datetime


class GateDecided(Event, frozen=True, kw_only=True):
    """The gate was opened or kept shut for a vehicle, and why. `reason_key` is a text key."""

    site_id: str
    decision_id: str
    gate_id: str
    vehicle_id: str | None
    direction: Literal["in", "out"]
    opened: bool
    reason_key: str
    release_ids: tuple[str, ...]
    evidence_ids: tuple[str, ...]
    decided_at: datetime


class GateOpenedByHand(Event, frozen=True, kw_only=True):
    """A person had the gate opened. `reason` is what the person said."""

    site_id: str
    decision_id: str
    gate_id: str
    device_id: str
    opened_by: str
    reason: str
    opened_at: datetime


class ShipmentDeparted(Event, frozen=True, kw_only=True):
    """Released units went through the gate and left the books. `unit_ids` has pallets and parcels."""

    site_id: str
    release_id: str
    order_id: str
    gate_id: str
    vehicle_id: str
    unit_ids: tuple[str, ...]
    lot_ids: tuple[str, ...]
    evidence_ids: tuple[str, ...]
    departed_at: datetime


class BlindSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A span, over by now, after which goods of the site have to be seen again.

    `why` is of a device at the gate: `not_accepted` by the party, or `silent`; or a new layout `dropped` what
    watched there. `mount_id` is its mount, or the gate itself where that was dropped.
    """

    gate_id: str
    mount_id: str
    why: Literal["not_accepted", "silent", "dropped"]
    since: datetime
    until: datetime
