"""Judging what went out through gates, and what deliveries weighed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from kernel.tx import Row, Tx
from twin.alarms import store
from twin.alarms.incidents import EXIT_KINDS, Incident, evidence, keep, where, withdraw
from twin.alarms.model import ExitMass, Judgement, Load, Passage, UnitOut, each_once, gravest, judge_gate
from twin.alarms.passages import unknown_passage
from twin.alarms.seen_after_exit import judge_seen_after_exit
from twin.messages import AlarmEvidence
from twin.presence.handlers import Touched
from twin.visits.handlers import standings_out
from twin.visits.model import (
    EVIDENCE_OF_PASS,
    HEARD_WITH,
    PARKED_BEFORE,
    WEIGHED_WITHIN,
    Derivation,
    Standing,
    Weighing,
    tolerance_g,
)
from twin.visits.store import weighings_at

CLUSTER = timedelta(seconds=120)
"""Units that go out this close together, with no vehicle known, are one incident."""
AROUND = timedelta(minutes=10)
EVIDENCE_KEPT = 40


async def judge(tx: Tx, site_id: str, derivations: Sequence[Derivation], touched: Touched) -> None:
    """Judge every outward standing derived anew, what went out without a vehicle, and deliveries' mass."""
    await _note_passages(tx, site_id, touched)
    plates = await store.plates(tx, touched.vehicles)
    concerned: set[str] = set()
    for derivation, _, standing in standings_out(derivations):
        plate = plates.get(derivation.vehicle_id, "")
        concerned |= await _judge_standing(tx, site_id, derivation, standing, plate)
    for gate_id, first_at, last_at in touched.at_gates():
        concerned |= await _judge_unknown(tx, site_id, gate_id, first_at - AROUND, last_at + AROUND)
    concerned |= await _judge_deliveries(tx, site_id, touched, plates)
    concerned |= await judge_seen_after_exit(tx, site_id, touched.unit_ids)
    await store.put_grades(tx, concerned)


async def _note_passages(tx: Tx, site_id: str, touched: Touched) -> None:
    """What passed over the loops of the touched gates is judged, again, by the clock."""
    since: dict[str, datetime] = {}
    for gate_id, first_at, _ in touched.at_gates():
        since.setdefault(gate_id, first_at)
    await store.passages_due(tx, site_id, since)


async def _judge_standing(
    tx: Tx, site_id: str, derivation: Derivation, standing: Standing, plate: str
) -> set[str]:
    period = (standing.began_at - HEARD_WITH, standing.last_at + PARKED_BEFORE)
    unit_ids = set(derivation.units[standing.began_at])
    out = await _out_with(tx, site_id, standing, unit_ids, period) if unit_ids else []
    releases = await store.releases(tx, site_id, standing.gate_id, *period) if out else []
    units = each_once([_unit_out(row, releases, derivation.vehicle_id) for row in out])
    expected_g = sum(unit.expected_mass_g or 0 for unit in units)
    passage = _own_passage(standing)
    load = None
    if all(unit.is_released for unit in units):
        load = await _load(tx, site_id, derivation, standing, out)
        expected_g = 0 if load is None else load.released_g
    weighed = _weighed(standing)
    judgements = [
        judge_gate(units, _exit_mass(each), tolerance_g=tolerance_g(expected_g), passage=passage, load=load)
        for each in weighed
    ]
    nth = gravest(judgements)
    standing, judgement = weighed[nth], judgements[nth]
    known_by = where(site_id, standing.gate_id, derivation.vehicle_id, period, unit_ids)
    if judgement is None:
        return await withdraw(tx, await store.alarms_at(tx, known_by, EXIT_KINDS), derivation.vehicle_id)
    incident = Incident(
        judgement=judgement,
        subject=standing.gate_id,
        gate_id=standing.gate_id,
        vehicle_id=derivation.vehicle_id,
        first_at=standing.began_at,
        last_at=standing.last_at,
        facts={
            **_facts(judgement, _exit_mass(standing), expected_g),
            "gate_id": standing.gate_id,
            "plate": plate,
            "outcome": standing.outcome,
        },
        evidence=_evidence_of(judgement, out, standing, passage),
    )
    return await keep(tx, site_id, known_by, incident)


