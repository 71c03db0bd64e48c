"""A keeper alone cannot make stock: devices that only the keeper vouches for are no evidence."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest

from app.desk import AppDesk
from devices.api import record_observations
from kernel.caller import Caller
from kernel.clock import ManualClock
from kernel.layout import Mount
from kernel.messages import AnyReading, LoadChange, Observation, TagRead
from tests.http.conftest import Client, SignIn
from tests.http.finance.test_lending_over_http import receipt_body
from tests.http.living_site import DEMO_LAYOUT, SLOTS, LivingSite, Lot

SPARE = [
    Mount(mount_id="forklift-9", family="mqtt_position", serves="forklift", x_mm=0, y_mm=0),
    Mount(mount_id="gate-1-wand", family="mqtt_reader", serves="gate-1", x_mm=0, y_mm=0),
]
LAYOUT = msgspec.structs.replace(DEMO_LAYOUT, mounts=[*DEMO_LAYOUT.mounts, *SPARE])


@pytest.fixture(scope="module")
async def site(desk: AppDesk, http_clock: ManualClock) -> AsyncIterator[LivingSite]:
    yield await LivingSite(desk._database, desk, http_clock, "a").build()


@pytest.fixture(scope="module")
async def keeper(site: LivingSite, sign_in: SignIn) -> Client:
    """The keeper, who has drawn two spare mounts into the layout."""
    admin = await sign_in("admin", site.keeper)
    layout = msgspec.to_builtins(msgspec.structs.replace(LAYOUT, site_id=site.site_id))
    assert (await admin.post("/api/v1/sites", json={"layout": layout})).status_code == 201
    return await sign_in("keeper", site.keeper)


@pytest.fixture(scope="module")
async def officer(site: LivingSite, keeper: Client, sign_in: SignIn) -> Client:
    """An officer of a bank that lends at the site, and that its keeper invited to look at the devices."""
    path = f"/api/v1/sites/{site.site_id}/inspectors"
    assert (await keeper.post(path, json={"party_id": site.bank})).status_code == 204
    officer = await sign_in("officer", site.bank)
    line = {
        "borrower_party_id": site.owner,
        "site_id": site.site_id,
        "limit_fen": 1_000_000,
        "rate": "0.0435",
    }
    assert (await officer.post("/api/v1/facilities", json=line)).status_code == 201
    return officer


async def enrol(keeper: Client, site: LivingSite, device_id: str, family: str, mount_id: str | None) -> Any:
    body = {"device_id": device_id, "family": family, "mount_id": mount_id}
    return await keeper.post(f"/api/v1/sites/{site.site_id}/devices", json=body)


async def say(site: LivingSite, device_id: str, boot: int, readings: Sequence[AnyReading]) -> None:
    """Readings that came with the device's own credential."""
    seen = [
        Observation(
            device_id=device_id, boot=boot, sequence=number, observed_at=site.clock.now(), reading=reading
        )
        for number, reading in enumerate(readings, start=1)
    ]
    async with site.database.write(Caller.product("edge")) as tx:
        assert (await record_observations(tx, site.site_id, seen)).rejected == ()
    await site.settle()
    site.clock.advance(30)


async def forge(site: LivingSite, lot: Lot, boot: int, fork: str, wand: str) -> None:
    """The two devices tell that the pallets of the lot came in and stand in their slots."""
    for antenna in (1, 2):
        for _ in range(4):
            tags = [
                TagRead(epc_hex=pallet.epc_hex, antenna=antenna, rssi_cdbm=-4_500) for pallet in lot.pallets
            ]
            await say(site, wand, boot, tags)
            boot += 1
    for action in ("picked_up", "set_down"):
        loads = [
            LoadChange(action=action, epc_hex=pallet.epc_hex, point=SLOTS[pallet.slot].centre)
            for pallet in lot.pallets
        ]
        await say(site, fork, boot, loads)
        boot += 1


async def stock(keeper: Client, lot: Lot) -> tuple[int, int]:
    verified = (await keeper.get(f"/api/v1/evidence/{lot.lot_id}")).json()["verified"]
    return verified["low"], verified["high"]


async def test_devices_of_the_keeper_alone_make_no_stock_and_no_receipt_until_the_bank_accepts_them(
    site: LivingSite, keeper: Client, officer: Client
) -> None:
    lot = await site.announce(3)
    assert (await enrol(keeper, site, "second-fork", "mqtt_position", "forklift-9")).status_code == 201
    assert (await enrol(keeper, site, "wand", "mqtt_reader", "gate-1-wand")).status_code == 201
    await forge(site, lot, 1, "second-fork", "wand")
    assert await stock(keeper, lot) == (0, 0)
    answer = await keeper.post("/api/v1/receipts", json=receipt_body(site, lot))
    assert (answer.status_code, answer.json()["key"]) == (409, "receipts.units_not_seen")
    path = f"/api/v1/sites/{site.site_id}/devices"
    listed = {row["device_id"]: row for row in (await officer.get(path)).json()["items"]}
    assert listed["second-fork"]["acceptance"] == "waiting"
    assert (listed["second-fork"]["mount_id"], listed["second-fork"]["enrolled_by"]) == (
        "forklift-9",
        site.keeper,
    )
    for device_id in ("second-fork", "wand"):
        accepted = await officer.post(f"/api/v1/devices/{device_id}/accept", json={"enrolment": 1})
        assert accepted.status_code == 200, accepted.text
        assert len(accepted.json()["secret"]) >= 40
    assert await stock(keeper, lot) == (0, 0), "what was said before the acceptance stays no evidence"
    site.clock.advance(60)
    await forge(site, lot, 101, "second-fork", "wand")
    assert (await stock(keeper, lot))[1] == 3


