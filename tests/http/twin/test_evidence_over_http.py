"""Sites, layouts, evidence, alarms, units and lots over HTTP, each as its party sees it."""

from datetime import timedelta

import httpx
import msgspec
import pytest

from app.database import Database
from app.desk import AppDesk
from identity.api import grant_access
from kernel.caller import Caller
from kernel.clock import Clock
from kernel.ids import Ids
from tests.conftest import START
from tests.http.conftest import SignIn
from tests.store.twin.choreography import (
    GATE,
    LOT,
    SITE,
    SLOTS,
    TARE_G,
    UNIT_MASS_G,
    Day,
    a_layout,
    a_unit,
    announce,
    envelopes,
    open_site,
    receive,
    tags_of,
    truck_tag,
)
from twin import api as twin
from twin.messages import ExpectedDeparture

UNITS = [a_unit(number, owner="owner-a") for number in range(1, 4)]


@pytest.fixture(scope="module")
async def site(desk: AppDesk, module_database, http_clock) -> str:
    """A lot of owner-a received and verified, pledged to bank-a, then driven to the gate: one alarm."""
    database = Database(module_database.app_dsn, http_clock, Ids.unguessable(http_clock))
    await database.open()
    async with database.write(Caller.product("test")) as tx:
        await open_site(tx, keeper="keeper-a")
        await grant_access(tx, "bank-a", LOT, cause="a pledge")
        day = Day(START + timedelta(minutes=1))
        await announce(tx, UNITS)
        await receive(tx, day, UNITS)
        await twin.declare_vehicle(tx, "truck-b", SITE, truck_tag(2), "TRUCK-2")
        day.drive_in(truck_tag(2), [], TARE_G)
        for tag in tags_of(UNITS[:2]):
            day.lift(tag, SLOTS[0].centre)
        day.drive_to_barrier(truck_tag(2), tags_of(UNITS[:2]), TARE_G + 2 * UNIT_MASS_G)
        await twin.apply(tx, envelopes(day.take()))
    await database.close()
    return SITE


async def test_evidence_explains_each_unit_by_its_observations(site: str, sign_in: SignIn) -> None:
    officer = await sign_in("officer", "bank-a")
    answer = (await officer.get(f"/api/v1/evidence/{LOT}")).raise_for_status().json()
    assert answer["verified"] == {"low": 1, "mid": 1, "high": 1}
    left_over = next(unit for unit in answer["units"] if unit["unit_id"] == "unit-0003")
    assert left_over["sscc"] == UNITS[2].sscc
    assert {reason["modality"] for reason in left_over["reasons"]} == {"tag", "mass", "position"}
    assert left_over["probability"] > 0.999
    assert {row["cause"] for row in answer["discrepancies"]} == {"gone_without_release"}
    assert set(answer["evidence_ids"]) >= {reason["observation_id"] for reason in left_over["reasons"]}


async def test_another_partys_lot_is_not_found(site: str, sign_in: SignIn) -> None:
    stranger = await sign_in("officer", "bank-b")
    for path in (
        f"/api/v1/evidence/{LOT}",
        f"/api/v1/sites/{site}/layout",
        f"/api/v1/sites/{site}/units/unit-0001",
    ):
        answer = await stranger.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
    for path in ("units", "lots", "alarms"):
        assert (await stranger.get(f"/api/v1/sites/{site}/{path}")).json()["items"] == []
    assert (await stranger.get("/api/v1/sites")).json()["items"] == []


async def test_alarms_are_listed_acknowledged_and_cleared(
    site: str, sign_in: SignIn, module_database, http_clock
) -> None:
    keeper = await sign_in("keeper", "keeper-a")
    path = f"/api/v1/sites/{site}/alarms?state=active"
    [alarm] = (await keeper.get(path)).raise_for_status().json()["items"]
    assert (alarm["grade"], alarm["text_key"]) == ("freeze", "alarm.exit_without_release")
    assert alarm["unit_ids"] == ["unit-0001", "unit-0002"]
    assert alarm["point"] is not None
    officer = await sign_in("officer", "bank-a")
    refused = await officer.post(f"/api/v1/alarms/{alarm['alarm_id']}/clear", json={"reason": "x"})
    assert refused.status_code == 403
    stranger = await sign_in("keeper", "keeper-b")
    refused = await stranger.post(f"/api/v1/alarms/{alarm['alarm_id']}/acknowledge")
    assert refused.status_code == 404
    noted = await keeper.post(f"/api/v1/alarms/{alarm['alarm_id']}/acknowledge")
    noted = noted.raise_for_status().json()
    assert noted["acknowledged_by"] == keeper.person_id
    assert noted["acknowledged_by_name"] == keeper.display_name
    gone = await keeper.post(f"/api/v1/alarms/{alarm['alarm_id']}/clear", json={"reason": "counted"})
    problem = gone.json()
    assert (gone.status_code, problem["key"], problem["count"]) == (409, "twin.goods_gone", 2)
    assert "not back" in problem["title"]
    await release(module_database.app_dsn, http_clock, alarm["unit_ids"])
    cleared = await keeper.post(f"/api/v1/alarms/{alarm['alarm_id']}/clear", json={"reason": "counted"})
    cleared = cleared.raise_for_status().json()
    assert (cleared["state"], cleared["clear_reason"]) == ("cleared", "counted")
    assert (await keeper.get(path)).json()["items"] == []
    borrower = await sign_in("borrower", "owner-a")
    [told] = (await borrower.get(path.replace("active", "all"))).raise_for_status().json()["items"]
    assert (told["state"], told["clear_reason"]) == ("cleared", None), "that is the keeper's"


