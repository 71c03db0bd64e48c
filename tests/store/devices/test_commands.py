"""Orders to devices: queued with their cause, carried out in order, settled once."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest

from app.database import PgTx
from devices.api import queue_order, record_own_order, settle_order, take_orders
from devices.commands.handlers import order_device
from devices.commands.model import DeviceOrder
from devices.commands.views import orders_of_site
from devices.families import FAMILIES, OrderKind
from devices.messages import (
    DeviceOrderConfirmed,
    DeviceOrdered,
    DeviceOrderFailed,
    EnrolDevice,
    OrderDevice,
    RetireDevice,
)
from devices.registry.handlers import enrol_device, retire_device
from identity.api import grant_access
from identity.messages import AddParty
from identity.parties.handlers import add_party
from kernel.clock import ManualClock
from kernel.errors import Conflict, Invalid, NotFound

SITE = "site-a"
As = Callable[[str], AbstractAsyncContextManager[PgTx]]
DEVICES = {"boom": "modbus_barrier", "bridge": "modbus_weighbridge", "scale": "mt_sics"}


@pytest.fixture
async def barrier(as_caller: As, tx: PgTx) -> str:
    """A barrier among other devices of a site that the party of `tx` keeps."""
    await add_party(AddParty(kind="keeper", name="Keeper", party_id=tx.caller.party_id), tx)
    await grant_access(tx, tx.caller.party_id, SITE, cause="test")
    tx.events.clear()
    where = {"host": "127.0.0.1", "port": 1}
    for device_id, family in DEVICES.items():
        async with as_caller("product") as product:
            await enrol_device(
                EnrolDevice(site_id=SITE, device_id=device_id, family=family, connection=where), product
            )
    return "boom"


async def state_of(tx: PgTx, command_id: str) -> tuple[object, ...]:
    row = await tx.row(
        "SELECT state, failure FROM devices.command WHERE command_id = %(command_id)s",
        {"command_id": command_id},
    )
    assert row is not None
    return tuple(row.values())


async def test_an_order_is_queued_taken_and_confirmed_once(barrier: str, tx: PgTx) -> None:
    command_id = await queue_order(tx, barrier, "open", "visit expected", ref_id="visit-1")
    [order] = await take_orders(tx)
    assert (order.command_id, order.action, order.ref_id) == (command_id, "open", "visit-1")
    await settle_order(tx, order, None)
    await settle_order(tx, order, "feedback")
    assert await state_of(tx, command_id) == ("confirmed", None)
    kinds = [type(event) for event in tx.events]
    assert kinds == [DeviceOrdered, DeviceOrderConfirmed]
    assert await take_orders(tx) == []


async def test_orders_are_taken_in_the_order_they_were_given(barrier: str, tx: PgTx) -> None:
    given = [await queue_order(tx, barrier, action, "test") for action in ("open", "close") * 10]
    assert [order.command_id for order in await take_orders(tx)] == given


async def test_an_order_that_an_edge_took_and_did_not_settle_is_taken_again_by_the_next(
    barrier: str, tx: PgTx
) -> None:
    await queue_order(tx, barrier, "open", "test")
    [order] = await take_orders(tx)
    assert await take_orders(tx, in_hand=[order.command_id]) == []
    [again] = await take_orders(tx)
    assert (again.command_id, order.was_taken, again.was_taken) == (order.command_id, False, True)


async def test_what_must_not_be_done_twice_is_not_taken_again_and_says_that_nobody_knows(
    barrier: str, tx: PgTx, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = OrderKind(text="", confirmed_by="", valid_s=30, is_repeatable=False)
    monkeypatch.setitem(FAMILIES["modbus_barrier"].orders, "open", once)
    command_id = await queue_order(tx, barrier, "open", "test")
    assert len(await take_orders(tx)) == 1
    assert await take_orders(tx) == []
    assert await state_of(tx, command_id) == ("failed", "unconfirmed")


async def test_an_order_past_its_time_is_void_and_says_so(
    barrier: str, as_caller: As, tx: PgTx, clock: ManualClock
) -> None:
    command_id = await queue_order(tx, barrier, "open", "test")
    clock.advance(FAMILIES["modbus_barrier"].orders["open"].valid_s)
    async with as_caller("product") as later:
        assert await take_orders(later) == []
        [failed] = later.events
    assert isinstance(failed, DeviceOrderFailed)
    assert failed.reason == "expired"
    assert await state_of(tx, command_id) == ("failed", "expired")


async def test_an_edge_takes_only_the_orders_of_its_sites(barrier: str, tx: PgTx) -> None:
    await queue_order(tx, barrier, "open", "test")
    assert await take_orders(tx, ["site-b"]) == []
    assert len(await take_orders(tx, [SITE])) == 1


async def test_only_a_device_in_service_whose_family_obeys_can_be_ordered(barrier: str, tx: PgTx) -> None:
    with pytest.raises(NotFound):
        await queue_order(tx, "nobody", "open", "test")
    for device_id, action in (("bridge", "open"), ("boom", "tare"), ("scale", "open")):
        with pytest.raises(Invalid) as refused:
            await queue_order(tx, device_id, action, "test")
        assert refused.value.facts["field"] == "action"
    with pytest.raises(Invalid) as refused:
        await queue_order(tx, "boom", "open", "test", {"speed": 3})
    assert refused.value.facts["field"] == "parameters.speed"
    await retire_device(RetireDevice(device_id="boom"), tx)
    with pytest.raises(NotFound):
        await queue_order(tx, "boom", "open", "test")


async def test_a_persons_order_is_kept_with_who_and_why(barrier: str, tx: PgTx) -> None:
    queued = await order_device(OrderDevice(device_id="scale", action="zero", reason=" after cleaning "), tx)
    [row] = await orders_of_site(tx, SITE)
    assert (row.command_id, row.action, row.state) == (queued.command_id, "zero", "queued")
    assert (row.ordered_by, row.cause) == (tx.caller.person_id, "manual: after cleaning")
    with pytest.raises(Invalid) as refused:
        await order_device(OrderDevice(device_id="scale", action="zero", reason="  x "), tx)
    assert refused.value.facts["field"] == "reason"


async def test_a_barrier_is_not_ordered_past_the_rules_of_its_gate(barrier: str, tx: PgTx) -> None:
    with pytest.raises(Conflict, match="order_guarded"):
        await order_device(OrderDevice(device_id="boom", action="open", reason="let me out"), tx)
    assert await take_orders(tx) == []


async def test_who_does_not_see_the_site_neither_orders_nor_reads(barrier: str, as_caller: As) -> None:
    async with as_caller("stranger") as stranger:
        with pytest.raises(NotFound):
            await order_device(OrderDevice(device_id="scale", action="zero", reason="because"), stranger)


async def test_what_the_edge_did_by_itself_is_written_down_once(
    barrier: str, tx: PgTx, clock: ManualClock
) -> None:
    at = clock.now() - timedelta(minutes=5)
    own = DeviceOrder(
        command_id="alone_boom_1",
        site_id=SITE,
        device_id="boom",
        family="modbus_barrier",
        action="close",
        cause="alone: the twin is away",
        valid_until=at + timedelta(seconds=30),
    )
    await record_own_order(tx, own, at, "loop_occupied")
    await record_own_order(tx, own, at, "loop_occupied")
    [row] = await orders_of_site(tx, SITE)
    assert (row.state, row.failure, row.queued_at, row.cause) == ("failed", "loop_occupied", at, own.cause)
    assert [type(event) for event in tx.events] == [DeviceOrderFailed]
    assert await take_orders(tx) == []
