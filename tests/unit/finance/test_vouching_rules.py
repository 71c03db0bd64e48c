"""Which exit alarms stop money, reckoned by hand."""

import pytest

from finance.vouching import model
from kernel.errors import Conflict
from tests.unit.finance.test_valuation import NOW
from twin.messages import AlarmKind, AlarmRow, Grade


def an_exit_alarm(kind: AlarmKind, unit_ids: list[str], lot_ids: list[str], grade: Grade) -> AlarmRow:
    return AlarmRow(
        alarm_id="alarm-1",
        site_id="site-a",
        kind=kind,
        grade=grade,
        state="active",
        acknowledged_at=None,
        acknowledged_by=None,
        raised_at=NOW,
        cleared_at=None,
        lot_ids=lot_ids,
        unit_ids=unit_ids,
        gate_id="gate-1",
        vehicle_id="vehicle-b",
        point=None,
        text_key=f"alarm.{kind}",
        facts={},
        evidence=[],
    )


@pytest.mark.parametrize(
    ("kind", "unit_ids", "lot_ids", "grade", "is_refused"),
    [
        ("exit_without_release", ["pledged-1"], ["lot-1"], "check", True),
        ("exit_without_release", ["other-1"], ["lot-2"], "check", False),
        ("exit_without_release", [], ["lot-1"], "check", True),
        ("exit_mass_differs", ["other-1"], ["lot-2"], "check", True),
        ("exit_mass_differs", ["other-1"], ["lot-2"], "note", False),
        ("exit_refused", [], [], "check", True),
        ("delivery_mass_differs", ["pledged-1"], ["lot-1"], "check", False),
    ],
)
def test_what_may_have_left_unheard_stops_the_money_of_all_pledges_whatever_units_its_alarm_names(
    kind: AlarmKind, unit_ids: list[str], lot_ids: list[str], grade: Grade, is_refused: bool
) -> None:
    alarms = [an_exit_alarm(kind, unit_ids, lot_ids, grade)]
    model.require_quiet(alarms, [], {})
    if is_refused:
        with pytest.raises(Conflict, match=r"drawdown\.alarm_active"):
            model.require_quiet(alarms, [], {"pledged-1": "lot-1"})
    else:
        model.require_quiet(alarms, [], {"pledged-1": "lot-1"})
