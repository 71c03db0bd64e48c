"""The lane with the real twin: readings go into the journal, and wms decides on what it makes of them."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from app.database import Database
from app.desk import AppDesk
from kernel.caller import Caller
from kernel.clock import ManualClock
from kernel.errors import Conflict
from kernel.gs1 import epc_from_giai
from kernel.ids import Ids
from kernel.messages import BarrierState
from tests.conftest import TestServer
from tests.http.living_site import EACH, PALLET_G, PREFIX, SKU, TRUCK_G, LivingSite, Lot, Pallet
from wms.api import audit, lift_hold, place_hold
from wms.messages import (
    AllocateOrder,
    MoveBarrierByHand,
    OrderLine,
    PlaceOrder,
    RecordScans,
    RegisterVisit,
    ReleaseShipment,
    Scan,
)


class Lane(LivingSite):
    """The living site, and questions about its gate."""

    boot = 0

    async def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        async with self.database.write(Caller.product("test")) as tx:
            return await tx.rows(sql, params)

    async def orders_to_barrier(self) -> list[str]:
        return [
            row["action"] for row in await self.rows("SELECT action FROM devices.command ORDER BY number")
        ]

    async def last_reason(self) -> str:
        rows = await self.rows("SELECT reason_key FROM wms.gate_decision ORDER BY decision_no DESC LIMIT 1")
        return str(rows[0]["reason_key"])

    async def leave_through_the_open_gate(self) -> None:
        """The boom is up, the vehicle passes over the loop, the boom comes down."""
        for is_open, occupied in ((True, False), (True, True), (True, False), (False, False)):
            self.clock.advance(3)
            state = BarrierState(is_open=is_open, is_closed=not is_open, loop_occupied=occupied)
            await self.observe("gate-1-barrier", state)

    async def scan(self, *scans: tuple[str, str | None, str]) -> list[str]:
        """Scans of (code, place, task) by the site's handheld; the outcomes."""
        self.boot += 1
        command = RecordScans(
            site_id=self.site_id,
            device_id=self.device("pda-1"),
            boot=self.boot,
            scans=tuple(
                Scan(sequence=number, observed_at=self.clock.now(), code=code, place_code=place, task_id=task)
                for number, (code, place, task) in enumerate(scans, start=1)
            ),
        )
        answer = await self.do(command, self.keeper, "picker")
        return [result.outcome for result in answer.results]

    async def open_tasks(self, kind: str) -> list[dict[str, Any]]:
        return await self.rows(
            """SELECT t.task_id, u.sscc, t.to_bin FROM wms.task t JOIN wms.unit u USING (unit_id)
            WHERE t.kind = %(kind)s AND t.state = 'open' ORDER BY t.task_id""",
            kind=kind,
        )

    async def put_away(self) -> None:
        tasks = await self.open_tasks("putaway")
        outcomes = await self.scan(*((row["sscc"], row["to_bin"], row["task_id"]) for row in tasks))
        assert set(outcomes) == {"done"}

    async def drive_to_gate(self, truck: str, load: Sequence[Pallet]) -> None:
        await self.drive_out(truck, load, TRUCK_G + PALLET_G * len(load))

    async def turn_back(self, truck: str, load: Sequence[Pallet]) -> None:
        """Heard outside, then inside again: back into the yard."""
        self.clock.advance(60)
        tags = [truck, *(pallet.epc_hex for pallet in load)]
        await self.hear(tags, antenna=1)
        self.clock.advance(5)
        await self.hear(tags, antenna=2)


@pytest.fixture(scope="module")
async def lane(module_database: TestServer, desk: AppDesk, http_clock: ManualClock) -> AsyncIterator[Lane]:
    database = Database(module_database.app_dsn, http_clock, Ids.unguessable(http_clock))
    await database.open()
    yield await Lane(database, desk, http_clock, "a").build()
    async with database.write(Caller.product("test")) as tx:
        assert [finding for journal in await audit(tx) for finding in journal.findings] == []
    await database.close()


@pytest.fixture(scope="module")
async def lot(lane: Lane) -> Lot:
    """Three pallets on the truck that has just come in, seen and weighed."""
    announced = await lane.announce(3)
    await lane.drive_in(announced.truck_epc, announced.pallets)
    return announced


