"""A keeper's day in a real browser: a device enrolled, a delivery announced, an order placed and released."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from app.api_client import ApiClient
from app.demo.accounts import OWNER, Account
from app.demo.program import Program
from app.demo.run import read_scenario
from app.demo.seeding import declare_opening_stock, import_layout, register_items
from app.demo.stock import GOODS, OpeningPallet
from kernel.clock import SystemClock
from kernel.gs1 import epc_from_giai, epc_from_sscc, make_sscc
from kernel.ids import Ids
from simulators.protocols.pda.server import Handheld, SignIn, enrol
from tests.e2e.conftest import WAIT_MS, keep_picture, open_accounts, sign_in
from tests.e2e.test_bad_input import HERE, SITE, free_ports

SKU, _, _, PIECE_G = GOODS[0]
PIECES = 40
PREFIX = "6901234"
IN_RACK = OpeningPallet(
    sscc=make_sscc(PREFIX, 3, 1),
    epc_hex=epc_from_sscc(make_sscc(PREFIX, 3, 1), 7),
    sku=SKU,
    lot="OPENING-1",
    quantity_each=PIECES,
    mass_g=PIECES * PIECE_G + 20_000,
    slot_id="A01-01-1",
    owner_party_id=OWNER,
)


@dataclass
class Site:
    """A warehouse with one pallet in its racks and no device, run by the product."""

    address: str
    accounts: dict[str, Account]
    picker: ApiClient
    admin: ApiClient


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("keeper-pages")
    web, mqtt = free_ports(2)
    address = f"http://{HERE}:{web}"
    environment = {
        "TALLYHOUSE_DATA_DIR": str(folder),
        "TALLYHOUSE_PORT": str(web),
        "TALLYHOUSE_MQTT_PORT": str(mqtt),
    }
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(Program(address, environment, folder / "program.log", print))
        accounts = await open_accounts(folder)
        clients = [await stack.enter_async_context(ApiClient(address)) for _ in range(2)]
        for name, client in zip(("picker", "admin"), clients, strict=True):
            await client.sign_in(name, accounts[name].password)
        layout, _ = read_scenario()
        await import_layout(clients[1], layout)
        await register_items(clients[1], GOODS[:1])
        await declare_opening_stock(clients[1], SITE, [IN_RACK])
        yield Site(address, accounts, *clients)


@pytest.fixture
async def keeper(site: Site, browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = await context.new_page()
    await sign_in(page, site.address, site.accounts["keeper"], "/viewer/#devices")
    yield page
    await context.close()


async def choose(page: Page, dialog: Locator, label: str, option: str) -> None:
    await dialog.get_by_label(re.compile(f"^{label}")).click()
    await page.locator(".ant-select-item-option").filter(has_text=option).first.click()


async def pick(site: Site) -> None:
    """The picker brings what the order wants to the dock, scan by scan."""
    issued = await site.admin.post(f"/sites/{SITE}/devices/pda/enrolment-codes")
    async with httpx.AsyncClient(base_url=site.address) as client:
        device_id, token = await enrol(client, issued["enrolment_code"])
    person = SignIn("picker", site.accounts["picker"].password)
    clock = SystemClock()
    [task] = [row for row in await site.picker.items(f"/sites/{SITE}/tasks") if row["kind"] == "pick"]
    await site.picker.post(f"/tasks/{task['task_id']}/claim")
    async with Handheld(site.address, device_id, token, person, clock, Ids.unguessable(clock)) as handheld:
        answer = await handheld.scan(IN_RACK.sscc, IN_RACK.slot_id, task_id=task["task_id"])
    assert answer["outcome"] == "done", answer


async def test_a_keeper_enrols_announces_places_and_releases_on_pages(site: Site, keeper: Page) -> None:
    # A device at a free mount of the layout; its secret is shown once.
    dialog = keeper.get_by_role("dialog")
    await keeper.get_by_role("button", name="Enrol a device").click(timeout=WAIT_MS)
    await choose(keeper, dialog, "Kind of device", "Forklift and person positions")
    await choose(keeper, dialog, "Mount", "forklift-1")
    await dialog.get_by_role("button", name="Enrol", exact=True).click()
    assert len(await dialog.get_by_test_id("credential").inner_text()) >= 24
    await keep_picture(keeper, "keeper-enrolled")
    await dialog.get_by_role("button", name="Close", exact=True).last.click()
    await expect(keeper.get_by_role("row").filter(has_text="forklift-1")).to_contain_text("Not heard yet")

    # A delivery, pasted as CSV: what the server refuses is marked in its line, then it is put right.
    await keeper.get_by_role("link", name="In and out").click()
    await keeper.get_by_role("button", name="Announce a delivery").click(timeout=WAIT_MS)
    await choose(keeper, dialog, "Owner", "Owner A")
    await choose(keeper, dialog, "SKU", SKU)
    await dialog.get_by_label("Lot code").fill("CU-1")
    await dialog.get_by_label("Plate").fill("TEST-0001")
    await dialog.get_by_label("Windscreen tag").fill(epc_from_giai(PREFIX, 1))
    codes = [make_sscc(PREFIX, 4, number) for number in (1, 2)]
    rows = "\n".join(f"{code},{epc_from_sscc(code, 7)},{PIECES},10" for code in codes)
    await dialog.get_by_label("SSCC 1", exact=True).evaluate(
        """(cell, text) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text", text);
          cell.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }""",
        f"SSCC,Tag,Pieces,Mass\n{rows}",
    )
    await dialog.get_by_role("button", name="Announce 2 pallets").click()
    mass = dialog.get_by_label("Mass with pallet, kg 1", exact=True)
    await expect(mass).to_have_attribute("aria-invalid", "true", timeout=WAIT_MS)
    await keep_picture(keeper, "keeper-refused")
    for number in (1, 2):
        cell = dialog.get_by_label(f"Mass with pallet, kg {number}", exact=True)
        await cell.fill(str(PIECES * PIECE_G / 1_000 + 20))
    await dialog.get_by_role("button", name="Announce 2 pallets").click()
    await expect(keeper.get_by_test_id("deliveries")).to_contain_text("0 of 2 seen", timeout=WAIT_MS)

    # An order, the stock promised to it, the vehicle that collects it, and its release.
    await keeper.get_by_role("button", name="Place an order").click()
    await dialog.get_by_label("Reference").fill("SO-1")
    await dialog.get_by_label("Customer").fill("Customer 1")
    await dialog.get_by_label("SKU 1", exact=True).fill(SKU)
    await dialog.get_by_label("Pieces 1", exact=True).fill(str(PIECES))
    await dialog.get_by_role("button", name="Place the order").click()
    orders = keeper.get_by_test_id("orders")
    await orders.get_by_role("button", name="Promise stock").click(timeout=WAIT_MS)
    await dialog.get_by_role("button", name="Promise stock").click()
    await expect(orders).to_contain_text("allocated", timeout=WAIT_MS)
    await keeper.get_by_role("button", name="Expect a vehicle").click()
    await dialog.get_by_label("Plate").fill("TEST-0002")
    await dialog.get_by_label("Windscreen tag").fill(epc_from_giai(PREFIX, 2))
    await dialog.get_by_role("button", name="Expect it").click()
    await expect(keeper.get_by_test_id("visits")).to_contain_text("TEST-0002", timeout=WAIT_MS)
    await pick(site)
    await orders.get_by_role("button", name="Release").click(timeout=WAIT_MS)
    await choose(keeper, dialog, "Vehicle", "TEST-0002")
    await dialog.get_by_role("button", name="Release", exact=True).click()
    await expect(keeper.get_by_test_id("releases")).to_contain_text("TEST-0002", timeout=WAIT_MS)
    await keep_picture(keeper, "keeper-released")
