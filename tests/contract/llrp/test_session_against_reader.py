"""The client's session and the simulated reader, bytes passed by hand: no sockets, no timers.

It is also how a simulation under one simulated clock drives the two.
"""

from collections.abc import Callable, Iterator

import pytest

from devices.drivers.llrp.requests import RoSpec
from devices.drivers.llrp.session import (
    Ended,
    Happening,
    InputChanged,
    LlrpSession,
    Noticed,
    Ready,
    TagHeard,
)
from kernel.clock import ManualClock
from simulators.protocols.llrp import frames
from simulators.protocols.llrp.reader import HELD_REPORTS_MAX, UNANSWERED_KEEPALIVES_MAX, SimulatedReader

EPC = "3034257BF7194E4000003039"
Heard = Callable[..., bool]


def talk(session: LlrpSession, reader: SimulatedReader) -> list[Happening]:
    """Carry bytes both ways until neither has anything to say."""
    happenings: list[Happening] = []
    while said := reader.outgoing():
        happenings += session.receive(said)
        reader.receive(session.bytes_to_send())
    return happenings


def connected(
    reader: SimulatedReader, rospec: RoSpec, inputs: tuple[int, ...] = ()
) -> tuple[LlrpSession, list[Happening]]:
    session = LlrpSession(rospec, keepalive_ms=5000, inputs=inputs)
    reader.connect()
    return session, talk(session, reader)


@pytest.fixture
def reader(clock: ManualClock) -> SimulatedReader:
    return SimulatedReader(clock)


@pytest.fixture
def hear(reader: SimulatedReader, clock: ManualClock) -> Heard:
    def hear(epc_hex: str = EPC, antenna: int = 1) -> bool:
        return reader.hear(frames.Heard(epc_hex, antenna, -6000, clock.now()))

    return hear


ROSPEC = RoSpec(antennas=(1, 2))


def test_a_reader_hears_nothing_before_an_inventory_runs(reader: SimulatedReader, hear: Heard) -> None:
    assert not hear()
    connected(reader, ROSPEC)
    assert hear()


def test_a_reader_hears_nothing_on_an_antenna_that_is_not_used(reader: SimulatedReader, hear: Heard) -> None:
    connected(reader, ROSPEC)
    assert not hear(antenna=3)


def test_settings_reach_the_reader(reader: SimulatedReader) -> None:
    connected(reader, ROSPEC)
    assert reader.keepalive_ms == 5000


@pytest.mark.parametrize("version_max", [1, 2])
def test_both_speak_the_latest_version_that_both_know(clock: ManualClock, version_max: int) -> None:
    reader = SimulatedReader(clock, version_max=version_max)
    for _ in range(2):
        _, happenings = connected(reader, ROSPEC)
        (ready,) = happenings
        assert isinstance(ready, Ready)
        assert (ready.version, reader.version) == (version_max, version_max)
        reader.disconnect()


def test_a_version_is_set_once(reader: SimulatedReader) -> None:
    connected(reader, ROSPEC)
    reader.receive(frames.message(47, 9, b"\x01", version=2))
    assert list(statuses(reader)) == [(57, frames.STATUS_UNEXPECTED_MESSAGE)]
    assert reader.version == 2


def test_inputs_are_told_when_they_were_asked_for(reader: SimulatedReader, clock: ManualClock) -> None:
    reader.set_input(1, is_high=True)
    session, _ = connected(reader, ROSPEC, inputs=(2,))
    reader.set_input(1, is_high=False)
    reader.set_input(2, is_high=True)
    (changed,) = talk(session, reader)
    assert isinstance(changed, InputChanged)
    assert (changed.number, changed.is_high, changed.at) == (2, True, clock.now())


def test_events_wait_for_the_next_client_with_their_own_time(
    reader: SimulatedReader, clock: ManualClock
) -> None:
    connected(reader, ROSPEC, inputs=(1,))
    reader.disconnect()
    broken_at = clock.now()
    reader.set_input(1, is_high=True)
    clock.advance(5)
    _, happenings = connected(reader, ROSPEC, inputs=(1,))
    ready, changed = happenings
    assert isinstance(ready, Ready)
    assert isinstance(changed, InputChanged)
    assert changed.at == broken_at


def test_an_inventory_that_somebody_ended_ends_the_session(reader: SimulatedReader, hear: Heard) -> None:
    session, _ = connected(reader, ROSPEC)
    reader.stop_operation()
    assert talk(session, reader) == [Ended("lost", "the reader ended our inventory")]
    reader.disconnect()
    _, (ready,) = connected(reader, ROSPEC)
    assert isinstance(ready, Ready)
    assert not ready.was_running
    assert hear()


def test_an_end_that_is_told_late_of_an_inventory_that_runs_again_is_no_end(
    reader: SimulatedReader, hear: Heard
) -> None:
    connected(reader, ROSPEC)
    reader.disconnect()
    reader.stop_operation()
    session, happenings = connected(reader, ROSPEC)
    assert [type(happening) for happening in happenings] == [Ready]
    assert hear()
    assert [type(happening) for happening in talk(session, reader)] == [TagHeard]


def test_answered_keepalives_keep_the_connection_and_unanswered_ones_end_it(reader: SimulatedReader) -> None:
    session, _ = connected(reader, ROSPEC)
    for _ in range(10):
        reader.keepalive()
        talk(session, reader)
    assert reader.is_open
    assert session.keepalives_heard == 10
    for _ in range(UNANSWERED_KEEPALIVES_MAX + 1):
        assert reader.is_open
        reader.keepalive()
    assert not reader.is_open


