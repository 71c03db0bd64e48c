"""The web server: uvicorn inside our own loop, on a socket we bind, with a certificate that renews itself."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog
import uvicorn
from starlette.types import ASGIApp

from app.tls import Certificate

PORTS_TRIED_MAX = 50
BACKLOG = 1_024
WEBSOCKET_BYTES_MAX = 1 * 1024 * 1024
"""Largest frame a page may send us."""
LOOK_FOR_RENEWAL_EVERY_S = 3_600.0
STARTED_POLL_S = 0.02

log = structlog.get_logger(__name__)


class PortTaken(RuntimeError):
    """Somebody else listens on the port."""


def bind(host: str, port: int, *, take_next: bool = False) -> socket.socket:
    """A listening socket. With `take_next`, the first free port from `port` on.

    Raises PortTaken naming the setting to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for wanted in range(port, min(port + PORTS_TRIED_MAX, 65_536) if take_next and port else port + 1):
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, wanted))
        except OSError as error:
            bound.close()
            reason = error
        else:
            bound.setblocking(False)
            return bound
    raise PortTaken(f"cannot listen on {host}:{port} ({reason}); set TALLYHOUSE_PORT to another port")


class WebServer:
    """Serves one application on one socket until stopped."""

    def __init__(
        self, app: ASGIApp, bound: socket.socket, certificate: Certificate | None, stop_within_s: int
    ) -> None:
        self._bound = bound
        self._server = _Server(
            uvicorn.Config(
                app,
                http="httptools",
                ws="websockets-sansio",
                ws_max_size=WEBSOCKET_BYTES_MAX,
                backlog=BACKLOG,
                access_log=False,
                log_config=None,
                lifespan="off",
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=stop_within_s,
                ssl_certfile=certificate.cert if certificate else None,
                ssl_keyfile=certificate.key if certificate else None,
            )
        )
        if certificate is not None:
            # Browsers keep connections for hours; nothing older than TLS 1.2 gets one.
            self._server.config.load()
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return int(self._bound.getsockname()[1])

    @property
    def _tls(self) -> ssl.SSLContext:
        context = self._server.config.ssl
        assert context is not None, "only called when there is a certificate"
        return context

    async def start(self) -> None:
        """Return once connections are accepted."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._bound]), name="web")
        while not self._server.started:
            if self._serving.done():
                self._serving.result()
                raise RuntimeError("the web server ended before it had started")
            await asyncio.sleep(STARTED_POLL_S)

    async def wait(self) -> None:
        """Return when the server ends; raises what ended it."""
        assert self._serving is not None
        await asyncio.shield(self._serving)

    async def stop(self) -> None:
        """Accept nothing new, let running requests finish within the bound, close the rest."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving

    async def keep_certificate_fresh(self, renew: Callable[[], Certificate | None]) -> None:
        """Look every hour whether the certificate must be renewed; new connections get the new one."""
        while True:
            await asyncio.sleep(LOOK_FOR_RENEWAL_EVERY_S)
            fresh = await asyncio.to_thread(renew)
            if fresh is not None:
                self.use(fresh.cert, fresh.key)

    def use(self, cert: Path, key: Path) -> None:
        """Serve new connections with this certificate."""
        self._tls.load_cert_chain(cert, key)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the program stops its parts itself, in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
