"""MQTT messages that are acknowledged by hand, after commit. The one module that reaches into aiomqtt.

aiomqtt acknowledges a message before our code has seen it: paho does so when its callback returns, and that
callback only queues. paho can leave the acknowledgement to us, but aiomqtt gives no way to say so; hence the
private attribute, the version pinned to 2.5, and a contract test that unacknowledged messages come back.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiomqtt

Message = aiomqtt.Message
MqttError = aiomqtt.MqttError
KEEPALIVE_S = 20


class BrokerLogin(NamedTuple):
    """Where the broker is and as whom we sign in."""

    host: str
    port: int
    username: str
    password: str


class ManualClient:
    """A connection with a persistent session: what was not acknowledged comes again after a reconnect."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self.messages: AsyncIterator[Message] = aiter(client.messages)

    async def subscribe(self, topic: str) -> None:
        """At least once (QoS 1). Raises MqttError when the broker refuses."""
        granted = await self._client.subscribe(topic, qos=1)
        if any((code if isinstance(code, int) else code.value) >= 0x80 for code in granted):
            raise MqttError(f"the broker refused the subscription to {topic}")

    async def publish(self, topic: str, payload: bytes) -> None:
        """At most once (QoS 0): for answers whose loss only makes the other side ask again."""
        await self._client.publish(topic, payload, qos=0)
        # aiomqtt waits with asyncio.wait_for, which up to Python 3.11 can swallow a cancellation.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError

    def acknowledge(self, message: Message) -> None:
        """Tell the broker that we have the message for good. Call in the order of receipt (MQTT 4.6)."""
        self._client._client.ack(message.mid, message.qos)


@asynccontextmanager
async def manual_client(login: BrokerLogin, client_id: str) -> AsyncIterator[ManualClient]:
    """Connect with a fixed `client_id` and a session that outlives the connection.

    Raises MqttError when the broker is away or refuses. The queue of incoming messages has no limit of its
    own, for aiomqtt would discard beyond it; the broker's in-flight window is the limit.
    """
    client = aiomqtt.Client(
        login.host,
        login.port,
        username=login.username,
        password=login.password,
        identifier=client_id,
        clean_session=False,
        keepalive=KEEPALIVE_S,
    )
    client._client.manual_ack_set(True)
    async with client:
        yield ManualClient(client)
