"""Devices over HTTP: enrolment, handhelds, lists; who may and who may not."""

from collections.abc import AsyncIterator

import pytest

from app.desk import AppDesk
from app.supervise.broker_access import matches
from devices.api import broker_credentials, record
from identity.api import grant_access
from identity.http import BrokerPlace, DeviceIdentity
from kernel.caller import Caller
from kernel.clock import ManualClock
from kernel.messages import Rejected
from tests.http.conftest import Client, SignIn

SITE = "site-a"
HERE = "127.0.0.1"
A_SCAN = {
    "device_id": "pda-x",
    "boot": 1,
    "scans": [{"sequence": 1, "observed_at": "2026-11-23T05:59:00Z", "code": "x"}],
}
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
    return {"device_id": device_id, "family": "mqtt_position"}


async def test_a_keeper_enrols_a_device_and_sees_its_credential_once(keeper: Client) -> None:
    answer = await keeper.post(DEVICES, json=a_forklift("fork-1"))
    assert answer.status_code == 201
    assert len(answer.json()["secret"]) >= 40
    listed = (await keeper.get(DEVICES)).json()["items"]
    [row] = [row for row in listed if row["device_id"] == "fork-1"]
    assert (row["state"], row["family_name_zh"]) == ("never", "叉车与人员定位")
    assert answer.json()["secret"] not in str(listed)


async def test_the_families_say_what_a_device_must_be_given(keeper: Client) -> None:
    families = {row["family"]: row for row in (await keeper.get("/api/v1/device-families")).json()}
    assert "pda" not in families
    assert families["mqtt_position"]["has_credential"]
    host, port, *_ = families["llrp"]["parameters"]
    assert (host["name"], host["required"], port["name"], port["default"]) == ("host", True, "port", 5084)


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
    assert await desk.device_of(token, HERE) == DeviceIdentity(device_id="pda-1", site_id=SITE)
    assert enrolled.json()["broker"] is None, "this desk knows of no broker"
    async with desk._database.write(Caller.product("test")) as tx:
        kept = (await broker_credentials(tx))["pda-1"]
    assert matches(token, kept), "the same credential signs in at the broker"
    again = await visitor.post("/api/v1/devices/pda/enrol", json=body)
    assert (again.status_code, again.json()["key"]) == (404, "devices.enrolment_code")


