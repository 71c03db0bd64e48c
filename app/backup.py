"""`tallyhouse backup`: one file with everything a new installation needs, taken while the product works.

A tar archive: `manifest.json` first, then one member a table (`tables/<schema>.<table>.gz`, PostgreSQL's COPY
text) and the local authority's files (`files/tls/…`). All tables are read in one snapshot. The rows are
logical, so that an archive moves between server versions and between native and TimescaleDB storage.
The queue of jobs is left out (it fills itself), and so is an edge's spool (it empties itself).
The file holds secrets: it is readable by its owner only.
"""

import gzip
import hashlib
import os
import tarfile
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
import psycopg
from psycopg import sql

from app.migrate import SCHEMAS
from kernel.clock import Clock
from kernel.errors import Conflict, Forbidden, NotFound

FORMAT = 1
MANIFEST = "manifest.json"
FILES = ("tls/ca.crt", "tls/ca.key", "tls/server.pem", "tls/server.key")
"""Kept with the rows, so that handhelds go on trusting a restored installation."""
NOT_KEPT = ("app.migration", "app.installation")
"""Written by the migrations of the new installation."""

# Tables with their columns, generated ones left out; a partitioned table stands for its partitions.
TABLES = """
    SELECT n.nspname || '.' || c.relname,
        array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated = '')
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = ANY (%s)
    GROUP BY n.nspname, c.relname ORDER BY 1"""
SEQUENCES = """
    SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences
    WHERE schemaname = ANY (%s) AND last_value IS NOT NULL ORDER BY 1"""
APPLIED = "SELECT name, sha256 FROM app.migration ORDER BY name"
MAY_SEE_ALL = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"


class TableEntry(msgspec.Struct, frozen=True):
    """One table of an archive; `sha256` is of the uncompressed rows."""

    name: str
    columns: list[str]
    row_count: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What an archive holds. `migrations` are names and digests: the schema the rows belong to."""

    format: int
    release: str
    made_at: datetime
    server_version: int
    migrations: dict[str, str]
    sequences: dict[str, int]
    tables: list[TableEntry]
    files: list[str]


async def backup(owner_dsn: str, data_dir: Path, target: Path, clock: Clock) -> Manifest:
    """Write the archive `target`, whole or not at all; it must not exist yet.

    Raises Conflict when it does, Forbidden when the owner of the tables may not see every row.
    """
    _require_absent(target)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        rows = Path(scratch)
        async with _snapshot(owner_dsn) as connection:
            manifest = await _dump(connection, data_dir, rows, clock)
        part = rows / "archive"
        _pack(part, manifest, rows, data_dir)
        part.replace(target)
    return manifest


def _require_absent(target: Path) -> None:
    if target.exists():
        raise Conflict("backup.exists", path=str(target), rule="name a file that does not exist")
    if not target.parent.is_dir():
        raise NotFound("backup.no_folder", path=str(target.parent), rule="an existing folder")


@asynccontextmanager
async def _snapshot(owner_dsn: str) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(owner_dsn) as connection:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        allowed = await (await connection.execute(MAY_SEE_ALL.encode())).fetchone()
        if not allowed or not allowed[0]:
            raise Forbidden("backup.role", rule="the owner's role must be a superuser or bypass row security")
        yield connection


async def _dump(connection: psycopg.AsyncConnection, data_dir: Path, rows: Path, clock: Clock) -> Manifest:
    found = await (await connection.execute(TABLES.encode(), (list(SCHEMAS),))).fetchall()
    tables = [
        await _dump_table(connection, name, columns, rows) for name, columns in found if name not in NOT_KEPT
    ]
    applied = await (await connection.execute(APPLIED.encode())).fetchall()
    sequences = await (await connection.execute(SEQUENCES.encode(), (list(SCHEMAS),))).fetchall()
    return Manifest(
        format=FORMAT,
        release=version("tallyhouse"),
        made_at=clock.now(),
        server_version=connection.info.server_version,
        migrations=dict(applied),
        sequences=dict(sequences),
        tables=tables,
        files=[name for name in FILES if (data_dir / name).exists()],
    )


async def _dump_table(
    connection: psycopg.AsyncConnection, name: str, columns: list[str], rows: Path
) -> TableEntry:
    digest = hashlib.sha256()
    # A SELECT, because COPY of a partitioned table by name gives nothing.
    statement = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(*name.split("."))
    )
    with gzip.open(rows / f"{name}.gz", "wb", compresslevel=6) as out:
        async with connection.cursor() as cursor:
            async with cursor.copy(statement) as copy:
                async for block in copy:
                    digest.update(block)
                    out.write(block)
            count = cursor.rowcount
    return TableEntry(name, columns, count, digest.hexdigest())


def _pack(part: Path, manifest: Manifest, rows: Path, data_dir: Path) -> None:
    described = rows / MANIFEST
    described.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    with (
        os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
        tarfile.open(fileobj=out, mode="w") as archive,
    ):
        archive.add(described, MANIFEST)
        for table in manifest.tables:
            archive.add(rows / f"{table.name}.gz", f"tables/{table.name}.gz")
        for name in manifest.files:
            archive.add(data_dir / name, f"files/{name}")