async def _out_with(
    tx: Tx, site_id: str, standing: Standing, unit_ids: set[str], period: tuple[datetime, datetime]
) -> list[Row]:
    """Crossings out of the units with a vehicle; once it has left, also what only the inner antenna heard."""
    out = await store.crossings_out(tx, site_id, standing.gate_id, *period)
    out = [row for row in out if row["unit_id"] in unit_ids]
    if standing.left_at is None:
        return out
    unheard = unit_ids - {row["unit_id"] for row in out}
    return out + await store.gone_with(tx, site_id, standing.gate_id, unheard, period[0], standing.left_at)


def _unit_out(row: Row, releases: Sequence[Row], vehicle_id: str | None) -> UnitOut:
    is_released = any(
        release["vehicle_id"] == vehicle_id
        and row["unit_id"] in release["unit_ids"]
        and release["valid_from"] <= row["crossed_at"]
        and row.get("heard_at", row["crossed_at"]) <= release["valid_until"]
        for release in releases
    )
    return UnitOut(
        unit_id=row["unit_id"],
        lot_id=row["lot_id"],
        crossed_at=row["crossed_at"],
        is_direct=row["is_direct"],
        is_released=is_released,
        is_heard_out="heard_at" not in row,
        expected_mass_g=row["expected_mass_g"],
        evidence_ids=row["evidence_ids"],
    )


async def _load(
    tx: Tx, site_id: str, derivation: Derivation, standing: Standing, out: Sequence[Row]
) -> Load | None:
    """What is released to the vehicle as its units go out, or while it stands there when none was heard, and
    how much of it was heard with it; None when nothing is."""
    moments = [row[name] for row in out for name in ("heard_at", "crossed_at") if name in row]
    moments = moments or [standing.began_at, standing.left_at or standing.last_at]
    came_at, period = standing.began_at, (min(moments), max(moments))
    units, released_g = await store.released(
        tx, site_id, standing.gate_id, derivation.vehicle_id, came_at, *period
    )
    if not units:
        return None
    tagged = [unit for unit in units if unit["has_tag"]]
    unread = [unit for unit in tagged if unit["unit_id"] not in derivation.units[came_at]]
    return Load(
        heard_g=released_g - sum(unit["mass_g"] for unit in unread),
        released_g=released_g,
        tag_count=len(tagged),
        unread={unit["unit_id"]: unit["lot_id"] for unit in unread},
        is_over=standing.outcome != "standing",
        has_left=standing.left_at is not None,
    )


def _weighed(standing: Standing) -> list[Standing]:
    """The standing as it was weighed, and as it may have been where no accepted bridge vouches for that.

    A bridge that nobody accepted, or one whose vehicle no accepted reader names, makes an alarm graver and
    not milder: what the vehicle gained counts as not known where that is graver.
    """
    leaving, entry = standing.weighing, standing.entry
    found = [standing]
    if standing.gainsaid_by is not None:
        found.append(replace(standing, weighing=standing.gainsaid_by))
    told = [weighing for weighing in (leaving, entry) if weighing is not None]
    if leaving is not None and not (standing.is_heard and all(weighing.is_accepted for weighing in told)):
        found.append(replace(standing, entry=None))
    return found


def _exit_mass(standing: Standing) -> ExitMass | None:
    leaving, entry = standing.weighing, standing.entry
    if leaving is None:
        return None
    return ExitMass(
        exit_g=leaving.mass_g,
        exit_at=leaving.weighed_at,
        exit_id=leaving.observation_id,
        entry_g=None if entry is None else entry.mass_g,
        entry_id=None if entry is None else entry.observation_id,
    )


def _facts(judgement: Judgement, mass: ExitMass | None, expected_g: int) -> Row:
    return {
        "units": len(judgement.unit_ids),
        "reasons": judgement.reasons,
        "modalities": judgement.modalities,
        "taken_g": judgement.taken_g,
        "expected_g": expected_g,
        "exit_g": None if mass is None else mass.exit_g,
        "entry_g": None if mass is None else mass.entry_g,
    }


def _tag_evidence(out: Sequence[Row], judgement: Judgement) -> list[AlarmEvidence]:
    """One read of each side for each unit: what a person looks at to see the direction."""
    return [
        evidence(observation_id, "tag", *_heard(row))
        for row in out
        if row["unit_id"] in judgement.unit_ids
        for observation_id in _ends(row["evidence_ids"])
    ]


