"""A device's readings are evidence once a party that did not enrol it has accepted it."""

from collections.abc import Sequence
from datetime import date, datetime

import pytest
from psycopg.errors import CheckViolation

from app.database import PgTx
from app.supervise.broker_access import matches
from app.texts import Texts
from devices.api import (
    broker_credentials,
    devices_of_site,
    end_acceptances,
    enrol_device,
    journal_after,
    record_observations,
    unvouched_devices,
)
from devices.ingest.handlers import CLONED
from devices.messages import (
    AcceptanceEnded,
    AcceptDevice,
    CalibrateDevice,
    DeviceAccepted,
    DistrustDevice,
    InviteInspector,
    RetireDevice,
    RotateDeviceKey,
)
from devices.registry.handlers import (
    accept_device,
    calibrate_device,
    distrust_device,
    invite_inspector,
    retire_device,
    rotate_device_key,
)
from devices.registry.views import history_of_device
from identity.api import grant_access
from identity.messages import AddParty
from identity.parties.handlers import add_party
from kernel.clock import ManualClock
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.geometry import Point
from kernel.messages import MassReading, Observation, PositionReading, Rejected
from tests.store.devices.test_registry import SECRET, SITE, a_device

BANK = "bank-a"
NEW_SECRET = "a-credential-only-the-bank-has-seen"


@pytest.fixture
async def keeper(tx: PgTx) -> str:
    """The party of `tx`, which keeps the site; `BANK` may look at the devices there."""
    await add_party(AddParty(kind="keeper", name="Keeper", party_id=tx.caller.party_id), tx)
    await add_party(AddParty(kind="bank", name="Bank", party_id=BANK), tx)
    await grant_access(tx, tx.caller.party_id, SITE, cause="test")
    await invite_inspector(InviteInspector(site_id=SITE, party_id=BANK), tx)
    return tx.caller.party_id


async def report(tx: PgTx, sequence: int, at: datetime) -> None:
    reading = PositionReading(point=Point(1.0, 1.0))
    seen = Observation(device_id="fork", boot=1, sequence=sequence, observed_at=at, reading=reading)
    await record_observations(tx, SITE, [seen])


async def evidence(tx: PgTx) -> Sequence[bool]:
    return [envelope.is_accepted for envelope in await journal_after(tx, SITE, 0, 100)]


async def test_what_a_device_says_is_no_evidence_until_another_party_accepted_it(
    keeper: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    await enrol_device(a_device(), tx)
    await report(tx, 1, clock.now())
    async with as_caller(BANK, "officer") as bank:
        await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
        assert [event for event in bank.events if isinstance(event, DeviceAccepted)]
    before = clock.now()
    clock.advance(10)
    await report(tx, 2, clock.now())
    clock.advance(1)
    await report(tx, 3, before.replace(year=before.year - 1))
    assert await evidence(tx) == [False, True, False]


async def test_acceptance_gives_a_credential_that_the_enroller_never_saw(
    keeper: str, as_caller, tx: PgTx
) -> None:
    await enrol_device(a_device(), tx)
    async with as_caller(BANK, "officer") as bank:
        await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
    kept = (await broker_credentials(tx))["fork"]
    assert matches(NEW_SECRET, kept)
    assert not matches(SECRET, kept)


async def test_the_party_that_enrolled_a_device_cannot_accept_it(keeper: str, as_caller, tx: PgTx) -> None:
    await enrol_device(a_device(), tx)
    async with as_caller(keeper, "officer", "admin", "keeper") as again:
        with pytest.raises(Forbidden, match=r"devices\.own_enrolment"):
            await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), again)
    with pytest.raises(CheckViolation):
        await tx.run(
            "UPDATE devices.device SET accepted_at = now(), accepted_by = 'p', accepted_party_id = %(party)s",
            {"party": keeper},
        )