def test_reports_come_in_batches_of_the_size_asked_for(reader: SimulatedReader, hear: Heard) -> None:
    session, _ = connected(reader, RoSpec(antennas=(1,), report_every_tags=3))
    hear("0" * 23 + "1"), hear("0" * 23 + "2")
    assert talk(session, reader) == []
    hear("0" * 23 + "3")
    assert [tag.epc_hex[-1] for tag in talk(session, reader) if isinstance(tag, TagHeard)] == ["1", "2", "3"]


def test_held_reports_wait_for_the_next_client_in_order(reader: SimulatedReader, hear: Heard) -> None:
    connected(reader, ROSPEC)
    reader.disconnect()
    for number in range(4):
        assert hear(f"{number:024X}")
    _, happenings = connected(reader, ROSPEC)
    ready, *tags = happenings
    assert isinstance(ready, Ready)
    assert ready.was_running
    assert [tag.epc_hex for tag in tags if isinstance(tag, TagHeard)] == [f"{n:024X}" for n in range(4)]


def test_held_reports_survive_even_a_change_of_operation(reader: SimulatedReader, hear: Heard) -> None:
    connected(reader, ROSPEC)
    reader.disconnect()
    hear()
    _, happenings = connected(reader, RoSpec(antennas=(1, 2, 3)))
    assert [happening.epc_hex for happening in happenings if isinstance(happening, TagHeard)] == [EPC]


def test_what_no_longer_fits_is_told_once(reader: SimulatedReader, hear: Heard) -> None:
    connected(reader, ROSPEC)
    reader.disconnect()
    for _ in range(HELD_REPORTS_MAX + 5):
        hear()
    _, happenings = connected(reader, ROSPEC)
    assert sum(isinstance(happening, TagHeard) for happening in happenings) == HELD_REPORTS_MAX
    assert [happening for happening in happenings if isinstance(happening, Noticed)] == [
        Noticed("gap", "the reader's buffer overflowed and reports were lost")
    ]


def test_goodbye_closes_the_readers_side(reader: SimulatedReader) -> None:
    session, _ = connected(reader, ROSPEC)
    session.close()
    reader.receive(session.bytes_to_send())
    assert not reader.is_open
    (ended,) = session.receive(reader.outgoing())
    assert ended == Ended("lost", "closed at our request")


def statuses(reader: SimulatedReader) -> Iterator[tuple[int, int]]:
    """Message type and LLRPStatus code of what the reader has to say."""
    data = reader.outgoing()
    while data:
        size = int.from_bytes(data[2:6], "big")
        yield int.from_bytes(data[:2], "big") & 1023, int.from_bytes(data[14:16], "big")
        data = data[size:]


GOOD_ADDITION = RoSpec(antennas=(1,)).parameter()
ALREADY_ACTIVE = GOOD_ADDITION[:9] + b"\x02" + GOOD_ADDITION[10:]


@pytest.mark.parametrize(
    ("request_bytes", "answer"),
    [
        (frames.message(20, 1, GOOD_ADDITION[:-1]), (30, frames.STATUS_PARAMETER_ERROR)),
        (frames.message(20, 1, GOOD_ADDITION + b"\x00"), (30, frames.STATUS_FIELD_ERROR)),
        (
            frames.message(20, 1, ALREADY_ACTIVE),
            (30, frames.STATUS_FIELD_ERROR),
        ),
        (frames.message(20, 1, RoSpec(antennas=(5,)).parameter()), (30, frames.STATUS_FIELD_ERROR)),
        (frames.message(22, 1, bytes(4)), (32, frames.STATUS_FIELD_ERROR)),
        (frames.message(24, 1, bytes(3)), (34, frames.STATUS_PARAMETER_ERROR)),
        (frames.message(3, 1, b"\x00\x00\xdc\x00\x09\x01"), (13, frames.STATUS_PARAMETER_ERROR)),
        (frames.message(3, 1, b"\x00\x00\xe1\x00\x08\x00\x09\x80\x02"), (13, frames.STATUS_FIELD_ERROR)),
        (frames.message(40, 1), (100, frames.STATUS_UNSUPPORTED_MESSAGE)),
        (frames.message(1, 1, b"\x00", version=2), (100, frames.STATUS_UNSUPPORTED_VERSION)),
        (frames.message(46, 1), (100, frames.STATUS_UNSUPPORTED_VERSION)),
        (frames.message(47, 1, b"\x03", version=2), (57, frames.STATUS_UNSUPPORTED_VERSION)),
        (frames.message(47, 1, version=2), (57, frames.STATUS_PARAMETER_ERROR)),
    ],
)
def test_a_reader_refuses_what_breaks_the_standard(
    reader: SimulatedReader, request_bytes: bytes, answer: tuple[int, int]
) -> None:
    reader.connect()
    reader.outgoing()
    reader.receive(request_bytes)
    assert list(statuses(reader)) == [answer]
    assert reader.is_open


def test_a_disabled_operation_cannot_be_started(reader: SimulatedReader) -> None:
    number = RoSpec(antennas=(1,)).rospec_id.to_bytes(4, "big")
    reader.connect()
    reader.outgoing()
    reader.receive(frames.message(20, 1, GOOD_ADDITION) + frames.message(22, 2, number))
    assert list(statuses(reader)) == [(30, 0), (32, frames.STATUS_FIELD_ERROR)]
    reader.receive(frames.message(24, 3, number) + frames.message(22, 4, number))
    assert list(statuses(reader)) == [(34, 0), (32, 0)]
    assert reader.is_inventorying
