"""A real broker with two devices, `fork` and `tag`, whose passwords are their names and a tail."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.supervise.broker import Broker
from app.supervise.broker_access import hashed
from devices.transport.manual_ack import BrokerLogin
from simulators.protocols.publisher import Login
from tests.contract.broker import INSTALLED, password_of

DEVICES = ("fork", "tag")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            "mosquitto", marks=pytest.mark.skipif(not INSTALLED, reason="Mosquitto is not installed")
        ),
        "amqtt",
    ],
)
async def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Broker]:
    """Each broker the product can run, one after the other."""
    home: Path = tmp_path_factory.mktemp("broker")
    running = Broker(home, kind=request.param)
    await running.start()
    running.set_devices({device_id: hashed(password_of(device_id)) for device_id in DEVICES})
    yield running
    await running.stop()


@pytest.fixture
def product(broker: Broker) -> BrokerLogin:
    """Signs in as the product itself."""
    return BrokerLogin(*broker.address)


@pytest.fixture
def fork(broker: Broker) -> Login:
    """Signs in as the device `fork`."""
    return Login(broker.address.host, broker.address.port, password_of("fork"))
