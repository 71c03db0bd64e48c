"""The activity feed over HTTP: in order, page by page, to each party its own."""

import pytest

from tests.http.conftest import SignIn
from tests.http.living_site import LivingSite, Lot

PATH = "/api/v1/sites/site-a/activity"


@pytest.fixture(scope="module")
async def lot(site: LivingSite) -> Lot:
    return await site.receive(2)


async def test_what_happened_is_told_newest_first_page_by_page(
    site: LivingSite, lot: Lot, sign_in: SignIn
) -> None:
    client = await sign_in("operator", site.keeper)
    whole = (await client.get(PATH, params={"limit": 500})).raise_for_status().json()
    assert whole["next_cursor"] is None
    cursors = [int(item["cursor"]) for item in whole["items"]]
    assert cursors == sorted(cursors, reverse=True)
    paged, cursor = [], None
    while True:
        params = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(PATH, params=params)).raise_for_status().json()
        paged += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paged == whole["items"]


async def test_units_lots_and_vehicles_go_by_the_names_people_read(
    site: LivingSite, lot: Lot, sign_in: SignIn
) -> None:
    client = await sign_in("operator", site.keeper)
    items = (await client.get(PATH, params={"limit": 500})).json()["items"]
    by_kind = {item["kind"]: item["facts"] for item in items}
    assert by_kind["unit_set_down"]["sscc"] in {pallet.sscc for pallet in lot.pallets}
    assert by_kind["delivery_announced"]["plate"].startswith("TEST-")
    assert by_kind["verified_stock_changed"]["lot"].startswith("LOT-")
    assert by_kind["delivery_announced"]["count"] == 2
    assert "evidence_ids" not in str(items)


async def test_an_owner_is_told_of_its_lots_and_not_of_the_yard(
    site: LivingSite, lot: Lot, sign_in: SignIn
) -> None:
    client = await sign_in("borrower", site.owner)
    items = (await client.get(PATH)).raise_for_status().json()["items"]
    kinds = {item["kind"] for item in items}
    assert {"delivery_announced", "verified_stock_changed"} <= kinds
    told = {item["text_key"] for item in items if item["kind"] == "delivery_announced"}
    assert told == {"activity.delivery_announced_unnamed"}, "the vehicle is the yard's"
    assert not kinds & {"unit_crossed", "vehicle_weighed", "gate_decided", "device_order_confirmed"}


@pytest.mark.parametrize("cursor", ["-1", "x", "1;", "9" * 40])
async def test_a_cursor_that_no_page_gave_is_refused(site: LivingSite, sign_in: SignIn, cursor: str) -> None:
    client = await sign_in("operator", site.keeper)
    answer = await client.get(PATH, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["key"]) == (422, "request.malformed")
