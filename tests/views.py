"""Views of cameras for tests, by plain names."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from devices.transport.view import Lens


def a_lens(**changes: Any) -> Lens:
    """A camera two metres up that looks north, 90 degrees wide."""
    standard: dict[str, Any] = {
        "width_px": 640,
        "height_px": 360,
        "fx_px": 320.0,
        "fy_px": 320.0,
        "cx_px": 319.5,
        "cy_px": 179.5,
        "x_m": 0.0,
        "y_m": -5.0,
        "z_m": 2.0,
        "pan_deg": 90.0,
    }
    return Lens(**standard | changes)


def a_slot(slot_id: str, **changes: Any) -> dict[str, Any]:
    """A slot on the floor whose front faces south."""
    standard: dict[str, Any] = {
        "slot_id": slot_id,
        "x_m": 0.0,
        "y_m": 0.0,
        "z_m": 0.0,
        "width_m": 1.4,
        "depth_m": 1.1,
        "height_m": 1.6,
    }
    return standard | changes


def a_view(
    *,
    slots: Sequence[dict[str, Any]] = (),
    marks: Sequence[dict[str, Any]] = (),
    lens: Lens | None = None,
    origin: dict[str, Any] | None = None,
) -> str:
    """The text of a view."""
    return json.dumps(
        {
            "slots": list(slots),
            "marks": list(marks),
            "lens": None if lens is None else msgspec.to_builtins(lens),
            "origin": origin,
        }
    )
