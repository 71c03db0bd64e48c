"""The front door of the twin.

Writers (all inside the caller's transaction):
`declare_units`, `declare_vehicle`, `declare_claim(s)`, `expect_arrival`, `expect_departure`,
`cancel_departure`, and `apply`, the fold that the role `fold` runs over the site's journal.
Readers: `verified_stock`, `unit_states`, `vehicle_state`, `slot_exists`, `slots`, `scene_units`,
`changed_units`, `assets`, `changed_assets`, `alarms_changed`, `barriers`, `weighbridges`, `vehicles`.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from kernel.audit import JournalAudit
from kernel.layout import Layout
from kernel.messages import Command, Envelope, Event, StockClaimed
from kernel.tx import ReadTx, Tx
from twin.messages import (
    AlarmRow,
    AssetState,
    BarrierRow,
    ExpectedArrival,
    ExpectedDeparture,
    SlotRow,
    UnitDeclaration,
    UnitState,
    VehicleState,
    VerifiedStock,
    WeighbridgeRow,
)

COMMANDS: dict[type[Command], Callable[[Any, Any], Awaitable[Any]]] = {}
SUBSCRIBERS: dict[type[Event], list[Callable[[Any, Any], Awaitable[None]]]] = {}


async def declare_units(tx: Tx, units: Sequence[UnitDeclaration]) -> None:
    """Tell the twin which units the books know (at most `UNITS_MAX`). Claims only: nothing is verified.

    Raises Conflict `twin.tag_in_use` when another live unit of the site carries the same tag.
    """
    raise NotImplementedError


async def declare_vehicle(tx: Tx, vehicle_id: str, site_id: str, epc_hex: str | None, plate: str) -> None:
    """Tell the twin which tag a vehicle carries. Raises Conflict `twin.tag_in_use`."""
    raise NotImplementedError


async def declare_claim(tx: Tx, claim: StockClaimed) -> None:
    """The books say that a unit stands in a slot (or left). Never raises verified stock."""
    raise NotImplementedError


async def declare_claims(tx: Tx, claims: Sequence[StockClaimed]) -> None:
    """Many claims at once, set-based; at most `UNITS_MAX`."""
    raise NotImplementedError


async def expect_arrival(tx: Tx, arrival: ExpectedArrival) -> None:
    """A delivery is announced: declare its units and its vehicle first."""
    raise NotImplementedError


async def expect_departure(tx: Tx, departure: ExpectedDeparture) -> None:
    """A release is issued: these units leaving in time on that vehicle raise no alarm."""
    raise NotImplementedError


async def cancel_departure(tx: Tx, release_id: str) -> None:
    """From now on the release lets nothing out."""
    raise NotImplementedError


async def apply(tx: Tx, envelopes: Sequence[Envelope]) -> None:
    """Fold a batch of a site's journal: in any order, any number of times, with the same result."""
    raise NotImplementedError


async def verified_stock(read: ReadTx, lot_id: str) -> VerifiedStock:
    """What sensors vouch for of a lot. Raises NotFound `twin.lot_unknown`."""
    raise NotImplementedError


async def unit_states(read: ReadTx, unit_ids: Sequence[str]) -> list[UnitState]:
    """The states of the units the reader may see, in the order of their ids."""
    raise NotImplementedError


async def vehicle_state(read: ReadTx, vehicle_id: str) -> VehicleState | None:
    """The vehicle's latest visit; None when it was never declared."""
    raise NotImplementedError


async def slot_exists(read: ReadTx, site_id: str, slot_id: str) -> bool:
    """True when the current layout has the slot."""
    raise NotImplementedError


async def slots(read: ReadTx, site_id: str) -> list[SlotRow]:
    """All slots of the current layout, by id."""
    raise NotImplementedError


async def occupied_slots(read: ReadTx, site_id: str) -> set[str]:
    """Slots where a unit was seen or is claimed."""
    raise NotImplementedError


async def layout_of(read: ReadTx, site_id: str) -> Layout:
    """The current layout. Raises NotFound `twin.site_unknown`."""
    raise NotImplementedError


async def scene_units(read: ReadTx, site_id: str, unit_ids: Sequence[str] | None = None) -> list[UnitState]:
    """Units of a site that the reader may see and that have not left: all, or those named."""
    raise NotImplementedError


async def changed_units(read: ReadTx, site_id: str, xid_from: int, xid_to: int) -> list[UnitState]:
    """Units changed by transactions with `xid_from <= xid < xid_to`, also those that left."""
    raise NotImplementedError


async def assets(read: ReadTx, site_id: str) -> list[AssetState]:
    """Latest poses of forklifts, people and vehicles that the reader may see."""
    raise NotImplementedError


async def changed_assets(read: ReadTx, site_id: str, xid_from: int, xid_to: int) -> list[AssetState]:
    """Poses changed by transactions with `xid_from <= xid < xid_to`."""
    raise NotImplementedError


async def alarms(read: ReadTx, site_id: str, *, active_only: bool = False) -> list[AlarmRow]:
    """Alarms the reader may see, newest first."""
    raise NotImplementedError


async def alarms_changed(read: ReadTx, site_id: str, xid_from: int, xid_to: int) -> list[AlarmRow]:
    """Alarms changed by transactions with `xid_from <= xid < xid_to`."""
    raise NotImplementedError


async def barriers(read: ReadTx, site_id: str) -> list[BarrierRow]:
    """The last known state of each barrier."""
    raise NotImplementedError


async def weighbridges(read: ReadTx, site_id: str) -> list[WeighbridgeRow]:
    """The last weighing of each weighbridge."""
    raise NotImplementedError


async def vehicles(read: ReadTx, site_id: str) -> list[VehicleState]:
    """Vehicles on the site or at its gates."""
    raise NotImplementedError


async def audit(read: ReadTx) -> list[JournalAudit]:
    """Re-derive every unit from its sightings and compare."""
    raise NotImplementedError
