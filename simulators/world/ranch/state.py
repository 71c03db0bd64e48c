"""The ranch at one moment, and what its devices noticed on the way there. Pure.

Animals are columns of arrays, by number; arrays of a state are never written to, a step makes new ones. Times
are seconds of the world since its midnight, lengths metres, masses grams.
"""

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulators.world.ranch.parameters import Parameters
from simulators.world.ranch.troubles import Trouble

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LYING, RUMINATING, STANDING, FEEDING, WALKING = range(5)
"""What an animal does for a whole step; ruminating is done lying."""
MOTION_MG: tuple[int, ...] = (12, 28, 35, 95, 160)
"""Mean change of acceleration while it does that, in thousandths of g (set)."""
HEALTHY, SICK, DEAD = range(3)
WAGON = "wagon-1"
GONE = -1
"""A pen's number stands where an animal is; `GONE` when it left the ranch, alive or dead."""


class Herd(msgspec.Struct, frozen=True, eq=False):
    """Every animal that ever was, by number."""

    birth_s: Floats
    """Before the world's midnight, so below zero for the first ones."""
    is_female: Flags
    adult_g: Floats
    growth_a_day: Floats
    mass_g: Floats
    normal_mc: Ints
    """The animal's own temperature when well, in thousandths of a degree."""
    pen: Ints
    x_m: Floats
    y_m: Floats
    doing: Ints
    lay_s: Floats
    """Lying in the last day, for the rhythm."""
    health: Ints
    until_s: Floats
    """When a sickness ends."""
    will_die: Flags
    tag_is_dead: Flags
    luck: NDArray[np.float32]
    """Logits of a tag with each station, that last: body, ear and place in the herd."""
    intake_g: Floats
    """Eaten today, as fed."""

    @property
    def count(self) -> int:
        return len(self.pen)

    @property
    def is_here(self) -> Flags:
        """On the ranch and alive."""
        here: Flags = (self.pen >= 0) & (self.health != DEAD)
        return here


def station_name(number: int) -> str:
    return f"station-{number + 1}"


def reader_name(scale: str) -> str:
    """The station beside a scale, which hears the tags that the scale wakes."""
    kind, _, number = scale.rpartition("-")
    return f"{kind}-reader-{number}"


def camera_name(number: int) -> str:
    return f"gate-camera-{number + 1}"


# --- what devices notice -------------------------------------------------------------------------


class Heard(msgspec.Struct, frozen=True, eq=False):
    """A station heard beacons within one step."""

    station: int
    at_s: float
    animals: Ints
    rssi_cdbm: Ints
    temperature_mc: Ints
    motion_mg: Ints
    lying_permille: Ints

    @property
    def device(self) -> str:
        return station_name(self.station)


class Beat(msgspec.Struct, frozen=True):
    """A station says that it listens."""

    station: int
    at_s: float
    heard: int

    @property
    def device(self) -> str:
        return station_name(self.station)


class Stood(msgspec.Struct, frozen=True):
    """An animal stood on a scale; `shown_g` is what the scale said. The scale wakes the animal's tag, and the
    station beside it, turned down to hear nothing else, heard that or not."""

    device: str
    at_s: float
    animal: int
    shown_g: int
    is_tag_heard: bool


class Loaded(msgspec.Struct, frozen=True):
    """An ingredient was put into the wagon: the target, and what its weigh bars say came."""

    at_s: float
    batch: int
    ingredient: str
    target_g: int
    shown_g: int
    truly_g: int
    """What really came."""
    device: str = WAGON


class Dropped(msgspec.Struct, frozen=True):
    """The wagon left feed before a pen: what its weigh bars say."""

    at_s: float
    batch: int
    pen: int
    shown_g: int
    truly_g: int
    """What really lies before the pen."""
    device: str = WAGON


class Passed(msgspec.Struct, frozen=True):
    """A gate camera counted animals that went through."""

    camera: int
    at_s: float
    pen: int
    direction: Literal["out", "in"]
    counted: int
    truly: int
    """How many it really was."""

    @property
    def device(self) -> str:
        return camera_name(self.camera)


class Died(msgspec.Struct, frozen=True):
    """The truth alone: no device says it."""

    at_s: float
    animal: int
    was_sick: bool


Told = Heard | Beat | Stood | Loaded | Dropped | Passed
Seen = Told | Died


class Ranch(msgspec.Struct, frozen=True, eq=False):
    """All there is, at one moment."""

    parameters: Parameters
    time_s: float
    herd: Herd
    herd_x_m: Floats
    herd_y_m: Floats
    """Where the middle of each pen's herd is."""
    station_x_m: Floats
    station_y_m: Floats
    station_down_until_s: Floats
    is_bad_weather: bool
    next_batch: int
    carried_g: float
    """Left in the wagon from the last batch."""
    seen: tuple[Seen, ...] = ()
    untold: tuple[Seen, ...] = ()
    """What happened in the step while the device that would have noticed it was off: the truth alone."""
    troubles: tuple[Trouble, ...] = ()
    """What befalls its devices, from the scenario."""
