"""A receiver on the wire. Driven from outside: `put` says where it is; it tells once a period."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from kernel.clock import Clock
from simulators.protocols.connections import ConversationServer
from simulators.protocols.nmea.frames import Place, gga, gsv, rmc, vtg

KINDS = ("RMC", "VTG", "GGA", "GSV")
PERIOD = timedelta(seconds=1)


class NmeaServer(ConversationServer):
    """A receiver with any number of connections. `kinds` says what it sends in each epoch, in that order."""

    def __init__(
        self,
        clock: Clock,
        place: Place,
        *,
        talker: str = "GN",
        kinds: Sequence[str] = KINDS,
        period: timedelta = PERIOD,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(clock, lambda: _Stream(self), host=host, port=port)
        self.place = place
        self.talker = talker
        self.kinds = tuple(kinds)
        self.period = period

    def put(self, place: Place) -> None:
        """From now on the receiver is there."""
        self.place = place

    def epoch(self, at: datetime) -> bytes:
        """All sentences of a moment."""
        made = {
            "GGA": gga(at, self.place, self.talker),
            "RMC": rmc(at, self.place, self.talker),
            "VTG": vtg(self.place, self.talker),
            "GSV": gsv(),
        }
        return b"".join(made[kind] for kind in self.kinds)


class _Stream:
    """One connection: an epoch at each whole multiple of the period."""

    def __init__(self, receiver: NmeaServer) -> None:
        self._receiver = receiver
        self._last: datetime | None = None

    def receive(self, data: bytes, now: datetime) -> bytes:  # noqa: ARG002 - it only speaks
        return b""

    def due(self, now: datetime) -> bytes:
        period = self._receiver.period
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        at = day + (now - day) // period * period
        if at == self._last:
            return b""
        self._last = at
        return self._receiver.epoch(at)
