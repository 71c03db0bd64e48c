"""A client of our own API: session cookie, CSRF token, idempotency keys, retries, problems as exceptions."""

import asyncio
import secrets
from typing import Any

import httpx

RETRIES_MAX = 240
RETRY_PAUSE_S = 0.25
"""Together a minute: as long as a server that was killed needs to recover its database and come back."""
PAGE_ITEMS = 1_000


class ApiProblem(Exception):
    """A problem document; `key` and `facts` as the server gave them."""

    def __init__(self, answer: httpx.Response) -> None:
        is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
        self.status = answer.status_code
        self.facts: dict[str, Any] = answer.json() if is_problem else {"title": answer.text[:200]}
        self.key = str(self.facts.get("key", f"http.{answer.status_code}"))
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {self.status} {self.facts}")


class ApiClient:
    """One signed-in person. Every call that may be repeated safely is repeated while the server is away."""

    def __init__(self, base_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.http = httpx.AsyncClient(base_url=base_url, transport=transport, timeout=30.0)
        self.session: dict[str, Any] = {}

    async def __aenter__(self) -> "ApiClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def sign_in(self, username: str, password: str) -> dict[str, Any]:
        """Open a session; the answer is kept in `session`."""
        body = {"username": username, "password": password}
        self.session = await self._call("POST", "/api/v1/session", json=body)
        cookie = self.http.cookies.jar
        self.cookie_header = "; ".join(f"{item.name}={item.value}" for item in cookie)
        return self.session

    async def get(self, path: str, **params: Any) -> Any:
        return await self._call("GET", f"/api/v1{path}", params=params)

    async def items(self, path: str, **params: Any) -> list[Any]:
        """All items of a paged list."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            paging = {"limit": PAGE_ITEMS, **({"cursor": cursor} if cursor else {})}
            page = await self.get(path, **{**params, **paging})
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def post(
        self, path: str, body: Any = None, *, key: str | None = None, headers: dict[str, str] | None = None
    ) -> Any:
        """POST once: every retry carries the same idempotency key."""
        sent = {"Idempotency-Key": key or secrets.token_hex(16), **(headers or {})}
        return await self._call("POST", f"/api/v1{path}", json=body if body is not None else {}, headers=sent)

    async def delete(self, path: str) -> None:
        await self._call("DELETE", f"/api/v1{path}")

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        headers = dict(options.pop("headers", {}))
        if self.session:
            headers["X-CSRF-Token"] = self.session["csrf_token"]
            headers["Cookie"] = self.cookie_header
        for attempt in range(RETRIES_MAX + 1):
            try:
                answer = await self.http.request(method, path, headers=headers, **options)
            except httpx.TransportError:
                if attempt == RETRIES_MAX:
                    raise
            else:
                if answer.status_code != 503 or attempt == RETRIES_MAX:
                    return _content(answer)
            await asyncio.sleep(RETRY_PAUSE_S)
        raise AssertionError("the loop returns or raises")


def _content(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise ApiProblem(answer)
    return answer.json() if answer.content else None
