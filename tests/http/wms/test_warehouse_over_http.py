"""The warehouse over HTTP: one order from the ASN to the gate, and everybody who may not."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.desk import AppDesk
from kernel.caller import Caller
from tests.http.conftest import Client, SignIn
from tests.store.wms.building import (
    GATE,
    OWNER,
    PALLET_G,
    PDA_TOKEN,
    SITE,
    SKU,
    TRUCK_G,
    Warehouse,
    epc,
    sscc,
    truck,
)
from wms.api import audit, place_hold

API = "/api/v1"
AT = f"{API}/sites/{SITE}"


class Site:
    """The committed site: HTTP from outside, events from inside as the relay hands them on."""

    def __init__(self, desk: AppDesk) -> None:
        self.desk = desk
        self.sequence = 0

    def write(self) -> Any:
        return self.desk._database.write(Caller.product("test"))

    async def hear(self, kind: str, *args: Any, **facts: Any) -> None:
        async with self.write() as tx:
            warehouse = Warehouse(tx)
            await warehouse.hear(getattr(warehouse, kind)(*args, **facts))

    async def scan(self, client: Client, code: str, place: str | None = None, **fields: Any) -> Any:
        self.sequence += 1
        one = {"sequence": self.sequence, "observed_at": "2026-11-23T05:59:00Z", "code": code, **fields}
        body = {"device_id": "pda-1", "boot": 1, "scans": [{**one, "place_code": place}]}
        return await client.post(f"{API}/scans", json=body, headers={"X-Device-Token": PDA_TOKEN})


@pytest.fixture(scope="module")
async def site(desk: AppDesk) -> AsyncIterator[Site]:
    built = Site(desk)
    async with built.write() as tx:
        await Warehouse(tx).set_up_site("keeper-a")
    yield built
    async with built.write() as tx:
        assert [finding for journal in await audit(tx) for finding in journal.findings] == []


@pytest.fixture(scope="module")
async def keeper(site: Site, sign_in: SignIn) -> Client:
    return await sign_in("keeper", "keeper-a")


@pytest.fixture(scope="module")
async def picker(site: Site, sign_in: SignIn) -> Client:
    return await sign_in("picker", "keeper-a")


def an_opening_row(serial: int, slot_id: str, **changes: Any) -> dict[str, Any]:
    row = {"sscc": sscc(serial), "epc_hex": epc(serial), "sku": SKU, "lot": f"L{serial}", "slot_id": slot_id}
    return {**row, "quantity_each": 100, "mass_g": PALLET_G, "owner_party_id": OWNER, **changes}


async def stock(keeper: Client, serial: int, slot_id: str) -> None:
    answer = await keeper.post(f"{AT}/opening-stock", json={"rows": [an_opening_row(serial, slot_id)]})
    assert (answer.status_code, answer.json()) == (201, {"units": 1})


async def place_order(client: Client, reference: str, **line: Any) -> Any:
    body = {
        "reference": reference,
        "customer": "shop",
        "lines": [{"sku": SKU, **line}],
        "owner_party_id": OWNER,
    }
    return await client.post(f"{AT}/orders", json=body)


async def unit_of(site: Site, serial: int) -> dict[str, str]:
    async with site.write() as tx:
        row = await tx.row("SELECT unit_id, lot_id FROM wms.unit WHERE sscc = %(c)s", {"c": sscc(serial)})
    assert row is not None
    return row


async def test_a_delivery_from_its_notice_to_the_rack(site: Site, keeper: Client, picker: Client) -> None:
    vehicle = truck("A")
    notice = {
        "owner_party_id": OWNER,
        "lot_code": "ASN-1",
        "sku": SKU,
        "vehicle": {"plate": vehicle.plate, "epc_hex": vehicle.epc_hex},
        "units": [
            {"sscc": sscc(901), "epc_hex": epc(901), "quantity_each": 100, "expected_mass_g": PALLET_G}
        ],
    }
    announced = (await keeper.post(f"{AT}/deliveries", json=notice)).json()
    assert (announced["state"], announced["units_expected"]) == ("announced", 1)
    unit = await unit_of(site, 901)
    await site.hear("at_gate", announced["vehicle_id"], "in")
    await site.hear("crossed", unit["unit_id"])
    [task] = (await picker.get(f"{AT}/tasks?state=open")).json()["items"]
    assert (task["kind"], task["sscc"], task["from_place"]) == ("putaway", sscc(901), "staging-in")
    claimed = await picker.post(f"{API}/tasks/{task['task_id']}/claim")
    assert (claimed.json()["state"], claimed.json()["claimed_by"]) == ("claimed", picker.person_id)
    assert claimed.json()["claimed_by_name"] == picker.display_name, "people read names, not ids"
    wrong = (await site.scan(picker, sscc(901), "A24-26-4")).json()["results"][0]
    assert (wrong["outcome"], wrong["key"], wrong["facts"]["scanned"]) == (
        "refused",
        "scan.wrong_slot",
        "A24-26-4",
    )
    right = (await site.scan(picker, sscc(901), task["to_slot_id"])).json()
    assert right["results"][0]["outcome"] == "done"
    assert right["results"][0]["task"]["state"] == "done"
    assert right["acked_through"] == {"boot": 1, "sequence": site.sequence}
    listed = (await keeper.get(f"{AT}/deliveries")).json()["items"][0]
    assert (listed["units_seen"], listed["units_put_away"]) == (1, 1)
    refused = (await keeper.get(f"{AT}/scans?outcome=refused")).json()["items"]
    assert [row["key"] for row in refused] == ["scan.wrong_slot"]


async def test_an_order_from_the_desk_through_the_gate(site: Site, keeper: Client, picker: Client) -> None:
    await stock(keeper, 1, "A02-01-1")
    unit = await unit_of(site, 1)
    order = (await place_order(keeper, "over-http", quantity_each=100, lot_id=unit["lot_id"])).json()
    assert (order["state"], order["reasons"]) == ("received", [])
    allocated = await keeper.post(f"{API}/orders/{order['order_id']}/allocate")
    assert allocated.json()["state"] == "allocated"
    [task] = [t for t in (await picker.get(f"{AT}/tasks?state=open")).json()["items"] if t["kind"] == "pick"]
    picked = await site.scan(picker, sscc(1), task_id=task["task_id"])
    assert picked.json()["results"][0]["outcome"] == "done"
    vehicle = truck("B")
    visit = await keeper.post(f"{AT}/visits", json={"plate": vehicle.plate, "epc_hex": vehicle.epc_hex})
    vehicle_id = visit.json()["vehicle_id"]
    await site.hear("at_gate", vehicle_id, "in")
    await site.hear("weighed", vehicle_id, TRUCK_G, "in")
    ship = {"gate_id": GATE, "plate": vehicle.plate}
    release = (await keeper.post(f"{API}/orders/{order['order_id']}/ship", json=ship)).json()
    assert (release["state"], release["unit_ids"]) == ("issued", [unit["unit_id"]])
    mass = {"mass_g": TRUCK_G + PALLET_G, "entry_mass_g": TRUCK_G}
    await site.hear("at_gate", vehicle_id, "out", unit["unit_id"], **mass)
    await site.hear("left", vehicle_id, unit["unit_id"], mass_g=mass["mass_g"])
    shown = (await keeper.get(f"{API}/orders/{order['order_id']}")).json()
    assert (shown["state"], shown["lines"][0]["shipped_each"]) == ("shipped", 100)
    releases = (await keeper.get(f"{AT}/releases")).json()["items"]
    assert [one["state"] for one in releases] == ["departed"]
    decisions = (await keeper.get(f"{AT}/gate-decisions?limit=1")).json()
    assert decisions["items"][0]["reason_key"] == "gate.released"
    assert decisions["next_cursor"] is not None


async def test_an_owner_sees_its_own_orders_and_moves_and_a_bank_none(
    site: Site, keeper: Client, sign_in: SignIn
) -> None:
    await stock(keeper, 91, "A06-01-1")
    await place_order(keeper, "owned", quantity_each=1)
    owner, other = await sign_in("borrower", "owner-a"), await sign_in("borrower", "owner-b")
    assert (await owner.get(f"{AT}/orders")).json()["items"]
    assert (await other.get(f"{AT}/orders")).json()["items"] == []
    assert (await owner.get(f"{AT}/stock-moves")).json()["items"]
    officer = await sign_in("officer", "bank-a")
    assert (await officer.get(f"{AT}/stock-moves")).json()["items"] == []


async def test_held_stock_is_a_conflict_that_names_the_units(site: Site, keeper: Client) -> None:
    await stock(keeper, 2, "A02-02-1")
    unit = await unit_of(site, 2)
    async with site.write() as tx:
        await place_hold(tx, SITE, [unit["unit_id"]], "pledge", "pledge_1")
    order = (await place_order(keeper, "held", quantity_each=100, lot_id=unit["lot_id"])).json()
    refused = await keeper.post(f"{API}/orders/{order['order_id']}/allocate")
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert (problem["key"], problem["unit_ids"]) == ("stock.held", [unit["unit_id"]])
    assert (await keeper.get(f"{API}/orders/{order['order_id']}")).json()["state"] == "received"


async def test_scans_sent_again_under_any_key_get_the_same_answers(
    site: Site, picker: Client, keeper: Client
) -> None:
    site.sequence += 1
    scan = {"sequence": site.sequence, "observed_at": "2026-11-23T05:59:00Z", "code": "4006381333931"}
    body = {"device_id": "pda-1", "boot": 1, "scans": [scan]}
    token = {"X-Device-Token": PDA_TOKEN}
    answers = [
        (await client.post(f"{API}/scans", json=body, headers=token)).json()
        for client in (picker, picker, keeper)
    ]
    assert answers[0]["results"][0]["key"] == "scan.unknown_code"
    assert answers[1] == answers[2] == answers[0]


@pytest.mark.parametrize(
    ("headers", "device_id", "status"),
    [
        ({}, "pda-1", 401),
        ({"X-Device-Token": "not-a-token"}, "pda-1", 401),
        ({"X-Device-Token": PDA_TOKEN}, "pda-2", 403),
    ],
)
async def test_a_person_scans_only_with_an_enrolled_handheld(
    picker: Client, headers: dict[str, str], device_id: str, status: int
) -> None:
    scan = {"sequence": 999, "observed_at": "2026-11-23T05:59:00Z", "code": "x"}
    body = {"device_id": device_id, "boot": 1, "scans": [scan]}
    assert (await picker.post(f"{API}/scans", json=body, headers=headers)).status_code == status


async def test_a_handheld_without_a_person_is_not_heard(site: Site, visitor: Client) -> None:
    assert (await site.scan(visitor, sscc(1))).status_code == 401
    site.sequence -= 1


@pytest.mark.parametrize(
    "path",
    [
        "deliveries",
        "tasks",
        "orders",
        "releases",
        "visits",
        "scans",
        "free-stock",
        "stock-moves",
        "gate-decisions",
    ],
)
async def test_another_keeper_sees_nothing_of_the_site(site: Site, sign_in: SignIn, path: str) -> None:
    stranger = await sign_in("keeper", "keeper-b")
    answer = await stranger.get(f"{AT}/{path}")
    assert (answer.status_code, answer.json()["items"]) == (200, [])


async def test_another_keeper_changes_nothing_at_the_site(
    site: Site, keeper: Client, sign_in: SignIn
) -> None:
    order = (await place_order(keeper, "not-yours", quantity_each=1)).json()["order_id"]
    stranger = await sign_in("keeper", "keeper-b")
    tries = [
        await place_order(stranger, "theirs", quantity_each=1),
        await stranger.post(f"{API}/orders/{order}/allocate"),
        await stranger.post(f"{API}/orders/{order}/cancel", json={"reason": "mischief"}),
        await stranger.post(f"{AT}/visits", json={"plate": "X1", "epc_hex": "34" + "0" * 22}),
        await stranger.post(f"{AT}/opening-stock", json={"rows": [an_opening_row(77, "A03-01-1")]}),
    ]
    assert [answer.status_code for answer in tries] == [404] * len(tries)
    assert (await stranger.get(f"{API}/orders/{order}")).status_code == 404


@pytest.mark.parametrize(
    ("role", "party"), [("picker", "keeper-a"), ("officer", "bank-a"), ("borrower", "owner-a")]
)
async def test_only_operator_and_keeper_place_orders(
    site: Site, sign_in: SignIn, role: Any, party: str
) -> None:
    answer = await place_order(await sign_in(role, party), "no", quantity_each=1)
    assert (answer.status_code, answer.json()["key"]) == (403, "session.role")


async def test_an_imported_file_adds_up_and_lists_every_refused_row(site: Site, keeper: Client) -> None:
    rows = [
        {"row_number": 1, "sku": SKU, "quantity_each": 1, "price_milli": 2550},
        {"row_number": 2, "sku": "POST", "quantity_each": 1, "price_milli": 18000},
        {"row_number": 3, "sku": SKU, "quantity_each": -1, "price_milli": 2550},
    ]
    invoice = {"reference": "536365", "customer": "17850", "placed_at": "2010-12-01T08:26:00Z", "rows": rows}
    body = {"source": "sales.csv", "owner_party_id": OWNER, "invoices": [invoice]}
    imported = await keeper.post(f"{AT}/order-imports", json=body)
    assert (imported.status_code, imported.json()["flowing_rows"], imported.json()["refused_rows"]) == (
        201,
        1,
        2,
    )
    summary = (await keeper.get(f"{AT}/order-imports/sales.csv/summary")).json()
    assert summary["rows"] == summary["flowing_rows"] + summary["refused_rows"] == 3
    assert sum(summary["refused_by_reason"].values()) == 2
    page = (await keeper.get(f"{AT}/order-imports/sales.csv/refused?limit=1")).json()
    assert (page["items"][0]["row_number"], page["next_cursor"]) == (2, "2")
    rest = (await keeper.get(f"{AT}/order-imports/sales.csv/refused?cursor=2")).json()["items"]
    assert [row["keys"] for row in rest] == [["orders.row.bad_quantity"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rows": []}, "rows"),
        ({"rows": [{"sscc": "1"}]}, "rows.0.sku"),
        ({"rows": [an_opening_row(5, "Z99-01-1")]}, "rows.0.slot_id"),
        ({"rows": [an_opening_row(5, "A04-01-1", quantity_each=1.5)]}, "rows.0.quantity_each"),
    ],
)
async def test_bad_opening_stock_names_field_and_rule(
    keeper: Client, body: dict[str, Any], field: str
) -> None:
    answer = await keeper.post(f"{AT}/opening-stock", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert answer.json()["rule"]


@pytest.mark.parametrize(
    ("slip", "field", "rule"),
    [
        ({"unit_mass_g": "1000"}, "items.0.unit_mass_g", "a whole number"),
        ({"unit_mass_kg": 1}, "items.0.unit_mass_kg", "a field that is known here"),
    ],
)
async def test_a_slip_in_a_body_does_not_pass_in_silence(
    keeper: Client, slip: dict[str, object], field: str, rule: str
) -> None:
    item = {"sku": "R-1", "name_en": "Rice", "name_zh": "大米", "unit_mass_g": 1_000}
    refused = await keeper.post(f"{API}/skus", json={"items": [{**item, **slip}]})
    assert refused.status_code == 422
    assert (refused.json()["field"], refused.json()["rule"]) == (field, rule)


async def test_every_refusal_has_a_sentence_in_both_languages(keeper: Client) -> None:
    for language, start in (("en", "There is no such order"), ("zh", "没有该订单")):
        answer = await keeper.get(f"{API}/orders/order_x", headers={"Accept-Language": language})
        assert answer.json()["title"].startswith(start)


async def test_a_page_cursor_that_no_page_gave_is_refused(keeper: Client) -> None:
    answer = await keeper.get(f"{AT}/stock-moves?cursor=x")
    assert (answer.status_code, answer.json()["key"]) == (422, "request.cursor")


async def test_an_operator_opens_the_barrier_by_hand_and_says_why(
    site: Site, keeper: Client, sign_in: SignIn
) -> None:
    operator = await sign_in("operator", "keeper-a")
    path, order = f"{API}/devices/gate-1-barrier/barrier", {"action": "open", "reason": "ambulance"}
    answer = await operator.post(path, json=order)
    assert answer.status_code == 202, answer.text
    assert answer.json()["command_id"]
    assert (await operator.post(path, json={"action": "open"})).status_code == 422
    stranger = await sign_in("operator", "keeper-b")
    assert (await stranger.post(path, json=order)).status_code == 404
    (decision,) = (await keeper.get(f"{AT}/gate-decisions", params={"limit": 1})).json()["items"]
    assert (decision["reason_key"], decision["decided_by"]) == ("gate.by_hand", operator.person_id)
    told = (await keeper.get(f"{AT}/activity", params={"limit": 5})).json()["items"]
    assert ("gate_opened_by_hand", "ambulance") in [(one["kind"], one["facts"].get("reason")) for one in told]


async def test_keeper_and_bank_agree_on_what_a_vehicle_weighs_empty(
    site: Site, keeper: Client, sign_in: SignIn
) -> None:
    vehicle = truck("T")
    expected = {"plate": vehicle.plate, "epc_hex": vehicle.epc_hex}
    vehicle_id = (await keeper.post(f"{AT}/visits", json=expected)).json()["vehicle_id"]
    invited = await keeper.post(f"{AT}/inspectors", json={"party_id": "bank-a"})
    assert invited.status_code == 204
    stated = {"vehicle_id": vehicle_id, "mass_g": TRUCK_G, "document": "Licence 3601"}
    refused = await keeper.post(f"{AT}/tares", json={**stated, "mass_g": 70_000_000})
    assert (refused.status_code, refused.json()["field"]) == (422, "mass_g")
    tare_id = (await keeper.post(f"{AT}/tares", json=stated)).json()["tare_id"]

    officer, other = await sign_in("officer", "bank-a"), await sign_in("officer", "bank-b")
    [shown] = (await officer.get(f"{AT}/tares")).json()["items"]
    assert (shown["plate"], shown["document"], shown["answers"]) == (vehicle.plate, "Licence 3601", [])
    assert (await other.get(f"{AT}/tares")).json()["items"] == []
    assert (await other.post(f"{API}/tares/{tare_id}/approve")).status_code == 404
    assert (await officer.post(f"{API}/tares/{tare_id}/approve")).status_code == 204
    [shown] = (await keeper.get(f"{AT}/tares")).json()["items"]
    assert [(one["is_approved"], one["is_own"]) for one in shown["answers"]] == [(True, False)]
    reason = {"reason": "It has another body."}
    assert (await keeper.post(f"{API}/tares/{tare_id}/withdraw", json=reason)).status_code == 204
    [shown] = (await officer.get(f"{AT}/tares")).json()["items"]
    assert (shown["end_cause"], shown["end_reason"]) == ("withdrawn", "It has another body.")
