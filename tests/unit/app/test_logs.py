import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
import structlog

import devices.transport.modbus
from app.logs import configure_logs


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Tells what went to standard error; the logging of the test run is put back afterwards."""
    before = logging.root.handlers, logging.root.level
    yield lambda: capsys.readouterr().err
    for handler in set(logging.root.handlers) - set(before[0]):
        handler.close()
    logging.root.handlers, logging.root.level = before
    structlog.reset_defaults()


def test_a_line_is_one_json_object_with_the_facts_as_fields(written: Callable[[], str]) -> None:
    configure_logs("info", "json")
    structlog.get_logger("gate").info("barrier.opened", gate_id="gate-1", text="汉字")
    line = json.loads(written())
    assert line | {"event": "barrier.opened", "gate_id": "gate-1", "level": "info", "logger": "gate"} == line
    assert line["timestamp"].endswith("Z")


def test_what_libraries_log_has_the_same_form(written: Callable[[], str]) -> None:
    configure_logs("info", "json")
    logging.getLogger("uvicorn.error").warning("socket %s", "closed")
    line = json.loads(written())
    assert (line["event"], line["level"], line["logger"]) == ("socket closed", "warning", "uvicorn.error")


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_error_carries_its_trace_but_no_values_of_variables(
    written: Callable[[], str], form: Literal["json", "console"]
) -> None:
    configure_logs("info", form)
    password = "hush" + "-hush"
    try:
        raise ValueError("no such lot")
    except ValueError as error:
        structlog.get_logger("fold").error("failed", exc_info=error)
    text = written()
    assert "ValueError" in text
    assert "test_logs.py" in text
    assert password not in text


def test_a_trace_is_data(written: Callable[[], str]) -> None:
    configure_logs("info", "json")
    try:
        raise ValueError("no such lot")
    except ValueError as error:
        structlog.get_logger("fold").error("failed", exc_info=error)
    [trace] = json.loads(written())["exception"]
    assert (trace["exc_type"], trace["exc_value"]) == ("ValueError", "no such lot")


def test_with_a_file_nothing_comes_to_the_terminal_not_even_what_libraries_dump(
    written: Callable[[], str], tmp_path: Path
) -> None:
    file = tmp_path / "not-made-yet" / "demo.log"
    configure_logs("info", "json", file)
    logging.getLogger("websockets.client").error("Frame - 0x0 0x1 0x2")
    structlog.get_logger("edge").warning("mqtt_away")
    assert written() == ""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["logger"] for line in lines] == ["websockets.client", "edge"]


def test_what_is_below_the_level_is_left_out(written: Callable[[], str]) -> None:
    configure_logs("warning", "json")
    structlog.get_logger("gate").info("barrier.opened")
    logging.getLogger("uvicorn").info("started")
    assert written() == ""


def test_libraries_that_chatter_are_kept_to_warnings(written: Callable[[], str]) -> None:
    configure_logs("debug", "json")
    logging.getLogger("httpx").info("GET /health/ready")
    assert written() == ""


def test_what_a_driver_has_silenced_stays_silent(written: Callable[[], str]) -> None:
    """pymodbus dumps every frame of a device that does not answer; the driver says once that it is away."""
    assert devices.transport.modbus
    configure_logs("info", "json")
    logging.getLogger("pymodbus.logging").error("No response received after 0 retries >>>>> send: 0x0")
    assert written() == ""
