"""One living site for the tests of viz, and the hub that follows it."""

from collections.abc import AsyncIterator

import pytest

from app.database import Database
from app.desk import AppDesk
from kernel.clock import ManualClock
from kernel.ids import Ids
from tests.conftest import TestServer
from tests.http.living_site import LivingSite


@pytest.fixture(scope="module")
async def site_database(module_database: TestServer, http_clock: ManualClock) -> AsyncIterator[Database]:
    opened = Database(module_database.app_dsn, http_clock, Ids.unguessable(http_clock))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
async def site(site_database: Database, desk: AppDesk, http_clock: ManualClock) -> LivingSite:
    """`site-a`, with its layout and devices."""
    return await LivingSite(site_database, desk, http_clock, "a").build()
