"""A barrier on the wire: an object with the methods Open and Close, and its switches as variables."""

from collections.abc import Mapping

from kernel.clock import Clock
from simulators.protocols.modbus.frames import Boom
from simulators.protocols.opcua import OpcUaObject, OpcUaServer

NAMESPACE = "http://barrier.example/UA/"


class OpcUaBarrier(OpcUaObject):
    """A barrier. `vehicle_over_loop` says when one stands under the boom."""

    def __init__(self, server: OpcUaServer, clock: Clock, name: str, *, travel_s: float = 1.5) -> None:
        super().__init__(server, name, ("Open", "Close"))
        self.boom = Boom(clock.now(), travel_s=travel_s)
        self.contradicts = False
        """Both limit switches say that the boom is there."""
        self._clock = clock

    def vehicle_over_loop(self, occupied: bool) -> None:
        self.boom.vehicle_over_loop(occupied, self._clock.now())

    @property
    def is_closed(self) -> bool:
        return self.boom.inputs(self._clock.now())[1]

    def flags(self) -> Mapping[str, bool]:
        is_open, is_closed, occupied = self.boom.inputs(self._clock.now())
        both = self.contradicts
        return {"IsOpen": is_open or both, "IsClosed": is_closed or both, "Loop": occupied}

    def called(self, method: str) -> None:
        self.boom.order(method == "Open", self._clock.now())
