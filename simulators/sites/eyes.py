"""A camera on a socket before a rack of the simulated warehouse: what it shows is painted from the world, and
painted anew when pallets have come or gone there."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self

from kernel.clock import Clock
from kernel.layout import Mount, slots_of
from simulators.protocols.camera.painter import Painter
from simulators.protocols.camera.scene import Camera, looking_at
from simulators.protocols.camera.server import Feed, HttpCamera
from simulators.sites.pictures import aisle_scene, stretch
from simulators.sites.views import view_of
from simulators.sites.warehouse import Codes
from simulators.world.warehouse.places import places_of
from simulators.world.warehouse.state import Warehouse

RACK: Final = "R01"
BAYS, LEVELS = 3, 2
FROM_FRONT_M, HEIGHT_M, AIM_M = 3.1, 2.0, 1.9
"""Across the aisle, at eye level, aimed at the middle of the stretch."""
FOCAL_PX = 420.0
EVERY_S = 1.0
LOOKS = {"look_every_s": 2.0, "settle_s": 4.0}
MOUNT: Final = Mount(mount_id="picture-camera-1", family="camera", serves="hall", x_mm=0, y_mm=0)


class Eye:
    """An async context manager. `connection` is how the camera is reached and what was measured of it."""

    def __init__(self, world: Warehouse, clock: Clock) -> None:
        self._places, self._codes = places_of(world.parameters), Codes()
        self._rack = stretch(world, RACK, BAYS, LEVELS)
        slots = slots_of(self._rack)
        self._numbers = [self._places.number_of[slot.slot_id] for slot in slots]
        front_x_m = slots[0].centre.x_m
        x_m, y_m = front_x_m + FROM_FRONT_M, sum(slot.centre.y_m for slot in slots) / len(slots)
        pan_deg, tilt_deg = looking_at(x_m, y_m, HEIGHT_M, (front_x_m, y_m, AIM_M))
        self._camera = Camera(x_m, y_m, HEIGHT_M, pan_deg, tilt_deg, focal_px=FOCAL_PX)
        self._server, self._painter = HttpCamera(clock), Painter()
        self._feed = Feed(self._painter, self._server.show, EVERY_S)
        self._stack = AsyncExitStack()
        self._stood: list[int] = []

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for part in (self._painter, self._server, self._feed):
                await stack.enter_async_context(part)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def connection(self) -> dict[str, Any]:
        return {"url": self._server.url(), "view": view_of(self._rack, self._camera), **LOOKS}

    async def look(self, world: Warehouse) -> None:
        """Show the stretch as it is now. Raises NoPicture where nothing can be painted."""
        stands = world.pallet_at[self._numbers].tolist()
        if stands != self._stood:
            await self._feed.set(aisle_scene(world, self._places, self._rack, self._codes, self._camera))
            self._stood = stands
