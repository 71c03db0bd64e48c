"""The role `edge`: drives the devices of its sites and brings what they say to the journal.

Each device has a task of its own: one that fails or is absent disturbs no other. Devices that are enrolled,
changed or retired while the edge runs are taken up or let go without a restart.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog

from app.database import Database
from app.drivers import BROKER, DIALLED, SCANS, Driver, Item
from app.edge_journal import EDGE, EdgeJournal
from app.edge_orders import EdgeOrders
from app.keys import Keys
from app.scans import BrokerScans, refusal
from app.supervise.broker_access import EDGE_CLIENT_ID
from app.tasks import Work
from app.terminals import Ports, TurnAway
from app.wake import Wake
from devices.api import EdgeDevice, edge_devices, reserve_boots, terminals
from devices.families import FAMILIES, Family
from devices.ingest.intake import Acks, Intake
from devices.ingest.model import Received
from devices.ingest.pace import Pace
from devices.ingest.snapshots import SnapshotStore
from devices.ingest.spool import Spool
from devices.registry.handlers import BOOTS_RESERVED
from devices.transport.broker import BrokerDriver
from devices.transport.decoding import Arrived, FieldRejected
from devices.transport.manual_ack import BrokerLogin, MqttError
from devices.transport.orders import Obedient
from kernel.clock import Clock
from kernel.errors import Invalid, Unavailable
from kernel.messages import DeviceStatus, Observation, Rejected, content_identity

REFRESH_S = 30.0
RETRY_S = 0.5
RETRY_S_MAX = 10.0
LET_GO_S = 2.0

log = structlog.get_logger("edge")


class _Driven(msgspec.Struct):
    """A device at work: as it was enrolled, its task, and its driver while that is entered."""

    device: EdgeDevice
    task: asyncio.Task[None] | None = None
    driver: Driver | None = None


class Edge:
    """The edge of one program. `works` names what has to run."""

    def __init__(
        self,
        database: Database,
        wake: Wake,
        clock: Clock,
        spool: Spool,
        keys: Keys,
        snapshots: SnapshotStore,
        *,
        broker: BrokerLogin | None,
        scans: BrokerScans | None = None,
        turn_away: TurnAway,
        sites: Sequence[str] = (),
        host: str = "127.0.0.1",
        ports: Mapping[str, int] = {},
    ) -> None:
        self._database = database
        self._wake = wake
        self._clock = clock
        self._spool = spool
        self._keys = keys
        self._snapshots = snapshots
        self._broker = broker
        self._scans = scans
        self._sites = tuple(sites)
        self._known: dict[str, EdgeDevice] | None = None
        self._nodes: Mapping[str, Mapping[str, str]] = {}
        self._settings: dict[str, Mapping[str, Any]] = {}
        self._pace = Pace()
        self._broker_driver: BrokerDriver | None = None
        self._gateways_heard: dict[str, datetime] = {}
        self._listed = asyncio.Event()
        self._asking = asyncio.Lock()
        self._driven: dict[str, _Driven] = {}
        self._entered = asyncio.Condition()
        journal = EdgeJournal(database)
        self.intake = Intake(journal.record, journal.last_counts, journal.behind, spool)
        self._orders = EdgeOrders(database, wake, clock, self._sites, self._at_work, self._obedient)
        self.ports = Ports(database, clock, host, ports, self._take, turn_away)
        self.hears_broker = asyncio.Event()
        """Set while our session with the broker stands: from its first time on, the broker keeps for us."""

    def works(self) -> Mapping[str, Work]:
        """Named long-running work, each to be restarted by itself when it fails."""
        works: dict[str, Work] = {
            "edge.intake": self._run_intake,
            "edge.devices": self._run_devices,
            "edge.commands": self._orders.run,
            **self.ports.works(self._listed),
        }
        if self._broker is not None:
            login = self._broker
            works["edge.mqtt"] = lambda: self._run_mqtt(login)
        return works

    # --- readings to the journal -----------------------------------------------------------------

    async def _run_intake(self) -> None:
        await self._spool.open()
        try:
            await self.intake.run()
        finally:
            await self._spool.close()

    async def _put(self, site_id: str, items: Sequence[Item]) -> asyncio.Future[Acks]:
        """Hand items in, waiting as long as nothing can be taken."""
        now = self._clock.now()
        batch = [
            item if isinstance(item, Rejected) else Received(observation=item, received_at=now)
            for item in items
        ]
        while True:
            try:
                return await self.intake.put(site_id, batch)
            except Unavailable:
                await asyncio.sleep(RETRY_S)

    # --- devices that come over the broker ---------------------------------------------------------

    async def _run_mqtt(self, login: BrokerLogin) -> None:
        wait_s = RETRY_S
        driver = BrokerDriver(login, EDGE_CLIENT_ID, self._clock, self._decode, self._take)
        self._broker_driver = driver

        def connected() -> None:
            log.info("mqtt_connected", host=login.host)
            self.hears_broker.set()

        while True:
            try:
                await driver.run(connected)
            except MqttError as error:
                self.hears_broker.clear()
                wait_s = RETRY_S if driver.was_connected else min(wait_s * 2, RETRY_S_MAX)
                log.warning("mqtt_away", reason=str(error), retry_s=wait_s)
            await asyncio.sleep(wait_s)

    async def _decode(self, arrived: Arrived) -> Sequence[Item]:
        """Read a message as the family of its device says; what no such device may say is set aside."""
        device = await self._device(arrived.device_id)
        try:
            if device is None:
                raise FieldRejected("device_id", "an enrolled device")
            if self._scans is not None and device.family in SCANS:
                return self._scanned(self._scans, device, arrived)
            decode = BROKER.get(device.family)
            if decode is None:
                raise FieldRejected("device_id", "a device that speaks over the broker")
            arrived = msgspec.structs.replace(arrived, settings=self._settings_of(device))
        except FieldRejected as error:
            return [
                Rejected(
                    device_id=arrived.device_id,
                    field=error.field,
                    rule=error.rule,
                    raw=arrived.payload,
                    received_at=arrived.received_at,
                )
            ]
        items = decode(arrived, self._nodes.get(arrived.device_id, {}))
        return self._with_gateway(arrived, self._at_pace(arrived, items, FAMILIES[device.family]))

    def _scanned(self, scans: BrokerScans, device: EdgeDevice, arrived: Arrived) -> Sequence[Item]:
        """What a person scanned is a command of that person's, and answered; only what is no message at all
        is set aside."""
        if arrived.site_id != device.site_id:
            raise FieldRejected("device_id", "a device of this site")
        try:
            signed = SCANS[device.family](arrived.payload)
        except FieldRejected as error:
            facts = {"field": error.field, "rule": error.rule}
            self._tell(device.site_id, device.device_id, refusal("request.malformed", facts))
            raise
        scans.put(device, arrived, signed, self._tell)
        return []

    def _tell(self, site_id: str, device_id: str, payload: bytes) -> None:
        if self._broker_driver is not None:
            self._broker_driver.tell(site_id, device_id, payload)

    def _at_pace(self, arrived: Arrived, items: Sequence[Item], family: Family) -> Sequence[Item]:
        """A device that says more than its family may is limited, and told so on its `…/reply`."""
        sifted, is_too_fast = self._sifted(items, family, arrived.received_at)
        if is_too_fast and self._broker_driver is not None and family.readings_per_s_max is not None:
            self._broker_driver.slow_down(arrived, family.readings_per_s_max)
        return sifted

    def _sifted(
        self, items: Sequence[Item], family: Family, received_at: datetime
    ) -> tuple[Sequence[Item], bool]:
        """`items`, those above what the family may say in a second set aside, and whether there was one."""
        if family.readings_per_s_max is None:
            return items, False
        return self._pace.sift(items, received_at, family.readings_per_s_max)

    def _with_gateway(self, arrived: Arrived, items: Sequence[Item]) -> Sequence[Item]:
        """What a gateway says of its nodes also says that it is there itself: noted once a minute."""
        device_id, minute = arrived.device_id, arrived.received_at.replace(second=0, microsecond=0)
        speaks_for_others = any(item.device_id != device_id for item in items)
        if not speaks_for_others or self._gateways_heard.get(device_id) == minute:
            return items
        self._gateways_heard[device_id] = minute
        boot, sequence = content_identity(minute, b"the gateway is there")
        online = Observation(
            device_id=device_id,
            boot=boot,
            sequence=sequence,
            observed_at=minute,
            reading=DeviceStatus(state="online"),
        )
        return [*items, online]

    async def _device(self, device_id: str) -> EdgeDevice | None:
        """The device as it is enrolled. One that is not on our list may be newer than the list: the registry
        is asked again, and waited for, since nothing is set aside for our not knowing its device."""
        await self._listed.wait()
        assert self._known is not None
        if device_id not in self._known:
            # Messages of one new device wait in the order they came, and go on in it.
            async with self._asking:
                while device_id not in self._known:
                    try:
                        await self._refresh()
                    except Unavailable:
                        await asyncio.sleep(RETRY_S)
                    else:
                        break
        return self._known.get(device_id)

    async def _take(self, site_id: str, items: Sequence[Item]) -> Acks:
        """Bring readings to safety; returns what their devices may forget."""
        while True:
            done = await self._put(site_id, items)
            try:
                return await done
            except Unavailable as error:
                log.warning("readings_kept_back", site_id=site_id, reason=str(error))
                await asyncio.sleep(RETRY_S)

    # --- devices that we dial ----------------------------------------------------------------------

    async def _run_devices(self) -> None:
        """Keep one task for each device in service."""
        async with self._wake.listening("tallyhouse_devices") as woken:
            try:
                while True:
                    try:
                        async with self._asking:
                            await self._refresh()
                    except Unavailable:
                        await asyncio.sleep(RETRY_S)
                    else:
                        await woken.wait(REFRESH_S)
            finally:
                await self._let_go(list(self._driven))

    async def _refresh(self) -> None:
        async with self._database.write(EDGE) as tx:
            devices = await edge_devices(tx, self._sites)
            dialling = await terminals(tx, self._sites)
        self._known = {device.device_id: device for device in devices}
        self._settings.clear()
        self._nodes = _nodes_of(devices)
        self.ports.enrolled(self._known, dialling)
        self._listed.set()
        wanted = {name: device for name, device in self._known.items() if device.family in DIALLED}
        await self._let_go(
            [name for name, driven in self._driven.items() if wanted.get(name) != driven.device]
        )
        for device_id in wanted.keys() - self._driven.keys():
            driven = self._driven[device_id] = _Driven(wanted[device_id])
            driven.task = asyncio.create_task(self._drive(driven), name=f"device {device_id}")

    async def _let_go(self, device_ids: Sequence[str]) -> None:
        running = {driven.task for name in device_ids if (driven := self._driven.pop(name)).task is not None}
        while running:
            # Asked again where a library lost the cancellation.
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=LET_GO_S)

    async def _drive(self, driven: _Driven) -> None:
        """Run a device's driver for ever; a driver that fails starts anew under its next boot."""
        device, wait_s = driven.device, RETRY_S
        while True:
            first_boot = await self._boots(device.device_id)
            for boot in range(first_boot, first_boot + BOOTS_RESERVED):
                try:
                    await self._drive_once(driven, boot)
                except Exception as error:
                    log.error("driver_failed", device_id=device.device_id, retry_s=wait_s, exc_info=error)
                driven.driver = None
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, RETRY_S_MAX)

    async def _drive_once(self, driven: _Driven, boot: int) -> None:
        device = driven.device
        make, given = DIALLED[device.family], dict(self._settings_of(device))
        if FAMILIES[device.family].keeps_snapshots:
            given["snapshots"] = self._snapshots.of_site(device.site_id)
        async with make(device.device_id, clock=self._clock, boot=boot, **given) as driver:
            driven.driver = driver
            async with self._entered:
                self._entered.notify_all()
            family = FAMILIES[device.family]
            async for item in driver.readings():
                sifted, _ = self._sifted([item], family, self._clock.now())
                await self._put(device.site_id, sifted)

    def _settings_of(self, device: EdgeDevice) -> Mapping[str, Any]:
        """The device's parameters with keys in place of their names. Raises FieldRejected naming one that
        its family does not have (any more), or a key's file that holds no key."""
        known = self._settings.get(device.device_id)
        if known is None:
            family = FAMILIES[device.family]
            settings = family.settings(device.connection)
            for name in settings:
                if family.parameters[name].type in ("key", "secret"):
                    settings[name] = self._key(device, name, settings[name])
            known = self._settings[device.device_id] = settings
        return known

    def _key(self, device: EdgeDevice, parameter: str, name: str) -> bytes | str | None:
        is_secret = FAMILIES[device.family].parameters[parameter].type == "secret"
        try:
            key = self._keys.secret(name) if is_secret else self._keys.get(name)
        except Invalid as error:
            raise FieldRejected(f"connection.{parameter}", str(error.facts["rule"])) from error
        if key is None:
            log.warning("key_missing", device_id=device.device_id, key=name)
        return key

    async def _boots(self, device_id: str) -> int:
        while True:
            try:
                async with self._database.write(EDGE) as tx:
                    return (await reserve_boots(tx, [device_id]))[device_id]
            except Unavailable:
                await asyncio.sleep(RETRY_S)

    # --- devices that take orders ------------------------------------------------------------------

    def _at_work(self) -> list[EdgeDevice]:
        return [driven.device for driven in self._driven.values()]

    async def _obedient(self, device_id: str, within_s: float) -> Obedient | None:
        """The device's driver; just after a start it may still have to be made, so it is waited for."""

        def found() -> Obedient | None:
            driven = self._driven.get(device_id)
            driver = driven.driver if driven else None
            return driver if isinstance(driver, Obedient) else None

        try:
            async with asyncio.timeout(within_s), self._entered:
                return await self._entered.wait_for(found)
        except TimeoutError:
            return None


def _nodes_of(devices: Sequence[EdgeDevice]) -> Mapping[str, Mapping[str, str]]:
    """The devices behind each gateway: by the gateway's id, from the node's own name to its device's id."""
    nodes: dict[str, dict[str, str]] = defaultdict(dict)
    for device in devices:
        gateway, node = device.connection.get("gateway"), device.connection.get("node")
        if gateway and node:
            nodes[gateway][node] = device.device_id
    return nodes
