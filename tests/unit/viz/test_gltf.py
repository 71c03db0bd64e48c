"""The hull of a site as glTF, read back by trimesh and by hand."""

import io
import json
import struct

import pytest
import trimesh

from kernel.geometry import Origin
from kernel.layout import Gate, Layout, Rack, Weighbridge, Zone
from viz.scene.gltf import hull_glb


def a_layout(**parts: object) -> Layout:
    return Layout(
        site_id="site-test",
        name_en="Test",
        name_zh="测试",
        origin=Origin(31.0, 121.0),
        time_zone="Asia/Shanghai",
        width_mm=50_000,
        length_mm=40_000,
        **parts,  # type: ignore[arg-type]
    )


RACK = Rack(rack_id="A01", zone_id="s", x_mm=10_000, y_mm=20_000, bays=3, levels=2)
ZONE = Zone(zone_id="s", kind="storage", outline_mm=[(0, 0), (50_000, 0), (50_000, 40_000), (0, 40_000)])


def loaded(layout: Layout) -> trimesh.Scene:
    scene = trimesh.load(io.BytesIO(hull_glb(layout)), file_type="glb")
    assert isinstance(scene, trimesh.Scene)
    return scene


def gltf_json(glb: bytes) -> dict:  # type: ignore[type-arg]
    length, kind = struct.unpack_from("<I4s", glb, 12)
    assert (glb[:4], kind) == (b"glTF", b"JSON")
    return json.loads(glb[20 : 20 + length])


def test_the_site_is_turned_so_that_y_points_up() -> None:
    # East stays x, north becomes -z, up becomes y; the racks' top is 0.15 + 2 x 1.6 m.
    low, high = loaded(a_layout(zones=[ZONE], racks=[RACK])).bounds
    assert low.tolist() == pytest.approx([0, 0, -40])
    assert high.tolist() == pytest.approx([50, 3.35, 0])


def test_bays_of_one_size_share_one_mesh_and_keep_their_names() -> None:
    gltf = gltf_json(hull_glb(a_layout(racks=[RACK])))
    assert len(gltf["meshes"]) == 1
    named = [node["name"] for node in gltf["nodes"] if "mesh" in node]
    assert sorted(named) == ["rack A01 bay 01", "rack A01 bay 02", "rack A01 bay 03"]


def test_a_turned_rack_stands_where_the_layout_says() -> None:
    turned = Rack(rack_id="B", zone_id="s", x_mm=10_000, y_mm=5_000, rotation_deg=90, bays=2, depth_mm=1_000)
    low, high = loaded(a_layout(racks=[turned])).bounds
    # Turned by 90 degrees its bays run north from y = 5 m and its depth west from x = 10 m.
    assert (low[0], high[0]) == pytest.approx((9.0, 10.0), abs=0.05)
    assert (-high[2], -low[2]) == pytest.approx((5.0, 7.8), abs=0.05)


def test_a_concave_floor_is_covered_once_and_looks_up() -> None:
    corner = Zone(
        zone_id="l",
        kind="yard",
        outline_mm=[(0, 0), (20_000, 0), (20_000, 10_000), (10_000, 10_000), (10_000, 20_000), (0, 20_000)],
    )
    scene = loaded(a_layout(zones=[corner]))
    floor = scene.to_mesh()
    assert floor.area == pytest.approx(300.0)
    assert floor.face_normals[:, 1].tolist() == pytest.approx([1.0] * len(floor.faces))


def test_gates_and_weighbridges_are_in_it_by_name() -> None:
    gate = Gate(gate_id="gate-1", zone_id="r", x_mm=6_000, y_mm=12_000, width_mm=6_000)
    bridge = Weighbridge(weighbridge_id="wb-1", zone_id="r", x_mm=9_000, y_mm=10_400)
    gltf = gltf_json(hull_glb(a_layout(gates=[gate], weighbridges=[bridge])))
    named = {node["name"] for node in gltf["nodes"] if "mesh" in node}
    assert named == {"gate gate-1", "weighbridge wb-1"}


def test_the_same_layout_gives_the_same_bytes() -> None:
    layout = a_layout(zones=[ZONE], racks=[RACK])
    assert hull_glb(layout) == hull_glb(layout)
