"""A walk over every route of the wired application: who is let in, and that nobody reaches another's things.

Routes × roles × {own party, other party, no session, expired session}, with everything there is on `site-a`
and parties of another site calling. The expectations are in `expected_routes.py`.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import Mount
from starlette.types import Message

from app.database import Database
from app.desk import AppDesk
from app.health import Health
from app.parts import Parts
from app.refusals import Refusals
from app.roles import web_app
from app.settings import Settings
from app.wake import Wake
from identity.http import SESSION_COOKIE, Admits, DeviceCaller, Public
from identity.people.model import SESSION_LASTS
from kernel.caller import ROLES, Caller, Role
from kernel.clock import ManualClock
from kernel.ids import Ids as IdMaker
from tests.conftest import TestServer
from tests.http.conftest import Client, SignIn
from tests.http.expected_routes import EXPECTED, HOMES, Case
from tests.http.living_site import LivingSite
from tests.http.whole_world import Ids, fill

OPEN_BY_NATURE = {
    "/api/v1/openapi.json": "describes the API and holds no data",
    "/": "redirects to the viewer",
}
"""Routes that are no routes of ours, with the reason why they need no gate."""


# --- the application and its people --------------------------------------------------------------


@pytest.fixture(scope="module")
async def database(module_database: TestServer, http_clock: ManualClock) -> AsyncIterator[Database]:
    opened = Database(module_database.app_dsn, http_clock, IdMaker.unguessable(http_clock))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def application(
    database: Database, http_clock: ManualClock, tmp_path_factory: pytest.TempPathFactory
) -> httpx.ASGITransport:
    """The application as the role `api` builds it; this module's sign-ins go to it too."""
    parts = Parts(
        settings=Settings(data_dir=tmp_path_factory.mktemp("data")),
        clock=http_clock,
        ids=IdMaker.unguessable(http_clock),
        owner_dsn=None,
        app_dsn=database.dsn,
        database=database,
        web_database=database,
        refusals=Refusals(http_clock),
        wake=Wake(database.dsn),
        health=Health(),
        broker=None,
        broker_address=None,
    )
    return httpx.ASGITransport(web_app(parts, None), raise_app_exceptions=False)


class World:
    """Everything of `site-a`, and people of its parties and of others."""

    def __init__(
        self, ids: Ids, own: dict[tuple[str, str], Client], other: dict[tuple[str, str], Client]
    ) -> None:
        self.ids = ids
        self.own = own
        self.other = other

    def told(self, answer: httpx.Response, name: str, case: Case) -> list[str]:
        """Ids of `site-a` in an answer that the question did not hold already."""
        asked = f"{path_of(name, case, self.ids)} {case.body(self.ids) if case.body else ''}"
        open_ids = {"now", "source", "owner", "sha256"} | case.tells
        secret = [value for key, value in self.ids.items() if key not in open_ids]
        return [value for value in secret if value in answer.text and value not in asked]


@pytest.fixture(scope="module")
async def expired(sign_in: SignIn, http_clock: ManualClock) -> dict[Role, Client]:
    """People whose sessions have run out."""
    people = {role: await sign_in(role, f"{HOMES[role]}-a") for role in ROLES}
    http_clock.advance(SESSION_LASTS.total_seconds() + 1)
    return people


@pytest.fixture(scope="module")
async def world(
    expired: dict[Role, Client], database: Database, desk: AppDesk, http_clock: ManualClock, sign_in: SignIn
) -> World:
    site = await LivingSite(database, desk, http_clock, "a").build()
    await LivingSite(database, desk, http_clock, "b").build()
    ids = await fill(site)
    dispensable = await sign_in("auditor", site.keeper)
    ids |= {
        "person_id": dispensable.person_id,
        "owner": site.owner,
        "bank": site.bank,
        "pda": site.device("pda-1"),
        "forklift": site.device("forklift-1"),
        "person_tag": site.device("person-1"),
        "sha256": "00" * 32,
        "now": http_clock.now().isoformat(),
    }
    homes = [(role, party) for role, party in HOMES.items()] + [("auditor", "bank")]
    own = {(role, party): await sign_in(role, f"{party}-a") for role, party in homes}
    other = {(role, party): await sign_in(role, f"{party}-b") for role, party in homes}
    return World(ids, own, other)


# --- routes --------------------------------------------------------------------------------------


