"""The journal of observations on a real PostgreSQL."""

from datetime import datetime, timedelta

import msgspec
import psycopg
import pytest

from app.database import PgTx
from devices.ingest.audit import audit
from devices.ingest.handlers import HOLES_MAX, SCATTERED, record, record_observations
from devices.ingest.model import Received
from devices.ingest.store import HEARD_KEPT, journal_after, journal_sites
from devices.messages import GATE_SILENCE_MAX, EnrolDevice
from devices.registry.handlers import enrol_device
from kernel.clock import ManualClock
from kernel.errors import Invalid
from kernel.geometry import Point
from kernel.messages import (
    DeviceStatus,
    MassReading,
    Observation,
    PositionReading,
    Rejected,
    TagRead,
    content_identity,
)

SITE = "site-a"


@pytest.fixture
async def site(as_caller, tx: PgTx) -> str:
    """A site with a reader, a scale and a forklift."""
    for device_id, family in (("reader", "llrp"), ("scale", "modbus_weighbridge"), ("fork", "mqtt_position")):
        enrolment = EnrolDevice(
            site_id=SITE,
            device_id=device_id,
            family=family,
            connection={} if family == "mqtt_position" else {"host": "127.0.0.1", "port": 1},
            secret="s" * 32,
        )
        async with as_caller("product") as product:
            await enrol_device(enrolment, product)
    return SITE


def a_tag(
    sequence: int, clock: ManualClock, boot: int = 1, epc_hex: str = "AB", ago_s: float = 1.0
) -> Observation:
    return Observation(
        device_id="reader",
        boot=boot,
        sequence=sequence,
        observed_at=clock.now() - timedelta(seconds=ago_s),
        reading=TagRead(epc_hex=epc_hex, antenna=1, rssi_cdbm=-5700),
    )


async def put(tx: PgTx, *observations: Observation):
    return await record(tx, SITE, [Received(observation=one, received_at=tx.now) for one in observations])


async def quarantine(tx: PgTx) -> list[tuple[object, ...]]:
    rows = await tx.rows("SELECT device_id, field, rule, times FROM devices.quarantine ORDER BY 1, 2, 3")
    return [tuple(row.values()) for row in rows]


