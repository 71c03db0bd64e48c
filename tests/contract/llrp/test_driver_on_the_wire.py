"""The driver against the simulated reader over real sockets."""

import hashlib
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest

from devices.drivers.llrp.driver import LlrpDriver
from kernel.clock import ManualClock
from kernel.messages import BeamState, DeviceStatus, Observation, Rejected, TagRead
from simulators.protocols.llrp.server import LlrpReaderServer

EPC = "3034257BF7194E4000003039"

GET_CAPABILITIES, CLOSE_CONNECTION, ADD_ROSPEC, GET_SUPPORTED_VERSION, KEEPALIVE_ACK = 1, 14, 20, 46, 72
"""Message types by which the simulated reader counts requests."""

DriverFor = Callable[..., LlrpDriver]
ReadingsOf = Callable[[LlrpDriver], Any]


def is_tag(item: Observation | Rejected) -> bool:
    return isinstance(item, Observation) and isinstance(item.reading, TagRead)


def is_beam(item: Observation | Rejected) -> bool:
    return isinstance(item, Observation) and isinstance(item.reading, BeamState)


def is_rejected(item: Observation | Rejected) -> bool:
    return isinstance(item, Rejected)


async def test_a_tag_in_the_field_becomes_a_numbered_observation(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    seen_at = clock.now() - timedelta(seconds=2)
    async with driver_for(server.port) as driver:
        readings = readings_of(driver)
        await server.wait_until_reporting()
        assert server.hear(EPC, 2, -5700, seen_at, count=3)
        online, tag = await readings.next(), await readings.next()
    assert (online.sequence, online.reading) == (1, DeviceStatus(state="online"))
    assert tag.observation_id == "gate-1-reader:7:2"
    assert tag.observed_at == seen_at
    assert tag.reading == TagRead(epc_hex=EPC, antenna=2, rssi_cdbm=-5700, seen_count=3)
    assert tag.quality == "good"
    assert len(tag.raw_sha256) == len(hashlib.sha256().hexdigest())


async def test_sequences_have_no_holes_over_many_tags(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    async with driver_for(server.port) as driver:
        readings = readings_of(driver)
        await server.wait_until_reporting()
        for number in range(500):
            server.hear(f"{number:024X}", 1 + number % 2, -6000, clock.now())
        await readings.until(lambda item: is_tag(item) and item.reading.epc_hex == f"{499:024X}")
    assert [item.sequence for item in readings.seen] == list(range(1, 502))


async def test_a_cut_line_is_a_gap_and_what_the_reader_held_arrives_with_its_own_time(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    async with driver_for(server.port) as driver:
        readings = readings_of(driver)
        await server.wait_until_reporting()
        await readings.until_status("online")
        server.unplug()
        await server.wait_until_alone()
        await readings.until_status("offline")
        held_at = clock.advance(20)
        assert server.hear(EPC, 1, -6100, held_at)
        clock.advance(15)
        server.plug_in()
        gap = await readings.until_status("gap")
        tag = await readings.until(is_tag)
    assert gap.gap_s == 35
    assert gap.reason == "the reader kept its inventory"
    assert tag.observed_at == held_at
    assert server.reader.received[ADD_ROSPEC] == 1, "a running operation is not added again"


async def test_a_reader_of_1_1_and_the_driver_speak_1_1(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    async with driver_for(server.port, keepalive_ms=250) as driver:
        readings = readings_of(driver)
        await server.wait_until_reporting()
        assert server.reader.version == 2
        server.hear(EPC, 1, -6000, clock.now())
        await readings.until(is_tag)
        await server.wait_until(lambda: server.reader.received[KEEPALIVE_ACK] >= 2)
    assert [state.reading.state for state in readings.seen if not is_tag(state)] == ["online"]


@pytest.mark.parametrize("hangs_up", [False, True])
async def test_an_older_reader_is_spoken_to_in_1_0_1_and_nobody_need_know(
    driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock, hangs_up: bool
) -> None:
    old = LlrpReaderServer(clock=clock, version_max=1, hangs_up_on_strangers=hangs_up)
    async with old as server, driver_for(server.port) as driver:
        readings = readings_of(driver)
        await server.wait_until_reporting()
        server.hear(EPC, 1, -6000, clock.now())
        await readings.until(is_tag)
        server.cut()
        await readings.until_status("offline")
        await readings.until_status("online")
    assert [item.reading.state for item in readings.seen if not is_tag(item)] == [
        "online",
        "offline",
        "gap",
        "online",
    ]
    assert server.reader.version == 1
    assert server.reader.received[GET_SUPPORTED_VERSION] == (1 if hangs_up else 2)


async def test_a_beam_that_breaks_is_told_with_the_readers_time_also_when_it_was_held(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    async with driver_for(server.port, beam_inputs=(1, 2)) as driver:
        readings = readings_of(driver)
        await server.wait_until_reporting()
        server.set_input(1, is_high=True)
        broken = await readings.until(is_beam)
        server.unplug()
        await server.wait_until_alone()
        await readings.until_status("offline")
        held_at = clock.advance(20)
        server.set_input(1, is_high=False)
        clock.advance(15)
        server.plug_in()
        await readings.until_status("gap")
        free = await readings.until(is_beam)
    assert broken.reading == BeamState(beam=1, is_broken=True)
    assert broken.quality == "good"
    assert (free.reading, free.observed_at) == (BeamState(beam=1, is_broken=False), held_at)


async def test_a_beam_may_be_wired_the_other_way_round_to_a_reader_without_clock(
    driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    without_clock = LlrpReaderServer(clock=clock, has_utc_clock=False)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(without_clock)
        driver = driver_for(server.port, beam_inputs=(2,), beam_broken_is_high=False)
        await stack.enter_async_context(driver)
        await server.wait_until_reporting()
        server.set_input(2, is_high=False)
        beam = await readings_of(driver).until(is_beam)
    assert beam.reading == BeamState(beam=2, is_broken=True)
    assert (beam.quality, beam.observed_at) == ("suspect", clock.now())


async def test_an_input_the_reader_does_not_have_is_a_fault_that_names_it(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf
) -> None:
    async with driver_for(server.port, beam_inputs=(1, 3)) as driver:
        fault = await readings_of(driver).until_status("fault")
    assert fault.reason == "the reader has 2 inputs, not input 3"


async def test_an_inventory_that_somebody_ended_is_a_gap_although_keepalives_went_on(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    async with driver_for(server.port) as driver:
        readings = readings_of(driver)
        await server.wait_until_reporting()
        await readings.until_status("online")
        server.stop_operation()
        offline = await readings.until_status("offline")
        gap = await readings.until_status("gap")
        await server.wait_until_reporting()
        server.hear(EPC, 1, -6000, clock.now())
        await readings.until(is_tag)
    assert offline.reason == "the reader ended our inventory"
    assert gap.reason == "the inventory was started anew"


async def test_offline_is_stated_once_however_often_the_reader_is_not_there(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf
) -> None:
    server.unplug()
    async with driver_for(server.port) as driver:
        readings = readings_of(driver)
        await readings.until_status("offline")
        await server.wait_until(lambda: server.refusals >= 3)
        server.plug_in()
        await readings.until_status("online")
    assert [item.reading.state for item in readings.seen] == ["offline", "gap", "online"]


async def test_a_port_nobody_listens_on_is_offline_with_the_reason(
    driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    async with LlrpReaderServer(clock=clock) as closed_again:
        port = closed_again.port
    async with driver_for(port) as driver:
        assert "cannot connect" in (await readings_of(driver).until_status("offline")).reason


async def test_three_periods_without_keepalive_end_the_connection(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf
) -> None:
    server.keepalives_paused = True
    async with driver_for(server.port, keepalive_ms=50) as driver:
        readings = readings_of(driver)
        await readings.until_status("online")
        offline = await readings.until_status("offline")
        await readings.until_status("gap")
    assert offline.reason == "waited in vain for a keepalive"


async def test_keepalives_hold_the_connection_past_three_periods(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf
) -> None:
    async with driver_for(server.port, keepalive_ms=250) as driver:
        readings = readings_of(driver)
        await server.wait_until(lambda: server.reader.received[KEEPALIVE_ACK] >= 5)
        await readings.until_status("online")
    assert server.reader.received[GET_CAPABILITIES] == 1, "no reconnect in between"


async def test_a_second_client_is_told_why_it_must_wait_until_the_first_leaves(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    async with AsyncExitStack() as later:
        async with driver_for(server.port, boot=7):
            await server.wait_until_reporting()
            second = readings_of(await later.enter_async_context(driver_for(server.port, boot=8)))
            offline = await second.until_status("offline")
            assert server.reader.is_reporting, "the first is not disturbed"
        await second.until_status("online")
        await server.wait_until_reporting()
        server.hear(EPC, 1, -6000, clock.now())
        tag = await second.until(is_tag)
    assert offline.reason == "another client is connected to the reader"
    assert tag.boot == 8


async def test_leaving_the_driver_frees_the_reader_at_once(
    server: LlrpReaderServer, driver_for: DriverFor
) -> None:
    async with driver_for(server.port):
        await server.wait_until_reporting()
    await server.wait_until_alone()
    assert server.reader.received[CLOSE_CONNECTION] == 1
    assert server.reader.is_inventorying, "the reader goes on for the next driver"


async def test_readings_end_when_the_driver_is_left(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf
) -> None:
    async with driver_for(server.port) as driver:
        readings = readings_of(driver)
        await readings.until_status("online")
    with pytest.raises(StopAsyncIteration):
        await readings.next()


async def test_a_malformed_report_goes_to_quarantine_and_the_connection_survives(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    bad = bytes.fromhex("043D0000001D0000000900F000138D3034257BF7194E4000003039" + "8100")
    async with driver_for(server.port) as driver:
        readings = readings_of(driver)
        await server.wait_until_reporting()
        server.send_raw(bad)
        rejected = await readings.until(is_rejected)
        server.hear(EPC, 1, -6000, clock.now())
        await readings.until(is_tag)
    assert (rejected.device_id, rejected.boot) == ("gate-1-reader", 7)
    assert (rejected.field, rejected.rule) == ("tag.1", "must have 2 bytes of value")
    assert rejected.raw == bad[10:]
    assert rejected.received_at == clock.now()
    assert len(readings.seen) == 3, "online, rejected, tag: no reconnect"


async def test_one_bad_report_among_good_ones_costs_only_itself(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf
) -> None:
    good = "00F000198D" + EPC + "8100018" + "6C4" + "880001"
    no_epc = "00F00007810001"
    body = bytes.fromhex(good + no_epc + good)
    async with driver_for(server.port) as driver:
        readings = readings_of(driver)
        await server.wait_until_reporting()
        server.send_raw(bytes.fromhex(f"043D{len(body) + 10:08X}00000001") + body)
        await readings.until(is_rejected)
    assert [type(item).__name__ for item in readings.seen] == ["Observation"] * 3 + ["Rejected"]


async def test_bytes_that_are_no_llrp_end_the_connection_and_the_driver_comes_back(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf
) -> None:
    async with driver_for(server.port) as driver:
        readings = readings_of(driver)
        await server.wait_until_reporting()
        server.send_raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        rejected = await readings.until(is_rejected)
        offline = await readings.until_status("offline")
        await readings.until_status("gap")
        await readings.until_status("online")
    assert rejected.field == "header.length"
    assert rejected.raw.startswith(b"HTTP/1.1")
    assert offline.reason.startswith("the stream is not LLRP")


async def test_an_antenna_the_reader_does_not_have_is_a_fault_that_names_it(
    driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    two_antennas = LlrpReaderServer(clock=clock, antenna_count=2)
    async with two_antennas as server, driver_for(server.port, antennas=(1, 4)) as driver:
        readings = readings_of(driver)
        fault = await readings.until_status("fault")
    [rejected] = [item for item in readings.seen if is_rejected(item)]
    assert (rejected.device_id, rejected.field, rejected.rule) == (
        "gate-1-reader",
        "antennas",
        "4 or more, is 2",
    )
    assert fault.reason == "the reader has 2 antennas, not antenna 4"


async def test_an_unplugged_antenna_is_a_fault_and_plugged_in_again_it_is_online(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf
) -> None:
    async with driver_for(server.port) as driver:
        readings = readings_of(driver)
        await server.wait_until_reporting()
        await readings.until_status("online")
        server.set_antenna(2, is_connected=False)
        assert (await readings.until_status("fault")).reason == "antenna 2 disconnected"
        server.set_antenna(2, is_connected=True)
        assert (await readings.until_status("online")).reason == "antenna 2 connected"


async def test_reads_of_a_reader_without_clock_are_suspect_and_carry_the_time_received(
    driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    without_clock = LlrpReaderServer(clock=clock, has_utc_clock=False)
    async with without_clock as server, driver_for(server.port) as driver:
        await server.wait_until_reporting()
        server.hear(EPC, 1, -6000, clock.now() - timedelta(hours=1))
        tag = await readings_of(driver).until(is_tag)
    assert (tag.quality, tag.observed_at) == ("suspect", clock.now())


async def test_reports_a_reader_could_not_hold_are_a_stated_gap(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    async with driver_for(server.port):
        await server.wait_until_reporting()
    await server.wait_until_alone()
    for number in range(5_001):
        server.hear(f"{number:024X}", 1, -6000, clock.now())
    async with driver_for(server.port, boot=8) as driver:
        readings = readings_of(driver)
        gap = await readings.until_status("gap")
    assert gap.reason == "the reader's buffer overflowed and reports were lost"
    assert sum(is_tag(item) for item in readings.seen) == 5_000


async def test_a_slow_consumer_loses_nothing(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    async with driver_for(server.port) as driver:
        await server.wait_until_reporting()
        for number in range(3_000):
            server.hear(f"{number:024X}", 1, -6000, clock.now())
        # The driver's queue holds 1,000; the rest waits in the socket until somebody reads.
        readings = readings_of(driver)
        await readings.until(lambda item: is_tag(item) and item.reading.epc_hex == f"{2_999:024X}")
    assert sum(is_tag(item) for item in readings.seen) == 3_000


async def test_a_tag_of_another_scheme_keeps_all_its_bits(
    server: LlrpReaderServer, driver_for: DriverFor, readings_of: ReadingsOf, clock: ManualClock
) -> None:
    long_epc = "377A6BB0C1BDA6D9B664D1AB266D1AB266D1AB266D00"
    async with driver_for(server.port) as driver:
        await server.wait_until_reporting()
        server.hear(long_epc, 1, -6000, clock.now())
        tag = await readings_of(driver).until(is_tag)
    assert tag.reading.epc_hex == long_epc
