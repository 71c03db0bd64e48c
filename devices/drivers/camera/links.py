"""Where pictures come from: a stream or single pictures over HTTP, or RTSP through a process of its own."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx
import msgspec

from devices.drivers.camera.codec import PART_BYTES_MAX, Part, Parts, boundary_of
from devices.transport.decoding import FieldRejected
from devices.transport.tcp import CONNECT_S_MAX, LinkLost

SILENCE_S_MAX: Final = 30.0
"""A stream that is on sends a picture more often than that."""
STALE_S_MAX: Final = 10.0
"""What could not be taken for longer waited in the line, and shows what was."""
FOLLOWED: Final = "http", "https", "rtsp", "rtsps"


class Link(Protocol):
    """One way to pictures."""

    def pictures(self) -> AsyncGenerator[Part, None]:
        """Pictures as they come. Raises LinkLost; StreamBroken for what is no stream of pictures."""
        ...


class Login(msgspec.Struct, frozen=True):
    user: str = ""
    password: str = ""


def link_to(url: str, login: Login, every_s: float) -> Link:
    """The link for a URL. Raises FieldRejected for one that leads nowhere we go."""
    try:
        parts = urlsplit(url)
        has_host, scheme = bool(parts.hostname) and parts.port != 0, parts.scheme
    except ValueError:
        has_host, scheme = False, ""
    if scheme not in FOLLOWED or not has_host:
        raise FieldRejected("url", f"one of {', '.join(FOLLOWED)}, with a host")
    if parts.username is not None or parts.password is not None:
        raise FieldRejected("url", "without user and password: they have parameters of their own")
    return HttpLink(url, login, every_s) if scheme.startswith("http") else RtspLink(url, login, every_s)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _refuse_stale(given_at_s: float) -> None:
    """What was given at that moment was taken only now: what came meanwhile waited."""
    if _now_s() - given_at_s > STALE_S_MAX:
        raise LinkLost("nothing could be taken in time, and what waited is stale")


class HttpLink:
    """`multipart/x-mixed-replace`, or `image/jpeg` asked for again every `every_s`. Redirects are not
    followed, and the camera's certificate is checked. The camera chooses between basic and digest."""

    def __init__(self, url: str, login: Login, every_s: float) -> None:
        self._url, self._login, self._every_s = url, login, every_s
        self._auth: httpx.Auth | None = None
        self._timeout = httpx.Timeout(SILENCE_S_MAX, connect=CONNECT_S_MAX)

    async def pictures(self) -> AsyncGenerator[Part, None]:
        try:
            async with httpx.AsyncClient(timeout=self._timeout, trust_env=False) as client:
                while True:
                    async with aclosing(self._once(client)) as parts:
                        async for part in parts:
                            yield part
                    await asyncio.sleep(self._every_s)
        except httpx.TimeoutException as error:
            raise LinkLost("nothing was heard in time") from error
        except httpx.HTTPError as error:
            raise LinkLost(f"the connection failed: {type(error).__name__}") from error

    async def _once(self, client: httpx.AsyncClient) -> AsyncGenerator[Part, None]:
        """One request: all of a stream, or one picture."""
        if self._login.user and self._auth is None:
            self._auth = await self._asked(client)
        headers = {"Accept": "multipart/x-mixed-replace, image/jpeg", "Accept-Encoding": "identity"}
        async with client.stream("GET", self._url, headers=headers, auth=self._auth) as answer:
            if answer.status_code != httpx.codes.OK:
                raise LinkLost(f"the camera answers {answer.status_code}")
            boundary = boundary_of(answer.headers.get("content-type", ""))
            if not boundary:
                yield await _whole(answer)
                return
            cut = Parts(boundary)
            async for data in answer.aiter_raw():
                for part in cut.feed(data):
                    given_at_s = _now_s()
                    yield part
                    _refuse_stale(given_at_s)
            raise LinkLost("the camera ended the stream")

    async def _asked(self, client: httpx.AsyncClient) -> httpx.Auth:
        """What the camera asks for. Basic sends the password itself, so that goes out only when asked for."""
        async with client.stream("GET", self._url) as answer:
            asked = answer.headers.get("www-authenticate", "")
        if answer.status_code == httpx.codes.UNAUTHORIZED and "digest" not in asked.lower():
            return httpx.BasicAuth(self._login.user, self._login.password)
        return httpx.DigestAuth(self._login.user, self._login.password)


async def _whole(answer: httpx.Response) -> Part:
    """The one picture of an answer."""
    body = bytearray()
    async for data in answer.aiter_raw():
        body += data
        if len(body) > PART_BYTES_MAX:
            rule = FieldRejected("part", f"at most {PART_BYTES_MAX} bytes")
            return Part(bytes(body[:PART_BYTES_MAX]), 0, rule)
    return Part(bytes(body), 0)


class RtspLink:
    """RTSP through OpenCV's own FFmpeg. That may hang in a read or crash on what a camera sends, so it runs
    in a process of its own, which is ended when it falls silent."""

    def __init__(self, url: str, login: Login, every_s: float) -> None:
        self._url, self._login, self._every_s = url, login, every_s

    async def pictures(self) -> AsyncGenerator[Part, None]:
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "devices.drivers.camera.rtsp"),
            stdin=pipe,
            stdout=pipe,
            limit=PART_BYTES_MAX,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        order = {"url": self._url, "every_s": self._every_s, **msgspec.structs.asdict(self._login)}
        child.stdin.write(msgspec.json.encode(order) + b"\n")
        offset = 0
        try:
            while True:
                body = await _from_child(child.stdout, SILENCE_S_MAX + self._every_s)
                given_at_s = _now_s()
                yield Part(body, offset)
                _refuse_stale(given_at_s)
                offset += len(body)
        finally:
            await _end(child)


async def _from_child(stream: asyncio.StreamReader, within_s: float) -> bytes:
    """The next picture: four bytes of length, then a JPEG; a length of nothing is followed by a reason."""
    try:
        async with asyncio.timeout(within_s):
            length = int.from_bytes(await stream.readexactly(4), "big")
            if length == 0:
                raise LinkLost((await stream.readline()).decode().strip())
            return await stream.readexactly(length)
    except TimeoutError as error:
        raise LinkLost("nothing was heard in time") from error
    except asyncio.IncompleteReadError as error:
        raise LinkLost("the process that reads the stream has ended") from error


async def _end(child: asyncio.subprocess.Process) -> None:
    """What it has said so far is read and thrown away: a pipe that is full would never be seen to end."""
    if child.returncode is None:
        child.kill()
    await child.communicate()
