"""One painter for all tests of cameras."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from simulators.protocols.camera.exposure import Negative
from simulators.protocols.camera.painter import Painter
from simulators.protocols.camera.scene import Scene

Paint = Callable[[Scene], Awaitable[Negative]]


@pytest.fixture(scope="session")
async def painter() -> AsyncIterator[Painter]:
    async with Painter() as painting:
        yield painting


@pytest.fixture(scope="session")
def paint(painter: Painter) -> Paint:
    """A scene as it is, to be exposed."""

    async def negative(scene: Scene) -> Negative:
        return Negative(await painter.paint(scene))

    return negative
