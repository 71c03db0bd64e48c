"""Pure judgement of a scan: which task it confirms, or why it is refused."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from kernel.errors import Invalid
from kernel.gs1 import CodeRejected, elements_of_link, parse_elements
from wms.messages import SCANS_MAX, RecordScans, Scan, ScanOutcome
from wms.tasks.model import Task, held_by_another, is_live

AI_SSCC = "00"
"""Application identifier of the SSCC (GS1 General Specifications, section 3.3.1)."""
CODE_LENGTH_MAX = 120
Facts = dict[str, str | int | None]


class Bench(NamedTuple):
    """What the judgement may look at. `tasks` are locked; `occupants` says which unit the books have in a
    slot; `held_units` may not be moved; `gone_units` have left by the books."""

    unit_of_sscc: Mapping[str, str]
    tasks: Mapping[str, Task]
    occupants: Mapping[str, str]
    held_units: Collection[str]
    gone_units: Collection[str]
    person_id: str
    now: datetime


class Verdict(NamedTuple):
    """`task` is the one that the scan confirms, or the one it was refused for."""

    outcome: ScanOutcome
    key: str | None
    facts: Facts
    task: Task | None


def sscc_of(code: str) -> str:
    """The SSCC in a scanned code: bare, in an element string such as `00…` or `(00)…`, or in a web address.

    Other codes come back as they are, without outer blanks and AIM prefix.
    """
    kept = code.strip()
    if kept.startswith("]") and len(kept) > 3:
        kept = kept[3:]
    try:
        elements = elements_of_link(kept) if "://" in kept else parse_elements(kept)
    except CodeRejected:
        return kept
    return elements.get(AI_SSCC, kept)


def judge(scan: Scan, bench: Bench, ended: Collection[str]) -> Verdict:
    """What one scan comes to; `ended` are tasks that earlier scans of the batch have confirmed."""
    sscc = sscc_of(scan.code)
    unit_id = bench.unit_of_sscc.get(sscc)
    if scan.task_id is not None:
        task = bench.tasks.get(scan.task_id)
        if task is None:
            return _refused("scan.unknown_task", {"task_id": scan.task_id}, None)
        return _judge_task(scan, sscc, unit_id, task, bench, ended)
    if unit_id is None:
        return _refused("scan.unknown_code", {"scanned": sscc}, None)
    live = [task for task in bench.tasks.values() if task.unit_id == unit_id and task.task_id not in ended]
    task = _task_meant(live, bench)
    if task is None and unit_id in bench.gone_units:
        return _refused("scan.has_left", {"scanned": sscc}, None)
    if task is None:
        return Verdict("noted", None, {"scanned": sscc}, None)
    return _judge_task(scan, sscc, unit_id, task, bench, ended)


def _task_meant(tasks: Iterable[Task], bench: Bench) -> Task | None:
    """The live task that a scan of its unit most likely means: the person's own, then a free one, by
    priority and age."""
    live = [task for task in tasks if is_live(task)]
    return min(
        live,
        key=lambda task: (
            task.claimed_by != bench.person_id,
            held_by_another(task, bench.person_id, bench.now),
            task.priority,
            task.task_id,
        ),
        default=None,
    )


def _judge_task(
    scan: Scan, sscc: str, unit_id: str | None, task: Task, bench: Bench, ended: Collection[str]
) -> Verdict:
    if not is_live(task) or task.task_id in ended:
        state = "done" if task.task_id in ended else task.state
        return _refused("scan.task_ended", {"task_id": task.task_id, "state": state}, task)
    if held_by_another(task, bench.person_id, bench.now):
        return _refused("tasks.claimed_by_another", {"claimed_by": task.claimed_by}, task)
    if unit_id != task.unit_id:
        return _refused("scan.wrong_pallet", {"expected": task.sscc, "scanned": sscc}, task)
    if task.unit_id in bench.held_units:
        return _refused("stock.held", {"unit_id": task.unit_id}, task)
    key, facts = _judge_place(scan, task, bench)
    return _refused(key, facts, task) if key else Verdict("done", None, facts, task)


def _judge_place(scan: Scan, task: Task, bench: Bench) -> tuple[str | None, Facts]:
    """Putaway needs the code of its slot, which must be empty; a pick may name the slot it takes from."""
    expected = task.to_bin if task.kind == "putaway" else task.from_bin
    scanned = scan.place_code.strip() if scan.place_code else None
    if scanned is None and task.kind == "putaway":
        return "scan.place_missing", {"expected": expected}
    if scanned is not None and scanned != expected:
        return "scan.wrong_slot", {"expected": expected, "scanned": scanned}
    occupant = bench.occupants.get(expected) if task.kind == "putaway" else None
    if occupant is not None and occupant != task.unit_id:
        return "scan.slot_taken", {"expected": expected, "unit_id": occupant}
    return None, {"place": expected}


def _refused(key: str, facts: Facts, task: Task | None) -> Verdict:
    return Verdict("refused", key, facts, task)


def judge_all(scans: Sequence[Scan], bench: Bench) -> list[Verdict]:
    """Judge scans in order; each sees what the earlier ones of the batch have ended and filled."""
    ended: set[str] = set()
    occupants = dict(bench.occupants)
    verdicts = []
    for scan in scans:
        verdict = judge(scan, bench._replace(occupants=occupants), ended)
        if verdict.outcome == "done":
            assert verdict.task is not None
            ended.add(verdict.task.task_id)
            if verdict.task.kind == "putaway":
                occupants[verdict.task.to_bin] = verdict.task.unit_id
        verdicts.append(verdict)
    return verdicts


def require_batch(command: RecordScans) -> None:
    """Raise Invalid naming field and rule for a batch that cannot even be judged."""
    if not 1 <= len(command.scans) <= SCANS_MAX:
        raise Invalid("scan.batch", field="scans", rule=f"1 to {SCANS_MAX} scans")
    if command.boot < 1:
        raise Invalid("scan.boot", field="boot", rule="1 or more")
    sequences = [scan.sequence for scan in command.scans]
    if sorted(set(sequences)) != sequences or sequences[0] < 1:
        raise Invalid("scan.sequence", field="scans.sequence", rule="1 or more, rising")
    for index, scan in enumerate(command.scans):
        if not 1 <= len(scan.code) <= CODE_LENGTH_MAX:
            raise Invalid("scan.code", field=f"scans.{index}.code", rule=f"1 to {CODE_LENGTH_MAX} characters")
