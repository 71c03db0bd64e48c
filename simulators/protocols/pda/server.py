"""A handheld on the network: scans are queued, sent in order and sent again until they are answered.

A request that got no answer is repeated with the same body and the same `Idempotency-Key`, so that it counts
once however often it arrives.
"""

import asyncio
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx

from kernel.clock import Clock
from kernel.ids import Ids
from simulators.protocols.pda.frames import SCANS_MAX, batch, next_step, scan

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
REQUEST_S_MAX = 10.0
QUEUED_SCANS_MAX = 10_000


class ScanRefused(Exception):
    """The product answered that it will not have the request; `problem` is its problem document."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("key", problem)))
        self.problem = problem


class SignIn(NamedTuple):
    """The person at the handheld."""

    username: str
    password: str


class Handheld:
    """An async context manager. `verify` is what httpx takes: True, or the local authority's context."""

    def __init__(
        self,
        base_url: str,
        device_id: str,
        device_token: str,
        person: SignIn,
        clock: Clock,
        ids: Ids,
        *,
        boot: int = 1,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self._client = client or httpx.AsyncClient(base_url=base_url, timeout=REQUEST_S_MAX)
        self.device_id = device_id
        self._device_token = device_token
        self._person = person
        self._clock = clock
        self._ids = ids
        self._boot = boot
        self._queue: deque[dict[str, Any]] = deque()
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Event()
        self._headers: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None
        self.sequence = 0
        self.acked_sequence = 0
        self.request_count = 0

    @classmethod
    async def enrolled(cls, base_url: str, enrolment_code: str, person: SignIn, clock: Clock) -> Self:
        """A handheld that has redeemed the code of an enrolment QR. Raises ScanRefused."""
        async with httpx.AsyncClient(base_url=base_url) as client:
            device_id, token = await enrol(client, enrolment_code)
        return cls(base_url, device_id, token, person, clock, Ids.unguessable(clock))

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"handheld {self.device_id}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self._client.aclose()

    @property
    def pending_count(self) -> int:
        """Scans without an answer yet."""
        return len(self._answers)

    async def scan(
        self,
        code: str,
        place_code: str | None = None,
        *,
        task_id: str | None = None,
        symbology: str = "code128",
    ) -> dict[str, Any]:
        """Scan and wait for the answer, however long the line is down; returns the scan's own result.

        Raises ScanRefused when the product refuses the whole request, and RuntimeError when the queue is
        full.
        """
        return await self.queue(code, place_code, task_id=task_id, symbology=symbology)

    def queue(
        self,
        code: str,
        place_code: str | None = None,
        *,
        task_id: str | None = None,
        symbology: str = "code128",
    ) -> asyncio.Future[dict[str, Any]]:
        """Scan without waiting: the future ends with the scan's own result."""
        if len(self._answers) >= QUEUED_SCANS_MAX:
            raise RuntimeError(f"the handheld holds {QUEUED_SCANS_MAX} scans and takes no more")
        self.sequence += 1
        made = scan(self.sequence, self._clock.now(), code, place_code, symbology, task_id)
        self._queue.append(made)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self.sequence] = answer
        self._news.set()
        return answer

    # --- sending -----------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._queue:
                part = [self._queue.popleft() for _ in range(min(SCANS_MAX, len(self._queue)))]
                await self._send(part)

    async def _send(self, scans: list[dict[str, Any]]) -> None:
        body, key = batch(self.device_id, self._boot, scans), self._ids.new("scan")
        answer = await self._until_answered(body, key)
        facts = answer.json()
        if answer.is_success:
            self.acked_sequence = int(facts["acked_through"]["sequence"])
            results = {int(result["sequence"]): result for result in facts["results"]}
            for one in scans:
                self._settle(one["sequence"], results[one["sequence"]])
        else:
            for one in scans:
                self._settle(one["sequence"], ScanRefused(facts))

    def _settle(self, sequence: int, result: dict[str, Any] | ScanRefused) -> None:
        answer = self._answers.pop(sequence)
        if answer.done():
            return
        if isinstance(result, ScanRefused):
            answer.set_exception(result)
        else:
            answer.set_result(result)

    async def _until_answered(self, body: dict[str, Any], key: str) -> httpx.Response:
        attempts = 0
        while True:
            try:
                if not self._headers:
                    await self._sign_in()
                self.request_count += 1
                headers = {**self._headers, "Idempotency-Key": key}
                answer = await self._client.post("/api/v1/scans", json=body, headers=headers)
                step = next_step(answer.status_code)
            except httpx.TransportError:
                step = "retry"
            if step in ("done", "give_up"):
                return answer
            if step == "sign_in":
                self._headers = {}
            await asyncio.sleep(BACKOFF_S[min(attempts, len(BACKOFF_S) - 1)])
            attempts += 1

    async def _sign_in(self) -> None:
        """Open a session. The cookie is carried by hand: it is marked Secure, and on loopback we speak plain
        HTTP, where a browser would send it and httpx would not."""
        answer = await self._client.post("/api/v1/session", json=self._person._asdict())
        if not answer.is_success:
            raise httpx.ConnectError(f"sign-in answered {answer.status_code}")
        cookie = answer.headers["set-cookie"].split(";", 1)[0]
        self._client.cookies.clear()
        self._headers = {
            "Cookie": cookie,
            "X-CSRF-Token": answer.json()["csrf_token"],
            "X-Device-Token": self._device_token,
        }


async def enrol(client: httpx.AsyncClient, enrolment_code: str) -> tuple[str, str]:
    """Redeem the code of an enrolment QR; returns device id and token. Raises ScanRefused."""
    answer = await client.post("/api/v1/devices/pda/enrol", json={"enrolment_code": enrolment_code})
    if not answer.is_success:
        raise ScanRefused(answer.json())
    return answer.json()["device_id"], answer.json()["device_token"]
