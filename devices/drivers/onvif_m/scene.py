"""The objects of one frame: pallets in their slots, codes and plates. Pure.

The forms are those of ONVIF's `metadatastream.xsd` after the rules of "JSON over MQTT": attributes begin with
`@`, an element's own text is `#text`.
"""

from functools import lru_cache
from typing import Any, Final

import msgspec
import numpy as np

from devices.transport.decoding import FieldRejected
from devices.transport.makers import wrong_json
from devices.transport.view import View, read_view
from kernel.messages import CodeSight, PlateRead, SlotSight

OBJECTS_MAX: Final = 2_000
LIKELIHOOD_MIN: Final = 0.5
PALLET_CLASS: Final = "Pallet"
SCENES_REMEMBERED: Final = 64
"""A scene in which nothing moved is told over and over, byte by byte the same."""
SYMBOLOGIES: Final = {
    "Code-128": "code128",
    "EAN-128": "gs1-128",
    "SSCC-18": "gs1-128",
    "QRCode": "qr",
    "DataMatrix": "datamatrix",
    "PDF417": "pdf417",
    "EAN-13": "ean13",
    "EAN-8": "ean8",
    "ITF-14": "itf14",
    "Code-39": "code39",
}


class Likely(msgspec.Struct, frozen=True):
    """A text and how likely it is; without a likelihood it is certain (Analytics, license plate)."""

    text: str = msgspec.field(name="#text")
    likelihood: float = msgspec.field(name="@Likelihood", default=1.0)


Text = Likely | str


class PlateInfo(msgspec.Struct, frozen=True, rename="pascal"):
    plate_number: Text


class _Barcode(msgspec.Struct, frozen=True, rename="pascal"):
    data: Text
    type: Text = ""


class _Class(msgspec.Struct, frozen=True, rename="pascal"):
    type: list[Text] | Likely = []


class _Place(msgspec.Struct, frozen=True):
    lon: float = msgspec.field(name="@lon")
    lat: float = msgspec.field(name="@lat")
    elevation: float = msgspec.field(name="@elevation", default=0.0)


class _Vector(msgspec.Struct, frozen=True):
    x: float = msgspec.field(name="@x")
    y: float = msgspec.field(name="@y")


class _Box(msgspec.Struct, frozen=True):
    left: float = msgspec.field(name="@left")
    top: float = msgspec.field(name="@top")
    right: float = msgspec.field(name="@right")
    bottom: float = msgspec.field(name="@bottom")


class _Shape(msgspec.Struct, frozen=True, rename="pascal"):
    bounding_box: _Box | None = None


class _Appearance(msgspec.Struct, frozen=True, rename="pascal"):
    kind: _Class = msgspec.field(name="Class", default=_Class())
    geo_location: _Place | None = None
    shape: _Shape = _Shape()
    barcode_info: _Barcode | None = None
    license_plate_info: PlateInfo | None = None


class _Object(msgspec.Struct, frozen=True, rename="pascal"):
    appearance: _Appearance = _Appearance()


class Transformation(msgspec.Struct, frozen=True, rename="pascal"):
    """From the frame's own coordinates to normalised ones, -1 to 1, y up: first scaled, then moved."""

    translate: _Vector = _Vector(0.0, 0.0)
    scale: _Vector = _Vector(1.0, 1.0)


class Classes(msgspec.Struct, frozen=True):
    """What the camera calls things, and how sure it has to be. An empty `empty` says that it tells pallets
    alone: then a slot in view without one is empty."""

    pallet: str = PALLET_CLASS
    empty: str = ""
    likelihood_min: float = LIKELIHOOD_MIN


class Scene(msgspec.Struct, frozen=True):
    """What a frame shows."""

    slots: SlotSight | None
    codes: tuple[CodeSight, ...] = ()
    plates: tuple[PlateRead, ...] = ()


_objects = msgspec.json.Decoder(list[_Object])


def text_of(text: Text) -> str:
    return text if isinstance(text, str) else text.text


def permille(likelihood: float, field: str) -> int:
    """Raises FieldRejected for what is no likelihood."""
    if not 0.0 <= likelihood <= 1.0:
        raise FieldRejected(field, "0 to 1")
    return round(likelihood * 1000)


def plate_read(info: PlateInfo, field: str, **more: Any) -> PlateRead:
    number = info.plate_number
    likelihood = 1.0 if isinstance(number, str) else number.likelihood
    return PlateRead(
        plate=text_of(number), confidence_permille=permille(likelihood, f"{field}.@Likelihood"), **more
    )


