"""What Mosquitto's log tells of clients that were turned away. Nothing else does: there is no event for it.

The lines, each after its time (`net.c`, `handle_connect.c`, `send_connack.c`, `loop.c`, `handle_publish.c`):

    New connection from 10.0.0.9:41034 on port 1883.
    New client connected from 10.0.0.9:41034 as fork-1-a7 (p2, c1, k60, u'fork-1').
    Sending CONNACK to 10.0.0.9 (0, 5)
    Client <unknown> disconnected, not authorised.
    Denied PUBLISH from fork-1-a7 (d0, q1, r0, m2, 'tallyhouse/v1/s/fork-2/observation', ... (2 bytes))
    Client fork-1-a7 disconnected due to oversize packet.

A device that signs in twice is taken for two when both connections outlast the time after which the broker
gives up one that is dead, one and a half keepalives (MQTT 3.1.1, 3.1.2.10): a device that lost its line and
came back leaves the old one behind for so long.

No version tells the user name of a refused sign-in, under any `log_type`. Up to 2.0.12 it is told by the
address alone, as above. From 2.0.13 on both its lines name the client id alone, and the address is that of a
connection that has not said who it is; 2.1 adds it: `Client ID [10.0.0.9:4103] disconnected: not authorised.`
A refused publish is told by the client id, which its connection told the user of. CONNACK and publish are of
the type `debug`, as is every message that passes; hence the sieve, before the log reaches the disk.
"""

import os
import re
import shutil
from collections import OrderedDict
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from app.supervise.broker_access import (
    ALONE_RULE,
    PRODUCT,
    SIGN_IN_RULE,
    SIZE_RULE,
    TOPIC_RULE,
    NoteTurnedAway,
)
from app.supervise.process import LOG_BYTES_MAX

CLIENTS_MAX = 8_192
"""Twice the connections of our broker: a client that comes back may be here before its old line is dead."""
READ_BYTES_MAX = 1_048_576
LINE_BYTES_MAX = 131_072
"""A topic may have 65,535 bytes, and so may a client id."""

SIGN_IN_MAX = timedelta(seconds=120)
"""Mosquitto closes a connection that does not say who it is after 90 s."""
DEAD_AFTER_MAX = timedelta(seconds=300)
"""How long a dead connection without a keepalive is given."""
TOLD_EVERY = timedelta(seconds=60)
"""Of two connections that stay alive it is told again so often."""
KEEPALIVES, TO_SPARE = 1.5, timedelta(seconds=5)
TAKEN_OVER_MAX, TAKEN_OVER_WITHIN = 5, timedelta(seconds=60)
"""Two that call themselves by one client id throw each other out, again and again."""
UNKNOWN = "<unknown>"

_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}): (.*)")
_ARRIVED = re.compile(r"New connection from (\S+):(\d+) on port \d+\.")
_CONNECTED = re.compile(r"New client connected from (\S+:\d+) as (.*) \(p\d, c\d, k(\d+), u'([^']*)'\)\.")
_TAKEN_OVER = re.compile(r"Client (.*) already connected, closing old connection\.")
_TOO_LONG = re.compile(r"Client (.*) disconnected due to oversize packet\.")
_GONE = re.compile(r"Client (.*) (?:closed its connection|disconnected.*|has exceeded timeout, .*)\.")
# 3.1.1: 4 and 5; 5.0: 134 and 135: bad user name or password, not authorised.
_REFUSED = re.compile(r"Sending CONNACK to (.*) \(\d+, (?:4|5|134|135)\)")
_NOT_LET_IN = re.compile(r"Client (.*?)(?: disconnected,| \[(\S+):\d+\] disconnected:) not authorised\.")
_MADE_UP_ID = re.compile(r"(?:auto-)?[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}")
"""What Mosquitto calls a client that gives no id."""
_DENIED = re.compile(r"Denied PUBLISH from (.*) \(d\d, q\d, r\d, m\d+, '(.*)', \.\.\. \(\d+ bytes\)\)")


class _Client(NamedTuple):
    user: str
    address: str
    dead_after: timedelta


class _Pair(NamedTuple):
    """A user's two connections, and until when nothing is told: the older may be dead, or it was told."""

    older: str
    newer: str
    until: datetime


