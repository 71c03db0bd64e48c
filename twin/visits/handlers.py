"""Deriving visits: who was weighed, who stands at a gate with what, who left; told as events once."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import msgspec

from kernel.geometry import Point
from kernel.messages import BarrierState, Event, MassReading, Observation
from kernel.tx import Row, Tx
from twin.facts import tell
from twin.layout.model import SiteMap, bridge_centre
from twin.messages import DeliveryWeighed, VehicleAtGate, VehicleLeft, VehicleWeighed
from twin.presence.handlers import Touched
from twin.presence.model import PASSAGE
from twin.visits import store
from twin.visits.model import (
    HEARD_WITH,
    PARKED_BEFORE,
    WEIGHED_WITHIN,
    Direction,
    Pass,
    Standing,
    Visit,
    Weighing,
    fold_visits,
    passes_of,
    units_with,
    vehicle_on_bridge,
    weights_agree,
)

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD_OUTSIDE_M, AHEAD_AT_BARRIER_M = -8.0, 3.5
"""Where the viewer shows a truck that waits before the gate, outside and inside."""


class Derivation(msgspec.Struct, kw_only=True):
    """The visits of one vehicle since a moment, as derived anew."""

    vehicle_id: str
    visits: list[Visit]
    units: dict[datetime, list[str]]
    """Units heard with the vehicle, by the start of the standing."""
    unknown: dict[datetime, list[str]]
    """Undeclared tags likewise."""


# --- taking in -----------------------------------------------------------------------------------


async def take_weighings(
    tx: Tx, site_id: str, weighings: Sequence[tuple[str, Observation]], site: SiteMap, touched: Touched
) -> list[Weighing]:
    """Keep new weighings and touch their gates; returns the new ones."""
    found = []
    for weighbridge_id, observation in weighings:
        reading = observation.reading
        assert isinstance(reading, MassReading)
        found.append(
            Weighing(
                observation_id=observation.observation_id,
                weighbridge_id=weighbridge_id,
                gate_id=site.gate_of_bridge.get(weighbridge_id),
                mass_g=reading.mass_g,
                weight_id=reading.weight_id,
                weighed_at=observation.observed_at,
            )
        )
    fresh = await store.insert_weighings(tx, site_id, found)
    for weighing in fresh:
        if weighing.gate_id is not None:
            touched.gate(weighing.gate_id, weighing.weighed_at, weighing.weighed_at)
    return fresh


async def take_barriers(
    tx: Tx, site_id: str, barriers: Sequence[tuple[str, Observation]], touched: Touched
) -> None:
    """Keep new barrier reports and touch their gates."""
    changes = []
    for gate_id, observation in barriers:
        reading = observation.reading
        assert isinstance(reading, BarrierState)
        changes.append(
            {
                "device_id": observation.device_id,
                "observation_id": observation.observation_id,
                "gate_id": gate_id,
                "observed_at": observation.observed_at,
                "is_open": reading.is_open,
                "is_closed": reading.is_closed,
                "loop_occupied": reading.loop_occupied,
            }
        )
    for change in await store.insert_barriers(tx, site_id, changes):
        touched.gate(change["gate_id"], change["observed_at"], change["observed_at"])


# --- deriving ------------------------------------------------------------------------------------


async def derive_visits(
    tx: Tx, site_id: str, touched: Touched, weighings: Sequence[Weighing], site: SiteMap
) -> list[Derivation]:
    """Derive the visits of every vehicle that the touched gates concern; adds units to `touched`."""
    facts: dict[str, Event] = {}
    for gate_id, (first_at, last_at) in sorted(touched.gates.items()):
        await _ascribe_weighings(tx, site_id, gate_id, (first_at, last_at), touched)
        period = (first_at - PARKED_BEFORE, last_at + PASSAGE)
        for vehicle_id, since in (await store.vehicles_at(tx, site_id, gate_id, *period)).items():
            touched.vehicle(vehicle_id, since)
    for vehicle_id, since in (await store.brought_more(tx, touched.unit_ids)).items():
        touched.vehicle(vehicle_id, since)
    derivations = [
        await _derive(tx, site_id, vehicle_id, since, touched)
        for vehicle_id, since in sorted(touched.vehicles.items())
    ]
    for derivation in derivations:
        await _check_masses(tx, site_id, derivation, touched, facts)
        await _put_state(tx, site_id, derivation, site)
        _tell_standings(site_id, derivation, facts)
    await _tell_weighings(tx, site_id, touched, weighings, facts)
    await tell(tx, facts)
    return derivations


async def _ascribe_weighings(
    tx: Tx, site_id: str, gate_id: str, period: tuple[datetime, datetime], touched: Touched
) -> None:
    """Say whose each weighing is, with what is known now; both vehicles change when it moves."""
    first_at, last_at = period[0] - WEIGHED_WITHIN, period[1] + WEIGHED_WITHIN
    weighings = await store.weighings_at(tx, site_id, gate_id, first_at, last_at)
    if not weighings:
        return
    near = (first_at - WEIGHED_WITHIN, last_at + WEIGHED_WITHIN)
    stays = await store.vehicle_stays_at(tx, site_id, gate_id, *near)
    for weighing, before, _ in weighings:
        now = vehicle_on_bridge(weighing, stays)
        if now != before:
            await store.ascribe(tx, weighing.observation_id, now)
        for vehicle_id in {now, before} - {None}:
            assert vehicle_id is not None
            touched.vehicle(vehicle_id, weighing.weighed_at)


async def _derive(
    tx: Tx, site_id: str, vehicle_id: str, since: datetime | None, touched: Touched
) -> Derivation:
    start = None if since is None else await store.visit_start(tx, vehicle_id, since - WEIGHED_WITHIN)
    start = start or BEGINNING
    stays = await store.stays_of(tx, vehicle_id, start)
    gates = sorted({stay.gate_id for stay in stays})
    passes = [item for gate_id in gates for item in await _passes(tx, site_id, gate_id, stays[0].first_at)]
    weighings = await store.weighings_of(tx, vehicle_id, start - WEIGHED_WITHIN)
    visits = fold_visits(vehicle_id, stays, weighings, passes)
    derivation = Derivation(vehicle_id=vehicle_id, visits=visits, units={}, unknown={})
    for standing in (standing for visit in visits for standing in visit.standings):
        await _hear_units(tx, site_id, standing, derivation)
    dropped = await store.replace_visits(tx, site_id, vehicle_id, start, visits, derivation.units)
    await store.direct(tx, _directions(visits))
    touched.unit_ids |= dropped | {unit for units in derivation.units.values() for unit in units}
    return derivation


def _directions(visits: Sequence[Visit]) -> list[Row]:
    """Which way the vehicle was going at each weighing that counts."""
    found = [(visit.entry, "in") for visit in visits]
    found += [
        (standing.weighing, "out")
        for visit in visits
        for standing in visit.standings
        if standing.direction == "out"
    ]
    return [
        {"observation_id": weighing.observation_id, "direction": direction}
        for weighing, direction in found
        if weighing is not None
    ]


async def _passes(tx: Tx, site_id: str, gate_id: str, since: datetime) -> list[Pass]:
    since -= WEIGHED_WITHIN
    passes = passes_of(await store.barrier_changes(tx, site_id, gate_id, since))
    if not passes:
        return []
    until = max(passed.freed_at for passed in passes)
    stays = await store.vehicle_stays_at(tx, site_id, gate_id, since, until)
    return store.passes_heard(passes, stays, WEIGHED_WITHIN)


async def _hear_units(tx: Tx, site_id: str, standing: Standing, derivation: Derivation) -> None:
    period = (standing.began_at - HEARD_WITH, standing.last_at + PARKED_BEFORE)
    heard = await store.unit_stays_at(tx, site_id, standing.gate_id, *period)
    declared = [(unit_id, stay) for unit_id, _, stay in heard if unit_id is not None]
    unknown = [(tag, stay) for unit_id, tag, stay in heard if unit_id is None]
    derivation.units[standing.began_at] = units_with(standing, declared)
    derivation.unknown[standing.began_at] = units_with(standing, unknown)


# --- mass checks ---------------------------------------------------------------------------------


async def _check_masses(
    tx: Tx, site_id: str, derivation: Derivation, touched: Touched, facts: dict[str, Event]
) -> None:
    """Compare the differences of weighings with what the vehicle brought or takes."""
    if not derivation.visits:
        return
    start = derivation.visits[0].began_at
    checks: list[Row] = []
    after = await store.left_before(tx, derivation.vehicle_id, start)
    for visit in derivation.visits:
        if visit.entry is not None and visit.exit is not None:
            weighed = (visit.entry, visit.exit)
            arrivals = await store.arrivals(tx, derivation.vehicle_id, after, visit.exit.weighed_at)
            if arrivals:
                announced = _delivery_check(arrivals, *weighed)
                checks.append(announced)
                if not announced["agrees"]:
                    checks += await _received_check(tx, site_id, derivation, visit, announced)
                _tell_delivery(site_id, derivation.vehicle_id, arrivals, weighed, facts)
            else:
                checks += await _exit_checks(tx, derivation, visit)
        after = visit.left_at or after
    touched.unit_ids |= await store.replace_checks(tx, site_id, derivation.vehicle_id, start, checks)


def _delivery_check(arrivals: Sequence[Row], entry: Weighing, leaving: Weighing) -> Row:
    """All deliveries of one visit are weighed together: one vehicle, one net mass."""
    expected_g = sum(arrival["expected_net_g"] for arrival in arrivals)
    measured_g = entry.mass_g - leaving.mass_g
    return {
        "check_key": f"delivery:{arrivals[0]['delivery_id']}",
        "kind": "delivery",
        "delivery_id": arrivals[0]["delivery_id"],
        "unit_ids": sorted({unit_id for arrival in arrivals for unit_id in arrival["unit_ids"]}),
        "measured_g": measured_g,
        "expected_g": expected_g,
        "agrees": weights_agree(measured_g, expected_g),
        "weighed_at": leaving.weighed_at,
        "observation_id": leaving.observation_id,
        "evidence_ids": [entry.observation_id, leaving.observation_id],
    }


async def _received_check(
    tx: Tx, site_id: str, derivation: Derivation, visit: Visit, announced: Row
) -> list[Row]:
    """Less or more came than was announced: the net mass against the units that other sensors saw inside.

    Mass is evidence for what was seen, whatever the notice said; the difference to the notice stays.
    """
    took_away = {
        unit_id
        for standing in visit.standings
        if standing.direction == "out"
        for unit_id in derivation.units[standing.began_at]
    }
    period = (visit.began_at, announced["weighed_at"])
    seen = await store.seen_inside(tx, site_id, announced["unit_ids"], *period)
    unit_ids = sorted(seen - took_away)
    masses = await store.expected_masses(tx, unit_ids)
    if not unit_ids or any(mass is None for mass in masses.values()):
        return []
    expected_g = sum(mass or 0 for mass in masses.values())
    check = {
        "check_key": f"received:{announced['delivery_id']}",
        "kind": "received",
        "unit_ids": unit_ids,
        "expected_g": expected_g,
        "agrees": weights_agree(announced["measured_g"], expected_g),
    }
    return [{**announced, **check}]


def _tell_delivery(
    site_id: str,
    vehicle_id: str,
    arrivals: Sequence[Row],
    weighed: tuple[Weighing, Weighing],
    facts: dict[str, Event],
) -> None:
    check = _delivery_check(arrivals, *weighed)
    entry, leaving = weighed
    for arrival in arrivals:
        key = f"delivery:{arrival['delivery_id']}:{entry.observation_id}:{leaving.observation_id}"
        facts[key] = DeliveryWeighed(
            site_id=site_id,
            delivery_id=arrival["delivery_id"],
            vehicle_id=vehicle_id,
            gross_g=entry.mass_g,
            tare_g=leaving.mass_g,
            net_g=check["measured_g"],
            expected_net_g=check["expected_g"],
            agrees=check["agrees"],
            weighed_at=leaving.weighed_at,
            evidence_ids=check["evidence_ids"],
        )


async def _exit_checks(tx: Tx, derivation: Derivation, visit: Visit) -> list[Row]:
    """A vehicle that brought nothing: what it gained inside against the units heard with it."""
    checks: list[Row] = []
    for standing in visit.standings:
        unit_ids = derivation.units[standing.began_at]
        leaving, entry = standing.weighing, standing.entry
        if standing.direction != "out" or leaving is None or entry is None or not unit_ids:
            continue
        masses = await store.expected_masses(tx, unit_ids)
        if any(mass is None for mass in masses.values()):
            continue
        expected_g = sum(mass or 0 for mass in masses.values())
        measured_g = leaving.mass_g - entry.mass_g
        checks.append(
            {
                "check_key": f"exit:{derivation.vehicle_id}:{leaving.observation_id}",
                "kind": "exit",
                "delivery_id": None,
                "unit_ids": unit_ids,
                "measured_g": measured_g,
                "expected_g": expected_g,
                "agrees": weights_agree(measured_g, expected_g),
                "weighed_at": leaving.weighed_at,
                "observation_id": leaving.observation_id,
                "evidence_ids": [entry.observation_id, leaving.observation_id],
            }
        )
    return checks


# --- state and events ----------------------------------------------------------------------------


async def _put_state(tx: Tx, site_id: str, derivation: Derivation, site: SiteMap) -> None:
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


def _tell_standings(site_id: str, derivation: Derivation, facts: dict[str, Event]) -> None:
    """Tell what stands at a gate now, and every leaving."""
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
        facts[f"gate:{derivation.vehicle_id}:{_digest(event)}"] = event


def _digest(event: VehicleAtGate) -> str:
    """The same things standing there are one fact, whatever more reads come in."""
    told = msgspec.structs.replace(event, evidence_ids=[])
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _at_gate(site_id: str, derivation: Derivation, standing: Standing) -> VehicleAtGate:
    weighing = standing.weighing
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
    weighing = standing.weighing
    return VehicleLeft(
        site_id=site_id,
        gate_id=standing.gate_id,
        vehicle_id=derivation.vehicle_id,
        left_at=standing.left_at,
        unit_ids=derivation.units[standing.began_at],
        mass_g=None if weighing is None else weighing.mass_g,
        weight_id=None if weighing is None else weighing.weight_id,
        evidence_ids=standing.evidence_ids,
    )


async def _tell_weighings(
    tx: Tx, site_id: str, touched: Touched, fresh: Sequence[Weighing], facts: dict[str, Event]
) -> None:
    """Tell each weighing of the touched periods as it is now understood."""
    known: dict[str, tuple[Weighing, str | None, Direction | None]] = {
        weighing.observation_id: (weighing, None, None) for weighing in fresh
    }
    for gate_id, (first_at, last_at) in sorted(touched.gates.items()):
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


def standings_out(derivations: Collection[Derivation]) -> list[tuple[Derivation, Visit, Standing]]:
    """All outward standings of what was derived anew."""
    return [
        (derivation, visit, standing)
        for derivation in derivations
        for visit in derivation.visits
        for standing in visit.standings
        if standing.direction == "out"
    ]
