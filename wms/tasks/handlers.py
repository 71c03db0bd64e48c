"""Claiming work and giving it back. Confirming it is what scans do."""

from kernel.errors import NotFound
from kernel.tx import Tx
from wms.messages import ClaimTask, ReleaseTask
from wms.stock.handlers import sees_site
from wms.tasks import store
from wms.tasks.model import Task, require_claimable, require_own


async def claim_task(command: ClaimTask, tx: Tx) -> None:
    """Take a task: Conflict `tasks.claimed_by_another` names who has it."""
    task = await _lock_own_site(tx, command.task_id)
    require_claimable(task, tx.caller.person_id, tx.now)
    await store.claim(tx, task.task_id)


async def release_task(command: ReleaseTask, tx: Tx) -> None:
    """Give a task back, so that another person may take it."""
    task = await _lock_own_site(tx, command.task_id)
    require_own(task, tx.caller.person_id)
    await store.give_back(tx, task.task_id)


async def _lock_own_site(tx: Tx, task_id: str) -> Task:
    locked = await store.lock(tx, [task_id])
    if not locked or not await sees_site(tx, locked[0].site_id):
        raise NotFound("tasks.unknown", task_id=task_id)
    return locked[0]
