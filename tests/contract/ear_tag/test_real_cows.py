"""Bursts of real cows through the simulated tag and back: every sample as it was measured.

The data are `cows_5hz` of the R package triact: two cows, hind leg, five samples a second, in g. They are not
shipped; the test looks for them beside the checkout.
"""

import base64
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from devices.drivers.ear_tag.codec import decode
from devices.ingest.readings import Bounds, broken_rule
from devices.transport.decoding import Arrived
from kernel.messages import Observation
from simulators.protocols.ear_tag.frames import Burst, Tag, iso_number
from tests.contract.ear_tag.rda import read_rda

HERD_KEY = bytes(range(32))
NAME = "shared/data/cow_accelerometer_5hz.rda"
FILE = next((folder / NAME for folder in Path(__file__).parents if (folder / NAME).exists()), None)
BURSTS = 100
SAMPLES = 50


@pytest.mark.skipif(FILE is None, reason=f"no {NAME} beside the checkout")
def test_bursts_of_real_cows_come_back_as_they_were_measured() -> None:
    assert FILE is not None
    cows = read_rda(FILE)["cows_5hz"]
    axes = [cows[name] for name in ("acc_fwd", "acc_up", "acc_right")]
    measured = [tuple(round(g * 1000) for g in sample) for sample in zip(*axes, strict=True)]
    tag = Tag(HERD_KEY, iso_number(156, 1))
    step = len(measured) // BURSTS
    bursts = [measured[start : start + SAMPLES] for start in range(0, BURSTS * step, step)]
    reports = [
        {
            "boot": 1,
            "sequence": place,
            "observed_at": datetime.fromtimestamp(cows["time"][(place - 1) * step], UTC),
            "rssi_dbm": -80,
            "frame": base64.b64encode(tag.beacon(burst=Burst(5, burst))).decode(),
        }
        for place, burst in enumerate(bursts, start=1)
    ]
    heard = decode(
        Arrived(
            site_id="ranch",
            device_id="station",
            payload=msgspec.json.encode(reports),
            received_at=datetime(2021, 7, 1, tzinfo=UTC),
            settings={"herd_key": HERD_KEY},
        ),
        {},
    )
    assert all(isinstance(item, Observation) for item in heard)
    assert [list(item.reading.burst_mg) for item in heard] == bursts
    assert {item.reading.burst_hz for item in heard} == {5}
    assert [broken_rule(item.reading, Bounds()) for item in heard] == [None] * BURSTS
    # A standing or lying cow feels one g, whichever way the leg points.
    means = [
        sum(sum(axis * axis for axis in sample) ** 0.5 for sample in burst) / SAMPLES for burst in bursts
    ]
    assert 900 < sorted(means)[BURSTS // 2] < 1_100
