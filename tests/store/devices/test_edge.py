"""The edge at work: real sockets, a real database of its own, devices that come, fail and go."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from psycopg.conninfo import conninfo_to_dict

from app.commands import Commands
from app.database import Database, PgTx
from app.edge import Edge
from app.keys import Keys
from app.refusals import Refusals
from app.scans import BrokerScans
from app.supervise.broker import Broker
from app.tasks import Tasks
from app.wake import Wake
from app.wiring import all_commands
from devices.api import audit, broker_credentials, journal_after, queue_order
from devices.families import FAMILIES
from devices.ingest.snapshots import SnapshotStore, snapshot_path
from devices.ingest.spool import Spool
from devices.messages import EnrolDevice, RetireDevice
from devices.registry.handlers import enrol_device, retire_device
from devices.transport.manual_ack import BrokerLogin
from kernel.caller import Caller
from kernel.clock import ManualClock, SystemClock
from kernel.errors import Invalid, NotFound, Unavailable
from kernel.ids import Ids
from kernel.messages import (
    AnimalBeacon,
    BarrierState,
    DeviceStatus,
    LabelPrinted,
    MassReading,
    PositionReading,
    SlotSight,
)
from kernel.rng import Rng
from simulators.protocols.camera.frames import Account
from simulators.protocols.camera.server import HttpCamera
from simulators.protocols.ear_tag.frames import Tag, iso_number
from simulators.protocols.ear_tag.server import BaseStation
from simulators.protocols.llrp.server import LlrpReaderServer
from simulators.protocols.loadcell import TaredScale
from simulators.protocols.modbus.server import BarrierServer, ConverterServer, WeighbridgeServer
from simulators.protocols.mqtt.frames import Pose
from simulators.protocols.mqtt.server import Tracker
from simulators.protocols.mt_sics.server import MtSicsServer
from simulators.protocols.opcua import OpcUaServer
from simulators.protocols.opcua_scale.frames import NAMESPACE as SCALES
from simulators.protocols.opcua_scale.server import OpcUaScale
from simulators.protocols.publisher import Login
from simulators.protocols.toledo_continuous.server import ToledoServer
from simulators.protocols.uwb.server import Place, PositioningServer
from simulators.protocols.zpl_printer.server import ZplPrinterServer
from tests.conftest import TestServer
from tests.contract.camera.pictures import by_pillow

SITE = "site-a"
WITHIN_S = 30.0
TEST = Caller.product("test")


@dataclass
class Site:
    """A running edge with a scale, a barrier and a broker on the wire."""

    database: Database
    broker: Broker
    keys: Keys
    scale: WeighbridgeServer
    boom: BarrierServer
    server: TestServer
    """The whole server that the database is one of."""
    desk: Commands

    async def enrol(self, device_id: str, family: str, port: int, **settings: Any) -> None:
        where = {"host": "127.0.0.1", "port": port, **settings}
        async with self.database.write(TEST) as tx:
            await enrol_device(
                EnrolDevice(site_id=SITE, device_id=device_id, family=family, connection=where), tx
            )

    async def enrol_tracker(
        self, device_id: str, family: str = "mqtt_position", connection: Mapping[str, Any] | None = None
    ) -> Login:
        """A device of the broker, and with what it signs in."""
        secret = secrets.token_urlsafe(32)
        async with self.database.write(TEST) as tx:
            await enrol_device(
                EnrolDevice(
                    site_id=SITE,
                    device_id=device_id,
                    family=family,
                    connection=connection or {},
                    secret=secret,
                ),
                tx,
            )
            self.broker.set_devices(await broker_credentials(tx))
        return Login(self.broker.address.host, self.broker.address.port, secret)

    async def cut_database(self) -> None:
        """The database is not to be reached, until it is mended."""
        name = conninfo_to_dict(self.database.dsn)["dbname"]
        await self.server.as_owner(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await self.server.as_owner(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )

    async def mend_database(self) -> None:
        name = conninfo_to_dict(self.database.dsn)["dbname"]
        await self.server.as_owner(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    async def until_settled(self, command_id: str) -> tuple[str, str | None]:
        """State and failure of an order, once it has ended."""

        async def settled(tx: PgTx) -> Any:
            return await tx.row(
                "SELECT state, failure FROM devices.command"
                " WHERE command_id = %(id)s AND settled_at IS NOT NULL",
                {"id": command_id},
            )

        row = await self.until(settled, "the order is settled")
        return row["state"], row["failure"]

    async def until(self, ask: Callable[[PgTx], Awaitable[Any]], what: str) -> Any:
        """The first answer that is true, within a bound."""
        try:
            async with asyncio.timeout(WITHIN_S):
                while True:
                    with contextlib.suppress(Unavailable):  # as long as the database is still coming back
                        async with self.database.write(TEST) as tx:
                            if answer := await ask(tx):
                                return answer
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"{what}: not within {WITHIN_S} s")

    async def until_read(self, device_id: str, kind: type, count: int = 1) -> list[Any]:
        async def readings(tx: PgTx) -> list[Any]:
            found = [
                one.observation.reading
                for one in await journal_after(tx, SITE, 0, 1000)
                if one.observation.device_id == device_id and isinstance(one.observation.reading, kind)
            ]
            return found if len(found) >= count else []

        found: list[Any] = await self.until(readings, f"{count} {kind.__name__} of {device_id}")
        return found


@pytest.fixture
async def site(database_server: TestServer, tmp_path: Path) -> AsyncIterator[Site]:
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        copied = await stack.enter_async_context(database_server.copy())
        database = Database(copied.app_dsn, clock, Ids.unguessable(clock))
        await database.open()
        stack.push_async_callback(database.close)
        scale = await stack.enter_async_context(WeighbridgeServer(clock, Rng(1), settle_s=0.1))
        boom = await stack.enter_async_context(BarrierServer(clock, travel_s=0.1))
        wake = Wake(copied.app_dsn)
        broker = Broker(tmp_path)
        login = BrokerLogin(*await broker.start())
        stack.push_async_callback(broker.stop)
        keys = Keys(tmp_path / "keys")
        desk, refusals = Commands(database, all_commands()), Refusals(clock)
        edge = Edge(
            database,
            wake,
            clock,
            Spool(tmp_path / "spool", 1_000_000),
            keys,
            SnapshotStore(tmp_path / "snapshots", clock, 10_000_000, timedelta(days=1)),
            broker=login,
            scans=BrokerScans(database, desk.do, refusals.note),
            turn_away=refusals.note,
        )
        tasks = await stack.enter_async_context(Tasks())
        for name, work in {
            "wake": wake.run,
            "refusals": lambda: refusals.run(database),
            **edge.works(),
        }.items():
            tasks.start(name, work)
        async with asyncio.timeout(WITHIN_S):
            await edge.hears_broker.wait()
        yield Site(database, broker, keys, scale, boom, database_server, desk)


async def test_a_device_enrolled_while_the_edge_runs_is_taken_up(site: Site) -> None:
    await site.enrol("scale", "modbus_weighbridge", site.scale.port)
    site.scale.put(15_000_000)
    [mass] = await site.until_read("scale", MassReading)
    assert abs(mass.mass_g - 15_000_000) <= 40_000


async def test_a_camera_is_signed_in_with_a_secret_and_its_picture_is_kept_before_its_sight_is(
    site: Site, tmp_path: Path
) -> None:
    site.keys.keep_secret("gate-camera", "s3cret")
    async with HttpCamera(SystemClock(), account=Account("viewer", "s3cret")) as camera:
        camera.show(by_pillow())
        where = {"url": camera.url(), "user": "viewer", "password": "gate-camera"}
        async with site.database.write(TEST) as tx:
            await enrol_device(
                EnrolDevice(site_id=SITE, device_id="eye", family="camera", connection=where), tx
            )
        [sight] = await site.until_read("eye", SlotSight)
    assert sight.state == "fresh"
    path = snapshot_path(tmp_path / "snapshots", SITE, sight.snapshot_sha256)
    assert path is not None
    assert path.read_bytes() == by_pillow()


async def test_a_view_that_cannot_be_is_refused_at_enrolment(site: Site) -> None:
    where = {"url": "http://127.0.0.1/", "view": '{"slots": [{"slot_id": ""}]}'}
    async with site.database.write(TEST) as tx:
        with pytest.raises(Invalid) as refused:
            await enrol_device(
                EnrolDevice(site_id=SITE, device_id="eye", family="camera", connection=where), tx
            )
    assert refused.value.facts["field"] == "connection.view"
    assert "view.slots[0].slot_id" in str(refused.value.facts["rule"])


async def test_an_order_moves_the_boom_and_is_confirmed_by_it(site: Site) -> None:
    await site.enrol("boom", "modbus_barrier", site.boom.port)
    await site.until_read("boom", BarrierState)
    async with site.database.write(TEST) as tx:
        command_id = await queue_order(tx, "boom", "open", "test")
    assert await site.until_settled(command_id) == ("confirmed", None)
    assert site.boom.is_open
    states = await site.until_read("boom", BarrierState, 2)
    assert states[-1].is_open or not states[-1].is_closed


async def test_a_scale_is_tared_by_an_order_and_what_fails_says_why(site: Site) -> None:
    clock = SystemClock()
    async with MtSicsServer(clock, TaredScale(Rng(5), settle_s=0.1)) as scale:
        await site.enrol("scale", "mt_sics", scale.port)
        await site.until_read("scale", DeviceStatus)
        scale.put(25_000)
        async with site.database.write(TEST) as tx:
            tared = await queue_order(tx, "scale", "tare", "test")
        assert await site.until_settled(tared) == ("confirmed", None)
        scale.put(-50_000)
        async with site.database.write(TEST) as tx:
            zeroed = await queue_order(tx, "scale", "zero", "test")
        assert await site.until_settled(zeroed) == ("failed", "underload")


async def test_a_label_is_printed_once_and_told_under_its_order(site: Site) -> None:
    clock = SystemClock()
    async with ZplPrinterServer(clock) as printer:
        await site.enrol("printer", "zpl_printer", printer.port)
        await site.until_read("printer", DeviceStatus)
        async with site.database.write(TEST) as tx:
            sscc = {"sscc": "106141411234567897"}
            command_id = await queue_order(tx, "printer", "print_label", "test", sscc)
        assert await site.until_settled(command_id) == ("confirmed", None)
        told = await site.until_read("printer", LabelPrinted)
        assert told == [LabelPrinted(job_id=command_id, is_done=True)]
        assert [label.symbol for label in printer.printer.printed] == ["00106141411234567897"]


async def test_an_order_whose_turn_comes_after_its_time_is_void(site: Site) -> None:
    site.boom.boom.is_stuck = True
    await site.enrol("boom", "modbus_barrier", site.boom.port, feedback_s=2.0)
    await site.until_read("boom", BarrierState)
    async with site.database.write(TEST) as tx:
        first = await queue_order(tx, "boom", "open", "test")
        second = await queue_order(tx, "boom", "open", "test")
        soon = "UPDATE devices.command SET valid_until = queued_at + '1 s' WHERE command_id = %(id)s"
        await tx.run(soon, {"id": second})
    assert await site.until_settled(first) == ("failed", "feedback")
    assert await site.until_settled(second) == ("failed", "expired")
    assert site.boom.orders == [True]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The edge gives up on the database, and shuts the barrier, within a second."""
    monkeypatch.setattr("app.database.POOL_WAIT_S_MAX", 0.5)
    barrier = FAMILIES["modbus_barrier"]
    rules = tuple(
        msgspec.structs.replace(rule, after_s=1) if rule.order else rule for rule in barrier.fail_safe
    )
    monkeypatch.setitem(FAMILIES, "modbus_barrier", msgspec.structs.replace(barrier, fail_safe=rules))


