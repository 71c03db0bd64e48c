"""What a camera says on the wire, sans-I/O: MJPEG and single pictures over HTTP, and JPEG in RTP over RTSP.

HTTP: RFC 9112 as far as a camera knows it, `multipart/x-mixed-replace` (RFC 2046). RTSP 1.0: RFC 2326 with
packets interleaved in its own connection (section 10.12); RTP: RFC 3550; JPEG in RTP: RFC 2435 with the
picture's own quantisation tables in the first packet of a frame.
"""

import base64
import hashlib
import struct
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

PICTURES_KEPT: Final = 60
BOUNDARY: Final = "--frame"
"""Some cameras put the dashes into the name, as this one does."""
REALM, NONCE = "camera", "dcd98b7102dd2f0e8b11d0f600bfb0c093"
PAYLOAD_BYTES_MAX: Final = 1_400
JPEG_PAYLOAD: Final = 26
"""RTP's static payload type for JPEG (RFC 3551)."""
CLOCK_HZ: Final = 90_000
RESTART_Q: Final = 255
"""RFC 2435: the tables come with each frame."""


class Account(msgspec.Struct, frozen=True):
    """Who may look, and how the camera asks for it; nobody is asked without one."""

    user: str
    password: str
    scheme: str = "digest"


class Gallery:
    """The pictures that the camera has shown so far, one after the other."""

    def __init__(self) -> None:
        self._shown: deque[bytes] = deque(maxlen=PICTURES_KEPT)
        self.count = 0

    def show(self, jpeg: bytes) -> None:
        """One more picture: everybody who looks is sent it."""
        self._shown.append(jpeg)
        self.count += 1

    def since(self, count: int) -> list[bytes]:
        """Those that came after the first `count`, as far as they are kept."""
        fresh = min(self.count - count, len(self._shown))
        return list(self._shown)[len(self._shown) - fresh :] if fresh > 0 else []

    @property
    def latest(self) -> bytes:
        return self._shown[-1] if self._shown else b""


# --- HTTP -----------------------------------------------------------------------------------------


def part(jpeg: bytes, *, has_length: bool = True, content_type: str = "image/jpeg") -> bytes:
    """One picture of a stream, with the boundary before it."""
    length = f"Content-Length: {len(jpeg)}\r\n" if has_length else ""
    return f"--{BOUNDARY}\r\nContent-Type: {content_type}\r\n{length}\r\n".encode() + jpeg + b"\r\n"


def answer(status: str, headers: str, body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}\r\n".encode() + body


class HttpConversation:
    """One connection to the camera's web server. `/stream` is a stream, `/picture` the latest picture."""

    def __init__(
        self,
        gallery: Gallery,
        account: Account | None = None,
        *,
        make_part: Callable[[bytes], bytes] = part,
        content_type: str = f"multipart/x-mixed-replace; boundary={BOUNDARY}",
    ) -> None:
        self._gallery, self._account = gallery, account
        self._make_part, self._content_type = make_part, content_type
        self._asked = b""
        self._sent: int | None = None
        """How many pictures this one was sent, or came before it; None while no stream runs."""

    def receive(self, data: bytes, _: datetime) -> bytes:
        self._asked += data
        said = b""
        while b"\r\n\r\n" in self._asked:
            head, self._asked = self._asked.split(b"\r\n\r\n", 1)
            said += self._reply(head.decode("latin-1"))
        return said

    def due(self, _: datetime) -> bytes:
        if self._sent is None:
            return b""
        fresh = self._gallery.since(self._sent)
        self._sent = self._gallery.count
        return b"".join(self._make_part(picture) for picture in fresh)

    def _reply(self, head: str) -> bytes:
        method, path, _ = head.splitlines()[0].split(" ", 2)
        if self._account is not None and not may_look(self._account, method, head):
            asks = _challenge(self._account)
            return answer("401 Unauthorized", f"WWW-Authenticate: {asks}\r\nContent-Length: 0\r\n")
        if path == "/picture":
            picture = self._gallery.latest
            headers = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n"
            return answer("200 OK", headers, picture)
        if path == "/stream":
            self._sent = max(0, self._gallery.count - 1)
            return answer("200 OK", f"Content-Type: {self._content_type}\r\nConnection: close\r\n")
        return answer("404 Not Found", "Content-Length: 0\r\n")


def _challenge(account: Account) -> str:
    if account.scheme == "basic":
        return f'Basic realm="{REALM}"'
    return f'Digest realm="{REALM}", nonce="{NONCE}", algorithm=MD5, qop="auth"'