async def test_a_keeper_chooses_whom_to_invite_by_name_and_sees_who_was(
    site: LivingSite, keeper: Client, officer: Client
) -> None:
    banks = (await keeper.get("/api/v1/banks")).json()["items"]
    assert {bank["party_id"] for bank in banks} >= {site.bank, "bank-b"}
    invited = (await keeper.get(f"/api/v1/sites/{site.site_id}/inspectors")).json()["items"]
    assert [bank["party_id"] for bank in invited] == [site.bank]
    assert invited[0]["name"] in {bank["name"] for bank in banks}


async def test_an_invited_bank_finds_the_site_by_its_name_and_nothing_else_of_it(
    site: LivingSite, officer: Client, sign_in: SignIn
) -> None:
    invited = (await officer.get("/api/v1/inspected-sites")).json()["items"]
    assert invited == [{"site_id": site.site_id, "name_en": LAYOUT.name_en, "name_zh": LAYOUT.name_zh}]
    assert site.site_id not in (await officer.get("/api/v1/sites")).text
    stranger = await sign_in("officer", "bank-b")
    assert (await stranger.get("/api/v1/inspected-sites")).json()["items"] == []


async def test_an_officer_chooses_a_borrower_by_name(site: LivingSite, officer: Client) -> None:
    owners = (await officer.get("/api/v1/owners")).json()["items"]
    assert site.owner in {owner["party_id"] for owner in owners}


async def test_a_keeper_cannot_accept_and_a_bank_cannot_enrol(
    site: LivingSite, keeper: Client, officer: Client
) -> None:
    device = site.device("gate-1-reader")
    answer = await keeper.post(f"/api/v1/devices/{device}/accept", json={"enrolment": 1})
    assert answer.status_code == 403
    assert (await enrol(officer, site, "bank-fork", "mqtt_position", None)).status_code == 403


@pytest.mark.parametrize(
    ("family", "mount_id", "status", "key"),
    [
        ("mqtt_position", "nowhere", 422, "devices.mount_unfit"),
        ("mqtt_reader", "gate-1-reader", 409, "devices.mount_taken"),
        ("mqtt_reader", "forklift-2", 422, "devices.mount_unfit"),
        ("mqtt_position", "forklift-1", 409, "devices.mount_taken"),
    ],
)
async def test_a_mount_that_is_unknown_occupied_or_of_another_family_is_refused(
    site: LivingSite, keeper: Client, family: str, mount_id: str, status: int, key: str
) -> None:
    answer = await enrol(keeper, site, "one-too-many", family, mount_id)
    problem = answer.json()
    assert (answer.status_code, problem["key"], problem["field"]) == (status, key, "mount_id")
    assert problem["title"] != key
    listed = (await keeper.get(f"/api/v1/sites/{site.site_id}/devices")).json()["items"]
    assert "one-too-many" not in {row["device_id"] for row in listed}


async def test_a_layout_that_moves_what_a_reader_watches_asks_for_acceptance_again(
    site: LivingSite, keeper: Client, officer: Client, sign_in: SignIn
) -> None:
    async def acceptance() -> dict[str, str]:
        rows = (await officer.get(f"/api/v1/sites/{site.site_id}/devices")).json()["items"]
        return {row["device_id"]: row["acceptance"] for row in rows}

    before = await acceptance()
    reader = site.device("gate-1-reader")
    assert before[reader] == "accepted"
    [gate] = LAYOUT.gates
    turned = msgspec.structs.replace(
        gate, outer_antennas=gate.inner_antennas, inner_antennas=gate.outer_antennas
    )
    layout = msgspec.structs.replace(LAYOUT, site_id=site.site_id, gates=[turned])
    admin = await sign_in("admin", site.keeper)
    answer = await admin.post("/api/v1/sites", json={"layout": msgspec.to_builtins(layout)})
    assert answer.status_code == 201
    after = await acceptance()
    assert after[reader] == "waiting"
    assert after[site.device("forklift-1")] == "accepted"


async def test_a_bank_that_opened_a_facility_by_itself_decides_nothing_about_devices(
    site: LivingSite, keeper: Client, officer: Client, sign_in: SignIn
) -> None:
    stranger = await sign_in("officer", "bank-b")
    line = {
        "borrower_party_id": "owner-b",
        "site_id": site.site_id,
        "limit_fen": 1_000_000,
        "rate": "0.0435",
    }
    assert (await stranger.post("/api/v1/facilities", json=line)).status_code == 201
    assert (await enrol(keeper, site, "stranger-fork", "mqtt_position", None)).status_code == 201
    path = f"/api/v1/sites/{site.site_id}/devices"
    assert (await stranger.get(path)).json()["items"] == []
    for what, body in (("accept", {"enrolment": 1}), ("distrust", {"reason": "Because I say so."})):
        answer = await stranger.post(f"/api/v1/devices/stranger-fork/{what}", json=body)
        assert (answer.status_code, answer.json()["key"]) == (404, "devices.unknown")
    listed = {row["device_id"]: row for row in (await officer.get(path)).json()["items"]}
    assert listed["stranger-fork"]["acceptance"] == "waiting"
