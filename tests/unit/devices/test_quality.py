"""The page of all drivers follows from their quality files."""

from pathlib import Path

import pytest

from devices.families import FAMILIES
from devices.quality import page, rules_of, tier_of

ROOT = Path(__file__).parents[3]


def test_the_page_of_devices_is_up_to_date() -> None:
    written = (ROOT / "docs/devices.md").read_text(encoding="utf-8")
    assert written == page(), "run: .venv/bin/python -m devices.quality > docs/devices.md"


@pytest.mark.parametrize("family", sorted(name for name in FAMILIES if FAMILIES[name].reach != "http"))
def test_no_driver_is_below_bronze(family: str) -> None:
    rules = rules_of(family)
    for rule in ("golden-frames", "any-bytes", "malformed-frame-to-quarantine"):
        assert rules[rule].status == "done", rule


def test_a_tier_is_what_is_shown_and_not_what_is_exempt() -> None:
    assert tier_of("mqtt_position") == "gold"
    assert tier_of("nmea") == "silver"
    assert tier_of("tmr") == "bronze"


def test_an_unknown_family_is_an_error() -> None:
    with pytest.raises(KeyError):
        rules_of("toaster")
