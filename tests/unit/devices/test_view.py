"""Where things lie in a camera's picture: held against OpenCV's own projection and against the earth."""

import json
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.transport.decoding import FieldRejected
from devices.transport.view import Lens, camera_from_site, project, read_view
from kernel.geometry import Origin, Point, wgs84_from_site
from tests.views import a_lens, a_slot, a_view

ORIGIN = Origin(latitude_deg=29.71, longitude_deg=115.99, height_m=12.0, rotation_deg=20.0)

angles = st.floats(-180, 180)
small = st.floats(-0.2, 0.2)


@settings(deadline=None)
@given(
    pan=angles,
    tilt=st.floats(-80, 80),
    roll=angles,
    bend=st.tuples(small, small, st.floats(-0.01, 0.01), st.floats(-0.01, 0.01), small),
    points=st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(2, 30)), min_size=1, max_size=6),
)
def test_points_lie_where_opencv_projects_them(
    pan: float,
    tilt: float,
    roll: float,
    bend: tuple[float, ...],
    points: list[tuple[float, float, float]],
) -> None:
    lens = msgspec.structs.replace(
        a_lens(pan_deg=pan, tilt_deg=tilt, roll_deg=roll),
        **dict(zip(("k1", "k2", "p1", "p2", "k3"), bend, strict=True)),
    )
    turn, place = camera_from_site(lens), np.array([lens.x_m, lens.y_m, lens.z_m])
    in_site = np.array(points) @ turn + place
    camera = np.array([[lens.fx_px, 0, lens.cx_px], [0, lens.fy_px, lens.cy_px], [0, 0, 1]])
    expected, _ = cv2.projectPoints(in_site, cv2.Rodrigues(turn)[0], -turn @ place, camera, np.array(bend))
    np.testing.assert_allclose(project(lens, in_site), expected[:, 0], rtol=1e-6, atol=1e-4)


def test_a_camera_that_looks_north_has_east_on_its_right_and_the_sky_above() -> None:
    lens = a_lens(pan_deg=90.0, tilt_deg=0.0)
    ahead, east, above = project(
        lens, np.add([(0, 10, 0), (1, 10, 0), (0, 10, 1)], (lens.x_m, lens.y_m, lens.z_m))
    )
    np.testing.assert_allclose(ahead, (lens.cx_px, lens.cy_px))
    assert east[0] > ahead[0]
    assert above[1] < ahead[1]
    rolled = project(
        msgspec.structs.replace(lens, roll_deg=10.0), np.array([(lens.x_m, lens.y_m + 10, lens.z_m + 1)])
    )[0]
    assert rolled[0] < ahead[0], "a camera turned clockwise sees the world turned the other way"


def test_what_lies_behind_is_nowhere_in_the_picture() -> None:
    lens = a_lens(pan_deg=90.0, tilt_deg=0.0)
    assert np.isnan(project(lens, np.array([(lens.x_m, lens.y_m - 5, lens.z_m)]))).all()


def test_a_pixel_belongs_to_the_slot_whose_front_it_lies_in() -> None:
    view = read_view(
        a_view(lens=a_lens(pan_deg=90.0), slots=[a_slot("left", x_m=-1.0), a_slot("right", x_m=1.0)])
    )
    middles = view.front_px.mean(axis=1)
    assert view.slots_at_pixels(middles) == [0, 1]
    assert view.slots_at_pixels(np.array([(0.0, 0.0)])) == [-1]
    assert view.slots_at_pixels(np.empty((0, 2))) == []


def to_earth(x_m: float, y_m: float) -> tuple[float, float, float]:
    """Longitude, latitude and height of what stands 0.9 m above the floor."""
    latitude_deg, longitude_deg, height_m = wgs84_from_site(ORIGIN, Point(x_m, y_m, 0.9))
    return longitude_deg, latitude_deg, height_m


def test_a_place_on_earth_belongs_to_the_slot_that_stands_there() -> None:
    view = read_view(
        a_view(
            slots=[a_slot("near", x_m=3.0, y_m=4.0), a_slot("far", x_m=400.0, y_m=300.0, heading_deg=90.0)],
            origin=msgspec.to_builtins(ORIGIN),
        )
    )
    places = [to_earth(3.0, 4.0), to_earth(400.0, 300.0), to_earth(200.0, 4.0)]
    assert view.slots_at_places(places) == [0, 1, -1]
    assert view.slots_at_places(places[::-1] * 40) == [-1, 1, 0] * 40
    # Half a metre before its depth of 1.1 m is the aisle.
    assert view.slots_at_places([to_earth(400.0 + 0.55 + 0.5, 300.0)]) == [-1]


def broken(**changes: Any) -> str:
    view = json.loads(
        a_view(slots=[a_slot("one")], marks=[{"marker": 1, "x_m": 0, "y_m": 0, "z_m": 0}], lens=a_lens())
    )
    return json.dumps(view | changes)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "view"),
        ("[]", "view"),
        ("{" * 3000, "view"),
        (" " * 2_000_000, "view"),
        (broken(colour="red"), "view"),
        (broken(slots=[a_slot("one"), a_slot("one")]), "view.slots"),
        (broken(slots=[a_slot("")]), "view.slots[0].slot_id"),
        (broken(slots=[a_slot("one", width_m=0)]), "view.slots[0].width_m"),
        (broken(slots=[a_slot(f"s{n}") for n in range(2_001)]), "view.slots"),
        (broken(slots=[a_slot("one", mark={"marker": 1, "x_m": 0, "y_m": 0, "z_m": 0})]), "view.marks"),
        (broken(marks=[{"marker": 587, "x_m": 0, "y_m": 0, "z_m": 0}]), "view.marks[0].marker"),
        (broken().replace('"fx_px": 320.0', '"fx_px": 1e999'), "view.lens.fx_px"),
        (broken(lens=msgspec.to_builtins(a_lens()) | {"width_px": 100_000}), "view.lens.width_px"),
    ],
)
def test_a_view_that_cannot_be_is_refused_by_field(text: str, field: str) -> None:
    with pytest.raises(FieldRejected) as refused:
        read_view(text)
    assert refused.value.field == field
    assert refused.value.rule


def test_a_lens_is_what_it_was_written_as() -> None:
    lens = a_lens(pan_deg=12.5)
    assert msgspec.json.decode(msgspec.json.encode(lens), type=Lens) == lens
