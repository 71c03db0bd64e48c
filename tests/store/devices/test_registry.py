"""Enrolment, credentials and retirement on a real PostgreSQL."""

import pytest

from app.database import PgTx
from app.supervise.broker_access import matches
from devices.api import (
    authenticate_device,
    broker_credentials,
    devices_of_site,
    edge_devices,
    record_observations,
    reserve_boots,
)
from devices.families import FAMILIES
from devices.messages import (
    EnrolDevice,
    EnrolHandheld,
    IssueEnrolmentCode,
    RetireDevice,
    SetSiteBounds,
)
from devices.registry.handlers import (
    BOOTS_RESERVED,
    enrol_device,
    enrol_handheld,
    issue_enrolment_code,
    retire_device,
    set_site_bounds,
)
from devices.registry.model import ENROLMENT_CODE_LASTS
from identity.api import grant_access
from identity.http import DeviceIdentity
from identity.messages import AddParty
from identity.parties.handlers import add_party
from kernel.clock import ManualClock
from kernel.errors import Conflict, Invalid, NotFound
from kernel.geometry import Point
from kernel.messages import DevicePlaced, DeviceRetired, DeviceStatus, Observation, PositionReading

SITE = "site-a"
SECRET = "a-credential-that-is-long-enough"
CODE = "7QJ4W2MZK9XT"


@pytest.fixture
async def keeper(tx: PgTx) -> str:
    """The party of `tx`, which may see the site."""
    party_id = tx.caller.party_id
    await add_party(AddParty(kind="keeper", name="Keeper", party_id=party_id), tx)
    await grant_access(tx, party_id, SITE, cause="test")
    return party_id


def a_device(device_id: str = "fork", family: str = "mqtt_position", **changes: object) -> EnrolDevice:
    given = {"site_id": SITE, "device_id": device_id, "family": family, "secret": SECRET, **changes}
    return EnrolDevice(**given)  # type: ignore[arg-type]


async def test_an_enrolled_device_has_a_place_and_a_credential_of_which_only_a_digest_is_kept(
    keeper: str, tx: PgTx
) -> None:
    await enrol_device(a_device(mount_id="forklift-1"), tx)
    assert [event for event in tx.events if isinstance(event, DevicePlaced)] == [
        DevicePlaced(
            site_id=SITE,
            device_id="fork",
            family="mqtt_position",
            mount_id="forklift-1",
            placed_at=tx.now,
        )
    ]
    kept = (await broker_credentials(tx))["fork"]
    assert matches(SECRET, kept)
    assert not matches(SECRET + "x", kept)
    row = await tx.row("SELECT * FROM devices.device")
    assert SECRET not in str(row)


async def test_enrolling_again_replaces_the_credential_and_the_place(keeper: str, tx: PgTx) -> None:
    await enrol_device(a_device(mount_id="forklift-1"), tx)
    await enrol_device(a_device(mount_id="forklift-2", secret=SECRET[::-1]), tx)
    [device] = await edge_devices(tx)
    assert device.mount_id == "forklift-2"
    assert matches(SECRET[::-1], (await broker_credentials(tx))["fork"])


