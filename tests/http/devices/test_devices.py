"""Devices over HTTP: enrolment, handhelds, lists; who may and who may not."""

from collections.abc import AsyncIterator

import pytest

from app.desk import AppDesk
from devices.api import record
from identity.api import grant_access
from identity.http import DeviceIdentity
from kernel.caller import Caller
from kernel.clock import ManualClock
from kernel.messages import Rejected
from tests.http.conftest import Client, SignIn

SITE = "site-a"
DEVICES = f"/api/v1/sites/{SITE}/devices"


@pytest.fixture(scope="module")
async def site(desk: AppDesk) -> AsyncIterator[str]:
    """A site that `keeper-a` may see."""
    async with desk._database.write(Caller.product("test")) as tx:
        await grant_access(tx, "keeper-a", SITE, cause="test")
    yield SITE


@pytest.fixture(scope="module")
async def keeper(site: str, sign_in: SignIn) -> Client:
    return await sign_in("keeper", "keeper-a")


def a_forklift(device_id: str) -> dict[str, object]:
    return {"device_id": device_id, "family": "mqtt_position", "mount_id": device_id}


async def test_a_keeper_enrols_a_device_and_sees_its_credential_once(keeper: Client) -> None:
    answer = await keeper.post(DEVICES, json=a_forklift("fork-1"))
    assert answer.status_code == 201
    assert len(answer.json()["secret"]) >= 40
    listed = (await keeper.get(DEVICES)).json()["items"]
    [row] = [row for row in listed if row["device_id"] == "fork-1"]
    assert row["state"] == "never"
    assert answer.json()["secret"] not in str(listed)


async def test_an_enrolment_repeated_under_its_key_never_shows_a_second_credential(keeper: Client) -> None:
    headers = {"Idempotency-Key": "enrol-fork-2"}
    first = await keeper.post(DEVICES, json=a_forklift("fork-2"), headers=headers)
    again = await keeper.post(DEVICES, json=a_forklift("fork-2"), headers=headers)
    assert first.status_code == 201
    assert (again.status_code, again.json()["key"]) == (409, "idempotency.key_reused")


async def test_a_wrong_enrolment_is_a_problem_with_field_and_rule(keeper: Client) -> None:
    answer = await keeper.post(DEVICES, json={"device_id": "reader", "family": "llrp"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["key"], problem["field"]) == ("devices.enrolment", "connection.host")
    assert problem["title"] not in ("", problem["key"])


async def test_a_handheld_enrols_with_a_code_that_works_once(
    keeper: Client, visitor: Client, desk: AppDesk
) -> None:
    issued = (await keeper.post(f"{DEVICES}/pda/enrolment-codes", json={"device_id": "pda-1"})).json()
    assert issued["url"] == f"/pda/?enrol={issued['enrolment_code']}"
    body = {"enrolment_code": issued["enrolment_code"]}
    enrolled = await visitor.post("/api/v1/devices/pda/enrol", json=body)
    assert enrolled.status_code == 201
    token = enrolled.json()["device_token"]
    assert await desk.device_of(token) == DeviceIdentity(device_id="pda-1", site_id=SITE)
    again = await visitor.post("/api/v1/devices/pda/enrol", json=body)
    assert (again.status_code, again.json()["key"]) == (404, "devices.enrolment_code")


async def test_a_retired_handheld_is_nobody(keeper: Client, visitor: Client, desk: AppDesk) -> None:
    issued = (await keeper.post(f"{DEVICES}/pda/enrolment-codes", json={"device_id": "pda-2"})).json()
    enrolled = await visitor.post(
        "/api/v1/devices/pda/enrol", json={"enrolment_code": issued["enrolment_code"]}
    )
    assert (await keeper.post("/api/v1/devices/pda-2/retire")).status_code == 204
    assert await desk.device_of(enrolled.json()["device_token"]) is None


async def test_another_keeper_sees_nothing_and_changes_nothing(keeper: Client, sign_in: SignIn) -> None:
    await keeper.post(DEVICES, json=a_forklift("fork-3"))
    other = await sign_in("keeper", "keeper-b")
    assert (await other.get(DEVICES)).json()["items"] == []
    assert (await other.post(DEVICES, json=a_forklift("fork-9"))).status_code == 404
    assert (await other.post("/api/v1/devices/fork-3/retire")).status_code == 404
    assert (await other.post(f"{DEVICES}/pda/enrolment-codes", json={})).status_code == 404


@pytest.mark.parametrize(("role", "party"), [("officer", "bank-a"), ("borrower", "owner-a")])
async def test_banks_and_borrowers_are_not_admitted(
    site: str, sign_in: SignIn, role: str, party: str
) -> None:
    client = await sign_in(role, party)
    assert (await client.get(DEVICES)).status_code == 403
    assert (await client.get(f"/api/v1/sites/{SITE}/quarantine")).status_code == 403


async def test_quarantine_names_device_field_and_rule_and_pages(
    keeper: Client, desk: AppDesk, http_clock: ManualClock
) -> None:
    entries = [
        Rejected(
            device_id="fork-1",
            field="message",
            rule="one JSON object or a list of them",
            raw=b"{" + bytes([number]),
            received_at=http_clock.now(),
        )
        for number in range(3)
    ]
    async with desk._database.write(Caller.product("test")) as tx:
        await record(tx, SITE, entries)
    first = (await keeper.get(f"/api/v1/sites/{SITE}/quarantine", params={"limit": 2})).json()
    rest = (
        await keeper.get(
            f"/api/v1/sites/{SITE}/quarantine", params={"limit": 2, "cursor": first["next_cursor"]}
        )
    ).json()
    rows = first["items"] + rest["items"]
    assert rest["next_cursor"] is None
    assert {row["raw_preview"] for row in rows} == {"{\\x00", "{\\x01", "{\\x02"}
    assert {(row["device_id"], row["field"]) for row in rows} == {("fork-1", "message")}
