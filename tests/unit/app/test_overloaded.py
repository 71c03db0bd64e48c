"""When a report lays what it missed to the machine."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.report import Check, Report, was_overloaded


def a_report(load_1m: float | None, **ok_of_unit: bool) -> Report:
    checks = [
        Check(name=f"demo.{unit}", value=2.0, unit=unit, bound="<= 1", ok=ok, how="")
        for unit, ok in ok_of_unit.items()
    ]
    environment: dict[str, Any] = {"load_1m": load_1m, "cores": 2}
    began = datetime(2026, 11, 23, 6, tzinfo=UTC)
    return Report(
        name="demo",
        commit="",
        seed=1,
        started_at=began,
        environment=environment,
        checks=checks,
        detail={},
        ok=all(ok_of_unit.values()),
    )


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (a_report(5.0, held=True, ms=False), True),
        (a_report(5.0, held=False, ms=False), False),
        (a_report(5.0, held=True, ms=True), False),
        (a_report(1.5, held=True, ms=False), False),
        (a_report(None, held=True, ms=False), False),
    ],
)
def test_a_machine_was_overloaded_when_only_times_missed_and_more_ran_than_it_has_cores(
    report: Report, expected: bool
) -> None:
    assert was_overloaded(report) is expected
