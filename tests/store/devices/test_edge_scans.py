"""Scans over the broker: a person's command, proven and answered, by a real edge, broker and database."""

import asyncio
import secrets
import shutil
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.database import PgTx
from devices.api import broker_credentials, journal_after
from devices.messages import EnrolHandheld, IssueEnrolmentCode
from identity.api import grant_access, session_of
from identity.messages import AddParty, AddPerson, SignIn, SignOut
from kernel.caller import Caller, Role
from kernel.clock import SystemClock
from kernel.messages import CodeScan, Observation
from simulators.protocols.pda.mqtt import MqttHandheld, Session
from simulators.protocols.publisher import Login
from tests.contract.wire import eventually
from tests.store.devices.test_edge import SITE, TEST, Site

KEEPER = "keeper-a"
CODE = "]C100306141411234567890"


@pytest.fixture(autouse=True)
def _quick_passwords(quick_passwords: None) -> None:
    """People sign in, and what that costs is tested elsewhere."""


@pytest.fixture
async def keeper(site: Site) -> str:
    """The party that keeps the site."""
    await site.desk.do(TEST, AddParty(kind="keeper", name="Keeper", party_id=KEEPER))
    async with site.database.write(TEST) as tx:
        await grant_access(tx, KEEPER, SITE, cause="test")
    return KEEPER


async def sign_in(site: Site, username: str, *roles: Role) -> tuple[str, Session]:
    """A person of the keeper who has just signed in: who it is, and what the sign-in answered."""
    password = secrets.token_urlsafe(18)
    added = await site.desk.do(
        Caller(person_id="admin-1", party_id=KEEPER, roles=frozenset({"admin"})),
        AddPerson(username=username, password=password, display_name=username, party_id=KEEPER, roles=roles),
    )
    opened = await site.desk.do(
        TEST, SignIn(username=username, person_id=added.person_id, lasts=timedelta(hours=1))
    )
    async with site.database.write(TEST) as tx:
        session = await session_of(tx, opened.session_token)
    assert session is not None
    return added.person_id, Session(session.caller.session_id, session.csrf_token)


async def enrol(site: Site, device_id: str = "pda-1") -> Login:
    """A handheld becomes a device by the code of its QR, and may sign in at the broker."""
    code, token = secrets.token_hex(8), secrets.token_urlsafe(32)
    by = Caller(person_id="person-keeper", party_id=KEEPER, roles=frozenset({"keeper"}))
    await site.desk.do(by, IssueEnrolmentCode(site_id=SITE, secret=code, device_id=device_id))
    await site.desk.do(Caller.product("enrolment"), EnrolHandheld(secret=code, token=token))
    async with site.database.write(TEST) as tx:
        site.broker.set_devices(await broker_credentials(tx))
    return Login(site.broker.address.host, site.broker.address.port, token)


async def scans(site: Site) -> list[Observation]:
    """What was scanned, in the order it was stored."""
    async with site.database.write(TEST) as tx:
        journal = await journal_after(tx, SITE, 0, 1000)
    return [one.observation for one in journal if isinstance(one.observation.reading, CodeScan)]


def quarantined(field: str) -> Callable[[PgTx], Awaitable[Any]]:
    async def ask(tx: PgTx) -> Any:
        sql = "SELECT device_id, rule FROM devices.quarantine WHERE field = %(field)s"
        return await tx.row(sql, {"field": field})

    return ask


async def test_a_handheld_enrolled_by_its_code_scans_for_the_person_who_is_signed_in(
    site: Site, keeper: str
) -> None:
    picker, session = await sign_in(site, "picker.one", "picker")
    async with MqttHandheld(
        await enrol(site), SITE, "pda-1", SystemClock(), boot=3, session=session
    ) as handheld:
        handheld.scan(CODE, "A01-07-3")
        await eventually(lambda: handheld.pending_count == 0)
        assert handheld.results[1]["outcome"] == "refused"
        assert handheld.results[1]["key"] == "scan.unknown_code"
        assert handheld.acked_sequence == 1
    [scan] = await scans(site)
    assert (scan.observation_id, scan.reading) == (
        "pda-1:3:1",
        CodeScan(code="00306141411234567890", symbology="gs1-128", place_code="A01-07-3", person_id=picker),
    )
    async with site.database.write(TEST) as tx:
        audited = await tx.row("SELECT caller, party_id FROM app.audit_record WHERE command = 'RecordScans'")
    assert audited == {"caller": picker, "party_id": KEEPER}


