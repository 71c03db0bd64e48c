"""A backup of a working database, restored into an empty one."""

import gzip
import io
import secrets
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.backup import MANIFEST, Manifest, backup
from app.commands import Commands
from app.database import Database
from app.migrate import migrate, migrations
from app.relay import Relay
from app.restore import read_manifest, read_through, restore
from app.wake import Wake
from identity.messages import AddParty, PartyAdded
from identity.parties.handlers import add_party
from kernel.caller import Caller
from kernel.clock import ManualClock
from kernel.errors import Conflict, Forbidden, Invalid
from kernel.ids import Ids

PASSWORD = "for-this-run-only"
CALLER = Caller(person_id="person-test", party_id="party-test", roles=frozenset({"admin"}))

OBSERVATIONS = "SELECT * FROM devices.observation ORDER BY site_id, position"
INSERT_OBSERVATION = """
    INSERT INTO devices.observation VALUES ('site-a', %(n)s, 'gate-1-reader', 1, %(n)s, %(at)s, %(at)s,
        %(at)s, 'tag_read', 'good', '{"epc_hex": "3115", "note": "tab \\t, newline \\n, 汉字"}', 'digest')"""


@pytest.fixture
async def source(database_server) -> AsyncIterator:
    """A migrated database of its own, since these tests commit."""
    async with database_server.copy() as server:
        yield server


@asynccontextmanager
async def empty_database(beside_dsn: str) -> AsyncIterator[str]:
    """The owner's DSN of a new database without any schema."""
    name = f"empty_{secrets.token_hex(6)}"
    async with await psycopg.AsyncConnection.connect(beside_dsn, autocommit=True) as connection:
        await connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield make_conninfo(beside_dsn, dbname=name)
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@asynccontextmanager
async def opened(dsn: str, clock: ManualClock, ids: Ids) -> AsyncIterator[Database]:
    database = Database(make_conninfo(dsn, user="tallyhouse_app", password=PASSWORD), clock, ids)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def add_parties(database: Database, *names: str) -> None:
    desk = Commands(database, {AddParty: add_party})
    for name in names:
        await desk.do(CALLER, AddParty(kind="owner", name=name, party_id=name), key=f"key-{name}")


async def names_relayed(database: Database) -> list[str]:
    """Names of the parties whose events the consumer `work` had not seen before, in order."""
    seen: list[str] = []

    async def note(event: PartyAdded, _: object) -> None:
        seen.append(event.party_id)

    relay = Relay(database, Wake(database.dsn), {PartyAdded: [note]})
    while await relay.step():
        pass
    return seen


async def fill(server, clock: ManualClock, ids: Ids) -> None:
    """Three parties whose events were relayed, two whose events were not, and readings of three days."""
    async with opened(server.owner_dsn, clock, ids) as database:
        await add_parties(database, "owner-1", "owner-2", "owner-3")
        assert await names_relayed(database) == ["owner-1", "owner-2", "owner-3"]
        await add_parties(database, "owner-4", "owner-5")
    async with await psycopg.AsyncConnection.connect(server.owner_dsn) as connection:
        for number in range(1, 4):
            at = clock.now() - timedelta(days=number)
            await connection.execute(INSERT_OBSERVATION.encode(), {"n": number, "at": at})


async def rows(dsn: str, sql: str) -> list[tuple]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        return await (await connection.execute(sql.encode())).fetchall()


def digests(manifest: Manifest) -> dict[str, tuple[int, str]]:
    """Every table but two whose transaction ids are numbered anew, and one whose rows stand in new places."""
    others = {"app.event", "app.cursor", "devices.observation"}
    return {t.name: (t.row_count, t.sha256) for t in manifest.tables if t.name not in others}


async def test_every_row_comes_back(source, tmp_path: Path, clock: ManualClock, ids: Ids) -> None:
    await fill(source, clock, ids)
    saved = await backup(source.owner_dsn, tmp_path, tmp_path / "a.tar", clock)
    async with empty_database(source.owner_dsn) as target:
        await restore(target, tmp_path, read_through(tmp_path / "a.tar"), clock, app_password=PASSWORD)
        again = await backup(target, tmp_path, tmp_path / "b.tar", clock)
        assert await rows(target, OBSERVATIONS) == await rows(source.owner_dsn, OBSERVATIONS)
    counts = {table.name: table.row_count for table in saved.tables}
    assert (counts["identity.party"], counts["devices.observation"], counts["app.event"]) == (5, 3, 5)
    assert digests(again) == digests(saved)
    assert again.sequences == saved.sequences
    assert again.migrations == saved.migrations