async def test_an_open_barrier_is_shut_when_the_twin_is_away_and_that_is_written_down(
    impatient: None, site: Site
) -> None:
    await site.enrol("boom", "modbus_barrier", site.boom.port)
    await site.until_read("boom", BarrierState)
    async with site.database.write(TEST) as tx:
        opened = await queue_order(tx, "boom", "open", "test")
    await site.until_settled(opened)
    async with asyncio.timeout(WITHIN_S):
        await site.cut_database()
        while not site.boom.is_closed:
            await asyncio.sleep(0.02)
    await site.mend_database()

    async def written_down(tx: PgTx) -> Any:
        return await tx.row("SELECT * FROM devices.command WHERE cause LIKE 'alone%'")

    row = await site.until(written_down, "what the edge did alone is written down")
    assert (row["device_id"], row["action"], row["state"]) == ("boom", "close", "confirmed")
    assert (row["ordered_by"], site.boom.orders) == ("product:edge", [True, False])


async def test_a_device_that_is_away_disturbs_no_other_and_is_read_when_it_comes(site: Site) -> None:
    port = site.boom.port
    await site.boom.cut()
    await site.enrol("boom", "modbus_barrier", port)
    await site.enrol("scale", "modbus_weighbridge", site.scale.port)
    site.scale.put(15_000_000)
    await site.until_read("scale", MassReading)
    await site.boom.mend()
    await site.until_read("boom", BarrierState)