def routes_of(routes: Any) -> Iterator[APIRoute | APIWebSocketRoute]:
    """Every route of ours, also those of included routers. Strange ones must be open by nature."""
    for route in routes:
        if isinstance(route, APIRoute | APIWebSocketRoute):
            if route.path not in OPEN_BY_NATURE:
                yield route
        elif hasattr(route, "original_router"):
            assert route.include_context.prefix == "", "prefixes stand at the router itself"
            yield from routes_of(route.original_router.routes)
        elif not isinstance(route, Mount):
            assert route.path in OPEN_BY_NATURE, f"{route.path} has no gate"


def names_of(route: APIRoute | APIWebSocketRoute) -> list[str]:
    methods = sorted(route.methods) if isinstance(route, APIRoute) else ["WS"]
    return [f"{method} {route.path}" for method in methods]


def gates_of(dependant: Any) -> list[Admits | Public | DeviceCaller]:
    here = [dependant.call] if isinstance(dependant.call, Admits | Public | DeviceCaller) else []
    return here + [gate for inner in dependant.dependencies for gate in gates_of(inner)]


def path_of(name: str, case: Case, ids: Ids) -> str:
    return name.split()[1].format(**ids | {key: ids[value] for key, value in case.ids.items()})


async def ask(
    transport: httpx.ASGITransport,
    client: Client,
    name: str,
    case: Case,
    ids: Ids,
    *,
    without: str = "",
) -> httpx.Response:
    """Call a route as a client would, with all it needs; `without` leaves one header out."""
    method, path = name.split()[0], path_of(name, case, ids)
    if method == "WS":
        return await knock(transport, client, path)
    headers = {"X-CSRF-Token": client.csrf_token, "Idempotency-Key": f"walk {name} {client.person_id}"}
    headers |= case.headers(ids) if case.headers else {}
    headers.pop(without, None)
    body = case.body(ids) if case.body else None
    request = client.build_request(method, path, json=body, headers=headers)
    return await client.send(request)


async def knock(transport: httpx.ASGITransport, client: Client, path: str) -> httpx.Response:
    """Ask for a WebSocket and leave at once; the answer is 200 when it was opened."""
    sent: list[Message] = []
    said = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}])

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return next(said)

    cookie = f"{SESSION_COOKIE}={client.cookies.get(SESSION_COOKIE, '')}"
    headers = [
        (b"host", b"tallyhouse.test"),
        (b"origin", b"https://tallyhouse.test"),
        (b"cookie", cookie.encode()),
    ]
    scope = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "subprotocols": [],
        "scheme": "wss",
        "extensions": {"websocket.http.response": {}},
    }
    await transport.app(scope, receive, send)
    if sent[0]["type"] == "websocket.accept":
        return httpx.Response(200)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return httpx.Response(sent[0]["status"], content=body)


def roles_of(case: Case) -> frozenset[str]:
    return frozenset() if case.roles == "public" else frozenset(case.roles.split())


def home(role: str, case: Case) -> tuple[str, str]:
    return role, case.auditor if role == "auditor" else HOMES[role]


GATED = [name for name, case in EXPECTED.items() if case.roles != "public"]
UNSAFE = [name for name in GATED if name.split()[0] in {"POST", "PUT", "PATCH", "DELETE"}]


# --- rows ----------------------------------------------------------------------------------------

SHARED_TABLES = {
    "wms.sku": "one catalogue of names for all",
    "wms.review_rule": "the rules of order review are the product's",
    "identity.party": "names of parties, as on any receipt",
    "app.event": "read through views that ask for each event's subjects",
    "app.cursor": "how far consumers have come; nothing of any party",
    "app.installation": "what is installed here",
    "app.migration": "what is installed here",
}
"""Tables that every party may read, with the reason."""
READABLE = """
    SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (ARRAY['app', 'identity', 'devices', 'twin', 'wms', 'finance'])
        AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
        AND has_table_privilege('tallyhouse_read', c.oid, 'SELECT')
    ORDER BY 1"""


async def rows_seen(database: Database, party: str) -> dict[str, int]:
    """How many rows a party sees of each table, those of `site-b` left out."""
    caller = Caller(person_id="person-x", party_id=party, roles=frozenset(ROLES))
    async with database.read(caller) as read:
        tables = [row["name"] for row in await read.rows(READABLE) if row["name"] not in SHARED_TABLES]
        count = "SELECT count(*) FROM {} t WHERE t::text NOT LIKE '%%site-b%%'"
        return {name: await read.value(count.format(name), {}) for name in tables}


