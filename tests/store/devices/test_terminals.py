"""Terminals that dial the edge: a real database, real sockets, devices that are enrolled, cloned and
retired."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.database import Database, PgTx
from app.edge import Edge
from app.keys import Keys
from app.refusals import Refusals
from app.tasks import Tasks
from app.wake import Wake
from devices.api import audit, journal_after, terminals
from devices.families import FAMILIES
from devices.ingest.snapshots import SnapshotStore
from devices.ingest.spool import Spool
from devices.messages import EnrolDevice, RetireDevice
from devices.registry.handlers import enrol_device, retire_device
from devices.registry.terminals import issue_code, note_code_shown
from devices.transport.terminals import TurnedAway, code_digest
from kernel.caller import Caller
from kernel.clock import SystemClock
from kernel.errors import Conflict, Invalid
from kernel.ids import Ids
from kernel.messages import PositionReading
from simulators.protocols.jt808.frames import Fix as Place
from simulators.protocols.jt808.server import Jt808Terminal
from simulators.protocols.teltonika.frames import Fix
from simulators.protocols.teltonika.server import TeltonikaTerminal
from tests.conftest import TestServer
from tests.contract.wire import eventually

SITE = "site-a"
WITHIN_S = 30.0
TEST = Caller.product("test")
IMEI = "356307042441013"
YARD = Fix(29.712345, 115.987654, 20, 90, 36, 11)


@dataclass
class Yard:
    """A running edge that terminals can dial."""

    database: Database
    edge: Edge
    turned_away: list[TurnedAway] = field(default_factory=list)

    async def enrol(self, device_id: str, family: str, **connection: Any) -> None:
        async with self.database.write(TEST) as tx:
            await enrol_device(
                EnrolDevice(site_id=SITE, device_id=device_id, family=family, connection=connection), tx
            )

    async def retire(self, device_id: str) -> None:
        async with self.database.write(TEST) as tx:
            await retire_device(RetireDevice(device_id=device_id), tx)

    async def set_aside(self, device_id: str) -> list[tuple[str, str]]:
        """Site and field of what quarantine holds of a device or stranger, once there is something."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                async with self.database.write(TEST) as tx:
                    rows = await tx.rows(
                        "SELECT site_id, field, rule FROM devices.quarantine WHERE device_id = %(name)s",
                        {"name": device_id},
                    )
                if rows:
                    return sorted((row["site_id"] or "", row["field"]) for row in rows)
                await asyncio.sleep(0.05)

    async def positions(self, device_id: str) -> list[PositionReading]:
        async with self.database.write(TEST) as tx:
            journal = await journal_after(tx, SITE, 0, 1_000)
        return [
            one.observation.reading
            for one in journal
            if one.observation.device_id == device_id and isinstance(one.observation.reading, PositionReading)
        ]


@pytest.fixture
async def yard(database_server: TestServer, tmp_path: Path) -> AsyncIterator[Yard]:
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        copied = await stack.enter_async_context(database_server.copy())
        database = Database(copied.app_dsn, clock, Ids.unguessable(clock))
        await database.open()
        stack.push_async_callback(database.close)
        wake = Wake(copied.app_dsn)
        refused: list[TurnedAway] = []
        refusals = Refusals(clock)

        def turn_away(name: str, field: str, rule: str, said: bytes) -> None:
            refused.append(TurnedAway(name, field, rule, said))
            refusals.note(name, field, rule, said)

        edge = Edge(
            database,
            wake,
            clock,
            Spool(tmp_path / "spool", 1_000_000),
            Keys(tmp_path / "keys"),
            SnapshotStore(tmp_path / "snapshots", clock, 10_000_000, timedelta(days=1)),
            broker=None,
            ports={name: 0 for name, family in FAMILIES.items() if family.reach == "listens"},
            turn_away=turn_away,
        )
        tasks = await stack.enter_async_context(Tasks())
        for name, work in {
            "wake": wake.run,
            "refusals": partial(refusals.run, database),
            **edge.works(),
        }.items():
            tasks.start(name, work)
        async with asyncio.timeout(WITHIN_S):
            while not (edge.ports.port_of("teltonika") and edge.ports.port_of("jt808")):
                await asyncio.sleep(0.01)
        yield Yard(database, edge, refused)


