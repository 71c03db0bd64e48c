"""What a new driver may be called, and where it is written."""

from pathlib import Path

import pytest

from app.new_driver.begin import CannotBegin, begin_driver, class_of

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", ["", "Cold", "1st", "a__b", "a_", "a-b", "../a", "a" * 41, "class"])
def test_a_name_that_cannot_be_a_folder_and_a_module_is_refused(name: str) -> None:
    with pytest.raises(CannotBegin, match=r"^name: "):
        begin_driver(ROOT, name, "dialled")


def test_a_driver_that_is_there_is_not_written_over() -> None:
    with pytest.raises(CannotBegin, match="taken, devices/drivers/nmea is there already"):
        begin_driver(ROOT, "nmea", "dialled")


def test_a_folder_that_is_no_checkout_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotBegin, match="not a checkout"):
        begin_driver(tmp_path, "cold_room", "broker")
    assert list(tmp_path.iterdir()) == []


def test_another_reach_is_refused() -> None:
    with pytest.raises(CannotBegin, match=r"^reach: one of dialled, broker"):
        begin_driver(ROOT, "cold_room", "http")  # type: ignore[arg-type]


def test_a_class_is_called_after_the_family() -> None:
    assert class_of("cold_room_2") == "ColdRoom2"
