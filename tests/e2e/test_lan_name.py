"""A handheld on the local network signs in and scans over HTTPS, by a LAN name, trusting our authority."""

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest
from playwright.async_api import async_playwright, expect

from app.api_client import ApiClient
from app.demo.accounts import Account
from app.demo.run import read_scenario
from app.demo.stock import GOODS, opening_stock
from kernel.rng import Rng
from tests.e2e.conftest import (
    CHROMIUM_ARGS,
    WAIT_MS,
    chromium_path,
    fill_sign_in,
    keep_picture,
    open_accounts,
)

NAME = "warehouse.lan"
READY_WITHIN_S = 120.0


class Served(msgspec.Struct, frozen=True):
    """A product that listens beyond loopback: its port, its authority, its accounts."""

    port: int
    authority: Path
    accounts: dict[str, Account]

    def client(self) -> ApiClient:
        """A client on this machine that trusts the authority and nothing else."""
        trust = ssl.create_default_context(cafile=self.authority)
        return ApiClient(f"https://127.0.0.1:{self.port}", httpx.AsyncHTTPTransport(verify=trust))


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder = tmp_path_factory.mktemp("lan")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = {
        "TALLYHOUSE_DATA_DIR": str(folder),
        "TALLYHOUSE_HOST": "0.0.0.0",
        "TALLYHOUSE_PUBLIC_NAME": NAME,
        "TALLYHOUSE_PORT": str(port),
    }
    with (folder / "program.log").open("wb") as log:
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app.cli", "serve", stdout=log, stderr=log, env={**os.environ, **settings}
        )
    try:
        await _ready(port)
        yield Served(port, folder / "tls" / "ca.crt", await open_accounts(folder))
    finally:
        program.send_signal(signal.SIGTERM)
        await asyncio.wait_for(program.wait(), 60.0)


async def _ready(port: int) -> None:
    async with httpx.AsyncClient(verify=False) as client, asyncio.timeout(READY_WITHIN_S):
        while True:
            try:
                if (await client.get(f"https://127.0.0.1:{port}/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.2)


async def _a_pick_to_do(served: Served) -> tuple[str, str, str]:
    """A site with an allocated order; returns enrolment code, SSCC and slot of the pallet to pick."""
    layout, _ = read_scenario()
    stock = opening_stock(layout, Rng(5), pallets=2)
    path = f"/sites/{layout.site_id}"
    async with served.client() as admin:
        await admin.sign_in("admin", served.accounts["admin"].password)
        await admin.post("/sites", {"layout": msgspec.to_builtins(layout)})
        items = [{"sku": sku, "name_en": en, "name_zh": zh, "unit_mass_g": g} for sku, en, zh, g in GOODS]
        await admin.post("/skus", {"items": items})
        await admin.post(f"{path}/opening-stock", {"rows": [msgspec.to_builtins(row) for row in stock]})
        pallet = stock[0]
        [unit] = [u for u in await admin.items(f"{path}/units") if u["sscc"] == pallet.sscc]
        line = {"sku": pallet.sku, "unit_ids": [unit["unit_id"]]}
        order = await admin.post(f"{path}/orders", {"reference": "L-1", "customer": "C", "lines": [line]})
        await admin.post(f"/orders/{order['order_id']}/allocate")
        issued = await admin.post(f"{path}/devices/pda/enrolment-codes")
    return issued["enrolment_code"], pallet.sscc, pallet.slot_id


def _home_that_trusts(authority: Path, home: Path) -> Path:
    """A home folder whose browser trusts the authority, as a handheld on which it was installed."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    database = f"sql:{store}"
    subprocess.run(["certutil", "-d", database, "-N", "--empty-password"], check=True)
    subprocess.run(
        ["certutil", "-d", database, "-A", "-t", "C,,", "-n", "tallyhouse", "-i", str(authority)], check=True
    )
    return home


async def test_a_handheld_signs_in_and_scans_over_a_lan_name(served: Served, tmp_path: Path) -> None:
    code, sscc, _ = await _a_pick_to_do(served)
    home = _home_that_trusts(served.authority, tmp_path)
    address = f"https://{NAME}:{served.port}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path(),
            args=[*CHROMIUM_ARGS, f"--host-resolver-rules=MAP {NAME} 127.0.0.1"],
            env={**os.environ, "HOME": str(home)},
        )
        page = await browser.new_page(viewport={"width": 360, "height": 640}, locale="zh-CN")
        await page.goto(f"{address}/pda/?enrol={code}", timeout=WAIT_MS)
        await page.locator("a.action[data-kind=primary]").click(timeout=WAIT_MS)
        await fill_sign_in(page, served.accounts["picker"], "/pda/")
        await expect(page.locator(".prompt")).to_be_visible(timeout=WAIT_MS)
        await keep_picture(page, "pda-work")
        await page.keyboard.type(f"]C100{sscc}")
        await page.keyboard.press("Enter")
        done = page.locator("[data-outcome=good] .delivery[data-answer=done]")
        await expect(done).to_be_visible(timeout=WAIT_MS)
        await keep_picture(page, "pda-picked")
        assert await page.evaluate("window.isSecureContext")
        await browser.close()
    async with served.client() as keeper:
        await keeper.sign_in("keeper", served.accounts["keeper"].password)
        tasks = await keeper.items("/sites/site-demo/tasks", state="done")
        assert [task["sscc"] for task in tasks] == [sscc]