@lru_cache(maxsize=SCENES_REMEMBERED)
def read_scene(objects: bytes, transformation: Transformation, view_text: str, classes: Classes) -> Scene:
    """What the frame's objects are. Raises FieldRejected."""
    try:
        found = _objects.decode(objects)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise wrong_json(error, "Object") from None
    if len(found) > OBJECTS_MAX:
        raise FieldRejected("Object", f"at most {OBJECTS_MAX}")
    view = read_view(view_text) if view_text else None
    appearances = [each.appearance for each in found]
    plates = tuple(
        plate_read(info, "Object.Appearance.LicensePlateInfo.PlateNumber")
        for seen in appearances
        if (info := seen.license_plate_info) is not None
    )
    if view is None:
        return Scene(None, _codes(appearances, transformation, None), plates)
    return Scene(
        _slots(appearances, transformation, view, classes), _codes(appearances, transformation, view), plates
    )


def _class_of(seen: _Appearance) -> tuple[str, float]:
    """The likeliest class."""
    types = seen.kind.type if isinstance(seen.kind.type, list) else [seen.kind.type]
    told = [(text_of(one), 1.0 if isinstance(one, str) else one.likelihood) for one in types]
    return max(told, key=lambda one: one[1], default=("", 0.0))


def _slots(
    appearances: list[_Appearance], transformation: Transformation, view: View, classes: Classes
) -> SlotSight:
    """Each slot of the view in one list: what contradicts itself or is not sure is unclear."""
    pallets: list[_Appearance] = []
    others: list[_Appearance] = []
    count = 0
    doubted: list[_Appearance] = []
    for seen in appearances:
        name, likelihood = _class_of(seen)
        if name not in (classes.pallet, classes.empty) or not name:
            continue
        if likelihood < classes.likelihood_min:
            doubted.append(seen)
        elif name == classes.pallet:
            pallets.append(seen)
            count += 1
        else:
            others.append(seen)
    occupied, empty, unclear = (
        set(_numbers(some, transformation, view)) - {-1} for some in (pallets, others, doubted)
    )
    unclear |= occupied & empty
    if classes.empty:
        unclear |= set(range(len(view.slots))) - occupied - empty
    else:
        empty = set(range(len(view.slots))) - occupied
    names = view.slot_ids
    return SlotSight(
        occupied=tuple(names[slot] for slot in sorted(occupied - unclear)),
        empty=tuple(names[slot] for slot in sorted(empty - unclear)),
        unclear=tuple(names[slot] for slot in sorted(unclear)),
        pallet_count=count,
    )


def _numbers(some: list[_Appearance], transformation: Transformation, view: View) -> list[int]:
    """The slot of each: by its place on earth where it is told, else by its box."""
    if not some:
        return []
    if view.has_places and some[0].geo_location is not None:
        return view.slots_at_places([_place(seen.geo_location) for seen in some])
    return view.slots_at_pixels(np.array([_pixel(seen, transformation, view) for seen in some]))


def _place(place: _Place | None) -> tuple[float, float, float]:
    if place is None:
        raise FieldRejected("Object.Appearance.GeoLocation", "told of every object or of none")
    if not (-180 <= place.lon <= 180 and -90 <= place.lat <= 90 and abs(place.elevation) < 10_000):
        raise FieldRejected("Object.Appearance.GeoLocation", "degrees on earth and metres of height")
    return place.lon, place.lat, place.elevation


def _pixel(seen: _Appearance, transformation: Transformation, view: View | None) -> tuple[float, float]:
    """The middle of the object's box."""
    box, lens = seen.shape.bounding_box, None if view is None else view.lens
    if box is None or lens is None:
        raise FieldRejected("Object.Appearance.Shape.BoundingBox", "told, for a view with a lens")
    x = (box.left + box.right) / 2 * transformation.scale.x + transformation.translate.x
    y = (box.bottom + box.top) / 2 * transformation.scale.y + transformation.translate.y
    if not (-1.5 <= x <= 1.5 and -1.5 <= y <= 1.5):
        raise FieldRejected("Object.Appearance.Shape.BoundingBox", "within the picture")
    return (x + 1) / 2 * lens.width_px - 0.5, (1 - y) / 2 * lens.height_px - 0.5


def _codes(
    appearances: list[_Appearance], transformation: Transformation, view: View | None
) -> tuple[CodeSight, ...]:
    codes = []
    for seen in appearances:
        if seen.barcode_info is None:
            continue
        x_px, y_px, slot = 0.0, 0.0, -1
        if view is not None and view.lens is not None and seen.shape.bounding_box is not None:
            x_px, y_px = _pixel(seen, transformation, view)
            [slot] = view.slots_at_pixels(np.array([(x_px, y_px)]))
        kind = text_of(seen.barcode_info.type)
        codes.append(
            CodeSight(
                code=text_of(seen.barcode_info.data),
                symbology=SYMBOLOGIES.get(kind, kind.lower()),
                x_px=max(0, round(x_px)),
                y_px=max(0, round(y_px)),
                slot_id=None if slot < 0 or view is None else view.slot_ids[slot],
            )
        )
    return tuple(codes)
