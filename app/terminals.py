"""The ports that terminals dial: who may come in, as the edge knows it, and where what they say goes."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import msgspec
import structlog

from app.database import Database
from app.drivers import LISTENS
from app.tasks import Work
from devices.api import EdgeDevice, TerminalRow, issue_code, note_code_shown
from devices.families import comparable
from devices.transport.listener import Listener
from devices.transport.terminals import Item, Terminal
from kernel.caller import Caller
from kernel.clock import Clock
from kernel.errors import Unavailable

CODE_BYTES = 8
"""Of an authentication code: 64 random bits, sent as 16 hexadecimal digits."""
RETRY_S = 0.5

EDGE = Caller.product("edge")

log = structlog.get_logger("terminals")

Take = Callable[[str, Sequence[Item]], Awaitable[object]]
TurnAway = Callable[[str, str, str, bytes], None]


class Terminals:
    """The `Home` of a listener. The list is the edge's, so that a terminal is known while the database is
    away."""

    def __init__(self, database: Database, take: Take, turn_away: TurnAway) -> None:
        self._database = database
        self._take = take
        self._turn_away = turn_away
        self._known: dict[str, Terminal] = {}

    def enrolled(self, terminals: Mapping[str, Terminal]) -> None:
        """The terminals that may come in from now on, by the name each introduces itself by."""
        self._known = dict(terminals)

    def find(self, name: str) -> Terminal | None:
        return self._known.get(comparable(name))

    def new_code(self) -> str:
        return secrets.token_hex(CODE_BYTES)

    async def take(self, site_id: str, items: Sequence[Item]) -> None:
        await self._take(site_id, items)

    def turn_away(self, name: str, field: str, rule: str, said: bytes) -> None:
        self._turn_away(name, field, rule, said)

    async def keep_code(self, terminal: Terminal, sha256: str) -> bool:
        while True:
            try:
                async with self._database.write(EDGE) as tx:
                    is_kept = await issue_code(tx, terminal.device_id, sha256)
            except Unavailable:
                await asyncio.sleep(RETRY_S)
            else:
                if is_kept:
                    self._change(terminal, code_sha256=sha256)
                return is_kept

    async def note_code_shown(self, terminal: Terminal) -> None:
        """While the database is away this is left to the next time the terminal shows its code."""
        assert terminal.code_sha256 is not None
        try:
            async with self._database.write(EDGE) as tx:
                await note_code_shown(tx, terminal.device_id, terminal.code_sha256)
        except Unavailable:
            return
        self._change(terminal, is_code_used=True)

    def _change(self, terminal: Terminal, **changes: object) -> None:
        """Know at once what the next look at the registry would tell."""
        name = comparable(terminal.name)
        known = self._known.get(name)
        if known is not None and known.device_id == terminal.device_id:
            self._known[name] = msgspec.structs.replace(known, **changes)


class Ports:
    """One port for each family that dials us, as far as the settings give it one."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        host: str,
        ports: Mapping[str, int],
        take: Take,
        turn_away: TurnAway,
    ) -> None:
        self._host = host
        self._ports = dict(ports)
        self._homes = {family: Terminals(database, take, turn_away) for family in ports}
        self._listeners = {
            family: Listener(family, LISTENS[family], home, clock) for family, home in self._homes.items()
        }

    def works(self, listed: asyncio.Event) -> Mapping[str, Work]:
        """A listener for each family. Whoever dials before the devices are `listed` is not a stranger for
        that, so no port is open until then."""
        return {f"edge.listen.{family}": partial(self._listen, family, listed) for family in self._ports}

    def port_of(self, family: str) -> int:
        """The port that is listened on; 0 while none is."""
        return self._listeners[family].port

    def connections_of(self, family: str) -> int:
        """How many connections the family's port serves."""
        return self._listeners[family].connection_count

    def enrolled(self, devices: Mapping[str, EdgeDevice], rows: Sequence[TerminalRow]) -> None:
        """Admit these terminals from now on, and let go of those that are no longer enrolled as they were."""
        for family, home in self._homes.items():
            home.enrolled(
                {
                    row.name: _terminal(row, devices[row.device_id])
                    for row in rows
                    if row.family == family and row.device_id in devices
                }
            )
            self._listeners[family].recheck()

    async def _listen(self, family: str, listed: asyncio.Event) -> None:
        await listed.wait()
        listener = self._listeners[family]
        await listener.run(
            self._host,
            self._ports[family],
            lambda: log.info("listening", family=family, host=self._host, port=listener.port),
        )


def _terminal(row: TerminalRow, device: EdgeDevice) -> Terminal:
    return Terminal(
        device_id=device.device_id,
        site_id=device.site_id,
        name=row.name,
        settings=device.connection,
        code_sha256=row.code_sha256,
        is_code_used=row.is_code_used,
    )
