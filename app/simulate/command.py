"""Runs of many seeds, side by side or taken up again, and their one report."""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from app.report import Check, Report, checks_text, current_commit, is_certain, make_report, write_report
from app.simulate.outcome import Outcome
from app.simulate.run import simulate
from app.simulate.scenario import Scenario, read_scenario

WEEK_S_MAX = 180.0
WEEK_DAYS = 7

Say = Callable[[str], None]


class SimulateOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says. `twice` runs the first seed again and compares every byte."""

    scenario: str
    seed: int = 1
    seeds: int = 1
    days: int | None = None
    jobs: int = 1
    resume: bool = False
    twice: bool = False
    report: Path | None = None


def run_simulation(options: SimulateOptions, started_at: datetime, say: Say) -> Report:
    """Run all seeds, report, and write the report where the options say so. Raises ScenarioUnknown, or
    msgspec.ValidationError for a bad file."""
    scenario = read_scenario(options.scenario)
    days = scenario.days if options.days is None else options.days
    kept = _Kept(options, scenario, days)
    if options.resume:
        say(kept.taken_up)
    wanted = [seed for seed in range(options.seed, options.seed + options.seeds) if seed not in kept.done]
    for outcome in _outcomes(scenario, wanted, days, options.jobs, say):
        kept.keep(outcome)
    outcomes = [kept.done[seed] for seed in sorted(kept.done)]
    again = simulate(scenario, options.seed, days, say) if options.twice else None
    report = make_report(
        f"simulate.{options.scenario}",
        seed=options.seed,
        started_at=started_at,
        checks=_checks(options, scenario, days, outcomes, again),
        detail={
            "scenario": msgspec.to_builtins(scenario),
            "days": days,
            "coverage": _coverage(outcomes),
            "seeds": [msgspec.to_builtins(outcome) for outcome in outcomes],
        },
        environment={"jobs": options.jobs},
    )
    if options.report is not None:
        write_report(report, options.report)
    kept.forget()
    return report


def _outcomes(scenario: Scenario, seeds: list[int], days: int, jobs: int, say: Say) -> Iterable[Outcome]:
    if jobs <= 1 or len(seeds) <= 1:
        yield from (simulate(scenario, seed, days, say) for seed in seeds)
        return
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        for outcome in pool.map(partial(_quietly, scenario, days=days), seeds):
            say(f"seed {outcome.seed}: done, {sum(outcome.readings.values()):,} readings")
            yield outcome


def _quietly(scenario: Scenario, seed: int, *, days: int) -> Outcome:
    return simulate(scenario, seed, days, lambda _: None)


class _Kept:
    """Outcomes beside the report while it is not on disk, so that a run that was stopped can be taken up: by
    the same commit, unchanged, of the same scenario and world. A changed program keeps none."""

    def __init__(self, options: SimulateOptions, scenario: Scenario, days: int) -> None:
        commit = current_commit()
        is_kept = options.report is not None and is_certain(commit)
        self._folder = Path(f"{options.report}.parts") if is_kept else None
        self._name = _digest(commit, scenario, days)
        self._seeds = range(options.seed, options.seed + options.seeds)
        self.done: dict[int, Outcome] = {}
        if options.resume and is_kept:
            for seed in self._seeds:
                if (part := self._part(seed)).exists():
                    self.done[seed] = msgspec.json.decode(part.read_bytes(), type=Outcome)
        self.taken_up = (
            f"{len(self.done)} seeds are taken up"
            if is_kept
            else f"nothing is taken up: the program is not known to be the same (commit {commit})"
        )

    def _part(self, seed: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{self._name}-{seed}.json"

    def keep(self, outcome: Outcome) -> None:
        self.done[outcome.seed] = outcome
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._part(outcome.seed)
            beside = part.with_suffix(".new")
            beside.write_bytes(msgspec.json.encode(outcome))
            beside.replace(part)

    def forget(self) -> None:
        """Parts of other runs stay."""
        if self._folder is not None:
            for seed in self._seeds:
                self._part(seed).unlink(missing_ok=True)
            with suppress(OSError):
                self._folder.rmdir()


def _digest(commit: str, scenario: Scenario, days: int) -> str:
    """Of all that decides what a seed gives."""
    world = scenario.ranch_parameters() if scenario.mode == "ranch" else scenario.parameters()
    return hashlib.sha256(msgspec.json.encode((commit, scenario, world, days))).hexdigest()[:32]


def _coverage(outcomes: list[Outcome]) -> float | None:
    """Share of lot-days whose interval held the truth."""
    ends = [end for outcome in outcomes for end in outcome.days]
    lots = sum(end.lots for end in ends)
    return sum(end.lots_covered for end in ends) / lots if lots else None


def _checks(
    options: SimulateOptions,
    scenario: Scenario,
    days: int,
    outcomes: list[Outcome],
    again: Outcome | None,
) -> list[Check]:
    first = next(outcome for outcome in outcomes if outcome.seed == options.seed)
    is_week = options.scenario == "quiet_week" and days == WEEK_DAYS
    checks = [
        Check(
            name="simulate.week_s",
            value=first.cpu_s if is_week else None,
            unit="s",
            bound=f"<= {WEEK_S_MAX:.0f}",
            ok=first.cpu_s <= WEEK_S_MAX if is_week else None,
            how="processor time of one process over a week of the reference warehouse"
            if is_week
            else "asked for quiet_week and seven days only",
        ),
        Check(
            name="simulate.nothing_missing",
            value=sum(outcome.missing for outcome in outcomes),
            unit="readings",
            bound="= 0",
            ok=None if scenario.loses else all(outcome.missing == 0 for outcome in outcomes),
            how="numbers of devices that lie below others that came"
            + ("; this scenario loses messages" if scenario.loses else ""),
        ),
    ]
    same = None if again is None else _digests(first) == _digests(again)
    checks.append(
        Check(
            name="simulate.same_bytes",
            value=None if same is None else float(same),
            unit="held",
            bound="= 1",
            ok=same,
            how="wire, journal and detail of two runs of one seed" if same is not None else "not asked for",
        )
    )
    return checks


def _digests(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.wire_sha256, outcome.journal_sha256, outcome.detail_sha256


def _act_text(done: dict[str, Any]) -> str:
    """One act's truth as a line."""
    what = f"{len(done['pallets'])} pallets, {done['worth_fen'] / 100:,.2f} CNY" if done["pallets"] else ""
    case = f"case {done['case']}" if done["case"] else "fault"
    about = "; ".join(part for part in (done["device"], what, done["observable"]) if part)
    return f"act {done['act']}: {case}, {done['kind']} at {done['at']}: {about}"


