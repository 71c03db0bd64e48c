"""Fixtures of the property tests of wms."""

import pytest

from tests.conftest import TestServer


@pytest.fixture
async def machine_dsn(database_server: TestServer) -> str:
    """Where the state machine connects, as the product's own account."""
    return database_server.app_dsn
