"""A warehouse while one step is made: the only place where the next state is written to."""

import heapq
from collections.abc import Iterable

import msgspec
import numpy as np

from simulators.world.warehouse.acts import Deed
from simulators.world.warehouse.places import Places, places_of
from simulators.world.warehouse.state import (
    Event,
    Fixes,
    Forklift,
    Framed,
    Pallets,
    Person,
    Seen,
    Spoof,
    Truck,
    Warehouse,
)


class Working:
    """Copies of what a step may change, the step's own stream of randomness, and what was noticed."""

    def __init__(self, world: Warehouse, draw: np.random.Generator) -> None:
        self.parameters = world.parameters
        self.places: Places = places_of(world.parameters)
        self.draw = draw
        self.pallets: Pallets = msgspec.structs.replace(
            world.pallets,
            place=world.pallets.place.copy(),
            moved_s=world.pallets.moved_s.copy(),
            is_dead=world.pallets.is_dead.copy(),
            is_active=world.pallets.is_active.copy(),
        )
        self.pallet_at = world.pallet_at.copy()
        self.shown = world.shown.copy()
        self.clutter = world.clutter
        self.forklifts: list[Forklift] = list(world.forklifts)
        self.fixes: list[list[Fixes]] = [[] for _ in world.forklifts]
        """What their tags took in this step."""
        self.trucks: dict[int, Truck] = dict(world.trucks)
        self.docks = list(world.docks)
        self.waiting = list(world.waiting)
        self.jobs = list(world.jobs)
        self.agenda = list(world.agenda)
        self.reserved = set(world.reserved)
        self.next_number = world.next_number
        self.next_truck = world.next_truck
        self.people: list[Person] = list(world.people)
        self.weather_mc = world.weather_mc
        self.wandering = world.wandering
        self.blind = dict(world.blind)
        self.film: dict[int, tuple[Framed, ...]] = dict(world.film)
        self.drift = dict(world.drift)
        self.spoofs: dict[int, Spoof] = dict(world.spoofs)
        self.acts = world.acts
        self.deeds: list[Deed] = list(world.deeds)
        self.seen: list[Seen] = []

    def due(self, event: Event) -> None:
        """Put an event on the agenda; its number keeps the order of events of one moment."""
        heapq.heappush(self.agenda, msgspec.structs.replace(event, number=self.next_number))
        self.next_number += 1

    def next_due(self, until_s: float) -> Event | None:
        if not self.agenda or self.agenda[0].at_s > until_s:
            return None
        return heapq.heappop(self.agenda)

    def notice(self, seen: Seen) -> None:
        self.seen.append(seen)

    # --- stock -----------------------------------------------------------------------------------

    def put_at(self, pallet: int, place: int, at_s: float) -> None:
        """The pallet stands at a place (a number of 0 or more) or wherever else `place` says."""
        before = int(self.pallets.place[pallet])
        if before >= 0:
            self.pallet_at[before] = -1
            self._changes(before)
        self.pallets.place[pallet] = place
        self.pallets.moved_s[pallet] = at_s
        if place >= 0:
            assert self.pallet_at[place] == -1, "one pallet a place"
            self.pallet_at[place] = pallet
            self._changes(place)
            self.reserved.discard(place)

    def _changes(self, place: int) -> None:
        """What a camera takes the place for, from now until the scene changes again."""
        if self.shown[place] == -1:
            return
        camera = self.parameters.camera
        rate = camera.wrong_clutter if self.clutter[place] else camera.wrong_clear
        is_taken = int(self.pallet_at[place] >= 0)
        self.shown[place] = 1 - is_taken if self.draw.random() < rate else is_taken

    def free_place(self) -> int:
        """A place that is empty and promised to nobody; it is promised from now on."""
        empty = np.flatnonzero(self.pallet_at == -1)
        while True:
            place = int(empty[self.draw.integers(len(empty))])
            if place not in self.reserved:
                self.reserved.add(place)
                return place

    def pick_stored(self, count: int, wanted: np.ndarray | None = None) -> list[int]:
        """Pallets that stand in their places and are promised to nobody; they are promised from now on.
        `wanted` tells by pallet number which will do."""
        stored = self.pallet_at[self.pallet_at >= 0]
        if wanted is not None:
            stored = stored[wanted[stored]]
        chosen: list[int] = []
        for pallet in self.draw.permutation(stored):
            if len(chosen) == count:
                break
            if -1 - int(pallet) not in self.reserved:
                chosen.append(int(pallet))
        self.promise(chosen)
        return chosen

    def release(self, pallets: Iterable[int]) -> None:
        """They are promised to nobody."""
        self.reserved.difference_update(-1 - pallet for pallet in pallets)

    def promise(self, pallets: Iterable[int]) -> None:
        self.reserved.update(-1 - pallet for pallet in pallets)

    def wanders_g(self, scale: str, at_s: float) -> float:
        """How far an honest scale's zero is off by then."""
        drift = self.wandering.get(scale)
        return 0.0 if drift is None else drift.at_g(at_s)

    def blindness(self, device: str, at_s: float) -> str | None:
        """How the device is blind at that moment, or None."""
        for from_s, until_s, how in self.blind.get(device, ()):
            if from_s <= at_s < until_s:
                return how
        return None

    def make_blind(self, device: str, from_s: float, until_s: float, how: str) -> None:
        """The device sees nothing true in that time. What is over is forgotten; what came first counts."""
        spans = [span for span in self.blind.get(device, ()) if span[1] > from_s]
        self.blind[device] = (*spans, (from_s, until_s, how))
