"""Differences of two weighings against the units a vehicle brought or takes."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from kernel.messages import Event
from kernel.tx import Row, Tx
from twin.messages import DeliveryWeighed
from twin.presence.handlers import Touched
from twin.visits import store
from twin.visits.model import Derivation, Visit, Weighing, mass_vouches, not_ruled_out, weights_agree


async def check_masses(
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


async def rule_out_strays(
    tx: Tx, site_id: str, derivation: Derivation, suspects_of: Mapping[datetime, set[str]]
) -> None:
    """Drop units from what is with a leaving vehicle when an accepted scale says that they cannot be aboard.

    `suspects_of` holds, by the start of the standing, the units that the inner antenna alone heard.
    """
    if not any(suspects_of.values()):
        return
    after = await store.left_before(tx, derivation.vehicle_id, derivation.visits[0].began_at)
    for visit in derivation.visits:
        for standing in visit.standings:
            suspects = suspects_of.get(standing.began_at, set())
            entry, weighing = standing.entry, standing.weighing
            if suspects and entry is not None and weighing is not None and _vouch(entry, weighing):
                sure = set(derivation.units[standing.began_at]) - suspects
                brought_g = await _brought_g(tx, site_id, derivation, visit, after)
                if brought_g is not None:
                    gain_g = weighing.mass_g - (entry.mass_g - brought_g)
                    kept = await _kept(tx, sure, suspects, gain_g)
                    derivation.units[standing.began_at] = sorted(sure | kept)
        after = visit.left_at or after


async def _kept(tx: Tx, sure: set[str], suspects: set[str], gain_g: int) -> set[str]:
    masses = await store.expected_masses(tx, sorted(sure | suspects))
    if any(masses[unit_id] is None for unit_id in sure):
        return suspects
    sure_g = sum(masses[unit_id] or 0 for unit_id in sure)
    return not_ruled_out({unit_id: masses[unit_id] for unit_id in suspects}, gain_g, sure_g)


async def _brought_g(
    tx: Tx, site_id: str, derivation: Derivation, visit: Visit, after: datetime | None
) -> int | None:
    """Stated mass of the announced units that came in on this visit; None when one has no stated mass."""
    until = visit.standings[-1].last_at
    arrivals = await store.arrivals(tx, derivation.vehicle_id, after, until)
    announced = sorted({unit_id for arrival in arrivals for unit_id in arrival["unit_ids"]})
    if not announced:
        return 0
    seen = await store.seen_inside(tx, site_id, announced, visit.began_at, until)
    masses = await store.expected_masses(tx, sorted(seen))
    if any(mass is None for mass in masses.values()):
        return None
    return sum(mass or 0 for mass in masses.values())


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
        "agrees": _vouch(entry, leaving) and mass_vouches(measured_g, expected_g),
        "differs": not weights_agree(measured_g, expected_g),
        "weighed_at": leaving.weighed_at,
        "observation_id": leaving.observation_id,
        "evidence_ids": [entry.observation_id, leaving.observation_id],
    }


def _vouch(*weighings: Weighing) -> bool:
    """Whether they may speak for goods: a second party had accepted the bridge at each."""
    return all(weighing.is_accepted for weighing in weighings)


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
    assert visit.entry is not None
    assert visit.exit is not None
    is_vouched = _vouch(visit.entry, visit.exit)
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
        "agrees": is_vouched and mass_vouches(announced["measured_g"], expected_g),
        "differs": not weights_agree(announced["measured_g"], expected_g),
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
            agrees=not check["differs"],
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
                "agrees": _vouch(entry, leaving) and mass_vouches(measured_g, expected_g),
                "differs": not weights_agree(measured_g, expected_g),
                "weighed_at": leaving.weighed_at,
                "observation_id": leaving.observation_id,
                "evidence_ids": [entry.observation_id, leaving.observation_id],
            }
        )
    return checks
