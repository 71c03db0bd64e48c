"""A port that terminals dial: many connections, each within limits, and every answer only after the commit.

What a terminal sends too fast is not lost: the connection is read no faster than `MESSAGES_PER_S_MAX`, so
that TCP makes the terminal wait, its answers come at that pace, and its state says so once.

Two terminals under one identity. A terminal that lost its line dials again while its old connection still
looks alive here, so a second connection alone proves nothing. The newer one is taken at once, and the older
is probed (TCP keepalive): if it says anything or is still there after `PROBE_S`, two terminals share an
identity. That is stated in quarantine, again each minute while it goes on, and what either says is marked
suspect until one of them is gone.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec
import structlog

from devices.transport.allowance import Allowance
from devices.transport.decoding import by_content
from devices.transport.limit import Limit
from devices.transport.numbering import REJECTED_PER_MINUTE_MAX
from devices.transport.presence import Presence
from devices.transport.terminals import (
    Admission,
    CodeShown,
    IssueCode,
    Item,
    Session,
    Step,
    Terminal,
)
from kernel.clock import Clock
from kernel.messages import DeviceStatus, Observation, Rejected

CONNECTIONS_MAX: Final = 5_000
STRANGERS_MAX: Final = 200
"""Connections whose terminal has not introduced itself yet."""
LOGIN_S_MAX: Final = 30.0
IDLE_S_MAX: Final = 900.0
"""Silence after which a connection counts as lost; terminals send a heartbeat every few minutes at most."""
MESSAGES_PER_S_MAX: Final = 50
"""What one terminal may send for long. One position a second is much; a message of stored ones holds
dozens."""
BURST_MESSAGES_MAX: Final = 500
IN_HAND_MAX: Final = 64
"""Messages of one connection that are taken and not answered yet. Past it the socket is not read."""
READ_BYTES: Final = 16_384
PROBE_S: Final = 6.0
"""An older connection that is dead has failed by then: four seconds without a sign of life of its TCP."""
CLONED_EVERY: Final = timedelta(minutes=1)
"""While two terminals speak under one identity that is said so often."""

CLONED = "one terminal: two connections are alive under this identity"
TOO_BAD = f"more than {REJECTED_PER_MINUTE_MAX} malformed messages a minute; the rest is not kept"
TOO_FAST = f"sends more than {MESSAGES_PER_S_MAX} messages a second; it is read no faster"

log = structlog.get_logger("listener")


class Home(Admission, Protocol):
    """What a listener needs of the edge."""

    async def take(self, site_id: str, items: Sequence[Item]) -> None:
        """Returns once the items are durable."""
        ...

    async def keep_code(self, terminal: Terminal, sha256: str) -> bool:
        """Returns once the code is the terminal's; False when it has shown another meanwhile."""
        ...

    async def note_code_shown(self, terminal: Terminal) -> None: ...

    def turn_away(self, name: str, field: str, rule: str, said: bytes) -> None:
        """Note that somebody was refused."""
        ...


MakeSession = Callable[[Admission], Session]


