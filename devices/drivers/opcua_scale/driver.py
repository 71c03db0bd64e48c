"""Watches a scale of the weighing model and reports each load once.

Where the scale registers weights under a WeightId, each id is one weighing, with the scale's own time and
name for it. Where it does not, the driver finds the moment at which a load has come to rest, and numbers.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from asyncua import ua

from devices.drivers.opcua_scale.codec import (
    NAMESPACES,
    PROPERTIES,
    VALUE,
    Read,
    Structure,
    Unit,
    Weight,
    decode,
    raw_of,
)
from devices.transport.decoding import FieldRejected
from devices.transport.limit import Limit
from devices.transport.numbering import Numbered
from devices.transport.opcua import (
    NOTIFICATIONS_PER_S_MAX,
    READ_S_MIN,
    TOO_FAST,
    OpcUaSession,
    opcua_session,
)
from devices.transport.presence import BACKOFF_S, Presence
from devices.transport.tcp import LinkLost, NotServed
from devices.transport.weighing import (
    CAPTURE_MIN_G,
    CHANGE_G,
    SETTLE_S,
    Settings,
    Shown,
    Standstill,
    mass_reading,
    unseen_load,
)
from kernel.clock import Clock
from kernel.messages import DeviceStatus, Observation, Rejected, content_identity

POLL_MS: Final = 1_000
NUMBER_MAX: Final = 2**53 - 1

Item = Observation | Rejected
Nodes = Mapping[str, ua.NodeId]
"""A weight item and its properties, by browse name."""


class OpcUaScaleDriver:
    """An async context manager with one async iterator, `readings()`.

    `scale` is the browse name of the scale; empty for the only one that the server has. A subscription says
    when to look, and `poll_ms` when nothing was said; what is looked at is read. A server that is away raises
    nothing: it is stated once and tried again with a bounded back-off. Raises ValueError for settings that
    cannot be.
    """

    def __init__(
        self,
        device_id: str,
        host: str,
        port: int,
        clock: Clock,
        boot: int,
        *,
        path: str = "",
        scale: str = "",
        poll_ms: int = POLL_MS,
        settle_s: float = SETTLE_S,
        capture_min_g: int = CAPTURE_MIN_G,
        change_g: int = CHANGE_G,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        if poll_ms <= 0:
            raise ValueError("poll_ms must be positive")
        self._url = f"opc.tcp://{host}:{port}/{path.lstrip('/')}"
        self._scale = scale
        self._poll_s = poll_ms / 1000
        self._clock = clock
        self._numbered = Numbered(device_id, boot, clock)
        self._presence = Presence(clock.now(), backoff_s)
        self._standstill = Standstill(
            Settings(settle_s=settle_s, capture_min_g=capture_min_g, change_g=change_g)
        )
        self._limit = Limit(NOTIFICATIONS_PER_S_MAX)
        self._woken = asyncio.Event()
        self._running: AsyncGenerator[Item, None] | None = None
        self._candidate: Weight | None = None
        """A registered weight that was read once and has to be read again to be believed."""
        self._last_id: str | None = None
        self.live: Shown | None = None
        """What the scale shows, for a display; None while nothing was read."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running is not None:
            await self._running.aclose()

    def readings(self) -> AsyncIterator[Item]:
        """Every load at rest, every statement and every malformed value, until the driver is left."""
        self._running = self._run()
        return self._running

    async def _run(self) -> AsyncGenerator[Item, None]:
        while True:
            try:
                async with opcua_session(self._url) as session:
                    current, registered = await self._find(session)
                    await session.watch([*current.values(), *registered.values()], self._wake)
                    while True:
                        for item in await self._look(session, current, registered):
                            yield item
                        await self._until_woken()
            except (LinkLost, NotServed) as error:
                self._standstill.interrupt()
                self._candidate, self.live = None, None
                for status in self._presence.lost(str(error)):
                    is_fault = isinstance(error, NotServed)
                    yield self._numbered.observation(
                        DeviceStatus(state="fault" if is_fault else "offline", reason=status.reason)
                    )
                await asyncio.sleep(self._presence.wait_s)

    def _wake(self) -> None:
        self._limit.admits(self._clock.now())
        self._woken.set()

    async def _until_woken(self) -> None:
        await asyncio.sleep(READ_S_MIN)
        try:
            async with asyncio.timeout(self._poll_s):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    # --- finding the scale -------------------------------------------------------------------------

    async def _find(self, session: OpcUaSession) -> tuple[Nodes, Nodes]:
        """The current weight of the scale, and the registered one, which may be empty."""
        namespaces = await session.namespaces()
        known = {index for index, address in enumerate(namespaces) if address in NAMESPACES}

        def item(children: Sequence[ua.ReferenceDescription], name: str) -> ua.NodeId | None:
            return next(
                (
                    child.NodeId
                    for child in children
                    if child.BrowseName.Name == name and child.BrowseName.NamespaceIndex in known
                ),
                None,
            )

        scales = await session.find_objects(lambda children: item(children, "CurrentWeight") is not None)
        names = [str(found.BrowseName.Name) for found, _ in scales]
        wanted = [own for name, (_, own) in zip(names, scales, strict=True) if self._scale in ("", name)]
        if len(wanted) != 1:
            raise NotServed(f"one scale has to be named; the server has {', '.join(sorted(names)) or 'none'}")
        [children] = wanted
        current = await self._item(session, item(children, "CurrentWeight"))
        registered = await self._item(session, item(children, "RegisteredWeight"))
        if "WeightId" not in registered:
            registered = {}
            if "WeightStable" not in current:
                raise NotServed("the scale has neither WeightStable nor a registered weight with a WeightId")
        return current, registered

    async def _item(self, session: OpcUaSession, node_id: ua.NodeId | None) -> Nodes:
        if node_id is None:
            return {}
        children = await session.children(node_id)
        named = {str(child.BrowseName.Name): child.NodeId for child in children}
        return {VALUE: node_id} | {name: named[name] for name in PROPERTIES if name in named}

    # --- looking at it -----------------------------------------------------------------------------

    async def _look(self, session: OpcUaSession, current: Nodes, registered: Nodes) -> list[Item]:
        values = [_read_of(value) for value in await session.read([*current.values(), *registered.values()])]
        shows = dict(zip(current, values, strict=False))
        keeps = dict(zip(registered, values[len(current) :], strict=True))
        items = self._stated(self._presence.heard(self._clock.now()))
        reads = shows
        try:
            weight = decode(shows, is_registered=False)
            items += self._watch(weight, raw_of(shows), is_weighing=not registered)
            if registered:
                reads = keeps
                items += self._take_registered(decode(keeps, is_registered=True), raw_of(keeps))
        except FieldRejected as error:
            self._standstill.interrupt()
            return items + self._numbered.rejected(error, raw_of(reads))
        self._numbered.well_formed()
        return items

    def _watch(self, weight: Weight, raw: bytes, *, is_weighing: bool) -> list[Item]:
        """What the scale shows now: a weighing once it has come to rest, where nothing is registered."""
        self.live = weight.shown
        verdict = self._standstill.look(weight.shown, self._clock.now())
        too_fast = TOO_FAST if self._limit.is_exceeded else ""
        items = self._stated(self._presence.troubled(self._standstill.trouble or too_fast))
        if not is_weighing or verdict is None:
            return items
        if verdict == "unseen":
            return items + self._stated([unseen_load(weight.shown)])
        reading = mass_reading(weight.shown, self._numbered.next_sequence, weight.weight_id)
        return [*items, self._numbered.observation(reading, weight.at, raw)]

    def _take_registered(self, weight: Weight, raw: bytes) -> list[Item]:
        """A weight under a new WeightId, read alike twice: a server changes one value after the other."""
        if not weight.weight_id or weight.weight_id == self._last_id:
            return []
        if weight.shown.trouble or not weight.shown.is_stable:
            return []
        before, self._candidate = self._candidate, weight
        if before is None or (before.weight_id, before.shown) != (weight.weight_id, weight.shown):
            self._woken.set()
            return []
        # A time that moves while nothing else does is when the server was asked, not when the scale weighed.
        weighed_at = weight.at if weight.at == before.at else None
        gap = self._missed(weight.weight_id)
        was_first, self._last_id = self._last_id is None, weight.weight_id
        if weighed_at is None and was_first:
            reason = (
                f"weighing {weight.weight_id} was registered before, and nobody tells when; it is not taken"
            )
            return self._stated([DeviceStatus(state="gap", reason=reason)])
        return [*self._stated(gap), self._weighing(weight, weighed_at, raw)]

    def _missed(self, weight_id: str) -> list[DeviceStatus]:
        """Whether ids that count were passed over between two looks."""
        last = self._last_id
        if last is None or not (_is_number(last) and _is_number(weight_id)):
            return []
        first, end = int(last) + 1, int(weight_id) - 1
        if end < first:
            return []
        return [DeviceStatus(state="gap", reason=f"weighings {first} to {end} were not read")]

    def _weighing(self, weight: Weight, weighed_at: datetime | None, raw: bytes) -> Observation:
        is_number = _is_number(weight.weight_id) and 1 <= int(weight.weight_id) <= NUMBER_MAX
        digest = hashlib.sha256(weight.weight_id.encode()).digest()[:6]
        number = int(weight.weight_id) if is_number else int.from_bytes(digest, "big") + 1
        reading = mass_reading(weight.shown, number, weight.weight_id)
        if weighed_at is None:
            return self._numbered.observation(reading, raw=raw)
        identity = f"{weight.weight_id} {reading.mass_g} {reading.tare_g}".encode()
        boot, sequence = content_identity(weighed_at, identity)
        return Observation(
            device_id=self._numbered.device_id,
            boot=boot,
            sequence=sequence,
            observed_at=weighed_at,
            reading=reading,
            raw_sha256=hashlib.sha256(raw).hexdigest(),
        )

    def _stated(self, statuses: Sequence[DeviceStatus]) -> list[Item]:
        return [self._numbered.observation(status) for status in statuses]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _read_of(value: ua.DataValue) -> Read:
    """A value as the codec reads it; what the weighing model does not use comes as None."""
    is_good = value.StatusCode is None or value.StatusCode.is_good()
    found = None if value.Value is None else value.Value.Value
    if isinstance(found, ua.ExtensionObject):
        encoding = found.TypeId.Identifier
        found = Structure(
            encoding=encoding if isinstance(encoding, int) else 0, body=bytes(found.Body or b"")
        )
    elif isinstance(found, ua.EUInformation):
        found = Unit(number=found.UnitId, name=found.DisplayName.Text or "")
    elif not isinstance(found, bool | int | float | str):
        found = None
    return Read(value=found, is_good=is_good, at=value.SourceTimestamp)
