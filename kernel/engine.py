"""The engine port: something that wakes the owner of a site when its journal has grown."""

from collections.abc import AsyncIterator
from typing import Protocol


class Engine(Protocol):
    """Yields the id of a site whose journal may have grown. A wake-up only: re-read from the cursor."""

    def wakes(self) -> AsyncIterator[str]: ...
