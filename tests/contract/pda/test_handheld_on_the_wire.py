"""The simulated handheld against a server that loses answers: everything arrives, once, in order."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from kernel.clock import ManualClock
from kernel.ids import Ids
from simulators.protocols.pda import server as pda
from simulators.protocols.pda.server import Handheld, ScanRefused, SignIn


class Desk:
    """Answers scans as the product does; `lose` makes it do the work and lose the answer."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.answers: dict[str, Any] = {}
        self.bodies: list[tuple[str, Any]] = []
        self.lose = 0
        self.refuse: dict[str, Any] | None = None
        self.sign_ins = 0
        self.is_signed_in = True
        self.app.post("/api/v1/session")(self.sign_in)
        self.app.post("/api/v1/scans")(self.scans)

    async def sign_in(self) -> Response:
        self.sign_ins += 1
        self.is_signed_in = True
        answer = JSONResponse({"csrf_token": "the-token"})
        answer.set_cookie("__Host-tallyhouse", "the-cookie", secure=True, httponly=True)
        return answer

    async def scans(self, request: Request) -> Response:
        if not self.is_signed_in:
            return JSONResponse({"key": "session.none"}, 401)
        assert request.headers["cookie"] == "__Host-tallyhouse=the-cookie"
        assert request.headers["x-csrf-token"] == "the-token"
        assert request.headers["x-device-token"] == "the-device"
        if self.refuse is not None:
            return JSONResponse(self.refuse, 422)
        key, body = request.headers["idempotency-key"], await request.json()
        self.bodies.append((key, body))
        last = body["scans"][-1]["sequence"]
        results = [{"sequence": scan["sequence"], "outcome": "done"} for scan in body["scans"]]
        answer = {"acked_through": {"boot": body["boot"], "sequence": last}, "results": results}
        kept = self.answers.setdefault(key, answer)
        if self.lose:
            self.lose -= 1
            return JSONResponse({"key": "http.503"}, 503)
        return JSONResponse(kept)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(pda, "BACKOFF_S", (0.01,))
    return Desk()


@pytest.fixture
async def handheld(desk: Desk, clock: ManualClock, ids: Ids) -> AsyncIterator[Handheld]:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(desk.app), base_url="http://127.0.0.1")
    person = SignIn("picker", "secret")
    async with Handheld(
        "http://127.0.0.1", "pda-1", "the-device", person, clock, ids, boot=3, client=client
    ) as made:
        yield made


async def test_a_scan_is_sent_with_cookie_token_and_credential(
    desk: Desk, handheld: Handheld, clock: ManualClock
) -> None:
    result = await handheld.scan("00306141411234567890", "A01-07-3", task_id="task-1")
    assert result == {"sequence": 1, "outcome": "done"}
    [(_, body)] = desk.bodies
    assert body == {
        "device_id": "pda-1",
        "boot": 3,
        "scans": [
            {
                "sequence": 1,
                "observed_at": "2026-11-23T06:00:00.000Z",
                "code": "00306141411234567890",
                "place_code": "A01-07-3",
                "symbology": "code128",
                "task_id": "task-1",
            }
        ],
    }
    assert handheld.acked_sequence == 1


async def test_a_lost_answer_is_asked_for_again_with_the_same_body_and_key(
    desk: Desk, handheld: Handheld
) -> None:
    desk.lose = 3
    await handheld.scan("A")
    assert len(desk.bodies) == 4
    assert all(sent == desk.bodies[0] for sent in desk.bodies)
    assert len(desk.answers) == 1


async def test_scans_made_while_the_line_is_down_arrive_in_order_and_once(
    desk: Desk, handheld: Handheld
) -> None:
    desk.lose = 2
    waiting = [handheld.queue(f"code-{number}") for number in range(250)]
    results = [await answer for answer in waiting]
    assert [result["sequence"] for result in results] == list(range(1, 251))
    by_key = dict(desk.bodies)
    codes = [scan["code"] for body in by_key.values() for scan in body["scans"]]
    assert codes == [f"code-{number}" for number in range(250)]
    assert handheld.pending_count == 0


async def test_an_ended_session_is_opened_again_and_the_scan_goes_through(
    desk: Desk, handheld: Handheld
) -> None:
    await handheld.scan("A")
    desk.is_signed_in = False
    assert (await handheld.scan("B"))["outcome"] == "done"
    assert desk.sign_ins == 2


async def test_a_refusal_is_final_and_is_told(desk: Desk, handheld: Handheld) -> None:
    desk.refuse = {"key": "scan.bad", "field": "code"}
    with pytest.raises(ScanRefused) as refused:
        await handheld.scan("A")
    assert refused.value.problem["field"] == "code"
