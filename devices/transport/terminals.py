"""What terminals that dial us have in common, apart from sockets. Pure.

A family brings a `Session` for one connection: bytes in, steps out. It asks `Admission` who a terminal is and
leaves it to the listener to bring readings to safety before it sends the answer that lets the terminal
forget.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import msgspec

from kernel.messages import Observation, Rejected

Item = Observation | Rejected


class Terminal(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolled device as its terminal introduces itself: by `name` (an IMEI, a number in its SIM card).

    `code_sha256` is the digest of the authentication code it was issued, None while none is; `is_code_used`
    once it has shown that code, after which no other is issued until the device is enrolled anew.
    """

    device_id: str
    site_id: str
    name: str
    settings: Mapping[str, Any] = {}
    code_sha256: str | None = None
    is_code_used: bool = False


class Admission(Protocol):
    """Who may come in. What it answers changes as devices are enrolled and retired."""

    def find(self, name: str) -> Terminal | None:
        """The enrolled device that introduces itself as `name`."""
        ...

    def new_code(self) -> str:
        """A fresh authentication code: random, printable ASCII."""
        ...


class TurnedAway(NamedTuple):
    """Somebody was refused: the name given (the device's id when it is known), and the rule broken."""

    name: str
    field: str
    rule: str
    said: bytes


class IssueCode(NamedTuple):
    """Keep the digest of a new code before the answer that carries it. When it can no longer be issued,
    `refusal` is the answer instead."""

    sha256: str
    refusal: bytes


class CodeShown(NamedTuple):
    """The terminal has its code: note that, so that no other is issued."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done about one message, in the order of the messages.

    First `items` are made durable and `code` is dealt with, then `answer` is sent, then the connection is
    closed when `ends` says why.
    """

    terminal: Terminal | None = None
    items: tuple[Item, ...] = ()
    code: IssueCode | CodeShown | None = None
    answer: bytes = b""
    turned_away: TurnedAway | None = None
    ends: str = ""


class Session(Protocol):
    """One connection of one terminal, without input or output."""

    @property
    def terminal(self) -> Terminal | None:
        """Who speaks, once admitted."""
        ...

    def receive(self, data: bytes, now: datetime) -> Sequence[Step]:
        """Take in bytes as they came, cut anywhere. After a step that ends the connection nothing follows."""
        ...


def code_digest(code: str) -> str:
    """SHA-256 in hexadecimal, which is all that is kept of an authentication code."""
    return hashlib.sha256(code.encode()).hexdigest()
