"""SQL of parties."""

from typing import Any

from kernel.tx import ReadTx, Row, Tx

INSERT = """
    INSERT INTO identity.party (party_id, kind, name, created_at)
    VALUES (%(party_id)s, %(kind)s, %(name)s, %(created_at)s) ON CONFLICT (party_id) DO NOTHING"""
ONE = "SELECT party_id, kind, name FROM identity.party WHERE party_id = %(party_id)s"
OF_KIND = """
    SELECT party_id, kind, name FROM identity.party
    WHERE kind = %(kind)s AND party_id > coalesce(%(cursor)s, '') ORDER BY party_id LIMIT %(limit)s"""


async def insert(tx: Tx, row: dict[str, Any]) -> bool:
    return await tx.run(INSERT, row) == 1


async def find(read: ReadTx, party_id: str) -> Row | None:
    return await read.row(ONE, {"party_id": party_id})


async def page(read: ReadTx, kind: str, cursor: str | None, limit: int) -> list[Row]:
    return await read.rows(OF_KIND, {"kind": kind, "cursor": cursor, "limit": limit})
