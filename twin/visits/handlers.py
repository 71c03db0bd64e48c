"""Deriving visits: whose a weighing is, who stands at a gate with what, who left."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from kernel.messages import BarrierState, Envelope, Event, MassReading
from kernel.tx import Row, Tx
from twin.facts import tell
from twin.layout.model import SiteMap
from twin.presence.handlers import Touched
from twin.presence.model import PASSAGE
from twin.visits import store
from twin.visits.masses import check_masses, rule_out_strays
from twin.visits.model import (
    HEARD_WITH,
    PARKED_BEFORE,
    WEIGHED_WITHIN,
    BarrierChange,
    Derivation,
    Pass,
    Standing,
    Visit,
    Weighing,
    fold_visits,
    heard_outside,
    passes_of,
    units_with,
    vehicle_on_bridge,
)
from twin.visits.telling import put_state, tell_standings, tell_weighings

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


# --- taking in -----------------------------------------------------------------------------------


async def take_weighings(
    tx: Tx, site_id: str, weighings: Sequence[tuple[str, Envelope]], site: SiteMap, touched: Touched
) -> list[Weighing]:
    """Keep new weighings and touch their gates; returns the new ones."""
    found = []
    for weighbridge_id, envelope in weighings:
        observation, reading = envelope.observation, envelope.observation.reading
        assert isinstance(reading, MassReading)
        found.append(
            Weighing(
                observation_id=observation.observation_id,
                weighbridge_id=weighbridge_id,
                gate_id=site.gate_of_bridge.get(weighbridge_id),
                mass_g=reading.mass_g,
                weight_id=reading.weight_id,
                weighed_at=observation.observed_at,
                is_accepted=envelope.is_accepted,
            )
        )
    fresh = await store.insert_weighings(tx, site_id, found)
    for weighing in fresh:
        if weighing.gate_id is not None:
            touched.gate(weighing.gate_id, weighing.weighed_at, weighing.weighed_at)
    return fresh


async def take_barriers(
    tx: Tx, site_id: str, barriers: Sequence[tuple[str, Envelope]], touched: Touched
) -> None:
    """Keep new barrier reports and touch their gates."""
    changes = []
    for gate_id, envelope in barriers:
        observation, reading = envelope.observation, envelope.observation.reading
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
                "is_accepted": envelope.is_accepted,
            }
        )
    first_at: dict[str, datetime] = {}
    for change in await store.insert_barriers(tx, site_id, changes):
        gate_id, at = change["gate_id"], change["observed_at"]
        touched.gate(gate_id, at, at)
        first_at[gate_id] = min(at, first_at.get(gate_id, at))
    for gate_id, since in sorted(first_at.items()):
        touched.unit_ids |= await store.came_back(tx, site_id, gate_id, since)


# --- deriving ------------------------------------------------------------------------------------


async def derive_visits(
    tx: Tx, site_id: str, touched: Touched, weighings: Sequence[Weighing], site: SiteMap
) -> list[Derivation]:
    """Derive the visits of every vehicle that the touched gates concern; adds units to `touched`."""
    facts: dict[str, Event] = {}
    for gate_id, first_at, last_at in touched.at_gates():
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
        await check_masses(tx, site_id, derivation, touched, facts)
        await put_state(tx, site_id, derivation, site)
        tell_standings(site_id, derivation, facts)
    await tell_weighings(tx, site_id, touched, weighings, facts)
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
    told = {
        gate_id: await store.barrier_changes(tx, site_id, gate_id, stays[0].first_at - WEIGHED_WITHIN)
        for gate_id in gates
    }
    watched = {gate_id for gate_id in gates if any(change.is_accepted for change in told[gate_id])}
    passes = [item for gate_id in gates for item in await _passes(tx, site_id, gate_id, told[gate_id])]
    weighings = await store.weighings_of(tx, vehicle_id, start - WEIGHED_WITHIN)
    visits = fold_visits(vehicle_id, stays, weighings, passes, watched)
    derivation = Derivation(vehicle_id=vehicle_id, visits=visits, units={}, unknown={})
    suspects = {
        standing.began_at: await _hear_units(tx, site_id, standing, derivation)
        for visit in visits
        for standing in visit.standings
    }
    await rule_out_strays(tx, site_id, derivation, suspects)
    dropped = await store.replace_visits(tx, site_id, vehicle_id, start, visits, derivation.units)
    await store.direct(tx, vehicle_id, start, _directions(visits))
    touched.unit_ids |= {unit for row in dropped for unit in row["unit_ids"]}
    touched.unit_ids |= {unit for units in derivation.units.values() for unit in units}
    _touch_where_it_stood(derivation, dropped, touched)
    return derivation


def _touch_where_it_stood(derivation: Derivation, before: Sequence[Row], touched: Touched) -> None:
    """What went out with no vehicle known is judged anew where this one was known to be, or is."""
    was = {
        (row["gate_id"], row["began_at"], row["last_at"], row["left_at"], frozenset(row["unit_ids"]))
        for row in before
        if row["direction"] == "out"
    }
    now = {
        (it.gate_id, it.began_at, it.last_at, it.left_at, frozenset(derivation.units[it.began_at]))
        for _, _, it in standings_out([derivation])
    }
    for gate_id, began_at, last_at, left_at, _ in was ^ now:
        touched.gate(gate_id, began_at, last_at)
        if left_at is not None:
            touched.gate(gate_id, left_at, left_at)


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


async def _passes(tx: Tx, site_id: str, gate_id: str, told: Sequence[BarrierChange]) -> list[Pass]:
    passes = passes_of(told)
    if not passes:
        return []
    since = min(passed.occupied_at for passed in passes) - WEIGHED_WITHIN
    until = max(passed.freed_at for passed in passes)
    stays = await store.vehicle_stays_at(tx, site_id, gate_id, since, until)
    return store.passes_heard(passes, stays, WEIGHED_WITHIN)


async def _hear_units(tx: Tx, site_id: str, standing: Standing, derivation: Derivation) -> set[str]:
    """Note what was heard with the vehicle; returns units going out that the inner antenna alone heard."""
    period = (standing.began_at - HEARD_WITH, standing.last_at + PARKED_BEFORE)
    heard = await store.unit_stays_at(tx, site_id, standing.gate_id, *period)
    declared = [(unit_id, stay) for unit_id, _, stay in heard if unit_id is not None]
    unknown = [(tag, stay) for unit_id, tag, stay in heard if unit_id is None]
    derivation.units[standing.began_at] = units_with(standing, declared)
    derivation.unknown[standing.began_at] = units_with(standing, unknown)
    if standing.direction == "in":
        return set()
    return set(derivation.units[standing.began_at]) - heard_outside(declared)


def standings_out(derivations: Collection[Derivation]) -> list[tuple[Derivation, Visit, Standing]]:
    """All outward standings of what was derived anew."""
    return [
        (derivation, visit, standing)
        for derivation in derivations
        for visit in derivation.visits
        for standing in visit.standings
        if standing.direction == "out"
    ]
