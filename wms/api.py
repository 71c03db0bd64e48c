"""The front door of wms: what finance, viz and the application may call.

`place_hold`, `lift_hold`, `free_units` and `end_opening` work in the caller's transaction. The readers show
what the reader's party may see.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from devices.messages import DeviceOrderConfirmed, DeviceOrderFailed
from kernel.messages import Command, Event
from twin.messages import (
    AlarmCleared,
    UnitCrossed,
    VehicleAtGate,
    VehicleLeft,
    VehicleTurnedBack,
    VehicleWeighed,
)
from wms.allocation.handlers import allocate_order, allocate_orders, cancel_order
from wms.audit import audit
from wms.catalogue.handlers import register_skus
from wms.catalogue.store import known_skus
from wms.dispatch.barriers import lower_forgotten, refuse_blind_gates, unwatched_gates
from wms.dispatch.blind import blind_spans
from wms.dispatch.by_hand import move_barrier_by_hand
from wms.dispatch.gate import (
    on_alarm_cleared,
    on_order_confirmed,
    on_order_failed,
    on_tare_changed,
    on_unit_crossed_in,
    on_vehicle_at_gate,
    on_vehicle_left,
    on_vehicle_turned_back,
    on_vehicle_weighed,
    on_visit_expected,
)
from wms.dispatch.handlers import cancel_release, release_shipment
from wms.dispatch.unseen import tell_what_left_unseen
from wms.inbound.handlers import announce_delivery, cancel_visit, declare_opening_stock, on_unit_crossed
from wms.labels.handlers import print_pallet_label
from wms.messages import (
    AdjustStock,
    AllocateOrder,
    AllocateOrders,
    AnnounceDelivery,
    ApproveTare,
    CancelOrder,
    CancelRelease,
    CancelVisit,
    ClaimTask,
    DecideOrder,
    DeclareOpeningStock,
    ImportOrders,
    MoveBarrierByHand,
    PlaceOrder,
    PrintPalletLabel,
    ProposeTare,
    RecordScans,
    RefuseTare,
    RegisterSkus,
    RegisterVisit,
    ReleaseShipment,
    ReleaseTask,
    TareAnswered,
    TareWithdrawn,
    VisitExpected,
    WithdrawTare,
)
from wms.orders.handlers import decide_order, import_orders, place_order
from wms.orders.views import ImportSummary, import_summary, refused_rows
from wms.scans.handlers import record_scans
from wms.stock.handlers import adjust_stock, book_of_lot, end_opening, free_units, lift_hold, place_hold
from wms.stock.model import BookUnit, LotBook
from wms.stock.store import held_units
from wms.stock.views import (
    LotRow,
    UnitHold,
    UnitStatus,
    changed_units,
    lot_rows,
    unit_holds,
    unit_labels,
    unit_statuses,
)
from wms.tares.handlers import approve_tare, propose_tare, refuse_tare, withdraw_tare
from wms.tasks.handlers import claim_task, release_task
from wms.visits.handlers import register_visit

COMMANDS: dict[type[Command], Callable[[Any, Any], Awaitable[Any]]] = {
    RegisterSkus: register_skus,
    DeclareOpeningStock: declare_opening_stock,
    AdjustStock: adjust_stock,
    PrintPalletLabel: print_pallet_label,
    RegisterVisit: register_visit,
    AnnounceDelivery: announce_delivery,
    CancelVisit: cancel_visit,
    ProposeTare: propose_tare,
    ApproveTare: approve_tare,
    RefuseTare: refuse_tare,
    WithdrawTare: withdraw_tare,
    ClaimTask: claim_task,
    ReleaseTask: release_task,
    RecordScans: record_scans,
    PlaceOrder: place_order,
    ImportOrders: import_orders,
    DecideOrder: decide_order,
    AllocateOrder: allocate_order,
    AllocateOrders: allocate_orders,
    CancelOrder: cancel_order,
    ReleaseShipment: release_shipment,
    CancelRelease: cancel_release,
    MoveBarrierByHand: move_barrier_by_hand,
}
SUBSCRIBERS: dict[type[Event], list[Callable[[Any, Any], Awaitable[None]]]] = {
    UnitCrossed: [on_unit_crossed, on_unit_crossed_in],
    AlarmCleared: [on_alarm_cleared],
    VehicleAtGate: [on_vehicle_at_gate],
    VehicleWeighed: [on_vehicle_weighed],
    VehicleLeft: [on_vehicle_left],
    VehicleTurnedBack: [on_vehicle_turned_back],
    VisitExpected: [on_visit_expected],
    TareAnswered: [on_tare_changed],
    TareWithdrawn: [on_tare_changed],
    DeviceOrderConfirmed: [on_order_confirmed],
    DeviceOrderFailed: [on_order_failed],
}

__all__ = [
    "COMMANDS",
    "SUBSCRIBERS",
    "BookUnit",
    "ImportSummary",
    "LotBook",
    "LotRow",
    "UnitHold",
    "UnitStatus",
    "audit",
    "blind_spans",
    "book_of_lot",
    "changed_units",
    "end_opening",
    "free_units",
    "held_units",
    "import_summary",
    "known_skus",
    "lift_hold",
    "lot_rows",
    "lower_forgotten",
    "place_hold",
    "refuse_blind_gates",
    "refused_rows",
    "tell_what_left_unseen",
    "unit_holds",
    "unit_labels",
    "unit_statuses",
    "unwatched_gates",
]
