"""The client waits for a server that is away, for as long as a restart takes and no longer."""

import httpx
import pytest

from app import api_client
from app.api_client import ApiClient, ApiProblem

BACK_AFTER = 200


def a_server_away(times: int, calls: list[str]) -> httpx.MockTransport:
    """Refuses the connection by turns with a 503, `times` times, then answers."""

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.headers.get("Idempotency-Key", ""))
        if len(calls) > times:
            return httpx.Response(200, json={"done": True})
        if len(calls) % 2:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(503, json={})

    return httpx.MockTransport(answer)


async def test_a_server_that_comes_back_within_a_minute_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert api_client.RETRIES_MAX * api_client.RETRY_PAUSE_S == 60
    monkeypatch.setattr(api_client, "RETRY_PAUSE_S", 0)
    calls: list[str] = []
    async with ApiClient("http://site", a_server_away(BACK_AFTER, calls)) as client:
        assert await client.post("/things") == {"done": True}
    assert len(calls) == BACK_AFTER + 1
    assert len(set(calls)) == 1, "every try carries the one key"


async def test_a_server_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_client, "RETRY_PAUSE_S", 0)
    calls: list[str] = []
    async with ApiClient("http://site", a_server_away(10_000, calls)) as client:
        with pytest.raises((ApiProblem, httpx.TransportError)):
            await client.post("/things")
    assert len(calls) == api_client.RETRIES_MAX + 1
