"""The simulated terminal against the listener on real sockets: nothing is lost, doubled or answered early."""

import asyncio

import pytest

from devices.drivers.teltonika.driver import TeltonikaSession
from devices.transport.listener import CLONED, TOO_FAST
from kernel.clock import ManualClock
from kernel.messages import DeviceStatus, Observation, PositionReading
from simulators.protocols.teltonika.frames import Codec, Fix, login, packet, record
from simulators.protocols.teltonika.server import TeltonikaTerminal
from tests.contract.terminals import EdgeInMemory, a_terminal, listening
from tests.contract.wire import WITHIN_S

IMEI = "356307042441013"
YARD = Fix(29.712345, 115.987654, 20, 90, 36, 11)


@pytest.fixture
def home() -> EdgeInMemory:
    return EdgeInMemory(a_terminal(IMEI))


@pytest.mark.parametrize("codec", [0x08, 0x8E, 0x10])
async def test_positions_arrive_with_the_terminals_own_time(
    home: EdgeInMemory, clock: ManualClock, codec: Codec
) -> None:
    async with (
        listening(TeltonikaSession, home, clock) as listener,
        TeltonikaTerminal("127.0.0.1", listener.port, IMEI, clock, codec=codec) as terminal,
    ):
        begun = clock.now()
        for second in range(60):
            terminal.report(YARD._replace(speed_kmh=second), begun)
            begun = clock.advance(1)
        await terminal.settled(WITHIN_S)
    assert len(home.readings(PositionReading)) == 60
    times = [
        item.observed_at
        for item in home.kept.values()
        if isinstance(item, Observation) and isinstance(item.reading, PositionReading)
    ]
    assert (times[-1] - times[0]).total_seconds() == 59


async def test_a_record_is_counted_only_after_it_is_durable(home: EdgeInMemory, clock: ManualClock) -> None:
    home.hold()
    async with (
        listening(TeltonikaSession, home, clock) as listener,
        TeltonikaTerminal("127.0.0.1", listener.port, IMEI, clock) as terminal,
    ):
        terminal.report(YARD)
        await home.until(lambda: len(home.arrived) >= 2)
        assert (terminal.taken_count, terminal.pending_count) == (0, 1)
        home.free()
        await terminal.settled(WITHIN_S)


