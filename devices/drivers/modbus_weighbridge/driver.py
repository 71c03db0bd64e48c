"""Polls a weighbridge and reports each stable weighing once.

A weighing carries the indicator's own number and time: reading the registers again, after a lost line or a
restart, gives the same observation and never a new one.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Final, Self

from devices.drivers.modbus_weighbridge.codec import ADDRESS, WORDS, Snapshot, Weighing, decode, raw_of
from devices.transport.decoding import FieldRejected
from devices.transport.modbus import LinkLost, ModbusLink, RequestRefused
from devices.transport.presence import BACKOFF_S, Presence
from kernel.clock import Clock
from kernel.messages import DeviceStatus, MassReading, Observation, Rejected

POLL_MS: Final = 200
STATUS_BOOT_BASE: Final = 1 << 40
"""Boots of the driver's own statements start here: the indicator's counter has 32 bits and never meets it."""

Item = Observation | Rejected


class ModbusWeighbridgeDriver:
    """An async context manager with one async iterator, `readings()`.

    Weighings are numbered by the indicator (boot counter and weighing number); the driver's own statements
    (`offline`, `gap`, `fault`, `online`) by `boot`, which must grow with each start of the driver. A device
    that is away raises nothing: it is stated once and tried again with a bounded back-off. Weighings that
    were overwritten before a poll saw them are stated as a gap.
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
        poll_ms: int = POLL_MS,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        if poll_ms <= 0:
            raise ValueError("poll_ms must be positive")
        self._device_id = device_id
        self._clock = clock
        self._status_boot = STATUS_BOOT_BASE + boot
        self._poll_s = poll_ms / 1000
        self._link = ModbusLink(host, port, unit)
        self._presence = Presence(clock.now(), backoff_s)
        self._sequence = 0
        self._last: tuple[int, int] | None = None
        self._last_bad = b""
        self.live: Snapshot | None = None
        """The newest registers, for a display; None while nothing was read."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()

    async def readings(self) -> AsyncIterator[Item]:
        """Every stable weighing, every statement and every malformed answer, until the driver is left."""
        while True:
            try:
                registers = await self._link.holding_registers(ADDRESS, WORDS)
            except LinkLost as error:
                self.live = None
                for status in self._presence.lost(str(error)):
                    yield self._statement(status)
                await asyncio.sleep(self._presence.wait_s)
                continue
            except RequestRefused as error:
                for status in self._presence.lost(str(error)):
                    yield self._statement(DeviceStatus(state="fault", reason=status.reason))
                await asyncio.sleep(self._presence.wait_s)
                continue
            for item in self._read(registers):
                yield item
            await asyncio.sleep(self._poll_s)

    def _read(self, registers: Sequence[int]) -> list[Item]:
        items: list[Item] = [self._statement(status) for status in self._presence.heard(self._clock.now())]
        try:
            self.live = decode(registers)
        except FieldRejected as error:
            return [*items, *self._rejected(error, raw_of(registers))]
        self._last_bad = b""
        last = self.live.last
        if last is None or (last.boot, last.weight_id) == self._last:
            return items
        items += [self._statement(status) for status in self._overwritten(last)]
        self._last = last.boot, last.weight_id
        return [*items, self._weighing(last, self.live, registers)]

    def _overwritten(self, last: Weighing) -> list[DeviceStatus]:
        """Whether weighings came and went between two polls."""
        if self._last is None:
            return []
        boot, weight_id = self._last
        first = weight_id + 1 if boot == last.boot else 1
        if first >= last.weight_id:
            return []
        return [DeviceStatus(state="gap", reason=f"weighings {first} to {last.weight_id - 1} were not read")]

    def _weighing(self, last: Weighing, snapshot: Snapshot, registers: Sequence[int]) -> Observation:
        return Observation(
            device_id=self._device_id,
            boot=last.boot,
            sequence=last.weight_id,
            observed_at=last.weighed_at,
            reading=MassReading(
                mass_g=last.mass_g,
                weight_id=last.weight_id,
                legal_for_trade=snapshot.legal_for_trade,
                axle_count=last.axle_count,
            ),
            raw_sha256=hashlib.sha256(raw_of(registers)).hexdigest(),
        )

    def _statement(self, status: DeviceStatus) -> Observation:
        self._sequence += 1
        return Observation(
            device_id=self._device_id,
            boot=self._status_boot,
            sequence=self._sequence,
            observed_at=self._clock.now(),
            reading=status,
        )

    def _rejected(self, error: FieldRejected, raw: bytes) -> list[Rejected]:
        """The same bad registers are reported once, not at every poll."""
        if raw == self._last_bad:
            return []
        self._last_bad = raw
        now = self._clock.now()
        return [
            Rejected(device_id=self._device_id, field=error.field, rule=error.rule, raw=raw, received_at=now)
        ]
