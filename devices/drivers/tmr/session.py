"""What an indicator's bytes amount to: weights thinned to what matters, each feedline once. No I/O.

Weights have no number and no time, so they are numbered under `boot`, which must grow with each start, and
carry the edge's time. A feedline that tells when it was completed is known by that and by truck, batch and
code: sent again after a lost line or a restart, it is the same event.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from devices.drivers.tmr.codec import LINE_BYTES_MAX, Fed, Said, Settings, Trouble, Weight, decode
from devices.drivers.tmr.thinning import MOVING_G, Thinned
from devices.transport.decoding import FieldRejected, by_content
from devices.transport.limit import Limit
from devices.transport.lines import Lines
from devices.transport.numbering import Numbered
from devices.transport.presence import BACKOFF_S, Presence
from kernel.clock import Clock
from kernel.messages import DeviceStatus, FeedEvent, Observation, Rejected

SILENCE_S_MAX: Final = 5.0
"""An indicator that is on sends a weight a second at least."""
LINES_PER_S_MAX: Final = 50
"""Ten weights a second, and the feedlines of a batch at once."""
FEEDLINES_REMEMBERED_MAX: Final = 1_000
TOO_FAST: Final = f"more than {LINES_PER_S_MAX} lines a second; the rest is not read"
BELOW_ZERO: Final = "below zero: the wagon was zeroed with something in it"

Item = Observation | Rejected


class TmrSession:
    """`receive` bytes as they come; say when the line was `lost`. Both return what there is to tell."""

    def __init__(
        self,
        device_id: str,
        clock: Clock,
        boot: int,
        *,
        settings: Settings,
        moving_g: int = MOVING_G,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        self._settings = settings
        self._moving_g = moving_g
        self._clock = clock
        self._lines = Lines(LINE_BYTES_MAX)
        self._limit = Limit(LINES_PER_S_MAX)
        self._numbered = Numbered(device_id, boot, clock)
        self._presence = Presence(clock.now(), backoff_s)
        self._thinned = Thinned(moving_g)
        self._since_told: list[bytes] = []
        self._feedlines: OrderedDict[bytes, Fed] = OrderedDict()
        self._trouble = ""
        self.has_understood = False
        """Whether the last bytes held a line that could be read."""
        self.live_g: int | None = None
        """What the wagon shows, for a display; None while nothing was read."""

    @property
    def wait_s(self) -> float:
        """How long to wait before the line is tried again."""
        return self._presence.wait_s

    def begin(self) -> None:
        """A new connection: what the last one left unfinished is no line."""
        self._lines = Lines(LINE_BYTES_MAX)

    def receive(self, data: bytes) -> list[Item]:
        """What these bytes complete. Lines end with CR, or with CR LF; empty lines are none."""
        self.has_understood = False
        items: list[Item] = []
        for line, broken in self._lines.feed(data.replace(b"\r", b"\n")):
            items += self._take(line, broken)
        return items

    def lost(self, reason: str) -> list[Item]:
        """Nothing comes any more: stated once."""
        self._thinned.interrupt()
        self.live_g, self._trouble = None, ""
        return self._stated(self._presence.lost(reason))

    def _take(self, line: bytes, broken: FieldRejected | None) -> list[Item]:
        if not self._limit.admits(self._clock.now()):
            return self._stated(self._presence.troubled(TOO_FAST))
        try:
            if broken is not None:
                raise broken
            said = decode(line, self._settings)
        except FieldRejected as error:
            return self._numbered.rejected(error, line)
        self.has_understood = True
        self._numbered.well_formed()
        self._note_trouble(said)
        items = self._stated(self._presence.heard(self._clock.now()))
        too_fast = TOO_FAST if self._limit.is_exceeded else ""
        items += self._stated(self._presence.troubled(self._trouble or too_fast))
        if isinstance(said, Fed):
            items += self._fed(said, line)
        elif isinstance(said, Weight) and not self._trouble:
            items += self._weigh(max(0, said.mass_g), line)
        return items

    def _note_trouble(self, said: Said) -> None:
        """Bars drift a little about zero; what lies further below is no mass, nor is an error."""
        if isinstance(said, Weight):
            self._trouble = BELOW_ZERO if said.mass_g < -self._moving_g else ""
        elif isinstance(said, Trouble):
            self._trouble = said.reason
        if self._trouble:
            self.live_g = None
            self._thinned.interrupt()

    def _weigh(self, mass_g: int, line: bytes) -> list[Item]:
        self.live_g = mass_g
        self._since_told.append(line)
        weight = self._thinned.weigh(mass_g, self._clock.now())
        if weight is None:
            return []
        raw, self._since_told = b"\n".join(self._since_told), []
        return [self._numbered.observation(weight, raw=raw)]

    def _fed(self, fed: Fed, line: bytes) -> list[Item]:
        """Each feedline once; indicators send theirs again when they are asked or saved. One that comes again
        with another weight is an identity with two contents, which ingest sets aside."""
        if self._feedlines.get(fed.known_by) == fed:
            return []
        self._feedlines[fed.known_by] = fed
        if len(self._feedlines) > FEEDLINES_REMEMBERED_MAX:
            self._feedlines.popitem(last=False)
        event = FeedEvent(
            action=fed.action,
            mass_g=fed.mass_g,
            ingredient=fed.code if fed.action == "load" else "",
            pen=fed.code if fed.action == "unload" else "",
            batch=fed.batch,
            target_g=fed.target_g,
            ration=fed.ration,
        )
        if fed.completed_at is None:
            return [self._numbered.observation(event, raw=line)]
        device_id, at = self._numbered.device_id, fed.completed_at
        return [by_content(device_id, at, event, line, known_by=fed.known_by)]

    def _stated(self, statuses: Sequence[DeviceStatus]) -> list[Item]:
        return [self._numbered.observation(status) for status in statuses]
