"""What a ranch's devices say on the wire is what its world noticed, under their own numbers and clocks."""

import base64
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import msgspec
import numpy as np
import pytest

from kernel.rng import Rng
from simulators.faults.model import ClockDrift, Cut, DeviceFault, Reboot
from simulators.faults.network import Line
from simulators.sites.messages import Message
from simulators.sites.ranch import RanchDevices
from simulators.sites.tags import animal_number, bursting
from simulators.world.ranch.build import DAY_S, build_ranch
from simulators.world.ranch.bursts import burst_mg
from simulators.world.ranch.parameters import Parameters, read_parameters
from simulators.world.ranch.places import layout_of
from simulators.world.ranch.state import (
    FEEDING,
    LYING,
    RUMINATING,
    Beat,
    Dropped,
    Heard,
    Loaded,
    Passed,
    Ranch,
    Seen,
    Stood,
)
from simulators.world.ranch.step import step
from simulators.world.ranch.troubles import Drift, Off, TagsDie, Trouble
from twin.layout.model import violations

TEXT = (files("simulators.scenarios") / "reference_ranch.toml").read_text(encoding="utf-8")
SMALL: dict[str, dict[str, Any]] = {
    "site": {"animals": 60},
    "scale": {"chute_share_a_week": 3.5},
    "station": {"down_a_month": 0.0},
}
START = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
STEP_S = 300.0


def lived(
    hours: float, *, faults: Sequence[DeviceFault] = (), troubles: Sequence[Trouble] = (), **changes: Any
) -> tuple[Ranch, list[Seen], list[Message], RanchDevices]:
    """A small ranch after so many hours: its world, what that noticed, and what its devices said of it."""
    parameters, rng = read_parameters(TEXT, SMALL | changes), Rng(11)
    world = build_ranch(parameters, rng.child("world"), troubles)
    devices = RanchDevices(world, START, rng.child("devices"), faults)
    seen, said = list[Seen](), list[Message]()
    for _ in range(round(hours * 3_600 / STEP_S)):
        world = step(world, STEP_S, rng.child("steps"))
        seen += world.seen
        said += devices.say(world)
    return world, seen, said, devices


@pytest.fixture(scope="module")
def morning() -> tuple[Ranch, list[Seen], list[Message], RanchDevices]:
    """Twelve hours: a feeding, the herds that went out to graze, and half of the herd in the chute."""
    return lived(12.0)


def reports(said: Sequence[Message]) -> dict[str, list[dict[str, Any]]]:
    """What stations reported, by station."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for message in said:
        if message.via == "broker" and message.channel == "observation":
            parts = json.loads(message.payload)
            found[message.device] += parts if isinstance(parts, list) else [parts]
    return found


def beacon_of(report: dict[str, Any]) -> tuple[int, int]:
    """Number and counter as the profile places them, read without the product's codec."""
    frame = base64.b64decode(report["frame"])
    return int.from_bytes(frame[2:10], "big"), int.from_bytes(frame[10:14], "big")


def of_kind(seen: Sequence[Seen], kind: type) -> list[Any]:
    return [one for one in seen if type(one) is kind]


def test_a_station_reports_every_beacon_that_it_heard_and_numbers_them_in_the_order_of_time(
    morning: tuple[Ranch, list[Seen], list[Message], RanchDevices],
) -> None:
    _, seen, said, _ = morning
    by_station = reports(said)
    for number in range(8):
        heard = sum(len(one.animals) for one in of_kind(seen, Heard) if one.station == number)
        device = f"station-{number + 1}"
        assert sum("frame" in report for report in by_station[device]) == heard
        assert [report["sequence"] for report in by_station[device]] == list(
            range(1, len(by_station[device]) + 1)
        )
        moments = [report["observed_at"] for report in by_station[device]]
        assert moments == sorted(moments)


def test_a_beacon_that_several_stations_hear_is_the_same_bytes_at_the_same_moment(
    morning: tuple[Ranch, list[Seen], list[Message], RanchDevices],
) -> None:
    by_beacon: dict[tuple[int, int], dict[str, Any]] = defaultdict(dict)
    for device, several in reports(morning[2]).items():
        for report in several:
            if "frame" in report:
                by_beacon[beacon_of(report)][device] = report
    together = [stations for stations in by_beacon.values() if len(stations) > 2]
    assert together
    for stations in together:
        assert len({report["frame"] for report in stations.values()}) == 1


def test_a_tags_counter_grows_with_every_beacon_whether_a_scale_woke_it_or_not(
    morning: tuple[Ranch, list[Seen], list[Message], RanchDevices],
) -> None:
    clocks = morning[3].clocks
    by_tag: dict[int, set[tuple[float, int]]] = defaultdict(set)
    for device, several in reports(morning[2]).items():
        for report in several:
            if "frame" in report:
                shown = datetime.fromisoformat(report["observed_at"])
                at_s = (shown - START).total_seconds() - clocks.ahead_s(device)
                number, counter = beacon_of(report)
                by_tag[number].add((round(at_s, 1), counter))
    assert len(by_tag) > 55
    assert any("reader" in device for device in reports(morning[2]))
    for beacons in by_tag.values():
        counters = [counter for _, counter in sorted(beacons)]
        assert counters == sorted(counters)
        # One in every interval, and what scales woke: none is left out.
        assert max(counters) - min(counters) >= len({at_s for at_s, _ in beacons}) - 1


