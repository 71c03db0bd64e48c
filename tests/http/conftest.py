"""Fixtures of the HTTP tests: the whole application over a database of the module's own."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from app.database import Database
from app.desk import AppDesk
from app.http import create_app
from app.refusals import Refusals
from app.texts import Texts
from app.wiring import ROUTERS, all_commands
from identity.messages import AddParty, AddPerson, PartyKind
from kernel.caller import Caller, Role
from kernel.clock import ManualClock
from kernel.ids import Ids
from tests.conftest import START, TestServer

PASSWORD = secrets.token_urlsafe(18)
PARTIES: dict[str, PartyKind] = {
    "keeper-a": "keeper",
    "keeper-b": "keeper",
    "owner-a": "owner",
    "owner-b": "owner",
    "bank-a": "bank",
    "bank-b": "bank",
    "bank-c": "bank",
}


class Client(httpx.AsyncClient):
    """A signed-in browser without the browser: cookie, CSRF token and a fresh idempotency key per POST."""

    csrf_token = ""
    person_id = ""
    display_name = ""

    async def sign_in(self, username: str, password: str) -> None:
        answer = await self.post("/api/v1/session", json={"username": username, "password": password})
        answer.raise_for_status()
        self.csrf_token = answer.json()["csrf_token"]
        self.person_id = answer.json()["person"]["person_id"]
        self.display_name = answer.json()["person"]["display_name"]

    async def request(self, method: str, url, **options) -> httpx.Response:  # type: ignore[no-untyped-def,override]
        headers = dict(options.pop("headers", None) or {})
        if self.csrf_token and method != "GET":
            headers.setdefault("X-CSRF-Token", self.csrf_token)
        if method == "POST":
            headers.setdefault("Idempotency-Key", secrets.token_hex(16))
        return await super().request(method, url, headers=headers, **options)


@pytest.fixture(scope="module", autouse=True)
def _quick_passwords(quick_passwords: None) -> None:
    """Every module signs many people in."""


@pytest.fixture(scope="module")
async def module_database(database_server: TestServer) -> AsyncIterator[TestServer]:
    """A database of this module's own, copied from the migrated one; what is committed here stays here."""
    async with database_server.copy() as copied:
        yield copied


@pytest.fixture(scope="module")
def http_clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture(scope="module")
async def desk(module_database: TestServer, http_clock: ManualClock) -> AsyncIterator[AppDesk]:
    """The application's desk with parties `keeper-a/b`, `owner-a/b`, `bank-a/b` entered."""
    database = Database(module_database.app_dsn, http_clock, Ids.unguessable(http_clock))
    await database.open()
    desk = AppDesk(database, all_commands(), Refusals(http_clock))
    for party_id, kind in PARTIES.items():
        await desk.do(Caller.product("test"), AddParty(kind=kind, name=party_id, party_id=party_id))
    yield desk
    await database.close()


@pytest.fixture(scope="module")
async def application(desk: AppDesk) -> httpx.ASGITransport:
    app = create_app(desk, ROUTERS, pages=None, texts=Texts.load())
    return httpx.ASGITransport(app, raise_app_exceptions=False)


SignIn = Callable[..., Awaitable[Client]]


@pytest.fixture(scope="module")
async def sign_in(desk: AppDesk, application: httpx.ASGITransport) -> AsyncIterator[SignIn]:
    """`client = await sign_in("officer", "bank-a")`: a new person with that role, signed in."""
    opened: list[Client] = []

    async def enter(role: Role, party_id: str) -> Client:
        username = f"{role}-{secrets.token_hex(4)}"
        person = AddPerson(
            username=username, password=PASSWORD, display_name=username, party_id=party_id, roles=(role,)
        )
        own_admin = Caller(person_id=f"admin-of-{party_id}", party_id=party_id, roles=frozenset({"admin"}))
        await desk.do(own_admin, person)
        client = Client(transport=application, base_url="https://tallyhouse.test")
        opened.append(client)
        await client.sign_in(username, PASSWORD)
        return client

    yield enter
    for client in opened:
        await client.aclose()


@pytest.fixture
async def visitor(application: httpx.ASGITransport) -> AsyncIterator[Client]:
    """Nobody: not signed in."""
    async with Client(transport=application, base_url="https://tallyhouse.test") as client:
        yield client
