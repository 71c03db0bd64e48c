"""Recording scans: stored as observations, judged, carried out, answered; one transaction a batch."""

from collections.abc import Sequence

from devices import api as devices
from kernel.errors import NotFound
from kernel.messages import Observation, Rejected
from kernel.tx import Row, Tx
from wms.allocation.handlers import confirm_picks
from wms.inbound.putaway import confirm_putaways
from wms.messages import RecordScans, Scan, ScanResult, ScansRecorded
from wms.orders import store as orders
from wms.scans import store
from wms.scans.model import Bench, Verdict, judge_all, require_batch, sscc_of
from wms.stock import store as stock
from wms.stock.handlers import sees_site
from wms.tasks import store as tasks
from wms.tasks.model import Task


async def record_scans(command: RecordScans, tx: Tx) -> ScansRecorded:
    """Store, judge and answer a handheld's scans in order.

    A refused scan is kept with its reason and does not stop the others. A scan that ingest sets aside (an
    impossible time, another content under the same number) confirms nothing. What was answered before is
    answered the same, whoever sends it.
    """
    require_batch(command)
    if not await sees_site(tx, command.site_id):
        raise NotFound("devices.unknown", device_id=command.device_id)
    # First the observations: the lock on the site's journal makes a second sender of the same batch wait
    # until the answers of the first are there to be found.
    acked = await devices.record_observations(
        tx,
        command.site_id,
        [_observation(command, scan, tx) for scan in command.scans],
        command.sent_at,
    )
    set_aside = {entry.sequence: entry for entry in acked.rejected}
    sequences = [scan.sequence for scan in command.scans]
    earlier = await store.earlier_answers(tx, command.device_id, command.boot, sequences)
    fresh = [scan for scan in command.scans if scan.sequence not in earlier]
    judged = await _judge(tx, command, fresh, set_aside)
    await _carry_out(tx, command, judged)
    await store.insert(tx, command.site_id, command.device_id, command.boot, judged)
    answers = {scan.sequence: _answer(scan, verdict) for scan, verdict in judged}
    for scan in command.scans:
        if scan.sequence in earlier:
            answers[scan.sequence] = _again(earlier[scan.sequence], set_aside.get(scan.sequence))
    return ScansRecorded(
        acked_boot=acked.boot,
        acked_sequence=acked.sequence,
        results=tuple(answers[sequence] for sequence in sequences),
    )


def _observation(command: RecordScans, scan: Scan, tx: Tx) -> Observation:
    return devices.scan_observation(
        command.device_id,
        tx.caller.person_id,
        devices.Scan(
            boot=command.boot,
            sequence=scan.sequence,
            observed_at=scan.observed_at,
            code=scan.code,
            place_code=scan.place_code,
            symbology=scan.symbology,
            task_id=scan.task_id,
        ),
    )


async def _judge(
    tx: Tx, command: RecordScans, scans: Sequence[Scan], set_aside: dict[int | None, Rejected]
) -> list[tuple[Scan, Verdict]]:
    sound = [scan for scan in scans if scan.sequence not in set_aside]
    bench = await _bench(tx, command.site_id, sound)
    verdicts = dict(zip([scan.sequence for scan in sound], judge_all(sound, bench), strict=True))
    return [(scan, verdicts.get(scan.sequence) or _not_recorded(set_aside[scan.sequence])) for scan in scans]


def _not_recorded(entry: Rejected) -> Verdict:
    return Verdict("refused", "scan.not_recorded", {"field": entry.field, "rule": entry.rule}, None)


async def _bench(tx: Tx, site_id: str, scans: Sequence[Scan]) -> Bench:
    """Lock orders and tasks that the scans may concern, and look up what judging needs."""
    units = await stock.units_by_sscc(tx, site_id, [sscc_of(scan.code) for scan in scans])
    unit_of = {sscc: row["unit_id"] for sscc, row in units.items()}
    named = [scan.task_id for scan in scans if scan.task_id]
    loose = [unit_of.get(sscc_of(scan.code), "") for scan in scans if not scan.task_id]
    concerned = await tasks.ids_for_scans(tx, site_id, named, loose)
    await orders.lock(tx, {row["order_id"] for row in concerned if row["order_id"]})
    locked = {task.task_id: task for task in await tasks.lock(tx, [row["task_id"] for row in concerned])}
    # All units at once: putaways and picks are carried out one after the other, and would lock in two orders.
    await stock.lock_units(tx, [task.unit_id for task in locked.values()])
    slots = [task.to_bin for task in locked.values() if task.kind == "putaway"]
    return Bench(
        unit_of_sscc=unit_of,
        tasks=locked,
        occupants=await store.occupants(tx, site_id, slots),
        held_units=await store.held_units(tx, [task.unit_id for task in locked.values()]),
        gone_units=await store.gone_units(tx, unit_of.values()),
        person_id=tx.caller.person_id,
        now=tx.now,
    )


async def _carry_out(tx: Tx, command: RecordScans, judged: Sequence[tuple[Scan, Verdict]]) -> None:
    done: list[tuple[Task, str]] = [
        (verdict.task, f"{command.device_id}:{command.boot}:{scan.sequence}")
        for scan, verdict in judged
        if verdict.outcome == "done" and verdict.task is not None
    ]
    await tasks.finish(tx, [task.task_id for task, _ in done])
    await confirm_putaways(tx, command.site_id, [one for one in done if one[0].kind == "putaway"])
    await confirm_picks(tx, command.site_id, [one for one in done if one[0].kind == "pick"])


def _answer(scan: Scan, verdict: Verdict) -> ScanResult:
    return ScanResult(
        sequence=scan.sequence,
        outcome=verdict.outcome,
        key=verdict.key,
        facts=verdict.facts,
        task_id=verdict.task.task_id if verdict.task else None,
    )


def _again(earlier: Row, entry: Rejected | None) -> ScanResult:
    """The first answer again; or, when another scan came under the same number, that it was not taken."""
    if entry is not None:
        verdict = _not_recorded(entry)
        return ScanResult(
            sequence=earlier["sequence"], outcome="refused", key=verdict.key, facts=verdict.facts
        )
    return ScanResult(**earlier)
