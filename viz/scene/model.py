"""The scene's words and how each is made from what the twin, the books and the pledges say. Pure."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from kernel.geometry import Point
from twin.messages import (
    MODALITIES,
    AssetState,
    BarrierRow,
    EvidenceLevel,
    Grade,
    Modality,
    Place,
    UnitState,
    VehicleState,
    WeighbridgeRow,
)

BookStatus = Literal["free", "held", "reserved"]
UnitStatus = Literal["free", "held", "reserved", "pledged"]

POSE_STALE_AFTER = timedelta(seconds=10)
"""A moving thing that was not heard of for so long is shown as stale, never as standing still."""


class Part(BaseModel):
    """Base of what a scene is made of."""

    model_config = ConfigDict(frozen=True)


class PointView(Part):
    """Metres in the site's frame: x east, y north, z up."""

    x_m: float
    y_m: float
    z_m: float

    @classmethod
    def of(cls, point: Point) -> "PointView":
        return cls(x_m=point.x_m, y_m=point.y_m, z_m=point.z_m)


class UnitView(Part):
    """A pallet or another tracked unit. `evidence` says what `place` rests on.

    A unit that no sensor has placed is shown where the books claim it, with evidence `claimed` or
    `missing`; its `point` is then None. `modalities` are those that saw it.
    """

    unit_id: str
    sscc: str
    epc_hex: str | None
    lot_id: str
    sku: str
    slot_id: str | None
    place: Place
    point: PointView | None
    evidence: EvidenceLevel
    modalities: list[Modality]
    last_seen_at: datetime | None
    status: UnitStatus
    alarm: Grade | None
    quantity_each: int
    mass_g: int | None


class AssetView(Part):
    """A forklift, a truck, or a person under a pseudonym. `index` names it in binary frames."""

    asset_id: str
    index: int
    kind: Literal["forklift", "person", "truck"]
    label: str
    point: PointView
    heading_deg: float
    load_epc: str | None
    at: datetime
    state: Literal["live", "stale"]


class BarrierView(Part):
    gate_id: str
    device_id: str
    is_open: bool
    at: datetime


class WeighbridgeView(Part):
    """The last weighing of a bridge; nulls before the first."""

    weighbridge_id: str
    vehicle_id: str | None
    mass_g: int | None
    at: datetime | None


class VehicleView(Part):
    vehicle_id: str
    plate: str
    state: str


class SceneView(Part):
    """A whole site for one party. Follow it from `revision` with the stream's `?after=`."""

    revision: int
    units: list[UnitView]
    assets: list[AssetView]
    barriers: list[BarrierView]
    weighbridges: list[WeighbridgeView]
    vehicles: list[VehicleView]


def unit_view(state: UnitState, booked: BookStatus, is_pledged: bool) -> UnitView:
    """One unit. `booked` is what the books say; a pledge shows in its place, since a pledged unit is held."""
    place, slot_id = shown_place(state)
    return UnitView(
        unit_id=state.unit_id,
        sscc=state.sscc,
        epc_hex=state.epc_hex,
        lot_id=state.lot_id,
        sku=state.sku,
        slot_id=slot_id,
        place=place,
        point=PointView.of(state.point) if state.point else None,
        evidence=state.level,
        modalities=[name for name in MODALITIES if name in state.modalities],
        last_seen_at=state.last_seen_at,
        status="pledged" if is_pledged else booked,
        alarm=state.alarm_grade,
        quantity_each=state.quantity_each,
        mass_g=state.mass_g,
    )


def shown_place(state: UnitState) -> tuple[Place, str | None]:
    """Where to draw a unit: where it was seen, else where the books claim it stands; left when they let it go
    without a sensor ever seeing it."""
    if state.place == "unknown" and state.claimed_slot_id is not None:
        return "slot", state.claimed_slot_id
    if state.last_seen_at is None and state.claimed_at is not None:
        return "left", None
    return state.place, state.slot_id


def is_only_announced(state: UnitState) -> bool:
    """No sensor has seen the unit and the books have never had it in a slot: it is in no scene yet."""
    return state.last_seen_at is None and state.claimed_at is None


def asset_view(state: AssetState, now: datetime) -> AssetView:
    return AssetView(
        asset_id=state.asset_id,
        index=state.index,
        kind=state.kind,
        label=state.label,
        point=PointView.of(state.point),
        heading_deg=state.heading_deg,
        load_epc=state.load_epc_hex,
        at=state.at,
        state="stale" if is_stale(state, now) else "live",
    )


def is_stale(state: AssetState, now: datetime) -> bool:
    return now - state.at > POSE_STALE_AFTER


def barrier_view(row: BarrierRow) -> BarrierView:
    return BarrierView(gate_id=row.gate_id, device_id=row.device_id, is_open=row.is_open, at=row.at)


def weighbridge_view(row: WeighbridgeRow) -> WeighbridgeView:
    return WeighbridgeView(
        weighbridge_id=row.weighbridge_id, vehicle_id=row.vehicle_id, mass_g=row.mass_g, at=row.at
    )


def vehicle_view(row: VehicleState) -> VehicleView:
    return VehicleView(vehicle_id=row.vehicle_id, plate=row.plate, state=row.state)