class Listener:
    """Serves one family's port. `run` works until cancelled."""

    def __init__(
        self,
        family: str,
        make_session: MakeSession,
        home: Home,
        clock: Clock,
        *,
        login_s_max: float = LOGIN_S_MAX,
        idle_s_max: float = IDLE_S_MAX,
        probe_s: float = PROBE_S,
        messages_per_s_max: float = MESSAGES_PER_S_MAX,
        burst_messages_max: float = BURST_MESSAGES_MAX,
    ) -> None:
        self.family = family
        self.make_session = make_session
        self.home = home
        self.clock = clock
        self.login_s_max = login_s_max
        self.idle_s_max = idle_s_max
        self._probe_s = probe_s
        self._allowance = messages_per_s_max, burst_messages_max
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._presences: dict[str, Presence] = {}
        self._cloned: dict[str, datetime] = {}
        """When it was said last of those devices of which two terminals are here."""
        self._is_crowded = False
        self.port = 0
        """The port it listens on; 0 before it does."""

    @property
    def connection_count(self) -> int:
        return len(self._connections)

    async def run(self, host: str, port: int, on_listening: Callable[[], None] = lambda: None) -> None:
        """Listen until cancelled. Raises OSError when the port cannot be had."""
        server = await asyncio.start_server(self._accept, host, port, limit=READ_BYTES)
        self.port = int(server.sockets[0].getsockname()[1])
        on_listening()
        try:
            await asyncio.Event().wait()
        finally:
            self.port = 0
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await server.wait_closed()

    def recheck(self) -> None:
        """End connections whose terminal is no longer enrolled as it was when it came in."""
        for connection in self._connections:
            terminal = connection.session.terminal
            if terminal is not None and not _is_admitted_still(self.home.find(terminal.name), terminal):
                connection.end("no longer enrolled as it was")

    # --- connections -------------------------------------------------------------------------------

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._has_room():
            writer.close()
            return
        connection = _Connection(self, reader, writer, Allowance(*self._allowance))
        self._connections.add(connection)
        task = asyncio.create_task(self._serve(connection), name=f"{self.family} {connection.peer}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: "_Connection") -> None:
        try:
            reason = await connection.converse()
            await self._left(connection, reason)
        except Exception as error:
            log.error("connection_failed", family=self.family, peer=connection.peer, exc_info=error)
        finally:
            self._connections.discard(connection)
            connection.end("the port is closed")

    def _has_room(self) -> bool:
        strangers = sum(connection.session.terminal is None for connection in self._connections)
        has_room = len(self._connections) < CONNECTIONS_MAX and strangers < STRANGERS_MAX
        if has_room == self._is_crowded:
            self._is_crowded = not has_room
            log.warning("listener_crowded", family=self.family, refusing=self._is_crowded)
        return has_room

    def heard(self, connection: "_Connection") -> list[Item]:
        """A known terminal said something: statements about its presence and its identity."""
        terminal = connection.session.terminal
        assert terminal is not None
        now = self.clock.now()
        presence = self._presences.setdefault(terminal.device_id, Presence(now))
        items: list[Item] = [self.statement(terminal, status) for status in presence.heard(now)]
        if not connection.is_known:
            connection.is_known = True
            for older in self._of(terminal.device_id):
                if older is not connection:
                    older.is_superseded = True
                    older.probe(self._probe_s)
        if connection.is_superseded:
            items += self.cloned(connection)
        return items

    def cloned(self, older: "_Connection") -> list[Item]:
        """`older` is alive though a newer connection is under its identity."""
        terminal = older.session.terminal
        assert terminal is not None
        now, told_at = self.clock.now(), self._cloned.get(terminal.device_id)
        is_told = told_at is not None and now - told_at < CLONED_EVERY
        if is_told or len(self._of(terminal.device_id)) < 2:
            return []
        self._cloned[terminal.device_id] = now
        peers = sorted(connection.peer for connection in self._of(terminal.device_id))
        return [
            Rejected(
                device_id=terminal.device_id,
                field="identity",
                rule=CLONED,
                raw=f"{terminal.name} from {', '.join(peers)}".encode(),
                received_at=now,
            )
        ]

    def is_cloned(self, device_id: str) -> bool:
        return device_id in self._cloned

    def statement(self, terminal: Terminal, status: DeviceStatus) -> Observation:
        now = self.clock.now()
        return by_content(terminal.device_id, now, status, msgspec.json.encode(status))

    async def _left(self, connection: "_Connection", reason: str) -> None:
        """A connection ended: stated when it was the last of a terminal that is still enrolled."""
        terminal = connection.session.terminal
        self._connections.discard(connection)
        if terminal is None or not connection.is_known:
            log.info("stranger_left", family=self.family, peer=connection.peer, reason=reason)
            return
        others = self._of(terminal.device_id)
        if len(others) < 2:
            self._cloned.pop(terminal.device_id, None)
        for other in others:
            other.is_superseded = other.is_superseded and len(others) > 1
        if not others and self.home.find(terminal.name) is not None:
            lost = self._presences[terminal.device_id].lost(reason)
            if lost:
                items = [self.statement(terminal, status) for status in lost]
                await self.home.take(terminal.site_id, items)

    def _of(self, device_id: str) -> list["_Connection"]:
        return [
            connection
            for connection in self._connections
            if connection.is_known
            and connection.session.terminal is not None
            and connection.session.terminal.device_id == device_id
        ]


class _Connection:
    """One socket and its session."""

    def __init__(
        self,
        listener: Listener,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        allowance: Allowance,
    ) -> None:
        self._listener = listener
        self._reader = reader
        self._writer = writer
        self._allowance = allowance
        self._login_by_s = asyncio.get_running_loop().time() + listener.login_s_max
        self._ended = ""
        self._is_limited = False
        self._rejections = Limit(REJECTED_PER_MINUTE_MAX, timedelta(minutes=1))
        self._probing: asyncio.Task[None] | None = None
        self._in_hand: asyncio.Queue[tuple[Step, asyncio.Task[bytes]] | None] = asyncio.Queue(IN_HAND_MAX)
        self.session = listener.make_session(listener.home)
        self.is_known = False
        """Whether its terminal was admitted and counted."""
        self.is_superseded = False
        """Whether another connection came in later under the same identity."""
        address = writer.get_extra_info("peername") or ("unknown", 0)
        self.peer = f"{address[0]}:{address[1]}"

    def end(self, reason: str) -> None:
        self._ended = self._ended or reason
        self._writer.close()

    def probe(self, after_s: float) -> None:
        """Find out whether the other side is there: TCP asks it, and after a while so do we."""
        if self._probing is None or self._probing.done():
            _ask_often(self._writer.get_extra_info("socket"))
            self._probing = asyncio.create_task(self._find_out(after_s))

    async def converse(self) -> str:
        """Serve until either side ends it; returns why. What was received is answered first."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._answer())
                await self._hear(group)
                await self._in_hand.put(None)
        finally:
            if self._probing is not None:
                self._probing.cancel()
        return self._ended

    async def _hear(self, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while not self._ended:
            data = await self._read()
            steps = self.session.receive(data, self._listener.clock.now()) if data else ()
            stated = self._listener.heard(self) if data and self.session.terminal is not None else ()
            for step in steps:
                await self._hand_on(group, step)
                self._ended = self._ended or step.ends
            await self._hand_on(group, self._aside(stated))
            wait_s = self._allowance.wait_s(len(steps), loop.time())
            if wait_s:
                await self._limit(group, wait_s)

    async def _read(self) -> bytes:
        """What came next; empty when the connection ended, with `_ended` saying why."""
        limit_s = patience_s = self._listener.idle_s_max
        if self.session.terminal is None:
            limit_s = self._listener.login_s_max
            patience_s = self._login_by_s - asyncio.get_running_loop().time()
        data, patience = b"", asyncio.timeout(patience_s)
        try:
            async with patience:
                data = await self._reader.read(READ_BYTES)
            reason = "the terminal closed the connection"
        except OSError as error:
            reason = f"the line failed: {error}"
            if patience.expired():
                reason = f"silent for {limit_s:.0f} s"
        if not data:
            self._ended = self._ended or reason
        return data

    async def _limit(self, group: asyncio.TaskGroup, wait_s: float) -> None:
        terminal = self.session.terminal
        if terminal is not None and not self._is_limited:
            self._is_limited = True
            status = DeviceStatus(state="fault", reason=TOO_FAST)
            await self._hand_on(group, self._aside([self._listener.statement(terminal, status)]))
        await asyncio.sleep(wait_s)

    def _aside(self, items: Sequence[Item]) -> Step:
        """A step for what nobody is answered about."""
        return Step(terminal=self.session.terminal, items=tuple(items))

    async def _hand_on(self, group: asyncio.TaskGroup, step: Step) -> None:
        """Settle the step beside others; `_answer` keeps their order."""
        if any(isinstance(item, Rejected) for item in step.items):
            step = msgspec.structs.replace(step, items=self._bounded(step.items))
        if step.items or step.answer or step.code or step.turned_away or step.ends:
            await self._in_hand.put((step, group.create_task(self._settle(step))))

    def _bounded(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Past the bound of a minute what is malformed is not kept any more, and that is stated once."""
        terminal, now = self.session.terminal, self._listener.clock.now()
        assert terminal is not None
        kept: list[Item] = []
        for item in items:
            was_exceeded = self._rejections.is_exceeded
            if not isinstance(item, Rejected) or self._rejections.admits(now):
                kept.append(item)
            elif not was_exceeded:
                status = DeviceStatus(state="fault", reason=TOO_BAD)
                kept.append(self._listener.statement(terminal, status))
        return tuple(kept)

    async def _settle(self, step: Step) -> bytes:
        """Do what the step says; returns the answer."""
        home, terminal = self._listener.home, step.terminal
        if step.turned_away is not None:
            away = step.turned_away
            home.turn_away(away.name or self.peer.rpartition(":")[0], away.field, away.rule, away.said)
        if terminal is not None and step.items:
            await home.take(terminal.site_id, self._doubted(terminal, step.items))
        if terminal is not None and isinstance(step.code, CodeShown):
            await home.note_code_shown(terminal)
        if terminal is not None and isinstance(step.code, IssueCode):
            is_kept = await home.keep_code(terminal, step.code.sha256)
            return step.answer if is_kept else step.code.refusal
        return step.answer

    def _doubted(self, terminal: Terminal, items: Sequence[Item]) -> Sequence[Item]:
        if not self._listener.is_cloned(terminal.device_id):
            return items
        return [
            msgspec.structs.replace(item, quality="suspect") if isinstance(item, Observation) else item
            for item in items
        ]

    async def _answer(self) -> None:
        """Send the answers in the order of the messages. A terminal that is gone gets none and sends
        again."""
        while (in_hand := await self._in_hand.get()) is not None:
            step, task = in_hand
            answer = await task
            if answer and not self._writer.is_closing():
                self._writer.write(answer)
                try:
                    await self._writer.drain()
                except OSError:
                    self._writer.close()
            if step.ends:
                self._writer.close()

    async def _find_out(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        terminal = self.session.terminal
        assert terminal is not None
        if self.is_superseded and not self._writer.is_closing():
            items = self._listener.cloned(self)
            if items:
                await self._listener.home.take(terminal.site_id, items)


def _is_admitted_still(known: Terminal | None, terminal: Terminal) -> bool:
    """The same device with the same settings and code; that it has shown the code meanwhile changes
    nothing."""
    return known is not None and known == msgspec.structs.replace(terminal, is_code_used=known.is_code_used)


def _ask_often(line: socket.socket) -> None:
    """Have TCP look every second whether the other side is there, and give up after three times."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("KEEPIDLE", 1), ("KEEPINTVL", 1), ("KEEPCNT", 3), ("USER_TIMEOUT", 4_000)):
        known = getattr(socket, f"TCP_{option}", None)
        if known is not None:
            line.setsockopt(socket.IPPROTO_TCP, known, value)
