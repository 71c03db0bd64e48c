"""A signal on the wire: an object with a method for each aspect, and its lamps as variables."""

from collections.abc import Mapping

from simulators.protocols.modbus_signal.frames import Lamps
from simulators.protocols.opcua import OpcUaObject, OpcUaServer

NAMESPACE = "http://signal.example/UA/"
COLOURS = ("Red", "Amber", "Green")


class OpcUaSignal(OpcUaObject):
    """A traffic light of three lamps."""

    def __init__(self, server: OpcUaServer, name: str) -> None:
        super().__init__(server, name, ("ShowOff", *(f"Show{colour}" for colour in COLOURS)))
        self.lamps = Lamps(len(COLOURS))

    def flags(self) -> Mapping[str, bool]:
        return dict(zip(COLOURS, self.lamps.lit, strict=True))

    def called(self, method: str) -> None:
        self.lamps.write(0, [method == f"Show{colour}" for colour in COLOURS])
