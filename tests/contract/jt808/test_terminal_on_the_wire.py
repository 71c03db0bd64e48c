"""The simulated terminal against the listener on real sockets: nothing is lost, doubled or answered early."""

import asyncio

import msgspec
import pytest

from devices.drivers.jt808 import codec
from devices.drivers.jt808.driver import Jt808Session
from devices.transport.listener import CLONED, TOO_BAD, TOO_FAST
from devices.transport.terminals import code_digest
from kernel.clock import ManualClock
from kernel.geometry import Point
from kernel.messages import DeviceStatus, Observation, PositionReading, Rejected, TerminalAlarm
from simulators.protocols.jt808.frames import Fix, answers, frame, location, message, registration
from simulators.protocols.jt808.server import Jt808Terminal
from tests.contract.terminals import EdgeInMemory, a_terminal, listening
from tests.contract.wire import WITHIN_S

NUMBER = "13800138000"
YARD = Fix(29.712345, 115.987654, 20, 90, 123)


@pytest.fixture
def home() -> EdgeInMemory:
    return EdgeInMemory(a_terminal(NUMBER))


def known_by(home: EdgeInMemory, code: str) -> None:
    """The terminal was issued a code before, and has used it."""
    known = home.terminals[NUMBER]
    home.terminals[NUMBER] = msgspec.structs.replace(known, code_sha256=code_digest(code), is_code_used=True)