async def release(dsn: str, clock: Clock, unit_ids: list[str]) -> None:
    """The goods may go after all: a release from the next day on."""
    database = Database(dsn, clock, Ids.unguessable(clock))
    await database.open()
    async with database.write(Caller.product("test")) as tx:
        await twin.expect_departure(
            tx,
            ExpectedDeparture(
                release_id="release-since",
                site_id=SITE,
                gate_id=GATE,
                vehicle_id="truck-b",
                unit_ids=unit_ids,
                valid_from=START + timedelta(days=1),
                valid_until=START + timedelta(days=2),
            ),
        )
    await database.close()


async def test_a_unit_is_shown_with_what_was_seen_of_it(site: str, sign_in: SignIn) -> None:
    borrower = await sign_in("borrower", "owner-a")
    unit = (await borrower.get(f"/api/v1/sites/{site}/units/unit-0003")).raise_for_status().json()
    assert (unit["slot_id"], unit["evidence"]) == (SLOTS[2].slot_id, "verified")
    kinds = [row["kind"] for row in unit["sightings"]]
    assert kinds[:2] == ["set_down", "picked_up"]
    assert "tag_read" in kinds
    assert unit["hold"] is None
    found = (await borrower.get(f"/api/v1/sites/{site}/units?slot={SLOTS[2].slot_id}")).json()["items"]
    assert [row["unit_id"] for row in found] == ["unit-0003"]
    sscc = UNITS[0].sscc
    found = (await borrower.get(f"/api/v1/sites/{site}/units?query={sscc}")).json()["items"]
    assert [row["sscc"] for row in found] == [sscc]


async def test_units_are_paged(site: str, sign_in: SignIn) -> None:
    keeper = await sign_in("operator", "keeper-a")
    first = (await keeper.get(f"/api/v1/sites/{site}/units?limit=2")).json()
    rest = (await keeper.get(f"/api/v1/sites/{site}/units?limit=2&cursor={first['next_cursor']}")).json()
    assert [row["unit_id"] for row in [*first["items"], *rest["items"]]] == [unit.unit_id for unit in UNITS]
    assert rest["next_cursor"] is None


async def test_lots_stand_beside_their_evidence(site: str, sign_in: SignIn) -> None:
    keeper = await sign_in("keeper", "keeper-a")
    [lot] = (await keeper.get(f"/api/v1/sites/{site}/lots")).raise_for_status().json()["items"]
    assert (lot["lot_id"], lot["owner_name"], lot["discrepancies"]) == (LOT, "owner-a", 2)
    assert lot["verified"] == {"low": 1, "mid": 1, "high": 1}
    assert lot["book"]["units"] == 0, "this test keeps no books"


async def test_an_admin_imports_a_layout_and_a_bad_one_is_refused_with_all_its_faults(
    site: str, sign_in: SignIn
) -> None:
    admin = await sign_in("admin", "keeper-b")
    layout = msgspec.to_builtins(a_layout("site-b"))
    made = await admin.post("/api/v1/sites", json={"layout": layout})
    assert made.status_code == 201
    assert made.json() == {"site_id": "site-b", "version": 1}
    shown = (await admin.get("/api/v1/sites/site-b/layout")).raise_for_status().json()
    assert (shown["version"], len(shown["racks"])) == (1, 1)
    bad = {**layout, "racks": layout["racks"] * 2, "mode": "castle"}
    refused = await admin.post("/api/v1/sites", json={"layout": bad})
    assert refused.status_code == 422
    assert {row["field"] for row in refused.json()["violations"]} >= {"mode", "racks[1]"}
    torn = await admin.post("/api/v1/sites", json={"layout": {**layout, "width_mm": "wide"}})
    assert (torn.status_code, torn.json()["key"]) == (422, "layout.malformed")
    keeper: httpx.AsyncClient = await sign_in("keeper", "keeper-a")
    assert (await keeper.post("/api/v1/sites", json={"layout": layout})).status_code == 403
