"""People in the hall: whoever is nearest walks to a pallet that was put away and confirms it. Pure."""

import math

import msgspec

from simulators.world.warehouse.state import Event, Person, Scanned
from simulators.world.warehouse.working import Working

DAY_H, DAY_S = 24.0, 86_400.0
FOUND_WITHIN_S = 6 * 3_600.0
"""After the shift begins."""


def misplaced_share(working: Working, at_s: float) -> float:
    """How often a pallet stands elsewhere than people confirm, at that hour."""
    flow = working.parameters.flow
    is_night = not flow.day_begins_h <= _hour(at_s) < flow.night_shift_h
    return flow.misplaced_night if is_night else flow.misplaced_day


def confirm(working: Working, at_s: float, pallet: int, stands_at: int, told: int) -> None:
    """Somebody goes to where the pallet stands and scans it, for the place that it was to be put at."""
    where_x_m, where_y_m = float(working.places.x_m[stands_at]), float(working.places.y_m[stands_at])
    pace, scan_s = working.parameters.people.walk_mps, working.parameters.people.scan_s

    def there_s(number: int) -> float:
        person = working.people[number]
        walk_m = abs(person.x_m - where_x_m) + abs(person.y_m - where_y_m)
        return max(at_s, person.free_s) + walk_m / pace + scan_s

    working_now = [n for n, person in enumerate(working.people) if _is_on(person, at_s)]
    number = min(working_now or range(len(working.people)), key=there_s)
    done_s = there_s(number)
    working.people[number] = msgspec.structs.replace(
        working.people[number], x_m=where_x_m, y_m=where_y_m, free_s=done_s
    )
    if working.blindness(f"pda-{number + 1}", done_s) is None:
        working.notice(Scanned(number, done_s, pallet, told))
    if told != stands_at and working.draw.random() < working.parameters.flow.corrected_share:
        next_day_s = (at_s // DAY_S + 1) * DAY_S + 3_600 * working.parameters.flow.day_begins_h
        found_s = next_day_s + working.draw.uniform(0.0, FOUND_WITHIN_S)
        working.due(Event(found_s, 0, "correct", pallet=pallet, place=stands_at))


def correct(working: Working, event: Event) -> None:
    """Somebody finds a pallet where nobody confirmed it, and scans it there, if it has not moved since."""
    if working.pallets.place[event.pallet] == event.place:
        confirm(working, event.at_s, event.pallet, event.place, event.place)


def _is_on(person: Person, at_s: float) -> bool:
    return person.from_h <= _hour(at_s) < person.until_h


def _hour(at_s: float) -> float:
    return math.fmod(at_s / 3_600, DAY_H)
