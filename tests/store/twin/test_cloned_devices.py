"""A copied device is one alarm for as long as it goes on, seen by whoever may look at the site's devices."""

from datetime import timedelta

import pytest

from app.database import PgTx
from identity.api import grant_access
from kernel.messages import DeviceCloned
from tests.conftest import START
from tests.store.twin.choreography import SITE, open_site
from twin import api as twin
from twin.alarms.cloned import SIGNS_KEPT, on_device_cloned
from twin.messages import AlarmRaised, AlarmRow, ClearAlarm


@pytest.fixture(autouse=True)
async def site(tx: PgTx) -> None:
    await open_site(tx)


async def cloned(tx: PgTx, minute: int = 0, **changes: object) -> None:
    given = {"site_id": SITE, "device_id": "gate-1-reader", "said": "from 10.0.0.8, 10.0.0.9"} | changes
    sign = DeviceCloned(seen_at=START + timedelta(minutes=minute), **given)  # type: ignore[arg-type]
    await on_device_cloned(sign, tx)


async def shown(tx: PgTx) -> list[AlarmRow]:
    return await twin.alarms(tx, SITE)


def raised(tx: PgTx) -> list[AlarmRaised]:
    return [event for event in tx.events if isinstance(event, AlarmRaised)]


async def test_the_alarm_names_the_device_and_where_its_connections_came_from(tx: PgTx) -> None:
    await cloned(tx, ended_acceptance=True)
    [alarm] = await shown(tx)
    assert (alarm.kind, alarm.grade, alarm.state) == ("device_cloned", "check", "active")
    assert alarm.facts == {
        "device_id": "gate-1-reader",
        "reasons": ["two_connections", "acceptance_ended"],
    }
    [sign] = alarm.evidence
    assert (sign.device_id, sign.modality, sign.at) == ("gate-1-reader", None, START)
    assert sign.summary == "from 10.0.0.8, 10.0.0.9"
    assert raised(tx)[0].evidence_ids == []


async def test_a_number_that_came_again_is_evidence_by_its_name(tx: PgTx) -> None:
    await cloned(tx, observation_id="gate-1-reader:7:12")
    [alarm] = await shown(tx)
    assert [item.summary for item in alarm.evidence] == ["number 12 of boot 7"]
    assert raised(tx)[0].evidence_ids == ["gate-1-reader:7:12"]


async def test_it_is_raised_once_while_it_goes_on_and_again_after_it_was_closed(tx: PgTx, as_caller) -> None:
    for minute in range(2 * SIGNS_KEPT):
        await cloned(tx, minute)
    [alarm] = await shown(tx)
    assert len(raised(tx)) == 1
    moments = [item.at for item in alarm.evidence]
    assert (moments[0], moments[-1]) == (START, START + timedelta(minutes=2 * SIGNS_KEPT - 1))
    assert len(moments) == SIGNS_KEPT + 1
    async with as_caller("keeper-t", "keeper") as keeper:
        await twin.clear_alarm(ClearAlarm(alarm_id=alarm.alarm_id, reason="The copy was taken down"), keeper)
    await cloned(tx, 60)
    assert len(raised(tx)) == 2
    assert [row.state for row in await shown(tx)] == ["active", "cleared"]


async def test_two_devices_are_two_alarms(tx: PgTx) -> None:
    await cloned(tx)
    await cloned(tx, device_id="weighbridge-1")
    assert len(await shown(tx)) == 2


async def test_a_bank_that_may_look_at_the_devices_sees_it_without_any_goods(tx: PgTx, as_caller) -> None:
    await cloned(tx)
    await grant_access(tx, "bank-t", f"devices:{SITE}", cause="invited")
    for party_id, count in (("bank-t", 1), ("keeper-t", 1), ("bank-u", 0)):
        async with as_caller(party_id, "officer", reading=True) as read:
            assert len(await twin.alarms(read, SITE)) == count
