"""The bytes of the specification against a peer that is no Modbus library.

MODBUS Application Protocol Specification V1.1b3: sections 6.2 (Read Discrete Inputs) and 6.5 (Write Single
Coil).
"""

import pytest

from devices.drivers.modbus_barrier.codec import coil_of, decode
from devices.drivers.modbus_barrier.driver import ModbusBarrierDriver
from devices.transport.decoding import FieldRejected
from devices.transport.modbus import ModbusLink
from devices.transport.modbus_answer import packed
from kernel.clock import ManualClock
from kernel.messages import BarrierState, Rejected
from tests.contract.orders import order
from tests.contract.wire import Collected, ModbusPeer

READ_INPUTS_197_TO_218 = bytes.fromhex("02 00C4 0016")
INPUTS_197_TO_218 = bytes.fromhex("02 03 AC DB 35")
WRITE_COIL_173_ON = bytes.fromhex("05 00AC FF00")
READ_OURS = bytes.fromhex("02 0000 0003")
OPEN_OURS = bytes.fromhex("05 0000 FF00")


async def test_reading_inputs_is_the_example_of_the_specification() -> None:
    async with (
        ModbusPeer({READ_INPUTS_197_TO_218: INPUTS_197_TO_218}) as peer,
        ModbusLink("127.0.0.1", peer.port) as link,
    ):
        inputs = await link.discrete_inputs(0xC4, 22)
    assert peer.requests == [READ_INPUTS_197_TO_218]
    # The specification prints inputs 204-197 as 1010 1100, 212-205 as 1101 1011 and 218-213 as 11 0101.
    assert "".join("01"[bit] for bit in reversed(inputs)) == "11 0101 1101 1011 1010 1100".replace(" ", "")


async def test_writing_a_coil_is_the_example_of_the_specification() -> None:
    async with (
        ModbusPeer({WRITE_COIL_173_ON: WRITE_COIL_173_ON}) as peer,
        ModbusLink("127.0.0.1", peer.port) as link,
    ):
        await link.write_coil(0xAC, True)
    assert peer.requests == [WRITE_COIL_173_ON]


async def test_an_order_to_a_foreign_barrier_is_confirmed_by_its_limit_switch(clock: ManualClock) -> None:
    shut, open_ = bytes.fromhex("02 01 02"), bytes.fromhex("02 01 01")
    async with (
        ModbusPeer({READ_OURS: shut, OPEN_OURS: OPEN_OURS}) as peer,
        ModbusBarrierDriver("boom", "127.0.0.1", peer.port, clock, 1, poll_ms=10) as driver,
        Collected(driver.readings()) as collected,
    ):
        await collected.until(
            lambda item: item.reading == BarrierState(is_open=False, is_closed=True, loop_occupied=False)
        )
        peer.answers[READ_OURS] = open_
        assert await driver.command(order("open")) is None
    assert OPEN_OURS in peer.requests


async def test_switches_that_contradict_each_other_go_to_quarantine_once(clock: ManualClock) -> None:
    both, shut = bytes.fromhex("02 01 03"), bytes.fromhex("02 01 02")
    async with (
        ModbusPeer({READ_OURS: both}) as peer,
        ModbusBarrierDriver("boom", "127.0.0.1", peer.port, clock, 1, poll_ms=10) as driver,
        Collected(driver.readings()) as collected,
    ):
        [rejected] = await collected.until(lambda item: isinstance(item, Rejected))
        peer.answers[READ_OURS] = shut
        await collected.until(lambda item: isinstance(getattr(item, "reading", None), BarrierState))
    assert (rejected.rule, rejected.raw) == ("not open and closed at once", b"\x03")
    assert sum(isinstance(item, Rejected) for item in collected.seen) == 1


def test_the_bits_are_open_closed_loop_and_pack_from_the_lowest() -> None:
    assert decode([True, False, True]) == BarrierState(is_open=True, is_closed=False, loop_occupied=True)
    assert packed([True, False, True]) == b"\x05"
    assert (coil_of("open"), coil_of("close")) == (True, False)
    with pytest.raises(FieldRejected):
        decode([True])
