"""What is written down about the server, and what is refused because of it."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from app.installation import Installation, require_installation, settle_installation
from app.migrate import require_migrated
from kernel.clock import ManualClock
from kernel.errors import Conflict


@pytest.fixture
async def owner(database_server) -> AsyncIterator[psycopg.AsyncConnection]:
    """The owner's connection in a transaction that is rolled back."""
    opened = await psycopg.AsyncConnection.connect(database_server.owner_dsn)
    try:
        yield opened
    finally:
        await opened.rollback()
        await opened.close()


async def test_the_server_and_the_storage_are_written_down(owner: psycopg.AsyncConnection) -> None:
    recorded = await require_installation(owner)
    assert recorded == Installation(owner.info.server_version // 10_000, "native")


async def test_settling_again_changes_nothing(owner: psycopg.AsyncConnection, clock: ManualClock) -> None:
    first = await require_installation(owner)
    clock.advance(60)
    assert await settle_installation(owner, clock) == first


async def test_another_server_is_refused_by_the_command_that_accepts_it(
    owner: psycopg.AsyncConnection, clock: ManualClock
) -> None:
    await owner.execute("UPDATE app.installation SET server_major = 15")
    with pytest.raises(Conflict) as refused:
        await require_installation(owner)
    assert refused.value.key == "installation.server_changed"
    assert "tallyhouse migrate --accept-server" in refused.value.facts["rule"]
    accepted = await settle_installation(owner, clock, accept_server=True)
    assert accepted.server_major == owner.info.server_version // 10_000


async def test_a_database_made_for_timescale_is_refused_without_it(
    owner: psycopg.AsyncConnection, clock: ManualClock
) -> None:
    await owner.execute("UPDATE app.installation SET storage = 'timescale'")
    with pytest.raises(Conflict) as refused:
        await settle_installation(owner, clock, accept_server=True)
    assert refused.value.key == "installation.storage_changed"
    assert "tallyhouse backup" in refused.value.facts["rule"]


async def test_a_database_that_was_never_migrated_is_refused(owner: psycopg.AsyncConnection) -> None:
    await owner.execute("DELETE FROM app.installation")
    with pytest.raises(Conflict) as refused:
        await require_installation(owner)
    assert refused.value.key == "installation.none"


async def test_a_program_that_may_not_migrate_accepts_a_database_of_its_release(database_server) -> None:
    await require_migrated(database_server.app_dsn)
