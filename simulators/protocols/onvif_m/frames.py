"""What a camera of ONVIF profile M says, as JSON over MQTT. Pure.

Written after the examples of the ONVIF Core and Analytics specifications: attributes with `@`, an element's
text as `#text`, simple items in quotes.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

PROFILE, MODULE, RULE = "profile-1", "Pallets", "Plates"
FRAMES_CHANNEL = f"vendor/onvif-mj/VideoAnalytics/{PROFILE}/{MODULE}"
PLATES_CHANNEL = f"vendor/onvif-ej/RuleEngine/Recognition/LicensePlate/&video-1/{RULE}"
PALLET, EMPTY = "Pallet", "EmptyPlace"
PICTURE = "tallyhouse:PictureSha256"


def _text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _utc(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def geolocated(number: int, kind: str, longitude_deg: float, latitude_deg: float, height_m: float) -> bytes:
    """An object whose place on earth the camera worked out."""
    place = {"@lon": longitude_deg, "@lat": latitude_deg, "@elevation": height_m}
    return _object(number, kind, {"GeoLocation": place})


def boxed(number: int, kind: str, left: float, top: float, right: float, bottom: float) -> bytes:
    """An object by its box in normalised coordinates, -1 to 1, y up."""
    box = {"@left": left, "@top": top, "@right": right, "@bottom": bottom}
    middle = {"@x": (left + right) / 2, "@y": (top + bottom) / 2}
    return _object(number, kind, {"Shape": {"BoundingBox": box, "CenterOfGravity": middle}})


def _object(number: int, kind: str, appearance: dict[str, Any]) -> bytes:
    seen = {"Class": {"Type": [{"@Likelihood": 0.97, "#text": kind}]}, **appearance}
    return _text({"@ObjectId": number, "Appearance": seen})


def scene(objects: Iterable[bytes]) -> bytes:
    """All objects of a frame."""
    return b"[%s]" % b",".join(objects)


def frame(at: datetime, seen: bytes, picture_sha256: str = "") -> bytes:
    """A message of one frame, in which a `scene` is seen, and of which picture where that is given."""
    extension = b"" if not picture_sha256 else b',"Extension":%s' % _text({PICTURE: picture_sha256})
    said = b'{"Frame":[{"@UtcTime":"%s","@Source":"%s","Object":%s%s}]}'
    return said % (_utc(at).encode(), MODULE.encode(), seen, extension)


def plate(at: datetime, number: str, likelihood: float, direction: str, country: str = "CN") -> bytes:
    """A plate that was recognised; `direction` is in or out."""
    info = {
        "PlateNumber": {"@Likelihood": likelihood, "#text": number},
        "CountryCode": {"@Likelihood": 1.0, "#text": country},
    }
    data = {
        "Likelihood": str(likelihood),
        "LicensePlateInfo": info,
        "Direction": {"in": "Entering", "out": "Exiting"}[direction],
    }
    return _event(at, {"VideoSource": "video-1", "Rule": RULE}, data)


def inside(at: datetime, rule: str, is_inside: bool) -> tuple[str, bytes]:
    """Channel and message of a field detector."""
    source = {"VideoSource": "video-1", "AnalyticsConfiguration": "1", "Rule": rule}
    channel = f"vendor/onvif-ej/RuleEngine/FieldDetector/ObjectsInside/&video-1/1/{rule}"
    return channel, _event(at, source, {"IsInside": str(is_inside).lower()})


def counter(at: datetime, rule: str, count: int) -> tuple[str, bytes]:
    """Channel and message of a rule that counts what crosses its line: how many since it was reset."""
    source = {"VideoSource": "video-1", "AnalyticsConfiguration": "1", "Rule": rule}
    channel = f"vendor/onvif-ej/RuleEngine/CountAggregation/Counter/&video-1/1/{rule}"
    return channel, _event(at, source, {"Count": str(count)})


def picture_is(at: datetime, state: str) -> tuple[str, bytes]:
    """Channel and message of a picture that shows nothing: dark, frozen or replayed."""
    topic = {
        "dark": "ImageTooDark/ImagingService",
        "frozen": "tallyhouse:ImageFrozen",
        "replayed": "tallyhouse:ImageReplayed",
    }[state]
    message = _event(at, {"Source": "video-1"}, {"State": "true"})
    return f"vendor/onvif-ej/VideoSource/{topic}/&video-1", message


def _event(at: datetime, source: dict[str, Any], data: dict[str, Any]) -> bytes:
    return _text({"UtcTime": _utc(at), "Source": source, "Data": data})
