"""What is shown and told of vehicles: their state, who stands at a gate, who left, what was weighed."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from kernel.geometry import Point
from kernel.messages import Event
from kernel.tx import Tx
from twin.layout.model import SiteMap, bridge_centre
from twin.messages import VehicleAtGate, VehicleLeft, VehicleTurnedBack, VehicleWeighed
from twin.presence.handlers import Touched
from twin.visits import store
from twin.visits.model import WEIGHED_WITHIN, Derivation, Direction, Standing, Visit, Weighing

AHEAD_OUTSIDE_M, AHEAD_AT_BARRIER_M = -8.0, 3.5
"""Where the viewer shows a truck that waits before the gate, outside and inside."""


async def put_state(tx: Tx, site_id: str, derivation: Derivation, site: SiteMap) -> None:
    """Write how the vehicle's latest visit stands, and where to show the vehicle."""
    visit = derivation.visits[-1] if derivation.visits else None
    standing = visit.standings[-1] if visit is not None and visit.standings else None
    state = {
        "vehicle_id": derivation.vehicle_id,
        "state": "away" if visit is None else visit.state,
        "gate_id": None if standing is None else standing.gate_id,
        "entered_at": None if visit is None else visit.entered_at,
        "left_at": None if visit is None else visit.left_at,
        "gross_g": None if visit is None or visit.entry is None else visit.entry.mass_g,
        "tare_g": None if visit is None or visit.exit is None else visit.exit.mass_g,
    }
    await store.put_state(tx, state)
    if visit is not None:
        await _put_truck(tx, site_id, derivation.vehicle_id, visit, site)


async def _put_truck(tx: Tx, site_id: str, vehicle_id: str, visit: Visit, site: SiteMap) -> None:
    """Trucks have no positioning tag: they are shown where the gate's devices place them."""
    await store.add_truck(tx, site_id, vehicle_id)
    point, heading_deg, at = _truck_pose(visit, site)
    pose = {"vehicle_id": vehicle_id, "x_m": point.x_m, "y_m": point.y_m, "heading_deg": heading_deg}
    await store.put_truck(tx, {**pose, "at": at, "is_gone": visit.state == "left"})


def _truck_pose(visit: Visit, site: SiteMap) -> tuple[Point, float, datetime]:
    standing = visit.standings[-1] if visit.standings else None
    if standing is None or standing.outcome in {"passed", "returned"}:
        at = visit.began_at if standing is None else standing.last_at
        return site.yard_point(), 0.0, at
    inwards = standing.direction == "in"
    heading_deg = 0.0 if inwards else 180.0
    if standing.weighing is not None and standing.crossed_at is None and standing.left_at is None:
        bridge = site.bridges[standing.weighing.weighbridge_id]
        return bridge_centre(bridge), heading_deg, standing.weighing.weighed_at
    outside = inwards or standing.left_at is not None
    ahead_m = AHEAD_OUTSIDE_M if outside else AHEAD_AT_BARRIER_M
    return site.gate_point(standing.gate_id, ahead_m), heading_deg, standing.last_at


def tell_standings(site_id: str, derivation: Derivation, facts: dict[str, Event]) -> None:
    """Tell what stands at a gate now or turned back there last, and every leaving."""
    for visit in derivation.visits:
        for standing in visit.standings:
            if standing.left_at is not None:
                key = f"left:{derivation.vehicle_id}:{standing.evidence_ids[-1]}"
                facts[key] = _left(site_id, derivation, standing)
    if not derivation.visits or not derivation.visits[-1].standings:
        return
    standing = derivation.visits[-1].standings[-1]
    if standing.outcome == "standing":
        event = _at_gate(site_id, derivation, standing)
        facts[f"gate:{derivation.vehicle_id}:{_digest(event)}{_lapsed(standing)}"] = event
    elif standing.outcome == "returned":
        key = f"back:{derivation.vehicle_id}:{standing.began_at.isoformat()}"
        facts[key] = VehicleTurnedBack(
            site_id=site_id,
            gate_id=standing.gate_id,
            vehicle_id=derivation.vehicle_id,
            at=standing.last_at,
            evidence_ids=standing.evidence_ids,
        )


def _digest(event: VehicleAtGate) -> str:
    """The same things standing there are one fact, whatever more reads come in."""
    told = msgspec.structs.replace(event, evidence_ids=[])
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _lapsed(standing: Standing) -> str:
    """That a weighing no longer counts is another fact than that there was none yet."""
    weighing = standing.weighing
    return f":{weighing.observation_id}" if weighing is not None and standing.mass is None else ""


def _at_gate(site_id: str, derivation: Derivation, standing: Standing) -> VehicleAtGate:
    weighing = standing.mass
    return VehicleAtGate(
        site_id=site_id,
        gate_id=standing.gate_id,
        vehicle_id=derivation.vehicle_id,
        direction=standing.direction,
        unit_ids=derivation.units[standing.began_at],
        unknown_epcs=derivation.unknown[standing.began_at],
        mass_g=None if weighing is None else weighing.mass_g,
        weight_id=None if weighing is None else weighing.weight_id,
        at=standing.began_at,
        evidence_ids=standing.evidence_ids,
        entry_mass_g=None if standing.entry is None else standing.entry.mass_g,
    )


def _left(site_id: str, derivation: Derivation, standing: Standing) -> VehicleLeft:
    assert standing.left_at is not None
    weighing = standing.mass
    return VehicleLeft(
        site_id=site_id,
        gate_id=standing.gate_id,
        vehicle_id=derivation.vehicle_id,
        left_at=standing.left_at,
        unit_ids=derivation.units[standing.began_at],
        mass_g=None if weighing is None else weighing.mass_g,
        weight_id=None if weighing is None else weighing.weight_id,
        evidence_ids=standing.evidence_ids,
        is_mass_accepted=weighing is None or weighing.is_accepted,
    )


async def tell_weighings(
    tx: Tx, site_id: str, touched: Touched, fresh: Sequence[Weighing], facts: dict[str, Event]
) -> None:
    """Tell each weighing of the touched periods as it is now understood."""
    known: dict[str, tuple[Weighing, str | None, Direction | None]] = {
        weighing.observation_id: (weighing, None, None) for weighing in fresh
    }
    for gate_id, first_at, last_at in touched.at_gates():
        period = (first_at - WEIGHED_WITHIN, last_at + WEIGHED_WITHIN)
        for told in await store.weighings_at(tx, site_id, gate_id, *period):
            known[told[0].observation_id] = told
    for weighing, vehicle_id, direction in known.values():
        facts[f"weighed:{weighing.observation_id}:{vehicle_id}:{direction}"] = VehicleWeighed(
            site_id=site_id,
            weighbridge_id=weighing.weighbridge_id,
            vehicle_id=vehicle_id,
            mass_g=weighing.mass_g,
            weight_id=weighing.weight_id,
            weighed_at=weighing.weighed_at,
            evidence_ids=[weighing.observation_id],
            direction=direction,
        )
