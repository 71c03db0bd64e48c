"""A site's devices on sockets of this machine: what they say goes to whoever dials them, and to a broker.

Each message is what a device has already put into its protocol; here it only reaches the wire. Scales show
one ticket after the other, since an indicator's memory holds the last alone. Readers of portals run their own
sessions. What is scanned goes through `handhelds`, where somebody is signed in on them. What people enter as
papers is told by nobody here, and counted.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from kernel.clock import Clock
from kernel.layout import Layout, Mount
from simulators.protocols.connections import SpeakingServer
from simulators.protocols.llrp.server import LlrpReaderServer
from simulators.protocols.modbus.server import BarrierServer, ShownServer
from simulators.protocols.pda.server import Handheld, ScanRefused
from simulators.protocols.publisher import Login, Publisher
from simulators.sites.messages import Message

TICKET_S = 0.6
"""So long each ticket stays shown: the product polls five times a second."""
STREAM_S = 0.1
"""A stream of weights says ten a second at most, whatever the pace of its world."""
TICKETS_WAITING_MAX = 1_000
ON_BROKER = frozenset({"chirpstack", "ear_tag", "mqtt_position", "mqtt_reader", "onvif_m"})


class Sockets:
    """`plug_in` before the devices are enrolled, `switch_on` with their credentials, then `deliver`."""

    def __init__(self, layout: Layout, device_ids: Mapping[str, str], clock: Clock) -> None:
        """`device_ids` are the product's names of devices, by their mounts."""
        self._layout, self._clock = layout, clock
        self._device_ids = device_ids
        self._scales: dict[str, ShownServer] = {}
        self._readers: dict[str, LlrpReaderServer] = {}
        self._barriers: dict[str, BarrierServer] = {}
        self._lines: dict[str, SpeakingServer] = {}
        self._publishers: dict[str, Publisher] = {}
        self._tickets: dict[str, asyncio.Queue[tuple[int, ...]]] = {}
        self._streamed_s: dict[str, float] = {}
        self.handhelds: Mapping[str, Handheld] = {}
        """Somebody is signed in on these, by their mounts."""
        self.delivered: Counter[str] = Counter()
        """Messages by device."""
        self.not_delivered: Counter[str] = Counter()
        """Messages of what stands on no socket here, by how they would have gone."""
        self._scans: list[asyncio.Future[dict[str, Any]]] = []
        self.scanned: Counter[str] = Counter()
        """What the product answered to scans, once all is settled."""

    # --- being there -------------------------------------------------------------------------------

    async def plug_in(self, stack: AsyncExitStack) -> dict[str, dict[str, Any]]:
        """Put what the product dials on free ports; returns where each can be reached, by its mount."""
        return {mount.mount_id: await self._plug(stack, mount) for mount in self._layout.mounts}

    async def _plug(self, stack: AsyncExitStack, mount: Mount) -> dict[str, Any]:
        name = mount.mount_id
        server: ShownServer | LlrpReaderServer | BarrierServer | SpeakingServer
        match mount.family:
            case "modbus_weighbridge":
                server = self._scales[name] = await stack.enter_async_context(ShownServer())
            case "modbus_barrier":
                server = self._barriers[name] = await stack.enter_async_context(BarrierServer(self._clock))
            case "tmr":
                server = self._lines[name] = await stack.enter_async_context(SpeakingServer(self._clock))
            case "llrp":
                reader = LlrpReaderServer(clock=self._clock, antenna_count=2)
                server = self._readers[name] = await stack.enter_async_context(reader)
                return {"host": server.host, "port": server.port, "antennas": [1, 2]}
            case _:
                return {}
        return {"host": server.host, "port": server.port}

    async def switch_on(
        self, stack: AsyncExitStack, secrets: Mapping[str, str], broker: tuple[str, int]
    ) -> None:
        """Sign the devices of the broker in, and begin to show tickets. `secrets` are by mount."""
        for mount in self._layout.mounts:
            if mount.family in ON_BROKER:
                login = Login(*broker, secrets[mount.mount_id])
                device_id = self._device_ids[mount.mount_id]
                publisher = Publisher(login, self._layout.site_id, device_id)
                self._publishers[mount.mount_id] = await stack.enter_async_context(publisher)
        for name, scale in self._scales.items():
            waiting = self._tickets[name] = asyncio.Queue(TICKETS_WAITING_MAX)
            showing = asyncio.create_task(_show(scale, waiting), name=f"tickets of {name}")
            stack.push_async_callback(_cancelled, showing)

    async def ready(self, within_s: float) -> None:
        """Wait until every portal's reader reports to somebody. Raises TimeoutError."""
        for reader in self._readers.values():
            await reader.wait_until_reporting(within_s)

    async def settle(self, within_s: float) -> None:
        """Wait until the broker has everything and every ticket was shown. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            for publisher in self._publishers.values():
                await publisher.sent(within_s)
            for waiting in self._tickets.values():
                await waiting.join()
            answers = await asyncio.gather(*self._scans, return_exceptions=True)
            self.scanned.update(_told(answer) for answer in answers)
            self._scans = []

    # --- saying things -----------------------------------------------------------------------------

    def deliver(self, message: Message) -> None:
        """Put a message on the wire, now."""
        name = message.device
        if name in self._publishers and message.via == "broker":
            self._publishers[name].publish(message.channel, message.payload)
        elif name in self._scales:
            if self._tickets[name].full():
                self.not_delivered["a scale that is too fast"] += 1
                return
            self._tickets[name].put_nowait(message.registers)
        elif name in self._barriers:
            self._move(self._barriers[name], message.registers)
        elif name in self._readers:
            heard = message.facts
            self._readers[name].hear(heard.epc_hex, heard.antenna, heard.rssi_cdbm, heard.at)
        elif name in self.handhelds:
            for scan in json.loads(message.payload)["scans"]:
                self._scans.append(self.handhelds[name].queue(scan["code"], scan["place_code"]))
        elif name in self._lines:
            if not message.is_kept and not self._may_stream(name):
                return
            self._lines[name].say(message.payload)
        else:
            self.not_delivered[message.via] += 1
            return
        self.delivered[name] += 1

    def _may_stream(self, name: str) -> bool:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._streamed_s.get(name, -STREAM_S) < STREAM_S:
            return False
        self._streamed_s[name] = now_s
        return True

    def _move(self, barrier: BarrierServer, inputs: tuple[int, ...]) -> None:
        """Somebody at the gate raises and lowers the boom by its own buttons, as the world has it."""
        is_open, is_closed, loop = inputs
        if is_open or is_closed:
            barrier.boom.order(bool(is_open), self._clock.now())
        barrier.vehicle_over_loop(bool(loop))


def _told(said: dict[str, Any] | BaseException) -> str:
    if isinstance(said, ScanRefused):
        return str(said.problem.get("key", "refused"))
    if isinstance(said, BaseException):
        raise said
    return str(said["outcome"])


async def _show(scale: ShownServer, waiting: asyncio.Queue[tuple[int, ...]]) -> None:
    """One ticket after the other, each long enough to be read."""
    while True:
        scale.show(await waiting.get())
        await asyncio.sleep(TICKET_S)
        waiting.task_done()


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