async def test_scans_made_out_of_reach_arrive_in_order_with_their_own_times_and_the_clock_is_told(
    site: Site, keeper: str
) -> None:
    _, session = await sign_in(site, "picker.one", "picker")
    ahead = timedelta(seconds=90)
    async with MqttHandheld(
        await enrol(site), SITE, "pda-1", SystemClock(), ahead=ahead, session=session
    ) as handheld:
        handheld.go_on_line(False)
        before = SystemClock().now() + ahead
        for number in range(250):
            handheld.scan(f"code-{number}")
        after = SystemClock().now() + ahead
        assert handheld.pending_count == 250
        handheld.go_on_line(True)
        await eventually(lambda: handheld.pending_count == 0)
        assert abs(handheld.told["clock_ahead_ms"] - 90_000) < 15_000
    stored = await scans(site)
    assert [scan.reading.code for scan in stored] == [f"code-{number}" for number in range(250)]
    assert all(
        before - timedelta(milliseconds=1) <= scan.observed_at <= after + timedelta(milliseconds=1)
        for scan in stored
    )
    async with site.database.write(TEST) as tx:
        skew_ms = await tx.value("SELECT clock_skew_ms FROM devices.device_state WHERE device_id = 'pda-1'")
    assert abs(skew_ms - 90_000) < 15_000


async def test_old_scans_do_not_make_a_handhelds_clock_look_slow(site: Site, keeper: str) -> None:
    _, session = await sign_in(site, "picker.one", "picker")
    async with MqttHandheld(await enrol(site), SITE, "pda-1", SystemClock(), session=session) as handheld:
        handheld.go_on_line(False)
        handheld.ahead = timedelta(hours=-3)
        handheld.scan("made three hours ago")
        handheld.ahead = timedelta()
        handheld.go_on_line(True)
        await eventually(lambda: handheld.pending_count == 0)
    async with site.database.write(TEST) as tx:
        skew_ms = await tx.value("SELECT clock_skew_ms FROM devices.device_state WHERE device_id = 'pda-1'")
    assert abs(skew_ms) < 15_000


async def test_a_proof_by_another_secret_is_refused_and_listed(site: Site, keeper: str) -> None:
    _, session = await sign_in(site, "picker.one", "picker")
    forged = Session(session.session_id, secrets.token_urlsafe(24))
    async with MqttHandheld(await enrol(site), SITE, "pda-1", SystemClock(), session=forged) as handheld:
        handheld.scan(CODE)
        await eventually(lambda: bool(handheld.refused))
        row = await site.until(quarantined("proof"), "the forged proof is listed")
    assert handheld.refused[0]["key"] == "scan.proof"
    assert row == {"device_id": "pda-1", "rule": "made with the secret of the session"}
    assert await scans(site) == []


async def test_a_batch_that_was_changed_on_its_way_proves_nothing(site: Site, keeper: str) -> None:
    _, session = await sign_in(site, "picker.one", "picker")
    async with MqttHandheld(await enrol(site), SITE, "pda-1", SystemClock(), session=session) as handheld:
        handheld.spoil = lambda message: message.replace(b"pallet-1", b"pallet-2")
        handheld.scan("pallet-1")
        await eventually(lambda: bool(handheld.refused))
    assert handheld.refused[0]["key"] == "scan.proof"
    assert await scans(site) == []


