"""A signal on the wire, as a pymodbus server: coils switch the lamps, discrete inputs sense their current."""

from pymodbus.constants import ExcCodes
from pymodbus.simulator import DataType, SimData, SimDevice

from simulators.protocols.modbus.server import (
    READ_COILS,
    READ_DISCRETE,
    UNIT,
    WRITE_COIL,
    WRITE_COILS,
    ModbusServer,
)
from simulators.protocols.modbus_signal.frames import Lamps


class SignalServer(ModbusServer):
    """A signal of `count` lamps, red first. `writes` are all that was written, in order."""

    def __init__(self, *, count: int = 2, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self.lamps = Lamps(count)
        self.writes: list[list[bool]] = []

    def _devices(self) -> SimDevice:
        async def act(
            function: int,
            start: int,  # noqa: ARG001
            address: int,
            count: int,  # noqa: ARG001
            registers: list[int],
            wanted: list[int] | list[bool] | None,
        ) -> ExcCodes | None:
            if function in (WRITE_COIL, WRITE_COILS) and wanted is not None:
                values = [bool(value) for value in wanted]
                self.writes.append(values)
                self.lamps.write(address, values)
            elif function in (READ_COILS, READ_DISCRETE):
                bits = self.lamps.outputs if function == READ_COILS else self.lamps.lit
                registers[0] = sum(1 << place for place, bit in enumerate(bits) if bit)
            return None

        def bits() -> list[SimData]:
            return [SimData(0, values=[False] * 16, datatype=DataType.BITS)]

        def words() -> list[SimData]:
            return [SimData(0, values=[0], datatype=DataType.REGISTERS)]

        return SimDevice(UNIT, simdata=(bits(), bits(), words(), words()), action=act)
