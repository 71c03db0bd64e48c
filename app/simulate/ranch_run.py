"""A run of a ranch: its world and the product step by step, each day's truth beside what was heard of it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from app.simulate.herd_noticing import DayHeard, HerdNoticing
from app.simulate.outcome import Outcome, RanchDay, make_outcome
from app.simulate.scenario import Scenario
from app.simulate.site import SimulatedRanch
from simulators.sites.tags import animal_number
from simulators.world.ranch.build import DAY_S
from simulators.world.ranch.state import DEAD, Died, Dropped, Loaded, Passed, Stood, station_name
from simulators.world.ranch.troubles import is_off

HOUR_S = 3_600.0


class RanchRun:
    """`day` runs to the next midnight; `outcome` is what all of them gave."""

    def __init__(self, scenario: Scenario, seed: int, days: int) -> None:
        self.site = SimulatedRanch(scenario, seed, days)
        self.noticing = HerdNoticing(self.site.layout, self.site.start)
        self.product = self.site.product(self.noticing.take)
        self._days: list[RanchDay] = []
        self._animal_of = {
            animal_number(animal).digits: animal for animal in range(self.site.world.herd.count)
        }
        self._truth: Counter[str] = Counter()

    def day(self, day: int) -> None:
        """Run to the next midnight and compare."""
        self._truth.clear()
        self.site.run_until((day + 1) * DAY_S, self.product, self._note)
        self._days.append(self._compare(day, self.noticing.of_day(day)))

    def _note(self, seen: Sequence[Any]) -> None:
        """Keep the truth of what happened in a step."""
        world, truth = self.site.world, self._truth
        for number, until_s in enumerate(world.station_down_until_s.tolist()):
            is_down = until_s > world.time_s or is_off(world.troubles, station_name(number), world.time_s)
            truth["station_steps_down"] += is_down
        for noticed in (*seen, *world.untold):
            match noticed:
                case Died():
                    truth["died"] += 1
                case Loaded():
                    truth["loaded_g"] += noticed.truly_g
                case Dropped():
                    truth["fed_g"] += noticed.truly_g
                case Stood():
                    truth["weighed"] += 1
                case Passed():
                    truth[noticed.direction] += noticed.truly

    def _compare(self, day: int, heard: DayHeard) -> RanchDay:
        herd, truth = self.site.world.herd, self._truth
        known = {self._animal_of[animal_id] for animal_id in heard.animals}
        alive = set(np.flatnonzero(herd.is_here).tolist())
        dead = set(np.flatnonzero(herd.health == DEAD).tolist())
        step_s = self.site.world.parameters.station.beacon_s
        return RanchDay(
            day=day,
            head=len(alive),
            died=truth["died"],
            tags_dark=int((herd.is_here & herd.tag_is_dead).sum()),
            heard=len(known),
            heard_alive=len(known & alive),
            heard_dead=len(known & dead),
            station_hours_down=round(truth["station_steps_down"] * step_s / HOUR_S, 2),
            station_hours_silent=self._silent_h(heard),
            loaded_g=truth["loaded_g"],
            loaded_told_g=heard.loaded_g,
            fed_g=truth["fed_g"],
            fed_told_g=heard.fed_g,
            weighed=truth["weighed"],
            weighed_told=heard.weighings,
            weighed_known=len(heard.weighed),
            mass_off_g=self._mass_off_g(heard),
            went_out=truth["out"],
            went_out_counted=heard.crossed["out"],
            came_in=truth["in"],
            came_in_counted=heard.crossed["in"],
        )

    def _silent_h(self, heard: DayHeard) -> float:
        """Hours of stations of which no beat told that they listened. By a station's clock the beat of a
        midnight may belong to either day, so that one is not missed."""
        station = self.site.world.parameters.station
        wanted = round(DAY_S / station.beat_s) - 1
        missed = [max(0, wanted - heard.beats[station_name(n)]) for n in range(station.count)]
        return round(sum(missed) * station.beat_s / HOUR_S, 2)

    def _mass_off_g(self, heard: DayHeard) -> dict[str, int]:
        masses_g = self.site.world.herd.mass_g
        off: defaultdict[str, list[float]] = defaultdict(list)
        for weighed in heard.weighed:
            off[weighed.device].append(
                abs(weighed.mass_g - float(masses_g[self._animal_of[weighed.animal_id]]))
            )
        return {device: round(float(np.mean(some))) for device, some in sorted(off.items())}

    def outcome(self, seed: int, cpu_s: float) -> Outcome:
        self.site.settle(self.product)
        return make_outcome(
            self.site,
            self.product,
            seed=seed,
            cpu_s=cpu_s,
            noticed=dict(sorted(self.noticing.counts.items())),
            ranch_days=self._days,
        )
