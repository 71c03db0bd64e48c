"""The handheld page in a real browser on the running product: enrolment, refusals, scans without a line."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from app.api_client import ApiClient
from kernel.gs1 import make_sscc
from tests.e2e.conftest import WAIT_MS, Demo, keep_picture, start_demo, stop_demo

pytestmark = pytest.mark.e2e

SITE = "/sites/site-demo"
STRANGER = make_sscc("6901234", 9, 999_999_999)
"""A pallet that no site knows."""


@pytest.fixture(scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    demo, reading = await start_demo(tmp_path_factory.mktemp("demo"), "--seed", "12", "--pace", "6")
    demo.address = (await demo.says("ready after")).split("open ")[1].split("/viewer/")[0]
    yield demo
    await stop_demo(demo, reading)


@pytest.fixture(scope="module")
async def operator(demo: Demo) -> AsyncIterator[ApiClient]:
    async with ApiClient(demo.address) as client:
        await client.sign_in("operator", demo.accounts["operator"].password)
        yield client


@pytest.fixture(scope="module")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(
        viewport={"width": 360, "height": 640}, locale="zh-CN", has_touch=True
    )
    yield context
    await context.close()


@pytest.fixture(scope="module")
async def handheld(demo: Demo, context: BrowserContext) -> Page:
    """A browser enrolled by the keeper's code, with the picker signed in."""
    async with ApiClient(demo.address) as keeper:
        await keeper.sign_in("keeper", demo.accounts["keeper"].password)
        issued = await keeper.post(f"{SITE}/devices/pda/enrolment-codes")
    page = await context.new_page()
    await page.goto(f"{demo.address}{issued['url']}")
    await page.locator("a.action").click()
    picker = demo.accounts["picker"]
    await page.locator("[name=username]").fill(picker.username)
    await page.locator("[name=password]").fill(picker.password)
    await page.locator("form button[type=submit]").click()
    await expect(page.locator(".prompt")).to_be_visible(timeout=WAIT_MS)
    await page.evaluate("navigator.serviceWorker.ready")
    return page


async def scan(page: Page, code: str, identifier: str = "]C1") -> None:
    """Type a code as a wedge scanner does: AIM identifier, code, Enter."""
    await page.keyboard.type(f"{identifier}{code}")
    await page.keyboard.press("Enter")


async def scans_of(operator: ApiClient, codes: list[str]) -> list[dict[str, Any]]:
    rows = await operator.items(f"{SITE}/scans")
    return [row for row in rows if row["code"] in codes]


async def test_the_enrolment_code_is_not_left_in_the_address(handheld: Page) -> None:
    assert "enrol" not in handheld.url
    await keep_picture(handheld, "handheld-ready")


async def test_a_pallet_that_the_server_does_not_know_blocks_until_it_is_acknowledged(handheld: Page) -> None:
    await scan(handheld, f"00{STRANGER}")
    refusal = handheld.locator("#refusal-title")
    await expect(refusal).to_be_visible(timeout=WAIT_MS)
    await expect(handheld.locator("[data-side=scanned]")).to_contain_text(STRANGER)
    await keep_picture(handheld, "handheld-refused")
    await scan(handheld, "A01-01-1", "]C0")
    await expect(refusal).to_be_visible()
    await handheld.locator(".stop [data-kind=primary]").click()
    await expect(handheld.locator(".prompt")).to_be_visible()


async def test_a_misread_code_is_stopped_on_the_device(handheld: Page, operator: ApiClient) -> None:
    misread = f"{STRANGER[:-1]}{(int(STRANGER[-1]) + 1) % 10}"
    await scan(handheld, f"00{misread}")
    await expect(handheld.locator("#stop-title")).to_be_visible()
    await handheld.locator(".stop [data-kind=primary]").click()
    assert await scans_of(operator, [misread]) == []


async def test_scans_made_without_a_line_survive_a_reload_and_arrive_once(
    handheld: Page, context: BrowserContext, operator: ApiClient
) -> None:
    units = (await operator.get(f"{SITE}/units", limit=3))["items"]
    codes = [unit["sscc"] for unit in units]
    await context.set_offline(True)
    for code in codes:
        await scan(handheld, f"00{code}")
        await expect(handheld.locator(".question")).to_be_visible()
        await handheld.locator(".heading .back").click()
    await expect(handheld.locator(".line b")).to_have_text(str(len(codes)))
    await handheld.reload()
    await expect(handheld.locator(".line b")).to_have_text(str(len(codes)))
    await keep_picture(handheld, "handheld-offline")
    await context.set_offline(False)
    await expect(handheld.locator(".line[data-state=well]")).to_be_visible(timeout=WAIT_MS)
    assert sorted(row["code"] for row in await scans_of(operator, codes)) == sorted(codes)
