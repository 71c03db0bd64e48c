"""Clocks of devices are as far off as the world's file says, and as often as it says they restart."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files

import msgspec
import numpy as np
import pytest

from kernel.rng import Rng
from simulators.sites.clocks import DAY_S, DeviceClocks, draw_reboots
from simulators.world.warehouse.parameters import read_parameters

CLOCK = read_parameters(
    (files("simulators.scenarios") / "reference_warehouse.toml").read_text(encoding="utf-8")
).clock
START = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
DEVICES = [f"device-{number}" for number in range(2_000)]


def ahead_s(clocks: DeviceClocks, day: float) -> np.ndarray:
    then = START + timedelta(days=day)
    return np.array([(clocks.shown(device, day * DAY_S) - then).total_seconds() for device in DEVICES])


def test_one_clock_in_fifty_drifts_by_the_day_and_the_others_stay_within_two_seconds() -> None:
    clocks = DeviceClocks(CLOCK, START, Rng(4))
    first, week = ahead_s(clocks, 0.0), ahead_s(clocks, 7.0)
    drifts = np.abs(week - first) > 0.01
    assert drifts.mean() == pytest.approx(CLOCK.drifting_share, abs=0.01)
    assert np.quantile(np.abs(first[~drifts]), 0.99) < 2.0
    a_day_s = (week - first)[drifts] / 7
    assert np.abs(a_day_s).max() <= CLOCK.drift_s_a_day
    assert np.abs(a_day_s).max() > 0.7 * CLOCK.drift_s_a_day
    # Ahead and behind, by minutes within the week.
    assert (a_day_s > 0).any()
    assert (a_day_s < 0).any()
    assert np.abs(week[drifts]).max() > 60.0


def test_devices_restart_as_often_as_the_file_says_and_half_of_them_in_1970() -> None:
    reboots = draw_reboots(CLOCK, DEVICES, 7, Rng(4))
    assert len(reboots) == pytest.approx(0.01 * 7 * 2_000, abs=40)
    in_1970 = [fault for fault in reboots if fault.set_h]
    assert len(in_1970) == pytest.approx(len(reboots) / 2, abs=25)
    assert all(fault.at_h < fault.set_h <= fault.at_h + 0.25 for fault in in_1970)
    clocks = DeviceClocks(CLOCK, START, Rng(4), reboots)
    [shown] = [clocks.shown(one.device, one.at_h * 3_600 + 0.001) for one in in_1970[:1]]
    assert shown.year == 1970
    none = msgspec.structs.replace(CLOCK, reboot_a_day=0.0)
    assert draw_reboots(none, DEVICES, 7, Rng(4)) == []
