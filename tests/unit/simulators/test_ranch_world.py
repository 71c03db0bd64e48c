"""The reference ranch keeps its truth, is pure, and is as unkind as its parameters say."""

from importlib.resources import files

import msgspec
import numpy as np
import pytest

from kernel.rng import Rng
from simulators.world.ranch import hearing, living
from simulators.world.ranch.build import DAY_S, build_ranch, curve_g
from simulators.world.ranch.parameters import Parameters, read_parameters
from simulators.world.ranch.state import (
    DEAD,
    RUMINATING,
    SICK,
    Beat,
    Died,
    Dropped,
    Heard,
    Loaded,
    Passed,
    Ranch,
    Seen,
    Stood,
)
from simulators.world.ranch.step import step
from simulators.world.ranch.troubles import Stormy

TEXT = (files("simulators.scenarios") / "reference_ranch.toml").read_text(encoding="utf-8")
STEP_S = 300.0


def run(parameters: Parameters, seed: int, days: float) -> tuple[Ranch, list[Seen], np.ndarray]:
    """The ranch after so many days, all that was noticed, and how many steps each animal lay."""
    rng = Rng(seed)
    world, seen = build_ranch(parameters, rng.child("world")), list[Seen]()
    lay = np.zeros(world.herd.count)
    for _ in range(round(days * DAY_S / STEP_S)):
        world = step(world, STEP_S, rng.child("steps"))
        seen += world.seen
        lay += world.herd.doing <= RUMINATING
    return world, seen, lay


@pytest.fixture(scope="module")
def parameters() -> Parameters:
    return read_parameters(TEXT)


@pytest.fixture(scope="module")
def three_days(parameters: Parameters) -> tuple[Ranch, list[Seen], np.ndarray]:
    return run(parameters, 1, 3)


def of_kind(seen: list[Seen], kind: type) -> list:
    return [item for item in seen if type(item) is kind]


def test_a_step_is_pure_and_can_be_made_again(parameters: Parameters) -> None:
    rng = Rng(7)
    world = build_ranch(parameters, rng.child("world"))
    for _ in range(90):
        world = step(world, STEP_S, rng.child("steps"))
    before = msgspec.structs.asdict(world.herd)
    kept = {name: column.copy() for name, column in before.items()}
    first, second = (step(world, STEP_S, Rng(7).child("steps")) for _ in range(2))
    assert all(np.array_equal(kept[name], column) for name, column in before.items())
    assert repr(first.seen) == repr(second.seen)
    for name in kept:
        assert np.array_equal(getattr(first.herd, name), getattr(second.herd, name)), name


def test_in_a_storm_every_herd_crowds_in_a_corner_and_goes_out_again_afterwards(
    parameters: Parameters,
) -> None:
    rng, stood = Rng(7), {}
    world = build_ranch(parameters, rng.child("world"), (Stormy(2 * 3_600.0, 12 * 3_600.0),))
    while world.time_s < 16 * 3_600:
        world = step(world, STEP_S, rng.child("steps"))
        herd, hour = world.herd, world.time_s / 3_600
        first = herd.pen == 0
        stood[hour] = float(np.ptp(herd.x_m[first])), float(herd.y_m[first].mean())
        if 2.1 < hour <= 12.0:
            assert world.is_bad_weather
    assert stood[1.0][0] > 15.0
    # At ten a herd that grazes would be out.
    assert stood[10.0][0] <= 8.0
    assert stood[10.0][1] == pytest.approx(stood[3.0][1], abs=2.0)
    assert stood[16.0][0] > 15.0


def test_another_seed_is_another_ranch(parameters: Parameters) -> None:
    ranches = [build_ranch(parameters, Rng(seed).child("world")) for seed in (1, 2)]
    assert not np.array_equal(ranches[0].herd.mass_g, ranches[1].herd.mass_g)