@pytest.mark.parametrize("party", ["keeper-b", "owner-b", "bank-b", "nobody", ""])
async def test_no_row_of_another_party_can_be_read(world: World, database: Database, party: str) -> None:
    """As a party of another site, as a party that is none, and as nobody."""
    assert {name: count for name, count in (await rows_seen(database, party)).items() if count} == {}


async def test_the_parties_of_the_site_do_read_its_rows(world: World, database: Database) -> None:
    """Otherwise the test above would hold for an empty world."""
    seen = [await rows_seen(database, f"{kind}-a") for kind in ("keeper", "owner", "bank")]
    empty = {name for name in seen[0] if not any(counts[name] for counts in seen)}
    assert len(seen[0]) - len(empty) > 40, f"nobody reads {sorted(empty)}"


# --- the walk ------------------------------------------------------------------------------------


def test_every_route_has_one_gate_and_is_expected(application: httpx.ASGITransport) -> None:
    found: dict[str, str] = {}
    for route in routes_of(application.app.routes):  # type: ignore[attr-defined]
        [gate] = gates_of(route.dependant)
        admitted = " ".join(sorted(gate.roles)) if isinstance(gate, Admits) else type(gate).__name__.lower()
        found |= dict.fromkeys(names_of(route), admitted)
    assert found == {name: " ".join(sorted(case.roles.split())) for name, case in EXPECTED.items()}


@pytest.mark.parametrize("name", GATED)
async def test_without_a_live_session_nobody_is_let_in(
    application: httpx.ASGITransport, world: World, expired: dict[Role, Client], visitor: Client, name: str
) -> None:
    case = EXPECTED[name]
    for client in (visitor, *expired.values()):
        answer = await ask(application, client, name, case, world.ids)
        assert (answer.status_code, answer.json()["key"]) == (401, "session.none")


@pytest.mark.parametrize("name", GATED)
async def test_roles_that_are_not_admitted_are_refused(
    application: httpx.ASGITransport, world: World, name: str
) -> None:
    case = EXPECTED[name]
    for role in sorted(set(ROLES) - roles_of(case)):
        answer = await ask(application, world.own[home(role, case)], name, case, world.ids)
        assert (role, answer.status_code, answer.json()["key"]) == (role, 403, "session.role")


@pytest.mark.parametrize("name", UNSAFE)
async def test_without_the_csrf_token_nothing_is_done(
    application: httpx.ASGITransport, world: World, name: str
) -> None:
    case = EXPECTED[name]
    role = min(roles_of(case))
    client = world.own[home(role, case)]
    answer = await ask(application, client, name, case, world.ids, without="X-CSRF-Token")
    assert (answer.status_code, answer.json()["key"]) == (403, "session.csrf")


@pytest.mark.parametrize("name", [name for name in UNSAFE if name.startswith("POST")])
async def test_without_an_idempotency_key_nothing_is_posted(
    application: httpx.ASGITransport, world: World, name: str
) -> None:
    case = EXPECTED[name]
    role = min(roles_of(case))
    client = world.own[home(role, case)]
    answer = await ask(application, client, name, case, world.ids, without="Idempotency-Key")
    assert (answer.status_code, answer.json()["key"]) == (422, "idempotency.missing")


@pytest.mark.parametrize("name", GATED)
async def test_another_party_reaches_nothing(
    application: httpx.ASGITransport, world: World, name: str
) -> None:
    """It is refused, or (a list of a site) told exactly what it is told of a site that does not exist."""
    case = EXPECTED[name]
    for role in sorted(roles_of(case)):
        if case.ends_session:
            continue
        client = world.other[home(role, case)]
        answer = await ask(application, client, name, case, world.ids)
        assert world.told(answer, name, case) == []
        if case.shared:
            assert answer.status_code < 500
        elif answer.status_code not in case.refused:
            nowhere = await ask(application, client, name, case, world.ids | {"site_id": "site-nowhere"})
            assert name.startswith("GET /api/v1/sites/{site_id}/"), f"{role}: {answer.text}"
            assert (role, answer.status_code, answer.text) == (role, 200, nowhere.text)


@pytest.mark.parametrize("name", GATED)
async def test_entitled_people_are_let_in(
    application: httpx.ASGITransport, world: World, sign_in: SignIn, name: str
) -> None:
    case = EXPECTED[name]
    for role in sorted(roles_of(case)):
        client = world.own[home(role, case)]
        if case.ends_session:
            client = await sign_in(role, f"{home(role, case)[1]}-a")
        answer = await ask(application, client, name, case, world.ids)
        assert answer.status_code in case.own, f"{role}: {answer.status_code} {answer.text[:500]}"
