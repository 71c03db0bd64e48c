"""Sign-in, CSRF, idempotency and roles over HTTP."""

import asyncio
from datetime import datetime, timedelta

import httpx

from app.database import POOL_SIZE_MAX, Database
from app.desk import AppDesk
from app.http import create_app
from app.refusals import Refusals
from app.texts import Texts
from app.wiring import ROUTERS, all_commands
from identity.http import SESSION_COOKIE
from identity.people import passwords
from kernel.clock import ManualClock
from kernel.ids import Ids
from tests.conftest import TestServer
from tests.http.conftest import PASSWORD, Client, SignIn

CROWD = 2 * POOL_SIZE_MAX
WITHIN_S = 30.0


async def test_the_cookie_is_host_only_secure_and_hidden_from_scripts(
    sign_in: SignIn, visitor: Client
) -> None:
    person = await sign_in("picker", "keeper-a")
    username = (await person.get("/api/v1/session")).json()["person"]["username"]
    answer = await visitor.post("/api/v1/session", json={"username": username, "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(SESSION_COOKIE.lower() + "=")
    assert all(part in cookie for part in ("secure", "httponly", "samesite=lax", "path=/"))
    assert "domain" not in cookie


async def test_a_sign_in_lasts_as_long_as_the_installation_says(
    module_database: TestServer, http_clock: ManualClock, sign_in: SignIn
) -> None:
    person = await sign_in("picker", "keeper-a")
    username = (await person.get("/api/v1/session")).json()["person"]["username"]
    database = Database(module_database.app_dsn, http_clock, Ids.unguessable(http_clock))
    await database.open()
    try:
        desk = AppDesk(database, all_commands(), Refusals(http_clock), timedelta(hours=2))
        app = httpx.ASGITransport(create_app(desk, ROUTERS, pages=None, texts=Texts.load()))
        async with Client(transport=app, base_url="https://tallyhouse.test") as short:
            body = {"username": username, "password": PASSWORD}
            answer = await short.post("/api/v1/session", json=body)
        assert "max-age=7200;" in answer.headers["set-cookie"].lower()
        ends = datetime.fromisoformat(answer.json()["expires_at"])
        assert ends == http_clock.now() + timedelta(hours=2)
    finally:
        await database.close()


async def test_asking_who_is_signed_in_is_no_failure_when_nobody_is(visitor: Client) -> None:
    answer = await visitor.get("/api/v1/session")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_wrong_password_is_a_problem_document(visitor: Client) -> None:
    answer = await visitor.post("/api/v1/session", json={"username": "nobody", "password": "x"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["key"] == "session.wrong_password"


async def test_however_many_wait_for_their_password_to_be_checked_others_are_served(
    sign_in: SignIn, visitor: Client
) -> None:
    """They wait beside the database, whose connections are few."""
    person = await sign_in("picker", "keeper-a")
    other = await sign_in("picker", "keeper-a")
    body = {"username": other.display_name, "password": "x"}
    for _ in range(passwords.AT_ONCE_MAX):
        await passwords.gate.acquire()
    crowd = [asyncio.create_task(visitor.post("/api/v1/session", json=body)) for _ in range(CROWD)]
    try:
        async with asyncio.timeout(WITHIN_S):
            while len(passwords.gate._waiters or ()) < CROWD:
                await asyncio.sleep(0.01)
        assert (await person.get("/api/v1/session")).status_code == 200
    finally:
        for _ in range(passwords.AT_ONCE_MAX):
            passwords.gate.release()
    answers = await asyncio.gather(*crowd)
    assert {answer.json()["key"] for answer in answers} == {"session.wrong_password", "session.locked"}


async def test_without_the_csrf_token_nothing_is_changed(sign_in: SignIn) -> None:
    person = await sign_in("admin", "keeper-a")
    body = {"username": "new-one", "password": PASSWORD, "display_name": "N", "roles": ["picker"]}
    answer = await person.post("/api/v1/people", json=body, headers={"X-CSRF-Token": "guessed"})
    assert (answer.status_code, answer.json()["key"]) == (403, "session.csrf")
    assert "new-one" not in (await person.get("/api/v1/people")).text


async def test_a_post_needs_an_idempotency_key(sign_in: SignIn) -> None:
    person = await sign_in("admin", "keeper-a")
    request = person.build_request(
        "POST", "/api/v1/people", json={}, headers={"X-CSRF-Token": person.csrf_token}
    )
    answer = await person.send(request)
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")


async def test_the_same_key_gives_the_same_answer_and_does_it_once(sign_in: SignIn) -> None:
    person = await sign_in("admin", "keeper-a")
    body = {"username": "twice-1", "password": PASSWORD, "display_name": "N", "roles": ["picker"]}
    first = await person.post("/api/v1/people", json=body, headers={"Idempotency-Key": "one"})
    second = await person.post("/api/v1/people", json=body, headers={"Idempotency-Key": "one"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    other = await person.post(
        "/api/v1/people", json={**body, "username": "twice-2"}, headers={"Idempotency-Key": "one"}
    )
    assert (other.status_code, other.json()["key"]) == (409, "idempotency.key_reused")


async def test_a_role_that_is_not_admitted_is_refused(sign_in: SignIn) -> None:
    person = await sign_in("picker", "keeper-a")
    answer = await person.get("/api/v1/people")
    assert (answer.status_code, answer.json()["allowed"]) == (403, ["admin", "auditor"])


async def test_an_administrator_sees_only_the_people_of_the_own_party(sign_in: SignIn) -> None:
    mine, other = await sign_in("admin", "keeper-a"), await sign_in("admin", "keeper-b")
    people = (await mine.get("/api/v1/people", params={"limit": 5000})).json()["items"]
    assert mine.person_id in {row["person_id"] for row in people}
    assert other.person_id not in {row["person_id"] for row in people}


async def test_after_sign_out_the_cookie_opens_nothing(sign_in: SignIn) -> None:
    person = await sign_in("picker", "keeper-a")
    assert (await person.get("/api/v1/session")).status_code == 200
    kept = dict(person.cookies)
    assert (await person.delete("/api/v1/session")).status_code == 204
    person.cookies.update(kept)
    answer = await person.get("/api/v1/session")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_the_chosen_language_is_kept(sign_in: SignIn) -> None:
    person = await sign_in("picker", "keeper-a")
    assert (await person.get("/api/v1/session")).json()["person"]["locale"] is None
    assert (await person.post("/api/v1/session/locale", json={"locale": "en"})).status_code == 204
    assert (await person.get("/api/v1/session")).json()["person"]["locale"] == "en"


async def test_a_body_that_is_no_json_names_the_field(sign_in: SignIn) -> None:
    person = await sign_in("admin", "keeper-a")
    answer = await person.post("/api/v1/people", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["field"].startswith("body")
