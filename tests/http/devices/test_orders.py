"""Orders to devices over HTTP: given with a reason, listed with what became of them, page by page."""

from collections.abc import AsyncIterator

import pytest

from app.desk import AppDesk
from devices.api import enrol_device, settle_order, take_orders
from devices.messages import EnrolDevice
from identity.api import grant_access
from kernel.caller import Caller
from tests.http.conftest import Client, SignIn

SITE = "site-a"
LISTED = f"/api/v1/sites/{SITE}/device-orders"
TEST = Caller.product("test")
WHY = "cleaned this morning"


@pytest.fixture(scope="module")
async def keeper(desk: AppDesk, sign_in: SignIn) -> AsyncIterator[Client]:
    """A keeper of a site with a scale and a barrier."""
    async with desk._database.write(TEST) as tx:
        await grant_access(tx, "keeper-a", SITE, cause="test")
        for device_id, family in (("scale", "mt_sics"), ("boom", "modbus_barrier")):
            where = {"host": "127.0.0.1", "port": 1}
            await enrol_device(
                EnrolDevice(site_id=SITE, device_id=device_id, family=family, connection=where), tx
            )
    yield await sign_in("keeper", "keeper-a")


async def test_an_order_is_listed_with_who_why_and_what_became_of_it(keeper: Client, desk: AppDesk) -> None:
    for action in ("zero", "tare"):
        answer = await keeper.post("/api/v1/devices/scale/orders", json={"action": action, "reason": WHY})
        assert answer.status_code == 202
    async with desk._database.write(TEST) as tx:
        zero, tare = await take_orders(tx)
        await settle_order(tx, zero, None)
        await settle_order(tx, tare, "overload")
    page = (await keeper.get(LISTED, params={"limit": 1})).json()
    [newest] = page["items"]
    [oldest] = (await keeper.get(LISTED, params={"limit": 5, "cursor": page["next_cursor"]})).json()["items"]
    assert (newest["action"], newest["state"], newest["failure"]) == ("tare", "failed", "overload")
    assert (oldest["action"], oldest["state"], oldest["failure"]) == ("zero", "confirmed", None)
    assert (oldest["ordered_by"], oldest["cause"]) == (keeper.person_id, f"manual: {WHY}")
    refused = await keeper.get(LISTED, params={"cursor": "x"})
    assert (refused.status_code, refused.json()["key"]) == (422, "request.cursor")


@pytest.mark.parametrize(
    ("device_id", "order", "status", "key", "field"),
    [
        ("scale", {"action": "open"}, 422, "devices.order", "action"),
        ("scale", {"action": "zero", "parameters": {"by": 1}}, 422, "devices.order", "parameters.by"),
        ("boom", {"action": "open"}, 409, "devices.order_guarded", "action"),
        ("nobody", {"action": "open"}, 404, "devices.unknown", None),
    ],
)
async def test_an_order_that_cannot_be_given_names_field_and_rule(
    keeper: Client, device_id: str, order: dict[str, object], status: int, key: str, field: str | None
) -> None:
    answer = await keeper.post(f"/api/v1/devices/{device_id}/orders", json={**order, "reason": WHY})
    problem = answer.json()
    assert (answer.status_code, problem["key"], problem.get("field")) == (status, key, field)
    assert problem["title"] not in ("", key)