async def test_a_device_that_moved_is_followed_and_a_retired_one_let_go(site: Site) -> None:
    clock = SystemClock()
    async with BarrierServer(clock) as elsewhere:
        await site.enrol("boom", "modbus_barrier", site.boom.port)
        await site.until_read("boom", BarrierState)
        await site.enrol("boom", "modbus_barrier", elsewhere.port)
        await site.until_read("boom", BarrierState, 2)

        async def boots(tx: PgTx) -> object:
            row = "SELECT count(DISTINCT boot) >= 2 FROM devices.observation WHERE device_id = 'boom'"
            return await tx.value(row)

        await site.until(boots, "the driver started anew under another boot")
        async with site.database.write(TEST) as tx:
            await retire_device(RetireDevice(device_id="boom"), tx)
            with pytest.raises(NotFound):
                await queue_order(tx, "boom", "open", "test")


async def test_a_trackers_readings_are_in_the_journal_when_it_is_told_to_forget_them(site: Site) -> None:
    login = await site.enrol_tracker("fork")
    async with Tracker(login, SITE, "fork", SystemClock()) as tracker:
        began_at = SystemClock().now()
        for step in range(250):
            tracker.report(Pose(step / 10, 1.0), at=began_at + timedelta(milliseconds=10 * step))
        await tracker.settled(WITHIN_S)
        async with site.database.write(TEST) as tx:
            journal = await journal_after(tx, SITE, 0, 1000)
    assert [one.observation.sequence for one in journal] == list(range(1, 251))