def _heard(row: Row) -> tuple[datetime, str]:
    """When the tag was heard moving out, or else by the gate, with the note of it."""
    is_out = "heard_at" not in row
    return row["crossed_at" if is_out else "heard_at"], f"{row['epc_hex']} {'out' if is_out else 'by'}"


def _evidence_of(
    judgement: Judgement, out: Sequence[Row], standing: Standing, passage: Passage | None
) -> list[AlarmEvidence]:
    """What a second modality told first: of many tags the last are left out."""
    second = [*_mass_evidence(standing, judgement), *_passage_evidence(passage, judgement)]
    return [*_tag_evidence(out, judgement)[: EVIDENCE_KEPT - len(second)], *second]


def _passage_evidence(passage: Passage | None, judgement: Judgement) -> list[AlarmEvidence]:
    if passage is None or "position" not in judgement.modalities:
        return []
    return [
        evidence(item, "position", passage.occupied_at, "loop passed, boom not shut")
        for item in passage.evidence_ids
    ]


def _own_passage(standing: Standing) -> Passage | None:
    """How the vehicle itself left: the loop's two reports close its evidence."""
    if standing.left_at is None:
        return None
    return Passage(occupied_at=standing.left_at, evidence_ids=standing.evidence_ids[-EVIDENCE_OF_PASS:])


def _ends(observation_ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*observation_ids[:1], *observation_ids[-1:]]))


def _mass_evidence(standing: Standing, judgement: Judgement) -> list[AlarmEvidence]:
    if judgement.taken_g is None:
        return []
    found = []
    for weighing, word in ((standing.entry, "in"), (standing.weighing, "out")):
        if weighing is not None:
            summary = f"{weighing.mass_g // 1000} kg {word}"
            found.append(evidence(weighing.observation_id, "mass", weighing.weighed_at, summary))
    return found


# --- incidents without a vehicle -----------------------------------------------------------------


async def _judge_unknown(
    tx: Tx, site_id: str, gate_id: str, first_at: datetime, last_at: datetime
) -> set[str]:
    """Units that went out with no vehicle known at the gate, in clusters of which a part is in a period."""
    clusters = await _clusters_at(tx, site_id, gate_id, first_at, last_at)
    concerned: set[str] = set()
    kept: set[str] = set()
    for cluster in clusters:
        concerned |= await _judge_cluster(tx, site_id, gate_id, cluster, kept)
    moments = [first_at, last_at, *(row["crossed_at"] for cluster in clusters for row in cluster)]
    known_by = where(site_id, gate_id, None, (min(moments), max(moments)))
    stale = [row for row in await store.alarms_at(tx, known_by, EXIT_KINDS) if row["alarm_id"] not in kept]
    return concerned | await withdraw(tx, stale, None)


async def _clusters_at(
    tx: Tx, site_id: str, gate_id: str, first_at: datetime, last_at: datetime
) -> list[list[Row]]:
    """The clusters of which a part is in a period, each whole: both its ends are looked for."""
    margin = AROUND
    while True:
        start, end = first_at - margin, last_at + margin
        out = await store.crossings_out(tx, site_id, gate_id, start, end)
        standings = await store.standings_out(tx, site_id, gate_id, start, end) if out else []
        alone = [row for row in out if not any(_covers(standing, row) for standing in standings)]
        near = [
            cluster
            for cluster in _clusters(alone)
            if cluster[-1]["crossed_at"] >= first_at and cluster[0]["crossed_at"] <= last_at
        ]
        if not near:
            return []
        if near[0][0]["crossed_at"] - start > CLUSTER and end - near[-1][-1]["crossed_at"] > CLUSTER:
            return near
        margin *= 2


def _covers(standing: Row, row: Row) -> bool:
    return bool(
        row["unit_id"] in standing["unit_ids"]
        and standing["began_at"] - HEARD_WITH <= row["crossed_at"] <= standing["last_at"] + PARKED_BEFORE
    )


