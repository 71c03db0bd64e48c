"""`tallyhouse restore`: an archive into an installation that holds nothing yet.

The migrations the archive was made with are run, the rows loaded, then the newer migrations: an old archive
is brought to this release in the same way as an old database.
"""

import gzip
import hashlib
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import msgspec
import psycopg
from psycopg import sql

from app.backup import FILES, FORMAT, MANIFEST, Manifest, TableEntry
from app.migrate import migrate, require_known
from kernel.clock import Clock
from kernel.errors import Conflict, Invalid

BLOCK_BYTES = 1 << 16
IS_EMPTY = "SELECT to_regclass('app.migration') IS NULL"
# Rows are loaded as they were: no trigger fires, and order among tables does not matter.
AS_REPLICA = "SET LOCAL session_replication_role = replica"

# Transaction ids of the old server mean nothing on the new one, where they may lie in the future and hide
# their rows. Readers of the outbox compare (xid, event_id) with their cursor: what each had read must stay
# read. An event gets 1 + the number of cursors behind it, a cursor the number of cursors up to itself.
RENUMBER_EVENTS = """
    UPDATE app.event e SET xid = (1 + (
        SELECT count(*) FROM app.cursor c
        WHERE c.consumer NOT LIKE 'fold:%' AND (c.xid, c.position) < (e.xid, e.event_id)))::text::xid8"""
RENUMBER_CURSORS = """
    UPDATE app.cursor c SET position = 9223372036854775807, xid = (
        SELECT count(*) FROM app.cursor b
        WHERE b.consumer NOT LIKE 'fold:%' AND (b.xid, b.position) <= (c.xid, c.position))::text::xid8
    WHERE c.consumer NOT LIKE 'fold:%'"""
OTHER_XIDS = """
    SELECT n.nspname || '.' || c.relname, a.attname FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.atttypid = 'xid8'::regtype AND a.attnum > 0 AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND n.nspname IN ('app', 'identity', 'devices', 'twin', 'wms', 'finance')
        AND c.oid NOT IN ('app.event'::regclass, 'app.cursor'::regclass)"""
# Days that lie in the default partition get their own. On a hypertable there is none, and nothing to do.
UNPARTITIONED_DAYS = """
    SELECT DISTINCT (observed_at AT TIME ZONE 'UTC')::date FROM devices.observation
    WHERE tableoid = to_regclass('devices.observation_default') ORDER BY 1"""
MAKE_PARTITION = "SELECT devices.make_partitions(%s, 1)"


class SoundArchive(NamedTuple):
    """A file that was read through and found undamaged."""

    source: Path
    manifest: Manifest


def read_through(source: Path) -> SoundArchive:
    """Check an archive before anything is made for it. Raises Conflict when it is of a newer release, Invalid
    when it is damaged."""
    with _opened(source) as archive:
        manifest = read_manifest(archive)
        require_known(manifest.migrations)
        for table in manifest.tables:
            _require_undamaged(archive, table)
    return SoundArchive(source, manifest)


async def restore(
    owner_dsn: str, data_dir: Path, sound: SoundArchive, clock: Clock, *, app_password: str
) -> Manifest:
    """Load the archive; all rows or none. Raises Conflict when the database is not empty."""
    manifest = sound.manifest
    await _require_empty(owner_dsn)
    with _opened(sound.source) as archive:
        await migrate(owner_dsn, clock, app_password=app_password, only=manifest.migrations.keys())
        async with await psycopg.AsyncConnection.connect(owner_dsn) as connection:
            await connection.execute(AS_REPLICA)
            for table in manifest.tables:
                await _load(connection, archive, table)
            await _renumber(connection)
            await _set_sequences(connection, manifest)
            await _partition(connection)
        _unpack_files(archive, manifest, data_dir)
    await migrate(owner_dsn, clock, app_password=app_password)
    return manifest


@contextmanager
def _opened(source: Path) -> Iterator[tarfile.TarFile]:
    """The archive; Invalid when the file is no archive, or ends too early."""
    try:
        with tarfile.open(source, mode="r:") as archive:
            yield archive
    except tarfile.ReadError as error:
        raise Invalid(
            "restore.damaged", field=str(source), rule=f"made by tallyhouse backup: {error}"
        ) from error


def read_manifest(archive: tarfile.TarFile) -> Manifest:
    """The archive's own description; Invalid when it is none of ours."""
    try:
        manifest = msgspec.json.decode(_member(archive, MANIFEST).read(), type=Manifest)
    except msgspec.DecodeError as error:
        raise Invalid("restore.damaged", field=MANIFEST, rule=str(error)) from error
    if manifest.format != FORMAT:
        raise Invalid("restore.format", field="format", rule=f"{FORMAT}, not {manifest.format}")
    return manifest


async def _require_empty(owner_dsn: str) -> None:
    async with await psycopg.AsyncConnection.connect(owner_dsn) as connection:
        row = await (await connection.execute(IS_EMPTY)).fetchone()
    if not row or not row[0]:
        raise Conflict("restore.not_empty", rule="restore into an empty data folder or a new database")


def _rows(archive: tarfile.TarFile, table: TableEntry) -> Iterator[bytes]:
    """The rows of a table in blocks, as COPY wrote them."""
    with gzip.open(_member(archive, f"tables/{table.name}.gz")) as rows:
        while block := rows.read(BLOCK_BYTES):
            yield block


def _require_undamaged(archive: tarfile.TarFile, table: TableEntry) -> None:
    digest = hashlib.sha256()
    try:
        for block in _rows(archive, table):
            digest.update(block)
    except (OSError, EOFError) as error:
        raise Invalid("restore.damaged", field=table.name, rule=str(error)) from error
    if digest.hexdigest() != table.sha256:
        raise Invalid("restore.damaged", field=table.name, rule="rows as they were saved")


async def _load(connection: psycopg.AsyncConnection, archive: tarfile.TarFile, table: TableEntry) -> None:
    name = sql.Identifier(*table.name.split("."))
    # A migration may have put rows there; those of the archive replace them.
    await connection.execute(sql.SQL("DELETE FROM {}").format(name))
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    async with connection.cursor() as cursor:
        async with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(name, columns)) as copy:
            for block in _rows(archive, table):
                await copy.write(block)
        if cursor.rowcount != table.row_count:
            raise Invalid("restore.damaged", field=table.name, rule=f"{table.row_count} rows")


async def _renumber(connection: psycopg.AsyncConnection) -> None:
    await connection.execute(RENUMBER_EVENTS)
    await connection.execute(RENUMBER_CURSORS)
    for table, column in await (await connection.execute(OTHER_XIDS)).fetchall():
        statement = sql.SQL("UPDATE {} SET {} = '1'")
        await connection.execute(statement.format(sql.Identifier(*table.split(".")), sql.Identifier(column)))


async def _set_sequences(connection: psycopg.AsyncConnection, manifest: Manifest) -> None:
    for name, value in manifest.sequences.items():
        await connection.execute("SELECT setval(%s::regclass, %s)", (name, value))


async def _partition(connection: psycopg.AsyncConnection) -> None:
    for (day,) in await (await connection.execute(UNPARTITIONED_DAYS)).fetchall():
        await connection.execute(MAKE_PARTITION, (day,))


def _unpack_files(archive: tarfile.TarFile, manifest: Manifest, data_dir: Path) -> None:
    for name in manifest.files:
        if name not in FILES:
            raise Invalid("restore.damaged", field=name, rule="a file this release knows")
        target = data_dir / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(_member(archive, f"files/{name}").read())


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        found = archive.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise Invalid("restore.damaged", field=name, rule="present")
    return found
