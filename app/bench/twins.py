"""Two twins, table by table: what differs between all that they derived."""

import hashlib
from typing import Any

import msgspec

from app.bench.watch import BENCH
from app.database import Database
from twin.derived import STATES

EXAMPLES_MAX = 3
Twin = dict[str, list[bytes]]
"""The rows of each table as JSON, in a fixed order."""


async def read_twin(database: Database) -> Twin:
    """All that the twin in a database has derived."""
    async with database.write(BENCH) as tx:
        return {
            name: [msgspec.json.encode(row) for row in await tx.rows(sql)] for name, sql in STATES.items()
        }


def compare(one: Twin, other: Twin) -> dict[str, dict[str, Any]]:
    """By table: how many rows each has, the digest where they agree, else some rows that only one has."""
    return {name: _compare_rows(one[name], other[name]) for name in STATES}


def _compare_rows(one: list[bytes], other: list[bytes]) -> dict[str, Any]:
    counts = {"rows": len(one), "rows_in_order": len(other)}
    if one == other:
        return {**counts, "is_equal": True, "sha256": hashlib.sha256(b"\n".join(one)).hexdigest()}
    only_one, only_other = sorted(set(one) - set(other)), sorted(set(other) - set(one))
    return {
        **counts,
        "is_equal": False,
        "differing": len(only_one) + len(only_other),
        "only_here": [row.decode() for row in only_one[:EXAMPLES_MAX]],
        "only_in_order": [row.decode() for row in only_other[:EXAMPLES_MAX]],
    }
