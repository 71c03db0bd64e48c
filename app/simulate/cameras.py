"""What the aisle cameras of a simulated site are enrolled with: the slots that each was calibrated to."""

from typing import Any

import msgspec

from kernel.layout import Layout, all_slots
from simulators.protocols.onvif_m.frames import EMPTY
from simulators.sites.views import measured
from simulators.world.warehouse.parameters import Parameters
from simulators.world.warehouse.places import camera_parts


def camera_settings(layout: Layout, parameters: Parameters) -> dict[str, dict[str, Any]]:
    """The settings of each aisle camera, by its device."""
    slots, origin = all_slots(layout), msgspec.to_builtins(layout.origin)
    settings = {}
    for number, part in enumerate(camera_parts(parameters)):
        view = {"slots": [measured(slots[place]) for place in part.tolist()], "origin": origin}
        settings[f"camera-{number + 1}"] = {"view": msgspec.json.encode(view).decode(), "empty_class": EMPTY}
    return settings
