"""Which events are told in the activity feed, to whom, and with which facts. Pure.

An event is shown to a party that may see one of its subjects; which fields name them is stated per kind, so
that a keeper who sees the whole site still learns nothing of a loan. Facts are only those listed here: texts
and counts, never evidence lists, never who did it.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

SITE = ("site_id",)
SITE_OR_LOT = ("site_id", "lot_id")
SITE_OR_LOTS = ("site_id", "lot_ids")
RECEIPT = ("receipt_id",)
RECEIPT_OR_FACILITY = ("receipt_id", "facility_id")
FACILITY = ("facility_id",)

FACTS = frozenset(
    {
        "gate_id", "slot_id", "weighbridge_id", "device_id", "delivery_id", "reference", "sku", "number",
        "quantity_each", "allocated_each", "wanted_each", "before_each", "after_each", "version",
        "direction", "grade", "reason", "margin_state", "kind",
    }
)  # fmt: skip
"""Fields that are facts as they stand. Others are turned into words by `facts_of`, or not shown; ids of
units, lots and vehicles are given by `viz.activity.views` under the names that people read."""


class Absent(NamedTuple):
    """A field that may be empty, and the word that the name of the sentence ends in when it is: nothing is
    told of a slot, a vehicle or a person that is not there."""

    field: str
    word: str


class Told(NamedTuple):
    """How a kind of event is told: `subjects` name its visibility; `variant` is the field whose value picks
    between its texts."""

    subjects: tuple[str, ...]
    variant: str | None = None
    absent: Absent | None = None


TOLD: Mapping[str, Told] = {
    "LayoutImported": Told(SITE),
    "UnitCrossed": Told(SITE, "direction", Absent("unit_id", "undeclared")),
    "UnitSetDown": Told(SITE, absent=Absent("slot_id", "elsewhere")),
    "VehicleWeighed": Told(SITE, absent=Absent("vehicle_id", "unknown")),
    "VehicleLeft": Told(SITE),
    "DeliveryAnnounced": Told(SITE_OR_LOT),
    "VisitCancelled": Told(SITE),
    "DeliveryWeighed": Told(SITE, "agrees"),
    "DeliveryReceived": Told(SITE_OR_LOT),
    "TagUnknown": Told(SITE),
    "VerifiedStockChanged": Told(SITE_OR_LOT),
    "AlarmRaised": Told(SITE_OR_LOTS, "grade"),
    "AlarmCleared": Told(SITE, absent=Absent("cleared_by", "withdrawn")),
    "DeviceOrderConfirmed": Told(SITE, "action"),
    "DeviceOrderFailed": Told(SITE, "reason"),
    "PutawayConfirmed": Told(SITE_OR_LOT),
    "PickConfirmed": Told(SITE),
    "HoldPlaced": Told(SITE),
    "HoldLifted": Told(SITE),
    "StockAdjusted": Told(SITE_OR_LOT),
    "OrderPlaced": Told(SITE),
    "OrderRefused": Told(SITE),
    "OrderAllocated": Told(SITE),
    "OrderCancelled": Told(SITE),
    "ShipmentReleased": Told(SITE),
    "ReleaseCancelled": Told(SITE),
    "GateDecided": Told(SITE, "reason_key"),
    "GateOpenedByHand": Told(SITE),
    "ShipmentDeparted": Told(SITE_OR_LOTS),
    "ReceiptIssued": Told(RECEIPT),
    "ReceiptCancelled": Told(RECEIPT, "cause"),
    "StockPledged": Told(RECEIPT_OR_FACILITY),
    "PledgeReleased": Told(RECEIPT_OR_FACILITY),
    "FacilityOpened": Told(FACILITY),
    "FacilityFrozen": Told(FACILITY),
    "FacilityThawed": Told(FACILITY),
    "FacilityRevalued": Told(FACILITY, "margin_state"),
    "DrawdownProposed": Told(FACILITY),
    "DrawdownRefused": Told(FACILITY),
    "LoanDrawn": Told(FACILITY),
    "LoanRepaid": Told(FACILITY),
    "RepaymentReversed": Told(FACILITY),
}

_NAME_A_VEHICLE_TO_OWNERS = frozenset({"activity.shipment_departed", "activity.delivery_announced"})
"""Told to who may see a lot, and not the vehicles of its site."""
_WORD_STARTS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def kind_of(event_name: str) -> str:
    """`UnitCrossed` becomes `unit_crossed`, as pages name it."""
    return _WORD_STARTS.sub("_", event_name).lower()


def text_key_of(event_name: str, payload: Mapping[str, Any]) -> str:
    """The key of the sentence: `activity.unit_crossed.in` where a field picks between texts. Of a key such as
    `gate.not_released` the last part picks."""
    _, variant, absent = TOLD[event_name]
    key = f"activity.{kind_of(event_name)}"
    if absent is not None and not payload[absent.field]:
        key = f"{key}_{absent.word}"
    if variant is None:
        return key
    chosen = payload[variant]
    return f"{key}.{str(chosen).lower() if isinstance(chosen, bool) else chosen.rpartition('.')[2]}"


def without_plate(text_key: str) -> str:
    """The sentence for whoever may not see the vehicle: one that names none, where there is one."""
    return f"{text_key}_unnamed" if text_key in _NAME_A_VEHICLE_TO_OWNERS else text_key


def facts_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What the sentence may be filled with: plain fields, kilograms, amounts, `count`, which is how many
    units or else how many pieces it is about, and `interval`: "8–11", or "11" where both ends are that."""
    facts: dict[str, Any] = {}
    for field, value in payload.items():
        if field in FACTS:
            facts[field] = value
        elif value is not None and field.endswith("_g"):
            facts[f"{field[:-2]}_kg"] = round(value / 1000, 1)
        elif value is not None and field.endswith("_fen"):
            facts[field[:-4]] = f"¥{Decimal(value).scaleb(-2):,.2f}"
    if "low" in payload:
        low, high = payload["low"], payload["high"]
        facts["interval"] = str(low) if low == high else f"{low}–{high}"
    if "unit_ids" in payload or "quantity_each" in payload:
        facts["count"] = len(payload["unit_ids"]) if "unit_ids" in payload else payload["quantity_each"]
    return facts