def a_truck(yard: Yard, imei: str = IMEI) -> TeltonikaTerminal:
    return TeltonikaTerminal("127.0.0.1", yard.edge.ports.port_of("teltonika"), imei, SystemClock())


async def test_a_terminals_positions_are_in_the_journal_when_it_is_told_to_forget_them(yard: Yard) -> None:
    await yard.enrol("truck", "teltonika", imei=IMEI)
    async with a_truck(yard) as truck:
        for speed_kmh in range(100):
            truck.report(YARD._replace(speed_kmh=speed_kmh))
        await truck.settled(WITHIN_S)
        assert len(await yard.positions("truck")) == 100
    async with yard.database.write(TEST) as tx:
        [audited] = await audit(tx)
    assert audited.findings == []


async def test_a_terminal_is_admitted_as_soon_as_it_is_enrolled_and_let_go_when_it_is_retired(
    yard: Yard,
) -> None:
    async with a_truck(yard) as truck:
        truck.report(YARD)
        await truck.refused(WITHIN_S)
        assert yard.turned_away[0][:3] == (IMEI, "imei", "of an enrolled terminal")
        await yard.enrol("truck", "teltonika", imei=IMEI)
        await truck.settled(WITHIN_S)
        refused = truck.refused_count
        await yard.retire("truck")
        async with asyncio.timeout(WITHIN_S):
            while truck.refused_count == refused:
                truck.report(YARD)
                await asyncio.sleep(0.05)
    assert len(await yard.positions("truck")) >= 1


async def test_strangers_and_clones_stand_in_quarantine(yard: Yard) -> None:
    await yard.enrol("truck", "teltonika", imei=IMEI)
    async with a_truck(yard, "356307042449999") as stranger:
        stranger.report(YARD)
        assert await yard.set_aside("356307042449999") == [("", "imei")]
    async with a_truck(yard) as truck, a_truck(yard) as clone:
        for terminal in (truck, clone) * 3:
            terminal.report(YARD)
            await terminal.settled(WITHIN_S)
        assert await yard.set_aside("truck") == [(SITE, "identity")]


async def test_a_retired_terminals_goodbye_is_no_reading_of_it(yard: Yard) -> None:
    await yard.enrol("truck", "teltonika", imei=IMEI)
    async with a_truck(yard) as truck:
        truck.report(YARD)
        await truck.settled(WITHIN_S)
        await yard.retire("truck")
        await eventually(lambda: yard.edge.ports.connections_of("teltonika") == 0)
        truck.report(YARD)
        await truck.refused(WITHIN_S)
    async with yard.database.write(TEST) as tx:
        rows = await tx.rows("SELECT field, rule FROM devices.quarantine WHERE device_id = 'truck'")
    assert rows == []


async def test_no_two_devices_in_service_share_a_terminal(yard: Yard) -> None:
    await yard.enrol("truck", "teltonika", imei=IMEI)
    with pytest.raises(Conflict, match=r"devices\.terminal_taken"):
        await yard.enrol("other", "teltonika", imei=IMEI)
    await yard.enrol("truck", "teltonika", imei=IMEI)
    await yard.retire("truck")
    await yard.enrol("other", "teltonika", imei=IMEI)


@pytest.mark.parametrize("imei", ["", "35630704244101", "35630704244101x", 356307042441013])
async def test_an_imei_is_fifteen_digits(yard: Yard, imei: object) -> None:
    with pytest.raises(Invalid) as refused:
        await yard.enrol("truck", "teltonika", imei=imei)
    assert refused.value.facts == {"field": "connection.imei", "rule": "15 digits"}