class BrokerLog:
    """Follows the log of one run of Mosquitto, from the end it has when this is made.

    What stands before the client id `begin_after` connects is our own trial of the broker, and no refusal.
    """

    def __init__(self, path: Path, begin_after: str, note: NoteTurnedAway) -> None:
        self._path = path
        self._begin_after: str | None = begin_after
        self._note = note
        self._offset = path.stat().st_size if path.exists() else 0
        self._rest = b""
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._pairs: list[_Pair] = []
        self._taken_over: OrderedDict[str, list[datetime]] = OrderedDict()
        self._arrived: OrderedDict[str, tuple[str, datetime]] = OrderedDict()
        """Address and time of connections that have not said who they are, by address and port."""
        self._refused: str | None = None
        """Whom the line before told a refusal: an address, or from 2.0.13 on a client id."""

    def read(self, now: datetime) -> None:
        """Take in what was logged since the last call, at most `READ_BYTES_MAX` of it."""
        with self._path.open("rb") as log:
            log.seek(self._offset)
            data = log.read(READ_BYTES_MAX)
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-LINE_BYTES_MAX:]
        for line in lines:
            if said := _LINE.fullmatch(line.decode(errors="replace")):
                self._take(at=said[1], text=said[2])
        self._tell_pairs(now)
        if self._offset > LOG_BYTES_MAX and len(data) < READ_BYTES_MAX:
            self._start_over()

    def _tell_pairs(self, now: datetime) -> None:
        """Note users of whom two connections are alive for longer than a dead one is kept."""
        due = [pair for pair in self._pairs if pair.until <= now]
        self._pairs = [
            pair if pair.until > now else pair._replace(until=now + TOLD_EVERY) for pair in self._pairs
        ]
        for older, newer, _ in due:
            addresses = sorted({self._clients[older].address, self._clients[newer].address})
            said = f"from {', '.join(addresses)}".encode()
            self._note(self._clients[newer].user, "identity", ALONE_RULE, said, apart=True)

    def _start_over(self) -> None:
        """Strangers must not fill the disk either. What is logged in between the two steps is lost."""
        shutil.copyfile(self._path, self._path.with_suffix(self._path.suffix + ".1"))
        os.truncate(self._path, 0)
        self._offset = 0

    def _take(self, at: str, text: str) -> None:
        refused, self._refused = self._refused, None
        if refused is not None:
            ended = _NOT_LET_IN.fullmatch(text)
            self._sign_in_refused(refused, ended)
            if ended:
                return
        if arrived := _ARRIVED.fullmatch(text):
            self._remember_arrival(host=arrived[1], port=arrived[2], at=datetime.fromisoformat(at))
        elif connected := _CONNECTED.fullmatch(text):
            self._arrived.pop(connected[1], None)
            self._connected(connected, datetime.fromisoformat(at))
        elif taken := _TAKEN_OVER.fullmatch(text):
            self._was_taken_over(taken[1], datetime.fromisoformat(at))
        elif gone := _GONE.fullmatch(text):
            self._gone(gone[1], is_too_long=_TOO_LONG.fullmatch(text) is not None)
        elif told := _REFUSED.fullmatch(text):
            self._refused = told[1]
        elif self._begin_after is None and (denied := _DENIED.fullmatch(text)):
            self._note(self._user(denied[1]), "topic", TOPIC_RULE, denied[2].encode(), apart=True)

    def _sign_in_refused(self, told: str, ended: re.Match[str] | None) -> None:
        """Note it under the client id as far as it was given, with the address as far as that is known."""
        if ended is None or ended[1] == UNKNOWN:
            address, is_named = told, False
        else:
            address, is_named = ended[2] or self._leave(), not _MADE_UP_ID.fullmatch(told)
        if self._begin_after is not None:
            return
        if address and not is_named:
            self._note(address, "username, password", SIGN_IN_RULE)
        else:
            self._note(told, "username, password", SIGN_IN_RULE, address.encode(), apart=True)

    def _remember_arrival(self, host: str, port: str, at: datetime) -> None:
        self._arrived[f"{host}:{port}"] = host, at
        while len(self._arrived) > CLIENTS_MAX or next(iter(self._arrived.values()))[1] < at - SIGN_IN_MAX:
            self._arrived.popitem(last=False)

    def _leave(self) -> str:
        """The address of a connection that ended before it said who it is; empty where it could be any of
        several."""
        hosts = {host for host, _ in self._arrived.values()}
        if len(hosts) != 1:
            return ""
        return self._arrived.popitem(last=False)[1][0]

    def _gone(self, client_id: str, *, is_too_long: bool) -> None:
        if is_too_long:
            self._note(self._user(client_id), "message", SIZE_RULE)
        self._forget(client_id)
        if client_id == UNKNOWN:
            self._leave()

    def _user(self, client_id: str) -> str:
        known = self._clients.get(client_id)
        return known.user if known else client_id

    def _forget(self, client_id: str) -> None:
        self._clients.pop(client_id, None)
        self._pairs = [pair for pair in self._pairs if client_id not in (pair.older, pair.newer)]

    def _was_taken_over(self, client_id: str, at: datetime) -> None:
        lately = [when for when in self._taken_over.pop(client_id, []) if when > at - TAKEN_OVER_WITHIN]
        if len(lately) + 1 >= TAKEN_OVER_MAX:
            self._note(self._user(client_id), "identity", ALONE_RULE)
            return
        self._taken_over[client_id] = [*lately, at]
        if len(self._taken_over) > CLIENTS_MAX:
            self._taken_over.popitem(last=False)

    def _connected(self, said: re.Match[str], at: datetime) -> None:
        address, client_id, keepalive_s, user = said.groups()
        if client_id == self._begin_after:
            self._begin_after = None
        self._forget(client_id)
        if user != PRODUCT:
            others = [name for name, client in self._clients.items() if client.user == user]
            self._pairs += [
                _Pair(name, client_id, at + self._clients[name].dead_after + TO_SPARE) for name in others
            ]
        dead_after = KEEPALIVES * timedelta(seconds=int(keepalive_s)) or DEAD_AFTER_MAX
        self._clients[client_id] = _Client(user, address.rpartition(":")[0], dead_after)
        if len(self._clients) > CLIENTS_MAX:
            self._forget(next(iter(self._clients)))