async def test_scans_of_a_session_that_ended_wait_for_the_next_sign_in(site: Site, keeper: str) -> None:
    first, session = await sign_in(site, "picker.one", "picker")
    second, later = await sign_in(site, "picker.two", "picker")
    signed_in = Caller(person_id=first, party_id=KEEPER, roles=frozenset({"picker"}))
    await site.desk.do(signed_in, SignOut(session_id=session.session_id))
    async with MqttHandheld(await enrol(site), SITE, "pda-1", SystemClock(), session=session) as handheld:
        handheld.scan(CODE)
        await eventually(lambda: bool(handheld.refused))
        assert (handheld.refused[0]["key"], handheld.pending_count) == ("session.none", 1)
        handheld.sign_in(later)
        await eventually(lambda: handheld.pending_count == 0)
    [scan] = await scans(site)
    assert scan.reading.person_id == second


async def test_who_may_not_scan_over_http_may_not_over_the_broker(site: Site, keeper: str) -> None:
    _, session = await sign_in(site, "auditor.one", "auditor")
    async with MqttHandheld(await enrol(site), SITE, "pda-1", SystemClock(), session=session) as handheld:
        handheld.scan(CODE)
        await eventually(lambda: bool(handheld.refused))
    assert handheld.refused[0]["key"] == "session.role"
    assert await scans(site) == []


async def test_a_message_that_is_none_is_set_aside_and_told_and_the_next_is_taken(
    site: Site, keeper: str
) -> None:
    _, session = await sign_in(site, "picker.one", "picker")
    async with MqttHandheld(await enrol(site), SITE, "pda-1", SystemClock(), session=session) as handheld:
        handheld.spoil = lambda message: message.replace(b'"boot"', b'"boat"')
        handheld.scan(CODE)
        row = await site.until(quarantined("batch"), "the message is set aside")
        await eventually(lambda: "refused" in handheld.told)
        assert handheld.told["refused"]["key"] == "request.malformed"
        handheld.spoil = bytes
        await eventually(lambda: handheld.pending_count == 0)
    assert row == {"device_id": "pda-1", "rule": "complete, boot is missing"}
    assert len(await scans(site)) == 1


async def test_scans_wait_on_the_handheld_while_the_database_is_away_and_hold_nobody_up(
    site: Site, keeper: str
) -> None:
    _, session = await sign_in(site, "picker.one", "picker")
    login = await enrol(site)
    async with MqttHandheld(login, SITE, "pda-1", SystemClock(), session=session) as handheld:
        handheld.scan("before")
        await eventually(lambda: handheld.pending_count == 0)
        await site.cut_database()
        handheld.scan("meanwhile")
        sent = handheld.sent_count
        await eventually(lambda: handheld.sent_count > sent)
        assert handheld.pending_count == 1
        await site.mend_database()
        async with asyncio.timeout(60):
            while handheld.pending_count:
                await asyncio.sleep(0.05)
    assert [scan.reading.code for scan in await scans(site)] == ["before", "meanwhile"]


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto-clients is not installed")
async def test_a_foreign_client_scans_with_a_proof_that_openssl_made(site: Site, keeper: str) -> None:
    picker, session = await sign_in(site, "picker.one", "picker")
    login = await enrol(site)
    at = SystemClock().now().isoformat()
    batch = (
        f'{{ "boot": 5, "device_id": "pda-1", "scans": [ '
        f'{{ "sequence": 1, "code": "from a shell", "observed_at": "{at}" }} ] }}'
    ).encode()
    proven = b"tallyhouse scans 1\n" + batch
    proof = await run("openssl", "dgst", "-sha256", "-hmac", session.secret, said=proven)
    head = f'{{"session":"{session.session_id}","proof":"{proof.split()[-1].decode()}","batch":'
    where = f"tallyhouse/v1/{SITE}/pda-1/observation"
    signed_in = ["-h", login.host, "-p", str(login.port), "-u", "pda-1", "-P", login.password]
    said = head.encode() + batch + b"}"
    await run("mosquitto_pub", *signed_in, "-q", "1", "-t", where, "-s", said=said)

    async def stored(tx: PgTx) -> Any:
        return await tx.value("SELECT reading->>'person_id' FROM devices.observation WHERE kind = 'scan'")

    assert await site.until(stored, "the scan is stored") == picker


async def run(*command: str, said: bytes) -> bytes:
    """What a program of the machine answers to what it is said."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    answer, _ = await process.communicate(said)
    assert process.returncode == 0
    return answer