async def test_positions_are_gapless_and_carry_the_three_times(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    await put(tx, a_tag(1, clock), a_tag(2, clock))
    await put(tx, a_tag(3, clock))
    journal = await journal_after(tx, SITE, 0, 10)
    assert [(one.position, one.observation.sequence) for one in journal] == [(1, 1), (2, 2), (3, 3)]
    assert journal[0].observation == a_tag(1, clock)
    assert journal[0].received_at == journal[0].recorded_at == clock.now()
    assert [one.position for one in await journal_after(tx, SITE, 1, 1)] == [2]


async def test_a_repeat_is_stored_once_and_acknowledged_again(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    await put(tx, a_tag(1, clock))
    again = await put(tx, a_tag(1, clock), a_tag(2, clock), a_tag(2, clock))
    assert (again.stored, again.duplicates, again.rejected) == (1, 2, [])
    assert again.acked["reader", 1].sequence == 2


async def test_nothing_beyond_a_missing_number_is_acknowledged(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    late = await put(tx, a_tag(1, clock), a_tag(3, clock), a_tag(4, clock))
    assert late.acked["reader", 1].sequence == 1
    filled = await put(tx, a_tag(2, clock))
    assert filled.acked["reader", 1].sequence == 4


async def test_boots_are_counted_apart(site: str, tx: PgTx, clock: ManualClock) -> None:
    await put(tx, a_tag(1, clock), a_tag(2, clock))
    after = await put(tx, a_tag(1, clock, boot=2))
    assert after.stored == 1
    assert after.acked["reader", 2].sequence == 1


async def test_one_identity_with_two_times_is_a_cloned_device(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    await put(tx, a_tag(1, clock))
    clone = await put(tx, a_tag(1, clock, ago_s=9))
    assert (clone.stored, clone.duplicates) == (0, 0)
    assert clone.rejected[0].field == "identity"
    assert len(await journal_after(tx, SITE, 0, 10)) == 1


async def test_one_identity_with_two_contents_is_a_cloned_device_even_in_one_batch(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    clone = await put(tx, a_tag(1, clock), a_tag(1, clock, epc_hex="CD"))
    assert clone.stored == 1
    assert [entry.field for entry in clone.rejected] == ["identity"]


async def test_a_reading_set_aside_counts_as_settled(site: str, tx: PgTx, clock: ManualClock) -> None:
    future = a_tag(2, clock, ago_s=-3600)
    done = await put(tx, a_tag(1, clock), future, a_tag(3, clock))
    assert done.acked["reader", 1].sequence == 3
    await put(tx, future)
    assert await quarantine(tx) == [("reader", "observed_at", "at most 300 s in the future", 2)]


async def test_bad_readings_go_to_quarantine_with_device_field_and_rule(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    def scale(sequence: int, mass_g: int) -> Observation:
        return Observation(
            device_id="scale",
            boot=1,
            sequence=sequence,
            observed_at=clock.now(),
            reading=MassReading(mass_g=mass_g, weight_id=sequence),
        )

    nowhere = Observation(
        device_id="fork",
        boot=1,
        sequence=1,
        observed_at=clock.now(),
        reading=PositionReading(point=Point(float("nan"), 0.0)),
    )
    stranger = Observation(
        device_id="stranger",
        boot=1,
        sequence=1,
        observed_at=clock.now(),
        reading=DeviceStatus(state="online"),
    )
    done = await put(tx, scale(1, -5), scale(2, 900_000_000), nowhere, stranger, scale(3, 40_000_000))
    assert done.stored == 1
    assert await quarantine(tx) == [
        ("fork", "point.x_m", "within the site", 1),
        ("scale", "mass_g", "at most 200000000", 1),
        ("scale", "mass_g", "not negative", 1),
        ("stranger", "device_id", "an enrolled device", 1),
    ]
    assert await tx.value("SELECT count(*) FROM devices.watermark WHERE device_id = 'stranger'") == 0
    assert await tx.value("SELECT error_count FROM devices.device_state WHERE device_id = 'scale'") == 2


async def test_what_a_driver_could_not_read_is_kept_with_its_bytes(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    broken = Rejected(
        device_id="reader", field="frame", rule="whole", raw=b"\x00\xff", received_at=clock.now()
    )
    for _ in range(3):
        await record(tx, SITE, [broken])
    row = await tx.row("SELECT raw, times FROM devices.quarantine")
    assert row == {"raw": b"\x00\xff", "times": 3}


async def test_a_device_of_another_site_is_not_believed(site: str, tx: PgTx, clock: ManualClock) -> None:
    elsewhere = await record(tx, "site-b", [Received(observation=a_tag(1, clock), received_at=tx.now)])
    assert [entry.rule for entry in elsewhere.rejected] == ["a device of this site"]
    assert elsewhere.acked == {}
    # Its own site's people find it, and no journal of the other site was begun.
    assert await tx.value("SELECT site_id FROM devices.quarantine") == SITE
    assert await journal_sites(tx) == []


async def test_a_callers_own_readings_join_its_transaction(site: str, tx: PgTx, clock: ManualClock) -> None:
    acked = await record_observations(tx, SITE, [a_tag(1, clock), a_tag(2, clock, ago_s=-3600)])
    assert (acked.boot, acked.sequence, len(acked.rejected)) == (1, 2, 1)
    with pytest.raises(Invalid):
        await record_observations(tx, SITE, [a_tag(1, clock), a_tag(1, clock, boot=2)])


async def test_the_journal_can_be_neither_changed_nor_emptied(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    await put(tx, a_tag(1, clock))
    for statement in ("UPDATE devices.observation SET kind = 'x'", "DELETE FROM devices.observation"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with tx.savepoint():
                await tx.run(statement)


async def test_partitions_are_made_ahead_and_take_over_what_the_default_one_caught(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    await put(tx, a_tag(1, clock))
    make = "SELECT devices.make_partitions(%(day)s, 3)"
    assert await tx.value(make, {"day": clock.now().date()}) == 3
    assert await tx.value(make, {"day": clock.now().date()}) == 0
    await put(tx, a_tag(2, clock))
    home = await tx.rows("SELECT tableoid::regclass::text AS home FROM devices.observation")
    assert {row["home"] for row in home} == {f"devices.observation_{clock.now():%Y%m%d}"}


async def test_readers_see_observations_of_their_own_sites_only(
    site: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    await put(tx, a_tag(1, clock))
    async with as_caller("party-x", "keeper", reading=True) as read:
        assert await read.value("SELECT count(*) FROM devices.seen_observation") == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with read.savepoint():
                await read.value("SELECT count(*) FROM devices.observation")


async def test_a_clocks_lead_and_its_last_word_are_kept(site: str, tx: PgTx, clock: ManualClock) -> None:
    status = Observation(
        device_id="reader",
        boot=1,
        sequence=2,
        observed_at=clock.now(),
        reading=DeviceStatus(state="gap", reason="line", gap_s=4.0),
    )
    await put(tx, a_tag(1, clock, ago_s=-2.0))
    row = await tx.row("SELECT state, clock_skew_ms FROM devices.device_state")
    assert row == {"state": "online", "clock_skew_ms": 2000}
    clock.advance(10)
    later = PgTx(tx.connection, tx.caller, clock.now(), tx.ids)
    await record(later, SITE, [Received(observation=status, received_at=clock.now())])
    row = await tx.row("SELECT state, clock_skew_ms, last_seen_at FROM devices.device_state")
    assert row == {"state": "online", "clock_skew_ms": 2000, "last_seen_at": clock.now()}


async def test_a_device_is_known_to_have_been_silent_until_what_it_said_then_comes_after_all(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    begun = clock.now()
    later = PgTx(tx.connection, tx.caller, begun + 2 * HEARD_KEPT, tx.ids)

    def said(sequence: int, after_s: int, state: str = "online") -> Received:
        at = begun + timedelta(seconds=after_s)
        status = Observation(
            device_id="reader", boot=1, sequence=sequence, observed_at=at, reading=DeviceStatus(state=state)
        )
        return Received(observation=status, received_at=at)

    async def gaps() -> list[tuple[float, float]]:
        rows = await tx.rows(
            "SELECT lower(gap) AS since, upper(gap) AS until FROM ("
            " SELECT unnest(tstzmultirange(tstzrange(%(begun)s, upper(heard))) - heard) AS gap"
            " FROM devices.device_state) g",
            {"begun": begun},
        )
        return [((row["since"] - begun).seconds, (row["until"] - begun).seconds) for row in rows]

    await record(later, SITE, [said(1, 0), said(2, 900), said(3, 1_800)])
    assert await gaps() == []
    await record(later, SITE, [said(7, 7_000), said(8, 9_000)])
    assert await gaps() == [(2_700, 7_000), (7_900, 9_000)]
    await record(later, SITE, [said(4, 2_700, "fault"), said(5, 3_600), said(6, 8_000, "offline")])
    assert await gaps() == [(2_700, 3_600), (4_500, 7_000), (7_900, 9_000)]
    await record(later, SITE, [said(9, 5_000), said(10, 4_500), said(11, 5_900), said(12, 6_700)])
    assert await gaps() == [(2_700, 3_600), (7_900, 9_000)]
    await record(later, SITE, [said(13, HEARD_KEPT.days * 86_400 + 5_000)])
    assert (await gaps())[0] == (7_900, 9_000), "silences of long ago are not kept for ever"


async def test_an_edge_whose_clock_is_ahead_keeps_no_device_heard_in_times_to_come(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    def said(sequence: int, observed_at: datetime) -> Received:
        status = Observation(
            device_id="reader",
            boot=1,
            sequence=sequence,
            observed_at=observed_at,
            reading=DeviceStatus(state="online"),
        )
        return Received(observation=status, received_at=clock.now() + timedelta(days=35))

    told = await record(tx, SITE, [said(1, clock.now()), said(2, clock.now() + timedelta(days=35))])
    assert (told.stored, told.acked["reader", 1].sequence) == (1, 2)
    assert await quarantine(tx) == [("reader", "observed_at", "at most 300 s in the future", 1)]
    row = await tx.row("SELECT last_seen_at, upper(heard) AS heard FROM devices.device_state")
    assert row == {"last_seen_at": clock.now(), "heard": clock.now() + GATE_SILENCE_MAX}
    [stored] = await journal_after(tx, SITE, 0, 10)
    assert stored.received_at == clock.now()


async def test_an_audit_of_a_sound_journal_finds_nothing(site: str, tx: PgTx, clock: ManualClock) -> None:
    await put(tx, a_tag(1, clock), a_tag(2, clock, ago_s=-3600), a_tag(4, clock))
    [result] = await audit(tx)
    assert (result.journal, result.entries, result.findings) == ("observations", 2, [])


async def test_an_audit_names_a_watermark_that_claims_too_much(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    await put(tx, a_tag(1, clock))
    await tx.run("UPDATE devices.watermark SET settled = '{[1,3)}', acked_through = 2, max_sequence = 2")
    [result] = await audit(tx)
    assert [found.rule for found in result.findings] == ["what is settled is kept"]


async def test_an_audit_names_a_hole_in_the_positions(site: str, tx: PgTx, clock: ManualClock) -> None:
    await put(tx, a_tag(1, clock))
    await tx.run("UPDATE devices.journal SET position = 5")
    await put(tx, a_tag(2, clock))
    [result] = await audit(tx)
    assert [found.rule for found in result.findings] == [
        "as many entries as positions",
        "positions from 1 without a hole",
    ]


async def test_a_device_that_scatters_its_numbers_is_held_to_fill_the_holes(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    odd = [a_tag(2 * number + 1, clock) for number in range(HOLES_MAX + 1)]
    await put(tx, *odd)
    refused = await put(tx, a_tag(9_999, clock))
    assert [entry.field for entry in refused.rejected] == ["sequence"]
    filled = await put(tx, a_tag(2, clock), a_tag(4, clock))
    assert filled.acked["reader", 1].sequence == 5
    assert (await put(tx, a_tag(9_999, clock))).stored == 1


async def test_one_batch_scatters_no_more_than_many(site: str, tx: PgTx, clock: ManualClock) -> None:
    put_at_once = await put(tx, *(a_tag(2 * number + 1, clock) for number in range(HOLES_MAX + 3)))
    assert (put_at_once.stored, {entry.rule for entry in put_at_once.rejected}) == (
        HOLES_MAX + 1,
        {SCATTERED.rule},
    )
    beside = await put(tx, a_tag(2, clock), a_tag(2 * HOLES_MAX + 2, clock), a_tag(2 * HOLES_MAX + 3, clock))
    assert (beside.stored, beside.rejected) == (3, []), "what is next to one that came makes no hole"


async def test_what_a_device_does_not_number_is_known_by_its_content(
    site: str, tx: PgTx, clock: ManualClock
) -> None:
    def heard(raw: bytes) -> Observation:
        reading = a_tag(1, clock)
        boot, sequence = content_identity(reading.observed_at, raw)
        return msgspec.structs.replace(reading, boot=boot, sequence=sequence)

    recorded = await put(tx, heard(b"one"), heard(b"two"), heard(b"one"))
    assert (recorded.stored, recorded.duplicates, recorded.acked) == (2, 1, {})
    again = await put(tx, heard(b"two"), heard(b"one"))
    assert (again.stored, again.duplicates, again.rejected) == (0, 2, [])
    later = msgspec.structs.replace(heard(b"one"), observed_at=clock.now() - timedelta(days=3))
    refused = await put(tx, later)
    assert [(entry.field, entry.sequence) for entry in refused.rejected] == [("sequence", later.sequence)]
    [journal] = await audit(tx)
    assert journal.findings == []
