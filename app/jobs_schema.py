"""The tables of procrastinate, in a schema of their own, kept at the installed package's version.

The package ships its schema and numbered migrations (`MM.mm.pp_NN_pre|post_*.sql`); the version that was
applied is written down beside its tables.
"""

from importlib.metadata import version
from pathlib import Path

import psycopg
from procrastinate.schema import SchemaManager

from kernel.errors import Conflict

SCHEMA = "jobs"
PRESENT = "SELECT to_regclass('jobs.applied_version') IS NOT NULL"
CREATE_SCHEMA = "CREATE SCHEMA IF NOT EXISTS jobs"
CREATE_VERSION = """
    CREATE TABLE jobs.applied_version (version text NOT NULL);
    COMMENT ON TABLE jobs.applied_version IS 'One row: the release of procrastinate these tables are of.'"""
INSERT_VERSION = "INSERT INTO jobs.applied_version (version) VALUES (%s)"
SELECT_VERSION = "SELECT version FROM jobs.applied_version"
UPDATE_VERSION = "UPDATE jobs.applied_version SET version = %s"
GRANTS = """
    GRANT USAGE ON SCHEMA jobs TO tallyhouse_command;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO tallyhouse_command;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO tallyhouse_command"""


async def settle_jobs_schema(connection: psycopg.AsyncConnection) -> None:
    """Make or upgrade the tables, in one transaction. Conflict when they are newer than the package."""
    installed = version("procrastinate")
    async with connection.transaction():
        await connection.execute(CREATE_SCHEMA.encode())
        await connection.execute(f"SET LOCAL search_path = {SCHEMA}".encode())
        if not await _value(connection, PRESENT):
            await connection.execute(SchemaManager.get_schema())
            await connection.execute(CREATE_VERSION.encode())
            await connection.execute(INSERT_VERSION.encode(), (installed,))
        else:
            await _upgrade(connection, str(await _value(connection, SELECT_VERSION)), installed)
        await connection.execute(GRANTS.encode())


async def _upgrade(connection: psycopg.AsyncConnection, applied: str, installed: str) -> None:
    if _numbers(applied) > _numbers(installed):
        raise Conflict(
            "migrate.jobs_newer", recorded=applied, found=installed, rule="start the newer release"
        )
    for name in migrations_between(applied, installed):
        path = Path(SchemaManager.get_migrations_path()) / name
        await connection.execute(path.read_text(encoding="utf-8").encode())
    await connection.execute(UPDATE_VERSION.encode(), (installed,))


def migrations_between(applied: str, installed: str) -> list[str]:
    """Names of the package's migrations after release `applied`, up to `installed`, in order."""
    names = sorted(path.name for path in Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    return [n for n in names if _numbers(applied) < _numbers(n.partition("_")[0]) <= _numbers(installed)]


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".")[:3])


async def _value(connection: psycopg.AsyncConnection, sql: str) -> object:
    row = await (await connection.execute(sql.encode())).fetchone()
    return row[0] if row else None
