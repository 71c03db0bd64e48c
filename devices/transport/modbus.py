"""A Modbus connection over TCP that is opened when needed and says plainly what went wrong.

Addresses are zero-based, as on the wire. Sources: MODBUS Application Protocol Specification V1.1b3; MODBUS
over Serial Line V1.02 for the frames with CRC, which serial device servers pass on through TCP as they are.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Final, Literal, Self, TypeVar

from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from devices.transport.cancelling import heed_cancellation
from devices.transport.modbus_answer import AnswerRejected, RequestRefused, check_answer
from devices.transport.tcp import LinkLost

Value = TypeVar("Value", int, bool)

# An absent device is stated once by its driver; the library would warn at every attempt.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

Framing = Literal["tcp", "rtu"]
"""`tcp`: the MBAP header. `rtu`: serial frames with their CRC, inside TCP."""
_FRAMERS: Final = {"tcp": FramerType.SOCKET, "rtu": FramerType.RTU}

REQUEST_S_MAX = 1.0
"""A device on the same site answers in milliseconds; past this the line counts as lost."""

STRANGE_BYTES_MAX: Final = 65_536
"""So much is heard of a peer that is no Modbus device; the library would forget it and wait in vain."""

Request = Callable[[AsyncModbusTcpClient], Awaitable[ModbusPDU]]


class _Line:
    """The one connection of all units behind an address. They answer one at a time."""

    def __init__(self, address: "_Address") -> None:
        self.address = address
        self.busy = asyncio.Lock()
        self.user_count = 0
        self._client: AsyncModbusTcpClient | None = None
        self._asked = self.heard = b""
        self._rejected: AnswerRejected | None = None

    def drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    async def ask(self, request: Request, request_s_max: float) -> ModbusPDU:
        """The answer to one request. Raises LinkLost or AnswerRejected, and drops the connection."""
        async with self.busy:
            client = await self._connected(request_s_max)
            self.heard, self._rejected = b"", None
            try:
                answer = await request(client)
                heed_cancellation()
                return answer
            except (ModbusException, OSError) as error:
                self.drop()
                heed_cancellation()
                raise self._no_answer(error) from error
            except asyncio.CancelledError:
                # The answer is still on its way, and could be taken for that of the next unit.
                self.drop()
                raise

    def _no_answer(self, error: Exception) -> Exception:
        if self._rejected is not None:
            return self._rejected
        if self.heard and self.address[2] == "tcp":
            rule = f"the whole answer; {len(self.heard)} bytes came"
            return AnswerRejected("mbap.length", rule, self.heard)
        return LinkLost(f"no answer: {error}")

    def _look(self, is_sent: bool, frame: bytes) -> bytes:
        """Sees every frame before the library does, which would drop a bad one without a word."""
        if is_sent:
            self._asked = frame
            return frame
        self.heard = frame
        try:
            # A serial frame with a wrong check is noise on the bus, and the library looks for the next one.
            if self.address[2] == "tcp":
                check_answer(self._asked, frame)
        except AnswerRejected as error:
            self._rejected = error
            return b""
        return frame

    async def _connected(self, request_s_max: float) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        self.drop()
        host, port, framing = self.address
        # Reconnecting is left to the driver, which states every absence; so are retries.
        client = AsyncModbusTcpClient(
            host,
            port=port,
            framer=_FRAMERS[framing],
            timeout=request_s_max,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._look,
        )
        client.ctx.max_buffer_size = STRANGE_BYTES_MAX
        if not await client.connect():
            client.close()
            raise LinkLost(f"cannot connect to {host}:{port}")
        self._client = client
        return client


_Address = tuple[str, int, Framing]
_LINES: dict[_Address, _Line] = {}
"""The lines in use: a serial device server takes one connection, and a bus one request, at a time."""


class ModbusLink:
    """One unit behind one TCP connection, which it shares with the other units there.

    After LinkLost or AnswerRejected the next request connects anew. Requests wait for each other.
    """

    def __init__(
        self,
        host: str,
        port: int,
        unit: int = 1,
        framing: Framing = "tcp",
        request_s_max: float = REQUEST_S_MAX,
    ) -> None:
        self._address: _Address = host, port, framing
        self._unit = unit
        self._request_s_max = request_s_max
        self._line: _Line | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the line; the last unit closes its connection."""
        line, self._line = self._line, None
        if line is None:
            return
        line.user_count -= 1
        if line.user_count == 0:
            line.drop()
            del _LINES[line.address]

    async def holding_registers(self, address: int, count: int) -> list[int]:
        """Function 3: `count` words of 16 bits."""
        answer = await self._ask(
            lambda client: client.read_holding_registers(address, count=count, device_id=self._unit)
        )
        return self._exactly(answer.registers, count)

    async def discrete_inputs(self, address: int, count: int) -> list[bool]:
        """Function 2."""
        answer = await self._ask(
            lambda client: client.read_discrete_inputs(address, count=count, device_id=self._unit)
        )
        return self._exactly(answer.bits, count)

    async def coils(self, address: int, count: int) -> list[bool]:
        """Function 1."""
        answer = await self._ask(lambda client: client.read_coils(address, count=count, device_id=self._unit))
        return self._exactly(answer.bits, count)

    async def write_coil(self, address: int, value: bool) -> None:
        """Function 5."""
        await self._ask(lambda client: client.write_coil(address, value, device_id=self._unit))

    async def write_coils(self, address: int, values: Sequence[bool]) -> None:
        """Function 15: all of them at once."""
        await self._ask(lambda client: client.write_coils(address, list(values), device_id=self._unit))

    def _taken(self) -> _Line:
        if self._line is None:
            self._line = _LINES.setdefault(self._address, _Line(self._address))
            self._line.user_count += 1
        return self._line

    async def _ask(self, request: Request) -> ModbusPDU:
        answer = await self._taken().ask(request, self._request_s_max)
        if answer.isError():
            raise RequestRefused(answer.function_code & 0x7F, answer.exception_code)
        return answer

    def _exactly(self, values: Sequence[Value], count: int) -> list[Value]:
        """Bits come in whole bytes, so more than asked for is right; fewer is not."""
        if len(values) < count:
            line = self._taken()
            line.drop()
            raise AnswerRejected("byte_count", f"{count} values, {len(values)} came", line.heard)
        return list(values[:count])
