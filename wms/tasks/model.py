"""Who may take a task, and which place it names."""

from datetime import datetime, timedelta

import msgspec

from kernel.errors import Conflict
from wms.messages import TaskKind, TaskState

CLAIM_LASTS = timedelta(minutes=30)
"""After this time a claimed task may be taken over: its holder may have gone home."""
PRIORITY_PUTAWAY = 50
PRIORITY_PICK = 40
"""Smaller comes first: goods that a customer waits for before goods that wait for a slot."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of work with its unit's codes, as locked for a decision."""

    task_id: str
    site_id: str
    kind: TaskKind
    state: TaskState
    unit_id: str
    sscc: str | None
    sku: str
    lot_id: str
    owner_party_id: str
    quantity_each: int
    from_bin: str
    to_bin: str
    delivery_id: str | None
    order_id: str | None
    line_no: int | None
    reservation_id: str | None
    priority: int
    claimed_by: str | None
    claimed_at: datetime | None


def is_live(task: Task) -> bool:
    return task.state in ("open", "claimed")


def held_by_another(task: Task, person_id: str, now: datetime) -> bool:
    """True while somebody else's claim lasts."""
    if task.state != "claimed" or task.claimed_by == person_id:
        return False
    assert task.claimed_at is not None, "a claimed task knows since when"
    return now - task.claimed_at < CLAIM_LASTS


def require_claimable(task: Task, person_id: str, now: datetime) -> None:
    """Raise Conflict `tasks.not_open` for a task that has ended, `tasks.claimed_by_another` otherwise."""
    if not is_live(task):
        raise Conflict("tasks.not_open", task_id=task.task_id, state=task.state)
    if held_by_another(task, person_id, now):
        raise Conflict("tasks.claimed_by_another", task_id=task.task_id, claimed_by=task.claimed_by)


def require_own(task: Task, person_id: str) -> None:
    """Raise Conflict `tasks.not_yours` unless the person holds the task."""
    if task.state != "claimed" or task.claimed_by != person_id:
        raise Conflict("tasks.not_yours", task_id=task.task_id, claimed_by=task.claimed_by)
