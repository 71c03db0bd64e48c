"""What the line does to messages, by how they go, is what their path can do."""

from collections import Counter
from importlib.resources import files

import msgspec
import pytest

from kernel.rng import Rng
from simulators.faults.model import Delay, Duplication, LineFault, Loss, Reorder
from simulators.faults.network import CAN_BE, Line
from simulators.sites.messages import Message, Via
from simulators.world.tables import Network
from simulators.world.warehouse.parameters import read_parameters

NETWORK = read_parameters(
    (files("simulators.scenarios") / "reference_warehouse.toml").read_text(encoding="utf-8")
).network
CALM = msgspec.structs.replace(NETWORK, duplicate_share=0.0, late_share=0.0)
LASTS = {"from_h": 0.0, "until_h": 24.0}


def arrived(
    via: Via, *faults: LineFault, network: Network = CALM, count: int = 2_000
) -> tuple[Line, list[Message]]:
    """What of a message every ten seconds comes, in the order in which it comes."""
    line = Line(network, [], Rng(3), faults)
    line.put(Message(10.0 * n, n, "device-1", via, b"%d" % n) for n in range(count))
    return line, list(line.take(1e9))


def test_a_handhelds_request_that_is_lost_is_made_again_and_none_is_missing() -> None:
    line, came = arrived("http", Loss(share=0.3, burst_mean=2.0, **LASTS))
    assert sorted(message.number for message in came) == list(range(2_000))
    late = [message.at_s - 10.0 * message.number for message in came]
    # Of all requests, those made again too, 0.3 are lost.
    assert line.delayed == pytest.approx(2_000 * 0.3 / 0.7, abs=120)
    assert {by_s % 5.0 for by_s in late} == {0.0}
    assert (line.lost, line.delayed) == (0, sum(round(by_s / 5.0) for by_s in late))


@pytest.mark.parametrize("via", ["modbus", "lines", "broker"])
def test_a_poll_or_a_message_that_is_lost_is_missed(via: Via) -> None:
    line, came = arrived(via, Loss(share=0.2, **LASTS))
    assert line.lost == 2_000 - len(came) == pytest.approx(400, abs=80)


@pytest.mark.parametrize("via", ["modbus", "lines", "llrp"])
def test_what_keeps_its_order_keeps_it_when_it_is_delayed(via: Via) -> None:
    _, came = arrived(via, Delay(s_min=1.0, s_max=60.0, **LASTS))
    assert [message.number for message in came] == list(range(2_000))
    assert all(message.at_s >= 10.0 * message.number + 1.0 for message in came)


@pytest.mark.parametrize("via", ["broker", "http"])
def test_repeats_and_overtaking_reach_handhelds_as_they_do_the_broker(via: Via) -> None:
    line, came = arrived(via, network=NETWORK, count=20_000)
    assert line.repeated == len(came) - 20_000 == pytest.approx(100, abs=35)
    assert line.late == pytest.approx(200, abs=50)
    line, came = arrived(via, Duplication(share=0.5, late_s_max=30.0, **LASTS))
    assert max(Counter(message.number for message in came).values()) == 2
    assert line.repeated == pytest.approx(1_000, abs=120)


@pytest.mark.parametrize("via", ["modbus", "lines", "llrp"])
def test_no_repeat_and_no_overtaking_comes_to_what_is_polled_or_a_session(via: Via) -> None:
    faults = Duplication(share=0.5, late_s_max=30.0, **LASTS), Reorder(share=0.5, late_s_max=30.0, **LASTS)
    assert not {type(fault) for fault in faults} & set(CAN_BE[via])
    _, came = arrived(via, *faults, network=NETWORK)
    assert [(message.number, message.at_s) for message in came] == [(n, 10.0 * n) for n in range(2_000)]


def test_a_session_of_a_portal_loses_nothing_that_does_not_break_it() -> None:
    line, came = arrived("llrp", Loss(share=0.5, **LASTS))
    assert (line.lost, len(came)) == (0, 2_000)
