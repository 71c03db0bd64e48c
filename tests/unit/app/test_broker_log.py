"""What Mosquitto's log tells of clients that were turned away.

The lines are those of Mosquitto 2.0.11, where a test says so of 2.0.20, or of 2.1 as others report them.
"""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from app.supervise.broker_log import READ_BYTES_MAX, BrokerLog
from app.supervise.process import LOG_BYTES_MAX
from app.supervise.sieve import sift

AT = "2026-11-26T13:14:12+0000: "
TRIAL_OVER = "trial-over-5f3a"
OVER = f"New client connected from 127.0.0.1:1 as {TRIAL_OVER} (p2, c1, k30, u'tallyhouse')."
FORK = "New client connected from 127.0.0.1:57021 as cid-3 (p2, c1, k60, u'fork')."
DENIED = "Denied PUBLISH from cid-3 (d0, q1, r0, m2, 'tallyhouse/v1/s/other/observation', ... (2 bytes))"
REFUSED = ("Sending CONNACK to 10.0.0.9 (0, 5)", "Client <unknown> disconnected, not authorised.")

Noted = tuple[str, str, bytes]


def refused_by_id(client_id: str) -> tuple[str, str]:
    """The lines of a refused sign-in from 2.0.13 on."""
    return f"Sending CONNACK to {client_id} (0, 5)", f"Client {client_id} disconnected, not authorised."


def arrives(host: str, port: int = 41_034) -> str:
    return f"New connection from {host}:{port} on port 1883."


