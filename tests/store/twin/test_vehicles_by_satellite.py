"""A vehicle's satellite receiver: WGS 84 to the site's frame, on the ground, shown while it is near."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from app.database import PgTx
from kernel.geometry import Origin, Point
from kernel.layout import Mount
from kernel.messages import DevicePlaced, DeviceRetired, Observation, PositionReading
from tests.conftest import START
from tests.store.twin.choreography import SITE, a_layout, envelopes, open_site
from twin import api as twin
from twin.messages import AssetState, ImportLayout

ORIGIN = Origin(29.71, 115.98, 25.0, rotation_deg=30.0)
YARD = (115.9803, 29.7102)
"""Longitude and latitude of a place on the site: 29.03 m east and 22.17 m north of its origin."""
IN_SITE = Point(36.22, 4.68, 0.0)
"""The same in the site's frame, which is turned by 30 degrees."""
HIGHWAY = (116.2, 29.9)


async def a_site_with_trucks(tx: PgTx, *device_ids: str, family: str = "jt808") -> None:
    """One mount that all trucks share, since it moves with them."""
    await open_site(tx)
    layout = a_layout()
    trucks = Mount(mount_id="trucks", family=family, serves="truck", x_mm=0, y_mm=0)
    layout = msgspec.structs.replace(layout, origin=ORIGIN, mounts=[*layout.mounts, trucks])
    await twin.import_layout(ImportLayout(layout=layout, keeper_party_id="keeper-t"), tx)
    for device_id in device_ids:
        await placed(tx, device_id, family)


async def placed(tx: PgTx, device_id: str, family: str = "jt808") -> None:
    event = DevicePlaced(
        site_id=SITE, device_id=device_id, family=family, mount_id="trucks", placed_at=tx.now
    )
    for subscriber in twin.SUBSCRIBERS[DevicePlaced]:
        await subscriber(event, tx)


def seen_at(
    second: int, place: tuple[float, float], device_id: str = "truck-1", height_m: float = 33.0
) -> Observation:
    longitude_deg, latitude_deg = place
    return Observation(
        device_id=device_id,
        boot=1,
        sequence=second + 1,
        observed_at=START + timedelta(seconds=second),
        reading=PositionReading(
            point=Point(longitude_deg, latitude_deg, height_m), frame="wgs84", heading_deg=45.0
        ),
    )


async def trucks(tx: PgTx) -> list[AssetState]:
    return [asset for asset in await twin.assets(tx, SITE) if asset.kind == "truck"]


async def fold(tx: PgTx, seen: Sequence[Observation]) -> None:
    await twin.apply(tx, envelopes(list(seen)))


@pytest.mark.parametrize("family", ["jt808", "teltonika", "nmea"])
async def test_a_trucks_receiver_places_it_on_the_ground_of_the_site(tx: PgTx, family: str) -> None:
    await a_site_with_trucks(tx, "truck-1", family=family)
    await fold(tx, [seen_at(0, YARD)])
    [truck] = await trucks(tx)
    assert (truck.point.x_m, truck.point.y_m) == pytest.approx((IN_SITE.x_m, IN_SITE.y_m), abs=0.01)
    assert truck.point.z_m == 0.0, "it stands on the ground, whatever height its receiver tells"
    assert (truck.label, truck.heading_deg, truck.at) == ("truck-1", 45.0, START)


async def test_two_trucks_on_one_mount_are_two(tx: PgTx) -> None:
    await a_site_with_trucks(tx, "truck-1", "truck-2")
    await fold(tx, [seen_at(0, YARD), seen_at(0, YARD, "truck-2")])
    assert [truck.label for truck in await trucks(tx)] == ["truck-1", "truck-2"]


async def test_a_truck_that_drove_off_is_not_left_standing_in_the_yard_and_comes_back(tx: PgTx) -> None:
    await a_site_with_trucks(tx, "truck-1")
    await fold(tx, [seen_at(0, YARD), seen_at(60, HIGHWAY)])
    assert await trucks(tx) == []
    await fold(tx, [seen_at(30, YARD)])
    assert await trucks(tx) == [], "what comes late does not bring it back"
    await fold(tx, [seen_at(3_600, YARD)])
    assert len(await trucks(tx)) == 1


async def test_a_retired_trucks_late_positions_do_not_show_it_again(tx: PgTx) -> None:
    await a_site_with_trucks(tx, "truck-1")
    await fold(tx, [seen_at(0, YARD)])
    retired = DeviceRetired(site_id=SITE, device_id="truck-1", retired_at=START + timedelta(seconds=90))
    for subscriber in twin.SUBSCRIBERS[DeviceRetired]:
        await subscriber(retired, tx)
    await fold(tx, [seen_at(60, YARD)])
    assert await trucks(tx) == []
    await placed(tx, "truck-1")
    assert len(await trucks(tx)) == 1


async def test_any_order_of_positions_gives_the_same_place(tx: PgTx) -> None:
    """Two places at one moment among them: the site's frame decides, in a batch as well as between
    batches."""
    other = (YARD[0] + 1e-5, YARD[1] - 2e-5)
    seen = [seen_at(0, HIGHWAY), seen_at(5, YARD), msgspec.structs.replace(seen_at(5, other), boot=2)]
    await a_site_with_trucks(tx, "truck-1")
    found = []
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]):
        for batches in ([order], [[number] for number in order]):
            await tx.run("UPDATE twin.asset SET at = NULL, x_m = NULL, y_m = NULL, is_gone = false")
            for batch in batches:
                await fold(tx, [seen[number] for number in batch])
            found += await trucks(tx)
    assert len(found) == 8
    assert len({(truck.point.x_m, truck.point.y_m) for truck in found}) == 1
