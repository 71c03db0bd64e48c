"""World and product in one process under a simulated clock: nothing lost, nothing doubled, the same again."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.report import make_report
from app.simulate.command import SimulateOptions, report_text, run_simulation
from app.simulate.outcome import Outcome
from app.simulate.run import simulate
from app.simulate.scenario import Scenario, ScenarioUnknown, read_scenario, scenario_names, violations
from app.simulate.site import START, SimulatedSite
from kernel.messages import Observation
from simulators.faults.model import (
    ClockDrift,
    Cut,
    Delay,
    Down,
    Duplication,
    Fault,
    Loss,
    Reboot,
    Reorder,
    Storm,
)
from simulators.world.ranch.parameters import Parameters as RanchParameters
from simulators.world.ranch.places import layout_of as ranch_layout
from simulators.world.warehouse.acts import (
    Act,
    Blinded,
    GhostPallets,
    Paper,
    Removal,
    Rotated,
    Spoofed,
    TagCloned,
    unnumbered,
)
from simulators.world.warehouse.parameters import Parameters
from simulators.world.warehouse.places import layout_of
from tests.unit.simulators.test_warehouse_world import SMALL

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def a_small_one(**changes: object) -> Scenario:
    quiet = read_scenario("quiet_week")
    return msgspec.structs.replace(quiet, changes=SMALL, **changes)


HELPS = {
    "reader": {
        *("portal_read", "badly_placed_read", "portal_reads_a_crossing", "pass_read"),
        *("top_level_factor", "sweep_read", "placement_shares", "pass_material", "overhead_read"),
    },
    "gate": {"loop_seen", "plate_right"},
    "active": {"share_of_dearest", "heard_near", "heard_far", "near_m", "far_m"},
    "scale": {"drift_days"},
}
"""What is harder when it is lower, by table. All else of the tables of trouble is harder when higher."""
TROUBLES = "reader", "active", "gnss", "position", "scale", "camera", "gate", "clock", "network"


def softened(world: Parameters, scenario: Parameters) -> list[str]:
    """Rates of trouble that are lower in a scenario than in its world, by table and key."""
    found = []
    for table in TROUBLES:
        before, after = (msgspec.structs.asdict(getattr(of, table)) for of in (world, scenario))
        for key, value in before.items():
            pairs = zip(np.atleast_1d(value), np.atleast_1d(after[key]), strict=True)
            helps = key in HELPS.get(table, ())
            if any((new > old) if helps else (new < old) for old, new in pairs):
                found.append(f"{table}.{key}")
    careless = "misplaced_day", "misplaced_night"
    found += [f"flow.{key}" for key in careless if getattr(scenario.flow, key) < getattr(world.flow, key)]
    return found


def silent(_: str) -> None:
    pass


COMMIT = "a" * 40


class Stoppable:
    """Runs of three seeds of which the third is stopped once. `asked` are the seeds that were run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[int] = []
        self.scenario = a_small_one()
        self._is_stopping = False
        monkeypatch.setattr("app.simulate.command.current_commit", lambda: COMMIT)
        monkeypatch.setattr("app.simulate.command.read_scenario", lambda _: self.scenario)
        monkeypatch.setattr("app.simulate.command.simulate", self._simulate)

    def _simulate(self, scenario: Scenario, seed: int, days: int, say: object) -> Outcome:
        self.asked.append(seed)
        if seed == 3 and self._is_stopping:
            raise KeyboardInterrupt
        return simulate(scenario, seed, days, silent)

    def stopped(self, report: Path) -> SimulateOptions:
        """Begin a run and stop it in its third seed."""
        options = SimulateOptions(scenario="quiet_week", seed=1, seeds=3, days=1, resume=True, report=report)
        self._is_stopping = True
        with pytest.raises(KeyboardInterrupt):
            run_simulation(options, NOW, silent)
        self._is_stopping = False
        return options


