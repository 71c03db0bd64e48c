"""Two that speak under one device's identity end its acceptances and are told."""

from collections.abc import Sequence

import pytest

from app.database import PgTx
from devices.api import TurnedAway, enrol_device, record_observations, record_turned_away, unvouched_devices
from devices.messages import AcceptanceEnded, AcceptDevice, RetireDevice
from devices.registry.clones import TOLD_EVERY
from devices.registry.handlers import accept_device, retire_device
from devices.registry.views import history_of_device
from kernel.clock import ManualClock
from kernel.geometry import Point
from kernel.messages import DeviceCloned, Observation, PositionReading
from tests.store.devices.test_acceptance import BANK, NEW_SECRET, evidence, keeper
from tests.store.devices.test_registry import SITE, a_device

__all__ = ["keeper"]


async def say(tx: PgTx, sequence: int, x_m: float = 1.0) -> None:
    reading = PositionReading(point=Point(x_m, 1.0))
    seen = Observation(device_id="fork", boot=1, sequence=sequence, observed_at=tx.now, reading=reading)
    await record_observations(tx, SITE, [seen])


async def two_connections(
    tx: PgTx, device_id: str = "fork", said: bytes = b"from 10.0.0.8, 10.0.0.9"
) -> None:
    noted = TurnedAway(
        device_id=device_id, field="identity", rule="one device", first_at=tx.now, last_at=tx.now, said=said
    )
    await record_turned_away(tx, None, [noted])


def told(tx: PgTx) -> Sequence[DeviceCloned]:
    return [event for event in tx.events if isinstance(event, DeviceCloned)]


@pytest.fixture
async def fork(keeper: str, as_caller, tx: PgTx) -> str:
    """A forklift that a bank accepted."""
    await enrol_device(a_device(), tx)
    async with as_caller(BANK, "officer") as bank:
        await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
    return "fork"


async def test_after_a_number_came_again_with_another_reading_nothing_is_evidence(
    fork: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    await say(tx, 1)
    await say(tx, 1, x_m=2.0)
    await say(tx, 2)
    assert await evidence(tx) == [True, False]
    [sign] = told(tx)
    assert (sign.device_id, sign.observation_id, sign.ended_acceptance) == ("fork", "fork:1:1", True)
    assert [event.cause for event in tx.events if isinstance(event, AcceptanceEnded)] == ["cloned"]
    async with as_caller(BANK, "officer", reading=True) as read:
        [device] = await unvouched_devices(read, SITE, BANK)
        assert (device.is_evidence, device.end_cause) == (False, "cloned")
    assert [entry.act for entry in await history_of_device(tx, "fork")] == ["cloned", "accepted", "enrolled"]


async def test_two_connections_are_told_with_where_they_come_from(fork: str, tx: PgTx) -> None:
    await two_connections(tx)
    [sign] = told(tx)
    assert (sign.observation_id, sign.said) == ("", "from 10.0.0.8, 10.0.0.9")
    await say(tx, 1)
    assert await evidence(tx) == [False]


async def test_what_goes_on_is_told_once_a_minute_and_at_once_after_an_acceptance(
    fork: str, as_caller, tx: PgTx, clock: ManualClock
) -> None:
    async def after(seconds: float) -> int:
        clock.advance(seconds)
        async with as_caller("product") as later:
            await two_connections(later)
            return len(told(later))

    assert await after(1) == 1
    assert await after(TOLD_EVERY.total_seconds() - 1) == 0
    assert await after(1) == 1
    async with as_caller(BANK, "officer") as bank:
        await accept_device(AcceptDevice(device_id="fork", enrolment=1, secret=NEW_SECRET), bank)
    assert await after(1) == 1
    accepted = await tx.value("SELECT accepted_at FROM devices.device WHERE device_id = 'fork'")
    assert accepted is None


async def test_strangers_and_retired_devices_have_nothing_to_copy(fork: str, tx: PgTx) -> None:
    await retire_device(RetireDevice(device_id="fork"), tx)
    await two_connections(tx)
    await two_connections(tx, "nobody")
    assert told(tx) == []
