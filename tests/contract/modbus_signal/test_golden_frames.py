"""The bytes of the specification against a peer that is no Modbus library.

MODBUS Application Protocol Specification V1.1b3: sections 6.1 (Read Coils) and 6.11 (Write Multiple Coils).
"""

from devices.drivers.modbus_signal.codec import LAMPS, coils_of, decode
from devices.drivers.modbus_signal.driver import ModbusSignalDriver
from devices.transport.modbus import ModbusLink
from devices.transport.modbus_answer import packed
from kernel.clock import ManualClock
from kernel.messages import SignalState
from tests.contract.gates import aspect
from tests.contract.orders import order
from tests.contract.scales import status_is
from tests.contract.wire import Collected, ModbusPeer

READ_COILS_20_TO_38 = bytes.fromhex("01 0013 0013")
COILS_20_TO_38 = bytes.fromhex("01 03 CD 6B 05")
WRITE_COILS_20_TO_29 = bytes.fromhex("0F 0013 000A 02 CD 01")
WRITTEN_20_TO_29 = bytes.fromhex("0F 0013 000A")
READ_OURS = bytes.fromhex("01 0000 0002")
SHOW_GREEN = bytes.fromhex("0F 0000 0002 01 02")
SHOWN = bytes.fromhex("0F 0000 0002")


async def test_the_coils_of_the_specifications_example_are_read() -> None:
    async with (
        ModbusPeer({READ_COILS_20_TO_38: COILS_20_TO_38}) as peer,
        ModbusLink("127.0.0.1", peer.port) as link,
    ):
        coils = await link.coils(0x13, 19)
    assert peer.requests == [READ_COILS_20_TO_38]
    # The specification prints coils 27-20 as 1100 1101, 35-28 as 0110 1011 and 38-36 as 101.
    assert "".join("01"[bit] for bit in reversed(coils)) == "101 0110 1011 1100 1101".replace(" ", "")
    assert packed(coils) == COILS_20_TO_38[2:]


async def test_the_coils_of_the_specifications_example_are_written() -> None:
    # Printed there as CD 01: coils 27-20 are 1100 1101, and 29-28 are 01.
    values = [bit == "1" for bit in reversed("01 1100 1101".replace(" ", ""))]
    async with (
        ModbusPeer({WRITE_COILS_20_TO_29: WRITTEN_20_TO_29}) as peer,
        ModbusLink("127.0.0.1", peer.port) as link,
    ):
        await link.write_coils(0x13, values)
    assert peer.requests == [WRITE_COILS_20_TO_29]


async def test_all_lamps_are_written_in_one_request(clock: ManualClock) -> None:
    async with (
        ModbusPeer({READ_OURS: bytes.fromhex("01 01 01"), SHOW_GREEN: SHOWN}) as peer,
        ModbusSignalDriver("light", "127.0.0.1", peer.port, clock, 1, poll_ms=10) as driver,
        Collected(driver.readings()) as collected,
    ):
        await collected.until(aspect("red"))
        peer.answers[READ_OURS] = bytes.fromhex("01 01 02")
        assert await driver.command(order("show", aspect="green")) is None
    assert [request for request in peer.requests if request[0] != 1] == [SHOW_GREEN]


async def test_a_module_that_answers_for_other_coils_has_not_taken_the_order(clock: ManualClock) -> None:
    other = bytes.fromhex("0F 0000 0001")
    async with (
        ModbusPeer({READ_OURS: bytes.fromhex("01 01 01"), SHOW_GREEN: other}) as peer,
        ModbusSignalDriver("light", "127.0.0.1", peer.port, clock, 1, poll_ms=10) as driver,
        Collected(driver.readings()) as collected,
    ):
        await collected.until(aspect("red"))
        assert await driver.command(order("show", aspect="green")) == "refused"


async def test_a_module_without_such_coils_is_a_fault_with_its_exception(clock: ManualClock) -> None:
    async with (
        ModbusPeer({}) as peer,
        ModbusSignalDriver("light", "127.0.0.1", peer.port, clock, 1, backoff_s=(0.01,)) as driver,
        Collected(driver.readings()) as collected,
    ):
        [fault] = await collected.until(status_is("fault"))
        assert await driver.command(order("show", aspect="green")) == "refused"
    assert fault.reading.reason == "the device refused the request with code 2"


def test_a_signal_has_the_lamps_that_it_was_set_up_with() -> None:
    assert decode([False, True], LAMPS["red-green"]) == SignalState(aspect="green")
    assert decode([False, True, False], LAMPS["red-amber-green"]) == SignalState(aspect="amber")
    assert decode([False], LAMPS["red"]) == SignalState(aspect="off")
    assert coils_of("amber", LAMPS["red-amber-green"]) == [False, True, False]
    assert coils_of("off", LAMPS["red-green"]) == [False, False]
