"""What leaves a device: bytes or registers, when, and for whom. Pure."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

Via = Literal["broker", "llrp", "modbus", "lines", "http", "paper"]
VIA: Final[Mapping[str, Via]] = {
    "llrp": "llrp",
    "modbus_barrier": "modbus",
    "modbus_weighbridge": "modbus",
    "pda": "http",
    "tmr": "lines",
}
"""How devices of a family are heard; all others are on the broker."""


class Message(msgspec.Struct, frozen=True, order=True):
    """One thing a device says. Ordered by the moment it arrives, then by the order in which it was said.

    `via` tells how the product hears it: `broker`, `llrp` and `lines` bytes; `modbus` a block of registers
    or inputs; `http` a request's body; `paper` what people enter. `channel` is the rest of a broker's topic.
    `is_kept` is False for what its device forgets at once, heard or not: the stream of a weight.
    """

    at_s: float
    number: int
    device: str
    via: Via
    payload: bytes = b""
    registers: tuple[int, ...] = ()
    facts: Any = None
    channel: str = "observation"
    is_kept: bool = True

    def wire(self) -> bytes:
        """The bytes of it, for a digest of everything that was on the wire."""
        if self.payload:
            return self.payload
        if self.registers:
            return b",".join(b"%d" % word for word in self.registers)
        return msgspec.json.encode(self.facts)