async def shown(
    listener_port: int, code: str = "a code"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare connection that has authenticated."""
    reader, writer = await asyncio.open_connection("127.0.0.1", listener_port)
    writer.write(message(0x0102, NUMBER, 0, code.encode())[0])
    async with asyncio.timeout(WITHIN_S):
        await reader.readuntil(b"\x7e")
        await reader.readuntil(b"\x7e")
    return reader, writer


async def live(terminal: Jt808Terminal) -> None:
    """Wait until the terminal reports live."""
    await terminal.until(lambda: terminal.authenticate_results, WITHIN_S)
    terminal.beat()
    await terminal.until(lambda: terminal.results, WITHIN_S)
    terminal.results.clear()


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("is_2019", [False, True])
async def test_a_new_terminal_registers_shows_its_code_and_reports(
    home: EdgeInMemory, clock: ManualClock, is_2019: bool
) -> None:
    async with (
        listening(Jt808Session, home, clock) as listener,
        Jt808Terminal("127.0.0.1", listener.port, NUMBER, clock, is_2019=is_2019) as terminal,
    ):
        for _ in range(20):
            terminal.report(YARD, extras={0x31: b"\x0b", 0x01: bytes(4)})
            clock.advance(1)
        await terminal.settled(WITHIN_S)
        terminal.beat()
        await terminal.until(lambda: len(terminal.results) > 1, WITHIN_S)
    assert terminal.register_results == terminal.authenticate_results == [0]
    assert home.terminals[NUMBER].code_sha256 == code_digest(terminal.code)
    assert home.terminals[NUMBER].is_code_used
    positions = home.readings(PositionReading)
    assert len(positions) == 20
    assert positions[0].point == Point(115.987654, 29.712345, 20.0)
    assert positions[0].satellites == 11


async def test_a_terminal_that_was_registered_dials_again_with_its_code(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    known_by(home, "a code")
    async with (
        listening(Jt808Session, home, clock) as listener,
        Jt808Terminal("127.0.0.1", listener.port, NUMBER, clock, code="a code") as terminal,
    ):
        terminal.report(YARD)
        await terminal.settled(WITHIN_S)
    assert terminal.register_results == []


async def test_a_code_that_never_arrived_is_issued_anew_and_one_that_was_used_is_not(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    async with listening(Jt808Session, home, clock) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(message(0x0100, NUMBER, 0, registration("", is_2019=False))[0])
        async with asyncio.timeout(WITHIN_S):
            [lost], _ = answers(await reader.readuntil(b"\x7e") + await reader.readuntil(b"\x7e"))
        await close(writer)
        second = Jt808Terminal("127.0.0.1", listener.port, NUMBER, clock)
        async with second:
            second.report(YARD)
            await second.settled(WITHIN_S)
        assert second.code.encode() != lost.body[3:]
        third = Jt808Terminal("127.0.0.1", listener.port, NUMBER, clock)
        async with third:
            await third.until(lambda: third.register_results, WITHIN_S)
    assert third.register_results[0] == codec.TERMINAL_TAKEN
    assert [away.field for away in home.turned_away][:1] == ["registration"]


async def test_a_report_is_answered_only_after_it_is_durable(home: EdgeInMemory, clock: ManualClock) -> None:
    known_by(home, "a code")
    async with (
        listening(Jt808Session, home, clock) as listener,
        Jt808Terminal("127.0.0.1", listener.port, NUMBER, clock, code="a code") as terminal,
    ):
        await live(terminal)
        await home.until(lambda: home.kept)
        home.hold()
        for _ in range(5):
            terminal.report(YARD)
            clock.advance(1)
        await home.until(lambda: len(home.arrived) >= 6)
        assert terminal.pending_count == 5
        assert terminal.results == []
        home.free()
        await terminal.settled(WITHIN_S)
    assert terminal.results == [codec.DONE] * 5


@pytest.mark.parametrize(("is_2019", "split_at"), [(False, 0), (False, 200), (True, 333)])
async def test_what_was_not_answered_before_a_cut_comes_again_as_stored_positions_and_is_kept_once(
    home: EdgeInMemory, clock: ManualClock, is_2019: bool, split_at: int
) -> None:
    known_by(home, "a code")
    async with (
        listening(Jt808Session, home, clock) as listener,
        Jt808Terminal(
            "127.0.0.1", listener.port, NUMBER, clock, is_2019=is_2019, code="a code", split_at=split_at
        ) as terminal,
    ):
        await live(terminal)
        await home.until(lambda: home.kept)
        home.hold()
        for _ in range(10):
            terminal.report(YARD)
            clock.advance(1)
        await home.until(lambda: len(home.arrived) >= 11)
        terminal.cut()
        for _ in range(60):
            terminal.report(YARD)
            clock.advance(1)
        home.free()
        terminal.mend()
        await terminal.settled(WITHIN_S)
    assert len(terminal.authenticate_results) == 2
    assert len(home.readings(PositionReading)) == 70


async def test_alarms_and_a_lost_fix_are_readings_of_their_own(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    known_by(home, "a code")
    async with (
        listening(Jt808Session, home, clock) as listener,
        Jt808Terminal("127.0.0.1", listener.port, NUMBER, clock, code="a code") as terminal,
    ):
        for fix in (YARD, YARD._replace(alarms=1 | 1 << 8), Fix(0, 0, has_fix=False), YARD):
            terminal.report(fix)
            clock.advance(1)
        await terminal.settled(WITHIN_S)
    assert len(home.readings(PositionReading)) == 3
    assert home.readings(TerminalAlarm) == [TerminalAlarm(alarms=("sos", "power_lost"))]
    reasons = [status.reason for status in home.readings(DeviceStatus)]
    assert reasons.count("no fix") == reasons.count("a fix again") == 1


async def test_gone_and_back_are_each_stated_once(home: EdgeInMemory, clock: ManualClock) -> None:
    def states() -> list[str]:
        return [status.state for status in home.readings(DeviceStatus)]

    known_by(home, "a code")
    async with (
        listening(Jt808Session, home, clock) as listener,
        Jt808Terminal("127.0.0.1", listener.port, NUMBER, clock, code="a code") as terminal,
    ):
        await terminal.until(lambda: terminal.authenticate_results, WITHIN_S)
        clock.advance(10)
        terminal.cut()
        await home.until(lambda: states() == ["online", "offline"])
        clock.advance(110)
        terminal.mend()
        await home.until(lambda: len(states()) == 4)
    [gap] = [status for status in home.readings(DeviceStatus) if status.state == "gap"]
    assert gap.gap_s == 120


async def test_a_terminal_that_nobody_enrolled_is_refused_and_recorded(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    async with (
        listening(Jt808Session, home, clock) as listener,
        Jt808Terminal("127.0.0.1", listener.port, "13900139000", clock) as terminal,
    ):
        terminal.report(YARD)
        await terminal.until(lambda: terminal.register_results, WITHIN_S)
    assert terminal.register_results[0] == codec.NO_SUCH_TERMINAL
    assert home.turned_away[0][:2] == ("13900139000", "terminal_number")
    assert home.arrived == []


async def test_a_malformed_frame_is_set_aside_and_the_connection_goes_on(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    known_by(home, "a code")
    good = message(0x0200, NUMBER, 1, location(clock.now(), YARD))[0]
    async with listening(Jt808Session, home, clock) as listener:
        reader, writer = await shown(listener.port)
        writer.write(good[:-2] + b"\x00\x7e" + good)
        async with asyncio.timeout(WITHIN_S):
            [answer], _ = answers(await reader.readuntil(b"\x7e") + await reader.readuntil(b"\x7e"))
        await close(writer)
    assert answer.body == b"\x00\x01\x02\x00\x00"
    assert [entry.field for entry in home.rejected] == ["checksum"]
    assert len(home.readings(PositionReading)) == 1


async def test_a_terminal_that_sends_nothing_but_rubbish_is_not_written_down_for_ever(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    known_by(home, "a code")
    async with listening(Jt808Session, home, clock, burst_messages_max=1_000) as listener:
        _, writer = await shown(listener.port)
        for number in range(200):
            writer.write(frame(b"\x02\x00\x00\x00" + number.to_bytes(4, "big")))
        writer.write(message(0x0200, NUMBER, 1, location(clock.now(), YARD))[0])
        await home.until(lambda: home.readings(PositionReading))
        await close(writer)
    assert sum(isinstance(item, Rejected) for item in home.arrived) == 60
    assert [status.reason for status in home.readings(DeviceStatus)].count(TOO_BAD) == 1


async def test_a_terminal_that_sends_too_fast_is_slowed_told_and_loses_nothing(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    known_by(home, "a code")
    limits = {"messages_per_s_max": 200.0, "burst_messages_max": 5.0}
    async with (
        listening(Jt808Session, home, clock, **limits) as listener,
        Jt808Terminal("127.0.0.1", listener.port, NUMBER, clock, code="a code") as terminal,
    ):
        await live(terminal)
        for _ in range(50):
            terminal.report(YARD)
            clock.advance(1)
        await terminal.settled(WITHIN_S)
    assert len(home.readings(PositionReading)) == 50
    assert [status.reason for status in home.readings(DeviceStatus)].count(TOO_FAST) == 1


async def test_two_terminals_with_one_code_are_a_cloned_identity_stated_once(
    home: EdgeInMemory, clock: ManualClock
) -> None:
    known_by(home, "a code")
    async with (
        listening(Jt808Session, home, clock) as listener,
        Jt808Terminal("127.0.0.1", listener.port, NUMBER, clock, code="a code") as first,
    ):
        await first.until(lambda: first.authenticate_results, WITHIN_S)
        async with Jt808Terminal("127.0.0.1", listener.port, NUMBER, clock, code="a code") as second:
            await second.until(lambda: second.authenticate_results, WITHIN_S)
            for terminal in (first, second) * 3:
                terminal.report(YARD)
                clock.advance(1)
                await terminal.settled(WITHIN_S)
        async with asyncio.timeout(WITHIN_S):
            while listener.connection_count > 1:
                await asyncio.sleep(0.01)
        first.report(YARD)
        await first.settled(WITHIN_S)
    assert [(entry.device_id, entry.field, entry.rule) for entry in home.rejected] == [
        ("truck", "identity", CLONED)
    ]
    positions = [
        item
        for item in home.kept.values()
        if isinstance(item, Observation) and isinstance(item.reading, PositionReading)
    ]
    assert [item.quality for item in positions] == ["suspect"] * 6 + ["good"]