def test_animals_grow_by_their_own_curve(
    parameters: Parameters, three_days: tuple[Ranch, list[Seen], np.ndarray]
) -> None:
    herd = three_days[0].herd
    well = (herd.health == 0) & (herd.until_s == 0)
    age_days = 3 - herd.birth_s / DAY_S
    curve = curve_g(parameters, herd.adult_g, herd.growth_a_day, age_days)
    assert np.allclose(herd.mass_g[well], curve[well], rtol=1e-6)
    gain = herd.mass_g - build_ranch(parameters, Rng(1).child("world")).herd.mass_g
    assert 600 < float(np.mean(gain[well])) / 3 < 1_400, "grams a day"


def test_a_curve_begins_at_birth_and_ends_grown(parameters: Parameters) -> None:
    adult, growth = np.array([600_000.0]), np.array([0.004])
    assert curve_g(parameters, adult, growth, np.array([0.0])) == pytest.approx([40_000.0])
    assert curve_g(parameters, adult, growth, np.array([4_000.0])) == pytest.approx(adult, rel=0.001)


def test_animals_lie_eight_to_fourteen_hours_and_most_at_night(
    three_days: tuple[Ranch, list[Seen], np.ndarray],
) -> None:
    hours = three_days[2] * STEP_S / 3_600 / 3
    assert 9.0 < float(np.mean(hours)) < 13.0
    assert float(np.mean((hours > 8) & (hours < 14))) > 0.95


def test_a_beacon_is_heard_as_often_as_stated(parameters: Parameters) -> None:
    draw = Rng(3).child("test").numpy
    station = msgspec.structs.replace(parameters.station, bodies_share=0.0)
    open_field = msgspec.structs.replace(parameters, station=station)
    luck = draw.normal(0.0, 0.6, 40_000)
    shocks = draw.normal(0.0, 1.0, 40_000) * hearing.shock_sd(0.1, 0.6)
    for far_m, stated in ((50.0, 0.98), (250.0, 0.83)):
        chances = hearing.chance(open_field, np.full(40_000, far_m), luck, shocks, draw)
        assert float(chances.mean()) == pytest.approx(stated, abs=0.01)
    behind = hearing.chance(
        msgspec.structs.replace(parameters, station=msgspec.structs.replace(station, bodies_share=1.0)),
        np.full(40_000, 50.0),
        luck,
        shocks,
        draw,
    )
    assert float(behind.mean()) == pytest.approx(0.88, abs=0.01)


def test_misses_of_one_station_are_shared(parameters: Parameters) -> None:
    draw = Rng(4).child("test").numpy
    luck, far_m = np.zeros(400), np.full(400, 200.0)
    alone, together = [], []
    for _ in range(300):
        shock = float(draw.normal()) * hearing.shock_sd(0.2, 0.6)
        alone.append((draw.random(400) < hearing.chance(parameters, far_m, luck, 0.0, draw)).mean())
        together.append((draw.random(400) < hearing.chance(parameters, far_m, luck, shock, draw)).mean())
    assert np.std(together) > 3 * np.std(alone)


def test_almost_every_tag_is_heard_within_the_hour_and_stations_say_that_they_listen(
    three_days: tuple[Ranch, list[Seen], np.ndarray],
) -> None:
    world, seen, _ = three_days
    last_hour = [item for item in of_kind(seen, Heard) if item.at_s >= 3 * DAY_S - 3_600]
    tags = set(np.concatenate([item.animals for item in last_hour]).tolist())
    alive = np.flatnonzero(world.herd.is_here & ~world.herd.tag_is_dead)
    assert len(tags & set(alive.tolist())) / len(alive) > 0.99
    beats = of_kind(seen, Beat)
    assert {beat.station for beat in beats} == set(range(8))
    assert len(beats) <= 8 * 3 * 144


def test_a_station_that_stopped_hears_nothing(parameters: Parameters) -> None:
    world = build_ranch(parameters, Rng(1).child("world"))
    down = msgspec.structs.replace(world, station_down_until_s=np.full(8, DAY_S))
    assert of_kind(list(step(down, STEP_S, Rng(1)).seen), Heard) == []
    assert of_kind(list(step(world, STEP_S, Rng(1)).seen), Heard) != []


