"""Fixtures shared by all tests: a real PostgreSQL, a transaction rolled back, a clock that stands."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg
import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from app.database import PgTx
from app.migrate import migrate
from app.supervise.postgres import EmbeddedPostgres
from kernel.caller import Caller, Role
from kernel.clock import ManualClock
from kernel.ids import Ids
from kernel.rng import Rng

# How long a busy machine takes says nothing of the product.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
APP_PASSWORD = "for-this-run-only"

SETTINGS = (
    "SELECT current_setting('role') AS role, current_setting('tallyhouse.party') AS party,"
    " current_setting('tallyhouse.at') AS at"
)
RESTORE_SETTINGS = (
    "SELECT set_config('role', %(role)s, true), set_config('tallyhouse.party', %(party)s, true),"
    " set_config('tallyhouse.at', %(at)s, true)"
)


@pytest.fixture
def clock() -> ManualClock:
    """2026-11-23 06:00 UTC; moves only when a test advances it."""
    return ManualClock(START)


@pytest.fixture
def rng() -> Rng:
    return Rng(7)


@pytest.fixture
def ids(clock: ManualClock, rng: Rng) -> Ids:
    return Ids.seeded(clock, rng.child("ids"))


TEMPLATE = "tallyhouse_template"


class TestServer:
    """A migrated database: `owner_dsn` may do anything, `app_dsn` signs in as the product does."""

    __test__ = False

    def __init__(self, owner_dsn: str) -> None:
        self.owner_dsn = owner_dsn
        self.app_dsn = make_conninfo(owner_dsn, user="tallyhouse_app", password=APP_PASSWORD)

    @asynccontextmanager
    async def copy(self) -> AsyncIterator["TestServer"]:
        """A fresh migrated database beside this one, dropped afterwards: for tests that commit."""
        name = f"copy_{secrets.token_hex(6)}"
        await self.as_owner(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        try:
            yield TestServer(make_conninfo(self.owner_dsn, dbname=name))
        finally:
            await self.as_owner(f"DROP DATABASE {name} WITH (FORCE)")

    async def as_owner(self, statement: str) -> None:
        """Run one statement as the owner of the server."""
        async with await psycopg.AsyncConnection.connect(self.owner_dsn, autocommit=True) as connection:
            await connection.execute(statement.encode())


@pytest.fixture(scope="session")
async def database_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestServer]:
    """One embedded PostgreSQL for the whole run, migrated to this release."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False)
    owner_dsn = await server.start()
    try:
        await migrate(owner_dsn, ManualClock(START), app_password=APP_PASSWORD)
        migrated = TestServer(owner_dsn)
        name = conninfo_to_dict(owner_dsn)["dbname"]
        await TestServer(make_conninfo(owner_dsn, dbname="postgres")).as_owner(
            f"CREATE DATABASE {TEMPLATE} TEMPLATE {name}"
        )
        yield migrated
    finally:
        await server.stop()


@pytest.fixture(scope="module")
def quick_passwords() -> Iterator[None]:
    """Hashes that cost next to nothing: real ones would take half of the time where many people sign in."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr("identity.people.passwords._hasher", cheap)
        yield


@pytest.fixture
def caller() -> Caller:
    """Whom `tx` works for, unless a test makes its own."""
    return Caller(person_id="person-test", party_id="party-test", roles=frozenset({"admin"}))


@pytest.fixture
async def connection(
    database_server: TestServer,
) -> AsyncIterator[psycopg.AsyncConnection[dict[str, object]]]:
    """A connection as the product's own account inside a transaction that is rolled back at the end."""
    opened = await psycopg.AsyncConnection.connect(database_server.app_dsn, row_factory=dict_row)
    try:
        yield opened
    finally:
        await opened.rollback()
        await opened.close()


@pytest.fixture
async def tx(
    connection: psycopg.AsyncConnection[dict[str, object]], caller: Caller, clock: ManualClock, ids: Ids
) -> PgTx:
    """A writing transaction; nothing it does outlives the test. Events pile up in `tx.events`."""
    opened = PgTx(connection, caller, clock.now(), ids)
    await opened.begin_as("tallyhouse_command")
    return opened


@pytest.fixture
def as_caller(
    connection: psycopg.AsyncConnection[dict[str, object]], clock: ManualClock, ids: Ids
) -> Callable[..., object]:
    """`async with as_caller(party_id, "officer", reading=True) as tx`: another caller, same transaction.

    The block is a savepoint: when it raises, what it did is undone and the test goes on.
    """

    @asynccontextmanager
    async def opened(
        party_id: str, *roles: Role, person_id: str = "person-other", reading: bool = False
    ) -> AsyncIterator[PgTx]:
        caller = Caller(person_id=person_id, party_id=party_id, roles=frozenset(roles))
        async with connection.transaction(force_rollback=reading):
            before = await (await connection.execute(SETTINGS)).fetchone()
            other = PgTx(connection, caller, clock.now(), ids)
            await other.begin_as("tallyhouse_read" if reading else "tallyhouse_command")
            yield other
            await connection.execute(RESTORE_SETTINGS, before)

    return opened
