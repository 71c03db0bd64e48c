"""SQL of the access relation."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from kernel.tx import ReadTx, Row, Tx

# Grants from now on, unless the party already may see the subject now.
GRANT = """
    INSERT INTO identity.access (party_id, subject_id, valid_from, cause)
    SELECT %(party_id)s, %(subject_id)s, %(valid_from)s, %(cause)s
    WHERE NOT EXISTS (
        SELECT FROM identity.access
        WHERE party_id = %(party_id)s AND subject_id = %(subject_id)s AND valid_to IS NULL
    )
    ON CONFLICT (party_id, subject_id, valid_from) DO UPDATE SET valid_to = NULL, cause = excluded.cause"""
END = """
    UPDATE identity.access SET valid_to = %(valid_to)s
    WHERE party_id = %(party_id)s AND subject_id = %(subject_id)s AND valid_to IS NULL"""
PARTIES_OF = """
    SELECT party_id FROM identity.access
    WHERE subject_id = %(subject_id)s AND valid_from <= %(at)s AND (valid_to IS NULL OR valid_to > %(at)s)
    ORDER BY party_id"""

BANKS_OF = """
    SELECT DISTINCT a.party_id FROM identity.access a JOIN identity.party p USING (party_id)
    WHERE p.kind = 'bank' AND a.subject_id = ANY(%(subject_ids)s)
        AND a.valid_from <= %(at)s AND (a.valid_to IS NULL OR a.valid_to > %(at)s)"""
HOLDERS = """
    SELECT a.party_id, p.name, a.valid_from AS since
    FROM identity.access a JOIN identity.party p USING (party_id)
    WHERE a.subject_id = %(subject_id)s AND a.valid_from <= %(at)s
        AND (a.valid_to IS NULL OR a.valid_to > %(at)s) AND a.party_id > coalesce(%(cursor)s, '')
    ORDER BY a.party_id LIMIT %(limit)s"""


async def insert_access(tx: Tx, party_id: str, subject_id: str, valid_from: datetime, cause: str) -> bool:
    """True when the right is new."""
    row: dict[str, Any] = {
        "party_id": party_id,
        "subject_id": subject_id,
        "valid_from": valid_from,
        "cause": cause,
    }
    return await tx.run(GRANT, row) == 1


async def end_access(tx: Tx, party_id: str, subject_id: str, valid_to: datetime) -> bool:
    """True when there was a right to end."""
    row = {"party_id": party_id, "subject_id": subject_id, "valid_to": valid_to}
    return await tx.run(END, row) > 0


async def parties_of(tx: Tx, subject_id: str) -> list[str]:
    return [
        str(row["party_id"]) for row in await tx.rows(PARTIES_OF, {"subject_id": subject_id, "at": tx.now})
    ]


async def banks_of(tx: Tx, subject_ids: Collection[str]) -> frozenset[str]:
    rows = await tx.rows(BANKS_OF, {"subject_ids": list(subject_ids), "at": tx.now})
    return frozenset(row["party_id"] for row in rows)


async def holders(read: ReadTx, subject_id: str, cursor: str | None, limit: int) -> list[Row]:
    params = {"subject_id": subject_id, "at": read.now, "cursor": cursor, "limit": limit}
    return await read.rows(HOLDERS, params)