RANCH_HELPS = {"station": {"heard_near", "heard_far", "near_m", "far_m"}}
RANCH_TROUBLES = {
    "station": {
        *("heard_near", "heard_far", "near_m", "far_m", "behind_bodies", "bodies_share", "correlation_calm"),
        *("correlation_bad", "bad_weather_share", "down_a_month", "down_h_max", "tag_death_a_year"),
    },
    "scale": {"chute_error_g", "walk_over_spread", "walk_over_wrong", "gut_fill"},
    "wagon": {"loading_sd", "weight_error_share", "resolution_g", "moving_noise"},
    "camera": {"miss", "double"},
    "clock": {"sigma_s", "drifting_share", "drift_s_max", "drift_s_a_day", "reboot_a_day"},
    "network": {"outage_a_day", "outage_min_max", "duplicate_share", "late_share", "late_s_max"},
}
"""What of a ranch's tables is trouble, and what of that is harder when it is lower."""


def softened_ranch(world: RanchParameters, scenario: RanchParameters) -> list[str]:
    found = []
    for table, keys in RANCH_TROUBLES.items():
        for key in sorted(keys):
            old, new = (getattr(getattr(of, table), key) for of in (world, scenario))
            if (new > old) if key in RANCH_HELPS.get(table, ()) else (new < old):
                found.append(f"{table}.{key}")
    return found


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return simulate(a_small_one(), 11, 1, silent)


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_file_can_be_read_and_is_no_softer_than_its_world(name: str) -> None:
    scenario = read_scenario(name)
    assert scenario.title_en
    assert scenario.title_zh
    world = msgspec.structs.replace(scenario, changes={})
    if scenario.mode == "ranch":
        assert softened_ranch(world.ranch_parameters(), scenario.ranch_parameters()) == []
    else:
        assert softened(world.parameters(), scenario.parameters()) == []


def test_a_softer_scenario_is_told() -> None:
    world = read_scenario("quiet_week")
    softer = msgspec.structs.replace(
        world,
        changes={"reader": {"pass_read": 0.9}, "camera": {"wrong_clear": 0.0}, "clock": {"sigma_s": 1.0}},
    )
    assert softened(world.parameters(), softer.parameters()) == ["reader.pass_read", "camera.wrong_clear"]


@pytest.mark.parametrize("name", scenario_names())
def test_acts_and_faults_of_every_scenario_are_possible_at_its_site(name: str) -> None:
    scenario = read_scenario(name)
    is_ranch = scenario.mode == "ranch"
    layout = ranch_layout(scenario.ranch_parameters()) if is_ranch else layout_of(scenario.parameters())
    assert violations(scenario, layout) == []
    assert all(act.at_h < 24 * scenario.days for act in scenario.acts)


def test_every_fraud_that_a_warehouse_can_have_is_a_scenario_with_its_number() -> None:
    numbers = [*range(1, 13), 14, *range(18, 23), 26, 28]
    frauds = {name: read_scenario(name) for name in scenario_names() if name.startswith("fraud")}
    assert sorted(frauds) == [f"fraud_{number:02d}" for number in numbers]
    for name, scenario in frauds.items():
        assert {act.case for act in scenario.act} == {int(name[-2:])}


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        (Down(from_h=1.0, until_h=2.0, device="camera-99"), "'camera-99' is no device of the site"),
        (Reboot(at_h=1.0, device="portal-1"), "device: one of camera"),
        (Down(from_h=2.0, until_h=1.0, device="camera-1"), "until_h: after its beginning"),
        (Loss(from_h=1.0, until_h=2.0, share=0.9), "share: no more than runs"),
        (Rotated(at_h=1.0, back_h=1.5, pallets=3), "back_h: after its beginning"),
        (Spoofed(at_h=1.0, until_h=2.0, device="scale-1", how="stay"), "device: one of forklift"),
        (Storm(from_h=1.0, until_h=2.0), "kind: at a ranch only"),
        (
            Loss(from_h=1.0, until_h=2.0, share=0.1, device="portal-1"),
            "device: 'portal-1' is heard over llrp, where there is no loss",
        ),
        (
            Duplication(from_h=1.0, until_h=2.0, share=0.1, late_s_max=9.0, device="scale-1"),
            "device: 'scale-1' is heard over modbus, where there is no duplication",
        ),
    ],
)
def test_an_impossible_act_or_fault_is_refused_by_field_and_rule(entry: Act | Fault, rule: str) -> None:
    table = "act" if isinstance(entry, Act) else "fault"
    scenario = a_small_one(**{table: (entry,)})
    with pytest.raises(ValueError, match=rule):
        simulate(scenario, 1, 1, silent)


