"""SQL of tasks. Lock order everywhere: orders, then tasks, then units."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from kernel.tx import ReadTx, Row, Tx
from wms.tasks.model import Task

_TASK = """t.task_id, t.site_id, t.kind, t.state, t.unit_id, u.sscc, u.sku, u.lot_id, u.owner_party_id,
    t.quantity_each, t.from_bin, t.to_bin, t.delivery_id, t.order_id, t.line_no, t.reservation_id,
    t.priority, t.claimed_by, t.claimed_at"""

LOCK = f"""
    SELECT {_TASK} FROM wms.task t JOIN wms.unit u USING (unit_id)
    WHERE t.task_id = ANY(%(task_ids)s) ORDER BY t.task_id FOR UPDATE OF t"""  # noqa: S608
# The live tasks of scanned units and the tasks that the scans name, whatever their state.
IDS_FOR_SCANS = """
    SELECT task_id, order_id FROM wms.task
    WHERE site_id = %(site_id)s
        AND (task_id = ANY(%(task_ids)s)
            OR (unit_id = ANY(%(unit_ids)s) AND state IN ('open', 'claimed')))
    ORDER BY task_id"""
INSERT = """
    INSERT INTO wms.task (task_id, site_id, kind, state, unit_id, quantity_each, from_bin, to_bin,
        delivery_id, order_id, line_no, reservation_id, priority, explanation, created_at)
    SELECT t.task_id, %(site_id)s, %(kind)s, 'open', t.unit_id, t.quantity_each, t.from_bin, t.to_bin,
        t.delivery_id, t.order_id, t.line_no, t.reservation_id, %(priority)s, t.explanation, %(now)s
    FROM unnest(%(task_ids)s::text[], %(unit_ids)s::text[], %(quantities)s::bigint[],
        %(from_bins)s::text[], %(to_bins)s::text[], %(delivery_ids)s::text[], %(order_ids)s::text[],
        %(line_nos)s::integer[], %(reservation_ids)s::text[], %(explanations)s::jsonb[])
        AS t(task_id, unit_id, quantity_each, from_bin, to_bin, delivery_id, order_id, line_no,
            reservation_id, explanation)"""
CLAIM = """
    UPDATE wms.task SET state = 'claimed', claimed_by = %(person_id)s, claimed_at = %(now)s
    WHERE task_id = %(task_id)s AND state IN ('open', 'claimed')"""
GIVE_BACK = """
    UPDATE wms.task SET state = 'open', claimed_by = NULL, claimed_at = NULL
    WHERE task_id = %(task_id)s AND state = 'claimed'"""
FINISH = """
    UPDATE wms.task SET state = 'done', done_by = %(person_id)s, done_at = %(now)s
    WHERE task_id = ANY(%(task_ids)s) AND state IN ('open', 'claimed')"""
CANCEL_OF_ORDER = """
    UPDATE wms.task SET state = 'cancelled' WHERE order_id = %(order_id)s AND state IN ('open', 'claimed')"""
SLOTS_PROMISED = """
    SELECT to_bin FROM wms.task
    WHERE site_id = %(site_id)s AND kind = 'putaway' AND state IN ('open', 'claimed')"""

_ROW = """
    SELECT t.task_id, t.kind, t.state, t.unit_id, u.sscc, u.sku, t.quantity_each, t.from_bin AS from_place,
        t.to_bin, t.claimed_by, t.order_id, t.created_at, t.priority, t.explanation
    FROM wms.task t JOIN wms.unit u USING (unit_id)"""
PAGE = f"""{_ROW}
    WHERE t.site_id = %(site_id)s AND t.state = ANY(%(states)s)
        AND (%(cursor)s::text IS NULL OR (t.priority, t.task_id) > (
            SELECT c.priority, c.task_id FROM wms.task c WHERE c.task_id = %(cursor)s))
    ORDER BY t.priority, t.task_id LIMIT %(limit)s"""  # noqa: S608
ONES = f"{_ROW} WHERE t.task_id = ANY(%(task_ids)s)"


async def lock(tx: Tx, task_ids: Iterable[str]) -> list[Task]:
    """The tasks, locked in order of their ids."""
    rows = await tx.rows(LOCK, {"task_ids": sorted(set(task_ids))})
    return [msgspec.convert(row, Task) for row in rows]


async def ids_for_scans(tx: Tx, site_id: str, task_ids: Iterable[str], unit_ids: Iterable[str]) -> list[Row]:
    """(task_id, order_id) of the tasks that scans of these units, or naming these tasks, may concern."""
    params = {"site_id": site_id, "task_ids": sorted(set(task_ids)), "unit_ids": sorted(set(unit_ids))}
    return await tx.rows(IDS_FOR_SCANS, params)


async def insert(tx: Tx, site_id: str, kind: str, priority: int, tasks: Sequence[dict[str, Any]]) -> None:
    """Insert open tasks; each gives `task_id, unit_id, quantity_each, from_bin, to_bin, explanation` and
    what it is for."""
    if not tasks:
        return
    names = {
        "task_ids": "task_id",
        "unit_ids": "unit_id",
        "quantities": "quantity_each",
        "from_bins": "from_bin",
        "to_bins": "to_bin",
        "delivery_ids": "delivery_id",
        "order_ids": "order_id",
        "line_nos": "line_no",
        "reservation_ids": "reservation_id",
    }
    columns: dict[str, Any] = {column: [task.get(field) for task in tasks] for column, field in names.items()}
    columns["explanations"] = [Jsonb(task["explanation"]) for task in tasks]
    await tx.run(INSERT, {"site_id": site_id, "kind": kind, "priority": priority, "now": tx.now, **columns})


async def claim(tx: Tx, task_id: str) -> None:
    await tx.run(CLAIM, {"task_id": task_id, "person_id": tx.caller.person_id, "now": tx.now})


async def give_back(tx: Tx, task_id: str) -> None:
    await tx.run(GIVE_BACK, {"task_id": task_id})


async def finish(tx: Tx, task_ids: Sequence[str]) -> None:
    """End locked live tasks as done."""
    if task_ids:
        params = {"task_ids": list(task_ids), "person_id": tx.caller.person_id, "now": tx.now}
        done = await tx.run(FINISH, params)
        assert done == len(task_ids), "a task ends once"


async def cancel_of_order(tx: Tx, order_id: str) -> None:
    await tx.run(CANCEL_OF_ORDER, {"order_id": order_id})


async def slots_promised(read: ReadTx, site_id: str) -> set[str]:
    """Slots that live putaway tasks lead to."""
    return {row["to_bin"] for row in await read.rows(SLOTS_PROMISED, {"site_id": site_id})}


async def page(
    read: ReadTx, site_id: str, states: Sequence[str], cursor: str | None, limit: int
) -> list[Row]:
    params = {"site_id": site_id, "states": list(states), "cursor": cursor, "limit": limit}
    return await read.rows(PAGE, params)


async def some(read: ReadTx, task_ids: Iterable[str]) -> list[Row]:
    return await read.rows(ONES, {"task_ids": sorted(set(task_ids))})
