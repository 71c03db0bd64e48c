"""A site where everything there is exists: stock, work, orders, a loan, a freeze and a proposed thaw."""

from datetime import timedelta
from typing import Any

from devices.messages import AcceptDevice, EnrolDevice
from finance.messages import (
    ApproveDrawdown,
    ApprovePrice,
    IssueReceipt,
    OpenFacility,
    PledgeReceipt,
    ProposeDrawdown,
    ProposeThaw,
    RepayLoan,
    SetPrice,
)
from kernel.caller import Caller
from kernel.gs1 import epc_from_giai, epc_from_sscc, make_sscc
from tests.http.living_site import EACH, PALLET_G, PREFIX, SKU, SLOTS, TRUCK_G, LivingSite, Lot
from wms.messages import (
    AllocateOrder,
    DeclareOpeningStock,
    ImportedInvoice,
    ImportOrders,
    ImportRow,
    OpeningRow,
    OrderLine,
    PlaceOrder,
    ProposeTare,
    RecordScans,
    RegisterVisit,
    ReleaseShipment,
    Scan,
)

SOURCE = "walk.csv"
SECRET = "a-credential-of-the-whole-world"

Ids = dict[str, str]
"""Names of path parameters to ids of things of one site."""


async def fill(site: LivingSite) -> Ids:
    """Make one of everything; returns the ids by the names that routes give them."""
    lot = await site.receive(3)
    ids: Ids = {"site_id": site.site_id, "lot_id": lot.lot_id, "unit_id": lot.unit_ids[0]}
    ids["device_id"] = site.device("gate-1-barrier")
    ids["printer_id"] = await _printer(site)
    await site.move("person-1", 35.0, 33.0)
    await site.turn_barrier(is_open=False)
    ids |= await _arriving(site)
    ids |= await _shipping(site)
    ids |= await _lending(site, lot)
    ids |= await _freezing(site, lot, ids)
    return ids


async def _printer(site: LivingSite) -> str:
    """A label printer."""
    device_id = site.device("printer-1")
    command = EnrolDevice(
        site_id=site.site_id, device_id=device_id, family="zpl_printer", connection={"host": "127.0.0.1"}
    )
    await site.do(command, site.keeper, "keeper")
    return device_id


async def _arriving(site: LivingSite) -> Ids:
    """A delivery whose pallets wait to be put away, and a vehicle that is expected, its empty mass stated."""
    lot = await site.announce(2)
    await site.drive_in(lot.truck_epc, lot.pallets)
    [task, *_] = await _rows(
        site, "SELECT task_id FROM wms.task WHERE unit_id = ANY(%(units)s)", units=list(lot.unit_ids)
    )
    tag = epc_from_giai(PREFIX, 8_888)
    expected = RegisterVisit(site_id=site.site_id, plate=f"WAIT-{site.letter}", epc_hex=tag)
    visit = await site.do(expected, site.keeper, "operator")
    stated = ProposeTare(
        site_id=site.site_id, vehicle_id=visit.vehicle_id, mass_g=9_000_000, document="Licence 8888"
    )
    tare = await site.do(stated, site.keeper, "keeper")
    return {
        "task_id": task["task_id"],
        "delivery_id": lot.delivery_id,
        "visit_id": visit.visit_id,
        "tare_id": tare.tare_id,
    }


async def _shipping(site: LivingSite) -> Ids:
    """Opening stock, an order that is picked and released, one that waits, and an imported file."""
    rows = tuple(_opening_row(site, number) for number in range(1, 4))
    await site.do(DeclareOpeningStock(site_id=site.site_id, rows=rows), site.keeper, "keeper")
    _, vehicle_id = await site.pickup_truck()
    picked, waiting = [await _order(site, name) for name in ("picked", "waiting")]
    await site.do(AllocateOrder(order_id=picked), site.keeper, "operator")
    await _pick(site, picked)
    release = await site.do(
        ReleaseShipment(order_id=picked, gate_id="gate-1", vehicle_id=vehicle_id), site.keeper, "operator"
    )
    row = ImportRow(row_number=1, sku="NOT-KNOWN", quantity_each=1, price_milli=100)
    invoice = ImportedInvoice(reference="1", customer="c", placed_at=site.clock.now(), rows=(row,))
    imported = ImportOrders(
        site_id=site.site_id, source=SOURCE, owner_party_id=site.owner, invoices=(invoice,)
    )
    await site.do(imported, site.keeper, "operator")
    return {
        "order_id": waiting,
        "release_id": release.release_id,
        "vehicle_id": vehicle_id,
        "source": SOURCE,
    }


def _opening_row(site: LivingSite, number: int) -> OpeningRow:
    sscc = make_sscc(PREFIX, 3, 1_000 * ord(site.letter) + number)
    return OpeningRow(
        sscc=sscc,
        epc_hex=epc_from_sscc(sscc, len(PREFIX)),
        sku=SKU,
        lot="OPENING",
        quantity_each=EACH,
        mass_g=PALLET_G,
        slot_id=SLOTS[-number].slot_id,
        owner_party_id=site.owner,
    )


