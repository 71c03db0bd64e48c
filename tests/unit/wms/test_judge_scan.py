"""A scan confirms the task it means, or is refused with what was expected and what was scanned."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kernel.errors import Invalid
from kernel.gs1 import make_sscc
from wms.messages import RecordScans, Scan
from wms.scans.model import Bench, judge, judge_all, require_batch, sscc_of
from wms.tasks.model import CLAIM_LASTS, Task

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
SSCC = make_sscc("6901234", 0, 1)
OTHER = make_sscc("6901234", 0, 2)


def a_task(task_id: str = "task_1", **changes: Any) -> Task:
    task: dict[str, Any] = {
        "site_id": "site-a",
        "kind": "putaway",
        "state": "open",
        "unit_id": "unit_1",
        "sscc": SSCC,
        "sku": "85123A",
        "lot_id": "lot_1",
        "owner_party_id": "owner-a",
        "quantity_each": 100,
        "from_bin": "staging-in",
        "to_bin": "A01-01-1",
        "delivery_id": "delivery_1",
        "order_id": None,
        "line_no": None,
        "reservation_id": None,
        "priority": 50,
        "claimed_by": None,
        "claimed_at": None,
    }
    return Task(task_id=task_id, **{**task, **changes})


def a_pick(task_id: str, **changes: Any) -> Task:
    pick = {"kind": "pick", "from_bin": "A01-01-1", "to_bin": "staging-out", "priority": 40}
    return a_task(task_id, **{**pick, **changes})


def a_bench(*tasks: Task, **changes: Any) -> Bench:
    bench = Bench(
        unit_of_sscc={SSCC: "unit_1", OTHER: "unit_2"},
        tasks={task.task_id: task for task in tasks},
        occupants={},
        gone_units=(),
        held_units=set(),
        person_id="picker-a",
        now=NOW,
    )
    return bench._replace(**changes)


def a_scan(code: str = SSCC, place_code: str | None = "A01-01-1", **changes: Any) -> Scan:
    fields: dict[str, Any] = {"sequence": 1, "observed_at": NOW, "code": code, "place_code": place_code}
    return Scan(**{**fields, **changes})


def test_the_right_pallet_in_the_right_slot_is_done() -> None:
    verdict = judge(a_scan(), a_bench(a_task()), set())
    assert (verdict.outcome, verdict.task and verdict.task.task_id) == ("done", "task_1")


@pytest.mark.parametrize(
    "code",
    [
        SSCC,
        f"00{SSCC}",
        f"(00){SSCC}",
        f"]C100{SSCC}",
        f" {SSCC} ",
        f"]d2\x1d02062910415002133748\x1d10LOT7\x1d00{SSCC}",
        f"https://id.gs1.org/00/{SSCC}?37=48",
    ],
)
def test_the_sscc_is_found_in_every_form_a_scanner_sends(code: str) -> None:
    assert sscc_of(code) == SSCC


def test_a_wrong_slot_is_refused_with_expected_and_scanned() -> None:
    verdict = judge(a_scan(place_code="A01-02-1"), a_bench(a_task()), set())
    assert (verdict.outcome, verdict.key) == ("refused", "scan.wrong_slot")
    assert verdict.facts == {"expected": "A01-01-1", "scanned": "A01-02-1"}


def test_a_wrong_pallet_is_refused_with_expected_and_scanned() -> None:
    verdict = judge(a_scan(OTHER, task_id="task_1"), a_bench(a_task()), set())
    assert (verdict.key, verdict.facts) == ("scan.wrong_pallet", {"expected": SSCC, "scanned": OTHER})


def test_a_putaway_without_its_slot_is_refused() -> None:
    assert judge(a_scan(place_code=None), a_bench(a_task()), set()).key == "scan.place_missing"


def test_a_putaway_into_a_slot_that_has_another_pallet_is_refused() -> None:
    verdict = judge(a_scan(), a_bench(a_task(), occupants={"A01-01-1": "unit_9"}), set())
    assert verdict.key == "scan.slot_taken"


def test_a_pick_needs_no_place_but_a_named_one_must_be_its_source() -> None:
    pick = a_pick("task_1")
    assert judge(a_scan(place_code=None), a_bench(pick), set()).outcome == "done"
    assert judge(a_scan(place_code="A09-09-9"), a_bench(pick), set()).key == "scan.wrong_slot"


def test_an_unknown_code_is_refused() -> None:
    assert judge(a_scan("4006381333931"), a_bench(a_task()), set()).key == "scan.unknown_code"


def test_a_known_pallet_without_a_task_is_noted() -> None:
    assert judge(a_scan(), a_bench(), set()).outcome == "noted"


def test_a_task_of_another_site_or_none_is_refused() -> None:
    assert judge(a_scan(task_id="task_9"), a_bench(a_task()), set()).key == "scan.unknown_task"


def test_an_ended_task_is_not_done_twice() -> None:
    done = a_bench(a_task(state="done"))
    assert judge(a_scan(task_id="task_1"), done, set()).key == "scan.task_ended"
    batch = judge_all([a_scan(task_id="task_1"), a_scan(sequence=2, task_id="task_1")], a_bench(a_task()))
    assert [verdict.outcome for verdict in batch] == ["done", "refused"]


def test_somebody_elses_task_is_refused_until_the_claim_is_old() -> None:
    fresh = a_task(
        state="claimed", claimed_by="picker-b", claimed_at=NOW - CLAIM_LASTS + timedelta(seconds=1)
    )
    old = a_task(state="claimed", claimed_by="picker-b", claimed_at=NOW - CLAIM_LASTS)
    verdict = judge(a_scan(), a_bench(fresh), set())
    assert (verdict.key, verdict.facts) == ("tasks.claimed_by_another", {"claimed_by": "picker-b"})
    assert judge(a_scan(), a_bench(old), set()).outcome == "done"


def test_a_held_pallet_is_not_moved() -> None:
    assert judge(a_scan(), a_bench(a_task(), held_units={"unit_1"}), set()).key == "stock.held"


def test_of_several_picks_from_a_pallet_the_own_one_comes_first_and_each_scan_takes_one() -> None:
    bench = a_bench(
        a_pick("task_1"),
        a_pick("task_2", state="claimed", claimed_by="picker-a", claimed_at=NOW),
        a_pick("task_3", state="claimed", claimed_by="picker-b", claimed_at=NOW),
    )
    verdicts = judge_all([a_scan(place_code=None, sequence=number) for number in (1, 2, 3)], bench)
    assert [verdict.task and verdict.task.task_id for verdict in verdicts] == ["task_2", "task_1", "task_3"]
    assert [verdict.outcome for verdict in verdicts] == ["done", "done", "refused"]


def test_two_putaways_of_one_batch_never_fill_the_same_slot() -> None:
    second = a_task("task_2", unit_id="unit_2", sscc=OTHER)
    scans = [a_scan(), a_scan(OTHER, sequence=2)]
    assert [verdict.key for verdict in judge_all(scans, a_bench(a_task(), second))] == [
        None,
        "scan.slot_taken",
    ]


@pytest.mark.parametrize(
    ("boot", "sequences", "field"),
    [(1, [], "scans"), (0, [1], "boot"), (1, [2, 1], "scans.sequence"), (1, [1, 1], "scans.sequence")],
)
def test_a_batch_that_cannot_be_judged_names_the_field(boot: int, sequences: list[int], field: str) -> None:
    scans = tuple(a_scan(sequence=sequence) for sequence in sequences)
    with pytest.raises(Invalid) as refused:
        require_batch(RecordScans(site_id="site-a", device_id="pda-1", boot=boot, scans=scans))
    assert refused.value.facts["field"] == field


def test_a_pallet_that_left_by_the_books_is_not_silently_noted() -> None:
    verdict = judge(a_scan(), a_bench(gone_units={"unit_1"}), set())
    assert (verdict.outcome, verdict.key) == ("refused", "scan.has_left")
    assert judge(a_scan(OTHER), a_bench(gone_units={"unit_1"}), set()).outcome == "noted"
