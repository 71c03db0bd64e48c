"""A process between Mosquitto and its log: it takes out the lines that every passing message makes.

Mosquitto writes four such lines a message, each by itself. A reader that waited for them would be woken for
every one, and make each write dear to the broker as well; this one looks twenty times a second instead. It
ends when its input does, with the broker. From standard input to standard output; needs nothing but Python.
"""

import contextlib
import fcntl
import os
import re
import sys
import time
from typing import Final

EVERY_S: Final = 0.05
PIPE_BYTES: Final = 1_048_576
"""Of lines that wait: those of 2,500 messages, so that the broker need not wait at 50,000 a second. More than
the machine allows is asked for in vain, and then the broker waits for us at the worst."""
LINE_BYTES_MAX: Final = 262_144
"""A line that is still longer is passed on in pieces."""

PASSING: Final = re.compile(rb"^[^ \n]+ (?:Received|Sending) P.*\n", re.MULTILINE)
"""Lines of messages, their acknowledgements and pings."""


def sift(data: bytes) -> bytes:
    """Whole lines without the passing ones."""
    return PASSING.sub(b"", data)


def main() -> None:
    """Sift until the input ends."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(0, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    rest = b""
    while data := os.read(0, PIPE_BYTES):
        data = rest + data
        end = data.rfind(b"\n") + 1
        if not end and len(data) > LINE_BYTES_MAX:
            end = len(data)
        rest = data[end:]
        sys.stdout.buffer.write(sift(data[:end]))
        sys.stdout.buffer.flush()
        time.sleep(EVERY_S)
    sys.stdout.buffer.write(rest)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
