"""Orders to barriers: queued with their cause, carried out in order, settled once."""

import pytest

from app.database import PgTx
from devices.api import command_barrier, settle_command, take_commands
from devices.commands.handlers import COMMAND_VALID
from devices.messages import BarrierCommanded, BarrierConfirmed, BarrierFailed, EnrolDevice
from devices.registry.handlers import enrol_device
from kernel.clock import ManualClock
from kernel.errors import Invalid, NotFound

SITE = "site-a"


@pytest.fixture
async def barrier(as_caller, tx: PgTx) -> str:
    for device_id, family in (("boom", "modbus_barrier"), ("scale", "modbus_weighbridge")):
        where = {"host": "127.0.0.1", "port": 1}
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
    command_id = await command_barrier(tx, barrier, "open", "visit expected", "visit-1")
    [order] = await take_commands(tx)
    assert (order.command_id, order.action, order.ref_id) == (command_id, "open", "visit-1")
    await settle_command(tx, order, None)
    await settle_command(tx, order, "feedback")
    assert await state_of(tx, command_id) == ("confirmed", None)
    kinds = [type(event) for event in tx.events]
    assert kinds == [BarrierCommanded, BarrierConfirmed]
    assert await take_commands(tx) == []


async def test_orders_are_taken_in_the_order_they_were_given(barrier: str, tx: PgTx) -> None:
    given = [await command_barrier(tx, barrier, action, "test") for action in ("open", "close") * 10]
    assert [order.command_id for order in await take_commands(tx)] == given


async def test_an_order_that_an_edge_took_and_did_not_settle_is_taken_again_by_the_next(
    barrier: str, tx: PgTx
) -> None:
    await command_barrier(tx, barrier, "open", "test")
    [order] = await take_commands(tx)
    assert await take_commands(tx, in_hand=[order.command_id]) == []
    assert await take_commands(tx) == [order]


async def test_an_order_past_its_time_is_void_and_says_so(
    barrier: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    command_id = await command_barrier(tx, barrier, "open", "test")
    clock.advance(COMMAND_VALID.total_seconds())
    async with as_caller("product") as later:
        assert await take_commands(later) == []
        [failed] = later.events
    assert isinstance(failed, BarrierFailed)
    assert failed.reason == "expired"
    assert await state_of(tx, command_id) == ("failed", "expired")


async def test_an_edge_takes_only_the_orders_of_its_sites(barrier: str, tx: PgTx) -> None:
    await command_barrier(tx, barrier, "open", "test")
    assert await take_commands(tx, ["site-b"]) == []
    assert len(await take_commands(tx, [SITE])) == 1


async def test_only_an_enrolled_barrier_can_be_ordered(barrier: str, tx: PgTx) -> None:
    with pytest.raises(NotFound):
        await command_barrier(tx, "nobody", "open", "test")
    with pytest.raises(Invalid):
        await command_barrier(tx, "scale", "open", "test")
