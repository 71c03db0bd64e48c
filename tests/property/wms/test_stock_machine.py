"""Any course of stock, holds, orders, picks, releases and departures keeps the journals true.

The machine drives the real handlers on a real database, one savepoint a course, and keeps the truth itself:
how many pieces came in and went out, which units are held.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg.rows import dict_row

from app.database import PgTx
from kernel.caller import Caller
from kernel.clock import ManualClock
from kernel.errors import Conflict, Invalid
from kernel.ids import Ids
from kernel.rng import Rng
from tests.conftest import START
from tests.store.wms.building import (
    GATE,
    KEEPER,
    PALLET_G,
    SITE,
    TRUCK_G,
    Warehouse,
    an_opening_row,
)
from wms.api import audit, lift_hold, place_hold
from wms.messages import (
    AdjustStock,
    AllocateOrder,
    CancelOrder,
    CancelRelease,
    DeclareOpeningStock,
    ReleaseShipment,
    ShipmentDeparted,
)

Answer = TypeVar("Answer")
COURSES = 25
STEPS = 20


class StockMachine(RuleBasedStateMachine):
    """Steps are wishes; a Conflict is a fair answer, any other error fails the course."""

    loop: asyncio.AbstractEventLoop
    warehouse: Warehouse
    first_vehicle_id: str

    def __init__(self) -> None:
        super().__init__()
        self.serial = 0
        self.order_no = 0
        self.in_each = 0
        self.held: dict[str, list[str]] = {}
        self.was_held = False
        self.orders: list[str] = []
        self.releases: list[str] = []
        self.shipped_units: list[str] = []
        self.vehicle_id = self.first_vehicle_id
        self.warehouse.sequence = 0
        self.warehouse.tx.events.clear()

    def wait(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self.loop.run_until_complete(work)

    async def wish(self, work: Coroutine[Any, Any, Answer]) -> Answer | None:
        """The answer, or None when the present state forbids it (then nothing has changed)."""
        try:
            async with self.warehouse.tx.savepoint():
                return await work
        except Conflict:
            return None

    @initialize(has_shipped=st.sampled_from((True, False)))
    def begin_course(self, has_shipped: bool) -> None:
        self.wait(self.warehouse.tx.run("SAVEPOINT course"))
        self.wait(self._stock(3))
        self.order(130)
        self.order(100)
        if has_shipped:
            self.finish(0, drive=True)

    async def _stock(self, count: int) -> None:
        rows = [an_opening_row(self.serial + number) for number in range(1, count + 1)]
        await self.warehouse.do(DeclareOpeningStock(site_id=SITE, rows=tuple(rows)))
        self.serial += count
        self.in_each += 100 * count

    async def _units(self) -> list[str]:
        rows = await self.warehouse.tx.rows(
            "SELECT unit_id FROM wms.unit WHERE kind = 'pallet' ORDER BY sscc"
        )
        return [row["unit_id"] for row in rows]

    @rule(count=st.integers(1, 3))
    def stock(self, count: int) -> None:
        """Opening stock, which is over with the first hold."""
        if self.was_held:
            with pytest.raises(Conflict, match=r"opening\.over"):
                self.wait(self._stock(count))
        else:
            self.wait(self._stock(count))

    @rule(choice=st.integers(0, 99), count=st.integers(1, 2))
    def hold(self, choice: int, count: int) -> None:
        self.wait(self._hold(choice, count))

    async def _hold(self, choice: int, count: int) -> None:
        units = await self._units()
        start = choice % len(units)
        chosen = units[start : start + count]
        on_stock = await self.warehouse.tx.value(
            """SELECT count(DISTINCT unit_id) FROM wms.balance
            WHERE unit_id = ANY(%(u)s) AND quantity_each > 0""",
            {"u": chosen},
        )
        if on_stock < len(chosen):
            return
        hold_id = await self.wish(place_hold(self.warehouse.tx, SITE, chosen, "pledge", "pledge_1"))
        doubled = {unit for held in self.held.values() for unit in held} & set(chosen)
        assert hold_id is None or not doubled, "a unit was held twice"
        if hold_id is not None:
            self.held[hold_id] = chosen
            self.was_held = True

    @precondition(lambda self: self.held)
    @rule(choice=st.integers(0, 99), twice=st.booleans())
    def lift(self, choice: int, twice: bool) -> None:
        hold_id = sorted(self.held)[choice % len(self.held)]
        self.wait(lift_hold(self.warehouse.tx, hold_id))
        del self.held[hold_id]
        if twice:
            with pytest.raises(Conflict):
                self.wait(lift_hold(self.warehouse.tx, hold_id))

    @rule(quantity_each=st.integers(1, 180))
    def order(self, quantity_each: int) -> None:
        self.order_no += 1
        placed = self.wait(self.warehouse.order(quantity_each, f"order-{self.order_no}"))
        self.orders.append(placed.order_id)
        self.wait(self.wish(self.warehouse.do(AllocateOrder(order_id=placed.order_id))))

    @precondition(lambda self: self.orders)
    @rule(choice=st.integers(0, 99))
    def allocate_again(self, choice: int) -> None:
        order_id = self.orders[choice % len(self.orders)]
        self.wait(self.wish(self.warehouse.do(AllocateOrder(order_id=order_id))))

    @precondition(lambda self: self.orders)
    @rule(choice=st.integers(0, 99))
    def withdraw(self, choice: int) -> None:
        order_id = self.orders[choice % len(self.orders)]
        self.wait(self.wish(self.warehouse.do(CancelOrder(order_id=order_id, reason="withdrawn"))))

    @precondition(lambda self: self.orders)
    @rule(choice=st.integers(0, 99))
    def pick(self, choice: int) -> None:
        self.wait(self._pick(self.orders[choice % len(self.orders)]))

    async def _pick(self, order_id: str) -> None:
        open_tasks = await self.warehouse.tx.value(
            "SELECT count(*) FROM wms.task WHERE order_id = %(o)s AND state = 'open'", {"o": order_id}
        )
        if open_tasks:
            answers = await self.warehouse.pick(order_id)
            assert {answer.outcome for answer in answers} == {"done"}

    @precondition(lambda self: self.orders)
    @rule(choice=st.integers(0, 99))
    def release(self, choice: int) -> None:
        command = ReleaseShipment(
            order_id=self.orders[choice % len(self.orders)], gate_id=GATE, vehicle_id=self.vehicle_id
        )
        released = self.wait(self.wish(self.warehouse.do(command)))
        if released is not None:
            self.releases.append(released.release_id)

    @precondition(lambda self: self.orders)
    @rule(choice=st.integers(0, 99), drive=st.sampled_from((True, True, True, False)))
    def finish(self, choice: int, drive: bool) -> None:
        """The common course, so that many courses come to the gate: pick, release, drive."""
        self.pick(choice)
        self.release(choice)
        if drive:
            self.drive_to_the_gate(extra_pallet=False)

    @precondition(lambda self: self.releases)
    @rule(choice=st.integers(0, 99))
    def withdraw_release(self, choice: int) -> None:
        release_id = self.releases[choice % len(self.releases)]
        self.wait(self.wish(self.warehouse.do(CancelRelease(release_id=release_id, reason="withdrawn"))))

    @rule(extra_pallet=st.booleans())
    def drive_to_the_gate(self, extra_pallet: bool) -> None:
        self.wait(self._drive(extra_pallet))

    async def _drive(self, extra_pallet: bool) -> None:
        """Everything released is loaded, sometimes one pallet more; the vehicle leaves if the gate opens."""
        tx = self.warehouse.tx
        loaded = await tx.rows(
            """SELECT rr.unit_id, u.kind, sum(r.mass_g)::bigint AS mass_g
            FROM wms.release_reservation rr JOIN wms.reservation r USING (reservation_id)
                JOIN wms.unit u ON u.unit_id = rr.unit_id
            WHERE rr.ended_at IS NULL GROUP BY rr.unit_id, u.kind"""
        )
        tags = [row["unit_id"] for row in loaded if row["kind"] == "pallet"]
        mass_g = TRUCK_G + sum(row["mass_g"] for row in loaded)
        others = [unit_id for unit_id in await self._units() if unit_id not in tags]
        stolen = others[0] if extra_pallet and others else None
        if stolen is not None:
            tags, mass_g = [*tags, stolen], mass_g + PALLET_G
        arriving = self.warehouse.at_gate(self.vehicle_id, "out", *tags, mass_g=mass_g, entry_mass_g=TRUCK_G)
        before = len(self.warehouse.sent(ShipmentDeparted))
        await self.warehouse.hear(arriving)
        opened, reason = (await self.warehouse.gate_reasons())[-1]
        is_doubted = bool(self.held) and reason in DOUBTS_WHILE_HELD
        assert opened is (stolen is None and not is_doubted), "it opens for what is released and nothing else"
        if not opened:
            await self.warehouse.hear(self.warehouse.at_gate(self.vehicle_id, "in", *tags))
            return
        await self.warehouse.hear(self.warehouse.left(self.vehicle_id, *tags))
        departed = self.warehouse.sent(ShipmentDeparted)[before:]
        self.shipped_units += [unit_id for event in departed for unit_id in event.unit_ids]
        self.vehicle_id = await self.warehouse.inside()

    @precondition(lambda self: self.serial)
    @rule(choice=st.integers(0, 99), counted_each=st.integers(0, 120))
    def count(self, choice: int, counted_each: int) -> None:
        self.wait(self._count(choice, counted_each))

    async def _count(self, choice: int, counted_each: int) -> None:
        units = await self._units()
        unit_id = units[choice % len(units)]
        sql = "SELECT sum(quantity_each)::bigint FROM wms.balance WHERE unit_id = %(u)s"
        before = await self.warehouse.tx.value(sql, {"u": unit_id})
        try:
            await self.wish(
                self.warehouse.do(AdjustStock(unit_id=unit_id, counted_each=counted_each, reason="count"))
            )
        except Invalid as refused:
            assert refused.key == "stock.count_too_high"
            assert counted_each > refused.facts["most_each"] >= 0
        self.in_each += await self.warehouse.tx.value(sql, {"u": unit_id}) - before

    @invariant()
    def journals_agree_with_balances(self) -> None:
        self.wait(self._check())

    async def _check(self) -> None:
        tx = self.warehouse.tx
        assert [finding for journal in await audit(tx) for finding in journal.findings] == []
        sums = await tx.row(
            """SELECT sum(quantity_each)::bigint AS here, min(quantity_each) AS least,
                (SELECT coalesce(sum(quantity_each), 0)::bigint FROM wms.stock_move
                    WHERE to_bin = '@customer') AS gone
            FROM wms.balance"""
        )
        assert sums is not None
        assert sums["here"] + sums["gone"] == self.in_each
        assert sums["least"] >= 0
        held = {unit_id for units in self.held.values() for unit_id in units}
        assert held.isdisjoint(self.shipped_units), "held stock was shipped"
        assert len(self.shipped_units) == len(set(self.shipped_units)), "a unit left twice"
        kept = await tx.rows("SELECT unit_id FROM wms.hold_unit WHERE lifted_at IS NULL")
        assert {row["unit_id"] for row in kept} == held

    def teardown(self) -> None:
        self.wait(self.warehouse.tx.run("ROLLBACK TO SAVEPOINT course"))
        SHIPPED.append(len(self.shipped_units))


async def _open(dsn: str) -> Warehouse:
    connection = await psycopg.AsyncConnection.connect(dsn, row_factory=dict_row)
    clock = ManualClock(START)
    caller = Caller(person_id="person-test", party_id=KEEPER, roles=frozenset({"keeper"}))
    tx = PgTx(connection, caller, clock.now(), Ids.seeded(clock, Rng(7)))
    await tx.begin_as("tallyhouse_command")
    warehouse = Warehouse(tx)
    await warehouse.set_up()
    return warehouse


async def _close(warehouse: Warehouse) -> None:
    await warehouse.tx.connection.rollback()
    await warehouse.tx.connection.close()


DOUBTS_WHILE_HELD = {"gate.untagged_load", "gate.heavier_than_empty"}
"""Why a vehicle whose load agrees stays all the same while anything is on hold."""
SHIPPED: list[int] = []
"""Units that left in each course: the courses must come to the gate, or they prove nothing about it."""


def test_any_course_of_business_keeps_the_stock_journals_true(machine_dsn: str) -> None:
    loop = asyncio.new_event_loop()
    warehouse = loop.run_until_complete(_open(machine_dsn))
    vehicle_id = loop.run_until_complete(warehouse.inside())
    world = {"loop": loop, "warehouse": warehouse, "first_vehicle_id": vehicle_id}
    try:
        run_state_machine_as_test(
            type("Machine", (StockMachine,), world),
            settings=settings(
                max_examples=COURSES,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        loop.run_until_complete(_close(warehouse))
        loop.close()
    assert sum(count > 1 for count in SHIPPED) >= COURSES // 10
