"""The rules a layout must keep, and the questions the fold asks of a layout. Pure.

Areas are compared in square millimetres: touching is allowed, overlapping by more than `OVERLAP_MM2_MAX`
is not.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import numpy as np
from shapely import STRtree
from shapely.geometry import Point as ShapelyPoint
from shapely.geometry import Polygon, box

from kernel.geometry import Point, Transform
from kernel.layout import Gate, Layout, Mount, Rack, Slot, Weighbridge, all_slots, slots_of

OVERLAP_MM2_MAX = 100.0
"""Two outlines may share one square centimetre: drawings are rounded."""
ZONE_KINDS = frozenset({"storage", "staging", "dock", "yard", "road", "pen", "pasture", "fence", "no_go"})
OUTDOORS = frozenset({"yard", "road"})
"""Where vehicles stand."""
MODES = frozenset({"warehouse", "ranch"})
SIZE_MM_MAX = 20_000_000
SLOTS_MAX = 200_000
RINGS_MAX = 1_000
VIOLATIONS_MAX = 100
MOVING = frozenset({"forklift", "person", "truck"})
"""What a mount may serve besides a gate, a weighbridge or a zone: the device moves with it."""
NEAR_M = 100.0
"""How far beyond the site's outline a thing is still shown: the road before the gate."""
IN_SLOT_M = 0.9
"""A load set down this near to a slot's floor is in it: two thirds of a bay, three sigma of the fork."""


class Violation(msgspec.Struct, frozen=True):
    """A broken rule and where: `field` is a path such as `racks[3].bays`."""

    field: str
    rule: str


def violations(layout: Layout) -> list[Violation]:
    """All rules the layout breaks, at most `VIOLATIONS_MAX`; empty for a good one."""
    found = [*_site(layout), *_ids(layout)]
    shapes = _zone_shapes(layout, found)
    found += _zones(layout, shapes)
    found += _racks(layout, shapes)
    found += _equipment(layout, shapes)
    found += _mounts(layout)
    return found[:VIOLATIONS_MAX]


