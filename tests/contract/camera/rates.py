"""How often the driver is right about slots, on painted racks: `python -m tests.contract.camera.rates 60`.

The scenes are drawn at random: which slots are taken, low and high pallets with and without a label, light
from a well lit hall to deep dusk, sensor noise, JPEG quality, and a camera that hangs a little off its
measured pose. In a quarter of them somebody as wide as a person stands still before the rack.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from random import Random

import cv2
import msgspec
import numpy as np

from devices.drivers.camera.marks import Looker
from devices.transport.view import read_view
from simulators.protocols.camera.exposure import Exposure, Negative
from simulators.protocols.camera.painter import Painter
from simulators.protocols.camera.scene import Box, Scene
from tests.contract.camera.racks import CAMERA, SLOTS, a_load, a_scene, the_view

LOOK_EVERY, SETTLE = timedelta(seconds=12), timedelta(seconds=10)
PERSON = 0.6, 0.4, 1.8


class Rates(msgspec.Struct):
    """Slots by what was said of them, and labels."""

    right: int = 0
    wrong: int = 0
    unclear: int = 0
    labels: int = 0
    labels_read: int = 0

    @property
    def told(self) -> int:
        return self.right + self.wrong


def _scene(draw: Random, *, is_cluttered: bool) -> tuple[Scene, dict[str, str], Exposure]:
    """The scene, the label by each slot that is taken ("" without one), and how it is exposed."""
    taken = {
        slot.slot_id: a_load(number, draw.uniform(0.45, 1.35), has_label=draw.random() < 0.7)
        for number, slot in enumerate(SLOTS)
        if draw.random() < 0.6
    }
    hangs = msgspec.structs.replace(
        CAMERA,
        x_m=CAMERA.x_m + draw.gauss(0, 0.02),
        z_m=CAMERA.z_m + draw.gauss(0, 0.02),
        pan_deg=CAMERA.pan_deg + draw.gauss(0, 0.15),
        tilt_deg=CAMERA.tilt_deg + draw.gauss(0, 0.15),
        roll_deg=draw.gauss(0, 0.2),
    )
    person = Box(draw.uniform(0.0, 5.6), -1.5, 0.0, *PERSON, (40, 90, 200))
    exposure = Exposure(
        draw.choice([1.0, 0.7, 0.4, 0.25, 0.15]), draw.choice([1.5, 2.5, 4.0]), draw.choice([60, 75, 85, 92])
    )
    labels = {slot_id: str(load.label) if load.label >= 0 else "" for slot_id, load in taken.items()}
    return a_scene(taken, hangs, more=(person,) if is_cluttered else ()), labels, exposure


async def measured(painter: Painter, scenes: int, seed: int) -> tuple[Rates, Rates]:
    """Rates with a clear view, and with somebody before the rack."""
    draw, clear, cluttered = Random(seed), Rates(), Rates()
    view = read_view(the_view())
    for number in range(scenes):
        is_cluttered = number % 4 == 3
        scene, taken, exposure = _scene(draw, is_cluttered=is_cluttered)
        negative, looker = Negative(await painter.paint(scene)), Looker(view, SETTLE)
        at = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
        for look in range(3):
            jpeg = negative.exposed(10 * number + look, exposure)
            grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
            seen = looker.look(grey.astype(np.uint8), at)
            at += LOOK_EVERY
        rates = cluttered if is_cluttered else clear
        for slot, verdict in zip(SLOTS, seen.verdicts, strict=True):
            truth = "occupied" if slot.slot_id in taken else "empty"
            rates.right += verdict == truth
            rates.unclear += verdict == "unclear"
            rates.wrong += verdict not in (truth, "unclear")
        read = {(code.slot_id, code.code) for code in seen.codes}
        wanted = {(slot_id, label) for slot_id, label in taken.items() if label}
        rates.labels += len(wanted)
        rates.labels_read += len(wanted & read)
    return clear, cluttered


async def _main(scenes: int) -> None:
    async with Painter() as painter:
        for name, rates in zip(("clear", "cluttered"), await measured(painter, scenes, 7), strict=True):
            print(name, rates)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
