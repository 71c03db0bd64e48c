"""A scale's serial device server on the wire. Driven from outside: loads come and go."""

from kernel.clock import Clock
from simulators.protocols.connections import ConversationServer
from simulators.protocols.loadcell import TaredScale
from simulators.protocols.toledo_continuous.frames import Display


class ToledoServer(ConversationServer):
    """A scale whose line any number of listeners share. `put` says what stands on it."""

    def __init__(
        self,
        clock: Clock,
        scale: TaredScale,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        unit: str = "kg",
        decimals: int = 1,
        has_checksum: bool = True,
    ) -> None:
        def begin() -> Display:
            display = Display(scale, unit=unit, decimals=decimals, has_checksum=has_checksum)
            display.is_zeroed = self.is_zeroed
            return display

        super().__init__(clock, begin, host=host, port=port)
        self.scale = scale
        self.is_zeroed = True
        """Whether the scale was zeroed since it was switched on, for connections to come."""

    def put(self, mass_g: int) -> None:
        """From now on `mass_g` stands on the platform."""
        self.scale.put(mass_g, self._clock.now())
