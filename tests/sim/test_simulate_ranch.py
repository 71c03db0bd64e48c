"""A ranch and the product in one process under a simulated clock: what is heard of it beside what is true."""

import json
from typing import Any

import msgspec
import pytest

from app.simulate.herd_noticing import HerdNoticing
from app.simulate.outcome import Outcome
from app.simulate.run import simulate
from app.simulate.scenario import Scenario, read_scenario, violations
from app.simulate.site import SimulatedRanch
from simulators.faults.model import (
    ClockDrift,
    Cut,
    Down,
    Duplication,
    Fault,
    Loss,
    Reboot,
    Reorder,
    ScaleDrift,
    TagDeath,
)
from simulators.world.warehouse.acts import Removal

SMALL: dict[str, dict[str, Any]] = {
    "site": {"animals": 48, "pens": 4, "pasture_pens": 2},
    "scale": {"chute_share_a_week": 2.0},
    "station": {"down_a_month": 0.0},
    "clock": {"drifting_share": 0.0},
    "network": {"outage_a_day": 0.0},
}


def a_small_one(**changes: Any) -> Scenario:
    """Calm but for what `changes` say, so that what they do shows."""
    quiet = read_scenario("quiet_ranch_week")
    return msgspec.structs.replace(quiet, changes=SMALL | changes.pop("world", {}), **changes)


def silent(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return simulate(a_small_one(), 11, 1, silent)


FAULTS: tuple[Fault, ...] = (
    TagDeath(at_h=2.0, tags=8),
    Down(from_h=1.0, until_h=4.0, device="station-5"),
    Loss(from_h=8.0, until_h=12.0, share=0.05, burst_mean=4.0),
    Duplication(from_h=12.0, until_h=13.0, share=0.2, late_s_max=30.0),
    Reorder(from_h=13.0, until_h=14.0, share=0.2, late_s_max=30.0),
    Reboot(at_h=14.0, set_h=14.5, device="station-1"),
    ClockDrift(from_h=0.0, until_h=24.0, device="station-2", s_a_day=-20.0),
    ScaleDrift(from_h=0.0, until_h=24.0, device="chute-1", share_a_day=0.5),
    Cut(from_h=16.0, until_h=16.5),
    Down(from_h=6.9, until_h=8.0, device="wagon-1"),
)


@pytest.fixture(scope="module")
def troubled() -> Outcome:
    return simulate(a_small_one(fault=FAULTS), 11, 1, silent)


def test_readings_of_every_device_of_a_ranch_reach_the_journal_and_none_is_refused(outcome: Outcome) -> None:
    assert outcome.readings.keys() == {
        *("animal", "station", "mass", "feed_weight", "feed_event", "line_count", "status")
    }
    assert outcome.quarantine == {}
    assert outcome.missing == 0
    layout = SimulatedRanch(a_small_one(), 11, 1).layout
    assert outcome.by_device.keys() == {mount.mount_id for mount in layout.mounts}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    outcome: Outcome, troubled: Outcome
) -> None:
    again = simulate(a_small_one(), 11, 1, silent)
    assert (again.wire_sha256, again.journal_sha256, again.detail_sha256) == (
        outcome.wire_sha256,
        outcome.journal_sha256,
        outcome.detail_sha256,
    )
    assert simulate(a_small_one(), 12, 1, silent).wire_sha256 != outcome.wire_sha256
    faulty = simulate(a_small_one(fault=FAULTS), 11, 1, silent)
    assert faulty.wire_sha256 == troubled.wire_sha256
    assert faulty.detail_sha256 == troubled.detail_sha256


def test_a_quiet_day_tells_the_truth_beside_what_was_heard(outcome: Outcome) -> None:
    [day] = outcome.ranch_days
    assert outcome.days == []
    assert day.heard_alive == day.head == 48
    assert day.fed_told_g == pytest.approx(day.fed_g, rel=0.02)
    assert day.loaded_told_g == pytest.approx(day.loaded_g, rel=0.02)
    assert day.weighed_told == day.weighed > 20
    assert 0.8 * day.weighed < day.weighed_known <= day.weighed
    assert 0 < day.mass_off_g["chute-1"] < 20_000
    assert day.went_out > 0
    assert day.went_out_counted == pytest.approx(day.went_out, abs=5)
    assert day.station_hours_down == day.station_hours_silent == 0


