"""One consumer for all devices that speak over the broker: messages in, and an answer after commit.

A device keeps a reading until `…/reply` carries `acked_through`; a PUBACK only proves that the broker has it.
The broker in turn keeps a message until we acknowledge, which we do after the reply, in order of receipt.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from devices.transport.decoding import Arrived
from devices.transport.manual_ack import BrokerLogin, ManualClient, Message, manual_client
from kernel.clock import Clock
from kernel.messages import AckedThrough

TOPIC_ROOT: Final = "tallyhouse/v1"
CHANNELS: Final = ("observation", "vendor/#")
IN_HAND_MAX: Final = 1_000
"""Messages taken and not yet committed."""


Settle = Callable[[Arrived], Awaitable[AckedThrough | None]]
"""Takes a message to the journal or to quarantine and returns once that is durable: through which sequence
number nothing of the device is missing, or None when there is nothing to tell it."""


def reply_topic(site_id: str, device_id: str) -> str:
    return f"{TOPIC_ROOT}/{site_id}/{device_id}/reply"


def reply_payload(acked: AckedThrough) -> bytes:
    """`{"acked_through":{"boot":7,"sequence":123}}`."""
    return msgspec.json.encode({"acked_through": {"boot": acked.boot, "sequence": acked.sequence}})


class MqttConsumer:
    """Subscribes once and works until the connection is lost; whoever runs it connects again."""

    def __init__(self, login: BrokerLogin, client_id: str, clock: Clock, settle: Settle) -> None:
        self._login = login
        self._client_id = client_id
        self._clock = clock
        self._settle = settle
        self.is_connected = False
        self.was_connected = False
        """Whether the last `run` got through, so that whoever runs it knows how long to wait."""

    async def run(self, on_connected: Callable[[], None] = lambda: None) -> None:
        """Consume until cancelled. Raises MqttError when the broker is or goes away."""
        self.was_connected = False
        async with manual_client(self._login, self._client_id) as client:
            for channel in CHANNELS:
                await client.subscribe(f"{TOPIC_ROOT}/+/+/{channel}")
            self.is_connected = self.was_connected = True
            on_connected()
            try:
                await self._consume(client)
            finally:
                self.is_connected = False

    async def _consume(self, client: ManualClient) -> None:
        """Settle messages side by side, and answer them in the order they came."""
        in_hand: asyncio.Queue[tuple[Message, asyncio.Task[AckedThrough | None]]] = asyncio.Queue(IN_HAND_MAX)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._answer(client, in_hand))
                async for message in client.messages:
                    task = group.create_task(self._settle_one(message))
                    await in_hand.put((message, task))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _settle_one(self, message: Message) -> AckedThrough | None:
        site_id, device_id, channel = place_of(str(message.topic))
        return await self._settle(
            Arrived(
                site_id=site_id,
                device_id=device_id,
                channel=channel,
                payload=bytes(message.payload),
                received_at=self._clock.now(),
            )
        )

    async def _answer(
        self,
        client: ManualClient,
        in_hand: asyncio.Queue[tuple[Message, asyncio.Task[AckedThrough | None]]],
    ) -> None:
        while True:
            message, task = await in_hand.get()
            acked = await task
            if acked is not None:
                await client.publish(reply_topic(*place_of(str(message.topic))[:2]), reply_payload(acked))
            client.acknowledge(message)


def place_of(topic: str) -> tuple[str, str, str]:
    """Site, device and channel of `tallyhouse/v1/{site}/{device}/{channel}`, the only form we hear."""
    _, _, site_id, device_id, channel = topic.split("/", 4)
    return site_id, device_id, channel