async def test_a_gateway_speaks_for_its_nodes_and_is_seen_to_be_there_itself(site: Site) -> None:
    await site.enrol_tracker("tag-1", "uwb", {"gateway": "anchors", "node": "30331"})
    login = await site.enrol_tracker("anchors", "uwb")
    async with PositioningServer(login, SITE, "anchors", SystemClock()) as server:
        server.report({"30331": Place(1.5, 2.5)})
        server.report({"30331": Place(1.6, 2.5), "30332": Place(1.0, 1.0)})
        await site.until_read("tag-1", PositionReading, 2)
        [status] = await site.until_read("anchors", DeviceStatus)
    assert status == DeviceStatus(state="online")
    async with site.database.write(TEST) as tx:
        rows = await tx.rows("SELECT device_id, field, rule FROM devices.quarantine")
    assert rows == [{"device_id": "anchors", "field": "tagId", "rule": "a node of this gateway"}]


async def test_a_device_of_the_broker_that_sends_too_fast_is_limited_and_told(site: Site) -> None:
    per_s_max = FAMILIES["ear_tag"].readings_per_s_max
    assert per_s_max is not None
    login = await site.enrol_tracker("station", "ear_tag", {"herd_key": "herd-a"})
    async with BaseStation(login, SITE, "station", ManualClock(SystemClock().now())) as station:
        for _ in range(per_s_max + 10):
            station.beat()
        await station.settled(WITHIN_S)
        assert station.told["slow_down"] == {"readings_per_s_max": per_s_max}
    async with site.database.write(TEST) as tx:
        stored = await tx.value("SELECT count(*) FROM devices.observation WHERE device_id = 'station'")
        rows = await tx.rows("SELECT DISTINCT field, rule FROM devices.quarantine")
    assert stored == per_s_max
    assert rows == [{"field": "observed_at", "rule": f"at most {per_s_max} readings of one second"}]


async def test_a_reader_that_reports_too_fast_is_limited(site: Site) -> None:
    per_s_max = FAMILIES["llrp"].readings_per_s_max
    assert per_s_max is not None
    clock = SystemClock()
    async with LlrpReaderServer(clock=clock) as reader:
        await site.enrol("portal", "llrp", reader.port)
        await reader.wait_until_reporting()
        at = clock.now().replace(microsecond=0)
        for _ in range(per_s_max + 10):
            reader.hear("30361FAC6C1DE88000000001", 1, -4_500, at)

        async def rows(tx: PgTx) -> Any:
            return await tx.rows(
                "SELECT field, rule, sum(times)::int AS times FROM devices.quarantine GROUP BY field, rule"
            )

        said = await site.until(rows, "what was too much is told")
    rule = f"at most {per_s_max} readings of one second"
    assert [(row["field"], row["rule"]) for row in said] == [("observed_at", rule)]


