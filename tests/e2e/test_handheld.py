"""The handheld page in a real browser on the running product: enrolment, refusals, scans without a line."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from app.api_client import ApiClient
from kernel.gs1 import make_sscc
from tests.e2e.conftest import (
    CHROMIUM_ARGS,
    WAIT_MS,
    Demo,
    chromium_path,
    keep_picture,
    sign_in,
    start_demo,
    stop_demo,
)

SITE = "/sites/site-demo"
STRANGER = make_sscc("6901234", 9, 999_999_999)
"""A pallet that no site knows."""


CAMERA_PX = (640, 480)
AS_SEEN_BY_A_CAMERA = """async ([png, width, height]) => {
  const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = "#999";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, (width - picture.width) / 2, (height - picture.height) / 2);
  const { data } = context.getImageData(0, 0, width, height);
  return btoa(Array.from({ length: width * height }, (_, at) => String.fromCharCode(data[4 * at])).join(""));
}"""
"""The brightness of each pixel of a picture that is held before a camera."""


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
    await page.locator("a.action").click(timeout=WAIT_MS)
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


@pytest.fixture
async def keeper_page(demo: Demo, browser: Browser) -> AsyncIterator[Page]:
    """The keeper's list of devices, with a fresh enrolment code open over it."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = await context.new_page()
    await sign_in(page, demo.address, demo.accounts["keeper"], "/viewer/#devices")
    await page.locator(".desk-head button[data-kind=primary]").click(timeout=WAIT_MS)
    await expect(page.get_by_test_id("enrolment-code")).to_be_visible(timeout=WAIT_MS)
    yield page
    await context.close()


async def film_of(page: Page, folder: Path) -> Path:
    """The QR code on the keeper's screen as the film of a camera (YUV4MPEG2) that looks at it."""
    width, height = CAMERA_PX
    png = base64.b64encode(await page.locator(".ant-qrcode").screenshot()).decode()
    brightness = base64.b64decode(await page.evaluate(AS_SEEN_BY_A_CAMERA, [png, width, height]))
    frame = b"FRAME\n" + brightness + bytes([128]) * (width * height // 2)
    film = folder / "camera.y4m"
    film.write_bytes(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * 2)
    return film


async def test_a_handheld_enrols_by_the_code_that_the_keeper_reads_out(
    demo: Demo, browser: Browser, keeper_page: Page
) -> None:
    code = await keeper_page.get_by_test_id("enrolment-code").inner_text()
    assert len(code.split()) == 3
    await keep_picture(keeper_page, "devices-enrolment")
    async with await browser.new_context(
        viewport={"width": 360, "height": 640}, locale="en-GB", has_touch=True
    ) as context:
        page = await context.new_page()
        await page.goto(f"{demo.address}/pda/")
        await expect(page.locator("h1")).to_have_text("Enrol this handheld")
        await page.locator("[data-typed]").fill("0000 0000 0000")
        await page.locator("button[type=submit]").click()
        await expect(page.locator(".hint[role=alert]")).to_contain_text("unknown, used or expired")
        await page.locator("[data-typed]").fill(code.lower())
        await page.locator("button[type=submit]").click()
        await expect(page.locator("h1")).to_have_text("Nobody is signed in", timeout=WAIT_MS)
    await expect(keeper_page.get_by_test_id("enrolled")).to_be_visible(timeout=WAIT_MS)
    name = (await keeper_page.get_by_test_id("enrolled").locator("strong").inner_text()).split(" is ")[0]
    await expect(keeper_page.get_by_role("row").filter(has_text=name)).to_contain_text("Not heard yet")
    await keep_picture(keeper_page, "devices-enrolled")


async def test_a_handheld_enrols_by_the_qr_code_before_its_camera(
    demo: Demo, keeper_page: Page, tmp_path: Path
) -> None:
    film = await film_of(keeper_page, tmp_path)
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path(),
            args=[*CHROMIUM_ARGS, *camera, f"--use-file-for-fake-video-capture={film}"],
        )
        page = await browser.new_page(viewport={"width": 360, "height": 640}, locale="zh-CN")
        await page.goto(f"{demo.address}/pda/")
        await page.locator(".actions button[type=button]").click()
        await expect(page.locator("h1")).to_have_text("尚未登录", timeout=WAIT_MS)
        await browser.close()
    await expect(keeper_page.get_by_test_id("enrolled")).to_be_visible(timeout=WAIT_MS)


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


async def test_a_pallet_without_work_is_noted_and_not_shown_as_done(
    handheld: Page, operator: ApiClient
) -> None:
    [unit] = (await operator.get(f"{SITE}/units", limit=1))["items"]
    await scan(handheld, f"00{unit['sscc']}")
    await expect(handheld.locator(".question .hint")).to_contain_text("没有任务")
    await scan(handheld, "A01-01-1", "]C0")
    await expect(handheld.locator("[data-outcome=noted] h1")).to_contain_text("A01-01-1", timeout=WAIT_MS)
    await expect(handheld.locator(".delivery[data-answer=noted]")).to_be_visible()
    await keep_picture(handheld, "handheld-noted")