def _warehouse_text(end: dict[str, Any]) -> str:
    return (
        f"at the end {end['true']:,} pallets, believed {end['low']:,} to {end['high']:,},"
        f" {end['lots_covered']} of {end['lots']} lots within"
    )


def _ranch_text(end: dict[str, Any]) -> str:
    """One day's truth and what was heard of it."""
    return (
        f"day {end['day'] + 1}: {end['head']:,} head alive, {end['heard_alive']:,} of them heard"
        f" ({end['tags_dark']} with a dead tag); {end['died']} died; fed {end['fed_g'] / 1e6:.2f} t, told"
        f" {end['fed_told_g'] / 1e6:.2f} t; {end['weighed']} weighed, {end['weighed_told']} told,"
        f" {end['weighed_known']} known; out {end['went_out']}, counted {end['went_out_counted']}; stations"
        f" down {end['station_hours_down']} h, silent {end['station_hours_silent']} h"
    )


def _noticed_text(noticed: dict[str, int]) -> str:
    counts = [f"{name.replace('_', ' ')} {count:,}" for name, count in noticed.items() if count]
    return ", ".join(counts) or "nothing"


def report_text(report: Report) -> str:
    """The report's figures as lines for people."""
    lines = [checks_text(report.checks)]
    for outcome in report.detail["seeds"]:
        ended = [_warehouse_text(end) for end in outcome["days"][-1:]]
        ended += [_ranch_text(end) for end in outcome["ranch_days"]]
        lines.append(f"seed {outcome['seed']}: {sum(outcome['readings'].values()):,} readings")
        lines += [f"  {text}" for text in ended]
        lines.append(f"  noticed: {_noticed_text(outcome['noticed'])}")
        lines += [_act_text(done) for done in outcome["acts"]]
        lines += [f"act {number}: no occasion in these days" for number in outcome["acts_not_done"]]
    return "\n".join(lines)