def _site(layout: Layout) -> Iterable[Violation]:
    if not layout.site_id:
        yield Violation("site_id", "not empty")
    if layout.mode not in MODES:
        yield Violation("mode", f"one of {', '.join(sorted(MODES))}")
    for name in ("width_mm", "length_mm", "height_mm"):
        if not 0 < getattr(layout, name) <= SIZE_MM_MAX:
            yield Violation(name, f"1 to {SIZE_MM_MAX}")
    if not -90 <= layout.origin.latitude_deg <= 90 or not -180 <= layout.origin.longitude_deg <= 180:
        yield Violation("origin", "WGS 84 degrees")
    try:
        ZoneInfo(layout.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Violation("time_zone", "a name of the IANA time zone database")
    if len(layout.zones) > RINGS_MAX or len(layout.racks) > RINGS_MAX * 10:
        yield Violation("zones", f"at most {RINGS_MAX} zones and {RINGS_MAX * 10} racks")
    if sum(max(0, rack.bays) * max(0, rack.levels) for rack in layout.racks) > SLOTS_MAX:
        yield Violation("racks", f"at most {SLOTS_MAX} slots")


def _ids(layout: Layout) -> Iterable[Violation]:
    lists: list[tuple[str, str, Sequence[object]]] = [
        ("zones", "zone_id", layout.zones),
        ("racks", "rack_id", layout.racks),
        ("gates", "gate_id", layout.gates),
        ("weighbridges", "weighbridge_id", layout.weighbridges),
        ("mounts", "mount_id", layout.mounts),
    ]
    for name, field, things in lists:
        seen: set[str] = set()
        for index, thing in enumerate(things):
            value = str(getattr(thing, field))
            if not value:
                yield Violation(f"{name}[{index}].{field}", "not empty")
            if value in seen:
                yield Violation(f"{name}[{index}].{field}", f"unique, {value} is there twice")
            seen.add(value)


def _zone_shapes(layout: Layout, found: list[Violation]) -> dict[str, Polygon]:
    shapes: dict[str, Polygon] = {}
    for index, zone in enumerate(layout.zones):
        path = f"zones[{index}].outline_mm"
        if len(zone.outline_mm) < 3:
            found.append(Violation(path, "at least three corners"))
            continue
        shape = Polygon(zone.outline_mm)
        if not shape.is_valid or shape.area <= 0:
            found.append(Violation(path, "a ring that does not cross itself"))
            continue
        shapes[zone.zone_id] = shape
    return shapes


def _zones(layout: Layout, shapes: dict[str, Polygon]) -> Iterable[Violation]:
    site = box(0, 0, layout.width_mm, layout.length_mm)
    for index, zone in enumerate(layout.zones):
        if zone.kind not in ZONE_KINDS:
            yield Violation(f"zones[{index}].kind", f"one of {', '.join(sorted(ZONE_KINDS))}")
        shape = shapes.get(zone.zone_id)
        if shape is not None and shape.difference(site).area > OVERLAP_MM2_MAX:
            yield Violation(f"zones[{index}].outline_mm", "inside the site")


def _racks(layout: Layout, shapes: dict[str, Polygon]) -> Iterable[Violation]:
    outlines: list[Polygon] = []
    for index, rack in enumerate(layout.racks):
        path = f"racks[{index}]"
        broken = list(_rack_numbers(path, rack, layout.height_mm))
        yield from broken
        outline = rack_outline(rack) if not broken else Polygon()
        outlines.append(outline)
        zone = shapes.get(rack.zone_id)
        if all(zone.zone_id != rack.zone_id for zone in layout.zones):
            yield Violation(f"{path}.zone_id", f"a zone of this layout, {rack.zone_id} is none")
        elif zone is not None and outline.difference(zone).area > OVERLAP_MM2_MAX:
            outside = [slot.slot_id for slot in slots_of(rack) if not zone.covers(_slot_outline(rack, slot))]
            yield Violation(path, f"slots inside zone {rack.zone_id}, {_first(outside)} outside")
    yield from _overlaps(layout.racks, outlines)


def _rack_numbers(path: str, rack: Rack, height_mm: int) -> Iterable[Violation]:
    for name, most in (("bays", 1_000), ("levels", 50), ("bay_width_mm", 20_000), ("depth_mm", 20_000)):
        if not 1 <= getattr(rack, name) <= most:
            yield Violation(f"{path}.{name}", f"1 to {most}")
    if rack.level_height_mm < 1 or rack.first_level_mm < 0:
        yield Violation(f"{path}.level_height_mm", "above 0, first level not below the floor")
    elif rack.first_level_mm + rack.levels * rack.level_height_mm > height_mm:
        yield Violation(f"{path}.levels", f"below the roof at {height_mm} mm")


def _overlaps(racks: Sequence[Rack], outlines: Sequence[Polygon]) -> Iterable[Violation]:
    if not outlines:
        return
    first, second = STRtree(outlines).query(outlines, predicate="intersects")
    for i, j in zip(first.tolist(), second.tolist(), strict=True):
        if i < j and outlines[i].intersection(outlines[j]).area > OVERLAP_MM2_MAX:
            yield Violation(f"racks[{j}]", f"slots that do not overlap those of rack {racks[i].rack_id}")


def _equipment(layout: Layout, shapes: dict[str, Polygon]) -> Iterable[Violation]:
    things: list[tuple[str, Gate | Weighbridge]] = [
        *((f"gates[{i}]", gate) for i, gate in enumerate(layout.gates)),
        *((f"weighbridges[{i}]", bridge) for i, bridge in enumerate(layout.weighbridges)),
    ]
    for path, thing in things:
        zone = shapes.get(thing.zone_id)
        if zone is None:
            yield Violation(f"{path}.zone_id", f"a zone of this layout, {thing.zone_id} is none")
        elif not zone.covers(ShapelyPoint(thing.x_mm, thing.y_mm)):
            yield Violation(path, f"inside zone {thing.zone_id}")
    bridges = {bridge.weighbridge_id for bridge in layout.weighbridges}
    for index, gate in enumerate(layout.gates):
        lane = gate.lane_weighbridge_id
        if lane is not None and lane not in bridges:
            yield Violation(f"gates[{index}].lane_weighbridge_id", "a weighbridge of this layout")
        for name in ("outer_antennas", "inner_antennas"):
            if not getattr(gate, name):
                # Without either side no direction is ever seen.
                yield Violation(f"gates[{index}].{name}", "at least one antenna")
        if set(gate.outer_antennas) & set(gate.inner_antennas):
            yield Violation(f"gates[{index}].inner_antennas", "not also outer antennas")


def _mounts(layout: Layout) -> Iterable[Violation]:
    servable = {
        *MOVING,
        *(zone.zone_id for zone in layout.zones),
        *(gate.gate_id for gate in layout.gates),
        *(bridge.weighbridge_id for bridge in layout.weighbridges),
        *(rack.rack_id for rack in layout.racks),
    }
    for index, mount in enumerate(layout.mounts):
        if mount.serves not in servable:
            yield Violation(f"mounts[{index}].serves", f"a thing of this layout, {mount.serves} is none")


def rack_outline(rack: Rack) -> Polygon:
    """The rack's footprint in the site's frame, millimetres."""
    return _rectangle(rack, 0, rack.bays * rack.bay_width_mm)


def _slot_outline(rack: Rack, slot: Slot) -> Polygon:
    return _rectangle(rack, (slot.bay - 1) * rack.bay_width_mm, slot.bay * rack.bay_width_mm)


def _rectangle(rack: Rack, from_mm: int, to_mm: int) -> Polygon:
    site_from_rack = Transform(x_m=rack.x_mm, y_m=rack.y_mm, rotation_deg=float(rack.rotation_deg))
    corners = [(from_mm, 0), (to_mm, 0), (to_mm, rack.depth_mm), (from_mm, rack.depth_mm)]
    points = [site_from_rack.apply(Point(x, y)) for x, y in corners]
    return Polygon([(round(point.x_m, 3), round(point.y_m, 3)) for point in points])


def _first(slot_ids: Sequence[str]) -> str:
    return slot_ids[0] if slot_ids else "some"


def slots_removed(before: Layout, after: Layout) -> set[str]:
    """Slots of `before` that `after` has no more."""
    return {slot.slot_id for slot in all_slots(before)} - {slot.slot_id for slot in all_slots(after)}


def mounts_removed(before: Layout, after: Layout) -> set[str]:
    """Mounts of `before` that `after` has no more, or has for devices of another family."""
    kept = {(mount.mount_id, mount.family) for mount in after.mounts}
    return {mount.mount_id for mount in before.mounts if (mount.mount_id, mount.family) not in kept}


def mounts_changed(before: Layout, after: Layout) -> set[str]:
    """Mounts of `before` whose devices' words mean something else by `after`: gone, moved, or watching a
    gate or bridge that is not what it was; and, when the ground itself changed, all that watch neither."""
    changed = _mounts_with_other_places(before, after)
    if _is_other_ground(before, after):
        fixed = {gate.gate_id for gate in before.gates}
        fixed |= {bridge.weighbridge_id for bridge in before.weighbridges}
        changed |= {mount.mount_id for mount in before.mounts if mount.serves not in fixed}
    return changed


def _is_other_ground(before: Layout, after: Layout) -> bool:
    """Whether a point or a slot's name of `before` is another place by `after`. New slots change nothing."""
    slots = {slot.slot_id: slot for slot in all_slots(after)}
    is_moved = any(slots.get(slot.slot_id) != slot for slot in all_slots(before))
    areas = [{zone.zone_id: (zone.kind, zone.outline_mm) for zone in now.zones} for now in (before, after)]
    return is_moved or before.origin != after.origin or areas[0] != areas[1]


def _mounts_with_other_places(before: Layout, after: Layout) -> set[str]:
    views = [
        {
            mount.mount_id: (
                mount,
                [gate for gate in layout.gates if mount.serves in (gate.gate_id, gate.lane_weighbridge_id)],
                [bridge for bridge in layout.weighbridges if bridge.weighbridge_id == mount.serves],
            )
            for mount in layout.mounts
        }
        for layout in (before, after)
    ]
    return {mount_id for mount_id, view in views[0].items() if views[1].get(mount_id) != view}


class SiteMap:
    """A layout ready for questions: what a mount watches, which slot or zone a point is in."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.gates = {gate.gate_id: gate for gate in layout.gates}
        self.gate_of_bridge = {
            gate.lane_weighbridge_id: gate.gate_id for gate in layout.gates if gate.lane_weighbridge_id
        }
        self.bridges = {bridge.weighbridge_id: bridge for bridge in layout.weighbridges}
        self.mounts: dict[str, Mount] = {mount.mount_id: mount for mount in layout.mounts}
        self.slots = all_slots(layout)
        self.slot_ids = frozenset(slot.slot_id for slot in self.slots)
        self._centres = np.array(
            [(slot.centre.x_m, slot.centre.y_m, slot.centre.z_m) for slot in self.slots]
        ).reshape(-1, 3)
        self._zones = [
            (zone.kind, Polygon(zone.outline_mm)) for zone in layout.zones if len(zone.outline_mm) > 2
        ]
        halls = {zone.zone_id for zone in layout.zones if zone.kind not in OUTDOORS}
        self._has_doors = any(gate.zone_id in halls for gate in layout.gates)

    @classmethod
    def of_json(cls, text: str) -> "SiteMap":
        """From a layout's JSON; the same text gives the same map without parsing again."""
        return _site_map(text)

    def side_of(self, gate_id: str, antenna: int) -> Literal["outside", "inside"] | None:
        """`outside` or `inside` for an antenna of a gate's portal; None for one that looks nowhere."""
        gate = self.gates[gate_id]
        if antenna in gate.outer_antennas:
            return "outside"
        return "inside" if antenna in gate.inner_antennas else None

    def slot_at(self, point_in_site: Point) -> str | None:
        """The slot whose floor is nearest to the point, within `IN_SLOT_M`."""
        if not self.slots:
            return None
        gaps = self._centres - (point_in_site.x_m, point_in_site.y_m, point_in_site.z_m)
        squared = np.einsum("ij,ij->i", gaps, gaps)
        nearest = int(np.argmin(squared))
        return self.slots[nearest].slot_id if squared[nearest] <= IN_SLOT_M**2 else None

    def place_at(self, point_in_site: Point) -> Literal["staging", "vehicle", "floor"]:
        """Where a load set down outside all slots is: `staging` (there or at a dock), `vehicle` in the yard,
        else on the `floor`, such as in an aisle."""
        spot = ShapelyPoint(point_in_site.x_m * 1000, point_in_site.y_m * 1000)
        kinds = {kind for kind, shape in self._zones if shape.covers(spot)}
        if kinds and kinds <= OUTDOORS:
            return "vehicle"
        return "floor" if kinds.isdisjoint({"staging", "dock"}) else "staging"

    def side_of_load(self, point_in_site: Point) -> Literal["outside"] | None:
        """`outside` for a load in the yard of a site with doors, gates that open from its halls: what lies
        there has not come in through them, or has gone out."""
        return "outside" if self._has_doors and self.place_at(point_in_site) == "vehicle" else None

    def is_near(self, point_in_site: Point) -> bool:
        """Whether a point lies on the site or within `NEAR_M` of its outline."""
        return (
            -NEAR_M <= point_in_site.x_m <= self.layout.width_mm / 1000 + NEAR_M
            and -NEAR_M <= point_in_site.y_m <= self.layout.length_mm / 1000 + NEAR_M
        )

    def gate_point(self, gate_id: str, ahead_m: float) -> Point:
        """A point on the gate's lane, `ahead_m` towards the inside (negative: towards the road)."""
        gate = self.gates[gate_id]
        bridge = self.bridges.get(gate.lane_weighbridge_id or "")
        inwards = bridge_centre(bridge) if bridge is not None else self._middle()
        start = Point(gate.x_mm / 1000, gate.y_mm / 1000)
        dx, dy = inwards.x_m - start.x_m, inwards.y_m - start.y_m
        length = float(np.hypot(dx, dy)) or 1.0
        return Point(start.x_m + dx / length * ahead_m, start.y_m + dy / length * ahead_m)

    def yard_point(self) -> Point:
        """Where trucks inside are shown: the middle of the first yard, else dock, else site."""
        by_kind = {zone.kind: zone for zone in reversed(self.layout.zones) if len(zone.outline_mm) > 2}
        zone = by_kind.get("yard") or by_kind.get("dock")
        if zone is None:
            return self._middle()
        middle = Polygon(zone.outline_mm).centroid
        return Point(middle.x / 1000, middle.y / 1000)

    def _middle(self) -> Point:
        return Point(self.layout.width_mm / 2000, self.layout.length_mm / 2000)


def bridge_centre(bridge: Weighbridge) -> Point:
    """The middle of a weighbridge's plate, in the site's frame."""
    site_from_bridge = Transform(
        x_m=bridge.x_mm / 1000, y_m=bridge.y_mm / 1000, rotation_deg=float(bridge.rotation_deg)
    )
    return site_from_bridge.apply(Point(bridge.length_mm / 2000, bridge.width_mm / 2000))


@lru_cache(maxsize=64)
def _site_map(text: str) -> SiteMap:
    return SiteMap(msgspec.json.decode(text, type=Layout))
