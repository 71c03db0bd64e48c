"""Whatever a camera publishes, its codec gives readings or rejections, and ingest a verdict."""

import json
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.drivers.onvif_m import codec as onvif_m
from devices.transport.decoding import Arrived
from devices.transport.view import read_view
from kernel.messages import Observation, SlotSight
from tests.property.devices.test_makers_json_fuzz import anything, encoded, has_a_verdict, numbers, shape
from tests.views import a_lens, a_slot, a_view

LENS_VIEW = a_view(
    lens=a_lens(pan_deg=90.0, y_m=-3.0, z_m=0.8), slots=[a_slot("A-1", x_m=-1.0), a_slot("A-2", x_m=1.0)]
)
PLACE_VIEW = a_view(
    slots=[a_slot("A-1", x_m=-1.0), a_slot("A-2", x_m=1.0)],
    origin={"latitude_deg": 29.7, "longitude_deg": 116.0},
)
views = st.sampled_from(["", LENS_VIEW, PLACE_VIEW])
times = st.sampled_from(["2026-11-23T05:59:00Z", "2026-11-23T05:59:00.5"]) | st.text(max_size=30)
likely = st.text(max_size=20) | shape({"#text": st.text(max_size=20)}, {"@Likelihood": numbers})
unit = st.floats(-1.2, 1.2) | numbers
boxes = shape({"@left": unit, "@top": unit, "@right": unit, "@bottom": unit})
places = shape({"@lon": st.floats(115.99, 116.01) | numbers, "@lat": st.floats(29.69, 29.71) | numbers})
kinds = st.sampled_from(["Pallet", "EmptyPlace", "Human"])
types = shape(
    {"Type": st.lists(kinds | st.fixed_dictionaries({"#text": kinds, "@Likelihood": unit}), max_size=2)}
)
appearances = shape(
    {},
    {
        "Class": types,
        "Shape": shape({"BoundingBox": boxes}),
        "GeoLocation": places,
        "BarcodeInfo": shape({"Data": likely}, {"Type": likely}),
        "LicensePlateInfo": shape({"PlateNumber": likely}),
    },
)
objects = st.lists(shape({"Appearance": appearances}), max_size=5)
vectors = shape({"@x": numbers, "@y": numbers})
frames = shape(
    {"@UtcTime": times, "Object": objects},
    {"Transformation": shape({}, {"Translate": vectors, "Scale": vectors})},
)
truths = st.booleans() | st.sampled_from(["true", "0"]) | anything
events = shape(
    {"UtcTime": times, "Source": shape({"Rule": st.sampled_from(["A-1", "B-1", 1])})},
    {
        "Data": shape(
            {},
            {
                "IsInside": truths,
                "State": truths,
                "LicensePlateInfo": shape({"PlateNumber": likely}),
                "Likelihood": numbers | st.text(max_size=10),
                "Direction": st.text(max_size=10),
            },
        )
    },
)
channels = st.sampled_from(
    [
        "vendor/onvif-mj/VideoAnalytics/1/Pallets",
        "vendor/onvif-ej/RuleEngine/Recognition/LicensePlate/&1/Gate",
        "vendor/onvif-ej/RuleEngine/FieldDetector/ObjectsInside/&1/1/A-1",
        "vendor/onvif-ej/VideoSource/ImageTooDark/ImagingService",
        "vendor/onvif-ej/VideoSource/SignalLoss/&1",
        "vendor/onvif-ej/",
        "observation",
    ]
)


@settings(deadline=None)
@given(
    encoded(events | shape({"Frame": st.lists(frames, max_size=3)})),
    channels,
    views,
    st.sampled_from(["", "EmptyPlace"]),
)
def test_any_message_of_a_camera_gives_readings_or_rejections(
    payload: bytes, channel: str, view: str, empty_class: str
) -> None:
    has_a_verdict(onvif_m.decode, "onvif_m", payload, channel, {}, view=view, empty_class=empty_class)


sides = st.floats(-1.0, 1.0)
seen = st.fixed_dictionaries(
    {
        "Class": st.fixed_dictionaries(
            {
                "Type": st.just([])
                | st.lists(st.fixed_dictionaries({"#text": kinds, "@Likelihood": st.floats(0, 1)}))
            }
        ),
        "Shape": st.fixed_dictionaries(
            {
                "BoundingBox": st.fixed_dictionaries(
                    {"@left": sides, "@top": sides, "@right": sides, "@bottom": sides}
                )
            }
        ),
    }
)


@settings(deadline=None)
@given(st.lists(seen, max_size=8), st.sampled_from(["", "EmptyPlace"]))
def test_each_slot_of_a_view_is_in_one_list_whatever_the_objects(
    found: list[object], empty_class: str
) -> None:
    frame = {"@UtcTime": "2026-11-23T05:59:00Z", "Object": [{"Appearance": each} for each in found]}
    arrived = Arrived(
        site_id="site-a",
        device_id="camera",
        payload=json.dumps({"Frame": [frame]}).encode(),
        received_at=datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
        channel="vendor/onvif-mj/VideoAnalytics/1/Pallets",
        settings={"view": LENS_VIEW, "empty_class": empty_class},
    )
    [item] = onvif_m.decode(arrived, {})
    assert isinstance(item, Observation)
    sight = item.reading
    assert isinstance(sight, SlotSight)
    assert sorted(sight.occupied + sight.empty + sight.unclear) == sorted(read_view(LENS_VIEW).slot_ids)
