"""The devices on the wire, as pymodbus servers. Driven from outside: loads and vehicles come and go."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Literal, Self

from pymodbus import FramerType
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from kernel.clock import Clock
from kernel.rng import Rng
from simulators.protocols.loadcell import TaredScale
from simulators.protocols.modbus.frames import Boom, Converter, Indicator, Ticket

Framing = Literal["tcp", "rtu"]
FRAMERS = {"tcp": FramerType.SOCKET, "rtu": FramerType.RTU}
"""Modbus TCP, or serial frames inside TCP as a serial device server passes them on."""
UNIT = 1
WRITE_COIL, WRITE_COILS = 5, 15
READ_COILS, READ_DISCRETE = 1, 2
REGISTERS = 13


class ModbusServer:
    """An async context manager around a pymodbus server; `port` is known once it is entered."""

    def __init__(self, host: str, port: int, framing: Framing = "tcp") -> None:
        self._address = host, port
        self._framer = FRAMERS[framing]
        self._server: ModbusTcpServer | None = None

    def _devices(self) -> SimDevice | list[SimDevice]:
        raise NotImplementedError

    @property
    def host(self) -> str:
        return self._address[0]

    @property
    def port(self) -> int:
        """The port listened on; a free one when 0 was asked for, kept over `cut` and `mend`."""
        return self._address[1]

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()

    async def mend(self) -> None:
        """Listen (again)."""
        if self._server is None:
            server = ModbusTcpServer(self._devices(), framer=self._framer, address=self._address)
            await server.serve_forever(background=True)
            assert server.transport is not None
            self._address = self.host, server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
            self._server = server

    async def cut(self) -> None:
        """Cut the line: every connection ends and none is taken."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None


class WeighbridgeServer(ModbusServer):
    """A weighbridge indicator. `put` says what stands on the bridge."""

    def __init__(
        self,
        clock: Clock,
        rng: Rng,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        settle_s: float = 1.5,
        framing: Framing = "tcp",
    ) -> None:
        super().__init__(host, port, framing)
        self._clock = clock
        self.indicator = Indicator(rng, settle_s=settle_s)

    def put(self, mass_g: int, axles: int = 0) -> None:
        """From now on `mass_g` stands on the bridge."""
        self.indicator.put(mass_g, self._clock.now(), axles)

    @property
    def ticket(self) -> Ticket:
        """The last stable weighing, as of now."""
        self.indicator.words(self._clock.now())
        return self.indicator.ticket

    def restart(self) -> None:
        self.indicator.restart(self._clock.now())

    def _devices(self) -> SimDevice:
        return _readable(UNIT, 0, REGISTERS, lambda: self.indicator.words(self._clock.now()))


class ShownServer(ModbusServer):
    """An indicator that shows registers as they are given: `show` replaces the whole block."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self._words = [0] * REGISTERS

    def show(self, words: Sequence[int]) -> None:
        if len(words) != REGISTERS:
            raise ValueError(f"words: {REGISTERS}")
        self._words = list(words)

    def _devices(self) -> SimDevice:
        return _readable(UNIT, 0, REGISTERS, lambda: self._words)


class ConverterServer(ModbusServer):
    """Load cell converters without memory, each a unit of one bus: the first is unit 1."""

    def __init__(
        self,
        clock: Clock,
        scales: Sequence[TaredScale],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        framing: Framing = "tcp",
        low_word_first: bool = False,
        unit_of_mass: str = "kg",
    ) -> None:
        super().__init__(host, port, framing)
        self._clock = clock
        self.converters = [
            Converter(scale, low_word_first=low_word_first, unit=unit_of_mass) for scale in scales
        ]

    def put(self, mass_g: int, unit: int = UNIT) -> None:
        """From now on `mass_g` stands on the platform of `unit`."""
        self.converters[unit - 1].scale.put(mass_g, self._clock.now())

    def _devices(self) -> list[SimDevice]:
        return [
            _readable(unit, Converter.FIRST, Converter.WORDS, partial(self._words, converter))
            for unit, converter in enumerate(self.converters, start=UNIT)
        ]

    def _words(self, converter: Converter) -> list[int]:
        return converter.words(self._clock.now())


def _readable(unit: int, first: int, count: int, words: Callable[[], list[int]]) -> SimDevice:
    """A unit whose registers are computed when they are asked for, and cannot be written."""

    async def refresh(
        function: int,  # noqa: ARG001
        start: int,  # noqa: ARG001
        address: int,  # noqa: ARG001
        count: int,  # noqa: ARG001
        registers: list[int],
        wanted: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if wanted is not None:
            return ExcCodes.ILLEGAL_FUNCTION
        registers[:] = words()
        return None

    block = SimData(first, values=[0] * count, datatype=DataType.REGISTERS)
    return SimDevice(unit, simdata=[block], action=refresh)


class BarrierServer(ModbusServer):
    """A barrier. The world asks `is_open` before a vehicle passes and says when one stands on the loop."""

    def __init__(
        self, clock: Clock, *, host: str = "127.0.0.1", port: int = 0, travel_s: float = 1.5
    ) -> None:
        super().__init__(host, port)
        self._clock = clock
        self.boom = Boom(clock.now(), travel_s=travel_s)
        self.orders: list[bool] = []
        """Every order written to the coil, in order; True is open."""
        self.told_to_open_at: datetime | None = None
        """When the last order to open arrived."""

    def vehicle_over_loop(self, occupied: bool) -> None:
        self.boom.vehicle_over_loop(occupied, self._clock.now())

    @property
    def is_open(self) -> bool:
        """True while the boom is all the way up."""
        return self.boom.inputs(self._clock.now())[0]

    @property
    def is_closed(self) -> bool:
        return self.boom.inputs(self._clock.now())[1]

    def _devices(self) -> SimDevice:
        async def act(
            function: int,
            start: int,  # noqa: ARG001
            address: int,  # noqa: ARG001
            count: int,  # noqa: ARG001
            registers: list[int],
            wanted: list[int] | list[bool] | None,
        ) -> ExcCodes | None:
            if function in (WRITE_COIL, WRITE_COILS) and wanted is not None:
                self.orders.append(bool(wanted[0]))
                self.told_to_open_at = self._clock.now() if wanted[0] else self.told_to_open_at
                self.boom.order(bool(wanted[0]), self._clock.now())
            elif function == READ_DISCRETE:
                bits = self.boom.inputs(self._clock.now())
                registers[0] = sum(1 << place for place, bit in enumerate(bits) if bit)
            return None

        def bits() -> list[SimData]:
            return [SimData(0, values=[False] * 16, datatype=DataType.BITS)]

        def words() -> list[SimData]:
            return [SimData(0, values=[0], datatype=DataType.REGISTERS)]

        return SimDevice(UNIT, simdata=(bits(), bits(), words(), words()), action=act)