def may_look(account: Account, method: str, head: str) -> bool:
    """Whether the request's Authorization opens the account: RFC 7617, or RFC 2617 with or without qop."""
    line = next((line for line in head.splitlines() if line.lower().startswith("authorization:")), "")
    scheme, _, given = line.partition(":")[2].strip().partition(" ")
    if account.scheme == "basic":
        wanted = base64.b64encode(f"{account.user}:{account.password}".encode()).decode()
        return scheme.lower() == "basic" and given.strip() == wanted
    fields = {
        name.strip(): value.strip().strip('"')
        for name, _, value in (field.partition("=") for field in given.split(","))
    }
    ha1 = _md5(f"{account.user}:{REALM}:{account.password}")
    ha2 = _md5(f"{method}:{fields.get('uri', '')}")
    middle = f"{fields.get('nc')}:{fields.get('cnonce')}:{fields['qop']}:" if "qop" in fields else ""
    return fields.get("response") == _md5(f"{ha1}:{NONCE}:{middle}{ha2}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


# --- RTSP -----------------------------------------------------------------------------------------


class RtspConversation:
    """One RTSP session: describe, set up, play, and RTP packets between the answers."""

    def __init__(self, gallery: Gallery, account: Account | None = None) -> None:
        self._gallery, self._account = gallery, account
        self._asked = b""
        self._sent: int | None = None
        self._sequence = 0
        self._began_at: datetime | None = None

    def receive(self, data: bytes, _: datetime) -> bytes:
        self._asked += data
        said = b""
        while self._asked:
            if self._asked[:1] == b"$":  # The client's own reports, which we do not read.
                if len(self._asked) < 4:
                    break
                length = 4 + int.from_bytes(self._asked[2:4], "big")
                if len(self._asked) < length:
                    break
                self._asked = self._asked[length:]
                continue
            head, end, rest = self._asked.partition(b"\r\n\r\n")
            if not end:
                break
            self._asked = rest
            said += self._reply(head.decode("latin-1"))
        return said

    def due(self, now: datetime) -> bytes:
        if self._sent is None:
            return b""
        self._began_at = self._began_at or now
        ticks = int((now - self._began_at).total_seconds() * CLOCK_HZ)
        fresh = self._gallery.since(self._sent)
        self._sent = self._gallery.count
        return b"".join(self._packets(picture, ticks) for picture in fresh)

    def _packets(self, jpeg: bytes, ticks: int) -> bytes:
        said = []
        for payload, is_last in jpeg_payloads(jpeg):
            marker = 0x80 if is_last else 0
            header = struct.pack(
                ">BBHII", 0x80, marker | JPEG_PAYLOAD, self._sequence & 0xFFFF, ticks & 0xFFFFFFFF, 7
            )
            self._sequence += 1
            packet = header + payload
            said.append(b"$\x00" + len(packet).to_bytes(2, "big") + packet)
        return b"".join(said)

    def _reply(self, head: str) -> bytes:
        lines = head.splitlines()
        method, url, _ = lines[0].split(" ", 2)
        number = next((line for line in lines if line.lower().startswith("cseq:")), "CSeq: 0")
        if self._account is not None and method != "OPTIONS" and not may_look(self._account, method, head):
            asks = _challenge(self._account).replace(', qop="auth"', "")
            return f"RTSP/1.0 401 Unauthorized\r\n{number}\r\nWWW-Authenticate: {asks}\r\n\r\n".encode()
        headers, body = self._answer_to(method, url)
        if body:
            headers += f"Content-Length: {len(body)}\r\n"
        return f"RTSP/1.0 200 OK\r\n{number}\r\n{headers}\r\n{body}".encode()

    def _answer_to(self, method: str, url: str) -> tuple[str, str]:
        if method == "DESCRIBE":
            sdp = (
                "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\n"
                f"m=video 0 RTP/AVP {JPEG_PAYLOAD}\r\nc=IN IP4 0.0.0.0\r\na=control:track1\r\n"
            )
            return f"Content-Type: application/sdp\r\nContent-Base: {url}/\r\n", sdp
        if method == "SETUP":
            return "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1;timeout=60\r\n", ""
        if method == "PLAY":
            self._sent = max(0, self._gallery.count - 1)
            return "Session: 1\r\n", ""
        if method == "TEARDOWN":
            self._sent = None
        return "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n", ""


def jpeg_payloads(jpeg: bytes) -> list[tuple[bytes, bool]]:
    """A baseline JPEG with the usual Huffman tables as RTP payloads, the last one marked (RFC 2435, 3.1)."""
    tables, size, kind, scan = _take_apart(jpeg)
    width, height = size
    payloads = []
    for offset in range(0, len(scan), PAYLOAD_BYTES_MAX):
        piece = scan[offset : offset + PAYLOAD_BYTES_MAX]
        header = struct.pack(">I", offset) + bytes([kind, RESTART_Q, width // 8, height // 8])
        if offset == 0:
            header += struct.pack(">BBH", 0, 0, len(tables)) + tables
        payloads.append((header + piece, offset + len(piece) >= len(scan)))
    return payloads


def _take_apart(jpeg: bytes) -> tuple[bytes, tuple[int, int], int, bytes]:
    """Quantisation tables, size, RFC 2435 type (0: 4:2:2, 1: 4:2:0) and the scan's data."""
    tables: dict[int, bytes] = {}
    size, kind, at = (0, 0), 1, 2
    while True:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        body = jpeg[at + 4 : at + 2 + length]
        if marker == 0xDB:
            for start in range(0, len(body), 65):
                tables[body[start] & 15] = body[start + 1 : start + 65]
        elif marker == 0xC0:
            size = int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")
            kind = 1 if body[7] == 0x22 else 0
        elif marker == 0xDA:
            end = jpeg.rindex(b"\xff\xd9")
            return tables[0] + tables[1], size, kind, jpeg[at + 2 + length : end]
        at += 2 + length
