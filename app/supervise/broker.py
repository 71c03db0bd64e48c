"""The MQTT broker: Mosquitto as a child when it is installed, else amqtt inside the program.

Every start ends with a trial of the access rules: a publish that must be refused is refused. A broker
whose access list is silently ignored has happened to others (CVE-2018-20145), and we do not serve on one.
"""

import asyncio
import os
import secrets
import shutil
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import psutil
import structlog

from app.supervise import sieve
from app.supervise.account import namespace_account
from app.supervise.broker_access import (
    PACKET_BYTES_MAX,
    PRODUCT,
    BrokerAddress,
    NoteTurnedAway,
    PasswordFile,
    access_file,
    hashed,
    to_nobody,
)
from app.supervise.broker_amqtt import AmqttBroker
from app.supervise.broker_log import BrokerLog
from app.supervise.broker_trial import connects, keep_for_edge, require_rules_hold
from app.supervise.mqtt_probe import Probe
from app.supervise.process import (
    Child,
    ChildFailed,
    FolderLock,
    kept_port,
    kept_secret,
    last_line,
    revive,
    spawn_through,
)
from kernel.clock import Clock, SystemClock

READY_WITHIN_S = 30.0
STOP_WITHIN_S = 10.0
CHECK_EVERY_S = 0.1
INFLIGHT_MESSAGES_MAX = 2_000
"""Handed to one client and not yet acknowledged: enough for the product's largest batch while the one before
it is on its way to the disk."""
INFLIGHT_BYTES_MAX = 536_870_912
"""Of those messages together."""
AUTOSAVE_S = 5
CONNECTIONS_MAX = 4_096
_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")

log = structlog.get_logger(__name__)


class OuterListener(NamedTuple):
    """A second listener for devices beyond this machine: TLS only. `cert` and `key` are PEM files."""

    host: str
    port: int
    cert: Path
    key: Path