async def test_the_delivery_is_let_in_received_and_let_out_empty(lane: Lane, lot: Lot) -> None:
    assert await lane.orders_to_barrier() == ["open", "close"]
    await lane.put_away()
    await lane.put_down(lot.pallets)
    await lane.drive_out(lot.truck_epc, (), TRUCK_G)
    assert await lane.last_reason() == "gate.empty"
    await lane.leave_through_the_open_gate()
    assert (await lane.orders_to_barrier())[2:] == ["open", "close"]
    [delivery] = await lane.rows("SELECT state FROM wms.delivery")
    [visit] = await lane.rows("SELECT state, entry_mass_g, exit_mass_g FROM wms.visit")
    assert delivery == {"state": "received"}
    assert visit == {"state": "left", "entry_mass_g": TRUCK_G + 3 * PALLET_G, "exit_mass_g": TRUCK_G}


async def test_held_pallets_outside_with_a_truck_that_nobody_knows_keep_the_gate_shut_for_all(
    lane: Lane, lot: Lot
) -> None:
    """Whoever clears the alarm has not brought them back."""
    async with lane.database.write(Caller.product("test")) as tx:
        hold_id = await place_hold(tx, lane.site_id, lot.unit_ids, "pledge", "pledge_1")
    lane.clock.advance(1_200)
    tags = [pallet.epc_hex for pallet in lot.pallets]
    await lane.hear(tags, antenna=2)
    await lane.hear(tags, antenna=1)
    await lane.rows(
        "UPDATE twin.alarm SET state = 'cleared', cleared_at = %(at)s WHERE state = 'active' RETURNING kind",
        at=lane.clock.now(),
    )
    by_hand = MoveBarrierByHand(device_id=lane.device("gate-1-barrier"), action="open", reason="a visitor")
    with pytest.raises(Conflict) as refused:
        await lane.do(by_hand, lane.keeper, "operator")
    assert (refused.value.key, refused.value.facts["goods"]) == (
        "barrier.goods_at_gate",
        sorted(lot.unit_ids),
    )
    before = await lane.orders_to_barrier()
    visitor = epc_from_giai(PREFIX, 1)
    expected = RegisterVisit(site_id=lane.site_id, plate="TEST-1", epc_hex=visitor)
    await lane.do(expected, lane.keeper, "operator")
    await lane.hear([visitor], antenna=1)
    assert await lane.last_reason() == "gate.goods_at_gate"
    assert await lane.orders_to_barrier() == before

    await lane.hear(tags, antenna=2)
    assert await lane.last_reason() == "gate.expected"
    assert await lane.orders_to_barrier() == [*before, "open"]
    await lane.do(by_hand, lane.keeper, "operator")
    async with lane.database.write(Caller.product("test")) as tx:
        await lift_hold(tx, hold_id)
    await lane.drive_in(visitor, ())


async def test_held_pallets_driven_to_the_gate_find_it_shut_and_leave_once_released(
    lane: Lane, lot: Lot
) -> None:
    async with lane.database.write(Caller.product("test")) as tx:
        hold_id = await place_hold(tx, lane.site_id, lot.unit_ids, "pledge", "pledge_1")
    truck, vehicle_id = await lane.pickup_truck()
    before = await lane.orders_to_barrier()
    await lane.drive_to_gate(truck, lot.pallets)
    assert await lane.last_reason() == "gate.not_released"
    await lane.turn_back(truck, lot.pallets)
    assert await lane.orders_to_barrier() == before
    async with lane.database.write(Caller.product("test")) as tx:
        await lift_hold(tx, hold_id)

    line = OrderLine(sku=SKU, quantity_each=3 * EACH, lot_id=lot.lot_id)
    order = PlaceOrder(site_id=lane.site_id, reference="out", customer="shop", lines=(line,))
    order_id = (await lane.do(order, lane.keeper, "operator")).order_id
    await lane.do(AllocateOrder(order_id=order_id), lane.keeper, "operator")
    picks = await lane.open_tasks("pick")
    assert await lane.scan(*((row["sscc"], None, row["task_id"]) for row in picks)) == ["done"] * 3
    released = ReleaseShipment(order_id=order_id, gate_id="gate-1", vehicle_id=vehicle_id)
    await lane.do(released, lane.keeper, "operator")
    await lane.drive_to_gate(truck, lot.pallets)
    assert await lane.last_reason() == "gate.released"
    await lane.leave_through_the_open_gate()
    [shown] = await lane.rows("SELECT state FROM wms.outbound_order")
    [left] = await lane.rows("SELECT coalesce(sum(quantity_each), 0)::bigint AS each FROM wms.balance")
    assert (shown["state"], left["each"]) == ("shipped", 0)
    departed = await lane.rows("SELECT payload FROM app.event WHERE kind = 'ShipmentDeparted'")
    assert [sorted(row["payload"]["unit_ids"]) for row in departed] == [sorted(lot.unit_ids)]
    assert await lane.rows("SELECT kind, error FROM app.dead_letter") == []
