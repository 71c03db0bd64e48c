"""The scene of a site, per party, over HTTP; stock that really arrived."""

import io

import msgspec
import pytest
import trimesh

from devices.api import record_observations
from devices.messages import EnrolDevice
from kernel.caller import Caller
from kernel.geometry import Point, site_from_wgs84
from kernel.layout import Mount
from kernel.messages import Observation, PositionReading
from tests.http.conftest import SignIn
from tests.http.living_site import DEMO_LAYOUT, EACH, PALLET_G, SLOTS, LivingSite, Lot
from twin.messages import ImportLayout


@pytest.fixture(scope="module")
async def lot(site: LivingSite) -> Lot:
    """Four pallets were received, a forklift and a person move, the barrier is shut."""
    received = await site.receive(4)
    await site.turn_barrier(is_open=False)
    await site.move("forklift-1", 40.0, 30.0, heading_deg=90.0)
    await site.move("person-1", 35.0, 33.0)
    return received


async def test_the_keeper_sees_the_whole_site(site: LivingSite, lot: Lot, sign_in: SignIn) -> None:
    client = await sign_in("operator", site.keeper)
    scene = (await client.get(f"/api/v1/sites/{site.site_id}/scene")).raise_for_status().json()
    units = {unit["unit_id"]: unit for unit in scene["units"]}
    first = units[lot.pallets[0].unit_id]
    assert set(units) == set(lot.unit_ids)
    assert (first["place"], first["slot_id"]) == ("slot", SLOTS[lot.pallets[0].slot].slot_id)
    assert (first["evidence"], first["status"], first["alarm"]) == ("verified", "free", None)
    assert {"tag", "mass", "position"} >= set(first["modalities"]) >= {"tag", "position"}
    assert (first["quantity_each"], first["sscc"]) == (EACH, lot.pallets[0].sscc)
    assert scene["barriers"] == [
        {
            "gate_id": "gate-1",
            "device_id": site.device("gate-1-barrier"),
            "is_open": False,
            "at": scene["barriers"][0]["at"],
        }
    ]
    assert [bridge["weighbridge_id"] for bridge in scene["weighbridges"]] == ["weighbridge-1"]
    kinds = {asset["kind"]: asset for asset in scene["assets"]}
    assert kinds["forklift"]["point"] == {"x_m": 40.0, "y_m": 30.0, "z_m": 0.0}
    assert kinds["forklift"]["heading_deg"] == 90.0
    assert kinds["person"]["state"] == "live"


async def test_a_person_carries_a_number_and_no_name(site: LivingSite, lot: Lot, sign_in: SignIn) -> None:
    client = await sign_in("keeper", site.keeper)
    scene = (await client.get(f"/api/v1/sites/{site.site_id}/scene")).json()
    [person] = [asset for asset in scene["assets"] if asset["kind"] == "person"]
    assert person["label"].startswith("person-")
    assert site.device("person-1") not in str(person)


async def test_an_owner_sees_its_own_pallets_and_no_people(
    site: LivingSite, lot: Lot, sign_in: SignIn
) -> None:
    client = await sign_in("borrower", site.owner)
    scene = (await client.get(f"/api/v1/sites/{site.site_id}/scene")).raise_for_status().json()
    assert {unit["unit_id"] for unit in scene["units"]} == set(lot.unit_ids)
    assert "person" not in {asset["kind"] for asset in scene["assets"]}
    assert scene["vehicles"] == []


@pytest.mark.parametrize("party", ["owner-b", "bank-b", "keeper-b"])
@pytest.mark.parametrize("part", ["scene", "hull.glb", "activity"])
async def test_a_foreign_site_is_unknown(
    site: LivingSite, lot: Lot, sign_in: SignIn, party: str, part: str
) -> None:
    client = await sign_in("auditor", party)
    answer = await client.get(f"/api/v1/sites/{site.site_id}/{part}")
    assert (answer.status_code, answer.json()["key"]) == (404, "twin.site_unknown")
    there_is_none = await client.get(f"/api/v1/sites/site-nowhere/{part}")
    assert there_is_none.json() | {"site_id": ""} == answer.json() | {"site_id": ""}


async def test_a_thing_not_heard_of_for_long_is_stale(site: LivingSite, lot: Lot, sign_in: SignIn) -> None:
    client = await sign_in("operator", site.keeper)
    site.clock.advance(11)
    scene = (await client.get(f"/api/v1/sites/{site.site_id}/scene")).json()
    assert {asset["state"] for asset in scene["assets"]} == {"stale"}


async def test_a_trucks_satellite_receiver_shows_it_in_the_scene(
    site: LivingSite, lot: Lot, sign_in: SignIn
) -> None:
    """Enrolled like any device, on a mount that moves with it; WGS 84 through ingest, journal and fold."""
    trucks = Mount(mount_id="trucks", family="jt808", serves="truck", x_mm=0, y_mm=0)
    layout = msgspec.structs.replace(DEMO_LAYOUT, site_id=site.site_id, mounts=[*DEMO_LAYOUT.mounts, trucks])
    await site.do(ImportLayout(layout=layout, keeper_party_id=site.keeper), site.keeper, "admin")
    lorry = EnrolDevice(
        site_id=site.site_id,
        device_id="lorry-7",
        family="jt808",
        mount_id="trucks",
        connection={"terminal_number": "13800138000"},
    )
    await site.do(lorry, site.keeper, "admin")
    origin = DEMO_LAYOUT.origin
    seen = Observation(
        device_id="lorry-7",
        boot=1,
        sequence=1,
        observed_at=site.clock.now(),
        reading=PositionReading(
            point=Point(origin.longitude_deg + 3e-4, origin.latitude_deg + 1e-4, 31.0),
            frame="wgs84",
            heading_deg=180.0,
            fix="single",
        ),
    )
    async with site.database.write(Caller.product("edge")) as tx:
        assert (await record_observations(tx, site.site_id, [seen])).rejected == ()
    await site.settle()
    client = await sign_in("operator", site.keeper)
    scene = (await client.get(f"/api/v1/sites/{site.site_id}/scene")).raise_for_status().json()
    [truck] = [asset for asset in scene["assets"] if asset["label"] == "lorry-7"]
    assert (truck["kind"], truck["state"], truck["heading_deg"]) == ("truck", "live", 180.0)
    where = site_from_wgs84(origin, origin.latitude_deg + 1e-4, origin.longitude_deg + 3e-4, 31.0)
    assert truck["point"] == {"x_m": where.x_m, "y_m": where.y_m, "z_m": 0.0}
    assert (where.x_m, where.y_m) == pytest.approx((29.0, 11.1), abs=0.5)


async def test_the_hull_is_a_model_that_is_sent_once(site: LivingSite, sign_in: SignIn) -> None:
    client = await sign_in("picker", site.keeper)
    path = f"/api/v1/sites/{site.site_id}/hull.glb"
    answer = (await client.get(path)).raise_for_status()
    assert answer.headers["content-type"] == "model/gltf-binary"
    hull = trimesh.load(io.BytesIO(answer.content), file_type="glb")
    assert isinstance(hull, trimesh.Scene)
    assert "rack A01 bay 01" in hull.graph.nodes_geometry
    again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_mass_of_a_pallet_is_not_what_the_books_say(
    site: LivingSite, lot: Lot, sign_in: SignIn
) -> None:
    client = await sign_in("operator", site.keeper)
    scene = (await client.get(f"/api/v1/sites/{site.site_id}/scene")).json()
    masses = {unit["mass_g"] for unit in scene["units"]}
    assert masses <= {None, PALLET_G}
