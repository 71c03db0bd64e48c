"""Any order, repetition and batching of one set of readings leaves the same journal, on a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.database import PgTx
from devices.ingest.audit import audit
from devices.ingest.handlers import record
from devices.ingest.model import Received
from devices.ingest.store import journal_after
from devices.messages import EnrolDevice
from devices.registry.handlers import enrol_device
from kernel.messages import MassReading, Observation, TagRead
from tests.conftest import START

SITE = "site-a"
Identity = tuple[str, int, int]

identities = st.sets(
    st.tuples(st.sampled_from(["reader", "scale"]), st.integers(1, 2), st.integers(1, 12)), min_size=1
)


@pytest.fixture
async def site(as_caller, tx: PgTx) -> AsyncIterator[str]:
    for device_id, family in (("reader", "llrp"), ("scale", "modbus_weighbridge")):
        where = {"host": "127.0.0.1", "port": 1}
        async with as_caller("product") as product:
            await enrol_device(
                EnrolDevice(site_id=SITE, device_id=device_id, family=family, connection=where), product
            )
    yield SITE


def observation(identity: Identity) -> Observation:
    """The one reading of an identity. Every fifth of the scale is a mass that cannot be."""
    device_id, boot, sequence = identity
    reading: TagRead | MassReading = TagRead(epc_hex=f"{sequence:02X}", antenna=1, rssi_cdbm=-6000)
    if device_id == "scale":
        reading = MassReading(mass_g=-1 if sequence % 5 == 0 else 1000 * sequence, weight_id=sequence)
    at = START - timedelta(hours=boot, seconds=sequence)
    return Observation(device_id=device_id, boot=boot, sequence=sequence, observed_at=at, reading=reading)


def is_sound(identity: Identity) -> bool:
    return not (identity[0] == "scale" and identity[2] % 5 == 0)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=identities, data=st.data())
async def test_any_order_and_repetition_of_the_same_readings_leaves_the_same_journal(
    site: str, tx: PgTx, chosen: set[Identity], data: st.DataObject
) -> None:
    repeats = data.draw(st.lists(st.sampled_from(sorted(chosen)), max_size=12))
    arrivals = data.draw(st.permutations([*sorted(chosen), *repeats]))
    cuts = data.draw(st.lists(st.integers(0, len(arrivals)), max_size=4).map(sorted))
    acked = {}
    async with tx.connection.transaction(force_rollback=True):
        for start, end in zip([0, *cuts], [*cuts, len(arrivals)], strict=True):
            batch = [
                Received(observation=observation(identity), received_at=START)
                for identity in arrivals[start:end]
            ]
            acked |= (await record(tx, SITE, batch)).acked
        journal = await journal_after(tx, SITE, 0, 1000)
        [audited] = await audit(tx)
    sound = {identity for identity in chosen if is_sound(identity)}
    assert {one.observation.observation_id for one in journal} == {
        observation(identity).observation_id for identity in sound
    }
    assert [one.position for one in journal] == list(range(1, len(sound) + 1))
    assert audited.findings == []
    for (device_id, boot), through in acked.items():
        numbers = {number for name, start, number in chosen if (name, start) == (device_id, boot)}
        missing = next(number for number in range(1, 99) if number not in numbers)
        assert (through.boot, through.sequence) == (boot, missing - 1)
