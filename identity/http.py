"""What routes say about their caller: who is admitted, how a command is done, how a list is paged.

A route depends on exactly one of `Admits(roles…)`, `Public()` or `DeviceCaller()`; a test walks all routes
and fails on one that does not.
"""

import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Annotated, Any, Generic, Protocol, TypeVar

import msgspec
from fastapi import Depends, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection

from kernel.caller import Caller, Role
from kernel.errors import Forbidden, Invalid, TallyhouseError
from kernel.legible import hidden_in
from kernel.messages import Command
from kernel.tx import ReadTx

SESSION_COOKIE = "__Host-tallyhouse"
CSRF_HEADER = "X-CSRF-Token"
DEVICE_HEADER = "X-Device-Token"
PAGE_ITEMS_DEFAULT = 50
PAGE_ITEMS_MAX = 5_000
NUMBER_DIGITS_MAX = 18
"""As many as any 64-bit number may have."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Item = TypeVar("Item")


class SignedOut(TallyhouseError):
    """No session, or one that ended or expired. HTTP 401."""


class OpenSession(msgspec.Struct, frozen=True, kw_only=True):
    """A live session as the store knows it."""

    caller: Caller
    csrf_token: str


class DeviceIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """A device that showed its own credential."""

    device_id: str
    site_id: str


class BrokerPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where devices sign in that speak over MQTT."""

    host: str
    port: int
    is_encrypted: bool


class Desk(Protocol):
    """What the application offers to routes; kept at `app.state.desk`."""

    @property
    def broker_place(self) -> BrokerPlace | None:
        """None where this program does not know of a broker."""
        ...

    @property
    def session_lasts(self) -> timedelta:
        """How long a sign-in lasts."""
        ...

    async def do(self, caller: Caller, command: Command, key: str | None = None) -> Any: ...
    def read(self, caller: Caller) -> AbstractAsyncContextManager[ReadTx]: ...
    def sessions(self) -> AbstractAsyncContextManager[ReadTx]:
        """A transaction that may read accounts and sessions, which no party's view shows."""
        ...

    async def session_of(self, cookie: str) -> OpenSession | None: ...
    async def device_of(self, token: str, address: str) -> DeviceIdentity | None:
        """The device that `token` belongs to; a token that opens nothing, shown from `address`, is noted."""
        ...

    def turn_away(self, device_id: str, field: str, rule: str, said: str = "") -> None:
        """Record that a known device is refused for the rule that `field` breaks; each different thing it
        `said` counts by itself."""
        ...


class Session:
    """A caller at work: does commands and opens reads in the caller's name."""

    def __init__(self, desk: Desk, caller: Caller, key: str | None, csrf_token: str = "") -> None:
        self._desk = desk
        self.caller = caller
        self.csrf_token = csrf_token
        self.key = key

    async def do(self, command: Command) -> Any:
        """Carry out one command in one transaction, answered once per `Idempotency-Key`.

        Raises Invalid for a text with characters that hide or turn round what others will read.
        """
        if place := hidden_in(command):
            raise Invalid("request.text", field=place, rule="without control or direction characters")
        return await self._desk.do(self.caller, command, self.key)

    def read(self) -> AbstractAsyncContextManager[ReadTx]:
        """A reading transaction under the caller's row-level security."""
        return self._desk.read(self.caller)

    def sessions(self) -> AbstractAsyncContextManager[ReadTx]:
        """See `Desk.sessions`."""
        return self._desk.sessions()


class Admits:
    """Admits people who are signed in and hold one of `roles`.

    Answers 401 without a live session and 403 with the wrong role; 403 also without the session's CSRF token
    on unsafe methods, and with an Origin of another host, or none, on sockets. The Origin of other requests
    is not looked at: the token, which no other origin can read, stands for it. A POST without
    `Idempotency-Key` is refused with 422.
    """

    def __init__(self, *roles: Role) -> None:
        if not roles:
            raise ValueError("a route names at least one role; use Public() when anybody may call")
        self.roles = frozenset(roles)

    async def __call__(self, connection: HTTPConnection) -> Session:
        desk: Desk = connection.app.state.desk
        opened = await desk.session_of(connection.cookies.get(SESSION_COOKIE, ""))
        if opened is None:
            raise SignedOut("session.none")
        if not self.roles & opened.caller.roles:
            raise Forbidden("session.role", allowed=sorted(self.roles))
        _refuse_forgery(connection, opened.csrf_token)
        return Session(desk, opened.caller, _idempotency_key(connection), opened.csrf_token)


