"""Numbered SQL files, each run once and in order, each in a transaction of its own.

A file is named `NNNN_pre|post_<package>_<what>.sql`: `pre` files run before the new program starts and must
not break the old one; `post` files run after it. Locks are waited for at most 5 seconds.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from importlib.resources import files
from typing import NamedTuple

import psycopg
import structlog
from psycopg import sql

from app.installation import require_installation, settle_installation
from app.jobs_schema import settle_jobs_schema
from kernel.clock import Clock
from kernel.errors import Conflict

SCHEMAS = ("app", "identity", "devices", "twin", "wms", "finance")
LOCK_TIMEOUT_MS = 5_000
_ADVISORY_LOCK = 7_245_001
log = structlog.get_logger(__name__)

_NAME = re.compile(r"^(\d{4})_(pre|post)_[a-z]+_[a-z0-9_]+\.sql$")


class Migration(NamedTuple):
    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations of this release, in order. Raises ValueError on a file whose name breaks the rule."""
    found = []
    for entry in files("app").joinpath("migrations").iterdir():
        if not entry.name.endswith(".sql"):
            continue
        if not _NAME.match(entry.name):
            raise ValueError(f"migration {entry.name} is not named NNNN_pre|post_<package>_<what>.sql")
        found.append(Migration(entry.name, entry.read_text(encoding="utf-8")))
    return sorted(found)


async def migrate(
    owner_dsn: str,
    clock: Clock,
    *,
    app_password: str | None = None,
    accept_server: bool = False,
    only: Collection[str] | None = None,
) -> list[str]:
    """Bring the database to this release; returns the names of the files that were run.

    `only` limits it to files of these names: for a restore, which loads rows of an older release.
    Raises Conflict when a file that was already run has changed since, or when the database is newer
    than the program.
    """
    async with await psycopg.AsyncConnection.connect(owner_dsn, autocommit=True) as connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", (_ADVISORY_LOCK,))
        await connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        await _prepare(connection)
        await settle_installation(connection, clock, accept_server=accept_server)
        done = await _applied(connection)
        wanted = migrations()
        require_known(done)
        fresh = [migration for migration in wanted if migration.name not in done]
        if only is not None:
            fresh = [migration for migration in fresh if migration.name in only]
        for number, migration in enumerate(fresh, start=1):
            await _run(connection, migration, clock)
            log.info("migration.run", name=migration.name, number=number, count=len(fresh))
        await settle_jobs_schema(connection)
        await _grant_usage(connection)
        if app_password is not None:
            statement = sql.SQL("ALTER ROLE tallyhouse_app PASSWORD {}").format(sql.Literal(app_password))
            await connection.execute(statement)
        return [migration.name for migration in fresh]


async def require_set_up(owner_dsn: str) -> None:
    """Raise Conflict when the database was never migrated: the roles' account does not exist yet."""
    async with await psycopg.AsyncConnection.connect(owner_dsn) as connection:
        row = await (await connection.execute("SELECT to_regclass('app.installation')")).fetchone()
    if row is None or row[0] is None:
        raise Conflict("installation.none", rule="run `tallyhouse migrate` first")


async def require_migrated(app_dsn: str) -> None:
    """For a program that may not migrate. Raises Conflict when the database is of another release."""
    async with await psycopg.AsyncConnection.connect(app_dsn, autocommit=True) as connection:
        await connection.execute("SET ROLE tallyhouse_read")
        await require_installation(connection)
        done = await _applied(connection)
        wanted = migrations()
        require_known(done)
        missing = [migration.name for migration in wanted if migration.name not in done]
        if missing:
            raise Conflict(
                "migrate.database_older", migration=missing[0], rule="run `tallyhouse migrate` first"
            )


async def _prepare(connection: psycopg.AsyncConnection) -> None:
    for schema in SCHEMAS:
        await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS app.migration (name text PRIMARY KEY, sha256 text NOT NULL,"
        " applied_at timestamptz NOT NULL)"
    )
    await connection.execute("COMMENT ON TABLE app.migration IS 'The SQL files that were run, in order.'")


async def _applied(connection: psycopg.AsyncConnection) -> dict[str, str]:
    cursor = await connection.execute("SELECT name, sha256 FROM app.migration")
    return {str(name): str(digest) for name, digest in await cursor.fetchall()}


def require_known(done: Mapping[str, str]) -> None:
    """Raise Conflict unless this release has every one of these files (name to digest), unchanged."""
    known = {migration.name: migration.sha256 for migration in migrations()}
    for name, digest in sorted(done.items()):
        if name not in known:
            raise Conflict("migrate.database_newer", migration=name, rule="start the newer release")
        if known[name] != digest:
            raise Conflict("migrate.file_changed", migration=name, rule="a run migration never changes")


async def _run(connection: psycopg.AsyncConnection, migration: Migration, clock: Clock) -> None:
    async with connection.transaction():
        await connection.execute(migration.text.encode())
        await connection.execute(
            "INSERT INTO app.migration (name, sha256, applied_at) VALUES (%s, %s, %s)",
            (migration.name, migration.sha256, clock.now()),
        )


async def _grant_usage(connection: psycopg.AsyncConnection) -> None:
    for schema in SCHEMAS:
        await connection.execute(
            sql.SQL("GRANT USAGE ON SCHEMA {} TO tallyhouse_command, tallyhouse_read").format(
                sql.Identifier(schema)
            )
        )
    await connection.execute("GRANT SELECT ON app.migration, app.installation TO tallyhouse_read")
