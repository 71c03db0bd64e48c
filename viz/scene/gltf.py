"""The static hull of a site as one GLB (glTF 2.0): floor areas, rack frames, weighbridges and gate posts.

Metres, right-handed, +Y up: the site's (x, y, z) becomes (x, z, -y) once, at the root node. Every rack bay of
one size shares one mesh, so a large hall stays small. Nodes carry the layout's own ids as names: `zone …`,
`rack A01 bay 07`, `weighbridge …`, `gate …`.
"""

# trimesh is typed only in part.
# mypy: disable-error-code="no-untyped-call"

import math

import numpy as np
import shapely
import trimesh
from numpy.typing import NDArray
from shapely.geometry import Polygon
from shapely.geometry.polygon import orient
from trimesh.visual.material import PBRMaterial

from kernel.layout import Gate, Layout, Rack, Weighbridge, Zone

UPRIGHT_M, BEAM_M = 0.09, 0.11
PLATE_M, POST_M, POST_HEIGHT_M = 0.06, 0.28, 4.6
ROOT = "site"
Y_UP_FROM_SITE: NDArray[np.float64] = np.array(
    [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]], dtype=float
)

_COLOURS: dict[str, tuple[int, int, int]] = {
    "storage": (201, 205, 209),
    "staging": (222, 210, 176),
    "dock": (186, 198, 208),
    "yard": (154, 158, 156),
    "road": (120, 123, 126),
    "pen": (196, 184, 158),
    "pasture": (158, 178, 132),
    "fence": (140, 148, 134),
    "no_go": (206, 170, 160),
    "frame": (62, 96, 142),
    "plate": (92, 97, 102),
    "post": (226, 176, 60),
}


def hull_glb(layout: Layout) -> bytes:
    """The hull as the bytes of a GLB file. The same layout gives the same bytes."""
    scene = trimesh.Scene(base_frame="world")
    scene.graph.update(frame_from="world", frame_to=ROOT, matrix=Y_UP_FROM_SITE)
    for zone in layout.zones:
        _add(scene, _zone_floor(zone), f"zone {zone.zone_id}", np.eye(4))
    for rack in layout.racks:
        _add_rack(scene, rack)
    for bridge in layout.weighbridges:
        _add(scene, _plate(bridge), f"weighbridge {bridge.weighbridge_id}", _placed(bridge))
    for gate in layout.gates:
        _add(scene, _posts(gate), f"gate {gate.gate_id}", _placed(gate))
    glb = scene.export(file_type="glb")
    assert isinstance(glb, bytes)
    return glb


def _add(scene: trimesh.Scene, mesh: trimesh.Trimesh, name: str, matrix: NDArray[np.float64]) -> None:
    scene.add_geometry(mesh, node_name=name, geom_name=name, parent_node_name=ROOT, transform=matrix)


def _add_rack(scene: trimesh.Scene, rack: Rack) -> None:
    """One node per bay; all bays of the same measures share the mesh that the first of them brought."""
    mesh_name = (
        f"bay {rack.bay_width_mm}x{rack.depth_mm}, {rack.levels} levels of {rack.level_height_mm}"
        f" from {rack.first_level_mm}"
    )
    if mesh_name not in scene.geometry:
        scene.geometry[mesh_name] = _bay_frame(rack)
    site_from_rack = _placed(rack)
    for bay in range(rack.bays):
        rack_from_bay = trimesh.transformations.translation_matrix([bay * rack.bay_width_mm / 1000, 0, 0])
        scene.graph.update(
            frame_from=ROOT,
            frame_to=f"rack {rack.rack_id} bay {bay + 1:02d}",
            matrix=site_from_rack @ rack_from_bay,
            geometry=mesh_name,
        )


def _placed(thing: Rack | Weighbridge | Gate) -> NDArray[np.float64]:
    """`site_from_thing`: turned about z, then moved."""
    turned = trimesh.transformations.rotation_matrix(math.radians(thing.rotation_deg), [0, 0, 1])
    moved = trimesh.transformations.translation_matrix([thing.x_mm / 1000, thing.y_mm / 1000, 0])
    return np.asarray(moved @ turned, dtype=float)


def _zone_floor(zone: Zone) -> trimesh.Trimesh:
    """A flat face that looks up, at z = 0. The outline may be concave."""
    outline = Polygon([(x / 1000, y / 1000) for x, y in zone.outline_mm])
    parts = shapely.constrained_delaunay_triangles(outline).geoms
    triangles = [list(orient(part).exterior.coords)[:3] for part in parts]
    corners = np.array([[(x, y, 0.0) for x, y in triangle] for triangle in triangles]).reshape(-1, 3)
    faces = np.arange(len(corners)).reshape(-1, 3)
    return _coloured(trimesh.Trimesh(corners, faces, process=False), zone.kind)


def _bay_frame(rack: Rack) -> trimesh.Trimesh:
    """Four uprights, and two beams under each level. The bay's corner is the origin."""
    width, depth = rack.bay_width_mm / 1000, rack.depth_mm / 1000
    height = (rack.first_level_mm + rack.levels * rack.level_height_mm) / 1000
    uprights = [
        _box(UPRIGHT_M, UPRIGHT_M, height, x, y, height / 2) for x in (0.0, width) for y in (0.0, depth)
    ]
    levels = [(rack.first_level_mm + level * rack.level_height_mm) / 1000 for level in range(rack.levels)]
    beams = [
        _box(width, UPRIGHT_M, BEAM_M, width / 2, y, z - BEAM_M / 2) for z in levels for y in (0.0, depth)
    ]
    return _coloured(_joined([*uprights, *beams]), "frame")


def _plate(bridge: Weighbridge) -> trimesh.Trimesh:
    length, width = bridge.length_mm / 1000, bridge.width_mm / 1000
    return _coloured(_box(length, width, PLATE_M, length / 2, width / 2, PLATE_M / 2), "plate")


def _posts(gate: Gate) -> trimesh.Trimesh:
    """The portal's two posts on either side of the lane, which runs inwards along the gate's x axis."""
    half = gate.width_mm / 2000
    posts = [_box(POST_M, POST_M, POST_HEIGHT_M, 0, y, POST_HEIGHT_M / 2) for y in (-half, half)]
    return _coloured(_joined(posts), "post")


def _box(x_size: float, y_size: float, z_size: float, x: float, y: float, z: float) -> trimesh.Trimesh:
    box: trimesh.Trimesh = trimesh.creation.box(extents=(x_size, y_size, z_size))
    box.apply_translation([x, y, z])
    return box


def _joined(parts: list[trimesh.Trimesh]) -> trimesh.Trimesh:
    whole = trimesh.util.concatenate(parts)
    assert isinstance(whole, trimesh.Trimesh), "meshes join to a mesh"
    return whole


def _coloured(mesh: trimesh.Trimesh, kind: str) -> trimesh.Trimesh:
    colour = [*_COLOURS.get(kind, (190, 190, 190)), 255]
    mesh.visual = trimesh.visual.TextureVisuals(
        material=PBRMaterial(name=kind, baseColorFactor=colour, metallicFactor=0.0, roughnessFactor=0.9)
    )
    return mesh
