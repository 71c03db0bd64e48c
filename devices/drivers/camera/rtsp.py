"""A process that reads one RTSP stream through OpenCV's own FFmpeg and hands on a picture now and then.

Run by `links`. It is told what to read by a line of JSON on its standard input, and answers on its standard
output: four bytes of length, big endian, and a JPEG; or a length of nothing and a line that says why it ends.
Every picture of the stream is read, so that none waits and grows old; only those that are due are decoded.
"""

import os
import sys
import time
from typing import Any, BinaryIO, Final
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

OPEN_MS_MAX: Final = 10_000
READ_MS_MAX: Final = 20_000
QUALITY: Final = 95
PIXELS_MAX: Final = 20_000_000


class Order(msgspec.Struct, frozen=True):
    """What to read: `every_s` lie between two pictures that are handed on."""

    url: str
    every_s: float
    user: str = ""
    password: str = ""

    def full_url(self) -> str:
        """With the login, as FFmpeg takes it."""
        parts = urlsplit(self.url)
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        return urlunsplit(parts._replace(netloc=login + parts.netloc))


def _hand_on(sink: BinaryIO, picture: bytes) -> None:
    sink.write(len(picture).to_bytes(4, "big") + picture)
    sink.flush()


def _why(sink: BinaryIO, reason: str) -> None:
    sink.write((0).to_bytes(4, "big") + reason.encode() + b"\n")
    sink.flush()


def read_stream(order: Order, sink: BinaryIO) -> None:
    """Read until the stream ends or nobody listens any more."""
    # TCP, since lost packets of UDP show as smeared pictures; nothing but a stream may be opened.
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp|protocol_whitelist;rtsp,rtp,tcp,tls,udp"
    import cv2

    cv2.setNumThreads(1)
    parameters = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS_MAX, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS_MAX]
    stream: Any = cv2.VideoCapture(order.full_url(), cv2.CAP_FFMPEG, parameters)
    if not stream.isOpened():
        _why(sink, "the stream cannot be opened")
        return
    due_s = time.monotonic()
    while stream.grab():
        if time.monotonic() < due_s:
            continue
        due_s = time.monotonic() + order.every_s
        is_whole, picture = stream.retrieve()
        if not is_whole or picture is None or picture.shape[0] * picture.shape[1] > PIXELS_MAX:
            continue
        is_encoded, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if is_encoded:
            _hand_on(sink, jpeg.tobytes())
    _why(sink, "the camera ended the stream")


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    try:
        read_stream(order, sys.stdout.buffer)
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