class Broker:
    """The broker of one data folder. `kind` auto takes Mosquitto when it is installed.

    `turned_away` is told of every client that is refused, by Mosquitto's log only while `watch` runs.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        kind: Literal["auto", "mosquitto", "amqtt"] = "auto",
        port: int = 0,
        outer: OuterListener | None = None,
        turned_away: NoteTurnedAway = to_nobody,
        clock: Clock | None = None,
    ) -> None:
        self._home = data_dir.resolve() / "broker"
        self._home.mkdir(parents=True, exist_ok=True)
        self._program = None if kind == "amqtt" else _mosquitto()
        if kind == "mosquitto" and self._program is None:
            raise ChildFailed("mosquitto is not installed: apt-get install mosquitto, or use amqtt")
        if outer is not None and self._program is None:
            raise ChildFailed("devices beyond this machine need Mosquitto: apt-get install mosquitto")
        self._wanted_port = port
        self._outer = outer
        self._account = namespace_account()
        self._lock = FolderLock(self._home / "broker.lock")
        self._log_path = self._home / "mosquitto.log"
        self._passwords = PasswordFile(self._home / "passwords")
        self._turned_away = turned_away
        self._clock = clock or SystemClock()
        self._child: Child | None = None
        self._sieve: Child | None = None
        self._log: BrokerLog | None = None
        self._end_of_trial = ""
        self._amqtt: AmqttBroker | None = None
        self._stopping = threading.Event()
        self.address = BrokerAddress("127.0.0.1", 0, PRODUCT, "")
        self.restart_count = 0

    @property
    def name(self) -> str:
        return "amqtt" if self._program is None else "mosquitto"

    @property
    def pid(self) -> int | None:
        """Process id of Mosquitto; None when it is not running, or amqtt runs inside the program."""
        return self._child.pid if self._child and self._child.running() else None

    async def start(self) -> BrokerAddress:
        """Start it, wait until it answers and test its rules. ChildFailed when any of it fails."""
        if not self._lock.acquire():
            raise ChildFailed(f"another program runs the broker of {self._home}")
        self._stopping.clear()
        await self._stop_leftover()
        password = kept_secret(self._home / "product-password")
        if not self._passwords.accepts(PRODUCT, password):
            self._passwords.set({PRODUCT: hashed(password)})
        port = self._wanted_port or kept_port(self._home / "port")
        self.address = BrokerAddress("127.0.0.1", port, PRODUCT, password)
        try:
            await self._start_once()
        except BaseException:
            await self.stop()
            raise
        log.info("broker.started", broker=self.name, port=port, pid=self.pid)
        return self.address

    async def stop(self) -> None:
        """Stop it; Mosquitto writes its queues to disk first."""
        self._stopping.set()
        await self._stop_running()
        self._lock.release()

    async def _stop_running(self) -> None:
        if self._child is not None and self._sieve is not None:
            await self._child.stop(signal.SIGTERM, STOP_WITHIN_S)
            if not await self._sieve.gone(STOP_WITHIN_S):
                await self._sieve.stop(signal.SIGTERM, STOP_WITHIN_S)
            self._child = self._sieve = None
        if self._amqtt is not None:
            await self._amqtt.stop()
            self._amqtt = None

    async def watch(self) -> None:
        """Restart Mosquitto whenever it or its sieve dies, and note who was turned away; return after `stop`.

        ChildFailed when it keeps failing.
        """
        while not self._stopping.is_set():
            if self._log is not None:
                self._log.read(self._clock.now())
            if self._died():
                log.error("broker.died", last_line=last_line(self._log_path))
                await self._stop_running()
                if await revive("Mosquitto", self._start_once, self._stopping):
                    self.restart_count += 1
            await asyncio.sleep(CHECK_EVERY_S)

    def _died(self) -> bool:
        running = [child.running() for child in (self._child, self._sieve) if child is not None]
        return not all(running)

    async def healthy(self) -> bool:
        """True when the product can sign in."""
        return await connects(self.address.host, self.address.port, PRODUCT, self.address.password)

    # --- users ------------------------------------------------------------------------------------

    def set_devices(self, hashes: Mapping[str, str]) -> None:
        """Exactly these devices, by id, with their passwords in the form of `broker_access.hashed`.

        A device that is no longer among them is disconnected and refused; the others notice nothing.
        """
        added = self._passwords.set(hashes)
        removed = self._passwords.keep_only(frozenset({PRODUCT, *hashes}))
        if added or removed:
            self._reload()

    def _reload(self) -> None:
        if self._child is not None:
            self._child.send(signal.SIGHUP)

    # --- start ------------------------------------------------------------------------------------

    async def _start_once(self) -> None:
        try:
            if self._program is None:
                self._amqtt = AmqttBroker(self._passwords)
                await self._amqtt.start(self.address.port)
            else:
                self._launch(self._program)
                await self._until_ready()
            await keep_for_edge(self.address)
            await require_rules_hold(self.address, self._trial_user)
            await self._trial_is_over()
        except ChildFailed:
            await self._stop_running()
            raise

    def _launch(self, program: Path) -> None:
        access, config = self._home / "access", self._home / "mosquitto.conf"
        access.write_text(access_file())
        access.chmod(0o600)
        config.write_text(self._config())
        self._child, self._sieve = spawn_through(
            (sys.executable, "-IS", sieve.__file__),
            [str(program), "-c", str(config)],
            self._log_path,
            self._account,
        )
        self._end_of_trial = f"trial-over-{secrets.token_hex(8)}"
        self._log = BrokerLog(self._log_path, self._end_of_trial, self._turned_away)

    def _config(self) -> str:
        """mosquitto.conf(5). Nothing is dropped while the product is away: the queue has no limit."""
        lines = [
            f"listener {self.address.port} 127.0.0.1",
            *self._outer_lines(),
            "per_listener_settings false",
            "allow_anonymous false",
            f"password_file {self._home / 'passwords'}",
            f"acl_file {self._home / 'access'}",
            "persistence true",
            f"persistence_location {self._home}/",
            f"autosave_interval {AUTOSAVE_S}",
            "max_queued_messages 0",
            f"max_inflight_messages {INFLIGHT_MESSAGES_MAX}",
            f"max_inflight_bytes {INFLIGHT_BYTES_MAX}",
            f"max_packet_size {PACKET_BYTES_MAX}",
            f"pid_file {self._home / 'mosquitto.pid'}",
            "sys_interval 0",
            # What BrokerLog reads; stdout would be written in blocks, much later.
            "connection_messages true",
            *(f"log_type {kind}" for kind in ("error", "warning", "notice", "debug")),
            "log_dest stderr",
            "log_timestamp_format %Y-%m-%dT%H:%M:%S%z",
        ]
        if os.geteuid() == 0 and not self._account.prefix:
            lines.append("user root")  # It could not read our folder as anybody else.
        return "\n".join(lines) + "\n"

    def _outer_lines(self) -> list[str]:
        if self._outer is None:
            return []
        return [
            f"listener {self._outer.port} {self._outer.host}",
            f"max_connections {CONNECTIONS_MAX}",
            f"certfile {self._outer.cert}",
            f"keyfile {self._outer.key}",
            "tls_version tlsv1.2",
        ]

    async def _stop_leftover(self) -> None:
        """Stop a Mosquitto that an earlier run of the program left behind; it saves its queues."""
        try:
            process = psutil.Process(int((self._home / "mosquitto.pid").read_text()))
            ours = str(self._home / "mosquitto.conf") in process.cmdline()
        except (FileNotFoundError, ValueError, psutil.Error):
            return
        if ours:
            await Child(process).stop(signal.SIGTERM, STOP_WITHIN_S)

    async def _until_ready(self) -> None:
        child, clock = self._child, asyncio.get_running_loop().time
        assert child is not None
        deadline = clock() + READY_WITHIN_S
        while not await self.healthy():
            if not child.running() or clock() > deadline:
                await child.stop(signal.SIGTERM, STOP_WITHIN_S)
                raise ChildFailed(f"Mosquitto did not start: {last_line(self._log_path)}")
            await asyncio.sleep(CHECK_EVERY_S)

    async def _trial_is_over(self) -> None:
        """From here on whoever is refused is no trial of ours."""
        if self._amqtt is not None:
            self._amqtt.turned_away = self._turned_away
        else:
            async with Probe(*self.address, client_id=self._end_of_trial):
                pass

    async def _trial_user(self, user: str, password: str | None) -> None:
        """Let a user exist for the length of the trial."""
        if password is None:
            self._passwords.keep_only(self._passwords.users() - {user})
        else:
            self._passwords.set({user: hashed(password)})
        self._reload()


def _mosquitto() -> Path | None:
    found = shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), *_PLACES]))
    return Path(found) if found else None
