"""Labels of pallets: what they say, and which of them is a copy."""

import pytest

from app.database import PgTx
from devices.api import settle_order, take_orders
from devices.messages import EnrolDevice
from kernel.errors import Invalid, NotFound
from tests.store.wms.building import SITE, Warehouse, sscc
from wms.messages import AdjustStock, LabelOrdered, PrintPalletLabel

PRINTER = "printer-1"
AGAIN = "the first one tore"


@pytest.fixture
async def pallet(warehouse: Warehouse) -> str:
    """A pallet of a site that has a printer."""
    await enrol(warehouse, PRINTER, "zpl_printer")
    [unit_id] = await warehouse.stock(1)
    return unit_id


async def enrol(warehouse: Warehouse, device_id: str, family: str, site_id: str = SITE) -> None:
    connection = {"host": "127.0.0.1", **({} if family == "zpl_printer" else {"port": 502})}
    await warehouse.do(
        EnrolDevice(site_id=site_id, device_id=device_id, family=family, connection=connection)
    )


async def ordered(warehouse: Warehouse, unit_id: str, reason: str = "") -> LabelOrdered:
    answer = await warehouse.do(PrintPalletLabel(unit_id=unit_id, device_id=PRINTER, reason=reason))
    assert isinstance(answer, LabelOrdered)
    return answer


async def test_a_label_says_what_the_books_have_on_the_pallet(
    warehouse: Warehouse, tx: PgTx, pallet: str
) -> None:
    await warehouse.do(AdjustStock(unit_id=pallet, counted_each=40, reason="counted"))
    first = await ordered(warehouse, pallet)
    [order] = [one for one in await take_orders(tx) if one.device_id == PRINTER]
    assert (order.command_id, order.action, order.ref_id) == (first.command_id, "print_label", pallet)
    assert order.parameters == {
        "sscc": sscc(1),
        "name_en": "Item 85123A",
        "name_zh": "商品 85123A",
        "sku": "85123A",
        "lot": order.parameters["lot"],
        "quantity_each": 40,
        "mass_g": 240_000,
        "is_copy": False,
    }


@pytest.mark.parametrize(
    ("became", "is_copy"),
    [("waits", True), ("printed", True), ("unconfirmed", True), ("paper_out", False), ("expired", False)],
)
async def test_a_label_is_a_copy_once_one_was_or_may_have_been_printed(
    warehouse: Warehouse, tx: PgTx, pallet: str, became: str, is_copy: bool
) -> None:
    assert not (await ordered(warehouse, pallet)).is_copy
    if became != "waits":
        [order] = await take_orders(tx)
        await settle_order(tx, order, None if became == "printed" else became)
    if is_copy:
        with pytest.raises(Invalid, match=r"labels\.reason"):
            await ordered(warehouse, pallet)
    assert (await ordered(warehouse, pallet, AGAIN)).is_copy is is_copy


async def test_a_label_comes_from_a_printer_of_the_pallets_site(
    warehouse: Warehouse, pallet: str, as_caller
) -> None:
    await enrol(warehouse, "boom-2", "modbus_barrier")
    async with as_caller("product") as product:
        elsewhere = EnrolDevice(
            site_id="site-b", device_id="printer-b", family="zpl_printer", connection={"host": "127.0.0.1"}
        )
        await warehouse.do(elsewhere, product)
    for device_id in ("nobody", "printer-b"):
        with pytest.raises(NotFound):
            await warehouse.do(PrintPalletLabel(unit_id=pallet, device_id=device_id))
    with pytest.raises(Invalid):
        await warehouse.do(PrintPalletLabel(unit_id=pallet, device_id="boom-2"))
    with pytest.raises(NotFound):
        await warehouse.do(PrintPalletLabel(unit_id="unit_x", device_id=PRINTER))
    async with as_caller("keeper-b", "keeper") as stranger:
        with pytest.raises(NotFound):
            await warehouse.do(PrintPalletLabel(unit_id=pallet, device_id=PRINTER), stranger)
