"""Tasks over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from identity.http import Admits, Page, PagingQuery, Session
from wms.messages import ClaimTask, ReleaseTask, TaskState
from wms.tasks.views import TaskRow, task_list, task_view

router = APIRouter(prefix="/api/v1", tags=["tasks"])

Worker = Annotated[Session, Depends(Admits("picker", "operator", "keeper"))]


@router.get("/sites/{site_id}/tasks")
async def list_tasks(
    site_id: str, session: Worker, paging: PagingQuery, state: TaskState | None = None
) -> Page[TaskRow]:
    async with session.read() as read:
        rows = await task_list(read, site_id, state, paging.cursor, paging.limit)
    return paging.page(rows, lambda row: row.task_id)


@router.post("/tasks/{task_id}/claim")
async def claim_task(task_id: str, session: Worker) -> TaskRow:
    """Take a task."""
    await session.do(ClaimTask(task_id=task_id))
    async with session.read() as read:
        return await task_view(read, task_id)


@router.post("/tasks/{task_id}/release")
async def release_task(task_id: str, session: Worker) -> TaskRow:
    """Give a task back."""
    await session.do(ReleaseTask(task_id=task_id))
    async with session.read() as read:
        return await task_view(read, task_id)
