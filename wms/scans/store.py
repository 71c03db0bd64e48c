"""SQL of scans and of what their judgement looks at."""

from collections.abc import Iterable, Sequence

from psycopg.types.json import Jsonb

from kernel.tx import ReadTx, Row, Tx
from wms.messages import Scan
from wms.scans.model import Verdict
from wms.stock.model import CUSTOMER

EARLIER = """
    SELECT sequence, outcome, key, facts, task_id FROM wms.scan
    WHERE device_id = %(device_id)s AND boot = %(boot)s AND sequence = ANY(%(sequences)s)"""
OCCUPANTS = """
    SELECT bin, min(unit_id) AS unit_id FROM wms.balance
    WHERE site_id = %(site_id)s AND bin = ANY(%(bins)s) AND quantity_each > 0 GROUP BY bin"""
HELD_UNITS = """
    SELECT DISTINCT unit_id FROM wms.balance
    WHERE unit_id = ANY(%(unit_ids)s) AND hold_id IS NOT NULL AND quantity_each > 0"""
GONE_UNITS = """
    SELECT DISTINCT m.from_unit_id FROM wms.stock_move m
    WHERE m.from_unit_id = ANY(%(unit_ids)s) AND m.to_bin = %(customer)s
        AND NOT EXISTS (SELECT FROM wms.balance b WHERE b.unit_id = m.from_unit_id AND b.quantity_each > 0)"""
INSERT = """
    INSERT INTO wms.scan (device_id, boot, sequence, site_id, observed_at, code, place_code, asked_task_id,
        task_id, outcome, key, facts, person_id, recorded_at)
    SELECT %(device_id)s, %(boot)s, t.sequence, %(site_id)s, t.observed_at, t.code, t.place_code,
        t.asked_task_id, t.task_id, t.outcome, t.key, t.facts, %(person_id)s, %(now)s
    FROM unnest(%(sequences)s::bigint[], %(observed)s::timestamptz[], %(codes)s::text[],
        %(places)s::text[], %(asked)s::text[], %(tasks)s::text[], %(outcomes)s::text[], %(keys)s::text[],
        %(facts)s::jsonb[])
        AS t(sequence, observed_at, code, place_code, asked_task_id, task_id, outcome, key, facts)"""
PAGE = """
    SELECT scan_no, device_id || ':' || boot || ':' || sequence AS scan_id, device_id, observed_at,
        recorded_at, code, place_code, task_id, outcome, key, facts, person_id
    FROM wms.scan
    WHERE site_id = %(site_id)s AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
        AND (%(before)s::bigint IS NULL OR scan_no < %(before)s)
    ORDER BY scan_no DESC LIMIT %(limit)s"""


async def earlier_answers(tx: Tx, device_id: str, boot: int, sequences: Iterable[int]) -> dict[int, Row]:
    """Answers already given, by sequence. The site's journal is locked, so two senders cannot both miss."""
    params = {"device_id": device_id, "boot": boot, "sequences": list(sequences)}
    return {row["sequence"]: row for row in await tx.rows(EARLIER, params)}


async def occupants(read: ReadTx, site_id: str, bins: Iterable[str]) -> dict[str, str]:
    rows = await read.rows(OCCUPANTS, {"site_id": site_id, "bins": sorted(set(bins))})
    return {row["bin"]: row["unit_id"] for row in rows}


async def held_units(read: ReadTx, unit_ids: Iterable[str]) -> set[str]:
    rows = await read.rows(HELD_UNITS, {"unit_ids": sorted(set(unit_ids))})
    return {row["unit_id"] for row in rows}


async def gone_units(read: ReadTx, unit_ids: Iterable[str]) -> set[str]:
    """Those of the units that went out through a gate and of which nothing is on stock."""
    params = {"unit_ids": sorted(set(unit_ids)), "customer": CUSTOMER}
    return {row["from_unit_id"] for row in await read.rows(GONE_UNITS, params)}


async def insert(
    tx: Tx, site_id: str, device_id: str, boot: int, judged: Sequence[tuple[Scan, Verdict]]
) -> None:
    """Keep scans with their answers."""
    if not judged:
        return
    await tx.run(
        INSERT,
        {
            "device_id": device_id,
            "boot": boot,
            "site_id": site_id,
            "person_id": tx.caller.person_id,
            "now": tx.now,
            "sequences": [scan.sequence for scan, _ in judged],
            "observed": [scan.observed_at for scan, _ in judged],
            "codes": [scan.code for scan, _ in judged],
            "places": [scan.place_code for scan, _ in judged],
            "asked": [scan.task_id for scan, _ in judged],
            "tasks": [verdict.task.task_id if verdict.task else None for _, verdict in judged],
            "outcomes": [verdict.outcome for _, verdict in judged],
            "keys": [verdict.key for _, verdict in judged],
            "facts": [Jsonb(verdict.facts) for _, verdict in judged],
        },
    )


async def page(read: ReadTx, site_id: str, outcome: str | None, before: int | None, limit: int) -> list[Row]:
    return await read.rows(PAGE, {"site_id": site_id, "outcome": outcome, "before": before, "limit": limit})
