"""What this database is: server, storage and release, written down at the first migrate.

Observations are kept in a TimescaleDB hypertable when that extension can be used, else in native daily
partitions. The choice is made once: a server that no longer fits what was written down is refused by name,
together with the command that converts.
"""

from typing import Literal, NamedTuple

import psycopg
import structlog

from kernel.clock import Clock
from kernel.errors import Conflict

SERVER_MAJOR_MIN = 15

CREATE_INSTALLATION = """
    CREATE TABLE IF NOT EXISTS app.installation (
        one boolean PRIMARY KEY CHECK (one),
        server_major integer NOT NULL,
        storage text NOT NULL CHECK (storage IN ('native', 'timescale')),
        installed_at timestamptz NOT NULL
    )"""
COMMENT_INSTALLATION = (
    "COMMENT ON TABLE app.installation IS"
    " 'One row: the server and the storage this database was made for. A mismatch refuses to start.'"
)
RECORDED = "SELECT server_major, storage FROM app.installation"
RECORD = "INSERT INTO app.installation (one, server_major, storage, installed_at) VALUES (true, %s, %s, %s)"
ACCEPT_SERVER = "UPDATE app.installation SET server_major = %s"

# The extension works only where the server preloads it, and only its community build compresses and rolls up.
TIMESCALE_USABLE = """
    SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
        AND 'timescaledb' = ANY (
            string_to_array(replace(current_setting('shared_preload_libraries'), ' ', ''), ',')
        )
        AND coalesce(current_setting('timescaledb.license', true), '') <> 'apache'"""
TIMESCALE_INSTALLED = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')"

log = structlog.get_logger(__name__)

Storage = Literal["native", "timescale"]


class Installation(NamedTuple):
    server_major: int
    storage: Storage


async def settle_installation(
    connection: psycopg.AsyncConnection, clock: Clock, *, accept_server: bool = False
) -> Installation:
    """At the first migrate choose and record; later require that the server still fits.

    With `accept_server` another major version of the server is recorded instead of refused: for after the
    server itself was upgraded in place. Raises Conflict.
    """
    major = connection.info.server_version // 10_000
    if major < SERVER_MAJOR_MIN:
        raise Conflict("installation.server_too_old", server_major=major, rule=f"at least {SERVER_MAJOR_MIN}")
    await connection.execute(CREATE_INSTALLATION.encode())
    await connection.execute(COMMENT_INSTALLATION.encode())
    row = await (await connection.execute(RECORDED.encode())).fetchone()
    if row is None:
        return await _choose(connection, clock, major)
    recorded = Installation(*row)
    if accept_server and recorded.server_major != major:
        await connection.execute(ACCEPT_SERVER.encode(), (major,))
        recorded = recorded._replace(server_major=major)
    _require(recorded, Installation(major, await _storage_there(connection)))
    return recorded


async def require_installation(connection: psycopg.AsyncConnection) -> Installation:
    """For a program that may not migrate: the database must have been, and must fit."""
    row = await (await connection.execute(RECORDED.encode())).fetchone()
    if row is None:
        raise Conflict("installation.none", rule="run `tallyhouse migrate` first")
    recorded = Installation(*row)
    found = Installation(connection.info.server_version // 10_000, await _storage_there(connection))
    _require(recorded, found)
    return recorded


async def _choose(connection: psycopg.AsyncConnection, clock: Clock, major: int) -> Installation:
    usable = await (await connection.execute(TIMESCALE_USABLE.encode())).fetchone()
    storage: Storage = "timescale" if usable and usable[0] else "native"
    if storage == "timescale":
        await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    await connection.execute(RECORD.encode(), (major, storage, clock.now()))
    log.info("installation.recorded", server_major=major, storage=storage)
    return Installation(major, storage)


async def _storage_there(connection: psycopg.AsyncConnection) -> Storage:
    row = await (await connection.execute(TIMESCALE_INSTALLED.encode())).fetchone()
    return "timescale" if row and row[0] else "native"


def _require(recorded: Installation, found: Installation) -> None:
    """A server that gained TimescaleDB later still fits: native storage goes on being used."""
    if recorded.storage == "timescale" and found.storage != "timescale":
        raise Conflict(
            "installation.storage_changed",
            recorded=recorded.storage,
            found=found.storage,
            rule="`tallyhouse backup FILE` on a server with TimescaleDB, then `tallyhouse restore FILE` here",
        )
    if recorded.server_major != found.server_major:
        raise Conflict(
            "installation.server_changed",
            recorded=recorded.server_major,
            found=found.server_major,
            rule="after upgrading the server in place, run `tallyhouse migrate --accept-server`",
        )
