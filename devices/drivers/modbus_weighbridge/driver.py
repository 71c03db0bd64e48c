"""Polls a weighing indicator and reports each stable weighing once.

Where the indicator has an alibi memory, a weighing carries its number and time: reading the registers again,
after a lost line or a restart, gives the same observation and never a new one. Where it has none, the driver
finds the moment at which a load has come to rest, and numbers.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Final, Self

from devices.drivers.modbus_weighbridge.codec import Snapshot, Weighing, decode, raw_of
from devices.drivers.modbus_weighbridge.profiles import PROFILES
from devices.transport.decoding import FieldRejected
from devices.transport.modbus import Framing, ModbusLink
from devices.transport.modbus_answer import AnswerRejected
from devices.transport.numbering import Numbered
from devices.transport.presence import BACKOFF_S, Presence
from devices.transport.tcp import LinkLost
from devices.transport.weighing import (
    SETTLE_S,
    Settings,
    Shown,
    Standstill,
    mass_reading,
    unseen_load,
)
from kernel.clock import Clock
from kernel.messages import DeviceStatus, MassReading, Observation, Rejected

POLL_MS: Final = 200
CAPTURE_MIN_G: Final = 500_000
CHANGE_G: Final = 100_000
"""Five intervals of a road weighbridge, whose last digit may go back and forth under a standing load."""
OWN_BOOT_BASE: Final = 1 << 40
"""Boots of what the driver numbers start here: the indicator's counter has 32 bits and never meets it."""

Item = Observation | Rejected


class ModbusWeighbridgeDriver:
    """An async context manager with one async iterator, `readings()`.

    Weighings are numbered by the indicator (boot counter and weighing number) where it has an alibi memory;
    everything else by `boot`, which must grow with each start of the driver. A device that is away raises
    nothing: it is stated once and tried again with a bounded back-off. Weighings that were overwritten
    before a poll saw them are stated as a gap. `settle_s`, `capture_min_g` and `change_g` say when a load
    counts as weighed where the driver has to find out. Raises ValueError for settings that cannot be.
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
        framing: Framing = "tcp",
        profile: str = "tallyhouse-1",
        poll_ms: int = POLL_MS,
        settle_s: float = SETTLE_S,
        capture_min_g: int = CAPTURE_MIN_G,
        change_g: int = CHANGE_G,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        if poll_ms <= 0 or profile not in PROFILES:
            raise ValueError(f"poll_ms must be positive and profile one of {', '.join(PROFILES)}")
        self._profile = PROFILES[profile]
        self._clock = clock
        self._numbered = Numbered(device_id, OWN_BOOT_BASE + boot, clock)
        self._poll_s = poll_ms / 1000
        self._link = ModbusLink(host, port, unit, framing)
        self._presence = Presence(clock.now(), backoff_s)
        self._standstill = Standstill(
            Settings(settle_s=settle_s, capture_min_g=capture_min_g, change_g=change_g)
        )
        self._last: tuple[int, int] | None = None
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
                registers = await self._link.holding_registers(self._profile.address, self._profile.words)
            except (LinkLost, AnswerRejected) as error:
                for item in self._lost(error):
                    yield item
                await asyncio.sleep(self._presence.wait_s)
                continue
            for item in self._read(registers):
                yield item
            await asyncio.sleep(self._poll_s)

    def _lost(self, error: LinkLost | AnswerRejected) -> list[Item]:
        self.live = None
        self._standstill.interrupt()
        stated = self._presence.lost(str(error))
        if isinstance(error, LinkLost):
            return self._stated(stated)
        faults = [DeviceStatus(state="fault", reason=status.reason) for status in stated]
        return [*self._stated(faults), *self._numbered.rejected(error, error.raw)]

    def _read(self, registers: Sequence[int]) -> list[Item]:
        items = self._stated(self._presence.heard(self._clock.now()))
        raw = raw_of(registers)
        try:
            self.live = decode(self._profile, registers)
        except FieldRejected as error:
            self._standstill.interrupt()
            return [*items, *self._numbered.rejected(error, raw)]
        self._numbered.well_formed()
        verdict = self._standstill.look(self.live.shown, self._clock.now())
        items += self._stated(self._presence.troubled(self._standstill.trouble))
        if self._profile.ticket is not None:
            return items + self._weighed(self.live, raw)
        if verdict == "unseen":
            return items + self._stated([unseen_load(self.live.shown)])
        return items + ([self._at_rest(self.live.shown, raw)] if verdict == "captured" else [])

    # --- where the indicator numbers ---------------------------------------------------------------

    def _weighed(self, snapshot: Snapshot, raw: bytes) -> list[Item]:
        last = snapshot.last
        if last is None or (last.boot, last.weight_id) == self._last:
            return []
        gap = self._overwritten(last)
        self._last = last.boot, last.weight_id
        return [*self._stated(gap), self._weighing(last, snapshot.shown, raw)]

    def _overwritten(self, last: Weighing) -> list[DeviceStatus]:
        """Whether weighings came and went between two polls."""
        if self._last is None:
            return []
        boot, weight_id = self._last
        first = weight_id + 1 if boot == last.boot else 1
        if first >= last.weight_id:
            return []
        return [DeviceStatus(state="gap", reason=f"weighings {first} to {last.weight_id - 1} were not read")]

    def _weighing(self, last: Weighing, shown: Shown, raw: bytes) -> Observation:
        return Observation(
            device_id=self._numbered.device_id,
            boot=last.boot,
            sequence=last.weight_id,
            observed_at=last.weighed_at,
            reading=MassReading(
                mass_g=last.mass_g,
                weight_id=last.weight_id,
                legal_for_trade=shown.legal_for_trade,
                axle_count=last.axle_count,
            ),
            raw_sha256=hashlib.sha256(raw).hexdigest(),
        )

    # --- where the driver numbers ------------------------------------------------------------------

    def _at_rest(self, shown: Shown, raw: bytes) -> Observation:
        return self._numbered.observation(mass_reading(shown, self._numbered.next_sequence), raw=raw)

    def _stated(self, statuses: Sequence[DeviceStatus]) -> list[Item]:
        return [self._numbered.observation(status) for status in statuses]
