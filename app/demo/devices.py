"""The fake devices of the demonstration, on sockets of this machine."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from app.api_client import ApiClient
from app.demo.accounts import Account
from kernel.clock import Clock
from kernel.layout import Layout
from kernel.rng import Rng
from simulators.protocols.llrp.server import LlrpReaderServer
from simulators.protocols.modbus.server import BarrierServer, WeighbridgeServer
from simulators.protocols.mqtt.server import Tracker
from simulators.protocols.pda.server import Handheld, SignIn
from simulators.protocols.publisher import Login


class Wired(msgspec.Struct, frozen=True):
    """Devices that the product dials: the portal's reader, the weighbridge, the barrier."""

    portal: LlrpReaderServer
    bridge: WeighbridgeServer
    boom: BarrierServer

    def connections(self) -> dict[str, dict[str, Any]]:
        """Where each can be reached, by device id, in the shape of the API."""
        return {
            "gate-1-reader": {"host": self.portal.host, "port": self.portal.port, "antennas": [1, 2]},
            "weighbridge-1": {"host": self.bridge.host, "port": self.bridge.port},
            "gate-1-barrier": {"host": self.boom.host, "port": self.boom.port},
        }


async def plug_in(stack: AsyncExitStack, clock: Clock, rng: Rng) -> Wired:
    """Put the wired devices on free ports."""
    return Wired(
        portal=await stack.enter_async_context(LlrpReaderServer(clock=clock, antenna_count=2)),
        bridge=await stack.enter_async_context(WeighbridgeServer(clock, rng.child("indicator"))),
        boom=await stack.enter_async_context(BarrierServer(clock)),
    )


async def switch_on_trackers(
    stack: AsyncExitStack, layout: Layout, secrets: Mapping[str, str], broker: tuple[str, int], clock: Clock
) -> dict[str, Tracker]:
    """One tracker for each forklift and person of the layout, signed in to the broker."""
    trackers: dict[str, Tracker] = {}
    for mount in layout.mounts:
        if mount.family == "mqtt_position":
            login = Login(*broker, secrets[mount.mount_id])
            tracker = Tracker(login, layout.site_id, mount.mount_id, clock)
            trackers[mount.mount_id] = await stack.enter_async_context(tracker)
    return trackers


async def hand_out_handheld(
    stack: AsyncExitStack, address: str, keeper: ApiClient, site_id: str, picker: Account, clock: Clock
) -> Handheld:
    """Enrol a handheld as its QR would, and sign the picker in on it."""
    issued = await keeper.post(f"/sites/{site_id}/devices/pda/enrolment-codes")
    person = SignIn(picker.username, picker.password)
    handheld = await Handheld.enrolled(address, issued["enrolment_code"], person, clock)
    return await stack.enter_async_context(handheld)
