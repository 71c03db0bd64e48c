"""The SQL of where devices' own counts stand."""

from collections.abc import Collection

from devices.ingest.event_counts import Count, Counts
from kernel.tx import ReadTx, Tx

EVENT_COUNTS = """
    SELECT device_id, number, observed_at FROM devices.event_count WHERE device_id = ANY(%(device_ids)s)"""
SAVE_EVENT_COUNTS = """
    INSERT INTO devices.event_count AS c (device_id, number, observed_at)
    SELECT device_id, number, observed_at
    FROM unnest(%(device_ids)s::text[], %(numbers)s::bigint[], %(at)s::timestamptz[])
        AS fresh (device_id, number, observed_at)
    ON CONFLICT (device_id) DO UPDATE SET number = EXCLUDED.number, observed_at = EXCLUDED.observed_at
    WHERE EXCLUDED.observed_at >= c.observed_at"""


async def event_counts(tx: ReadTx, device_ids: Collection[str]) -> Counts:
    """Where the counts of these devices stand, of those that keep one."""
    rows = await tx.rows(EVENT_COUNTS, {"device_ids": sorted(device_ids)})
    return {row["device_id"]: Count(row["number"], row["observed_at"]) for row in rows}


async def save_event_counts(tx: Tx, counts: Counts) -> None:
    """Move the counts on; one of an earlier time moves nothing."""
    ordered = sorted(counts.items())
    if ordered:
        await tx.run(
            SAVE_EVENT_COUNTS,
            {
                "device_ids": [device_id for device_id, _ in ordered],
                "numbers": [count.number for _, count in ordered],
                "at": [count.at for _, count in ordered],
            },
        )
