"""Ear tags on a real PostgreSQL: a copy of a beacon is set aside, whichever station or site brings it."""

from datetime import datetime, timedelta

import pytest

from app.database import PgTx
from devices.ingest.audit import audit
from devices.ingest.handlers import Recorded, record
from devices.ingest.model import Received
from devices.messages import EnrolDevice
from devices.registry.handlers import enrol_device
from kernel.clock import ManualClock
from kernel.messages import AnimalBeacon, Observation

RANCHES = {"station-1": "ranch", "station-2": "ranch", "far-station": "other-ranch"}


@pytest.fixture
async def stations(as_caller, tx: PgTx) -> None:
    """Two stations of a ranch and one of another, of one herd's key."""
    for device_id, site_id in RANCHES.items():
        async with as_caller("product") as product:
            await enrol_device(
                EnrolDevice(
                    site_id=site_id,
                    device_id=device_id,
                    family="ear_tag",
                    connection={"herd_key": "herd-a"},
                    secret="s" * 32,
                ),
                product,
            )


class Air:
    """Beacons as stations hear them, each numbered by its station."""

    def __init__(self, tx: PgTx, clock: ManualClock) -> None:
        self._tx = tx
        self._clock = clock
        self._sequences = dict.fromkeys(RANCHES, 0)

    def heard(
        self,
        counter: int,
        station: str = "station-1",
        at: datetime | None = None,
        animal_id: str = "156000000000001",
        key_id: str = "630dcd2966c43366",
    ) -> Observation:
        self._sequences[station] += 1
        return Observation(
            device_id=station,
            boot=1,
            sequence=self._sequences[station],
            observed_at=at or self._clock.now(),
            reading=AnimalBeacon(animal_id=animal_id, counter=counter, rssi_cdbm=-8000, key_id=key_id),
        )

    async def put(self, *heard: Observation) -> Recorded:
        now = self._tx.now = self._clock.now()
        batch = [Received(observation=observation, received_at=now) for observation in heard]
        return await record(self._tx, RANCHES[heard[0].device_id], batch)

    async def count(self) -> int:
        return await self._tx.value("SELECT count(*) FROM devices.observation WHERE kind = 'animal'")


@pytest.fixture
def air(stations: None, tx: PgTx, clock: ManualClock) -> Air:
    return Air(tx, clock)


async def test_a_beacon_heard_again_later_is_a_replay_and_is_counted(
    air: Air, tx: PgTx, clock: ManualClock
) -> None:
    await air.put(air.heard(41), air.heard(42))
    clock.advance(300)
    recorded = await air.put(air.heard(42), air.heard(41), air.heard(43))
    assert recorded.stored == 1
    assert [(entry.sequence, entry.field) for entry in recorded.rejected] == [(3, "counter"), (4, "counter")]
    assert recorded.acked["station-1", 1].sequence == 5
    rows = await tx.rows("SELECT field, rule, times FROM devices.quarantine ORDER BY sequence")
    assert rows == 2 * [
        {"field": "counter", "rule": "above the tag's last, or heard before that was: a replay", "times": 1}
    ]
    errors = "SELECT error_count FROM devices.device_state WHERE device_id = 'station-1'"
    assert await tx.value(errors) == 2
    assert (await audit(tx))[0].findings == []


async def test_a_copy_played_at_another_site_is_a_replay_there(air: Air, clock: ManualClock) -> None:
    await air.put(air.heard(42))
    clock.advance(3600)
    recorded = await air.put(air.heard(42, "far-station"))
    assert (recorded.stored, [entry.field for entry in recorded.rejected]) == (0, ["counter"])


async def test_two_stations_may_hear_one_beacon(air: Air, clock: ManualClock) -> None:
    await air.put(air.heard(42, "station-1"))
    clock.advance(2)
    recorded = await air.put(air.heard(42, "station-2"))
    assert (recorded.stored, recorded.rejected) == (1, [])


async def test_a_station_whose_clock_is_ahead_may_hear_what_another_heard(
    air: Air, clock: ManualClock
) -> None:
    await air.put(air.heard(42, "station-1"))
    recorded = await air.put(air.heard(42, "station-2", at=clock.now() + timedelta(seconds=200)))
    assert (recorded.stored, recorded.rejected) == (1, [])


@pytest.mark.parametrize("behind_s", [59, 61, 90, 3600])
async def test_a_station_whose_clock_is_behind_costs_neither_its_own_beacons_nor_those_of_others(
    air: Air, tx: PgTx, clock: ManualClock, behind_s: int
) -> None:
    for counter in range(42, 46):
        clock.advance(300)
        late = air.heard(counter, "station-1", at=clock.now() - timedelta(seconds=behind_s))
        first = await air.put(late)
        clock.advance(1)
        second = await air.put(air.heard(counter, "station-2", at=clock.now() - timedelta(seconds=1)))
        assert (first.stored, second.stored, first.rejected, second.rejected) == (1, 1, [], [])
    skews = "SELECT device_id, clock_skew_ms FROM devices.device_state ORDER BY device_id"
    shown = {row["device_id"]: row["clock_skew_ms"] for row in await tx.rows(skews)}
    assert shown == {"station-1": -1_000 * behind_s, "station-2": -1_000}


async def test_beside_a_station_whose_clock_is_behind_one_whose_line_was_cut_keeps_its_beacons(
    air: Air, clock: ManualClock
) -> None:
    heard_at = clock.now()
    await air.put(air.heard(42, "station-1", at=heard_at - timedelta(seconds=90)))
    clock.advance(8 * 3600)
    recorded = await air.put(air.heard(42, "station-2", at=heard_at))
    assert (recorded.stored, recorded.rejected) == (1, [])


async def test_a_copy_is_a_replay_also_where_the_clock_that_heard_the_first_was_behind(
    air: Air, clock: ManualClock
) -> None:
    await air.put(air.heard(42, "station-1", at=clock.now() - timedelta(seconds=90)))
    clock.advance(61)
    recorded = await air.put(air.heard(42, "station-2"))
    assert (recorded.stored, [entry.field for entry in recorded.rejected]) == (0, ["counter"])


async def test_what_a_station_kept_while_its_line_was_cut_is_good(air: Air, clock: ManualClock) -> None:
    cut_at = clock.now()
    for counter in range(43, 48):
        clock.advance(300)
        await air.put(air.heard(counter, "station-2"))
    kept = [
        air.heard(counter, at=cut_at + timedelta(seconds=300 * (counter - 42))) for counter in range(43, 48)
    ]
    recorded = await air.put(*kept)
    assert (recorded.stored, recorded.rejected) == (5, [])


async def test_a_report_sent_again_is_a_repeat_and_no_replay(air: Air, clock: ManualClock) -> None:
    first = air.heard(42)
    await air.put(first)
    await air.put(air.heard(43))
    clock.advance(600)
    recorded = await air.put(first)
    assert (recorded.duplicates, recorded.rejected) == (1, [])


async def test_tags_and_keys_have_counters_of_their_own(air: Air, clock: ManualClock) -> None:
    await air.put(air.heard(42))
    clock.advance(300)
    recorded = await air.put(
        air.heard(1, animal_id="156000000000002"), air.heard(1, key_id="0000000000000000")
    )
    assert (recorded.stored, recorded.rejected) == (2, [])
    assert await air.count() == 3
