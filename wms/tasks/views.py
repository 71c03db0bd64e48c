"""Tasks as handhelds and pages show them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from identity.api import names_of
from kernel.errors import NotFound
from kernel.tx import ReadTx, Row
from wms.messages import TaskState
from wms.stock.model import slot_of
from wms.tasks import store


class TaskRow(BaseModel):
    """A task. `from_place` is a slot or floor bin; `to_slot_id` None when it leads to a floor bin, named by
    `to_place`. `explanation` says how the place was chosen."""

    task_id: str
    kind: str
    state: str
    unit_id: str
    sscc: str | None
    sku: str
    quantity_each: int
    from_place: str
    to_place: str
    to_slot_id: str | None
    claimed_by: str | None
    claimed_by_name: str | None
    order_id: str | None
    created_at: datetime
    priority: int
    explanation: dict[str, Any]


async def task_list(
    read: ReadTx, site_id: str, state: TaskState | None, cursor: str | None, limit: int
) -> list[TaskRow]:
    """Tasks by priority, then age. `open` includes those that somebody has claimed."""
    states = {"open": ["open", "claimed"], None: ["open", "claimed", "done", "cancelled"]}.get(state, [state])
    return await _shown(read, await store.page(read, site_id, [str(one) for one in states], cursor, limit))


async def task_view(read: ReadTx, task_id: str) -> TaskRow:
    """One task; NotFound `tasks.unknown`."""
    found = await tasks_by_id(read, [task_id])
    if not found:
        raise NotFound("tasks.unknown", task_id=task_id)
    return found[task_id]


async def tasks_by_id(read: ReadTx, task_ids: Iterable[str]) -> dict[str, TaskRow]:
    return {row.task_id: row for row in await _shown(read, await store.some(read, task_ids))}


async def _shown(read: ReadTx, rows: list[Row]) -> list[TaskRow]:
    names = await names_of(read, (row["claimed_by"] for row in rows))
    return [_row(row, names) for row in rows]


def _row(row: Row, names: Mapping[str, str]) -> TaskRow:
    return TaskRow(
        **row,
        to_place=row["to_bin"],
        to_slot_id=slot_of(row["to_bin"]),
        claimed_by_name=names.get(row["claimed_by"] or ""),
    )