async def test_a_bank_that_does_not_lend_there_finds_no_device(keeper: str, as_caller, tx: PgTx) -> None:
    await add_party(AddParty(kind="bank", name="Other", party_id="bank-b"), tx)
    await enrol_device(a_device(), tx)
    async with as_caller("bank-b", "officer") as other:
        with pytest.raises(NotFound):
            await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), other)
    async with as_caller("bank-b", "officer", reading=True) as read:
        assert await devices_of_site(read, SITE) == []
    async with as_caller(BANK, "officer", reading=True) as read:
        [row] = await devices_of_site(read, SITE)
    assert (row.acceptance, row.enrolled_by, row.accepted_by) == ("waiting", "Keeper", None)


async def test_enrolling_anew_ends_the_acceptance_and_an_old_look_accepts_nothing(
    keeper: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    await enrol_device(a_device(), tx)
    async with as_caller(BANK, "officer") as bank:
        await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
    clock.advance(10)
    await enrol_device(a_device(), tx)
    await report(tx, 1, clock.now())
    assert [event.cause for event in tx.events if isinstance(event, AcceptanceEnded)] == ["enrolled"]
    assert await evidence(tx) == [False]
    async with as_caller(BANK, "officer") as bank:
        with pytest.raises(Conflict, match=r"devices\.enrolled_anew"):
            await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
    async with as_caller(BANK, "officer") as bank:
        await accept_device(AcceptDevice(device_id="fork", enrolment=2, secret=NEW_SECRET), bank)
        with pytest.raises(Conflict, match=r"devices\.accepted_already"):
            await accept_device(AcceptDevice(device_id="fork", enrolment=2, secret=NEW_SECRET), bank)


async def test_a_bank_takes_its_acceptance_back_with_a_reason(
    keeper: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    await enrol_device(a_device(), tx)
    async with as_caller(BANK, "officer") as bank:
        await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
        with pytest.raises(Invalid, match=r"devices\.distrust_reason"):
            await distrust_device(DistrustDevice(device_id="fork", reason="  "), bank)
        await distrust_device(DistrustDevice(device_id="fork", reason="Seal broken"), bank)
    clock.advance(10)
    await report(tx, 1, clock.now())
    assert await evidence(tx) == [False]
    acts = await tx.rows("SELECT act, party_id, facts FROM devices.registry_entry ORDER BY number")
    assert [(row["act"], row["party_id"]) for row in acts] == [
        ("enrolled", keeper),
        ("accepted", BANK),
        ("distrusted", BANK),
    ]
    assert acts[2]["facts"]["reason"] == "Seal broken"
    assert SECRET not in str(acts)


@pytest.fixture
async def other_bank(keeper: str, tx: PgTx) -> str:
    await add_party(AddParty(kind="bank", name="Other", party_id="bank-b"), tx)
    await invite_inspector(InviteInspector(site_id=SITE, party_id="bank-b"), tx)
    return "bank-b"


async def test_a_second_bank_accepts_for_itself_and_what_the_first_vouches_for_keeps_its_credential(
    other_bank: str, as_caller, tx: PgTx
) -> None:
    await enrol_device(a_device(), tx)
    for bank_id, has_credential, secret in ((BANK, True, NEW_SECRET), (other_bank, False, SECRET * 2)):
        async with as_caller(bank_id, "officer") as bank:
            accept = AcceptDevice(device_id="fork", enrolment=1, secret=secret)
            assert (await accept_device(accept, bank)).has_credential == has_credential
            with pytest.raises(Conflict, match=r"devices\.accepted_already"):
                await accept_device(accept, bank)
    assert matches(NEW_SECRET, (await broker_credentials(tx))["fork"])
    async with as_caller(other_bank, "officer") as bank:
        with pytest.raises(Forbidden, match=r"devices\.not_accepted_by_you"):
            await rotate_device_key(RotateDeviceKey(device_id="fork", secret=SECRET * 2), bank)
    async with as_caller(other_bank, "officer", reading=True) as read:
        [row] = await devices_of_site(read, SITE)
    assert [(one.party, one.is_own) for one in row.acceptances] == [("Bank", False), ("Other", True)]


async def test_a_bank_that_distrusts_takes_its_own_acceptance_alone_and_the_last_one_is_the_end_of_evidence(
    other_bank: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    await enrol_device(a_device(), tx)
    for bank_id in (BANK, other_bank):
        async with as_caller(bank_id, "officer") as bank:
            await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
        clock.advance(10)
    distrust = DistrustDevice(device_id="fork", reason="Seal broken")
    ended = []
    for sequence, bank_id in enumerate((BANK, BANK, other_bank), start=1):
        async with as_caller(bank_id, "officer") as bank:
            await distrust_device(distrust, bank)
            ended.append([event.cause for event in bank.events if isinstance(event, AcceptanceEnded)])
        clock.advance(10)
        await report(tx, sequence, clock.now())
    assert ended == [[], [], ["distrusted"]]
    assert await evidence(tx) == [True, True, False]


async def test_when_the_first_bank_takes_its_acceptance_back_the_next_one_gives_the_key(
    other_bank: str, as_caller, tx: PgTx
) -> None:
    await enrol_device(a_device(), tx)
    for bank_id in (BANK, other_bank):
        async with as_caller(bank_id, "officer") as bank:
            await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
    async with as_caller(BANK, "officer") as bank:
        await distrust_device(DistrustDevice(device_id="fork", reason="No facility any more"), bank)
    async with as_caller(other_bank, "officer") as bank:
        await rotate_device_key(RotateDeviceKey(device_id="fork", secret=SECRET * 2), bank)
    assert matches(SECRET * 2, (await broker_credentials(tx))["fork"])


async def test_a_bank_that_accepts_a_device_is_told_which_other_bank_made_its_key(
    other_bank: str, as_caller, tx: PgTx
) -> None:
    async def held_by(reader: str) -> str | None:
        async with as_caller(reader, "officer", reading=True) as read:
            return (await devices_of_site(read, SITE))[0].key_held_by

    await enrol_device(a_device(), tx)
    assert await held_by(BANK) is None, "its enroller's, which the first acceptance ends"
    for bank_id, told in ((BANK, None), (other_bank, "Bank")):
        async with as_caller(bank_id, "officer") as bank:
            accepted = await accept_device(
                AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank
            )
        assert (accepted.key_held_by, await held_by(bank_id)) == (told, told)
    async with as_caller(BANK, "officer") as bank:
        await distrust_device(DistrustDevice(device_id="fork", reason="No facility any more"), bank)
    assert await held_by(other_bank) == "Bank", "it knows the key as before"
    async with as_caller(other_bank, "officer") as bank:
        await rotate_device_key(RotateDeviceKey(device_id="fork", secret=SECRET * 2), bank)
    assert (await held_by(other_bank), await held_by(BANK)) == (None, "Other")


async def test_another_place_in_the_layout_has_to_be_accepted_again(keeper: str, as_caller, tx: PgTx) -> None:
    await enrol_device(a_device(mount_id="forklift-1"), tx)
    async with as_caller(BANK, "officer") as bank:
        await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
    await end_acceptances(tx, SITE, {"forklift-2"})
    assert not [event for event in tx.events if isinstance(event, AcceptanceEnded)]
    await end_acceptances(tx, SITE, {"forklift-1"})
    assert [event.cause for event in tx.events if isinstance(event, AcceptanceEnded)] == ["layout"]


async def test_two_devices_cannot_hang_on_one_mount(keeper: str, tx: PgTx) -> None:
    await enrol_device(a_device(mount_id="forklift-1"), tx)
    with pytest.raises(Conflict, match=r"devices\.mount_taken") as refused:
        await enrol_device(a_device("second", mount_id="forklift-1"), tx)
    assert refused.value.facts["field"] == "mount_id"
    await retire_device(RetireDevice(device_id="fork"), tx)
    await enrol_device(a_device("second", mount_id="forklift-1"), tx)


async def test_a_handheld_needs_no_acceptance_and_a_retired_device_gets_none(
    keeper: str, as_caller, tx: PgTx
) -> None:
    await enrol_device(a_device("pda-1", "pda"), tx)
    await enrol_device(a_device(), tx)
    await retire_device(RetireDevice(device_id="fork"), tx)
    async with as_caller(BANK, "officer") as bank:
        with pytest.raises(Invalid) as refused:
            await accept_device(AcceptDevice(device_id="pda-1", enrolment=1, secret=NEW_SECRET), bank)
        assert refused.value.facts["field"] == "device_id"
        with pytest.raises(Conflict, match=r"devices\.retired"):
            await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
    async with as_caller(BANK, "officer", reading=True) as read:
        shown = {row.device_id: row.acceptance for row in await devices_of_site(read, SITE)}
    assert shown == {"fork": "waiting", "pda-1": "not_needed"}


async def test_an_act_on_a_device_that_cannot_be_says_which_act(keeper: str, as_caller, tx: PgTx) -> None:
    scale = a_device("scale", "nmea", connection={"host": "10.0.0.7", "port": 1})
    for device in (a_device(), a_device("pda-1", "pda"), scale):
        await enrol_device(device, tx)
    async with as_caller(BANK, "officer") as bank:
        with pytest.raises(Invalid, match=r"devices\.rekeying"):
            await rotate_device_key(RotateDeviceKey(device_id="scale", secret=SECRET), bank)
        with pytest.raises(Invalid, match=r"devices\.rekeying"):
            await rotate_device_key(RotateDeviceKey(device_id="fork", secret="short"), bank)
        with pytest.raises(Invalid, match=r"devices\.acceptance"):
            await accept_device(AcceptDevice(device_id="pda-1", enrolment=1, secret=SECRET), bank)


async def test_the_party_that_accepted_a_device_gives_it_a_new_key_and_the_acceptance_stands(
    keeper: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    await enrol_device(a_device(), tx)
    rotate = RotateDeviceKey(device_id="fork", secret=NEW_SECRET[::-1])
    async with as_caller(BANK, "officer") as bank:
        with pytest.raises(Forbidden, match=r"devices\.not_accepted_by_you"):
            await rotate_device_key(rotate, bank)
        await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
        await rotate_device_key(rotate, bank)
    async with as_caller(keeper, "admin", "officer") as again:
        with pytest.raises(Forbidden):
            await rotate_device_key(rotate, again)
    kept = (await broker_credentials(tx))["fork"]
    assert matches(NEW_SECRET[::-1], kept)
    clock.advance(10)
    await report(tx, 1, clock.now())
    assert await evidence(tx) == [True]


async def test_a_new_key_ends_the_acceptance_of_every_bank_but_the_one_that_gave_it(
    other_bank: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    await enrol_device(a_device(), tx)
    for bank_id in (BANK, other_bank):
        async with as_caller(bank_id, "officer") as bank:
            await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
    clock.advance(10)
    async with as_caller(BANK, "officer") as bank:
        await rotate_device_key(RotateDeviceKey(device_id="fork", secret=SECRET * 2), bank)
    async with as_caller(other_bank, "officer", reading=True) as read:
        [own] = await unvouched_devices(read, SITE, other_bank)
        assert (own.is_evidence, own.accepted_by, own.end_cause) == (True, ("Bank",), "rekeyed")
        assert await unvouched_devices(read, SITE, BANK) == []
    async with as_caller(other_bank, "officer") as bank:
        await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
    async with as_caller(other_bank, "officer", reading=True) as read:
        assert await unvouched_devices(read, SITE, other_bank) == []


async def test_a_certificate_is_kept_and_the_longest_counts(keeper: str, as_caller, tx: PgTx) -> None:
    await enrol_device(a_device(), tx)
    for until in (date(2027, 6, 30), date(2027, 12, 31), date(2027, 1, 31)):
        certificate = CalibrateDevice(
            device_id="fork",
            certificate=f"V-{until.year}-{until.month}",
            performed_by="Institute",
            performed_on=date(2026, 1, 1),
            valid_until=until,
        )
        await calibrate_device(certificate, tx)
    async with as_caller(BANK, "officer", reading=True) as read:
        [row] = await devices_of_site(read, SITE)
        history = await history_of_device(read, "fork")
        [newest] = await history_of_device(read, "fork", None, 1)
        older = await history_of_device(read, "fork", str(newest.number))
    assert (row.calibrated_until, row.tier, row.error_rate) == (date(2027, 12, 31), "gold", None)
    assert [entry.act for entry in history] == ["calibrated"] * 3 + ["enrolled"]
    assert [newest, *older] == history
    async with as_caller("bank-elsewhere", "officer", reading=True) as read:
        with pytest.raises(NotFound):
            await history_of_device(read, "fork")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"certificate": " "}, "certificate"),
        ({"performed_by": "x" * 121}, "performed_by"),
        ({"performed_on": date(2100, 1, 1), "valid_until": date(2101, 1, 1)}, "performed_on"),
        ({"valid_until": date(2026, 1, 1)}, "valid_until"),
        ({"notes": "x" * 501}, "notes"),
    ],
)
async def test_a_certificate_that_cannot_be_names_field_and_rule(
    keeper: str, tx: PgTx, changes: dict[str, object], field: str
) -> None:
    await enrol_device(a_device(), tx)
    given = {
        "device_id": "fork",
        "certificate": "V-1",
        "performed_by": "Institute",
        "performed_on": date(2026, 1, 1),
        "valid_until": date(2027, 1, 1),
        **changes,
    }
    with pytest.raises(Invalid) as refused:
        await calibrate_device(CalibrateDevice(**given), tx)  # type: ignore[arg-type]
    assert (refused.value.key, refused.value.facts["field"]) == ("devices.calibration", field)


async def test_the_share_of_what_cannot_be_accepted_is_shown(
    keeper: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    await enrol_device(a_device(), tx)
    for sequence in (1, 2, 3):
        await report(tx, sequence, clock.now())
    await report(tx, 4, clock.now().replace(year=2100))
    async with as_caller(keeper, "keeper", reading=True) as read:
        [row] = await devices_of_site(read, SITE)
    assert (row.error_count, row.error_rate) == (1, 0.25)


async def test_a_keeper_invites_banks_alone_and_only_to_a_site_of_its_own(
    keeper: str, as_caller, tx: PgTx
) -> None:
    await add_party(AddParty(kind="owner", name="Owner", party_id="owner-a"), tx)
    with pytest.raises(Invalid) as refused:
        await invite_inspector(InviteInspector(site_id=SITE, party_id="owner-a"), tx)
    assert refused.value.facts["field"] == "party_id"
    async with as_caller("keeper-elsewhere", "admin") as other:
        with pytest.raises(NotFound):
            await invite_inspector(InviteInspector(site_id=SITE, party_id=BANK), other)


@pytest.mark.parametrize("device_id", ["tallyhouse", "Tallyhouse", "product"])
async def test_no_device_takes_a_name_that_the_product_signs_in_by(
    keeper: str, tx: PgTx, device_id: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await enrol_device(a_device(device_id), tx)
    assert refused.value.facts["field"] == "device_id"


async def test_an_exchanged_scale_under_a_name_of_its_own_counts_from_one_and_is_accepted_anew(
    keeper: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    """The indicator numbers its weighings itself: a new one under the old name would be a clone of it."""
    await enrol_scale(tx, "scale")
    await weigh(tx, "scale", clock.now())
    clock.advance(60)
    await enrol_scale(tx, "scale")
    [clone] = await weigh(tx, "scale", clock.now())
    assert (clone.field, clone.rule) == ("identity", CLONED.rule)
    for locale, advice in (("en", "under a name of its own"), ("zh", "以新名称登记")):
        assert advice in Texts.load().rules.say(clone.rule, locale)
    await retire_device(RetireDevice(device_id="scale"), tx)
    await enrol_scale(tx, "scale-2")
    async with as_caller(BANK, "officer") as bank:
        await accept_device(AcceptDevice(device_id="scale-2", enrolment=1), bank)
    clock.advance(60)
    assert await weigh(tx, "scale-2", clock.now()) == ()
    assert await evidence(tx) == [False, True]


async def enrol_scale(tx: PgTx, device_id: str) -> None:
    connection = {"host": "127.0.0.1", "port": 502}
    scale = a_device(device_id, "modbus_weighbridge", mount_id="bridge", connection=connection)
    await enrol_device(scale, tx)


async def weigh(tx: PgTx, device_id: str, at: datetime) -> Sequence[Rejected]:
    """The first weighing of an indicator; what of it was set aside."""
    reading = MassReading(mass_g=8_000_000, weight_id=1)
    seen = Observation(device_id=device_id, boot=1, sequence=1, observed_at=at, reading=reading)
    return (await record_observations(tx, SITE, [seen])).rejected
