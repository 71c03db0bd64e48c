"""Devices that were turned away, in quarantine: where each is listed, who sees it, how many there can be."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from app.database import Database, PgTx
from devices.api import TurnedAway, record_observations, record_turned_away
from devices.ingest.strangers import (
    APART_MAX,
    BEYOND_APART,
    NAME_LENGTH_MAX,
    OTHERS,
    STRANGERS_PER_HOUR_MAX,
)
from devices.messages import EnrolDevice, RetireDevice
from devices.registry.handlers import enrol_device, retire_device
from devices.registry.views import quarantine_cursor, quarantine_of_site
from identity.api import grant_access
from identity.messages import AddParty
from identity.parties.handlers import add_party
from kernel.caller import Caller
from kernel.clock import ManualClock
from kernel.errors import Invalid
from kernel.ids import Ids
from kernel.messages import DeviceStatus, Observation
from tests.conftest import TestServer

SITE = "site-a"
SECRET = "a-credential-that-is-long-enough"


@pytest.fixture
async def site(tx: PgTx) -> str:
    """A site with one device, whose keeper is the party of `tx`."""
    party_id = tx.caller.party_id
    await add_party(AddParty(kind="keeper", name="Keeper", party_id=party_id), tx)
    await grant_access(tx, party_id, SITE, cause="test")
    await enrol_device(EnrolDevice(site_id=SITE, device_id="fork", family="mqtt_position", secret=SECRET), tx)
    return SITE


def refusal(clock: ManualClock, device_id: str, field: str = "username", **changes: object) -> TurnedAway:
    now = clock.now()
    given = {"device_id": device_id, "field": field, "rule": "enrolled", "first_at": now, "last_at": now}
    return TurnedAway(**{**given, **changes})  # type: ignore[arg-type]


async def listed(tx: PgTx) -> list[tuple[object, ...]]:
    columns = "site_id, device_id, field, rule, times, is_stranger"
    rows = await tx.rows(f"SELECT {columns} FROM devices.quarantine ORDER BY 1, 2, 3, 4")
    return [tuple(row.values()) for row in rows]


async def test_a_stranger_belongs_to_no_site_and_a_device_of_ours_to_its_own(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    await record_turned_away(tx, None, [refusal(clock, "nobody"), refusal(clock, "fork", "password")])
    assert await listed(tx) == [
        (SITE, "fork", "password", "enrolled", 1, False),
        (None, "nobody", "username", "enrolled", 1, True),
    ]


async def test_a_stranger_at_the_edge_of_a_site_is_listed_there_if_the_site_is_ours(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    await record_turned_away(tx, SITE, [refusal(clock, "nobody")])
    await record_turned_away(tx, "site-that-is-none", [refusal(clock, "nobody")])
    assert [row[:2] for row in await listed(tx)] == [(SITE, "nobody"), (None, "nobody")]


async def test_a_retired_device_is_told_apart_from_a_stranger(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    await retire_device(RetireDevice(device_id="fork"), tx)
    await record_turned_away(tx, None, [refusal(clock, "fork")])
    assert await listed(tx) == [(SITE, "fork", "username", "not retired", 1, False)]


async def test_the_same_stranger_counts_up_and_what_it_said_last_is_shown(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    first_at = clock.now()
    await record_turned_away(tx, None, [refusal(clock, "nobody", said=b"one", times=2)])
    last_at = clock.advance(60)
    await record_turned_away(tx, None, [refusal(clock, "nobody", said=b"two")] * 3)
    row = await tx.row("SELECT times, raw, received_at, last_received_at FROM devices.quarantine")
    assert row == {"times": 5, "raw": b"two", "received_at": first_at, "last_received_at": last_at}


def wants(clock: ManualClock, topic: str, **changes: object) -> TurnedAway:
    return refusal(clock, "fork", "topic", rule="its own", said=topic.encode(), is_apart=True, **changes)


async def test_each_topic_that_a_device_wants_is_a_row_with_its_count_and_its_times(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    first_at = clock.now()
    await record_turned_away(tx, None, [wants(clock, "other/observation"), wants(clock, "fork/command")])
    last_at = clock.advance(60)
    await record_turned_away(tx, None, [wants(clock, "fork/command", times=3)])
    columns = "convert_from(raw, 'UTF8') AS topic, times, received_at, last_received_at"
    rows = await tx.rows(f"SELECT {columns} FROM devices.quarantine ORDER BY 1")
    assert [tuple(row.values()) for row in rows] == [
        ("fork/command", 4, first_at, last_at),
        ("other/observation", 1, first_at, first_at),
    ]


async def test_a_device_has_so_many_rows_for_what_it_wants_and_one_for_the_rest(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    for part in range(3):
        topics = [f"{part}/{number}" for number in range(APART_MAX - 1)]
        await record_turned_away(tx, None, [wants(clock, topic) for topic in [*topics, "always"]])
    rows = await tx.rows("SELECT rule, raw, times FROM devices.quarantine")
    apart = [row for row in rows if row["rule"] != BEYOND_APART]
    [rest] = [row for row in rows if row["rule"] == BEYOND_APART]
    assert len(apart) == APART_MAX
    assert [row["times"] for row in apart if row["raw"] == b"always"] == [3]
    assert (rest["raw"], rest["times"]) == (f"2/{APART_MAX - 2}".encode(), 2 * (APART_MAX - 1))


async def test_a_name_that_cannot_be_stored_or_shown_is_made_so(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    await record_turned_away(tx, None, [refusal(clock, "a\x00b\ud800\n"), refusal(clock, "x" * 1_000)])
    names = [row[1] for row in await listed(tx)]
    assert names == ["a\ufffdb\ufffd\ufffd", "x" * (NAME_LENGTH_MAX - 1) + "…"]


async def test_only_so_many_new_strangers_are_listed_an_hour_at_each_place(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    for hour in range(2):
        for part in range(3):
            names = [f"{hour}-{part}-{number}" for number in range(STRANGERS_PER_HOUR_MAX)]
            await record_turned_away(tx, None, [refusal(clock, name) for name in names])
        clock.advance(3_601)
        tx.now = clock.now()
    await record_turned_away(tx, SITE, [refusal(clock, "nobody")])
    rows = await listed(tx)
    one_by_one = [row for row in rows if row[0] is None and row[1] != OTHERS]
    [others] = [row for row in rows if row[1] == OTHERS]
    assert 2 * STRANGERS_PER_HOUR_MAX - 1 <= len(one_by_one) <= 2 * STRANGERS_PER_HOUR_MAX
    assert len(one_by_one) + others[4] == 6 * STRANGERS_PER_HOUR_MAX, "none is lost from the count"
    assert (SITE, "nobody", "username", "enrolled", 1, True) in rows


async def test_readings_under_names_that_nobody_enrolled_are_bounded_too(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    for device in range(STRANGERS_PER_HOUR_MAX + 40):
        for sequence in (1, 2):
            status = Observation(
                device_id=f"nobody-{device}",
                boot=1,
                sequence=sequence,
                observed_at=clock.now() - timedelta(seconds=sequence),
                reading=DeviceStatus(state="online"),
            )
            await record_observations(tx, SITE, [status])
    rows = await listed(tx)
    assert len(rows) == STRANGERS_PER_HOUR_MAX + 1
    assert sum(row[4] for row in rows) == 2 * (STRANGERS_PER_HOUR_MAX + 40)  # type: ignore[misc]
    assert {row[5] for row in rows} == {True}


async def test_programs_that_list_at_once_keep_the_bound(
    database_server: TestServer, clock: ManualClock
) -> None:
    async with database_server.copy() as server:
        database = Database(server.app_dsn, clock, Ids.unguessable(clock))
        await database.open()

        async def knock(part: int) -> None:
            async with database.write(Caller.product("test")) as tx:
                names = [f"{part}-{number}" for number in range(STRANGERS_PER_HOUR_MAX // 2)]
                await record_turned_away(tx, None, [refusal(clock, name) for name in names])

        await asyncio.gather(*(knock(part) for part in range(6)))
        async with database.write(Caller.product("test")) as tx:
            count = await tx.value("SELECT count(*) FROM devices.quarantine WHERE device_id <> '*'")
        await database.close()
    assert count == STRANGERS_PER_HOUR_MAX


@pytest.mark.parametrize("party", ["keeper-b", "owner-b", "bank-b", "nobody", ""])
async def test_a_party_that_keeps_no_site_sees_no_stranger(
    site: str, tx: PgTx, clock: ManualClock, as_caller: Callable[..., PgTx], party: str
) -> None:
    """Also a bank that may see the site, and a keeper that has none yet."""
    for kind in ("keeper", "owner", "bank"):
        await add_party(AddParty(kind=kind, name=kind, party_id=f"{kind}-b"), tx)  # type: ignore[arg-type]
    await grant_access(tx, "bank-b", SITE, cause="test")
    await record_turned_away(tx, None, [refusal(clock, "nobody")])
    async with as_caller(party, "admin", reading=True) as read:
        assert await read.value("SELECT count(*) FROM devices.quarantine") == 0
        assert await quarantine_of_site(read, SITE) == []


async def test_the_keeper_of_a_site_finds_strangers_in_its_list_and_nowhere_else(
    site: str, tx: PgTx, clock: ManualClock, as_caller: Callable[..., PgTx]
) -> None:
    await record_turned_away(tx, None, [refusal(clock, "nobody"), refusal(clock, "fork", "password")])
    async with as_caller(tx.caller.party_id, "keeper", reading=True) as read:
        rows = await quarantine_of_site(read, SITE)
        first = await quarantine_of_site(read, SITE, limit=1)
        rest = await quarantine_of_site(read, SITE, cursor=quarantine_cursor(first[0]), limit=1)
        assert await quarantine_of_site(read, "site-of-another") == []
    assert {(row.device_id, row.site_id, row.is_stranger) for row in rows} == {
        ("nobody", None, True),
        ("fork", SITE, False),
    }
    assert first + rest == rows


async def test_what_counts_up_comes_to_the_front_of_the_list(
    site: str, tx: PgTx, clock: ManualClock, as_caller: Callable[..., PgTx]
) -> None:
    for name in ("first", "second", "third"):
        await record_turned_away(tx, SITE, [refusal(clock, name)])
        clock.advance(1)
    await record_turned_away(tx, SITE, [refusal(clock, "first")])
    async with as_caller(tx.caller.party_id, "keeper", reading=True) as read:
        rows = await quarantine_of_site(read, SITE)
        with pytest.raises(Invalid):
            await quarantine_of_site(read, SITE, cursor="yesterday/x")
    assert [(row.device_id, row.times) for row in rows] == [("first", 2), ("third", 1), ("second", 1)]
