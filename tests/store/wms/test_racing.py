"""Many workers at once, on real connections: nothing is promised, held or shipped twice."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.commands import Commands
from app.database import Database
from kernel.caller import Caller
from kernel.clock import ManualClock
from kernel.errors import Conflict
from kernel.ids import Ids
from tests.conftest import START, TestServer
from tests.store.wms.building import (
    HANDLERS,
    KEEPER,
    OWNER,
    SITE,
    SKU,
    Warehouse,
)
from wms.api import audit, place_hold
from wms.messages import (
    AllocateOrder,
    CancelOrder,
    OrderLine,
    PlaceOrder,
    RecordScans,
    Scan,
)

WORKERS = 8
ORDERS = 40
CALLER = Caller(person_id="person-test", party_id=KEEPER, roles=frozenset({"keeper"}))


class Floor:
    """A committed warehouse with three pallets, and commands over a pool of connections."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.commands = Commands(database, HANDLERS)
        self.units: list[str] = []

    async def set_up(self) -> None:
        async with self.database.write(CALLER) as tx:
            warehouse = Warehouse(tx)
            await warehouse.set_up()
            self.units = await warehouse.stock(3)

    async def order(self, number: int, quantity_each: int) -> str:
        line = OrderLine(sku=SKU, quantity_each=quantity_each)
        order = PlaceOrder(
            site_id=SITE, reference=f"o-{number}", customer="shop", owner_party_id=OWNER, lines=(line,)
        )
        return str((await self.commands.do(CALLER, order)).order_id)

    async def value(self, sql: str) -> int:
        async with self.database.write(CALLER) as tx:
            return int(await tx.value(sql))


@pytest.fixture
async def floor(database_server: TestServer) -> AsyncIterator[Floor]:
    async with database_server.copy() as copied:
        clock = ManualClock(START)
        database = Database(copied.app_dsn, clock, Ids.unguessable(clock))
        await database.open()
        built = Floor(database)
        await built.set_up()
        yield built
        async with database.write(CALLER) as tx:
            assert [finding for journal in await audit(tx) for finding in journal.findings] == []
        await database.close()


async def test_workers_that_reserve_one_item_never_promise_more_than_there_is(floor: Floor) -> None:
    orders = [await floor.order(number, 7 + number % 5) for number in range(ORDERS)]
    wanted = sum(7 + number % 5 for number in range(ORDERS))
    assert wanted > 300
    queue = asyncio.Queue[str]()
    for order_id in orders:
        queue.put_nowait(order_id)
    refused: list[str] = []

    async def work() -> None:
        while not queue.empty():
            try:
                await floor.commands.do(CALLER, AllocateOrder(order_id=queue.get_nowait()))
            except Conflict as error:
                refused.append(error.key)

    await asyncio.gather(*(work() for _ in range(WORKERS)))
    assert await floor.value("SELECT sum(reserved_each) FROM wms.balance") == 300
    assert await floor.value("SELECT sum(quantity_each) FROM wms.reservation") == 300
    assert set(refused) == {"orders.short"}
    short = await floor.value("SELECT count(*) FROM wms.outbound_order WHERE state = 'short'")
    assert short <= 1


async def test_promising_and_withdrawing_at_once_leaves_every_promise_counted_once(floor: Floor) -> None:
    orders = [await floor.order(number, 20) for number in range(ORDERS)]

    async def work(order_id: str, withdraw: bool) -> None:
        try:
            await floor.commands.do(CALLER, AllocateOrder(order_id=order_id))
            if withdraw:
                await asyncio.gather(
                    *(
                        floor.commands.do(CALLER, CancelOrder(order_id=order_id, reason="race"))
                        for _ in range(2)
                    ),
                    return_exceptions=True,
                )
        except Conflict as error:
            assert error.key == "orders.short"

    await asyncio.gather(*(work(order_id, number % 2 == 0) for number, order_id in enumerate(orders)))
    live = await floor.value(
        "SELECT coalesce(sum(quantity_each), 0) FROM wms.reservation WHERE state = 'reserved'"
    )
    assert await floor.value("SELECT sum(reserved_each) FROM wms.balance") == live <= 300


async def test_one_of_many_holders_gets_a_unit(floor: Floor) -> None:
    async def hold(number: int) -> bool:
        try:
            async with floor.database.write(CALLER) as tx:
                await place_hold(tx, SITE, floor.units, "pledge", f"pledge_{number}")
        except Conflict as error:
            assert error.key == "stock.already_held"
            return False
        return True

    outcomes = await asyncio.gather(*(hold(number) for number in range(WORKERS)))
    assert outcomes.count(True) == 1
    assert await floor.value("SELECT count(*) FROM wms.hold_unit WHERE lifted_at IS NULL") == 3


async def test_holding_and_promising_the_same_unit_at_once_gives_it_to_one(floor: Floor) -> None:
    orders = [await floor.order(number, 300) for number in range(WORKERS)]

    async def hold() -> str:
        async with floor.database.write(CALLER) as tx:
            await place_hold(tx, SITE, floor.units, "pledge", "pledge_1")
        return "held"

    async def promise(order_id: str) -> str:
        await floor.commands.do(CALLER, AllocateOrder(order_id=order_id))
        return "promised"

    outcomes = await asyncio.gather(
        *(promise(order_id) for order_id in orders), hold(), return_exceptions=True
    )
    won = [outcome for outcome in outcomes if isinstance(outcome, str)]
    lost = {outcome.key for outcome in outcomes if isinstance(outcome, Conflict)}
    assert len(won) == 1
    assert lost <= {"stock.held", "stock.reserved", "orders.short"}


async def test_one_batch_of_scans_sent_by_many_at_once_is_done_once(floor: Floor) -> None:
    order_id = await floor.order(1, 250)
    await floor.commands.do(CALLER, AllocateOrder(order_id=order_id))
    async with floor.database.write(CALLER) as tx:
        tasks = await tx.rows(
            "SELECT task_id, u.sscc FROM wms.task JOIN wms.unit u USING (unit_id) ORDER BY task_id"
        )
    batch = RecordScans(
        site_id=SITE,
        device_id="pda-1",
        boot=1,
        scans=tuple(
            Scan(sequence=number, observed_at=START, code=row["sscc"], task_id=row["task_id"])
            for number, row in enumerate(tasks, start=1)
        ),
    )
    answers = await asyncio.gather(*(floor.commands.do(CALLER, batch) for _ in range(WORKERS)))
    assert all(answer == answers[0] for answer in answers)
    assert [result.outcome for result in answers[0].results] == ["done"] * 3
    assert await floor.value("SELECT count(*) FROM wms.stock_move WHERE cause = 'pick'") == 3
    assert await floor.value("SELECT sum(picked_each) FROM wms.order_line") == 250