def test_on_a_holiday_nothing_moves_and_no_crossing_is_told() -> None:
    holiday = read_scenario("holiday_week")
    changes = {**SMALL, "flow": {**SMALL["flow"], **holiday.changes["flow"]}}
    outcome = simulate(msgspec.structs.replace(holiday, changes=changes), 11, 1, silent)
    assert outcome.readings.keys().isdisjoint({"load_change", "mass", "scan", "barrier", "plate"})
    assert {(told.right, told.wrong, told.false) for told in outcome.crossings.values()} == {(0, 0, 0)}
    assert outcome.missing == 0


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
    assert outcome.readings.keys() == {
        *("tag_read", "position", "load_change", "mass", "scan", "barrier", "slot_sight", "plate"),
        *("environment", "uplink"),
    }
    assert outcome.quarantine == {}


def test_every_device_of_the_site_is_heard_within_a_day(outcome: Outcome) -> None:
    told = {device.rpartition("-")[0] for device in outcome.by_device}
    assert told >= {"overhead", "station", "tracker", "climate", "sweep", "fork-reader", "camera"}
    assert set(outcome.by_device["tracker-1"]) == {"position"}


def test_which_way_goods_went_is_told_and_held_to_the_truth(outcome: Outcome) -> None:
    inwards, outwards = outcome.crossings["in"], outcome.crossings["out"]
    assert inwards.true == inwards.right + inwards.untold == 20
    assert outwards.true == outwards.right + outwards.untold == 20
    # A fork that does not hear what it carries settles nothing that a portal left open.
    assert inwards.right >= 12
    assert outwards.right >= 12


def test_what_a_fork_did_not_hear_is_no_load_change(outcome: Outcome) -> None:
    assert 0.3 < outcome.readings["load_change"] / outcome.truth["LoadChanged"] < 0.9


def test_what_cameras_see_counts_for_a_lot_beside_what_readers_hear(outcome: Outcome) -> None:
    [end] = outcome.days
    assert outcome.noticed["frame_fresh"] > 0
    # Two modalities saw most of the stock, though few pallets moved in a day.
    assert end.low > 0.5 * end.true


def test_a_frozen_or_replayed_camera_says_nothing_of_it_and_only_its_pictures_come_again(
    outcome: Outcome,
) -> None:
    blinded = tuple(
        Blinded(at_h=1.0, case=18, until_h=3.0, device=f"camera-{number}", how=how)
        for number, how in ((1, "frozen"), (2, "replayed"))
    )
    noticed = simulate(a_small_one(act=blinded), 11, 1, silent).noticed
    assert noticed["picture_came_again"] == 48
    assert noticed["frame_fresh"] == outcome.noticed["frame_fresh"]
    assert "frame_frozen" not in noticed
    assert "frame_replayed" not in noticed
    assert "picture_came_again" not in outcome.noticed


def test_a_cut_line_delays_and_loses_nothing(outcome: Outcome) -> None:
    cut = simulate(a_small_one(fault=(Cut(from_h=9.0, until_h=12.0),)), 11, 1, silent)
    assert cut.line["delayed"] > 0
    assert cut.readings == outcome.readings
    assert cut.missing == 0


ON_BATTERY = {"pda", "forklift", "fork-reader", "tracker", "sweep"}
"""The drone or cart that sweeps flies at night; the others go on in a power cut."""


