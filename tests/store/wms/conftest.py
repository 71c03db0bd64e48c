"""Fixtures of the store tests of wms."""

import pytest

from app.database import PgTx
from tests.store.wms.building import Warehouse
from wms.api import audit


@pytest.fixture
async def warehouse(tx: PgTx):
    """The demonstration site, set up; afterwards every journal must re-add to its balances."""
    built = Warehouse(tx)
    await built.set_up()
    yield built
    found = [finding for journal in await audit(tx) for finding in journal.findings]
    assert found == []
