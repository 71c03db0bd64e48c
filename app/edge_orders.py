"""Orders at the edge: carried out as they are queued, one at a time for each device; and what the edge orders
by itself, as the manifests say, while nobody can be asked."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from app.database import Database
from app.edge_journal import EDGE
from app.wake import Wake
from devices.api import DeviceOrder, EdgeDevice, record_own_order, settle_order, take_orders
from devices.families import FAMILIES
from devices.transport.orders import Obedient
from kernel.clock import Clock
from kernel.errors import Unavailable

LOOK_S = 1.0
RETRY_S = 0.5

log = structlog.get_logger("edge")

DriverOf = Callable[[str, float], Awaitable[Obedient | None]]
"""The driver of a device that takes orders, waited for so many seconds, since after a start it may still have
to be made; None when there is none."""


class _Own(msgspec.Struct):
    """What the edge ordered by itself, when, and what became of it once `task` is done."""

    order: DeviceOrder
    at: datetime
    task: asyncio.Task[str | None]


class EdgeOrders:
    """Carries out the orders of some sites (none given: of all). `driven` are the devices at work now."""

    def __init__(
        self,
        database: Database,
        wake: Wake,
        clock: Clock,
        sites: Sequence[str],
        driven: Callable[[], Collection[EdgeDevice]],
        driver_of: DriverOf,
    ) -> None:
        self._database = database
        self._wake = wake
        self._clock = clock
        self._sites = sites
        self._driven = driven
        self._driver_of = driver_of
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._own: dict[str, _Own] = {}
        """The newest order of its own to each device in this absence of the twin."""

    async def run(self) -> None:
        """Work until cancelled. Orders that an earlier run took and did not settle come first."""
        heard_at = self._clock.now()
        async with self._wake.listening("tallyhouse_device_command") as woken:
            while True:
                try:
                    async with self._database.write(EDGE) as tx:
                        orders = await take_orders(tx, self._sites, self._in_hand.keys())
                    heard_at = self._clock.now()
                    for order in orders:
                        task = asyncio.create_task(self._obey(order), name=f"order {order.command_id}")
                        self._in_hand[order.command_id] = task
                    await self._write_down_own()
                except Unavailable:
                    self._stand_alone(self._clock.now() - heard_at)
                await woken.wait(LOOK_S)

    # --- orders of the twin ------------------------------------------------------------------------

    async def _obey(self, order: DeviceOrder) -> None:
        try:
            failure = await self._carry_out(order)
            await self._settle(order, failure)
        finally:
            del self._in_hand[order.command_id]

    async def _carry_out(self, order: DeviceOrder) -> str | None:
        """What became of an order: None when it is done, else why not."""
        failure: str | None = "expired"
        async with self._turns[order.device_id]:
            left_s = (order.valid_until - self._clock.now()).total_seconds()
            if left_s > 0:
                driver = await self._driver_of(order.device_id, left_s)
                failure = "unreachable" if driver is None else await self._command(driver, order)
        log.info("order", device_id=order.device_id, action=order.action, cause=order.cause, failure=failure)
        return failure

    async def _command(self, driver: Obedient, order: DeviceOrder) -> str | None:
        try:
            return await driver.command(order)
        except Exception as error:
            log.error("order_failed", device_id=order.device_id, action=order.action, exc_info=error)
            return "unconfirmed"

    async def _settle(self, order: DeviceOrder, failure: str | None) -> None:
        while True:
            try:
                async with self._database.write(EDGE) as tx:
                    return await settle_order(tx, order, failure)
            except Unavailable:
                await asyncio.sleep(RETRY_S)

    # --- while the twin is away --------------------------------------------------------------------

    def _stand_alone(self, alone: timedelta) -> None:
        """Order what the manifests say for a twin that was away so long; what failed is tried again."""
        for device in self._driven():
            rule = FAMILIES[device.family].alone
            if rule is None or alone.total_seconds() < rule.after_s:
                continue
            before = self._own.get(device.device_id)
            if before is not None and not (before.task.done() and before.task.result()):
                continue
            now = self._clock.now()
            order = DeviceOrder(
                command_id=f"alone_{device.device_id}_{now.timestamp():.6f}",
                site_id=device.site_id,
                device_id=device.device_id,
                family=device.family,
                action=rule.order,
                parameters=FAMILIES[device.family].order_settings(rule.order, rule.parameters),
                cause="alone: the twin is away",
                valid_until=now + timedelta(seconds=FAMILIES[device.family].orders[rule.order].valid_s),
            )
            task = asyncio.create_task(self._carry_out(order), name=f"order {order.command_id}")
            self._own[device.device_id] = _Own(order, now, task)

    async def _write_down_own(self) -> None:
        """The twin is back: it learns what was done without it. Raises Unavailable."""
        for device_id, own in list(self._own.items()):
            if own.task.done():
                async with self._database.write(EDGE) as tx:
                    await record_own_order(tx, own.order, own.at, own.task.result())
                del self._own[device_id]
