"""Switches a signal by methods of an OPC UA server and watches its lamps, each order confirmed by what they
then show."""

from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Final, Self

from devices.drivers.opcua_signal.codec import decode, raw_of
from devices.transport.decoding import FieldRejected
from devices.transport.obeying import NotDone, show_aspect
from devices.transport.opcua import OpcUaLink
from devices.transport.orders import Order
from devices.transport.presence import BACKOFF_S
from devices.transport.tcp import LinkLost
from devices.transport.watching import Item, Seen, StateWatch
from kernel.clock import Clock
from kernel.messages import SignalState

POLL_MS: Final = 1_000
FEEDBACK_S: Final = 2.0


class OpcUaSignalDriver:
    """An async context manager with one async iterator, `readings()`, and the order `show`.

    `signal` is the object; `show_…` are its methods without arguments, one for each aspect it has; the others
    are its status variables, one for each lamp: node ids as people write them, empty for what there is not.
    Red and off are always there. The driver numbers: `boot` is given and must grow with each start.
    """

    def __init__(
        self,
        device_id: str,
        host: str,
        port: int,
        clock: Clock,
        boot: int,
        *,
        signal: str,
        show_off: str,
        show_red: str,
        red: str,
        show_amber: str = "",
        amber: str = "",
        show_green: str = "",
        green: str = "",
        path: str = "",
        poll_ms: int = POLL_MS,
        feedback_s: float = FEEDBACK_S,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        if poll_ms <= 0:
            raise ValueError("poll_ms must be positive")
        methods = {"off": show_off, "red": show_red, "amber": show_amber, "green": show_green}
        lamps = {"red": red, "amber": amber, "green": green}
        self._aspects = {aspect for aspect, node in methods.items() if node}
        self._feedback_s = feedback_s
        self._link = OpcUaLink(
            f"opc.tcp://{host}:{port}/{path.lstrip('/')}",
            clock,
            object_node=signal,
            variables={lamp: node for lamp, node in lamps.items() if node},
            methods={_method(aspect): node for aspect, node in methods.items() if node},
            poll_s=poll_ms / 1000,
        )
        self._watch: StateWatch[SignalState] = StateWatch(
            device_id,
            boot,
            clock,
            self._look,
            self._link.pause,
            backoff_s=backoff_s,
            trouble=lambda: self._link.trouble,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._link.close()

    async def command(self, order: Order) -> str | None:
        """Show an aspect and wait until the lamps do; None when they do, else why not."""
        aspect = order.parameters["aspect"]
        if aspect not in self._aspects:
            return "no_lamp"
        return await show_aspect(aspect, self._watch.feedback, lambda: self._call(aspect), self._feedback_s)

    def readings(self) -> AsyncIterator[Item]:
        """Each change of aspect, each statement and each contradiction, until the driver is left."""
        return self._watch.readings()

    async def _look(self) -> Seen[SignalState]:
        values = await self._link.values()
        try:
            return Seen(raw_of(values), decode(values))
        except FieldRejected as error:
            return Seen(raw_of(values), error)

    async def _call(self, aspect: str) -> None:
        try:
            is_taken = await self._link.call(_method(aspect))
        except LinkLost as error:
            raise NotDone("unreachable") from error
        if not is_taken:
            raise NotDone("refused")


def _method(aspect: str) -> str:
    return f"show_{aspect}"
