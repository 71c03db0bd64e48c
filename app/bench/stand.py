"""A stand to measure on: a durable PostgreSQL and a broker of its own, and the product's roles as processes.

Everything lies in one folder and is stopped at the end. Nothing here leaves this machine.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self

import aiomqtt
import psutil
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from app.bench.publisher import Publisher
from app.bench.watch import Watch
from app.database import Database
from app.migrate import migrate
from app.settings import APP_ROLE
from app.supervise.broker import Broker
from app.supervise.postgres import EmbeddedPostgres
from devices.transport.manual_ack import BrokerLogin, manual_client
from devices.transport.mqtt import TOPIC_ROOT, TOPICS
from kernel.clock import SystemClock
from kernel.ids import Ids

PASSWORD = "for-this-run-only"  # noqa: S105 - of a database that lives as long as the run, on loopback
STOP_WITHIN_S = 30.0
READY_WITHIN_S = 60.0
MEGABYTE = 1_000_000
Message = tuple[str, bytes]


class RoleProcess:
    """One role of the product as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    def memory_mb(self) -> float:
        """Resident memory of the process and its children."""
        root = psutil.Process(self.pid)
        several = [root, *root.children(recursive=True)]
        return sum(process.memory_info().rss for process in several) / MEGABYTE

    async def stop(self, number: int = signal.SIGTERM) -> None:
        """End it, softly or not, and wait until it is gone."""
        if self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(STOP_WITHIN_S):
            await self._process.wait()


class Stand:
    """See `stand`."""

    def __init__(self, folder: Path, site_id: str) -> None:
        self.folder = folder
        self.site_id = site_id
        self.clock = SystemClock()
        self._stack = AsyncExitStack()
        self.database: Database
        self.app_dsn = ""
        self.watch: Watch
        self.login: BrokerLogin

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        server = EmbeddedPostgres(self.folder / "postgres")
        owner_dsn = await server.start()
        self._stack.push_async_callback(server.stop)
        await migrate(owner_dsn, self.clock, app_password=PASSWORD)
        self.app_dsn = make_conninfo(owner_dsn, user=APP_ROLE, password=PASSWORD)
        self.database = Database(self.app_dsn, self.clock, Ids.unguessable(self.clock))
        await self.database.open()
        self._stack.push_async_callback(self.database.close)
        self.watch = await self._stack.enter_async_context(Watch(self.app_dsn, self.clock, self.site_id))
        broker = Broker(self.folder / "broker")
        self.login = BrokerLogin(*await broker.start())
        self._stack.push_async_callback(broker.stop)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def role(self, name: str, **settings: str) -> AsyncIterator[RoleProcess]:
        """Run a role; `settings` are TALLYHOUSE variables in small letters. Stopped at the end."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        login = self.login
        environment = {
            **os.environ,
            "TALLYHOUSE_DATA_DIR": str(folder),
            "TALLYHOUSE_APP_DATABASE_URL": url_of(self.app_dsn),
            "TALLYHOUSE_BROKER_URL": f"mqtt://{login.username}:{login.password}@{login.host}:{login.port}",
            "TALLYHOUSE_LOG_LEVEL": "warning",
            **{f"TALLYHOUSE_{key.upper()}": value for key, value in settings.items()},
        }
        log = folder / "log"
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "app.cli", "serve", "--role", name),
                env=environment,
                stdout=out,
                stderr=out,
                stdin=asyncio.subprocess.DEVNULL,
            )
        running = RoleProcess(process, log)
        try:
            yield running
        finally:
            await running.stop()

    # --- the queue of the broker -------------------------------------------------------------------

    async def keep_for(self, session: str) -> None:
        """Make a session, so that the broker keeps for it from now on."""
        async with manual_client(self.login, session) as client:
            for topic in TOPICS:
                await client.subscribe(topic)

    async def forget(self, session: str) -> None:
        """End a session: nothing is kept for it any more."""
        login = self.login
        async with aiomqtt.Client(
            login.host, login.port, username=login.username, password=login.password, identifier=session
        ):
            pass

    async def publish(self, messages: Sequence[Message], clients: int = 2) -> None:
        """Publish side by side; returns when the broker has everything."""

        async def part(number: int) -> None:
            login = self.login
            async with aiomqtt.Client(
                login.host, login.port, username=login.username, password=login.password
            ) as client:
                for topic, payload in messages[number::clients]:
                    await client.publish(topic, payload, qos=1)

        await asyncio.gather(*(part(number) for number in range(clients)))

    @asynccontextmanager
    async def publishers(self, topics: Sequence[str]) -> AsyncIterator[Mapping[str, Publisher]]:
        """A device for each topic; they have handed everything over when the block ends."""
        async with AsyncExitStack() as stack:
            yield {topic: await stack.enter_async_context(Publisher(self.login, topic)) for topic in topics}

    def topic(self, device_id: str) -> str:
        return f"{TOPIC_ROOT}/{self.site_id}/{device_id}/observation"


def url_of(dsn: str) -> str:
    """A DSN as the settings take it."""
    parts: Mapping[str, object] = conninfo_to_dict(dsn)
    return (
        f"postgresql://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{parts['dbname']}"
    )