def _clusters(rows: Sequence[Row]) -> list[list[Row]]:
    clusters: list[list[Row]] = []
    for row in rows:
        if clusters and row["crossed_at"] - clusters[-1][-1]["crossed_at"] <= CLUSTER:
            clusters[-1].append(row)
        else:
            clusters.append([row])
    return clusters


async def _judge_cluster(
    tx: Tx, site_id: str, gate_id: str, cluster: Sequence[Row], kept: set[str]
) -> set[str]:
    first_at, last_at = cluster[0]["crossed_at"], cluster[-1]["crossed_at"]
    near = (first_at - WEIGHED_WITHIN, last_at + WEIGHED_WITHIN)
    unknown = [
        item for item, vehicle, _ in await weighings_at(tx, site_id, gate_id, *near) if vehicle is None
    ]
    mass = _unknown_mass(unknown)
    units = each_once([_unit_out(row, (), None) for row in cluster])
    tags = {row["epc_hex"] for row in cluster}
    passage = await unknown_passage(tx, site_id, gate_id, tags, first_at, last_at)
    judgement = judge_gate(units, mass, tolerance_g=tolerance_g(0), passage=passage)
    assert judgement is not None, "what goes out with no vehicle known has no release"
    expected_g = sum(unit.expected_mass_g or 0 for unit in units)
    known_by = where(site_id, gate_id, None, (first_at - CLUSTER, last_at + CLUSTER), judgement.unit_ids)
    incident = Incident(
        judgement=judgement,
        subject=gate_id,
        gate_id=gate_id,
        vehicle_id=None,
        first_at=first_at,
        last_at=last_at,
        facts={
            **_facts(judgement, mass, expected_g),
            "gate_id": gate_id,
            "plate": "",
            "outcome": "standing" if passage is None else "left",
        },
        evidence=[
            *_tag_evidence(cluster, judgement)[: EVIDENCE_KEPT - EVIDENCE_OF_PASS],
            *_passage_evidence(passage, judgement),
        ],
    )
    return await keep(tx, site_id, known_by, incident, kept)


def _unknown_mass(weighings: Sequence[Weighing]) -> ExitMass | None:
    if not weighings:
        return None
    last = weighings[-1]
    return ExitMass(
        exit_g=last.mass_g,
        exit_at=last.weighed_at,
        exit_id=last.observation_id,
        entry_g=None,
        entry_id=None,
    )


# --- deliveries ----------------------------------------------------------------------------------


async def _judge_deliveries(tx: Tx, site_id: str, touched: Touched, plates: dict[str, str]) -> set[str]:
    """A delivery whose vehicle has left and whose net mass disagrees: mass alone, so `check`."""
    concerned: set[str] = set()
    for check in await store.delivery_checks(tx, site_id, touched.vehicles):
        period = (check["weighed_at"] - AROUND, check["weighed_at"] + AROUND)
        known_by = where(site_id, check["delivery_id"], check["vehicle_id"], period, check["unit_ids"])
        if not check["differs"] or check["left_at"] is None:
            before = await store.alarms_at(tx, known_by, ["delivery_mass_differs"])
            concerned |= await withdraw(tx, before, check["vehicle_id"])
        else:
            incident = _delivery_incident(check, plates.get(check["vehicle_id"], ""))
            concerned |= await keep(tx, site_id, known_by, incident)
    return concerned


def _delivery_incident(check: Row, plate: str) -> Incident:
    judgement = Judgement(
        kind="delivery_mass_differs",
        grade="check",
        unit_ids=check["unit_ids"],
        lot_ids=check["lot_ids"],
        modalities=["mass"],
        reasons=["mass_differs"],
        taken_g=check["measured_g"],
    )
    facts = {
        "delivery_id": check["delivery_id"],
        "plate": plate,
        "units": len(check["unit_ids"]),
        "net_g": check["measured_g"],
        "expected_g": check["expected_g"],
        "reasons": judgement.reasons,
        "modalities": judgement.modalities,
    }
    summary = f"{check['measured_g'] // 1000} kg net"
    return Incident(
        judgement=judgement,
        subject=check["delivery_id"],
        gate_id=None,
        vehicle_id=check["vehicle_id"],
        first_at=check["weighed_at"],
        last_at=check["weighed_at"],
        facts=facts,
        evidence=[evidence(item, "mass", check["weighed_at"], summary) for item in check["evidence_ids"]],
    )
