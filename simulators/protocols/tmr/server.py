"""A wagon's indicator behind a serial device server, on the wire."""

from kernel.clock import Clock
from kernel.rng import Rng
from simulators.protocols.connections import ConversationServer
from simulators.protocols.tmr.frames import Form, Indicator, Wagon


class WagonServer(ConversationServer):
    """Any number of connections hear the same wagon. Driven from outside through `wagon` and `move`."""

    def __init__(
        self,
        clock: Clock,
        rng: Rng,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        form: Form = "continuous",
        hz: float = 10.0,
        unit: str = "KG",
    ) -> None:
        self.wagon = Wagon(rng)
        super().__init__(
            clock, lambda: Indicator(self.wagon, form=form, hz=hz, unit=unit), host=host, port=port
        )

    def move(self, mass_g: int, *, within_s: float = 0.0) -> None:
        """The content goes steadily to `mass_g`."""
        self.wagon.move(mass_g, self._clock.now(), within_s=within_s)
