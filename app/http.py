"""The HTTP application: routers, errors as problem documents (RFC 9457), pages, security headers."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg
import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.labels import with_labels
from app.malformed import field_and_rule
from app.texts import Texts
from identity.http import Desk, SignedOut
from kernel.errors import Conflict, Forbidden, Invalid, NotFound, TallyhouseError, Unavailable

PAGES = ("viewer", "pda", "bank", "sign-in")
BODY_BYTES_MAX = 8 * 1024 * 1024
_STATUS: dict[type[TallyhouseError], HTTPStatus] = {
    SignedOut: HTTPStatus.UNAUTHORIZED,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Forbidden: HTTPStatus.FORBIDDEN,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
_UNREADABLE = (psycopg.DataError, UnicodeEncodeError, OverflowError)
"""Raised by what a body may hold and no column can: NUL, half a surrogate pair, too large a number."""
_SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data: blob:; worker-src 'self' blob:; connect-src 'self'; object-src 'none';"
        " base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "geolocation=(), microphone=(), camera=(self)",
}

log = structlog.get_logger("http")


def create_app(desk: Desk, routers: Sequence[APIRouter], *, pages: Path | None, texts: Texts) -> FastAPI:
    """The application over `desk`. `pages` is the folder of the built pages; None serves the API alone."""
    app = FastAPI(
        title="Tallyhouse",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.desk = desk
    for router in routers:
        app.include_router(router)
    _map_errors(app, texts)
    _mount_pages(app, pages)
    app.add_middleware(_BodyLimit, texts=texts)
    app.add_middleware(_SecurityHeaders)
    return app


def _map_errors(app: FastAPI, texts: Texts) -> None:
    """Each error is handled once, here."""

    async def expected(request: Request, error: Exception) -> Response:
        assert isinstance(error, TallyhouseError)
        status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
        return _problem(request, texts, status, error.key, await with_labels(request, error.facts))

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        field, rule = field_and_rule(error.errors()[0])
        facts = {"field": field, "rule": rule}
        return _problem(request, texts, HTTPStatus.UNPROCESSABLE_ENTITY, "request.malformed", facts)

    async def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        return _problem(request, texts, status, f"http.{status.value}", {}, error.headers)

    async def unreadable(request: Request, error: Exception) -> Response:
        log.warning("request_unreadable", path=request.url.path, reason=str(error))
        facts = {"field": "request", "rule": _unreadable_rule(error)}
        return _problem(request, texts, HTTPStatus.UNPROCESSABLE_ENTITY, "request.unreadable", facts)

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("unexpected_error", path=request.url.path, exc_info=error)
        return _problem(request, texts, HTTPStatus.INTERNAL_SERVER_ERROR, "http.500", {})

    app.add_exception_handler(TallyhouseError, expected)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, plain)
    for kind in _UNREADABLE:
        app.add_exception_handler(kind, unreadable)
    app.add_exception_handler(Exception, unexpected)


def _unreadable_rule(error: Exception) -> str:
    if isinstance(error, OverflowError | psycopg.errors.NumericValueOutOfRange):
        return "numbers of at most 64 bits"
    if isinstance(error, psycopg.errors.DatetimeFieldOverflow):
        return "a date of the calendar"
    return "characters of Unicode other than NUL"


def _problem(
    request: Request,
    texts: Texts,
    status: HTTPStatus,
    key: str,
    facts: dict[str, Any],
    headers: Any = None,
) -> Response:
    locale = texts.locale_of(request.headers.get("accept-language", ""))
    body = {
        **facts,
        "type": f"/problems/{key}",
        "title": texts.problem(locale, key, facts),
        "status": status.value,
        "key": key,
    }
    kept = dict(headers or {})
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        kept["Retry-After"] = str(facts.get("retry_after_s", 5))
    return _Problem(body, status.value, kept)


class _Problem(JSONResponse):
    """A problem document. Facts may quote what was sent; what cannot be written is shown as `?`."""

    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _mount_pages(app: FastAPI, pages: Path | None) -> None:
    async def home() -> Response:
        return RedirectResponse("/viewer/")

    if pages is None:
        return
    app.add_api_route("/", home, include_in_schema=False)
    for name in PAGES:
        app.mount(f"/{name}", StaticFiles(directory=pages / name, html=True), name=name)


class _SecurityHeaders:
    """Adds the security headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in _SECURITY_HEADERS.items()]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class _TooLarge(Exception):
    """Stops the reading of a body that turned out to be larger than allowed."""


class _BodyLimit:
    """Answers 413 for a body that says it is larger than `BODY_BYTES_MAX`, or turns out to be.

    The answer is given here: whoever reads the body may take the refusal to read on for a malformed body
    and answer that, so from then on nothing of the application's answer is let through.
    """

    def __init__(self, app: ASGIApp, texts: Texts) -> None:
        self._app = app
        self._texts = texts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _announced_bytes(scope) > BODY_BYTES_MAX:
            await self._refuse(scope, receive, send)
        else:
            await self._within_limit(scope, receive, send)

    async def _within_limit(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0
        started = False

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > BODY_BYTES_MAX:
                raise _TooLarge
            return message

        async def send_unless_refused(message: Message) -> None:
            nonlocal started
            if started or received <= BODY_BYTES_MAX:
                started = True
                await send(message)

        try:
            await self._app(scope, receive_within_limit, send_unless_refused)
        except _TooLarge:
            if started:
                raise
        if received > BODY_BYTES_MAX and not started:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        facts = {"field": "body", "rule": f"at most {BODY_BYTES_MAX} bytes"}
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        answer = _problem(Request(scope), self._texts, status, "request.too_large", facts)
        await answer(scope, receive, send)


def _announced_bytes(scope: Scope) -> int:
    """What `Content-Length` says; 0 without it, or when it is no number (the body itself is counted then)."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:18])
    return 0