async def test_an_id_belongs_to_one_site_and_family_for_ever(keeper: str, tx: PgTx) -> None:
    await grant_access(tx, keeper, "site-b", cause="test")
    await enrol_device(a_device(), tx)
    for change in ({"site_id": "site-b"}, {"family": "pda"}):
        with pytest.raises(Conflict, match=r"devices\.id_taken"):
            await enrol_device(a_device(**change), tx)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"family": "toaster"}, "family"),
        ({"device_id": "fork/+"}, "device_id"),
        ({"device_id": ""}, "device_id"),
        ({"secret": "short"}, "secret"),
        ({"family": "llrp"}, "connection.host"),
        ({"family": "modbus_weighbridge", "connection": {"host": "scale"}}, "connection.port"),
        ({"family": "llrp", "connection": {"host": "r", "port": 70000}}, "connection.port"),
        ({"family": "llrp", "connection": {"host": "r", "antennas": [0]}}, "connection.antennas"),
        ({"family": "llrp", "connection": {"host": "r", "volume": 11}}, "connection.volume"),
    ],
)
async def test_an_enrolment_that_breaks_a_rule_names_field_and_rule(
    keeper: str, tx: PgTx, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await enrol_device(a_device(**changes), tx)
    assert refused.value.facts["field"] == field
    assert refused.value.facts["rule"]


async def test_a_site_that_the_caller_may_not_see_does_not_exist(tx: PgTx) -> None:
    for attempt in (
        enrol_device(a_device(), tx),
        issue_enrolment_code(IssueEnrolmentCode(site_id=SITE, secret=CODE), tx),
        set_site_bounds(SetSiteBounds(site_id=SITE, width_mm=1, length_mm=1, height_mm=1), tx),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_retiring_ends_the_credential_at_once(keeper: str, tx: PgTx) -> None:
    await enrol_device(a_device(), tx)
    await enrol_device(a_device("pda-1", "pda", secret=SECRET * 2), tx)
    for device_id in ("fork", "pda-1"):
        await retire_device(RetireDevice(device_id=device_id), tx)
        await retire_device(RetireDevice(device_id=device_id), tx)
    assert await broker_credentials(tx) == {}
    assert await authenticate_device(tx, SECRET * 2) is None
    assert await edge_devices(tx) == []
    assert len([event for event in tx.events if isinstance(event, DeviceRetired)]) == 2


async def test_a_code_makes_one_handheld_once(keeper: str, as_caller, tx: PgTx) -> None:
    issued = await issue_enrolment_code(IssueEnrolmentCode(site_id=SITE, device_id="pda-7", secret=CODE), tx)
    assert issued.expires_at == tx.now + ENROLMENT_CODE_LASTS
    redeem = EnrolHandheld(secret=CODE, token=SECRET)
    async with as_caller("product") as visitor:
        enrolled = await enrol_handheld(redeem, visitor)
        assert (enrolled.device_id, enrolled.site_id) == ("pda-7", SITE)
        with pytest.raises(NotFound):
            await enrol_handheld(redeem, visitor)
    assert await authenticate_device(tx, SECRET) == DeviceIdentity(device_id="pda-7", site_id=SITE)
    assert await authenticate_device(tx, SECRET + "x") is None
    assert await authenticate_device(tx, "") is None


async def test_a_code_expires_and_an_unknown_one_is_worth_nothing(
    keeper: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    await issue_enrolment_code(IssueEnrolmentCode(site_id=SITE, secret=CODE), tx)
    clock.advance(ENROLMENT_CODE_LASTS.total_seconds())
    async with as_caller("product") as visitor:
        for code in (CODE, "0" * 12):
            with pytest.raises(NotFound):
                await enrol_handheld(EnrolHandheld(secret=code, token=SECRET), visitor)


async def test_boots_are_handed_out_in_blocks_that_never_meet(keeper: str, tx: PgTx) -> None:
    await enrol_device(a_device(), tx)
    first = await reserve_boots(tx, ["fork"])
    second = await reserve_boots(tx, ["fork"])
    assert second["fork"] - first["fork"] == BOOTS_RESERVED
    assert first["fork"] >= 1


async def test_the_list_shows_never_online_and_offline_after_the_familys_silence(
    keeper: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    await enrol_device(a_device(), tx)
    await enrol_device(a_device("tag"), tx)
    insert = """INSERT INTO devices.device_state
        (device_id, site_id, state, state_at, last_seen_at, clock_skew_ms, skew_since)
        VALUES ('fork', 'site-a', 'online', %(now)s, %(now)s, 12, %(now)s)"""
    await tx.run(insert, {"now": tx.now})

    async def states() -> dict[str, str]:
        async with as_caller(keeper, "keeper", reading=True) as read:
            return {row.device_id: row.state for row in await devices_of_site(read, SITE)}

    assert await states() == {"fork": "online", "tag": "never"}
    clock.advance(FAMILIES["mqtt_position"].silence.total_seconds() + 1)
    assert await states() == {"fork": "offline", "tag": "never"}


async def test_a_device_of_which_its_driver_says_only_that_it_does_not_answer_was_never_heard(
    keeper: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    await enrol_device(a_device(), tx)

    async def told(sequence: int, state: str) -> tuple[object, ...]:
        clock.advance(10)
        status = Observation(
            device_id="fork",
            boot=1,
            sequence=sequence,
            observed_at=clock.now(),
            reading=DeviceStatus(state=state, reason="Connect call failed"),
        )
        await record_observations(PgTx(tx.connection, tx.caller, clock.now(), tx.ids), SITE, [status])
        async with as_caller(keeper, "keeper", reading=True) as read:
            [row] = await devices_of_site(read, SITE)
            return row.state, row.last_seen_at, row.clock_skew_ms, row.error_rate

    assert await told(1, "offline") == ("never", None, None, None)
    assert await told(2, "offline") == ("never", None, None, None)
    assert await tx.value("SELECT heard::text FROM devices.device_state") == "{}"
    assert await told(3, "fault") == ("fault", clock.now(), 0, 0.0)
    assert await told(4, "online") == ("online", heard_at := clock.now(), 0, 0.0)
    assert await told(5, "offline") == ("offline", heard_at, 0, 0.0)


async def test_other_parties_see_no_device_and_nobody_reads_a_credential(
    keeper: str, as_caller, tx: PgTx
) -> None:
    await enrol_device(a_device(), tx)
    async with as_caller("party-x", "admin", reading=True) as read:
        assert await devices_of_site(read, SITE) == []
        assert await read.value("SELECT count(*) FROM devices.device") == 0
    granted = await tx.value(
        "SELECT has_column_privilege('tallyhouse_read', 'devices.device', 'broker_password_hash', 'SELECT')"
    )
    assert granted is False


async def test_missing_numbers_show_as_a_gap_until_they_come(
    keeper: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    await enrol_device(a_device(), tx)

    async def report(*sequences: int) -> tuple[str, int]:
        await record_observations(
            tx,
            SITE,
            [
                Observation(
                    device_id="fork",
                    boot=1,
                    sequence=sequence,
                    observed_at=clock.now(),
                    reading=PositionReading(point=Point(1.0, 1.0)),
                )
                for sequence in sequences
            ],
        )
        async with as_caller(keeper, "keeper", reading=True) as read:
            [row] = await devices_of_site(read, SITE)
        return row.state, row.missing_count

    assert await report(1, 2) == ("online", 0)
    assert await report(5, 9) == ("gap", 5)
    assert await report(3, 4, 6, 7, 8) == ("online", 0)
