"""What routes lean on: commands, reads, sessions and device credentials, over one database."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from app.commands import Commands, Handler
from app.database import Database
from app.refusals import Refusals
from devices.api import authenticate_device, retired_device
from identity.api import session_of
from identity.http import DEVICE_HEADER, BrokerPlace, DeviceIdentity, OpenSession
from identity.people.model import SESSION_LASTS
from kernel.caller import Caller
from kernel.messages import Command
from kernel.tx import ReadTx


class AppDesk(Commands):
    """Implements `identity.http.Desk`."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[type[Command], Handler],
        refusals: Refusals,
        session_lasts: timedelta = SESSION_LASTS,
        broker_place: BrokerPlace | None = None,
    ) -> None:
        super().__init__(database, handlers)
        self._sessions = database
        self._refusals = refusals
        self.session_lasts = session_lasts
        self.broker_place = broker_place

    def sessions(self) -> AbstractAsyncContextManager[ReadTx]:
        return self._sessions.write(Caller.product("sessions"))

    async def session_of(self, cookie: str) -> OpenSession | None:
        async with self.sessions() as read:
            return await session_of(read, cookie)

    async def device_of(self, token: str, address: str) -> DeviceIdentity | None:
        async with self.sessions() as read:
            found = await authenticate_device(read, token)
            if found is None and token:
                shown_by = await retired_device(read, token) or address
                self._refusals.note(shown_by, DEVICE_HEADER, "the token of an enrolled handheld")
        return found

    def turn_away(self, device_id: str, field: str, rule: str, said: str = "") -> None:
        self._refusals.note(device_id, field, rule, said.encode("utf-8", "replace"), apart=True)
