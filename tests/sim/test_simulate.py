"""World and product in one process under a simulated clock: nothing lost, nothing doubled, the same again."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from app.simulate.command import SimulateOptions, run_simulation
from app.simulate.run import Outcome, simulate
from app.simulate.scenario import CutHours, Scenario, ScenarioUnknown, read_scenario, scenario_names
from tests.unit.simulators.test_warehouse_world import SMALL

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def a_small_one(**changes: object) -> Scenario:
    quiet = read_scenario("quiet_week")
    return msgspec.structs.replace(quiet, changes=SMALL, **changes)


def silent(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return simulate(a_small_one(), 11, 1, silent)


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_file_can_be_read_and_is_no_softer_than_its_world(name: str) -> None:
    scenario = read_scenario(name)
    assert scenario.title_en
    assert scenario.title_zh
    assert scenario.parameters()


def test_a_scenario_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ScenarioUnknown, match="quiet_week"):
        read_scenario("riot")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(outcome: Outcome) -> None:
    again, other = simulate(a_small_one(), 11, 1, silent), simulate(a_small_one(), 12, 1, silent)
    assert again.wire_sha256 == outcome.wire_sha256
    assert again.journal_sha256 == outcome.journal_sha256
    assert again.detail_sha256 == outcome.detail_sha256
    assert other.wire_sha256 != outcome.wire_sha256


def test_repeats_are_stored_once_and_no_number_is_missing(outcome: Outcome) -> None:
    assert outcome.line["repeated"] > 0
    assert outcome.duplicates > 0
    assert outcome.missing == 0


def test_readings_of_every_kind_of_device_reach_the_journal(outcome: Outcome) -> None:
    assert {"tag_read", "position", "load_change", "mass", "scan", "barrier"} <= outcome.readings.keys()


def test_a_cut_line_delays_and_loses_nothing(outcome: Outcome) -> None:
    cut = simulate(a_small_one(cut=(CutHours(from_h=9.0, until_h=12.0),)), 11, 1, silent)
    assert cut.line["delayed"] > 0
    assert cut.readings == outcome.readings
    assert cut.missing == 0


def test_a_report_holds_truth_against_belief_and_a_stopped_run_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.simulate.command.read_scenario", lambda _: a_small_one())
    asked: list[int] = []

    def counted(scenario: Scenario, seed: int, days: int, say: object) -> Outcome:
        asked.append(seed)
        if seed == 3 and asked.count(3) == 1:
            raise KeyboardInterrupt
        return simulate(scenario, seed, days, silent)

    monkeypatch.setattr("app.simulate.command.simulate", counted)
    options = SimulateOptions(
        scenario="quiet_week", seed=1, seeds=3, days=1, resume=True, report=tmp_path / "r.json"
    )
    with pytest.raises(KeyboardInterrupt):
        run_simulation(options, NOW, silent)
    report = run_simulation(options, NOW, silent)
    assert asked == [1, 2, 3, 3]
    assert [outcome["seed"] for outcome in report.detail["seeds"]] == [1, 2, 3]
    assert report.detail["seeds"][0]["days"][0]["true"] > 0
    assert not (tmp_path / "r.json.parts").exists()
