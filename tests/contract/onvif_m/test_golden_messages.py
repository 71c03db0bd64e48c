"""Messages as the ONVIF specifications print them, or made from their printed XML by their own rules, and
what must come of each."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from devices.drivers.onvif_m.codec import FRAMES_MAX, MESSAGE_BYTES_MAX, decode
from devices.transport.decoding import Arrived
from kernel.messages import CodeSight, DeviceStatus, LineCount, Observation, PlateRead, Rejected, SlotSight
from tests.views import a_lens, a_slot, a_view

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
VIEW = a_view(
    lens=a_lens(pan_deg=90.0, y_m=-3.0, z_m=0.8),
    slots=[a_slot("A-1", x_m=-1.0), a_slot("A-2", x_m=1.0)],
)
MODULE = "vendor/onvif-mj/VideoAnalytics/1/MyClassifier"

# Analytics Service Specification, "JSON over MQTT", the sample frame; faces and clothes left off.
SAMPLE_FRAME = b"""{
  "Frame": [{
    "@UtcTime": "2021-10-05T15:13:27.321",
    "@Source": "MyClassifier",
    "@context": {"acme": "http://www.acme.com/schema"},
    "Transformation": {
      "Translate": {"@x": -1.0, "@y": -1.0},
      "Scale": {"@x": 0.003125, "@y": 0.00416667}
    },
    "Object": [{
      "@ObjectId": 15,
      "Appearance": {
        "Shape": {
          "BoundingBox": {"@left": 20.0, "@top": 80.0, "@right": 100.0, "@bottom": 30.0},
          "CenterOfGravity": {"@x": 60.0, "@y": 50.0},
          "Polygon": {"Point": [{"@x": 20.0, "@y": 30.0}, {"@x": 100.0, "@y": 30.0}]}
        },
        "Color": {"ColorCluster": [{"Color": {"@X": 213, "@Y": 135, "@Z": 126}, "Weight": 0.9,
          "acme:ColorName": "White"}]},
        "Class": {"Type": [{"@Likelihood": 0.8, "#text": "Human"}]},
        "HumanFace": {"Gender": "Male"}
      }
    }]
  }]
}"""
# The same document's examples of a barcode and of a license plate, XML to JSON by its own rules.
SAMPLE_CODE = b"""{"Frame": [{"@UtcTime": "2022-12-21T12:25:51.211", "Object": [{"@ObjectId": 12,
  "Appearance": {"Class": {"Type": [{"@Likelihood": 0.9, "#text": "Barcode"}]},
  "BarcodeInfo": {"Data": {"@Likelihood": 0.9, "#text": "Content"},
    "Type": {"@Likelihood": 0.9, "#text": "Code-128"}, "PPM": 1.4}}}]}]}"""
SAMPLE_PLATE = b"""{"Frame": [{"@UtcTime": "2010-10-20T12:24:57.321", "Object": [{"@ObjectId": 12,
  "Appearance": {"LicensePlateInfo": {"PlateNumber": {"@Likelihood": 0.9, "#text": "6DZG261"},
    "PlateType": {"@Likelihood": 0.8, "#text": "Normal"}, "CountryCode": {"@Likelihood": 0.7, "#text": "US"},
    "IssuingEntity": {"@Likelihood": 0.6, "#text": "California"}}}}]}]}"""
# Core Specification, "JSON Event Payload", the first printed event and its topic.
CROSSED = b"""{"UtcTime": "2008-10-10T12:24:57.321Z", "Source": {"VideoSource": "1",
  "AnalyticsConfiguration": "2", "Rule": "MyImportantFence1"}, "Data": {"ObjectId": "15"}}"""
CROSSED_TOPIC = "vendor/onvif-ej/RuleEngine/LineDetector/Crossed/&1/2/MyImportantFence1"
PLATES = "vendor/onvif-ej/RuleEngine/Recognition/LicensePlate/&1/Gate"
PLATE = """{"UtcTime": "2026-11-23T05:59:00Z", "Source": {"VideoSource": "1", "Rule": "Gate"}, "Data": {
  "Likelihood": "0.93", "ObjectId": "7", "LicensePlateInfo": {"PlateNumber": {"@Likelihood": 0.9,
  "#text": "赣G12345"}, "CountryCode": "CN"}, "Direction": "Entering"}}""".encode()
FIELD = "vendor/onvif-ej/RuleEngine/FieldDetector/ObjectsInside/&1/1/A-2"
INSIDE = b"""{"UtcTime": "2026-11-23T05:59:00Z", "Source": {"VideoSource": "1", "AnalyticsConfiguration": "1",
  "Rule": "A-2"}, "Data": {"IsInside": true}}"""
# The counter's topic and its data as the Analytics Service Specification names them (CountAggregation).
COUNTER = "vendor/onvif-ej/RuleEngine/CountAggregation/Counter/&1/1/Out"
COUNTED = b"""{"UtcTime": "2026-11-23T05:59:00Z", "Source": {"VideoSource": "1",
  "AnalyticsConfiguration": "1", "Rule": "Out"}, "Data": {"Count": "42"}}"""
DARK = "vendor/onvif-ej/VideoSource/ImageTooDark/ImagingService/&1"
STATE = b"""{"UtcTime": "2026-11-23T05:59:00Z", "Source": {"Source": "1"}, "Data": {"State": "true"}}"""


def read(payload: bytes, channel: str, **settings: Any) -> list[Observation | Rejected]:
    arrived = Arrived(
        site_id="site-a",
        device_id="camera",
        payload=payload,
        received_at=NOW,
        channel=channel,
        settings={"view": VIEW, **settings},
    )
    return decode(arrived, {})


def said(payload: bytes, channel: str, **settings: Any) -> list[Any]:
    items = read(payload, channel, **settings)
    assert all(isinstance(item, Observation) for item in items), items
    return [item.reading for item in items if isinstance(item, Observation)]


def a_frame(*objects: dict[str, Any]) -> bytes:
    return json.dumps({"Frame": [{"@UtcTime": "2026-11-23T05:59:00Z", "Object": list(objects)}]}).encode()


def a_pallet(left: float, right: float, kind: str = "Pallet", likelihood: float = 0.9) -> dict[str, Any]:
    box = {"@left": left, "@top": 0.3, "@right": right, "@bottom": -0.3}
    return {
        "@ObjectId": 1,
        "Appearance": {
            "Shape": {"BoundingBox": box},
            "Class": {"Type": [{"@Likelihood": likelihood, "#text": kind}]},
        },
    }


IN_1, IN_2 = a_pallet(-0.6, -0.3), a_pallet(0.3, 0.6)


def test_the_sample_frame_of_the_standard_shows_no_pallet() -> None:
    [seen] = read(SAMPLE_FRAME, MODULE)
    assert isinstance(seen, Observation)
    assert seen.observed_at == datetime(2021, 10, 5, 15, 13, 27, 321_000, tzinfo=UTC)
    assert seen.reading == SlotSight(empty=("A-1", "A-2"))


def test_what_the_sample_frame_shows_stands_where_its_transformation_puts_it() -> None:
    # The box lies at x 60 and y 55 of 640 x 480, from the lower left: that is before neither slot.
    [seen] = said(SAMPLE_FRAME, MODULE, pallet_class="Human")
    assert seen == SlotSight(empty=("A-1", "A-2"), pallet_count=1)
    moved = SAMPLE_FRAME.replace(
        b'"@left": 20.0, "@top": 80.0, "@right": 100.0, "@bottom": 30.0',
        b'"@left": 400.0, "@top": 300.0, "@right": 500.0, "@bottom": 200.0',
    )
    [seen] = said(moved, MODULE, pallet_class="Human")
    assert seen == SlotSight(occupied=("A-2",), empty=("A-1",), pallet_count=1)


def test_the_standards_barcode_is_a_code_that_was_seen() -> None:
    assert said(SAMPLE_CODE, MODULE)[1:] == [CodeSight(code="Content", symbology="code128", x_px=0, y_px=0)]


def test_the_standards_plate_is_a_plate_with_its_likelihood() -> None:
    assert said(SAMPLE_PLATE, MODULE, view="") == [PlateRead(plate="6DZG261", confidence_permille=900)]


def test_a_plate_that_was_recognised_tells_the_way_and_how_sure_the_camera_is() -> None:
    [plate] = read(PLATE, PLATES)
    assert isinstance(plate, Observation)
    assert plate.observed_at == datetime(2026, 11, 23, 5, 59, tzinfo=UTC)
    assert plate.reading == PlateRead(plate="赣G12345", confidence_permille=930, direction="in")
    [out] = said(PLATE.replace(b"Entering", b"Exiting"), PLATES)
    assert out.direction == "out"


def test_a_field_detector_tells_of_the_slot_that_its_rule_is_named_after() -> None:
    assert said(INSIDE, FIELD) == [SlotSight(occupied=("A-2",), pallet_count=1)]
    assert said(INSIDE.replace(b"true", b'"false"'), FIELD) == [SlotSight(empty=("A-2",))]


@pytest.mark.parametrize(
    ("topic", "reading"),
    [
        ("ImageTooDark/ImagingService", SlotSight(state="dark")),
        ("tallyhouse:ImageFrozen", SlotSight(state="frozen")),
        ("tallyhouse:ImageReplayed", SlotSight(state="replayed")),
        ("ImageTooBlurry/AnalyticsService", DeviceStatus(state="fault", reason="the picture is blurred")),
        (
            "GlobalSceneChange/RecordingService",
            DeviceStatus(state="fault", reason="the camera was covered or turned"),
        ),
        ("SignalLoss", DeviceStatus(state="fault", reason="no picture")),
    ],
)
def test_what_the_camera_finds_wrong_with_its_picture_is_told_and_taken_back(
    topic: str, reading: SlotSight | DeviceStatus
) -> None:
    channel = f"vendor/onvif-ej/VideoSource/{topic}/&1"
    assert said(STATE, channel) == [reading]
    assert said(STATE.replace(b'"true"', b"false"), channel) == [DeviceStatus(state="online")]


def test_a_property_that_is_deleted_says_nothing() -> None:
    assert read(b"", FIELD) == []


def test_each_slot_of_the_view_is_told_once() -> None:
    assert said(a_frame(IN_1), MODULE) == [SlotSight(occupied=("A-1",), empty=("A-2",), pallet_count=1)]
    assert said(a_frame(), MODULE) == [SlotSight(empty=("A-1", "A-2"))]
    both = said(a_frame(IN_1, IN_1, IN_2), MODULE)
    assert both == [SlotSight(occupied=("A-1", "A-2"), pallet_count=3)]


def test_where_the_camera_tells_empty_places_too_the_rest_is_unclear() -> None:
    seen = said(a_frame(IN_1), MODULE, empty_class="EmptyPlace")
    assert seen == [SlotSight(occupied=("A-1",), unclear=("A-2",), pallet_count=1)]
    seen = said(a_frame(IN_1, a_pallet(0.3, 0.6, "EmptyPlace")), MODULE, empty_class="EmptyPlace")
    assert seen == [SlotSight(occupied=("A-1",), empty=("A-2",), pallet_count=1)]


def test_what_is_not_sure_or_contradicts_itself_is_unclear() -> None:
    assert said(a_frame(IN_1, a_pallet(0.3, 0.6, likelihood=0.4)), MODULE) == [
        SlotSight(occupied=("A-1",), unclear=("A-2",), pallet_count=1)
    ]
    assert said(a_frame(IN_1, a_pallet(-0.6, -0.3, "EmptyPlace")), MODULE, empty_class="EmptyPlace") == [
        SlotSight(unclear=("A-1", "A-2"), pallet_count=1)
    ]


def test_pallets_that_the_camera_places_on_earth_stand_in_their_slots() -> None:
    view = a_view(
        slots=[a_slot("A-1", x_m=-1.0), a_slot("A-2", x_m=1.0)],
        origin={"latitude_deg": 0.0, "longitude_deg": 0.0},
    )
    # One metre on the equator is 1 / 111319.49 of a degree (WGS 84: 2 pi 6378137 m / 360).
    place = {"@lon": 1.0 / 111_319.49, "@lat": 0.0, "@elevation": 0.8}
    pallet = {"Appearance": {"GeoLocation": place, "Class": {"Type": [{"#text": "Pallet"}]}}}
    assert said(a_frame(pallet), MODULE, view=view) == [
        SlotSight(occupied=("A-2",), empty=("A-1",), pallet_count=1)
    ]


@pytest.mark.parametrize(
    ("extension", "named"),
    [
        ({"tallyhouse:PictureSha256": "ab" * 32}, "ab" * 32),
        ({"maker:Scene": {"Quality": 3}}, ""),
        ([{"maker:Scene": "night"}], ""),
    ],
)
def test_the_picture_of_a_frame_is_known_where_its_extension_names_it(extension: Any, named: str) -> None:
    frame = json.loads(a_frame(IN_1))
    frame["Frame"][0]["Extension"] = extension
    [sight] = said(json.dumps(frame).encode(), MODULE)
    assert sight.picture_sha256 == named
    assert sight.occupied


def test_a_message_that_comes_twice_is_the_same_readings() -> None:
    ids = [item.observation_id for item in read(SAMPLE_CODE, MODULE) if isinstance(item, Observation)]
    assert len(set(ids)) == 2
    assert ids == [item.observation_id for item in read(SAMPLE_CODE, MODULE) if isinstance(item, Observation)]


def test_a_wrong_frame_costs_only_itself() -> None:
    good, bad = json.loads(a_frame(IN_1))["Frame"][0], {"@UtcTime": "soon", "Object": []}
    first, second = read(json.dumps({"Frame": [bad, good]}).encode(), MODULE)
    assert isinstance(first, Rejected)
    assert (first.field, first.rule) == ("Frame.@UtcTime", "a date and time")
    assert json.loads(first.raw) == bad
    assert isinstance(second, Observation)


@pytest.mark.parametrize(
    ("payload", "channel", "field"),
    [
        (b"{", MODULE, "message"),
        (b"[]", MODULE, "message"),
        (b"", MODULE, "message"),
        (b"[" * 2000, MODULE, "message"),
        (b" " * (MESSAGE_BYTES_MAX + 1), MODULE, "message"),
        (b'{"Frame":7}', MODULE, "Frame"),
        (b'{"Frame":[' + b"{}," * FRAMES_MAX + b"{}]}", MODULE, "Frame"),
        (b'{"Frame":[{}]}', MODULE, "Frame"),
        (a_frame(*[{}] * 2001), MODULE, "Object"),
        (a_frame({"Appearance": 7}), MODULE, "Object[0].Appearance"),
        (a_frame(a_pallet(7.0, 8.0)), MODULE, "Object.Appearance.Shape.BoundingBox"),
        (
            a_frame({"Appearance": {"Class": {"Type": ["Pallet"]}}}),
            MODULE,
            "Object.Appearance.Shape.BoundingBox",
        ),
        (
            SAMPLE_PLATE.replace(b"0.9", b"90"),
            MODULE,
            "Object.Appearance.LicensePlateInfo.PlateNumber.@Likelihood",
        ),
        (SAMPLE_FRAME, "observation", "channel"),
        (SAMPLE_FRAME, "vendor/onvif-mj/PTZ/1/1", "channel"),
        (CROSSED, CROSSED_TOPIC, "channel"),
        (PLATE.replace(b"LicensePlateInfo", b"LicencePlateInfo"), PLATES, "Data"),
        (PLATE.replace(b'"0.93"', b'"sure"'), PLATES, "Data.Likelihood"),
        (PLATE.replace(b'"0.93"', b"9.3"), PLATES, "Data.Likelihood"),
        (PLATE.replace(b"2026-11-23T05:59:00Z", b"yesterday"), PLATES, "UtcTime"),
        (PLATE.replace(b"2026-11-23T05:59:00Z", b"0001-01-01T00:00:00+14:00"), PLATES, "UtcTime"),
        (INSIDE.replace(b"A-2", b"B-9"), FIELD, "Source.Rule"),
        (INSIDE.replace(b"true", b'"maybe"'), FIELD, "Data.IsInside"),
        (STATE.replace(b"State", b"Status"), DARK, "Data"),
    ],
)
def test_what_is_wrong_is_set_aside_under_its_field(payload: bytes, channel: str, field: str) -> None:
    [rejected] = read(payload, channel)
    assert isinstance(rejected, Rejected)
    assert rejected.field == field
    assert rejected.rule


def test_a_counter_tells_how_many_crossed_the_line_that_its_rule_is_named_after() -> None:
    [counted] = read(COUNTED, COUNTER)
    assert isinstance(counted, Observation)
    assert counted.reading == LineCount(line="Out", count=42)
    assert counted.observed_at == datetime(2026, 11, 23, 5, 59, tzinfo=UTC)
    [as_number] = read(COUNTED.replace(b'"42"', b"42"), COUNTER)
    assert isinstance(as_number, Observation)
    assert as_number.reading == counted.reading


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (b'"-1"', "Data.Count"),
        (b'"many"', "Data.Count"),
        (b'"1e3"', "Data.Count"),
        (b'"9999999999999999"', "Data.Count"),
        (b"null", "Data.Count"),
    ],
)
def test_a_counter_that_is_no_whole_number_is_rejected(wrong: bytes, field: str) -> None:
    [rejected] = read(COUNTED.replace(b'"42"', wrong), COUNTER)
    assert isinstance(rejected, Rejected)
    assert rejected.field == field
    [nameless] = read(COUNTED.replace(b'"Out"', b'""'), COUNTER)
    assert isinstance(nameless, Rejected)
    assert nameless.field == "Source.Rule"