def test_a_power_cut_takes_every_device_on_the_mains_and_a_line_cut_none() -> None:
    power_cut, line_cut = read_scenario("power_cut"), read_scenario("line_cut")
    [cut] = power_cut.cuts
    assert line_cut.fault == (cut,)
    down = {fault.device for fault in power_cut.fault if isinstance(fault, Down)}
    mounts = {mount.mount_id for mount in layout_of(power_cut.parameters()).mounts} - {"lorawan-1"}
    assert down == {name for name in mounts if unnumbered(name) not in ON_BATTERY}
    restarted = {fault.device for fault in power_cut.fault if isinstance(fault, Reboot)}
    assert restarted == {
        name for name in down if unnumbered(name) in {"overhead", "station", "scale", "weighbridge"}
    }
    spans = {(fault.from_h, fault.until_h) for fault in power_cut.fault if isinstance(fault, Down)}
    assert spans == {(cut.from_h, cut.until_h)}
    assert {fault.at_h for fault in power_cut.fault if isinstance(fault, Reboot)} == {cut.until_h}


class Kept:
    """Takes readings and keeps them."""

    def __init__(self, readings: list[Observation]) -> None:
        self._readings = readings

    def __call__(self, observation: Observation, _: datetime) -> None:
        self._readings.append(observation)


def test_without_power_what_has_no_battery_sees_nothing_restarts_and_nothing_is_missing() -> None:
    flow: Any = SMALL["flow"]
    many_trucks = {**SMALL, "flow": {**flow, "pallets_a_truck": 1}}
    whole = msgspec.structs.replace(a_small_one(), changes=many_trucks)
    devices = {"", *(mount.mount_id for mount in layout_of(whole.parameters()).mounts)}
    cut = tuple(fault for fault in read_scenario("power_cut").fault if fault.device in devices)
    seen: dict[str, list[Observation]] = {"whole": [], "cut": []}
    missing = {}
    for name, scenario in (("whole", whole), ("cut", msgspec.structs.replace(whole, fault=cut))):
        site = SimulatedSite(scenario, 11, 1)
        product = site.product(Kept(seen[name]), lambda _: None)
        site.run_until(86_400.0, product)
        site.settle(product)
        missing[name] = product.missing
        assert not product.quarantine
    # Clocks are off by minutes at most.
    begins, ends = (START + timedelta(hours=hours) for hours in (11.9, 13.1))
    in_the_dark = {
        name: {unnumbered(one.device_id) for one in some if begins <= one.observed_at < ends}
        for name, some in seen.items()
    }
    assert in_the_dark["whole"] >= {"camera", "overhead", "scale", "gate-barrier", "gate-camera", "portal"}
    assert in_the_dark["cut"] <= ON_BATTERY
    assert "forklift" in in_the_dark["cut"]
    assert missing == {"whole": 0, "cut": 0}
    boots = {one.boot for one in seen["cut"] if one.device_id == "overhead-1"}
    assert boots == {1, 2}


TROUBLED = (
    Loss(from_h=7.0, until_h=12.0, share=0.05, burst_mean=4.0),
    Delay(from_h=7.0, until_h=9.0, s_min=1.0, s_max=30.0, device="forklift-1"),
    Duplication(from_h=9.0, until_h=11.0, share=0.2, late_s_max=30.0),
    Reorder(from_h=11.0, until_h=13.0, share=0.2, late_s_max=30.0),
    ClockDrift(from_h=0.0, until_h=24.0, s_a_day=60.0, device="forklift-2"),
    Reboot(at_h=10.0, set_h=10.5, device="forklift-1"),
    Reboot(at_h=9.0, device="fork-reader-1"),
    Down(from_h=8.0, until_h=9.0, device="portal-1"),
)
ACTED: tuple[Act, ...] = (
    GhostPallets(at_h=6.0, case=3, pallets=5),
    TagCloned(at_h=6.0, case=14, pallets=3),
    Spoofed(at_h=9.0, until_h=11.0, case=20, device="forklift-2", how="jump", by_m=5.0),
    Paper(at_h=9.0, case=28, what="drawdown", party="owner-1", lot=1, pallets=9, times=2),
    Removal(at_h=20.5, case=8, way="gate", pallets=4),
    Removal(at_h=23.9, case=10, way="load", pallets=4),
)


