"""The product as a process of its own beside the world: started, started again when it dies, stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from app.demo.progress import Progress

READY_WITHIN_S = 240.0
STOP_WITHIN_S = 30.0
RESTART_PAUSE_S = 0.3
RESTARTS_MAX = 20
LOGGED = {"TALLYHOUSE_LOG_FORMAT": "json", "TALLYHOUSE_LOG_LEVEL": "info"}
"""How the program has to write its log for its progress to be read there."""


class ProgramFailed(Exception):
    """The product did not become ready, or died too often; its log says why."""


class Program:
    """`tallyhouse serve --role all` on `data_dir`. An async context manager; `pid` is the living process."""

    def __init__(
        self, address: str, environment: Mapping[str, str], log: Path, say: Callable[[str], None]
    ) -> None:
        self.address = address
        self.restarts = 0
        self._environment = {**os.environ, **environment, **LOGGED}
        self._log, self._say = log, say
        self._progress = Progress(log, say)
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> "Program":
        await self._start()
        self._keeper = asyncio.create_task(self._keep())
        try:
            await self.ready()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        if self._keeper is not None:
            self._keeper.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "app.cli",
                "serve",
                "--role",
                "all",
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    async def _keep(self) -> None:
        """Start the program again when it died, as a service manager would."""
        while True:
            assert self._process is not None
            code = await self._process.wait()
            if self._stopping:
                return
            self.restarts += 1
            if self.restarts > RESTARTS_MAX:
                raise ProgramFailed(f"the program died {self.restarts} times; see {self._log}")
            self._say(f"the program ended with code {code}; starting it again")
            await asyncio.sleep(RESTART_PAUSE_S)
            await self._start()

    async def ready(self) -> None:
        """Wait until `/health/ready` says so, telling how far it is; raises ProgramFailed."""
        assert self._keeper is not None
        async with httpx.AsyncClient(base_url=self.address, timeout=5.0) as client:
            try:
                async with asyncio.timeout(READY_WITHIN_S):
                    while not await self._looked_and_ready(client):
                        if self._keeper.done():
                            await self._keeper
                        await asyncio.sleep(0.1)
            except TimeoutError:
                raise ProgramFailed(f"not ready within {READY_WITHIN_S:g} s; see {self._log}") from None

    async def _looked_and_ready(self, client: httpx.AsyncClient) -> bool:
        is_ready = await _is_ready(client)
        self._progress.look()
        return is_ready


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health/ready")).status_code == 200
    except httpx.TransportError:
        return False
