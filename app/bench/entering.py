"""A simulated warehouse as people enter it: layout, devices that a second party accepts, its stock."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from app.bench.watch import BENCH
from app.database import Database
from app.relay import Relay
from app.simulate.site import SimulatedSite
from app.wake import Wake
from app.wiring import all_subscribers
from devices.api import make_partitions
from devices.families import FAMILIES
from devices.messages import AcceptDevice, EnrolDevice, SetSiteBounds
from devices.registry.handlers import accept_device, enrol_device, set_site_bounds
from identity.messages import AddParty
from identity.parties.handlers import add_party
from kernel.caller import Caller
from kernel.clock import ManualClock
from kernel.gs1 import epc_from_sscc
from kernel.ids import Ids
from kernel.layout import Layout, Mount
from kernel.tx import Tx
from simulators.sites.warehouse import COMPANY_PREFIX, Paper
from twin import api as twin
from twin.folding import import_layout_and_place
from twin.messages import UNITS_MAX, ExpectedArrival, ImportLayout, UnitDeclaration

KEEPER = "keeper"
INSPECTOR = Caller(person_id="inspector", party_id=KEEPER, roles=frozenset())
"""Of the party that did not enrol the devices."""
BEFORE = timedelta(hours=1)
"""So long before the world begins is everything entered."""
PARTITION_DAYS = 7
UNREACHABLE_PORT = 9
"""Nobody dials: what devices say is handed in."""


async def enter_site(app_dsn: str, site: SimulatedSite, days: int) -> None:
    """Enter the site and its opening stock, an hour before its world begins; the journal has partitions for
    `days` from then on."""
    clock = ManualClock(site.start - BEFORE)
    database = Database(app_dsn, clock, Ids.unguessable(clock))
    await database.open()
    try:
        async with database.write(BENCH) as tx:
            for day in range(0, days + 1, PARTITION_DAYS):
                await make_partitions(tx, (site.start + timedelta(days=day)).date())
            await enter_layout(tx, site.layout)
            for mount in site.layout.mounts:
                await _enrol(tx, site, mount)
        async with database.write(INSPECTOR) as tx:
            for mount in site.layout.mounts:
                await _accept(tx, mount)
        relay = Relay(database, Wake(app_dsn), all_subscribers())
        while await relay.step():
            pass
        await _declare(database, _opening_stock(site))
    finally:
        await database.close()


async def enter_layout(tx: Tx, layout: Layout) -> None:
    """Enter the keeper, the layout, and how far the site reaches."""
    await add_party(AddParty(kind="keeper", name="Bench", party_id=KEEPER), tx)
    await import_layout_and_place(ImportLayout(layout=layout, keeper_party_id=KEEPER), tx)
    bounds = SetSiteBounds(
        site_id=layout.site_id,
        width_mm=layout.width_mm,
        length_mm=layout.length_mm,
        height_mm=layout.height_mm,
    )
    await set_site_bounds(bounds, tx)


async def enter_paper(tx: Tx, site_id: str, paper: Any) -> None:
    """A delivery is announced: its units and its truck. What may leave the twin is not told, so that every
    exit is an alarm."""
    if not isinstance(paper, Paper) or paper.direction != "in":
        return
    units = [
        _unit(site_id, sscc, paper.lots[sscc], expected_mass_g=paper.stated_g[sscc]) for sscc in paper.ssccs
    ]
    vehicle_id = f"truck-{paper.plate}"
    await twin.declare_units(tx, units)
    await twin.declare_vehicle(tx, vehicle_id, site_id, None, paper.plate)
    arrival = ExpectedArrival(
        delivery_id=f"delivery-{paper.ssccs[0]}",
        site_id=site_id,
        vehicle_id=vehicle_id,
        unit_ids=list(paper.ssccs),
        expected_net_g=sum(paper.stated_g.values()),
    )
    await twin.expect_arrival(tx, arrival)


async def _enrol(tx: Tx, site: SimulatedSite, mount: Mount) -> None:
    family = FAMILIES[mount.family]
    where = {"host": "127.0.0.1", "port": UNREACHABLE_PORT}
    wanted = {name: where[name] for name in where if name in family.parameters}
    await enrol_device(
        EnrolDevice(
            site_id=site.layout.site_id,
            device_id=mount.mount_id,
            family=mount.family,
            mount_id=mount.mount_id,
            connection={**wanted, **site.settings.get(mount.mount_id, {})},
            secret=f"{mount.mount_id:-<32}" if family.reach in ("broker", "http") else "",
        ),
        tx,
    )


async def _accept(tx: Tx, mount: Mount) -> None:
    family = FAMILIES[mount.family]
    if family.is_witness:
        secret = f"{mount.mount_id:+<32}" if family.reach == "broker" else ""
        await accept_device(AcceptDevice(device_id=mount.mount_id, enrolment=1, secret=secret), tx)


def _opening_stock(site: SimulatedSite) -> list[UnitDeclaration]:
    return [_unit(site.layout.site_id, sscc, lot_id) for sscc, (lot_id, _) in site.books.items()]


async def _declare(database: Database, units: Sequence[UnitDeclaration]) -> None:
    for start in range(0, len(units), UNITS_MAX):
        async with database.write(BENCH) as tx:
            await twin.declare_units(tx, units[start : start + UNITS_MAX])


def _unit(site_id: str, sscc: str, lot_id: str, expected_mass_g: int | None = None) -> UnitDeclaration:
    return UnitDeclaration(
        unit_id=sscc,
        site_id=site_id,
        lot_id=lot_id,
        sku=lot_id,
        owner_party_id="owner",
        sscc=sscc,
        epc_hex=epc_from_sscc(sscc, len(COMPANY_PREFIX)),
        quantity_each=1,
        expected_mass_g=expected_mass_g,
    )
