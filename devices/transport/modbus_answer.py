"""Whether bytes over Modbus TCP answer what was asked. Pure.

Sources: MODBUS Application Protocol Specification V1.1b3 (function codes, exceptions); MODBUS Messaging on
TCP/IP Implementation Guide V1.0b (the MBAP header: transaction, protocol 0, length of what follows, unit).
"""

import struct
from collections.abc import Sequence
from typing import Final

from devices.transport.decoding import FieldRejected

ANSWER_BYTES_MAX: Final = 260
"""The longest frame: a header of 7 bytes and a PDU of 253 (Messaging on TCP/IP, section 4.1)."""
READ_COILS: Final = 1
READ_DISCRETE_INPUTS: Final = 2
READ_HOLDING_REGISTERS: Final = 3
WRITE_COIL: Final = 5
WRITE_COILS: Final = 15
_HEADER: Final = struct.Struct(">HHHBB")
"""The MBAP header and the function code."""
_LENGTH_BYTES: Final = 6
"""What the header's length does not count: itself and what stands before it."""


class AnswerRejected(FieldRejected):
    """The device answers, but not as the request and the standard say: perhaps it is not the one enrolled."""

    def __init__(self, field: str, rule: str, raw: bytes) -> None:
        super().__init__(field, rule)
        self.raw = raw[:ANSWER_BYTES_MAX]


class RequestRefused(AnswerRejected):
    """The device answered with an exception code (V1.1b3 section 7: 2 is an illegal data address)."""

    def __init__(self, function: int, code: int) -> None:
        raw = bytes([function | 0x80, code])
        super().__init__(f"function {function}", f"answered, not refused with code {code}", raw)
        self.code = code

    def __str__(self) -> str:
        return f"the device refused the request with code {self.code}"


def packed(bits: Sequence[bool]) -> bytes:
    """Coils or inputs as the wire packs them: the first in the lowest bit (V1.1b3 section 6.1)."""
    return sum(1 << place for place, bit in enumerate(bits) if bit).to_bytes(-(-len(bits) // 8), "little")


def check_answer(asked: bytes, heard: bytes) -> bool:
    """Whether `heard` is a whole answer to the request `asked`; False while bytes are missing.

    Raises AnswerRejected at the first field that breaks a rule, as soon as it can be seen.
    """
    if len(heard) < _HEADER.size:
        return False

    def require(holds: bool, field: str, rule: str) -> None:
        if not holds:
            raise AnswerRejected(field, rule, heard)

    wanted, _, _, asked_unit, asked_function = _HEADER.unpack_from(asked)
    transaction, protocol, length, unit, function = _HEADER.unpack_from(heard)
    longest = ANSWER_BYTES_MAX - _LENGTH_BYTES
    require(protocol == 0, "mbap.protocol", f"0, is {protocol}")
    require(3 <= length <= longest, "mbap.length", f"3 to {longest}, is {length}")
    require(transaction == wanted, "mbap.transaction", f"{wanted}, is {transaction}")
    # Unit 0 stands for whatever device is there, which then answers under its own number.
    require(asked_unit in (unit, 0), "mbap.unit", f"{asked_unit}, is {unit}")
    require(function & 0x7F == asked_function, "function", f"{asked_function}, is {function}")
    if len(heard) < _LENGTH_BYTES + length:
        return False
    if function in (WRITE_COIL, WRITE_COILS):
        # Both are answered with the first four bytes of their request: address, and value or number.
        require(length == 6, "mbap.length", f"6, is {length}")
        require(heard[8:12] == asked[8:12], "echo", f"{asked[8:12].hex(' ')}, is {heard[8:12].hex(' ')}")
    if function in (READ_COILS, READ_DISCRETE_INPUTS, READ_HOLDING_REGISTERS):
        told, count = heard[_HEADER.size], int.from_bytes(asked[10:12], "big")
        least = 2 * count if function == READ_HOLDING_REGISTERS else -(-count // 8)
        # Some devices fill their bits up to whole words.
        most = least if function == READ_HOLDING_REGISTERS else longest
        require(least <= told <= most, "byte_count", f"{least}, is {told}")
        require(length == 3 + told, "mbap.length", f"{3 + told}, is {length}")
    return True