def test_nine_tags_in_ten_are_chinese_and_each_animal_has_its_own_number() -> None:
    numbers = [animal_number(animal) for animal in range(1_000)]
    assert len(set(numbers)) == 1_000
    assert sum(number.scheme == "china" for number in numbers) == 900
    assert {number.digits[:3] for number in numbers if number.scheme == "iso11784"} == {"156"}


def test_a_beat_counts_the_frames_since_the_last_one(
    morning: tuple[Ranch, list[Seen], list[Message], RanchDevices],
) -> None:
    several = reports(morning[2])["station-1"]
    since = 0
    for report in several:
        if "beat" in report:
            assert report["beat"]["heard_count"] == since
            since = 0
        else:
            since += 1
    assert sum("beat" in report for report in several) == len(
        [beat for beat in of_kind(morning[1], Beat) if beat.station == 0]
    )


def test_who_stands_on_a_scale_is_weighed_and_the_station_beside_it_hears_the_tag(
    morning: tuple[Ranch, list[Seen], list[Message], RanchDevices],
) -> None:
    world, seen, said, _ = morning
    stood = [one for one in of_kind(seen, Stood) if one.at_s < world.time_s]
    tickets = [message for message in said if message.via == "modbus"]
    assert len(tickets) == len(stood) > 25
    assert sorted(message.registers[0] << 16 | message.registers[1] for message in tickets) == sorted(
        one.shown_g // 100 for one in stood
    )
    beside = [report for device, several in reports(said).items() if "reader" in device for report in several]
    assert len(beside) == sum(one.is_tag_heard for one in stood)
    assert all(report["rssi_dbm"] > -60 for report in beside)


def test_the_wagons_stream_rests_at_what_was_loaded_and_each_work_has_its_line(
    morning: tuple[Ranch, list[Seen], list[Message], RanchDevices],
) -> None:
    _, seen, said, _ = morning
    lines = [
        line
        for message in said
        if message.via == "lines" and message.is_kept
        for line in message.payload.decode().splitlines()
    ]
    loads, drops = of_kind(seen, Loaded), of_kind(seen, Dropped)
    assert sum(",I,T," in line for line in lines) == len(loads)
    assert sum(",P, ," in line for line in lines) == len(drops) == 12
    assert f"{round(loads[0].shown_g / 1000):6}," in lines[0]
    stream = [message for message in said if message.via == "lines" and not message.is_kept]
    weights = [int(message.payload[1:7].replace(b" ", b"")) for message in stream]
    assert max(weights) == pytest.approx(sum(load.shown_g for load in loads) / 1000, rel=0.05)
    every_s = np.diff([message.at_s for message in stream])
    assert 0.49 < float(np.median(every_s)) < 0.51


def test_a_gate_camera_tells_a_running_total_of_each_direction(
    morning: tuple[Ranch, list[Seen], list[Message], RanchDevices],
) -> None:
    counted = of_kind(morning[1], Passed)
    last: dict[tuple[str, str], int] = {}
    for message in morning[2]:
        if "CountAggregation" in message.channel:
            told = json.loads(message.payload)
            last[message.device, told["Source"]["Rule"]] = int(told["Data"]["Count"])
    assert sum(last.values()) == sum(one.counted for one in counted) > 0


def test_bursts_are_sent_as_often_as_asked_and_never_when_not(
    morning: tuple[Ranch, list[Seen], list[Message], RanchDevices],
) -> None:
    animals = np.arange(60)
    parameters = read_parameters(TEXT, SMALL)
    often = sum(int(bursting(parameters, n * STEP_S, animals).sum()) for n in range(72 * 2))
    assert often == 60 * 2
    never = read_parameters(TEXT, SMALL | {"tag": {"burst_every_h": 0.0}})
    assert not bursting(never, 0.0, animals).any()
    flags = [
        base64.b64decode(report["frame"])[1]
        for several in reports(morning[2]).values()
        for report in several
        if "frame" in report
    ]
    assert any(flag & 8 for flag in flags)


def test_a_burst_tells_a_chew_a_second_from_lying_still_and_from_a_carcass() -> None:
    def strongest_hz(doing: int) -> float:
        burst = burst_mg(doing, is_dead=False, hz=10, samples=250, draw=Rng(doing).numpy)
        felt = np.linalg.norm(np.array(burst) - np.mean(burst, axis=0), axis=1)
        wave = np.array(burst, dtype=float)[:, np.argmax(np.std(burst, axis=0))]
        assert felt.max() < 2_000
        return float(np.fft.rfftfreq(250, 0.1)[1 + np.argmax(np.abs(np.fft.rfft(wave - wave.mean()))[1:])])

    assert strongest_hz(RUMINATING) == pytest.approx(1.0, abs=0.3)
    still = burst_mg(LYING, is_dead=True, hz=10, samples=100, draw=Rng(1).numpy)
    eating = burst_mg(FEEDING, is_dead=False, hz=10, samples=100, draw=Rng(1).numpy)
    assert np.std(still, axis=0).max() < 5
    assert np.std(eating, axis=0).max() > 50


