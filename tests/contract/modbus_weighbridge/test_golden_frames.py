"""The bytes of the specification and of the register map, against a peer that is no Modbus library.

MODBUS Application Protocol Specification V1.1b3: sections 6.3 (Read Holding Registers) and 7 (exceptions).
The register words below were written down by hand from the map in the codec's docstring.
"""

from datetime import UTC, datetime

import msgspec
import pytest

from devices.drivers.modbus_weighbridge.codec import Snapshot, Weighing, decode
from devices.drivers.modbus_weighbridge.driver import ModbusWeighbridgeDriver
from devices.drivers.modbus_weighbridge.profiles import PROFILES, read_profiles
from devices.families import FAMILIES
from devices.transport.decoding import FieldRejected
from devices.transport.modbus import ModbusLink
from devices.transport.modbus_answer import AnswerRejected, RequestRefused
from devices.transport.tcp import LinkLost
from devices.transport.weighing import OVERLOAD, UNDER_ZERO, Shown
from kernel.clock import ManualClock
from kernel.messages import MassReading
from tests.contract.wire import Collected, ModbusPeer

READ_HOLDING_108 = bytes.fromhex("03 006B 0003")
HOLDING_108 = bytes.fromhex("03 06 022B 0000 0064")

READ_MAP = bytes.fromhex("03 0000 000D")
TALLYHOUSE_1 = PROFILES["tallyhouse-1"]
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


async def test_a_short_answer_is_rejected_by_its_byte_count() -> None:
    async with (
        ModbusPeer({READ_HOLDING_108: bytes.fromhex("03 02 022B")}) as peer,
        ModbusLink("127.0.0.1", peer.port) as link,
    ):
        with pytest.raises(AnswerRejected, match="byte_count: 6, is 2"):
            await link.holding_registers(0x6B, 3)


async def test_a_port_nobody_listens_on_is_a_lost_link() -> None:
    async with ModbusPeer({}) as peer:
        port = peer.port
    with pytest.raises(LinkLost):
        await ModbusLink("127.0.0.1", port).holding_registers(0, 1)


def test_the_map_reads_as_it_is_documented() -> None:
    words = [int.from_bytes(MAP[place : place + 2], "big") for place in range(0, len(MAP), 2)]
    assert decode(TALLYHOUSE_1, words) == Snapshot(
        shown=Shown(mass_g=15_060_000, is_stable=True, legal_for_trade=True),
        last=Weighing(
            boot=3,
            weight_id=7,
            mass_g=15_060_000,
            weighed_at=datetime(2026, 11, 23, 5, 55, 30, 123_000, tzinfo=UTC),
            axle_count=5,
        ),
    )


def test_a_negative_mass_is_twos_complement_and_no_ticket_is_no_weighing() -> None:
    snapshot = decode(TALLYHOUSE_1, [0xFFFF, 0xFFFE, 0b1101, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])
    assert snapshot.shown == Shown(mass_g=-200, is_stable=False, trouble=UNDER_ZERO)
    assert snapshot.last is None


def test_an_overload_is_a_trouble_and_no_mass_whatever_the_mass_registers_say() -> None:
    snapshot = decode(TALLYHOUSE_1, [0x7FFF, 0xFFFF, 0b0011, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])
    assert snapshot.shown == Shown(mass_g=0, is_stable=True, trouble=OVERLOAD)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ([0] * 12, "registers"),
        ([0x1_0000] + [0] * 12, "registers"),
        ([0, 0, 0, 0, 1, 0, 0, 0, 0, 1000, 0, 1, 0], "register 9"),
        ([0x7FFF, 0xFFFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0], "register 0"),
    ],
)
def test_words_that_break_the_map_are_refused_by_name(words: list[int], field: str) -> None:
    with pytest.raises(FieldRejected) as refused:
        decode(TALLYHOUSE_1, words)
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


# --- a model without alibi memory -----------------------------------------------------------------

