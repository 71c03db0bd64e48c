"""SQL of the activity feed: the events of a site that the reader's party may see.

Events carry no policies of their own, so each query joins the subjects that each kind names with those that
the party may see now.
"""

from typing import Any

from kernel.tx import ReadTx, Row
from viz.activity.model import TOLD

_VISIBLE = """
    WITH told AS (
        SELECT t.kind, t.field FROM unnest(%(kinds)s::text[], %(fields)s::text[]) AS t(kind, field)
    )
    SELECT e.event_id, e.xid::text AS xid, e.kind, e.occurred_at, e.payload
    FROM app.event e
    WHERE e.site_id = %(site_id)s
        AND EXISTS (
            SELECT FROM told t
            CROSS JOIN LATERAL (
                SELECT e.payload ->> t.field WHERE jsonb_typeof(e.payload -> t.field) = 'string'
                UNION ALL
                SELECT jsonb_array_elements_text(e.payload -> t.field)
                WHERE jsonb_typeof(e.payload -> t.field) = 'array'
            ) AS s(subject_id)
            WHERE t.kind = e.kind AND s.subject_id IN (SELECT identity.visible_subjects())
        )"""

PAGE = f"""{_VISIBLE}
        AND e.event_id < coalesce(%(before)s::bigint, 9223372036854775807)
    ORDER BY e.event_id DESC LIMIT %(limit)s"""

# Below the oldest running transaction, in the order of the relay: what is read once is never overtaken.
AFTER = f"""{_VISIBLE}
        AND (e.xid, e.event_id) > (%(xid)s::text::xid8, %(event_id)s)
        AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY e.xid, e.event_id LIMIT %(limit)s"""

# The newest of those that a returning client has missed.
MISSED = f"""{_VISIBLE}
        AND e.xid >= %(xid_from)s::text::xid8
        AND (e.xid, e.event_id) <= (%(xid)s::text::xid8, %(event_id)s)
    ORDER BY e.event_id DESC LIMIT %(limit)s"""

LAST = """
    SELECT e.xid::text AS xid, e.event_id FROM app.event e
    WHERE e.xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY e.xid DESC, e.event_id DESC LIMIT 1"""

# Changes of what a party may see are events too.
ACCESS_CHANGED = """
    SELECT kind, payload ->> 'subject_id' AS subject_id FROM app.event
    WHERE kind IN ('AccessGranted', 'AccessEnded') AND payload ->> 'party_id' = %(party_id)s
        AND (xid, event_id) > (%(xid)s::text::xid8, %(event_id)s)
        AND (xid, event_id) <= (%(xid_to)s::text::xid8, %(event_id_to)s)"""

_TOLD = [(kind, field) for kind, told in TOLD.items() for field in told.subjects]
_TOLD_TO = {"kinds": [kind for kind, _ in _TOLD], "fields": [field for _, field in _TOLD]}


async def page(read: ReadTx, site_id: str, before: int | None, limit: int) -> list[Row]:
    """Newest first, older than the event `before`."""
    return await read.rows(PAGE, {**_TOLD_TO, "site_id": site_id, "before": before, "limit": limit})


async def after(read: ReadTx, site_id: str, xid: int, event_id: int, limit: int) -> list[Row]:
    """Events after a place in the outbox, in its order."""
    place = {"xid": xid, "event_id": event_id}
    return await read.rows(AFTER, {**_TOLD_TO, **place, "site_id": site_id, "limit": limit})


async def missed(
    read: ReadTx, site_id: str, xid_from: int, through: tuple[int, int], limit: int
) -> list[Row]:
    """The newest events of transactions from `xid_from` on, up to the place `through`; newest first."""
    place = {"xid_from": xid_from, "xid": through[0], "event_id": through[1]}
    return await read.rows(MISSED, {**_TOLD_TO, **place, "site_id": site_id, "limit": limit})


async def last(read: ReadTx) -> tuple[int, int]:
    """The place of the last event that cannot be overtaken any more; (0, 0) when there is none."""
    row: Row | None = await read.row(LAST)
    return (int(row["xid"]), row["event_id"]) if row else (0, 0)


async def access_changed(
    read: ReadTx, party_id: str, start: tuple[int, int], end: tuple[int, int]
) -> list[Row]:
    """What the party was granted or lost between two places: `kind` and `subject_id`."""
    between: dict[str, Any] = {"xid": start[0], "event_id": start[1], "xid_to": end[0], "event_id_to": end[1]}
    return await read.rows(ACCESS_CHANGED, {**between, "party_id": party_id})
