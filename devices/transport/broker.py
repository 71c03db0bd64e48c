"""All devices of a broker behind one connection: readings in, `acked_through` back after commit.

Unlike drivers that dial one device each, this one hands every message to `take` and waits: the device and
the broker both keep a message until what `take` did is durable, so the answer has to come back this way.
"""

from collections.abc import Awaitable, Callable, Sequence

from devices.transport.decoding import Arrived
from devices.transport.manual_ack import BrokerLogin
from devices.transport.mqtt import MqttConsumer
from kernel.clock import Clock
from kernel.messages import AckedThrough, Observation, Rejected

Item = Observation | Rejected
Decode = Callable[[Arrived], Awaitable[Sequence[Item]]]
"""Reads a message as its device's family says."""
Take = Callable[[str, str, Sequence[Item]], Awaitable[AckedThrough | None]]
"""Site, device and readings; returns once they are durable, with what to tell the device."""


class BrokerDriver:
    """Consumes what all devices of a broker say, with a session that survives restarts of either side."""

    def __init__(self, login: BrokerLogin, client_id: str, clock: Clock, decode: Decode, take: Take) -> None:
        self._decode = decode
        self._take = take
        self._consumer = MqttConsumer(login, client_id, clock, self._settle)

    @property
    def is_connected(self) -> bool:
        return self._consumer.is_connected

    @property
    def was_connected(self) -> bool:
        """Whether the last `run` got through to the broker."""
        return self._consumer.was_connected

    async def run(self, on_connected: Callable[[], None] = lambda: None) -> None:
        """Work until cancelled. Raises MqttError when the broker is or goes away."""
        await self._consumer.run(on_connected)

    async def _settle(self, arrived: Arrived) -> AckedThrough | None:
        return await self._take(arrived.site_id, arrived.device_id, await self._decode(arrived))
