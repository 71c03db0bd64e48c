"""The one private attribute of aiomqtt that we rest on: unacknowledged messages come back."""

import asyncio

import aiomqtt
import pytest

from app.supervise.broker import Broker
from devices.transport.manual_ack import BrokerLogin, ManualClient, Message, MqttError, manual_client
from tests.contract.wire import WITHIN_S

TOPIC = "tallyhouse/v1/site-a/{}/observation"


async def take(client: ManualClient, count: int) -> list[Message]:
    async with asyncio.timeout(WITHIN_S):
        return [await anext(client.messages) for _ in range(count)]


async def publish(login: BrokerLogin, topic: str, payloads: list[bytes]) -> None:
    async with aiomqtt.Client(
        login.host, login.port, username=login.username, password=login.password
    ) as publisher:
        for payload in payloads:
            await publisher.publish(topic, payload, qos=1)


async def test_exactly_what_was_not_acknowledged_comes_again_after_a_reconnect(
    broker: Broker, product: BrokerLogin
) -> None:
    if broker.name == "amqtt":
        pytest.skip("amqtt forgets what it handed out; there only the devices' own repeats save a reading")
    topic = TOPIC.format("ack-test")
    async with manual_client(product, "ack-test") as client:
        await client.subscribe(topic)
        await publish(product, topic, [b"1", b"2", b"3", b"4", b"5"])
        taken = await take(client, 5)
        client.acknowledge(taken[0])
        client.acknowledge(taken[1])
        # A round trip to the broker: what was written before it has been read when it returns.
        await client.subscribe(topic)
    async with manual_client(product, "ack-test") as client:
        again = await take(client, 3)
        for message in again:
            client.acknowledge(message)
        await client.subscribe(topic)
    assert [bytes(message.payload) for message in taken] == [b"1", b"2", b"3", b"4", b"5"]
    assert [bytes(message.payload) for message in again] == [b"3", b"4", b"5"]


async def test_messages_sent_while_we_were_away_are_there_when_we_return(product: BrokerLogin) -> None:
    topic = TOPIC.format("away-test")
    async with manual_client(product, "away-test") as client:
        await client.subscribe(topic)
    await publish(product, topic, [b"1", b"2"])
    async with manual_client(product, "away-test") as client:
        assert [bytes(message.payload) for message in await take(client, 2)] == [b"1", b"2"]


async def test_a_wrong_password_is_an_error_and_not_a_silence(product: BrokerLogin) -> None:
    with pytest.raises(MqttError):
        async with manual_client(product._replace(password="wrong"), "wrong-test"):
            pass