SENECA = {
    # Seneca Z-SG2, manual MI-005370-EN: 40003 unit in the high byte, 40066 gross, 40068 tare, 40078 status.
    # 812.5 kg is 444B2000 in IEEE 754, 25 kg is 41C80000; bit 4 of the status is "weighing is stable".
    "seneca-z-sg2": {40066: 0x444B, 40067: 0x2000, 40068: 0x41C8, 40069: 0x0000, 40078: 0x0010},
    "seneca-z-sg2-swapped": {40066: 0x2000, 40067: 0x444B, 40068: 0x0000, 40069: 0x41C8, 40078: 0x0010},
}


def seneca_words(registers: dict[int, int]) -> list[int]:
    """The block 40003 to 40078 with these registers set."""
    return [registers.get(number, 0) for number in range(40003, 40079)]


@pytest.mark.parametrize("profile", sorted(SENECA))
def test_floats_are_read_in_the_order_of_words_that_the_profile_says(profile: str) -> None:
    snapshot = decode(PROFILES[profile], seneca_words(SENECA[profile]))
    assert snapshot == Snapshot(shown=Shown(mass_g=812_500, is_stable=True, tare_g=25_000))


@pytest.mark.parametrize(
    ("code", "mass_g"), [(0, 812_500), (1, 812), (3, 368_544)], ids=["kilograms", "grams", "pounds"]
)
def test_the_unit_is_read_from_the_indicator_and_not_assumed(code: int, mass_g: int) -> None:
    registers = SENECA["seneca-z-sg2"] | {40003: code << 8 | 1}
    assert decode(PROFILES["seneca-z-sg2"], seneca_words(registers)).shown.mass_g == mass_g


@pytest.mark.parametrize(
    ("registers", "field", "rule"),
    [
        ({40003: 4 << 8}, "register 2", "a unit of mass"),
        ({40066: 0x7FC0}, "register 65", "a number, at most 200 t"),
        ({40066: 0xFF80, 40067: 0}, "register 65", "a number, at most 200 t"),
        ({40003: 2 << 8}, "register 65", "a number, at most 200 t"),
        ({40068: 0x7F7F}, "register 67", "a number, at most 200 t"),
    ],
    ids=["litres", "not a number", "infinity", "800 tonnes", "a tare of 10^38"],
)
def test_floats_that_cannot_be_are_refused_by_register(
    registers: dict[int, int], field: str, rule: str
) -> None:
    with pytest.raises(FieldRejected) as refused:
        decode(PROFILES["seneca-z-sg2"], seneca_words(SENECA["seneca-z-sg2"] | registers))
    assert (refused.value.field, refused.value.rule) == (field, rule)


@pytest.mark.parametrize(
    ("status", "trouble", "is_stable"), [(0x0012, OVERLOAD, True), (0x0002, OVERLOAD, False), (0, "", False)]
)
def test_full_scale_and_motion_are_told(status: int, trouble: str, is_stable: bool) -> None:
    shown = decode(PROFILES["seneca-z-sg2"], seneca_words(SENECA["seneca-z-sg2"] | {40078: status})).shown
    assert (shown.trouble, shown.is_stable) == (trouble, is_stable)


# --- profiles as data -----------------------------------------------------------------------------


def test_the_choices_of_the_manifest_are_its_profiles() -> None:
    assert FAMILIES["modbus_weighbridge"].parameters["profile"].choices == tuple(PROFILES)


PLAIN = """
[profiles.plain]
text = "A plain indicator."
address = 0
words = 3
unit = "kg"
gross = { word = 0, type = "i32" }
stable = { word = 2, bit = 0 }
"""


def test_a_new_model_is_a_table_in_the_manifest() -> None:
    profile = read_profiles(PLAIN)["plain"]
    assert decode(profile, [0xFFFF, 0xFFFE, 1]).shown == Shown(mass_g=-2_000, is_stable=True)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("word = 2", "word = 3"),
        ("words = 3", "words = 126"),
        ("i32", "i64"),
        ("text", "txt"),
        ("bit = 0", "bit = 16"),
    ],
)
def test_a_profile_that_cannot_be_is_refused(written: str, meant: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_profiles(PLAIN.replace(written, meant))