def test_what_fails_is_told_as_truth_and_shows_in_what_was_heard(troubled: Outcome, outcome: Outcome) -> None:
    [day], [calm] = troubled.ranch_days, outcome.ranch_days
    assert day.tags_dark == 8
    assert day.station_hours_down == pytest.approx(3.0, abs=0.1)
    assert day.station_hours_silent >= 2.5
    assert day.fed_told_g < 0.7 * day.fed_g, "an indicator that is off tells nothing of what is fed"
    assert day.fed_g == pytest.approx(calm.fed_g, rel=0.05)
    assert day.mass_off_g["chute-1"] > 5 * calm.mass_off_g["chute-1"]
    assert troubled.line["lost"] > 0
    assert troubled.missing > 0
    assert any("station-1 observed_at: not before" in rule for rule in troubled.quarantine)


def test_a_cut_line_delays_what_stations_heard_and_loses_only_the_wagons_stream(outcome: Outcome) -> None:
    cut = simulate(a_small_one(fault=(Cut(from_h=15.9, until_h=17.0),)), 11, 1, silent)
    assert cut.line["delayed"] > 0
    assert cut.missing == 0
    kept = [kind for kind in outcome.readings if kind not in ("feed_weight", "status")]
    assert {kind: cut.readings[kind] for kind in kept} == {kind: outcome.readings[kind] for kind in kept}
    assert cut.readings["feed_weight"] < outcome.readings["feed_weight"]
    assert cut.quarantine == {}


def test_honest_beacons_are_no_replays_where_one_stations_clock_is_behind() -> None:
    drift = ClockDrift(from_h=0.0, until_h=0.5, device="station-2", s_a_day=-3_600.0)
    behind = simulate(a_small_one(fault=(drift,)), 11, 1, silent)
    assert behind.by_device["station-2"]["animal"] > 0
    assert behind.quarantine == {}


def test_a_beacon_that_is_played_again_later_is_set_aside_as_a_replay() -> None:
    site = SimulatedRanch(a_small_one(), 11, 1)
    noticing = HerdNoticing(site.layout, site.start)
    product = site.product(noticing.take)
    _, said = site.go_on()
    overheard = next(message for message in said if b'"frame"' in message.payload)
    site.line.put(said)
    site.run_until(3_600.0, product)
    now = site.moment(site.time_s)
    played = [
        {**report, "boot": 2, "sequence": number, "observed_at": now.isoformat()}
        for number, report in enumerate(json.loads(overheard.payload), start=1)
    ]
    before = sum(product.stored.values())
    product.receive(msgspec.structs.replace(overheard, payload=json.dumps(played).encode()), now)
    assert sum(product.stored.values()) == before
    [(rule, times)] = product.quarantine.items()
    assert "a replay" in rule
    assert times == len(played)


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        (Down(from_h=1.0, until_h=2.0, device="camera-1"), "'camera-1' is no device of the site"),
        (Reboot(at_h=1.0, device="wagon-1"), "device: one of station"),
        (ScaleDrift(from_h=1.0, until_h=2.0, device="station-1", share_a_day=0.1), "one of chute"),
        (Down(from_h=2.0, until_h=1.0, device="station-1"), "until_h: after its beginning"),
    ],
)
def test_an_impossible_fault_of_a_ranch_is_refused_by_field_and_rule(entry: Fault, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        simulate(a_small_one(fault=(entry,)), 1, 1, silent)


def test_a_ranch_knows_no_acts_of_a_warehouse() -> None:
    acted = a_small_one(act=(Removal(at_h=1.0, way="gate", pallets=4),))
    layout = SimulatedRanch(a_small_one(), 1, 1).layout
    assert "act: a ranch knows none" in violations(acted, layout)