def test_a_device_that_restarts_numbers_anew_and_a_clock_of_1970_is_shown(
    morning: tuple[Ranch, list[Seen], list[Message], RanchDevices],
) -> None:
    faults = (
        Reboot(at_h=2.0, set_h=2.5, device="station-1"),
        ClockDrift(from_h=0.0, until_h=4.0, device="station-2", s_a_day=86_400.0 / 4),
    )
    _, _, said, devices = lived(4.0, faults=faults)
    first = reports(said)["station-1"]
    anew = next(n for n, report in enumerate(first) if report["boot"] == 2)
    assert first[anew]["sequence"] == 1
    assert any(report["observed_at"].startswith("1970") for report in first)
    assert not first[-1]["observed_at"].startswith("1970")
    last = datetime.fromisoformat(reports(said)["station-2"][-1]["observed_at"])
    assert last - START - timedelta(hours=4) > timedelta(minutes=50) + timedelta(
        seconds=devices.clocks.ahead_s("station-2")
    )


def test_what_is_off_says_nothing_tags_die_at_once_and_a_scale_drifts() -> None:
    troubles = (
        Off("station-1", 0.0, 12 * 3_600.0),
        Off("wagon-1", 0.0, DAY_S),
        TagsDie(3 * 3_600.0, 20),
        Drift("chute-1", 0.0, DAY_S, 0.4),
    )
    world, seen, said, _ = lived(12.0, troubles=troubles)
    assert "station-1" not in reports(said)
    assert not any(message.device == "wagon-1" for message in said)
    assert int(world.herd.tag_is_dead.sum()) == 20
    assert float(world.herd.intake_g.sum()) > 0, "a wagon whose indicator is off feeds all the same"
    off = [
        one.shown_g / world.herd.mass_g[one.animal] - 1
        for one in of_kind(seen, Stood)
        if one.device == "chute-1"
    ]
    assert float(np.mean(off)) == pytest.approx(0.4 * 9.2 / 24, abs=0.03)
    dead = np.flatnonzero(world.herd.tag_is_dead)
    later = [one for one in of_kind(seen, Stood) if one.animal in dead and one.at_s > 3 * 3_600.0]
    assert later
    assert not any(one.is_tag_heard for one in later)


def test_a_station_that_was_without_power_starts_anew() -> None:
    often: dict[str, Any] = {"down_a_month": 90.0, "down_h_min": 0.5, "down_h_max": 1.0}
    _, _, said, _ = lived(12.0, station=often)
    boots = {report["boot"] for several in reports(said).values() for report in several}
    assert {1, 2} <= boots
    for several in reports(said).values():
        numbers = [(report["boot"], report["sequence"]) for report in several]
        assert numbers == sorted(numbers)
        assert len(set(numbers)) == len(numbers)


def test_a_cut_keeps_what_devices_keep_and_loses_what_they_stream(
    morning: tuple[Ranch, list[Seen], list[Message], RanchDevices],
) -> None:
    parameters = read_parameters(TEXT, SMALL)
    line = Line(parameters.network, [Cut(from_h=7.0, until_h=7.2)], Rng(1))
    line.put(morning[2])
    arrived = {message.number: message for message in line.take(13 * 3_600.0)}
    gone = [message for message in morning[2] if message.number not in arrived]
    assert gone
    assert all(message.via == "lines" and not message.is_kept for message in gone)
    assert line.lost == len(gone)


def test_the_same_seed_says_the_same_bytes_and_the_order_of_a_step_is_that_of_time(
    morning: tuple[Ranch, list[Seen], list[Message], RanchDevices],
) -> None:
    again = lived(12.0)[2]
    assert [message.wire() for message in again] == [message.wire() for message in morning[2]]


@pytest.mark.parametrize("changes", [{}, {"site": {"pens": 5, "pasture_pens": 2}}])
def test_the_layout_of_a_ranch_keeps_the_rules_and_mounts_every_device(
    changes: dict[str, dict[str, Any]],
) -> None:
    parameters: Parameters = read_parameters(TEXT, changes)
    layout = layout_of(parameters)
    assert violations(layout) == []
    assert layout.mode == "ranch"
    families = [mount.family for mount in layout.mounts]
    assert families.count("ear_tag") == 8 + 3
    assert families.count("modbus_weighbridge") == 3
    assert families.count("tmr") == 1
    assert families.count("onvif_m") == 2
    world = build_ranch(parameters, Rng(1))
    for zone in layout.zones:
        assert msgspec.json.encode(zone)
    assert len([zone for zone in layout.zones if zone.kind == "pen"]) == parameters.site.pens
    assert int(world.herd.pen.max()) == parameters.site.pens - 1
