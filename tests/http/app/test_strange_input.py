"""Whatever is sent, the answer is a refusal that names the rule, never a failure of the server."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.http import BODY_BYTES_MAX
from tests.http.conftest import Client, SignIn

NUL, HALF_A_PAIR, FAR = "\\u0000", "\\ud800", "9" * 40


@pytest.fixture(scope="module")
async def keeper(sign_in: SignIn) -> Client:
    return await sign_in("keeper", "keeper-a")


def a_body(text: str) -> bytes:
    """Items whose names hold `text`, written as JSON by hand: no encoder would write it."""
    item = f'{{"sku":"X","name_en":"a{text}b","name_zh":"a","unit_mass_g":1}}'
    return f'{{"items":[{item}]}}'.encode()


async def post(client: Client, path: str, body: bytes, **headers: str | bytes) -> httpx.Response:
    headers = {"content-type": b"application/json", **headers}
    return await client.post(f"/api/v1{path}", content=body, headers=headers)


def refused(answer: httpx.Response, status: int = 422) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["title"] != problem["key"]
    return problem


async def test_a_nul_in_a_body_is_refused(keeper: Client) -> None:
    problem = refused(await post(keeper, "/skus", a_body(NUL)))
    assert problem["key"] == "request.unreadable"
    assert "NUL" in problem["rule"]


async def test_half_a_surrogate_pair_in_a_body_is_refused(keeper: Client) -> None:
    refused(await post(keeper, "/skus", a_body(HALF_A_PAIR)))


async def test_half_a_surrogate_pair_in_a_layout_is_refused(sign_in: SignIn) -> None:
    """A layout is read without a schema of the web, so the text comes as far as the command."""
    admin = await sign_in("admin", "keeper-a")
    body = f'{{"layout":{{"site_id":"{HALF_A_PAIR}"}}}}'.encode()
    refused(await post(admin, "/sites", body))


@pytest.mark.parametrize("path", ["/units/%00/count", "/units/%ED%A0%80/count"])
async def test_strange_characters_in_a_path_are_refused(keeper: Client, path: str) -> None:
    answer = await keeper.post(f"/api/v1{path}", json={"counted_each": 1, "reason": "count"})
    refused(answer, 422 if "%00" in path else 404)


@pytest.mark.parametrize("query", ["cursor=%00", "cursor=%ED%A0%80", "limit=" + FAR])
async def test_strange_queries_are_refused_or_find_nothing(keeper: Client, query: str) -> None:
    answer = await keeper.get(f"/api/v1/skus?{query}")
    assert answer.status_code in (200, 422), answer.text


async def test_a_cursor_beyond_any_number_is_refused(keeper: Client) -> None:
    problem = refused(await keeper.get(f"/api/v1/sites/none/stock-moves?cursor={FAR}"))
    assert problem["key"] == "request.cursor"


@pytest.mark.parametrize("number", [2**63, 2**64, int(FAR)])
async def test_a_number_beyond_64_bits_is_refused(keeper: Client, number: int) -> None:
    answer = await keeper.post("/api/v1/units/none/count", json={"counted_each": number, "reason": "count"})
    assert answer.status_code in (404, 422), answer.text
    refused(answer, answer.status_code)


async def test_a_csrf_token_of_other_letters_is_refused(keeper: Client) -> None:
    answer = await post(keeper, "/skus", a_body(""), **{"X-CSRF-Token": "é".encode("latin-1")})
    assert refused(answer, 403)["key"] == "session.csrf"


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 1024 * 1024


async def test_a_body_that_says_it_is_too_large_is_refused_unread(keeper: Client) -> None:
    answer = await keeper.post("/api/v1/skus", content=b" " * (BODY_BYTES_MAX + 1))
    problem = refused(answer, 413)
    assert problem["key"] == "request.too_large"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_body_that_turns_out_too_large_is_refused(keeper: Client) -> None:
    answer = await keeper.post("/api/v1/skus", content=chunks(BODY_BYTES_MAX // 1024**2 + 1))
    problem = refused(answer, 413)
    assert (problem["key"], problem["field"]) == ("request.too_large", "body")
