"""The world in real time: steps it, lets the fake devices say on the wire what they noticed, drives things.

One `LiveSite` owns the world, whose pace is how many of its seconds pass in one real second. Devices stamp
what they report with the real clock, and what happens at the gate keeps to it. Everything that waits has a
bound and says what it waited for.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from kernel.clock import Clock
from kernel.rng import Rng
from simulators.protocols.llrp.server import LlrpReaderServer
from simulators.protocols.modbus.server import BarrierServer, WeighbridgeServer
from simulators.protocols.mqtt.frames import Load, Pose
from simulators.protocols.mqtt.server import Tracker
from simulators.world import actions
from simulators.world.sensing import bridge_mass_g, loop_occupied
from simulators.world.state import Job, LoadChanged, Pallet, Reported, TagHeard, World
from simulators.world.step import step

STEP_S = 0.1
WAIT_S_MAX = 240.0


class WaitedTooLong(Exception):
    """What was waited for did not happen within the bound."""


class LiveSite:
    """The world, its devices, and the orders that people in it follow."""

    def __init__(
        self,
        world: World,
        scenario: actions.Scenario,
        *,
        rng: Rng,
        clock: Clock,
        portal: LlrpReaderServer,
        bridge: WeighbridgeServer,
        boom: BarrierServer,
        trackers: Mapping[str, Tracker],
    ) -> None:
        self.world = world
        self.portal, self.bridge, self.boom = portal, bridge, boom
        self.on_load_change: Callable[[LoadChanged], None] = lambda _: None
        self.first_heard: dict[tuple[str, int], list[datetime]] = {}
        """Tag and antenna to the first moments it was heard, at most two: for measuring delays."""
        self._scenario, self._rng, self._clock = scenario, rng, clock
        self.trackers = trackers
        self._stepped = asyncio.Condition()

    async def run(self) -> None:
        """Step the world until cancelled, catching up when the machine was busy."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + STEP_S / self.world.pace, loop.time() - 1.0)
            await asyncio.sleep(max(0.0, due - loop.time()))
            await self._step()

    async def _step(self) -> None:
        async with self._stepped:
            before = msgspec.structs.replace(self.world, barrier_open=self.boom.is_open)
            self.world = step(before, STEP_S, self._rng)
            self.bridge.put(bridge_mass_g(self.world))
            self.boom.vehicle_over_loop(loop_occupied(self.world))
            for happening in self.world.happenings:
                self._say(happening)
            self._stepped.notify_all()

    def _say(self, happening: TagHeard | LoadChanged | Reported) -> None:
        now = self._clock.now()
        if isinstance(happening, TagHeard):
            if self.portal.hear(happening.epc_hex, happening.antenna, happening.rssi_cdbm, now):
                moments = self.first_heard.setdefault((happening.epc_hex, happening.antenna), [])
                moments += [now] if len(moments) < 2 else []
            return
        tracker, place = self.trackers[happening.mover_id], happening.point
        if isinstance(happening, LoadChanged):
            load = Load(happening.action, happening.epc_hex)
            tracker.report(Pose(place.x_m, place.y_m, place.z_m), load, now)
            self.on_load_change(happening)
            return
        speed_mps = happening.speed_mps * self.world.pace
        pose = Pose(place.x_m, place.y_m, place.z_m, happening.heading_deg, speed_mps)
        tracker.report(pose, Load(None, happening.load_epc_hex), now)

    async def until(self, is_so: Callable[[], bool], what: str, within_s: float = WAIT_S_MAX) -> None:
        """Wait until `is_so()` after some step; raises WaitedTooLong naming `what`."""
        try:
            async with asyncio.timeout(within_s), self._stepped:
                await self._stepped.wait_for(is_so)
        except TimeoutError:
            raise WaitedTooLong(f"{what}: not within {within_s:g} s") from None

    # --- what people in the world do -------------------------------------------------------------

    def truck_appears(self, truck_id: str, number: int, pallets: Sequence[Pallet] = ()) -> None:
        """A truck stands on the road with these pallets aboard; `number` makes its tag."""
        self.world = actions.enter_truck(self.world, self._scenario, truck_id, number, self._rng)
        self.world = actions.add_pallets(self.world, pallets)

    async def drive(self, truck_id: str, stop: str, bay: int, *, arrives: bool = True) -> None:
        """Drive a truck to a stop; with `arrives` False return at once: it may have to wait on the way."""
        self.world = actions.drive_truck(self.world, truck_id, stop, bay, self._rng)
        if arrives:
            await self.until(lambda: not self.world.movers[truck_id].path, f"{truck_id} reaches the {stop}")

    async def weigh(self, truck_id: str, bay: int) -> None:
        """Drive onto the weighbridge and stay until the indicator has captured a stable weight."""
        before = self.bridge.ticket.number
        await self.drive(truck_id, "bridge", bay)
        await self.until(lambda: self.bridge.ticket.number > before, f"{truck_id} is weighed")

    async def leave(self, truck_id: str, bay: int) -> None:
        """Drive out through the barrier, which has to open first, and away."""
        await self.drive(truck_id, "road", bay)
        self.world = actions.remove_truck(self.world, truck_id)

    def carry(self, jobs: Sequence[Job]) -> None:
        """Give the forklifts carrying work."""
        self.world = actions.give_jobs(self.world, jobs)

    async def carried(self, jobs: Sequence[Job]) -> None:
        """Wait until all of these pallets are where the jobs bring them."""
        await self.until(
            lambda: all(self.world.pallets[job.sscc].place == job.place for job in jobs),
            f"{len(jobs)} pallets are carried",
        )
