"""The start of the product, told in words from its structured log."""

import json
from pathlib import Path

import pytest

from app.demo.progress import Progress


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "program.log"


def write(log: Path, *lines: dict[str, object] | str) -> None:
    with log.open("a") as file:
        for line in lines:
            file.write(line if isinstance(line, str) else json.dumps(line) + "\n")


def test_each_stage_is_told_once_in_the_order_of_the_log(log: Path) -> None:
    said: list[str] = []
    progress = Progress(log, said.append)
    progress.look()
    write(log, {"event": "postgres.started", "major": 18}, {"event": "postgres.answers"})
    progress.look()
    progress.look()
    write(log, {"event": "broker.started", "broker": "mosquitto", "port": 1})
    progress.look()
    assert said == ["  starting PostgreSQL 18 …", "  PostgreSQL is up", "  the broker is up (mosquitto)"]


def test_of_migrations_that_ran_since_the_last_look_the_last_is_told(log: Path) -> None:
    said: list[str] = []
    progress = Progress(log, said.append)
    write(log, *({"event": "migration.run", "number": number, "count": 19} for number in (1, 2, 3)))
    progress.look()
    write(log, {"event": "migration.run", "number": 19, "count": 19})
    progress.look()
    assert said == ["  migrations: 3 of 19", "  migrations: 19 of 19"]


def test_half_a_line_waits_for_its_end_and_what_is_no_line_of_the_log_is_passed_over(log: Path) -> None:
    said: list[str] = []
    progress = Progress(log, said.append)
    write(log, "Traceback (most recent call last):\n", "[1]\n", '{"event": "rea')
    progress.look()
    assert said == []
    write(log, 'dy", "url": "x"}\n')
    progress.look()
    assert said == ["  the web server is up"]


def test_a_log_of_an_earlier_run_is_not_told_again(log: Path) -> None:
    write(log, {"event": "postgres.answers"})
    said: list[str] = []
    Progress(log, said.append).look()
    assert said == []