async def test_a_code_is_issued_anew_until_it_is_used_and_again_after_enrolling(yard: Yard) -> None:
    async def known() -> tuple[str | None, bool]:
        async with yard.database.write(TEST) as tx:
            [row] = await terminals(tx, [SITE])
        return row.code_sha256, row.is_code_used

    async def issue(sha256: str) -> bool:
        async with yard.database.write(TEST) as tx:
            return await issue_code(tx, "truck", sha256)

    async def shown(sha256: str) -> None:
        async with yard.database.write(TEST) as tx:
            await note_code_shown(tx, "truck", sha256)

    first, second = secrets.token_hex(32), secrets.token_hex(32)
    await yard.enrol("truck", "teltonika", imei=IMEI)
    assert await known() == (None, False)
    assert await issue(first)
    assert await issue(second)
    await shown(first)
    assert await known() == (second, False)
    await shown(second)
    assert await known() == (second, True)
    assert not await issue(first)
    await yard.enrol("truck", "teltonika", imei=IMEI)
    assert await known() == (None, False)
    assert await issue(first)
    await yard.retire("truck")
    assert not await issue(second)


async def test_an_edge_of_other_sites_admits_none_of_this_one(yard: Yard) -> None:
    await yard.enrol("truck", "teltonika", imei=IMEI)

    async def listed(tx: PgTx, *sites: str) -> list[str]:
        return [row.device_id for row in await terminals(tx, sites)]

    async with yard.database.write(TEST) as tx:
        assert await listed(tx) == await listed(tx, SITE) == ["truck"]
        assert await listed(tx, "site-b") == []


# --- JT/T 808 ----------------------------------------------------------------------------------------

NUMBER = "013800138000"


def a_lorry(yard: Yard, code: str = "") -> Jt808Terminal:
    return Jt808Terminal("127.0.0.1", yard.edge.ports.port_of("jt808"), NUMBER, SystemClock(), code=code)


async def test_a_terminal_registers_once_and_its_code_is_kept_as_a_digest(yard: Yard) -> None:
    await yard.enrol("lorry", "jt808", terminal_number=NUMBER)
    async with a_lorry(yard) as lorry:
        for speed in range(50):
            lorry.report(Place(29.712345, 115.987654, speed_dkmh=speed))
        await lorry.settled(WITHIN_S)
        assert len(await yard.positions("lorry")) == 50
    async with yard.database.write(TEST) as tx:
        row = await tx.row("SELECT code_sha256, code_used_at FROM devices.device WHERE device_id = 'lorry'")
    assert row is not None
    assert row["code_sha256"] == code_digest(lorry.code)
    assert row["code_used_at"] is not None
    async with a_lorry(yard) as again:
        await again.until(lambda: again.register_results, WITHIN_S)
    assert again.register_results[0] == 3
    assert yard.turned_away[-1][:2] == ("lorry", "registration")


async def test_enrolling_anew_ends_the_connection_and_opens_the_registration(yard: Yard) -> None:
    await yard.enrol("lorry", "jt808", terminal_number=NUMBER)
    async with a_lorry(yard) as lorry:
        lorry.report(Place(29.712345, 115.987654))
        await lorry.settled(WITHIN_S)
        await yard.enrol("lorry", "jt808", terminal_number=NUMBER)
        await lorry.until(lambda: 1 in lorry.authenticate_results, WITHIN_S)
    async with a_lorry(yard) as anew:
        anew.report(Place(29.712346, 115.987654))
        await anew.settled(WITHIN_S)
    assert anew.code != lorry.code
    assert len(await yard.positions("lorry")) == 2


async def test_stored_positions_of_a_blind_spot_are_in_the_journal_once(yard: Yard) -> None:
    await yard.enrol("lorry", "jt808", terminal_number=NUMBER)
    async with a_lorry(yard) as lorry:
        for round_number in range(3):
            for speed in range(40):
                lorry.report(Place(29.712345, 115.987654, speed_dkmh=100 * round_number + speed))
            lorry.cut()
            lorry.mend()
        await lorry.settled(WITHIN_S)
    assert len(await yard.positions("lorry")) == 120
