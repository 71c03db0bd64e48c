"""Switches a signal's lamps and watches them, each order confirmed by what the lamps then show."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Final, Literal, Self

from devices.drivers.modbus_signal.codec import LAMPS, coils_of, decode
from devices.transport.decoding import FieldRejected
from devices.transport.modbus import ModbusLink
from devices.transport.modbus_answer import AnswerRejected, packed
from devices.transport.obeying import NotDone, show_aspect
from devices.transport.orders import Order
from devices.transport.presence import BACKOFF_S
from devices.transport.tcp import LinkLost
from devices.transport.watching import Item, Seen, StateWatch
from kernel.clock import Clock
from kernel.messages import SignalState

POLL_MS: Final = 200
FEEDBACK_S: Final = 2.0


class ModbusSignalDriver:
    """An async context manager with one async iterator, `readings()`, and the order `show`.

    `feedback` says where the lamps are watched: `coils` are what the outputs hold, `inputs` sense the current
    of each lamp, so that a broken one shows. The driver numbers: `boot` is given and must grow with each
    start.
    """

    def __init__(
        self,
        device_id: str,
        host: str,
        port: int,
        clock: Clock,
        boot: int,
        *,
        unit: int = 1,
        lamps: str = "red-green",
        coil_address: int = 0,
        feedback: Literal["coils", "inputs"] = "coils",
        input_address: int = 0,
        poll_ms: int = POLL_MS,
        feedback_s: float = FEEDBACK_S,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        if poll_ms <= 0:
            raise ValueError("poll_ms must be positive")
        self._lamps = LAMPS[lamps]
        self._coil_address = coil_address
        self._input_address = input_address
        self._is_sensed = feedback == "inputs"
        self._poll_s = poll_ms / 1000
        self._feedback_s = feedback_s
        self._link = ModbusLink(host, port, unit)
        self._watch: StateWatch[SignalState] = StateWatch(
            device_id, boot, clock, self._look, self._pause, backoff_s=backoff_s
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()

    async def command(self, order: Order) -> str | None:
        """Show an aspect and wait until the lamps do; None when they do, else why not."""
        try:
            coils = coils_of(order.parameters["aspect"], self._lamps)
        except FieldRejected:
            return "no_lamp"
        return await show_aspect(
            order.parameters["aspect"], self._watch.feedback, lambda: self._write(coils), self._feedback_s
        )

    def readings(self) -> AsyncIterator[Item]:
        """Each change of aspect, each statement and each contradiction, until the driver is left."""
        return self._watch.readings()

    async def _look(self) -> Seen[SignalState]:
        count = len(self._lamps)
        if self._is_sensed:
            bits = await self._link.discrete_inputs(self._input_address, count)
        else:
            bits = await self._link.coils(self._coil_address, count)
        try:
            return Seen(packed(bits), decode(bits, self._lamps))
        except FieldRejected as error:
            return Seen(packed(bits), error)

    async def _pause(self) -> None:
        await asyncio.sleep(self._poll_s)

    async def _write(self, coils: Sequence[bool]) -> None:
        try:
            await self._link.write_coils(self._coil_address, coils)
        except LinkLost as error:
            raise NotDone("unreachable") from error
        except AnswerRejected as error:
            raise NotDone("refused") from error