async def _order(site: LivingSite, reference: str) -> str:
    line = OrderLine(sku=SKU, quantity_each=EACH)
    placed = await site.do(
        PlaceOrder(
            site_id=site.site_id,
            reference=reference,
            customer="customer",
            owner_party_id=site.owner,
            lines=(line,),
        ),
        site.keeper,
        "operator",
    )
    return str(placed.order_id)


async def _pick(site: LivingSite, order_id: str) -> None:
    """Scan every pick of an order."""
    tasks = await _rows(
        site,
        """SELECT t.task_id, u.sscc FROM wms.task t JOIN wms.unit u USING (unit_id)
        WHERE t.order_id = %(order)s""",
        order=order_id,
    )
    scans = tuple(
        Scan(sequence=number, observed_at=site.clock.now(), code=task["sscc"], task_id=task["task_id"])
        for number, task in enumerate(tasks, start=1)
    )
    command = RecordScans(site_id=site.site_id, device_id=site.device("pda-1"), boot=1, scans=scans)
    recorded = await site.do(command, site.keeper, "picker")
    assert {result.outcome for result in recorded.results} == {"done"}


async def _lending(site: LivingSite, lot: Lot) -> Ids:
    """A pledged receipt, a loan with a repayment, and a drawdown that waits for approval."""
    facility = await site.do(
        OpenFacility(borrower_party_id=site.owner, site_id=site.site_id, limit_fen=900_000, rate="0.0435"),
        site.bank,
        "officer",
    )
    tracker = f"tracker-{site.letter}"
    enrol = EnrolDevice(site_id=site.site_id, device_id=tracker, family="mqtt_position", secret=SECRET)
    await site.do(enrol, site.keeper, "admin")
    await site.do(AcceptDevice(device_id=tracker, enrolment=1, secret=SECRET), site.bank, "officer")
    now = site.clock.now()
    price = SetPrice(sku=SKU, price_fen_each=12_345, source="Exchange", quoted_at=now)
    first = await site.do(price, site.bank, "officer")
    await site.do(ApprovePrice(price_id=first.price_id), site.bank, "approver", person_id="person-approver")
    higher = await site.do(
        SetPrice(sku=SKU, price_fen_each=12_400, source="Exchange", quoted_at=now), site.bank, "officer"
    )
    receipt = await site.do(
        IssueReceipt(
            lot_id=lot.lot_id,
            depositor_party_id=site.owner,
            storage_until=(now + timedelta(days=180)).date(),
            loss_standard="0.1 %",
            insurance="All risks",
            fee_terms="0.50 CNY per tonne and day",
        ),
        site.keeper,
        "keeper",
    )
    await site.do(
        PledgeReceipt(receipt_id=receipt.receipt_id, facility_id=facility.facility_id), site.owner, "borrower"
    )
    drawn, waiting = [await _proposed(site, facility.facility_id) for _ in range(2)]
    loan = await site.do(
        ApproveDrawdown(drawdown_id=drawn), site.bank, "approver", person_id="person-approver"
    )
    paid = await site.do(RepayLoan(loan_id=loan.loan_id, amount_fen=1_000), site.bank, "officer")
    return {
        "facility_id": facility.facility_id,
        "receipt_id": receipt.receipt_id,
        "loan_id": loan.loan_id,
        "drawdown_id": waiting,
        "entry_id": paid.entry_id,
        "price_id": higher.price_id,
        "tracker": tracker,
    }


async def _proposed(site: LivingSite, facility_id: str) -> str:
    maturity = (site.clock.now() + timedelta(days=90)).date()
    proposal = ProposeDrawdown(facility_id=facility_id, amount_fen=100_000, maturity_on=maturity)
    return str((await site.do(proposal, site.bank, "officer")).drawdown_id)


async def _freezing(site: LivingSite, lot: Lot, ids: Ids) -> Ids:
    """Pledged pallets are driven to the gate without leave; back in their slots, a thaw is proposed."""
    truck, _ = await site.pickup_truck()
    taken = lot.pallets[:1]
    await site.drive_out(truck, taken, TRUCK_G + PALLET_G)
    [alarm] = await _rows(
        site,
        "SELECT alarm_id FROM twin.alarm WHERE site_id = %(site)s AND grade = 'freeze'",
        site=site.site_id,
    )
    await site.hear([truck, taken[0].epc_hex], antenna=2)
    await site.put_down(taken)
    sighting = f"{site.device('forklift-1')}:1:{site.sequence_of('forklift-1')}"
    thaw = await site.do(
        ProposeThaw(facility_id=ids["facility_id"], reason="It is back.", evidence_ids=(sighting,)),
        site.bank,
        "officer",
    )
    return {"alarm_id": alarm["alarm_id"], "thaw_id": thaw.thaw_id, "observation_id": sighting}


async def _rows(site: LivingSite, sql: str, /, **params: Any) -> list[dict[str, Any]]:
    async with site.database.write(Caller.product("test")) as tx:
        return await tx.rows(sql, params)
