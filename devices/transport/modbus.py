"""A Modbus TCP connection that is opened when needed and says plainly what went wrong.

Addresses are zero-based, as on the wire. Source: MODBUS Application Protocol Specification V1.1b3.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

Value = TypeVar("Value", int, bool)

# An absent device is stated once by its driver; the library would warn at every attempt.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

REQUEST_S_MAX = 1.0
"""A device on the same site answers in milliseconds; past this the line counts as lost."""


class LinkLost(Exception):
    """No connection, or no answer in time."""


class RequestRefused(Exception):
    """The device answered with an exception code (V1.1b3 section 7: 2 is an illegal data address)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the device refused the request with code {code}")
        self.code = code


class ModbusLink:
    """One unit behind one TCP connection. After LinkLost the next request connects anew.

    Requests of several tasks wait for each other: an indicator answers one at a time.
    """

    def __init__(self, host: str, port: int, unit: int = 1, request_s_max: float = REQUEST_S_MAX) -> None:
        self._address = host, port
        self._unit = unit
        self._request_s_max = request_s_max
        self._client: AsyncModbusTcpClient | None = None
        self._busy = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

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

    async def write_coil(self, address: int, value: bool) -> None:
        """Function 5."""
        await self._ask(lambda client: client.write_coil(address, value, device_id=self._unit))

    async def _ask(self, request: Callable[[AsyncModbusTcpClient], Awaitable[ModbusPDU]]) -> ModbusPDU:
        async with self._busy:
            client = await self._connected()
            try:
                answer = await request(client)
            except (ModbusException, OSError) as error:
                self.close()
                raise LinkLost(f"no answer: {error}") from error
        if answer.isError():
            raise RequestRefused(answer.exception_code)
        return answer

    async def _connected(self) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        self.close()
        host, port = self._address
        # Reconnecting is left to the driver, which states every absence; so are retries.
        client = AsyncModbusTcpClient(
            host, port=port, timeout=self._request_s_max, retries=0, reconnect_delay=0
        )
        if not await client.connect():
            client.close()
            raise LinkLost(f"cannot connect to {host}:{port}")
        self._client = client
        return client

    def _exactly(self, values: Sequence[Value], count: int) -> list[Value]:
        """Bits come in whole bytes, so more than asked for is right; fewer is not."""
        if len(values) < count:
            self.close()
            raise LinkLost(f"{len(values)} values instead of {count}")
        return list(values[:count])