def test_feed_is_loaded_dropped_and_eaten_and_the_books_balance(
    parameters: Parameters, three_days: tuple[Ranch, list[Seen], np.ndarray]
) -> None:
    world, seen, _ = three_days
    loaded = sum(item.shown_g for item in of_kind(seen, Loaded))
    dropped = sum(item.shown_g for item in of_kind(seen, Dropped))
    assert abs(loaded - dropped - world.carried_g) / loaded < 0.02
    assert float(world.herd.intake_g.sum()) == pytest.approx(dropped / 3, rel=0.05)
    share = dropped / 3 * parameters.day.dry_matter / float(world.herd.mass_g.sum())
    assert 0.018 < share < 0.028, "dry matter a day of body mass"
    assert {item.ingredient for item in of_kind(seen, Loaded)} == set(parameters.wagon.ingredients)
    assert {item.pen for item in of_kind(seen, Dropped)} == set(range(12))


def test_scales_show_masses_near_the_truth_and_walk_over_is_the_worse(
    three_days: tuple[Ranch, list[Seen], np.ndarray],
) -> None:
    world, seen, _ = three_days
    off: dict[bool, list[float]] = {True: [], False: []}
    for item in of_kind(seen, Stood):
        off[item.device == "chute-1"].append(item.shown_g / world.herd.mass_g[item.animal] - 1)
    assert len(off[True]) == pytest.approx(3 * 1_000 * 0.2 / 7, abs=4)
    assert np.std(off[True]) < 0.03
    assert np.std(off[False]) > 0.05
    assert len(off[False]) > 300


def test_gate_cameras_count_the_herds_that_graze(three_days: tuple[Ranch, list[Seen], np.ndarray]) -> None:
    passed = of_kind(three_days[1], Passed)
    assert len(passed) == 3 * 2 * 4
    assert all(abs(item.counted - item.truly) <= 12 for item in passed)
    assert any(item.counted != item.truly for item in passed)


def test_the_sick_have_a_fever_and_the_dead_cool_and_are_taken_away(parameters: Parameters) -> None:
    health = {"sick_a_year": 40.0, "death_a_year": 30.0, "death_after_sickness": 0.5, "sick_days_min": 0.2}
    ill = read_parameters(TEXT, {"health": {**health, "sick_days_max": 0.5}})
    world, seen, _ = run(ill, 5, 4)
    dead, sick = world.herd.health == DEAD, world.herd.health == SICK
    assert dead.sum() > 100
    assert sick.sum() > 10
    assert len(of_kind(seen, Died)) == dead.sum()
    assert (world.herd.pen[dead] == -1).sum() > 20
    lying = [item for item in of_kind(seen, Heard) if item.at_s >= 4 * DAY_S - STEP_S]
    warmth = {
        int(a): int(t) for item in lying for a, t in zip(item.animals, item.temperature_mc, strict=True)
    }
    fevers = [warmth[a] for a in np.flatnonzero(sick).tolist() if a in warmth]
    assert np.mean(fevers) > 39_500
    carcasses = [warmth[a] for a in np.flatnonzero(dead & (world.herd.pen >= 0)).tolist() if a in warmth]
    assert np.mean(carcasses) < 34_000


def test_deaths_come_as_often_as_stated(parameters: Parameters) -> None:
    draw = Rng(6).child("test").numpy
    herd, died = build_ranch(parameters, Rng(6)).herd, 0
    for day in range(365):
        health, until_s, will_die, dies = living.sickened(parameters, herd, day * DAY_S, DAY_S, draw)
        died += int(dies.sum())
        herd = msgspec.structs.replace(herd, health=health, until_s=until_s, will_die=will_die)
    assert 4 <= died <= 30, "15 of 1,000 a year"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"site": {"pasture_pens": 13}}, "pasture_pens"),
        ({"wagon": {"shares": [1.0]}}, "shares"),
        ({"station": {"far_m": 40.0}}, "far_m"),
        ({"site": {"cows": 1}}, "cows"),
    ],
)
def test_parameters_that_do_not_fit_together_are_refused(
    changes: dict[str, dict[str, object]], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        read_parameters(TEXT, changes)


def test_a_step_longer_than_the_tags_interval_is_refused(parameters: Parameters) -> None:
    world = build_ranch(parameters, Rng(1))
    with pytest.raises(ValueError, match="dt_s"):
        step(world, 301.0, Rng(1))