async def test_what_was_relayed_stays_relayed_and_what_was_not_follows_in_order(
    source, tmp_path: Path, clock: ManualClock, ids: Ids
) -> None:
    await fill(source, clock, ids)
    await backup(source.owner_dsn, tmp_path, tmp_path / "a.tar", clock)
    async with empty_database(source.owner_dsn) as target:
        await restore(target, tmp_path, read_through(tmp_path / "a.tar"), clock, app_password=PASSWORD)
        async with opened(target, clock, ids) as database:
            await add_parties(database, "owner-6")
            assert await names_relayed(database) == ["owner-4", "owner-5", "owner-6"]
            assert await names_relayed(database) == []


async def test_events_of_a_server_with_far_higher_transaction_ids_are_relayed(
    source, tmp_path: Path, clock: ManualClock, ids: Ids
) -> None:
    await fill(source, clock, ids)
    raise_xids = "UPDATE app.{} SET xid = (xid::text::numeric + 4000000000)::text::xid8"
    async with await psycopg.AsyncConnection.connect(source.owner_dsn) as connection:
        await connection.execute(raise_xids.format("event").encode())
        await connection.execute(raise_xids.format("cursor").encode())
    await backup(source.owner_dsn, tmp_path, tmp_path / "a.tar", clock)
    async with empty_database(source.owner_dsn) as target:
        await restore(target, tmp_path, read_through(tmp_path / "a.tar"), clock, app_password=PASSWORD)
        async with opened(target, clock, ids) as database:
            assert await names_relayed(database) == ["owner-4", "owner-5"]


async def test_readings_get_their_daily_partitions_back(
    source, tmp_path: Path, clock: ManualClock, ids: Ids
) -> None:
    await fill(source, clock, ids)
    await backup(source.owner_dsn, tmp_path, tmp_path / "a.tar", clock)
    async with empty_database(source.owner_dsn) as target:
        await restore(target, tmp_path, read_through(tmp_path / "a.tar"), clock, app_password=PASSWORD)
        left = await rows(target, "SELECT count(*) FROM devices.observation_default")
        places = await rows(target, "SELECT DISTINCT tableoid::regclass::text FROM devices.observation")
    assert left == [(0,)]
    assert len(places) == 3


async def test_the_same_key_still_gets_the_first_answer_after_a_restore(
    source, tmp_path: Path, clock: ManualClock, ids: Ids
) -> None:
    await fill(source, clock, ids)
    await backup(source.owner_dsn, tmp_path, tmp_path / "a.tar", clock)
    async with empty_database(source.owner_dsn) as target:
        await restore(target, tmp_path, read_through(tmp_path / "a.tar"), clock, app_password=PASSWORD)
        async with opened(target, clock, ids) as database:
            await add_parties(database, "owner-1")
        assert await rows(target, "SELECT count(*) FROM identity.party") == [(5,)]


async def test_a_restore_into_a_database_in_use_is_refused(
    source, tmp_path: Path, clock: ManualClock, ids: Ids
) -> None:
    await fill(source, clock, ids)
    await backup(source.owner_dsn, tmp_path, tmp_path / "a.tar", clock)
    with pytest.raises(Conflict, match=r"restore\.not_empty"):
        sound = read_through(tmp_path / "a.tar")
        await restore(source.owner_dsn, tmp_path, sound, clock, app_password=PASSWORD)
    assert await rows(source.owner_dsn, "SELECT count(*) FROM identity.party") == [(5,)]