@pytest.fixture(scope="module")
def troubled() -> Outcome:
    return simulate(a_small_one(act=ACTED, fault=TROUBLED), 11, 1, silent)


def test_the_same_seed_gives_the_same_bytes_with_acts_and_faults_too(troubled: Outcome) -> None:
    again = simulate(a_small_one(act=ACTED, fault=TROUBLED), 11, 1, silent)
    assert again.wire_sha256 == troubled.wire_sha256
    assert again.journal_sha256 == troubled.journal_sha256
    assert again.detail_sha256 == troubled.detail_sha256
    assert again.acts == troubled.acts


def test_what_is_lost_is_missing_and_a_clock_of_1970_is_set_aside(
    troubled: Outcome, outcome: Outcome
) -> None:
    assert troubled.line["lost"] > 0
    assert troubled.missing > 0
    assert troubled.line["repeated"] > outcome.line["repeated"]
    assert troubled.line["late"] > outcome.line["late"]
    assert any("forklift-1 observed_at: not before" in rule for rule in troubled.quarantine)


def test_only_a_scenario_in_which_something_can_be_lost_is_said_to_lose() -> None:
    def loses(device: str) -> bool:
        return a_small_one(fault=(Loss(from_h=1.0, until_h=2.0, share=0.1, device=device),)).loses

    assert {device: loses(device) for device in ("", "pda-1", "scale-1", "forklift-1")} == {
        "": True,
        "pda-1": False,
        "scale-1": True,
        "forklift-1": True,
    }


def test_what_is_lost_on_the_way_of_a_handheld_and_of_a_scale_shows(outcome: Outcome) -> None:
    asked = simulate(
        a_small_one(fault=(Loss(from_h=0.0, until_h=24.0, share=0.4, device="pda-1"),)), 11, 1, silent
    )
    assert asked.line["delayed"] > 0
    assert (asked.missing, asked.readings["scan"]) == (0, outcome.readings["scan"])
    polled = simulate(
        a_small_one(fault=(Loss(from_h=0.0, until_h=24.0, share=0.4, device="scale-1"),)), 11, 1, silent
    )
    assert polled.readings["mass"] < outcome.readings["mass"]
    assert polled.line["lost"] > 0
    assert polled.missing > 0


def test_a_device_that_restarts_begins_again_at_one_and_nothing_is_missing_or_doubled(
    outcome: Outcome,
) -> None:
    again = simulate(a_small_one(fault=(Reboot(at_h=10.0, device="fork-reader-1"),)), 11, 1, silent)
    assert again.missing == 0
    assert again.readings == outcome.readings
    assert again.journal_sha256 != outcome.journal_sha256


def test_a_report_tells_each_act_as_it_was_and_what_could_show_it(troubled: Outcome) -> None:
    done = {act.kind: act for act in troubled.acts if act.case}
    assert len(done["removal"].pallets) == 4
    assert done["removal"].left_at is not None
    assert done["removal"].left_at > done["removal"].at
    assert done["ghost_pallets"].worth_fen > 0
    assert done["paper"].observable == "not observable here"
    assert troubled.noticed["paper_drawdown"] == 2
    # No released truck is left before midnight.
    assert troubled.acts_not_done == [5]