class Log:
    """A log file that is written to, and what its reader noted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.noted: list[Noted] = []
        self.reader = BrokerLog(path, TRIAL_OVER, self._note)

    def _note(self, device_id: str, field: str, rule: str, said: bytes = b"", *, apart: bool = False) -> None:
        assert rule
        assert apart or not said, "what it wanted is counted by itself"
        self.noted.append((device_id, field, said))

    def says(self, *lines: str, at: str = AT) -> list[Noted]:
        """Everything noted once these lines were read."""
        with self.path.open("a") as file:
            file.writelines(f"{at}{line}\n" for line in lines)
        self.reader.read(datetime.fromisoformat(at.removesuffix(": ")))
        return self.noted

    def later(self, seconds: float) -> list[Noted]:
        """Everything noted when so many seconds have passed."""
        self.reader.read(datetime.fromisoformat(AT.removesuffix(": ")) + timedelta(seconds=seconds))
        return self.noted


@pytest.fixture
def log(tmp_path: Path) -> Log:
    path = tmp_path / "mosquitto.log"
    path.write_text("".join(f"{AT}{line}\n" for line in (OVER, *REFUSED)))  # An earlier run.
    return Log(path)


@pytest.mark.parametrize("code", [4, 5, 134, 135])
def test_a_refused_sign_in_is_told_by_its_address(log: Log, code: int) -> None:
    assert log.says(OVER, f"Sending CONNACK to 2001:db8::9 (0, {code})", REFUSED[1]) == [
        ("2001:db8::9", "username, password", b"")
    ]


def test_from_2_0_13_on_a_refused_sign_in_is_told_by_its_client_id_and_address(log: Log) -> None:
    assert log.says(OVER, arrives("10.0.0.9"), *refused_by_id("fork 1")) == [
        ("fork 1", "username, password", b"10.0.0.9")
    ]


def test_2_1_tells_the_address_itself(log: Log) -> None:
    ended = "Client fork-1 [10.0.0.9:41034] disconnected: not authorised."
    assert log.says(
        OVER, arrives("10.0.0.8"), arrives("10.0.0.9"), "Sending CONNACK to fork-1 (0, 5)", ended
    ) == [("fork-1", "username, password", b"10.0.0.9")]


def test_a_client_that_gives_no_id_is_told_by_its_address(log: Log) -> None:
    log.says(OVER)
    for made_up in ("auto-0A036959-19FC-ACDA-6298-94D40C889990", "66ED4571-1B3E-8EFD-5323-DF48C30495E7"):
        log.noted.clear()
        log.says(arrives("10.0.0.9"), *refused_by_id(made_up))
        assert log.noted == [("10.0.0.9", "username, password", b"")]


def test_no_address_is_told_that_could_be_that_of_another(log: Log) -> None:
    """One connects and says nothing, another is refused: which of the two it was, the log does not tell."""
    log.says(OVER, arrives("10.0.0.8"), arrives("10.0.0.9"), *refused_by_id("fork-1"))
    assert log.noted.pop() == ("fork-1", "username, password", b"")
    # Those that have said who they are are others for certain, and so are those of long ago.
    later = AT.replace("13:14:12", "13:16:13")
    other = "New client connected from 10.0.0.7:3 as cid-7 (p2, c1, k60, u'fork')."
    log.says(arrives("10.0.0.7", 3), other, arrives("10.0.0.9", 5), *refused_by_id("fork-1"), at=later)
    assert log.noted == [("fork-1", "username, password", b"10.0.0.9")]


def test_a_client_id_made_up_like_an_address_is_none(log: Log) -> None:
    posing = "fork-1 [10.0.0.7:1]"
    assert log.says(OVER, arrives("10.0.0.9"), *refused_by_id(posing)) == [
        (posing, "username, password", b"10.0.0.9")
    ]


def test_a_guess_under_the_client_id_of_a_device_that_is_connected_does_not_hide_it(log: Log) -> None:
    log.says(OVER, FORK, arrives("10.0.0.9"), *refused_by_id("cid-3"), DENIED)
    assert [name for name, _, _ in log.noted] == ["cid-3", "fork"]


def test_a_device_that_is_put_out_while_connected_was_not_refused_a_sign_in(log: Log) -> None:
    assert log.says(OVER, FORK, "Client cid-3 disconnected, not authorised.") == []


def test_a_refused_publish_is_told_by_the_user_of_its_connection(log: Log) -> None:
    assert log.says(FORK, OVER, DENIED) == [("fork", "topic", b"tallyhouse/v1/s/other/observation")]


def test_what_passes_and_other_answers_are_no_refusals(log: Log) -> None:
    assert (
        log.says(
            OVER,
            FORK,
            "Sending CONNACK to cid-3 (0, 0)",
            "Sending CONNACK to 10.0.0.9 (0, 1)",
            "Client <unknown> disconnected due to protocol error.",
            "mosquitto version 2.0.11 terminating",
        )
        == []
    )


def test_our_own_trial_of_the_broker_is_no_refusal(log: Log) -> None:
    assert log.says(*REFUSED, FORK, DENIED, OVER, *REFUSED) == [("10.0.0.9", "username, password", b"")]


def test_a_client_that_left_no_longer_stands_for_its_user(log: Log) -> None:
    for left in ("closed its connection.", "has exceeded timeout, disconnecting.", "disconnected, quota."):
        log.noted.clear()
        assert log.says(OVER, FORK, f"Client cid-3 {left}", DENIED)[0][0] == "cid-3"


def test_a_client_id_or_topic_made_up_like_a_line_names_nobody_else(log: Log) -> None:
    """A client id may hold anything but control characters, and so may a topic; a user name is enrolled."""
    posing = "cid-3 (p2, c1, k60, u'fork')."
    log.says(OVER, FORK, f"New client connected from 10.0.0.9:1 as {posing} (p2, c1, k60, u'other').")
    denied = f"Denied PUBLISH from {posing} (d0, q0, r0, m0, 'x', ... (2 bytes))"
    assert log.says(denied) == [("other", "topic", b"x")]
    log.noted.clear()
    topic = "x', ... (2 bytes)) from y (d0, q0, r0, m0, 'z"
    [(device_id, _, _)] = log.says(f"Denied PUBLISH from cid-3 (d0, q0, r0, m0, '{topic}', ... (2 bytes))")
    assert device_id != "other"


def test_half_a_line_waits_for_its_other_half(log: Log) -> None:
    log.says(OVER)
    for part in (AT + REFUSED[0][:20], REFUSED[0][20:], "\n", AT + REFUSED[1], "\n"):
        with log.path.open("a") as file:
            file.write(part)
        log.later(0)
    assert log.noted == [("10.0.0.9", "username, password", b"")]


def test_a_log_that_has_grown_is_put_aside_and_read_on_from_its_start(log: Log) -> None:
    log.says(OVER)
    line = f"{AT}Client x closed its connection.\n"
    with log.path.open("a") as file:
        file.write(line * (LOG_BYTES_MAX // len(line) + 1))
    for _ in range(LOG_BYTES_MAX // READ_BYTES_MAX + 2):
        log.later(0)
    assert log.path.stat().st_size == 0
    assert log.path.with_suffix(".log.1").stat().st_size > LOG_BYTES_MAX
    assert log.says(*REFUSED) == [("10.0.0.9", "username, password", b"")]


def test_the_sieve_lets_pass_what_is_read_and_takes_out_what_every_message_makes() -> None:
    kept = (FORK, OVER, DENIED, *REFUSED, arrives("10.0.0.9"), "Client cid-3 closed its connection.")
    passing = (
        "Received PUBLISH from cid-3 (d0, q1, r0, m1, 'tallyhouse/v1/s/fork/observation', ... (2 bytes))",
        "Sending PUBACK to cid-3 (m1, rc0)",
        "Received PINGREQ from cid-3",
        "Sending PINGRESP to cid-3",
    )
    mixed = [line for pair in zip(kept, passing * 2, strict=False) for line in pair]
    assert sift(b"".join(f"{AT}{line}\n".encode() for line in mixed)) == b"".join(
        f"{AT}{line}\n".encode() for line in mixed if line in kept
    )
    # A topic cannot take the line of its own refusal out.
    refusal = f"{AT}{DENIED.replace('other', 'x Received P')}\n".encode()
    assert sift(refusal) == refusal


FORK_TWICE = "New client connected from 10.0.0.66:4103 as other (p2, c1, k60, u'fork')."


def test_two_connections_of_one_device_are_told_once_the_older_cannot_be_a_dead_one(log: Log) -> None:
    assert log.says(OVER, FORK, FORK_TWICE) == []
    assert log.later(90) == []
    assert log.later(96) == [("fork", "identity", b"from 10.0.0.66, 127.0.0.1")]
    assert len(log.later(155)) == 1, "at most once a minute"
    assert len(log.later(156)) == 2, "and again for as long as both are alive"
    log.says("Client other closed its connection.")
    assert len(log.later(600)) == 2


def test_a_device_that_lost_its_line_and_came_back_is_one(log: Log) -> None:
    log.says(OVER, FORK, FORK_TWICE, "Client cid-3 has exceeded timeout, disconnecting.")
    assert log.later(600) == []


def test_the_product_may_have_several_connections(log: Log) -> None:
    log.says(OVER, "New client connected from 127.0.0.1:2 as tallyhouse-edge (p2, c0, k20, u'tallyhouse').")
    assert log.later(600) == []


def test_two_that_throw_each_other_out_are_told(log: Log) -> None:
    taken = "Client cid-3 already connected, closing old connection."
    assert log.says(OVER, FORK, *(line for _ in range(4) for line in (taken, FORK))) == []
    assert log.says(taken, FORK) == [("fork", "identity", b"")]


def test_a_message_too_long_for_the_broker_is_told_of_its_device(log: Log) -> None:
    told = log.says(OVER, FORK, "Client cid-3 disconnected due to oversize packet.")
    assert told == [("fork", "message", b"")]
