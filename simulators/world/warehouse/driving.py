"""How a forklift does one job: its way over the floor, what it passes, lifts and sets down. Pure."""

import numpy as np

from simulators.world.warehouse.places import CORRIDOR_Y_M, DOCK_Y_M, Places
from simulators.world.warehouse.state import Event, Job, Leg
from simulators.world.warehouse.working import Working

SPEED_MPS = 2.5
LIFT_S = 12.0
LIFT_A_LEVEL_S = 3.0
CROSSING_S = 4.0
"""From the truck's bed through the portal."""


class Drive:
    """A drive under construction: way points and events, from where and when the forklift is now."""

    def __init__(self, working: Working, forklift: int, start: Leg) -> None:
        self._working = working
        self._places: Places = working.places
        self._forklift = forklift
        self.legs = [start]
        self.events: list[Event] = []

    @property
    def at_s(self) -> float:
        return self.legs[-1].at_s

    def _go(self, x_m: float, y_m: float) -> None:
        here = self.legs[-1]
        length_m = abs(x_m - here.x_m) + abs(y_m - here.y_m)
        if length_m > 0:
            self.legs.append(Leg(here.at_s + length_m / SPEED_MPS, x_m, y_m))

    def _wait(self, seconds: float) -> None:
        here = self.legs[-1]
        self.legs.append(Leg(here.at_s + seconds, here.x_m, here.y_m))

    def _event(self, kind: str, **facts: int | float) -> None:
        self.events.append(Event(at_s=self.at_s, number=0, kind=kind, who=self._forklift, **facts))  # type: ignore[arg-type]

    def to_corridor(self) -> None:
        """Out of the aisle, past what stands on the way."""
        here = self.legs[-1]
        if here.y_m <= CORRIDOR_Y_M:
            self._go(here.x_m, CORRIDOR_Y_M)
            return
        aisle = int(np.argmin(np.abs(self._places.aisle_x_m - here.x_m)))
        column = int(np.argmin(np.abs(self._places.column_y_m - here.y_m)))
        self._go(here.x_m, CORRIDOR_Y_M)
        self._event("pass", place=aisle, column_from=column, column_to=0, from_s=here.at_s)

    def to_place(self, place: int) -> None:
        aisle, column = int(self._places.aisle[place]), int(self._places.column[place])
        x_m, y_m = float(self._places.aisle_x_m[aisle]), float(self._places.column_y_m[column])
        here = self.legs[-1]
        if here.x_m != x_m or here.y_m <= CORRIDOR_Y_M:
            self.to_corridor()
            self._go(x_m, CORRIDOR_Y_M)
            begun_s = self.at_s
            self._go(x_m, y_m)
            self._event("pass", place=aisle, column_from=0, column_to=column, from_s=begun_s)
        else:
            before = int(np.argmin(np.abs(self._places.column_y_m - here.y_m)))
            self._go(x_m, y_m)
            self._event("pass", place=aisle, column_from=before, column_to=column, from_s=here.at_s)
        self._wait(LIFT_S + LIFT_A_LEVEL_S * int(self._places.level[place]))

    def to_dock(self, dock: int) -> None:
        self.to_corridor()
        self._go(float(self._places.dock_x_m[dock]), CORRIDOR_Y_M)
        self._go(float(self._places.dock_x_m[dock]), DOCK_Y_M)

    def do(self, job: Job, dock: int) -> None:
        """The whole job. `job.place` is where it goes (`in`, `move`) or stands (`out`)."""
        if job.kind == "in":
            self.to_dock(dock)
            self._wait(LIFT_S)
            self._event("pick", pallet=job.pallet, place=-1 - dock)
            self._wait(CROSSING_S)
            self._event("cross", pallet=job.pallet, place=dock, column_from=1)
            self.to_place(job.place)
        else:
            place = int(self._working.pallets.place[job.pallet])
            self.to_place(place)
            self._event("pick", pallet=job.pallet, place=place)
            if job.kind == "out":
                self.to_dock(dock)
                self._wait(CROSSING_S)
                self._event("cross", pallet=job.pallet, place=dock, column_from=-1)
                self._wait(LIFT_S)
            else:
                self.to_place(job.place)
        where = -1 - dock if job.kind == "out" else job.place
        self._event("drop", pallet=job.pallet, place=where, column_from=job.truck)
        self._event("free")