async def test_what_was_not_counted_before_a_cut_comes_again_and_is_stored_once(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    home.hold()
    async with (
        listening(TeltonikaSession, home, clock) as listener,
        TeltonikaTerminal("127.0.0.1", listener.port, IMEI, clock) as terminal,
    ):
        for _ in range(10):
            terminal.report(YARD)
            clock.advance(1)
        await home.until(lambda: len(home.arrived) >= 2)
        terminal.cut()
        for _ in range(10):
            terminal.report(YARD)
            clock.advance(1)
        home.free()
        terminal.mend()
        await terminal.settled(WITHIN_S)
    assert terminal.connect_count >= 2
    assert len(home.readings(PositionReading)) == 20


async def test_gone_and_back_are_each_stated_once(home: EdgeInMemory, clock: ManualClock) -> None:
    def states() -> list[str]:
        return [status.state for status in home.readings(DeviceStatus)]

    async with (
        listening(TeltonikaSession, home, clock) as listener,
        TeltonikaTerminal("127.0.0.1", listener.port, IMEI, clock) as terminal,
    ):
        terminal.report(YARD)
        await terminal.settled(WITHIN_S)
        clock.advance(10)
        terminal.cut()
        await home.until(lambda: states() == ["online", "offline"])
        clock.advance(110)
        terminal.report(YARD)
        terminal.mend()
        await terminal.settled(WITHIN_S)
        await home.until(lambda: len(states()) == 4)
    assert sorted(states()[2:]) == ["gap", "online"]
    [gap] = [status for status in home.readings(DeviceStatus) if status.state == "gap"]
    assert gap.gap_s == 120


async def test_a_terminal_that_nobody_enrolled_is_refused_until_it_is(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    async with (
        listening(TeltonikaSession, home, clock) as listener,
        TeltonikaTerminal("127.0.0.1", listener.port, "356307042449999", clock) as terminal,
    ):
        terminal.report(YARD)
        await terminal.refused(WITHIN_S)
        assert home.arrived == []
        assert home.turned_away[0][:3] == ("356307042449999", "imei", "of an enrolled terminal")
        home.terminals["356307042449999"] = a_terminal("356307042449999", "other")
        await terminal.settled(WITHIN_S)
    assert len(home.readings(PositionReading)) == 1


async def test_a_terminal_whose_device_is_retired_is_let_go(home: EdgeInMemory, clock: ManualClock) -> None:
    async with (
        listening(TeltonikaSession, home, clock) as listener,
        TeltonikaTerminal("127.0.0.1", listener.port, IMEI, clock) as terminal,
    ):
        terminal.report(YARD)
        await terminal.settled(WITHIN_S)
        home.terminals.clear()
        listener.recheck()
        terminal.report(YARD)
        await terminal.refused(WITHIN_S)


async def test_a_malformed_packet_is_set_aside_and_the_connection_goes_on(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    good = packet([record(clock.now(), YARD)])
    async with listening(TeltonikaSession, home, clock) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(login(IMEI) + good[:-1] + b"\0" + good)
        async with asyncio.timeout(WITHIN_S):
            assert await reader.readexactly(9) == b"\x01" + bytes(4) + bytes([0, 0, 0, 1])
        writer.close()
        await writer.wait_closed()
    assert [entry.field for entry in home.rejected] == ["crc"]
    assert len(home.readings(PositionReading)) == 1


# --- limits ------------------------------------------------------------------------------------------


async def test_whoever_does_not_introduce_himself_in_time_is_let_go(home: EdgeInMemory) -> None:
    async with listening(TeltonikaSession, home, login_s_max=0.05) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        async with asyncio.timeout(WITHIN_S):
            assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_silence_ends_a_connection(home: EdgeInMemory) -> None:
    async with listening(TeltonikaSession, home, idle_s_max=0.1) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(login(IMEI))
        async with asyncio.timeout(WITHIN_S):
            assert await reader.read() == b"\x01"
        writer.close()
        await writer.wait_closed()
        await home.until(lambda: len(home.readings(DeviceStatus)) == 2)
    assert home.readings(DeviceStatus)[-1].reason == "silent for 0 s"


async def test_a_terminal_that_sends_too_fast_is_slowed_told_and_loses_nothing(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    def limited() -> list[DeviceStatus]:
        return [status for status in home.readings(DeviceStatus) if status.reason == TOO_FAST]

    limits = {"messages_per_s_max": 200.0, "burst_messages_max": 5.0}
    async with listening(TeltonikaSession, home, clock, **limits) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(login(IMEI))
        for _ in range(50):
            writer.write(packet([record(clock.advance(1), YARD)]))
        async with asyncio.timeout(WITHIN_S):
            assert await reader.readexactly(1 + 50 * 4) == b"\x01" + bytes([0, 0, 0, 1]) * 50
        writer.close()
        await writer.wait_closed()
    assert len(home.readings(PositionReading)) == 50
    assert len(limited()) == 1


# --- two terminals under one identity ------------------------------------------------------------------


async def test_an_old_connection_that_goes_on_speaking_is_a_cloned_identity_stated_once(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    async with listening(TeltonikaSession, home, clock) as listener:
        first = await asyncio.open_connection("127.0.0.1", listener.port)
        second = await asyncio.open_connection("127.0.0.1", listener.port)
        async with asyncio.timeout(WITHIN_S):
            for reader, writer in (first, second):
                writer.write(login(IMEI))
                assert await reader.readexactly(1) == b"\x01"
            for _ in range(3):
                for reader, writer in (first, second):
                    writer.write(packet([record(clock.advance(1), YARD)]))
                    assert await reader.readexactly(4) == bytes([0, 0, 0, 1])
        for _, writer in (first, second):
            writer.close()
            await writer.wait_closed()
    [entry] = home.rejected
    assert (entry.device_id, entry.field, entry.rule) == ("truck", "identity", CLONED)
    assert IMEI.encode() in entry.raw
    positions = [
        item
        for item in home.kept.values()
        if isinstance(item, Observation) and isinstance(item.reading, PositionReading)
    ]
    assert [item.quality for item in positions] == ["suspect"] * 6


async def test_an_old_connection_that_only_stays_open_is_found_out_too(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    async with listening(TeltonikaSession, home, clock, probe_s=0.05) as listener:
        first = await asyncio.open_connection("127.0.0.1", listener.port)
        second = await asyncio.open_connection("127.0.0.1", listener.port)
        async with asyncio.timeout(WITHIN_S):
            for reader, writer in (first, second):
                writer.write(login(IMEI))
                assert await reader.readexactly(1) == b"\x01"
        await home.until(lambda: home.rejected)
        for _, writer in (first, second):
            writer.close()
            await writer.wait_closed()
    assert [entry.rule for entry in home.rejected] == [CLONED]


async def test_a_terminal_that_dials_again_after_its_line_broke_is_no_clone(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    async with (
        listening(TeltonikaSession, home, clock, probe_s=0.05) as listener,
        TeltonikaTerminal("127.0.0.1", listener.port, IMEI, clock) as terminal,
    ):
        for _ in range(3):
            terminal.report(YARD)
            clock.advance(1)
            await terminal.settled(WITHIN_S)
            terminal.cut()
            terminal.mend()
        terminal.report(YARD)
        await terminal.settled(WITHIN_S)
    assert home.rejected == []
    assert {item.quality for item in home.kept.values() if isinstance(item, Observation)} == {"good"}
