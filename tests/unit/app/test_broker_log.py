"""What Mosquitto's log tells of clients that were turned away. The lines are those of Mosquitto 2.0.11."""

import re
from pathlib import Path

import pytest

from app.supervise.broker_log import READ_BYTES_MAX, SIEVE, BrokerLog
from app.supervise.process import LOG_BYTES_MAX

AT = "2026-11-26T13:14:12+0000: "
TRIAL_OVER = "trial-over-5f3a"
OVER = f"New client connected from 127.0.0.1:1 as {TRIAL_OVER} (p2, c1, k30, u'tallyhouse')."
FORK = "New client connected from 127.0.0.1:57021 as cid-3 (p2, c1, k60, u'fork')."
DENIED = "Denied PUBLISH from cid-3 (d0, q1, r0, m2, 'tallyhouse/v1/s/other/observation', ... (2 bytes))"
REFUSED = "Sending CONNACK to 10.0.0.9 (0, 5)"

Noted = tuple[str, str, bytes]


class Log:
    """A log file that is written to, and what its reader noted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.noted: list[Noted] = []
        self.reader = BrokerLog(path, TRIAL_OVER, self._note)

    def _note(self, device_id: str, field: str, rule: str, said: bytes = b"") -> None:
        assert rule
        self.noted.append((device_id, field, said))

    def says(self, *lines: str) -> list[Noted]:
        """Everything noted once these lines were read."""
        with self.path.open("a") as file:
            file.writelines(f"{AT}{line}\n" for line in lines)
        self.reader.read()
        return self.noted


@pytest.fixture
def log(tmp_path: Path) -> Log:
    path = tmp_path / "mosquitto.log"
    path.write_text(f"{AT}{OVER}\n{AT}{REFUSED}\n")  # An earlier run.
    return Log(path)


@pytest.mark.parametrize("code", [4, 5, 134, 135])
def test_a_refused_sign_in_is_told_by_its_address(log: Log, code: int) -> None:
    assert log.says(OVER, f"Sending CONNACK to 2001:db8::9 (0, {code})") == [
        ("2001:db8::9", "username, password", b"")
    ]


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
    assert log.says(REFUSED, FORK, DENIED, OVER, REFUSED) == [("10.0.0.9", "username, password", b"")]


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
    for part in (AT + REFUSED[:20], REFUSED[20:], "\n"):
        with log.path.open("a") as file:
            file.write(part)
        log.reader.read()
    assert log.noted == [("10.0.0.9", "username, password", b"")]


def test_a_log_that_has_grown_is_put_aside_and_read_on_from_its_start(log: Log) -> None:
    log.says(OVER)
    line = f"{AT}Client x closed its connection.\n"
    with log.path.open("a") as file:
        file.write(line * (LOG_BYTES_MAX // len(line) + 1))
    for _ in range(LOG_BYTES_MAX // READ_BYTES_MAX + 2):
        log.reader.read()
    assert log.path.stat().st_size == 0
    assert log.path.with_suffix(".log.1").stat().st_size > LOG_BYTES_MAX
    assert log.says(REFUSED) == [("10.0.0.9", "username, password", b"")]


def test_the_sieve_lets_pass_what_is_read_and_takes_out_what_every_message_makes() -> None:
    taken_out = re.compile(SIEVE[-1])
    kept = (FORK, OVER, DENIED, REFUSED, "Client cid-3 closed its connection.")
    passing = (
        "Received PUBLISH from cid-3 (d0, q1, r0, m1, 'tallyhouse/v1/s/fork/observation', ... (2 bytes))",
        "Sending PUBACK to cid-3 (m1, rc0)",
        "Received PINGREQ from cid-3",
        "Sending PINGRESP to cid-3",
    )
    assert not any(taken_out.search(AT + line) for line in kept)
    assert all(taken_out.search(AT + line) for line in passing)
    # A topic cannot take the line of its own refusal out.
    assert not taken_out.search(AT + DENIED.replace("other", "x Received P"))