async def test_a_tag_that_its_station_heard_is_in_the_journal_and_one_of_another_key_not(site: Site) -> None:
    site.keys.make("herd-a")
    herd_key = site.keys.get("herd-a")
    assert herd_key is not None
    login = await site.enrol_tracker("station", "ear_tag", {"herd_key": "herd-a"})
    now = SystemClock().now()
    frame = Tag(herd_key, iso_number(156, 1)).beacon(temperature_c=38.5)
    async with BaseStation(login, SITE, "station", SystemClock()) as station:
        station.hear(frame, at=now - timedelta(seconds=600))
        station.hear(Tag(bytes(32), iso_number(156, 1), counter=9).beacon(), at=now)
        await station.settled(WITHIN_S)
        [beacon] = await site.until_read("station", AnimalBeacon)
    assert (beacon.animal_id, beacon.counter) == ("156000000000001", 1)
    async with site.database.write(TEST) as tx:
        fields = await tx.rows("SELECT field FROM devices.quarantine ORDER BY sequence")
    assert [row["field"] for row in fields] == ["frame.mac"]


async def test_a_device_that_speaks_for_another_site_is_refused_and_recorded(site: Site) -> None:
    login = await site.enrol_tracker("fork")
    async with Tracker(login, "site-b", "fork", SystemClock()) as tracker:
        tracker.report(Pose(1.0, 1.0))

        async def recorded(tx: PgTx) -> object:
            return await tx.row("SELECT site_id, device_id, rule FROM devices.quarantine")

        row = await site.until(recorded, "the refusal is recorded")
        assert tracker.acked_sequence == 0
    assert row == {"site_id": SITE, "device_id": "fork", "rule": "a device of this site"}


async def test_the_journal_of_a_working_edge_stands_up_to_an_audit(site: Site) -> None:
    await site.enrol("scale", "modbus_weighbridge", site.scale.port)
    await site.enrol("boom", "modbus_barrier", site.boom.port)
    for load_g in (15_000_000, 0, 31_000_000):
        site.scale.put(load_g)
    await site.until_read("scale", MassReading)
    await site.until_read("boom", BarrierState)
    async with site.database.write(TEST) as tx:
        [audited] = await audit(tx)
    assert audited.findings == []
    assert audited.entries >= 4


PALLET_G = 812_500
AT_REST = {"settle_s": 0.2, "capture_min_g": 10_000, "change_g": 2_000}


async def test_a_load_on_a_scale_of_any_family_is_in_the_journal_once(site: Site) -> None:
    clock, rng = SystemClock(), Rng(5)

    def platform(name: str) -> TaredScale:
        return TaredScale(rng.child(name), settle_s=0.1)

    async with AsyncExitStack() as stack:
        modbus = await stack.enter_async_context(
            ConverterServer(clock, [platform("modbus")], framing="rtu", low_word_first=True)
        )
        sics = await stack.enter_async_context(MtSicsServer(clock, platform("sics")))
        toledo = await stack.enter_async_context(ToledoServer(clock, platform("toledo")))
        server = await stack.enter_async_context(OpcUaServer(SCALES))
        opcua = await stack.enter_async_context(OpcUaScale(server, clock, platform("opcua"), registers=False))
        profile = {"profile": "seneca-z-sg2-swapped", "framing": "rtu"}
        families: dict[str, dict[str, Any]] = {
            "modbus_weighbridge": {"port": modbus.port} | profile,
            "mt_sics": {"port": sics.port},
            "toledo_continuous": {"port": toledo.port},
            "opcua_scale": {"port": server.port, "path": server.path},
        }
        for family, where in families.items():
            connection = {"host": "127.0.0.1"} | where | AT_REST
            enrolment = EnrolDevice(site_id=SITE, device_id=family, family=family, connection=connection)
            async with site.database.write(TEST) as tx:
                await enrol_device(enrolment, tx)
        for family in families:
            await site.until_read(family, DeviceStatus)
        for scale in (modbus, sics, toledo, opcua):
            scale.put(PALLET_G)
        for family in families:
            await site.until_read(family, MassReading)
        for scale in (modbus, sics, toledo, opcua):
            scale.put(PALLET_G + 100_000)
        for family in families:
            await site.until_read(family, MassReading, 2)
        async with site.database.write(TEST) as tx:
            journal = await journal_after(tx, SITE, 0, 1000)
    found = [
        (one.observation.device_id, one.observation.reading.mass_g)
        for one in journal
        if isinstance(one.observation.reading, MassReading)
    ]
    assert sorted(found) == sorted(
        (family, mass_g) for family in families for mass_g in (PALLET_G, PALLET_G + 100_000)
    )
