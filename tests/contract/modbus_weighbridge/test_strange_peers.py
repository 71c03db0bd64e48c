"""A peer that is not the indicator that was enrolled: told by field and rule, once, and tried again."""

import struct
from collections.abc import Callable

import pytest

from devices.drivers.modbus_weighbridge.driver import ModbusWeighbridgeDriver
from devices.transport.modbus import ModbusLink
from devices.transport.modbus_answer import AnswerRejected, check_answer
from kernel.clock import ManualClock
from kernel.messages import MassReading, Observation, Rejected
from tests.contract.wire import Collected, ModbusPeer, eventually

READ_MAP = bytes.fromhex("03 0000 000D")
MAP = b"\x03\x1a" + bytes.fromhex("00024C48 0011 00000007 00024C48 6B03D552 007B 00000003 0005")
ASKED = struct.pack(">HHHB", 1, 0, 6, 1) + READ_MAP
ANSWER = struct.pack(">HHHB", 1, 0, 29, 1) + MAP


def with_bytes(at: int, *values: int) -> Callable[[bytes], bytes]:
    return lambda frame: frame[:at] + bytes(values) + frame[at + len(values) :]


STRANGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "another protocol": (with_bytes(3, 7), "mbap.protocol"),
    "no Modbus at all": (lambda _: b"HTTP/1.1 400 Bad Request\r\n" + b"x" * 1_000, "mbap.protocol"),
    "too long a frame": (with_bytes(4, 0xEA, 0x60), "mbap.length"),
    "an empty frame": (with_bytes(4, 0, 1), "mbap.length"),
    "the answer to another request": (with_bytes(1, 99), "mbap.transaction"),
    "another unit": (with_bytes(6, 2), "mbap.unit"),
    "another function": (with_bytes(7, 4), "function"),
    "one register too few": (lambda frame: with_bytes(5, 27, 1, 3, 24)(frame)[:-2], "byte_count"),
    "one register too many": (lambda frame: with_bytes(5, 31, 1, 3, 28)(frame) + b"\0\0", "byte_count"),
    "fewer bytes than it says": (lambda frame: with_bytes(5, 28)(frame)[:-1], "mbap.length"),
    "half an answer": (lambda frame: frame[:-9], "mbap.length"),
    "half a header": (lambda frame: frame[:5], "mbap.length"),
}
"""What a peer makes of a right answer, and the field by which it is told."""


@pytest.mark.parametrize("peer_says", STRANGE)
async def test_a_strange_answer_is_rejected_by_field_with_its_bytes_and_the_next_one_read(
    peer_says: str,
) -> None:
    spoil, field = STRANGE[peer_says]
    async with (
        ModbusPeer({READ_MAP: MAP}) as peer,
        ModbusLink("127.0.0.1", peer.port, request_s_max=0.2) as link,
    ):
        peer.spoil = spoil
        with pytest.raises(AnswerRejected) as rejected:
            await link.holding_registers(0, 13)
        peer.spoil = bytes
        assert len(await link.holding_registers(0, 13)) == 13
    assert rejected.value.field == field
    assert rejected.value.rule
    assert rejected.value.raw == spoil(ANSWER)[: len(rejected.value.raw)] != b""


async def test_a_peer_that_is_not_the_indicator_is_a_fault_and_goes_to_quarantine_once(
    clock: ManualClock,
) -> None:
    async with (
        ModbusPeer({READ_MAP: MAP}) as peer,
        ModbusWeighbridgeDriver(
            "scale", "127.0.0.1", peer.port, clock, 1, poll_ms=10, backoff_s=(0.01,)
        ) as driver,
        Collected(driver.readings()) as collected,
    ):
        peer.spoil = STRANGE["another unit"][0]
        [rejected] = await collected.until(lambda item: isinstance(item, Rejected))
        asked = len(peer.requests)
        await eventually(lambda: len(peer.requests) >= asked + 2)
        peer.spoil = bytes
        await collected.until(lambda item: isinstance(getattr(item, "reading", None), MassReading))
    assert (rejected.device_id, rejected.field, rejected.rule) == ("scale", "mbap.unit", "1, is 2")
    assert sum(isinstance(item, Rejected) for item in collected.seen) == 1
    stated = [item.reading for item in collected.seen if isinstance(item, Observation)]
    assert [getattr(reading, "state", "mass") for reading in stated] == ["fault", "gap", "online", "mass"]


async def test_too_few_registers_in_a_serial_frame_are_rejected_too() -> None:
    async with (
        ModbusPeer({READ_MAP: b"\x03\x18" + MAP[2:-2]}, rtu=True) as peer,
        ModbusLink("127.0.0.1", peer.port, framing="rtu", request_s_max=0.2) as link,
    ):
        with pytest.raises(AnswerRejected, match="byte_count: 13 values, 12 came") as rejected:
            await link.holding_registers(0, 13)
    assert rejected.value.raw.startswith(b"\x01\x03\x18")


def test_an_answer_in_pieces_is_whole_only_with_its_last_byte() -> None:
    wholes = [check_answer(ASKED, ANSWER[:end]) for end in range(len(ANSWER) + 1)]
    assert wholes == [False] * len(ANSWER) + [True]


def test_a_device_asked_as_unit_0_answers_under_its_own_number() -> None:
    assert check_answer(with_bytes(6, 0)(ASKED), with_bytes(6, 17)(ANSWER))
