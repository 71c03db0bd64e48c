"""A layout that breaks a rule is refused with the field and the rule, and every violation is listed."""

from pathlib import Path

import msgspec
import pytest

from kernel.geometry import Point
from kernel.layout import Layout, Mount, Rack
from tests.store.twin.choreography import CAMERA, FORKLIFT, GATE, SLOTS, a_layout
from twin.layout.model import SiteMap, Violation, mounts_changed, violations


def changed(**changes: object) -> Layout:
    return msgspec.structs.replace(a_layout(), **changes)


def fields(layout: Layout) -> list[str]:
    return [violation.field for violation in violations(layout)]


def a_rack(rack_id: str, x_mm: int, y_mm: int, **changes: object) -> Rack:
    return msgspec.structs.replace(
        Rack(rack_id=rack_id, zone_id="hall", x_mm=x_mm, y_mm=y_mm, bays=6, levels=2), **changes
    )


def test_the_test_site_and_the_demonstration_site_break_no_rule() -> None:
    path = Path(__file__).parents[3] / "simulators" / "scenarios" / "demo" / "layout.json"
    assert violations(a_layout()) == []
    assert violations(msgspec.json.decode(path.read_bytes(), type=Layout)) == []


def test_overlapping_slots_are_named_by_their_rack() -> None:
    layout = changed(racks=[*a_layout().racks, a_rack("A02", 12_000, 20_500)])
    [found] = violations(layout)
    assert found.field == "racks[1]"
    assert "A01" in found.rule


def test_racks_back_to_back_touch_and_do_not_overlap() -> None:
    assert violations(changed(racks=[*a_layout().racks, a_rack("A02", 10_000, 21_100)])) == []


def test_a_slot_outside_its_zone_is_named() -> None:
    [found] = violations(changed(racks=[a_rack("A01", 55_000, 20_000)]))
    assert found.field == "racks[0]"
    assert "A01-04-1" in found.rule


def test_a_turned_rack_is_measured_where_it_stands() -> None:
    standing = a_rack("A01", 10_000, 38_000, rotation_deg=90)
    assert fields(changed(racks=[standing])) == ["racks[0]"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mode": "castle"}, "mode"),
        ({"width_mm": 0}, "width_mm"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"site_id": ""}, "site_id"),
        ({"gates": []}, "mounts[0].serves"),
        ({"weighbridges": []}, "gates[0].lane_weighbridge_id"),
        ({"racks": [a_rack("A01", 10_000, 20_000, zone_id="nowhere")]}, "racks[0].zone_id"),
        ({"racks": [a_rack("A01", 10_000, 20_000, levels=0)]}, "racks[0].levels"),
        ({"racks": [a_rack("A01", 10_000, 20_000, levels=9)]}, "racks[0].levels"),
        ({"racks": a_layout().racks * 2}, "racks[1].rack_id"),
        (
            {"mounts": [Mount(mount_id="m", family="llrp", serves="gate-9", x_mm=0, y_mm=0)]},
            "mounts[0].serves",
        ),
    ],
)
def test_each_broken_rule_names_its_field(changes: dict[str, object], field: str) -> None:
    assert field in fields(changed(**changes))


@pytest.mark.parametrize("side", ["outer_antennas", "inner_antennas"])
def test_a_gate_looks_both_ways(side: str) -> None:
    gate = msgspec.structs.replace(a_layout().gates[0], **{side: []})
    assert violations(changed(gates=[gate])) == [Violation(f"gates[0].{side}", "at least one antenna")]


def test_a_gate_may_have_no_weighbridge_in_its_lane() -> None:
    gate = msgspec.structs.replace(a_layout().gates[0], lane_weighbridge_id=None)
    assert violations(changed(gates=[gate])) == []


def test_another_ground_changes_what_is_said_of_it_and_not_what_a_portal_says() -> None:
    before, moved = a_layout(), a_rack("A01", 10_000, 20_100)
    assert mounts_changed(before, changed(racks=[moved])) == {FORKLIFT, CAMERA, "tag-of-somebody"}
    assert mounts_changed(before, changed(racks=[*before.racks, a_rack("A02", 10_000, 30_000)])) == set()


def test_a_ring_that_crosses_itself_and_one_outside_the_site_are_refused() -> None:
    zones = list(a_layout().zones)
    zones[0] = msgspec.structs.replace(zones[0], outline_mm=[(0, 0), (9, 9), (9, 0), (0, 9)])
    zones[1] = msgspec.structs.replace(zones[1], outline_mm=[(50_000, 0), (90_000, 0), (90_000, 9_000)])
    found = fields(changed(zones=zones))
    assert {"zones[0].outline_mm", "zones[1].outline_mm"} <= set(found)


def test_all_violations_are_listed_at_once() -> None:
    assert {"mode", "width_mm"} <= set(fields(changed(mode="castle", width_mm=-1)))


def test_a_point_near_a_slots_floor_is_in_it_and_one_in_the_aisle_is_not() -> None:
    site = SiteMap(a_layout())
    centre = SLOTS[3].centre
    assert site.slot_at(Point(centre.x_m + 0.5, centre.y_m - 0.3, centre.z_m)) == SLOTS[3].slot_id
    assert site.slot_at(Point(centre.x_m, centre.y_m - 2.0, centre.z_m)) is None


def test_antennas_look_where_the_gate_says() -> None:
    site = SiteMap(a_layout())
    assert [site.side_of(GATE, antenna) for antenna in (1, 2, 3)] == ["outside", "inside", None]


def test_what_is_set_down_in_the_yard_is_on_a_vehicle_at_the_dock_staging_and_in_an_aisle_on_the_floor() -> (
    None
):
    site = SiteMap(a_layout())
    assert site.place_at(Point(40.0, 4.0)) == "vehicle"
    assert site.place_at(Point(40.0, 10.0)) == "staging"
    assert site.place_at(Point(30.0, 40.0)) == "floor"
