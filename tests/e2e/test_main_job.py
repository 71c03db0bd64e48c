"""The main job watched in a real browser while it happens: viewer and bank console."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import WAIT_MS, Demo, keep_picture, sign_in, start_demo, stop_demo

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    demo, reading = await start_demo(tmp_path_factory.mktemp("demo"), "--seed", "11", "--pace", "6")
    demo.address = (await demo.says("ready after")).split("open ")[1].split("/viewer/")[0]
    yield demo
    await stop_demo(demo, reading)


@pytest.fixture(scope="module")
async def viewer(demo: Demo, browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en", bypass_csp=True)
    page = await context.new_page()
    await sign_in(page, demo.address, demo.accounts["operator"], "/viewer/?quality=full")
    yield page
    await context.close()


@pytest.fixture(scope="module")
async def bank(demo: Demo, browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en", bypass_csp=True)
    page = await context.new_page()
    await sign_in(page, demo.address, demo.accounts["officer"], "/bank/")
    yield page
    await context.close()


async def test_the_viewer_draws_the_warehouse_live(viewer: Page) -> None:
    await viewer.wait_for_function("window.__tallyhouse?.units >= 2000", timeout=WAIT_MS)
    drawn, poses = await viewer.evaluate(
        "[window.__tallyhouse.framesDrawn, window.__tallyhouse.posesReceived]"
    )
    await viewer.wait_for_function(
        f"window.__tallyhouse.framesDrawn > {drawn} && window.__tallyhouse.posesReceived > {poses}",
        timeout=WAIT_MS,
    )
    await keep_picture(viewer, "viewer-live")


async def test_the_freeze_alarm_appears_in_the_viewer_and_the_bank_sees_the_facility_frozen(
    demo: Demo, viewer: Page, bank: Page
) -> None:
    await demo.says("step 5:")
    await expect(viewer.locator(".freeze-banner")).to_be_visible(timeout=WAIT_MS)
    assert len(await viewer.evaluate("window.__tallyhouse.bannersShown")) == 1
    await keep_picture(viewer, "viewer-alarm")
    await bank.locator("a[href^='#/facilities/']").first.click(timeout=WAIT_MS)
    frozen = bank.get_by_test_id("frozen-banner")
    await expect(frozen).to_be_visible(timeout=WAIT_MS)
    assert await frozen.locator(".trail li").count() >= 2
    await keep_picture(bank, "bank-frozen")


async def test_the_start_is_told_stage_by_stage(demo: Demo) -> None:
    told = [part for line in demo.lines for part in ("PostgreSQL is up", "the broker is up") if part in line]
    assert told == ["PostgreSQL is up", "the broker is up"]
    assert any("migrations: " in line for line in demo.lines)


async def test_all_six_steps_hold_with_their_bounds(demo: Demo) -> None:
    report = await demo.report()
    assert report["ok"], [check for check in report["checks"] if not check["ok"]]
    assert {check["name"] for check in report["checks"]} >= {f"demo.step{n}" for n in range(1, 7)}
    assert demo.process.returncode == 0
