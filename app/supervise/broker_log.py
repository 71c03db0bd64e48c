"""What Mosquitto's log tells of clients that were turned away. Nothing else does: there is no event for it.

The lines, each after its time (Mosquitto 2.0, `src/handle_connect.c`, `send_connack.c`, `handle_publish.c`):

    New client connected from 10.0.0.9:41034 as fork-1-a7 (p2, c1, k60, u'fork-1').
    Sending CONNACK to 10.0.0.9 (0, 5)
    Denied PUBLISH from fork-1-a7 (d0, q1, r0, m2, 'tallyhouse/v1/s/fork-2/observation', ... (2 bytes))

A refused sign-in is told by the address alone, neither user nor password. A refused publish is told by the
client id, which its connection told the user of. The last two are of the type `debug`, as is every message
that passes; hence `SIEVE`, before the log reaches the disk.
"""

import os
import re
import shutil
from collections import OrderedDict
from pathlib import Path

from app.supervise.broker_access import SIGN_IN_RULE, TOPIC_RULE, NoteTurnedAway
from app.supervise.process import LOG_BYTES_MAX

SIEVE = ("env", "LC_ALL=C", "grep", "--line-buffered", "--text", "-Ev", "^[^ ]+ (Received|Sending) P")
"""Takes out the lines of messages that pass, of their acknowledgements and of pings."""
CLIENTS_MAX = 8_192
"""Twice the connections of our broker: a client that comes back may be here before its old line is dead."""
READ_BYTES_MAX = 1_048_576
LINE_BYTES_MAX = 131_072
"""A topic may have 65,535 bytes, and so may a client id."""

_CONNECTED = re.compile(r"New client connected from \S+ as (.*) \(p\d, c\d, k\d+, u'([^']*)'\)\.")
_GONE = re.compile(r"Client (.*) (?:closed its connection|disconnected.*|has exceeded timeout, .*)\.")
# 3.1.1: 4 and 5; 5.0: 134 and 135: bad user name or password, not authorised.
_REFUSED = re.compile(r"Sending CONNACK to (\S+) \(\d+, (?:4|5|134|135)\)")
_DENIED = re.compile(r"Denied PUBLISH from (.*) \(d\d, q\d, r\d, m\d+, '(.*)', \.\.\. \(\d+ bytes\)\)")


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
        self._users: OrderedDict[str, str] = OrderedDict()

    def read(self) -> None:
        """Take in what was logged since the last call, at most `READ_BYTES_MAX` of it."""
        with self._path.open("rb") as log:
            log.seek(self._offset)
            data = log.read(READ_BYTES_MAX)
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-LINE_BYTES_MAX:]
        for line in lines:
            self._take(line.decode(errors="replace").partition(": ")[2])
        if self._offset > LOG_BYTES_MAX and len(data) < READ_BYTES_MAX:
            self._start_over()

    def _start_over(self) -> None:
        """Strangers must not fill the disk either. What is logged in between the two steps is lost."""
        shutil.copyfile(self._path, self._path.with_suffix(self._path.suffix + ".1"))
        os.truncate(self._path, 0)
        self._offset = 0

    def _take(self, text: str) -> None:
        if connected := _CONNECTED.fullmatch(text):
            self._connected(client_id=connected[1], user=connected[2])
        elif gone := _GONE.fullmatch(text):
            self._users.pop(gone[1], None)
        elif self._begin_after is not None:
            return
        elif refused := _REFUSED.fullmatch(text):
            self._note(refused[1], "username, password", SIGN_IN_RULE)
        elif denied := _DENIED.fullmatch(text):
            user = self._users.get(denied[1], denied[1])
            self._note(user, "topic", TOPIC_RULE, denied[2].encode())

    def _connected(self, client_id: str, user: str) -> None:
        if client_id == self._begin_after:
            self._begin_after = None
        self._users.pop(client_id, None)
        self._users[client_id] = user
        if len(self._users) > CLIENTS_MAX:
            self._users.popitem(last=False)
