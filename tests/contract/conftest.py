"""One broker for the makers' gateways, whose device is called `gateway`."""

from collections.abc import AsyncIterator

import pytest

from app.supervise.broker import Broker
from app.supervise.broker_access import hashed
from devices.transport.manual_ack import BrokerLogin
from simulators.protocols.publisher import Login
from tests.contract.broker import Journal, password_of


@pytest.fixture(scope="session")
async def gateway_broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Broker]:
    """Mosquitto where it is installed, else amqtt."""
    running = Broker(tmp_path_factory.mktemp("gateway-broker"))
    await running.start()
    running.set_devices({"gateway": hashed(password_of("gateway"))})
    yield running
    await running.stop()


@pytest.fixture
def product_login(gateway_broker: Broker) -> BrokerLogin:
    """Signs in as the product itself."""
    return BrokerLogin(*gateway_broker.address)


@pytest.fixture
def gateway_login(gateway_broker: Broker) -> Login:
    """Signs in as the device `gateway`."""
    return Login(gateway_broker.address.host, gateway_broker.address.port, password_of("gateway"))


@pytest.fixture
def kept(request: pytest.FixtureRequest) -> Journal:
    """An empty journal with a session of its own."""
    return Journal(request.node.nodeid)
