"""Fixtures of the browser tests: a real Chromium, and the demonstration as a process of its own."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from app.access import database_access
from app.commands import Commands
from app.database import Database
from app.demo.accounts import Account, commands_for, entered_by, make_accounts, read_accounts
from app.settings import Settings
from app.wiring import all_commands
from kernel.clock import SystemClock
from kernel.ids import Ids

ARTEFACTS = Path(os.environ.get("ARTEFACTS_DIR", "var/artefacts"))
WAIT_MS = 120_000
TEST_WITHIN_S = 900
"""Whole programs get longer than other tests before they count as stuck."""
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder starts a whole program."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(TEST_WITHIN_S))


def chromium_path() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "Chromium is not installed: apt-get install chromium"
    return found


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGS)
        yield opened
        await opened.close()


class Demo:
    """A running `tallyhouse demo`: its lines, its address, its accounts, its report."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, report: Path) -> None:
        self.process, self.folder, self.report_path = process, folder, report
        self.lines: list[str] = []
        self.address = ""
        self._changed = asyncio.Condition()

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            line = raw.decode(errors="replace").rstrip()
            async with self._changed:
                self.lines.append(line)
                self._changed.notify_all()

    async def says(self, part: str, within_s: float = 240.0) -> str:
        """The first line that contains `part`, waiting for it."""

        def found() -> str | None:
            return next((line for line in self.lines if part in line), None)

        try:
            async with asyncio.timeout(within_s), self._changed:
                await self._changed.wait_for(lambda: found() is not None)
        except TimeoutError:
            raise AssertionError(
                f"the demonstration never said {part!r}; it said {self.lines[-15:]}"
            ) from None
        line = found()
        assert line is not None
        return line

    @property
    def accounts(self) -> dict[str, Account]:
        return {account.username: account for account in read_accounts(self.folder / "demo-accounts.json")}

    async def report(self, within_s: float = 400.0) -> dict:
        """The report, once the demonstration has ended."""
        await asyncio.wait_for(self.process.wait(), within_s)
        return json.loads(self.report_path.read_text())


async def start_demo(folder: Path, *options: str) -> tuple[Demo, asyncio.Task[None]]:
    """Start `tallyhouse demo --once` in `folder` with `options`; the caller stops it."""
    report = folder / "report.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli",
        "demo",
        "--once",
        "--report",
        str(report),
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "TALLYHOUSE_DATA_DIR": str(folder), "TALLYHOUSE_PORT": "0"},
        limit=2**20,
    )
    demo = Demo(process, folder, report)
    return demo, asyncio.create_task(demo.read())


async def stop_demo(demo: Demo, reading: asyncio.Task[None]) -> None:
    if demo.process.returncode is None:
        demo.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(demo.process.wait(), 45.0)
        except TimeoutError:
            demo.process.kill()
            await demo.process.wait()
    await reading


async def open_accounts(folder: Path) -> dict[str, Account]:
    """The accounts of the demonstration, entered into the program that runs on `folder`; by user name."""
    accounts, clock = make_accounts(), SystemClock()
    async with database_access(Settings(data_dir=folder)) as access:
        database = Database(access.app_dsn, clock, Ids.unguessable(clock))
        await database.open()
        commands = Commands(database, all_commands())
        for command in commands_for(accounts):
            await commands.do(entered_by(command), command)
        await database.close()
    return {account.username: account for account in accounts}


async def sign_in(page: Page, address: str, account: Account, path: str) -> None:
    """Open `path`, sign in on the page that asks for it, and come back."""
    await page.goto(f"{address}{path}")
    await fill_sign_in(page, account, path)


async def fill_sign_in(page: Page, account: Account, path: str) -> None:
    """Fill in the sign-in page, which then leads back to `path`."""
    await page.locator("[name=username]").fill(account.username)
    await page.locator("[name=password]").fill(account.password)
    await page.locator("form button[type=submit]").click()
    await page.wait_for_url(
        lambda url: path.partition("?")[0] in url and "sign-in" not in url, timeout=WAIT_MS
    )


async def keep_picture(page: Page, name: str) -> Path:
    """A screenshot kept as an artefact of the run."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTEFACTS / f"{name}.png"
    await page.screenshot(path=path)
    return path