class Public:
    """Marks a route that anybody may call."""

    async def __call__(self, connection: HTTPConnection) -> Desk:
        desk: Desk = connection.app.state.desk
        return desk


class DeviceCaller:
    """Admits a device by its own token in `X-Device-Token`. Only handhelds have one: all others sign in at
    the broker, or are dialled."""

    async def __call__(
        self, connection: HTTPConnection, token: Annotated[str, Header(alias=DEVICE_HEADER)] = ""
    ) -> DeviceIdentity:
        desk: Desk = connection.app.state.desk
        device = await desk.device_of(token, connection.client.host if connection.client else "")
        if device is None:
            raise SignedOut("device.unknown", field=DEVICE_HEADER, rule="the token of an enrolled handheld")
        return device


def _refuse_forgery(connection: HTTPConnection, csrf_token: str) -> None:
    if connection.scope["type"] == "websocket":
        origin = connection.headers.get("origin", "")
        if origin.partition("://")[2] != connection.headers.get("host", ""):
            raise Forbidden("session.origin", field="Origin", rule="the same host")
        return
    unsafe = connection.scope["method"] not in _SAFE_METHODS
    # As bytes: a header may hold any Latin-1 character, and texts are compared in ASCII only.
    shown = connection.headers.get(CSRF_HEADER, "").encode()
    if unsafe and not secrets.compare_digest(shown, csrf_token.encode()):
        raise Forbidden("session.csrf", field=CSRF_HEADER, rule="the token of the session")


def _idempotency_key(connection: HTTPConnection) -> str | None:
    key = connection.headers.get("Idempotency-Key")
    if key is None and connection.scope.get("method") == "POST":
        raise Invalid("idempotency.missing", field="Idempotency-Key", rule="required on POST")
    return key


class Body(BaseModel):
    """What a request says. A field that nobody knows is refused: a slip must not pass in silence."""

    model_config = ConfigDict(extra="forbid")


Whole = Annotated[int, Field(strict=True)]
"""A whole number of a body: no text, no fraction, no exponent."""


class Page(BaseModel, Generic[Item]):
    """One page of a list: `next_cursor` is None on the last page."""

    items: list[Item]
    next_cursor: str | None = None


class Paging(BaseModel):
    """`?cursor=&limit=`; `cursor` is what the last page gave: where its last item stands."""

    cursor: str | None = None
    limit: int = PAGE_ITEMS_DEFAULT

    @property
    def number(self) -> int | None:
        """The cursor of a list that is paged by a number of the journal it shows. Raises Invalid
        `request.cursor` for anything that no page gave."""
        if self.cursor is None:
            return None
        is_number = self.cursor.isascii() and self.cursor.isdecimal()
        if not is_number or len(self.cursor) > NUMBER_DIGITS_MAX:
            raise Invalid("request.cursor", field="cursor", rule="what the last page gave")
        return int(self.cursor)

    def page(self, items: list[Item], cursor_of: Callable[[Item], str]) -> Page[Item]:
        """The page for `items`; a full page points on from its last item."""
        full = len(items) == self.limit
        return Page(items=items, next_cursor=cursor_of(items[-1]) if full and items else None)


def paging(
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)] = PAGE_ITEMS_DEFAULT,
) -> Paging:
    """FastAPI dependency for lists."""
    return Paging(cursor=cursor, limit=limit)


PagingQuery = Annotated[Paging, Depends(paging)]


def set_session_cookie(response: Response, token: str, max_age_s: int) -> None:
    """The session cookie: host-only, not readable by scripts, sent over HTTPS (or loopback) only."""
    response.set_cookie(
        SESSION_COOKIE, token, max_age=max_age_s, path="/", secure=True, httponly=True, samesite="lax"
    )


def clear_session_cookie(response: Response) -> None:
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
