"""The front door of the twin.

Writers (all inside the caller's transaction): `declare_units`, `declare_vehicle`, `declare_claim(s)`,
`expect_arrival`, `withdraw_arrival`, `expect_departure`, `cancel_departure`, `tell_left_refused`,
`judge_passages`, and `apply`, the fold that the role `fold` runs over the site's journal. Declare units and
vehicles before expecting them. Nothing declared is evidence.

Readers show what the reader's party may see; `verified_stock` also serves handlers. Ranges of transaction
ids are half open, `xid_from <= xid < xid_to`, as followers of the change feed need them.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from kernel.layout import Layout
from kernel.messages import Command, DeviceCloned, DevicePlaced, DeviceRetired, Envelope, Event, StockClaimed
from kernel.tx import ReadTx, Tx
from twin import folding
from twin.alarms import views as alarm_views
from twin.alarms.cloned import on_device_cloned
from twin.alarms.handlers import acknowledge_alarm, clear_alarm, unheard_exit
from twin.alarms.refused import tell_left_refused
from twin.alarms.unexplained import gates_passed, judge_passages
from twin.evidence import views as evidence_views
from twin.evidence.audit import audit
from twin.evidence.views import DiscrepancyRow, LotRow, UnitDetail
from twin.goods import handlers as goods
from twin.layout import views as layout_views
from twin.layout.model import mounts_changed, mounts_removed
from twin.layout.views import SiteName
from twin.messages import (
    AcknowledgeAlarm,
    AlarmRow,
    AssetState,
    BarrierRow,
    DeviceSpan,
    ExpectedArrival,
    ExpectedDeparture,
    ImportLayout,
    LayoutImported,
    SlotRow,
    UnexplainedExit,
    UnitDeclaration,
    UnitState,
    VehicleLeft,
    VehicleState,
    VerifiedStock,
    WeighbridgeRow,
    Witness,
)
from twin.presence import views as presence_views
from twin.presence.handlers import on_device_placed, on_device_retired
from twin.visits import views as visit_views

COMMANDS: dict[type[Command], Callable[[Any, Any], Awaitable[Any]]] = {
    AcknowledgeAlarm: acknowledge_alarm,
}
SUBSCRIBERS: dict[type[Event], list[Callable[[Any, Any], Awaitable[None]]]] = {
    DeviceCloned: [on_device_cloned],
    DevicePlaced: [on_device_placed],
    DeviceRetired: [on_device_retired],
}


# --- writers -------------------------------------------------------------------------------------


async def import_layout(command: ImportLayout, tx: Tx) -> LayoutImported:
    """Check a layout and make it current. Raises Invalid `layout.invalid`, Conflict
    `layout.other_keeper`, `layout.slots_in_use`."""
    return await folding.import_layout_and_place(command, tx)


async def declare_units(tx: Tx, units: Sequence[UnitDeclaration]) -> None:
    """Tell the twin which units the books know (at most `UNITS_MAX`); their lots appear with them.

    A tag that was already seen counts from then on for its unit. Raises Conflict `twin.tag_in_use` when
    another unit or a vehicle of the site carries the same tag, Invalid `twin.tag_twice`, `twin.too_many`.
    """
    await folding.declare_units(tx, units)


async def declare_vehicle(tx: Tx, vehicle_id: str, site_id: str, epc_hex: str | None, plate: str) -> None:
    """Tell the twin which tag a vehicle carries. Raises Conflict `twin.tag_in_use`."""
    await folding.declare_vehicle(tx, vehicle_id, site_id, epc_hex, plate)


async def declare_claim(tx: Tx, claim: StockClaimed) -> None:
    """The books say that a unit stands in a slot (or left). Never raises verified stock."""
    await folding.declare_claims(tx, [claim])


async def declare_claims(tx: Tx, claims: Sequence[StockClaimed]) -> None:
    """Many claims at once, set-based; at most `UNITS_MAX`. Prefer it to many single ones: rows are then
    locked in one order."""
    await folding.declare_claims(tx, claims)


async def expect_arrival(tx: Tx, arrival: ExpectedArrival) -> None:
    """A delivery is announced. Its units seen inside count as come in; its net mass is checked when the
    vehicle is weighed empty."""
    await folding.expect_arrival(tx, arrival)


async def withdraw_arrival(tx: Tx, delivery_id: str) -> bool:
    """Forget a delivery that was announced wrongly, and its units, whose tags may be declared anew. False,
    and nothing is forgotten, when the tag of one was ever heard at the site."""
    return await goods.withdraw_arrival(tx, delivery_id)


async def expect_departure(tx: Tx, departure: ExpectedDeparture) -> None:
    """A release is issued: these units leaving in time on that vehicle raise no alarm.

    Raises Invalid `twin.departure_period`.
    """
    await goods.expect_departure(tx, departure)


async def cancel_departure(tx: Tx, release_id: str) -> None:
    """From now on the release lets nothing out. Raises NotFound `twin.departure_unknown`."""
    await goods.cancel_departure(tx, release_id)


async def apply(tx: Tx, envelopes: Sequence[Envelope]) -> None:
    """Fold a batch of a site's journal: in any order, any number of times, with the same result.

    Raises NotFound `twin.site_unknown` for a site without a layout.
    """
    await folding.apply(tx, envelopes)


# --- readers: stock ------------------------------------------------------------------------------


async def verified_stock(read: ReadTx, lot_id: str) -> VerifiedStock:
    """What sensors vouch for of a lot. Raises NotFound `twin.lot_unknown`."""
    return await evidence_views.verified_stock(read, lot_id)


async def lots(read: ReadTx, site_id: str, after: str | None, limit: int) -> list[LotRow]:
    """Lots of a site by id, at most `limit`, after the one given."""
    return await evidence_views.lots(read, site_id, after, limit)


async def discrepancies(read: ReadTx, lot_id: str) -> list[DiscrepancyRow]:
    """Open discrepancies of a lot, oldest first."""
    return await evidence_views.discrepancies(read, lot_id)


async def witnesses(tx: Tx, unit_ids: Sequence[str], observation_ids: Sequence[str]) -> list[Witness]:
    """Those of the observations that are of one of the units; each says whether it shows them on site.

    An observation goes on speaking for a unit after newer ones were made, until the unit goes out. For
    commands: what it needs of gates is not for every reader.
    """
    return await evidence_views.witnesses(tx, unit_ids, observation_ids)


async def seen_since(read: ReadTx, unit_ids: Sequence[str], since: datetime, limit: int) -> list[Witness]:
    """The newest observation of each of the units by each modality, where it was made after `since` and
    shows the unit on site: newest first, at most `limit`."""
    return await evidence_views.seen_since(read, unit_ids, since, limit)


async def doubted_units(
    tx: Tx, unit_ids: Sequence[str], spans: Sequence[DeviceSpan]
) -> dict[str, DeviceSpan]:
    """Those of the units that count and may do so only by what devices said within these spans, each with the
    span: something that a unit counts by was told within one that concerns it, or nothing was since.

    For commands: what it needs of gates is not for every reader.
    """
    return await evidence_views.doubted_units(tx, unit_ids, spans)


async def units_unseen_since(tx: Tx, unit_ids: Sequence[str], moment: datetime) -> list[str]:
    """Those of the units that count, and by nothing that was heard, weighed or moved after `moment`; by id. A
    sight is of a slot and not of a unit by name."""
    return await evidence_views.units_unseen_since(tx, unit_ids, moment)


async def unit_states(read: ReadTx, unit_ids: Sequence[str]) -> list[UnitState]:
    """The states of the units the reader may see, in the order of their ids."""
    return await presence_views.unit_states(read, unit_ids)


async def find_units(
    read: ReadTx,
    site_id: str,
    *,
    query: str | None = None,
    lot: str | None = None,
    slot: str | None = None,
    after: str | None = None,
    limit: int,
) -> list[UnitState]:
    """Units of a site by id; `query` is part of an SSCC, unit, lot or item, or a whole tag."""
    return await evidence_views.units(
        read, site_id, query=query, lot=lot, slot=slot, after=after, limit=limit
    )


async def unit_detail(read: ReadTx, site_id: str, unit_id: str) -> UnitDetail:
    """One unit with its claims and sightings, newest first. Raises NotFound `twin.unit_unknown`."""
    return await evidence_views.unit_detail(read, site_id, unit_id)


# --- readers: site and scene ---------------------------------------------------------------------


async def layout_of(read: ReadTx, site_id: str) -> Layout:
    """The current layout. Raises NotFound `twin.site_unknown`."""
    return await layout_views.layout_of(read, site_id)


async def site_names(read: ReadTx, site_ids: Sequence[str]) -> list[SiteName]:
    """What these sites are called, by id; a party's view names those that it may see."""
    return await layout_views.site_names(read, site_ids)