async def test_an_archive_with_one_changed_byte_is_refused_before_anything_is_done(
    source, tmp_path: Path, clock: ManualClock, ids: Ids
) -> None:
    await fill(source, clock, ids)
    await backup(source.owner_dsn, tmp_path, tmp_path / "a.tar", clock)
    damaged = change_rows(tmp_path / "a.tar", "tables/identity.party.gz", b"owner-3", b"owner-8")
    async with empty_database(source.owner_dsn) as target:
        with pytest.raises(Invalid, match=r"restore\.damaged"):
            await restore(target, tmp_path, read_through(damaged), clock, app_password=PASSWORD)
        assert await rows(target, "SELECT to_regclass('app.migration')") == [(None,)]


async def test_an_archive_of_a_newer_release_is_refused(
    source, tmp_path: Path, clock: ManualClock, ids: Ids
) -> None:
    await fill(source, clock, ids)
    await backup(source.owner_dsn, tmp_path, tmp_path / "a.tar", clock)
    newer = change_member(
        tmp_path / "a.tar",
        MANIFEST,
        lambda body: body.replace(b"0001_pre_app_base.sql", b"9999_pre_app_new.sql"),
    )
    async with empty_database(source.owner_dsn) as target:
        with pytest.raises(Conflict, match=r"migrate\.database_newer"):
            await restore(target, tmp_path, read_through(newer), clock, app_password=PASSWORD)


async def test_an_archive_of_an_older_release_is_brought_to_this_one(
    source, tmp_path: Path, clock: ManualClock
) -> None:
    names = [migration.name for migration in migrations()]
    async with empty_database(source.owner_dsn) as old, empty_database(source.owner_dsn) as new:
        await migrate(old, clock, app_password=PASSWORD, only=names[:-1])
        async with await psycopg.AsyncConnection.connect(old) as connection:
            await connection.execute("INSERT INTO identity.party VALUES ('bank-a', 'bank', 'Bank', now())")
        saved = await backup(old, tmp_path, tmp_path / "a.tar", clock)
        assert sorted(saved.migrations) == names[:-1]
        await restore(new, tmp_path, read_through(tmp_path / "a.tar"), clock, app_password=PASSWORD)
        assert await rows(new, "SELECT party_id FROM identity.party") == [("bank-a",)]
        assert await rows(new, "SELECT name FROM app.migration ORDER BY name") == [(name,) for name in names]


async def test_the_archive_is_for_its_owner_only_and_never_overwritten(
    source, tmp_path: Path, clock: ManualClock
) -> None:
    target = tmp_path / "a.tar"
    await backup(source.owner_dsn, tmp_path, target, clock)
    before = target.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Conflict, match=r"backup\.exists"):
        await backup(source.owner_dsn, tmp_path, target, clock)
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar"]


async def test_the_local_authority_moves_with_the_backup(source, tmp_path: Path, clock: ManualClock) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "tls").mkdir(parents=True)
    (old / "tls" / "ca.key").write_bytes(b"the key")
    await backup(source.owner_dsn, old, tmp_path / "a.tar", clock)
    async with empty_database(source.owner_dsn) as target:
        await restore(target, new, read_through(tmp_path / "a.tar"), clock, app_password=PASSWORD)
    assert (new / "tls" / "ca.key").read_bytes() == b"the key"
    assert (new / "tls" / "ca.key").stat().st_mode & 0o777 == 0o600


async def test_a_role_that_does_not_see_every_row_makes_no_backup(
    source, tmp_path: Path, clock: ManualClock
) -> None:
    with pytest.raises(Forbidden, match=r"backup\.role"):
        await backup(source.app_dsn, tmp_path, tmp_path / "a.tar", clock)
    assert not (tmp_path / "a.tar").exists()


def change_rows(archive: Path, member: str, old: bytes, new: bytes) -> Path:
    return change_member(
        archive, member, lambda body: gzip.compress(gzip.decompress(body).replace(old, new, 1))
    )


def change_member(archive: Path, member: str, change) -> Path:
    """A copy of an archive in which one member is different."""
    changed = archive.with_name("changed.tar")
    with tarfile.open(archive) as original, tarfile.open(changed, "w") as copy:
        assert read_manifest(original).format == 1
        for entry in original.getmembers():
            body = original.extractfile(entry).read()
            if entry.name == member:
                fresh = change(body)
                assert fresh != body
                body, entry.size = fresh, len(fresh)
            copy.addfile(entry, io.BytesIO(body))
    return changed