def test_a_report_holds_truth_against_belief_and_a_stopped_run_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stoppable = Stoppable(monkeypatch)
    options = stoppable.stopped(tmp_path / "r.json")
    report = run_simulation(options, NOW, silent)
    assert stoppable.asked == [1, 2, 3, 3]
    assert [outcome["seed"] for outcome in report.detail["seeds"]] == [1, 2, 3]
    assert report.detail["seeds"][0]["days"][0]["true"] > 0
    assert json.loads((tmp_path / "r.json").read_bytes())["detail"]["seeds"] == report.detail["seeds"]
    assert not (tmp_path / "r.json.parts").exists()


def test_what_another_scenario_another_commit_or_a_changed_program_gave_is_not_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stoppable = Stoppable(monkeypatch)
    options = stoppable.stopped(tmp_path / "r.json")

    def asked_again() -> list[int]:
        stoppable.asked.clear()
        run_simulation(options, NOW, silent)
        return stoppable.asked

    stoppable.scenario = a_small_one(fault=(Cut(from_h=9.0, until_h=12.0),))
    assert asked_again() == [1, 2, 3]
    stoppable.scenario = a_small_one()
    for commit in ("b" * 40, COMMIT + "-changed", "unknown"):
        monkeypatch.setattr("app.simulate.command.current_commit", lambda commit=commit: commit)
        assert asked_again() == [1, 2, 3]
    monkeypatch.setattr("app.simulate.command.current_commit", lambda: COMMIT)
    assert asked_again() == [3], "what others left beside the same report is still there"


def test_what_was_run_is_kept_until_the_report_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stoppable = Stoppable(monkeypatch)
    options = stoppable.stopped(tmp_path / "r.json")
    (tmp_path / "r.json").mkdir()
    with pytest.raises(IsADirectoryError):
        run_simulation(options, NOW, silent)
    (tmp_path / "r.json").rmdir()
    stoppable.asked.clear()
    run_simulation(options, NOW, silent)
    assert stoppable.asked == []


def test_a_run_in_which_nothing_failed_is_told_from_one_in_which_something_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = SimulateOptions(scenario="hard_day", days=1)
    lossy = a_small_one(fault=(Loss(from_h=7.0, until_h=12.0, share=0.05, burst_mean=4.0),))
    monkeypatch.setattr("app.simulate.command.read_scenario", lambda _: lossy)
    report = run_simulation(options, NOW, silent)
    assert [check.ok for check in report.checks] == [None, None, None]
    assert report.ok is None
    runner = CliRunner()
    assert runner.invoke(cli, ["simulate", "hard_day", "--days", "1"]).exit_code == 0
    unlike = iter(("a", "b"))

    def another(*given: Any) -> Outcome:
        return msgspec.structs.replace(simulate(*given), wire_sha256=next(unlike))

    monkeypatch.setattr("app.simulate.command.simulate", another)
    assert runner.invoke(cli, ["simulate", "hard_day", "--days", "1", "--twice"]).exit_code == 1


def test_what_was_noticed_is_told_in_words(outcome: Outcome) -> None:
    report = make_report(
        *("simulate.quiet_week",),
        seed=11,
        started_at=NOW,
        checks=[],
        environment={},
        detail={"seeds": [msgspec.to_builtins(outcome)]},
    )
    text = report_text(report)
    assert "noticed: frame fresh " in text
    assert "{" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--report", "."], "is a directory"),
        *(([name, "1"], f"{name}: only with --live") for name in ("--minutes", "--pace", "--from-hour")),
        *(([name, "pyproject.toml"], f"{name}: only with --live") for name in ("--accounts", "--site")),
        (["--herd-key", "x"], "--herd-key: only with --live"),
        *((["--live", name, "2"], f"{name}: only without --live") for name in ("--seeds", "--jobs")),
        *((["--live", name], f"{name}: only without --live") for name in ("--resume", "--twice")),
    ],
)
def test_what_a_run_would_not_heed_is_refused_by_name_before_it_begins(words: list[str], said: str) -> None:
    answer = CliRunner().invoke(cli, ["simulate", "busy_day", *words], env={"TERM": "dumb", "COLUMNS": "200"})
    assert answer.exit_code == 2
    assert said in answer.stderr