async def slot_exists(read: ReadTx, site_id: str, slot_id: str) -> bool:
    """True when the current layout has the slot."""
    return await layout_views.slot_exists(read, site_id, slot_id)


async def slots(read: ReadTx, site_id: str) -> list[SlotRow]:
    """All slots of the current layout, by id."""
    return await layout_views.slots(read, site_id)


async def occupied_slots(read: ReadTx, site_id: str) -> set[str]:
    """Slots where a unit was last seen, or is claimed and was not seen elsewhere."""
    return await presence_views.occupied_slots(read, site_id)


async def scene_units(read: ReadTx, site_id: str, unit_ids: Sequence[str] | None = None) -> list[UnitState]:
    """Units of a site that the reader may see and that have not left: all, or those named."""
    return await presence_views.scene_units(read, site_id, unit_ids)


async def changed_units(read: ReadTx, site_id: str, xid_from: int, xid_to: int) -> list[UnitState]:
    """Units changed by transactions of the range, also those that left."""
    return await presence_views.changed_units(read, site_id, xid_from, xid_to)


async def assets(read: ReadTx, site_id: str) -> list[AssetState]:
    """Latest poses of forklifts, people and trucks that the reader may see."""
    return await presence_views.assets(read, site_id)


async def changed_assets(read: ReadTx, site_id: str, xid_from: int, xid_to: int) -> list[AssetState]:
    """Poses changed by transactions of the range, also of what `is_gone` since."""
    return await presence_views.changed_assets(read, site_id, xid_from, xid_to)


