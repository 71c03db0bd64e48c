"""A floor scale on the wire. Driven from outside: loads come and go."""

from kernel.clock import Clock
from simulators.protocols.connections import ConversationServer
from simulators.protocols.loadcell import TaredScale
from simulators.protocols.mt_sics.frames import Panel


class MtSicsServer(ConversationServer):
    """A scale with any number of connections. `put` says what stands on it."""

    def __init__(
        self,
        clock: Clock,
        scale: TaredScale,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        serial_number: str = "B021002593",
        unit: str = "kg",
        decimals: int = 2,
        knows_tare: bool = True,
    ) -> None:
        def begin() -> Panel:
            return Panel(
                scale, serial_number=serial_number, unit=unit, decimals=decimals, knows_tare=knows_tare
            )

        super().__init__(clock, begin, host=host, port=port)
        self.scale = scale

    def put(self, mass_g: int) -> None:
        """From now on `mass_g` stands on the platform."""
        self.scale.put(mass_g, self._clock.now())
