"""The HTTP application: routers, errors as problem documents (RFC 9457), pages, security headers."""

from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
    app.add_middleware(_SecurityHeaders)
    app.add_middleware(_BodyLimit)
    return app


def _map_errors(app: FastAPI, texts: Texts) -> None:
    """Each error is handled once, here."""

    async def expected(request: Request, error: Exception) -> Response:
        assert isinstance(error, TallyhouseError)
        status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
        return _problem(request, texts, status, error.key, error.facts)

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        facts = {"field": ".".join(str(part) for part in first["loc"]), "rule": first["msg"]}
        return _problem(request, texts, HTTPStatus.UNPROCESSABLE_ENTITY, "request.malformed", facts)

    async def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        return _problem(request, texts, status, f"http.{status.value}", {}, error.headers)

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("unexpected_error", path=request.url.path, exc_info=error)
        return _problem(request, texts, HTTPStatus.INTERNAL_SERVER_ERROR, "http.500", {})

    app.add_exception_handler(TallyhouseError, expected)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(Exception, unexpected)


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
    return JSONResponse(body, status.value, kept, media_type="application/problem+json")


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


class _BodyLimit:
    """Refuses bodies that say they are larger than `BODY_BYTES_MAX`, or turn out to be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > BODY_BYTES_MAX:
                raise Invalid("request.too_large", field="body", rule=f"at most {BODY_BYTES_MAX} bytes")
            return message

        await self._app(scope, receive_within_limit, send)