async def alarms(read: ReadTx, site_id: str, *, active_only: bool = False) -> list[AlarmRow]:
    """Alarms the reader may see, newest first; lots and units are those the reader may see."""
    return await alarm_views.alarms(read, site_id, active_only=active_only)


async def unexplained_exits(tx: Tx, site_id: str) -> list[UnexplainedExit]:
    """When something may have left the site unheard, in order of the ends: what alarms of such exits
    tell, cleared or not, unless later evidence took their ground or the vehicle stayed.

    For commands: an exit concerns all goods, also those of parties that may not see its alarm.
    """
    return await alarm_views.unexplained_exits(tx, site_id)


async def alarms_changed(read: ReadTx, site_id: str, xid_from: int, xid_to: int) -> list[AlarmRow]:
    """Alarms changed by transactions of the range."""
    return await alarm_views.alarms_changed(read, site_id, xid_from, xid_to)


async def barriers(read: ReadTx, site_id: str) -> list[BarrierRow]:
    """The last known state of each barrier."""
    return await visit_views.barriers(read, site_id)


async def weighbridges(read: ReadTx, site_id: str) -> list[WeighbridgeRow]:
    """The last weighing of each weighbridge that had one."""
    return await visit_views.weighbridges(read, site_id)


async def vehicle_state(read: ReadTx, vehicle_id: str) -> VehicleState | None:
    """The vehicle's latest visit; None when it was never declared."""
    return await visit_views.vehicle_state(read, vehicle_id)


async def gone_unheard(tx: Tx, vehicle_id: str, before: datetime) -> VehicleLeft | None:
    """How a vehicle would have left that was heard outside on its way out and no more after `before`, though
    no barrier told that it passed; None for others."""
    return await visit_views.gone_unheard(tx, vehicle_id, before)


async def vehicles(read: ReadTx, site_id: str) -> list[VehicleState]:
    """Vehicles on the site or at its gates."""
    return await visit_views.vehicles(read, site_id)


__all__ = [
    "COMMANDS",
    "SUBSCRIBERS",
    "DiscrepancyRow",
    "LotRow",
    "SiteName",
    "UnitDetail",
    "alarms",
    "alarms_changed",
    "apply",
    "assets",
    "audit",
    "barriers",
    "cancel_departure",
    "changed_assets",
    "changed_units",
    "clear_alarm",
    "declare_claim",
    "declare_claims",
    "declare_units",
    "declare_vehicle",
    "discrepancies",
    "doubted_units",
    "expect_arrival",
    "expect_departure",
    "find_units",
    "gates_passed",
    "gone_unheard",
    "import_layout",
    "judge_passages",
    "layout_of",
    "lots",
    "mounts_changed",
    "mounts_removed",
    "occupied_slots",
    "scene_units",
    "seen_since",
    "site_names",
    "slot_exists",
    "slots",
    "tell_left_refused",
    "unexplained_exits",
    "unheard_exit",
    "unit_detail",
    "unit_states",
    "units_unseen_since",
    "vehicle_state",
    "vehicles",
    "verified_stock",
    "weighbridges",
    "withdraw_arrival",
    "witnesses",
]