async def test_a_handheld_is_told_where_the_broker_is(
    keeper: Client, visitor: Client, desk: AppDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = BrokerPlace(host="warehouse.local", port=8883, is_encrypted=True)
    monkeypatch.setattr(desk, "broker_place", place)
    issued = (await keeper.post(f"{DEVICES}/pda/enrolment-codes", json={"device_id": "pda-7"})).json()
    body = {"enrolment_code": issued["enrolment_code"]}
    enrolled = (await visitor.post("/api/v1/devices/pda/enrol", json=body)).json()
    assert enrolled["broker"] == {
        "host": "warehouse.local",
        "port": 8883,
        "is_encrypted": True,
        "topic": f"tallyhouse/v1/{SITE}/pda-7",
    }


async def a_handheld(keeper: Client, visitor: Client, device_id: str) -> str:
    """A handheld is enrolled; its token."""
    issued = (await keeper.post(f"{DEVICES}/pda/enrolment-codes", json={"device_id": device_id})).json()
    body = {"enrolment_code": issued["enrolment_code"]}
    token: str = (await visitor.post("/api/v1/devices/pda/enrol", json=body)).json()["device_token"]
    return token


async def test_a_retired_handheld_is_nobody(keeper: Client, visitor: Client, desk: AppDesk) -> None:
    token = await a_handheld(keeper, visitor, "pda-2")
    assert (await keeper.post("/api/v1/devices/pda-2/retire")).status_code == 204
    assert await desk.device_of(token, HERE) is None


async def turned_away(keeper: Client, desk: AppDesk) -> dict[str, dict[str, object]]:
    """Rows of the quarantine by device, once everything that was noted is written."""
    await desk._refusals.write(desk._database)
    rows = (await keeper.get(f"/api/v1/sites/{SITE}/quarantine")).json()["items"]
    return {row["device_id"]: row for row in rows}


@pytest.mark.parametrize("signed_in", [False, True])
async def test_a_token_that_nobody_issued_is_refused_and_recorded_by_its_address(
    keeper: Client, visitor: Client, desk: AppDesk, signed_in: bool
) -> None:
    before = (await turned_away(keeper, desk)).get(HERE, {"times": 0})
    client = keeper if signed_in else visitor
    for token in ("no-token-of-ours", "nor-this-one"):
        answer = await client.post("/api/v1/scans", json=A_SCAN, headers={"X-Device-Token": token})
        assert (answer.status_code, answer.json()["key"]) == (401, "device.unknown")
    row = (await turned_away(keeper, desk))[HERE]
    assert (row["field"], row["rule"]) == ("X-Device-Token", "the token of an enrolled handheld")
    assert (row["site_id"], row["is_stranger"], row["times"]) == (None, True, before["times"] + 2)


async def test_a_position_tracker_is_told_that_only_handhelds_scan(keeper: Client, visitor: Client) -> None:
    enrolled = await keeper.post(DEVICES, json=a_forklift("fork-9"))
    headers = {"X-Device-Token": enrolled.json()["secret"], "Accept-Language": "en"}
    answer = await visitor.post("/api/v1/scans", json=A_SCAN | {"device_id": "fork-9"}, headers=headers)
    assert (answer.status_code, answer.json()["rule"]) == (401, "the token of an enrolled handheld")
    assert "Only handhelds send here" in answer.json()["title"]


async def test_the_token_of_a_retired_device_is_refused_and_recorded_by_its_name(
    keeper: Client, visitor: Client, desk: AppDesk
) -> None:
    token = await a_handheld(keeper, visitor, "pda-3")
    await keeper.post("/api/v1/devices/pda-3/retire")
    answer = await visitor.post("/api/v1/scans", json=A_SCAN, headers={"X-Device-Token": token})
    assert (answer.status_code, answer.json()["key"]) == (401, "device.unknown")
    row = (await turned_away(keeper, desk))["pda-3"]
    assert (row["site_id"], row["is_stranger"]) == (SITE, False)
    assert (row["field"], row["rule"]) == ("X-Device-Token", "not retired")


async def test_a_handheld_that_calls_itself_another_is_refused_and_recorded(
    keeper: Client, visitor: Client, desk: AppDesk
) -> None:
    token = await a_handheld(keeper, visitor, "pda-4")
    answer = await visitor.post("/api/v1/scans", json=A_SCAN, headers={"X-Device-Token": token})
    assert (answer.status_code, answer.json()["key"]) == (403, "scan.other_device")
    row = (await turned_away(keeper, desk))["pda-4"]
    assert (row["field"], row["rule"]) == ("device_id", "the device of the token")
    assert row["raw_preview"] == "pda-x"


async def test_a_request_without_a_token_is_refused_and_no_device(
    keeper: Client, visitor: Client, desk: AppDesk
) -> None:
    before = await turned_away(keeper, desk)
    assert (await visitor.post("/api/v1/scans", json=A_SCAN)).status_code == 401
    assert await turned_away(keeper, desk) == before


async def test_strangers_are_shown_to_the_keepers_of_sites_and_to_nobody_else(
    keeper: Client, visitor: Client, desk: AppDesk, sign_in: SignIn
) -> None:
    await visitor.post("/api/v1/scans", json=A_SCAN, headers={"X-Device-Token": "no-token-of-ours"})
    assert HERE in await turned_away(keeper, desk)
    of_no_site = await sign_in("admin", "keeper-b")
    for site_id in (SITE, "site-nowhere"):
        answer = await of_no_site.get(f"/api/v1/sites/{site_id}/quarantine")
        assert answer.json() == {"items": [], "next_cursor": None}


async def test_another_keeper_sees_nothing_and_changes_nothing(keeper: Client, sign_in: SignIn) -> None:
    await keeper.post(DEVICES, json=a_forklift("fork-3"))
    other = await sign_in("keeper", "keeper-b")
    assert (await other.get(DEVICES)).json()["items"] == []
    assert (await other.post(DEVICES, json=a_forklift("fork-9"))).status_code == 404
    assert (await other.post("/api/v1/devices/fork-3/retire")).status_code == 404
    assert (await other.post(f"{DEVICES}/pda/enrolment-codes", json={})).status_code == 404


@pytest.mark.parametrize(("role", "party"), [("picker", "keeper-a"), ("borrower", "owner-a")])
async def test_pickers_and_borrowers_are_not_admitted(
    site: str, sign_in: SignIn, role: str, party: str
) -> None:
    client = await sign_in(role, party)
    assert (await client.get(DEVICES)).status_code == 403
    assert (await client.get(f"/api/v1/sites/{SITE}/quarantine")).status_code == 403


async def test_quarantine_names_device_field_and_rule_and_pages(
    keeper: Client, desk: AppDesk, http_clock: ManualClock
) -> None:
    await keeper.post(DEVICES, json=a_forklift("fork-4"))
    entries = [
        Rejected(
            device_id="fork-4",
            field="message",
            rule="one JSON object or a list of them",
            raw=b"{" + bytes([number]),
            received_at=http_clock.now(),
        )
        for number in range(3)
    ]
    async with desk._database.write(Caller.product("test")) as tx:
        await record(tx, SITE, entries)
    pages, cursor = [], {}
    while not pages or cursor["cursor"] is not None:
        query = {"limit": 2, **cursor}
        pages.append((await keeper.get(f"/api/v1/sites/{SITE}/quarantine", params=query)).json())
        cursor = {"cursor": pages[-1]["next_cursor"]}
    rows = [row for page in pages for row in page["items"]]
    assert len(pages) > 1
    assert len({row["quarantine_id"] for row in rows}) == len(rows)
    ours = [row for row in rows if row["device_id"] == "fork-4"]
    assert {row["raw_preview"] for row in ours} == {"{\\x02", "{\\x01", "{\\x00"}
    assert {(row["site_id"], row["field"], row["is_stranger"]) for row in ours} == {(SITE, "message", False)}
