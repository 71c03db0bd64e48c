"""A Mosquitto that somebody else runs, such as the container of docker-compose.

With a shared folder we keep its users and its access list; it reads them again when they change. Without one,
its users are kept by whoever runs it, and we only sign in.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog

from app.supervise.broker_access import PRODUCT, BrokerAddress, PasswordFile, access_file, hashed
from app.supervise.broker_trial import connects, keep_for_edge, require_rules_hold
from app.supervise.process import ChildFailed

READY_WITHIN_S = 60.0
RELOAD_WITHIN_S = 30.0
CHECK_EVERY_S = 0.5
DEFAULT_PORT = 1883

log = structlog.get_logger(__name__)


def parse_broker_url(url: str) -> BrokerAddress:
    """`mqtt://user:password@host[:port]`; raises ValueError when a part is missing."""
    parts = urlsplit(url)
    if parts.scheme != "mqtt" or not parts.hostname or not parts.username or not parts.password:
        raise ValueError("TALLYHOUSE_BROKER_URL must read mqtt://user:password@host:port")
    user, password = unquote(parts.username), unquote(parts.password)
    return BrokerAddress(parts.hostname, parts.port or DEFAULT_PORT, user, password)


class ExternalBroker:
    """Has the face of `Broker`, and starts nothing."""

    def __init__(self, url: str, folder: Path | None) -> None:
        self.address = parse_broker_url(url)
        self._folder = folder
        self._passwords = None if folder is None else PasswordFile(folder / "passwords")
        self._stopping = asyncio.Event()
        if folder is not None and self.address.username != PRODUCT:
            raise ValueError(f"with TALLYHOUSE_BROKER_DIR the user of TALLYHOUSE_BROKER_URL is {PRODUCT}")

    async def start(self) -> BrokerAddress:
        """Hand over users and access list, wait until we may sign in, try the rules."""
        if self._passwords is not None and self._folder is not None:
            (self._folder / "access").write_text(access_file())
            if not self._passwords.accepts(PRODUCT, self.address.password):
                self._passwords.set({PRODUCT: hashed(self.address.password)})
        await self._until_ready()
        await keep_for_edge(self.address)
        if self._passwords is not None:
            await require_rules_hold(self.address, self._trial_user, RELOAD_WITHIN_S)
        log.info("broker.reached", host=self.address.host, port=self.address.port)
        return self.address

    async def stop(self) -> None:
        """We did not start it: only `watch` ends."""
        self._stopping.set()

    async def watch(self) -> None:
        """Its supervisor restarts it; return after `stop`."""
        await self._stopping.wait()

    async def healthy(self) -> bool:
        """True when we may sign in."""
        return await connects(*self.address)

    def set_devices(self, hashes: Mapping[str, str]) -> None:
        """As `Broker.set_devices`; without a shared folder nothing, since its users are not ours."""
        if self._passwords is not None:
            self._passwords.set(hashes)
            self._passwords.keep_only(frozenset({PRODUCT, *hashes}))

    async def _until_ready(self) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + READY_WITHIN_S
        while not await self.healthy():
            if clock() > deadline:
                where = f"{self.address.host}:{self.address.port}"
                raise ChildFailed(f"the broker at {where} did not let us in within {READY_WITHIN_S} s")
            await asyncio.sleep(CHECK_EVERY_S)

    async def _trial_user(self, user: str, password: str | None) -> None:
        assert self._passwords is not None
        if password is None:
            self._passwords.keep_only(self._passwords.users() - {user})
        else:
            self._passwords.set({user: hashed(password)})
