"""The bytes of the specification and of the register map, against a peer that is no Modbus library.

MODBUS Application Protocol Specification V1.1b3: sections 6.3 (Read Holding Registers) and 7 (exceptions).
The register words below were written down by hand from the map in the codec's docstring.
"""

from datetime import UTC, datetime

import pytest

from devices.drivers.modbus_weighbridge.codec import Snapshot, Weighing, decode
from devices.drivers.modbus_weighbridge.driver import ModbusWeighbridgeDriver
from devices.transport.decoding import FieldRejected
from devices.transport.modbus import LinkLost, ModbusLink, RequestRefused
from kernel.clock import ManualClock
from kernel.messages import MassReading
from tests.contract.wire import Collected, ModbusPeer

READ_HOLDING_108 = bytes.fromhex("03 006B 0003")
HOLDING_108 = bytes.fromhex("03 06 022B 0000 0064")
READ_MAP = bytes.fromhex("03 0000 000D")
MAP = bytes.fromhex("00024C48 0011 00000007 00024C48 6B03D552 007B 00000003 0005")
"""15,060.0 kg live and captured, stable and legal, ticket 7 of start 3, 5 axles, at 05:55:30.123."""


async def test_reading_registers_is_the_example_of_the_specification() -> None:
    async with (
        ModbusPeer({READ_HOLDING_108: HOLDING_108}) as peer,
        ModbusLink("127.0.0.1", peer.port, unit=17) as link,
    ):
        assert await link.holding_registers(0x6B, 3) == [555, 0, 100]
    assert (peer.requests, peer.units) == ([READ_HOLDING_108], [17])


async def test_an_exception_is_told_with_its_code() -> None:
    async with ModbusPeer({}) as peer, ModbusLink("127.0.0.1", peer.port) as link:
        with pytest.raises(RequestRefused, match="code 2"):
            await link.holding_registers(0x04A1, 1)


async def test_a_short_answer_counts_as_none() -> None:
    async with (
        ModbusPeer({READ_HOLDING_108: bytes.fromhex("03 02 022B")}) as peer,
        ModbusLink("127.0.0.1", peer.port) as link,
    ):
        with pytest.raises(LinkLost):
            await link.holding_registers(0x6B, 3)


async def test_a_port_nobody_listens_on_is_a_lost_link() -> None:
    async with ModbusPeer({}) as peer:
        port = peer.port
    with pytest.raises(LinkLost):
        await ModbusLink("127.0.0.1", port).holding_registers(0, 1)


def test_the_map_reads_as_it_is_documented() -> None:
    words = [int.from_bytes(MAP[place : place + 2], "big") for place in range(0, len(MAP), 2)]
    assert decode(words) == Snapshot(
        live_mass_g=15_060_000,
        is_stable=True,
        is_overload=False,
        is_under_zero=False,
        in_motion=False,
        legal_for_trade=True,
        boot=3,
        last=Weighing(
            boot=3,
            weight_id=7,
            mass_g=15_060_000,
            weighed_at=datetime(2026, 11, 23, 5, 55, 30, 123_000, tzinfo=UTC),
            axle_count=5,
        ),
    )


def test_a_negative_mass_is_twos_complement_and_no_ticket_is_no_weighing() -> None:
    snapshot = decode([0xFFFF, 0xFFFE, 0b1100, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])
    assert (snapshot.live_mass_g, snapshot.is_under_zero, snapshot.in_motion) == (-200, True, True)
    assert snapshot.last is None


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ([0] * 12, "registers"),
        ([0x1_0000] + [0] * 12, "registers"),
        ([0, 0, 0, 0, 1, 0, 0, 0, 0, 1000, 0, 1, 0], "register 9"),
    ],
)
def test_words_that_break_the_map_are_refused_by_name(words: list[int], field: str) -> None:
    with pytest.raises(FieldRejected) as refused:
        decode(words)
    assert refused.value.field == field


async def test_the_driver_reads_a_foreign_indicator(clock: ManualClock) -> None:
    async with (
        ModbusPeer({READ_MAP: b"\x03\x1a" + MAP}) as peer,
        ModbusWeighbridgeDriver("scale", "127.0.0.1", peer.port, clock, 1, poll_ms=10) as driver,
        Collected(driver.readings()) as collected,
    ):
        [weighing] = await collected.until(lambda item: isinstance(item.reading, MassReading))
    assert weighing.observation_id == "scale:3:7"
    assert weighing.observed_at == datetime(2026, 11, 23, 5, 55, 30, 123_000, tzinfo=UTC)
    assert weighing.reading == MassReading(mass_g=15_060_000, weight_id=7, legal_for_trade=True, axle_count=5)
