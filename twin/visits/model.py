"""A vehicle's visits, from where its tag was heard, the lane's weighings and the barrier's loop.

Pure functions of sets: everything is sorted by time first. A vehicle *stands* at a gate inwards (heard
outside before it was inside) or outwards (heard inside again after it had gone into the yard, or outside
after inside). A standing ends when the vehicle passed inwards, turned back into the yard, or left: the
loop under the open boom was occupied and then free while it stood outwards.
"""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from twin.presence.model import PASSAGE, Side, Stay

Direction = Literal["in", "out"]
Outcome = Literal["standing", "passed", "returned", "left"]
VisitState = Literal["away", "approaching", "inside", "leaving", "left"]

WEIGHED_WITHIN = timedelta(seconds=60)
"""A weighing belongs to a vehicle heard at the lane's gate within this time of it."""
CLEARS_BRIDGE = timedelta(seconds=15)
"""A lorry is off the weighbridge this long after its tag was heard inside."""
LOOP_SETTLES = timedelta(seconds=5)
"""A tag may be heard outside this much after the loop has become free."""
HEARD_WITH = timedelta(seconds=10)
"""Units heard this long before or after their vehicle may be with it: a lorry takes that long to pass."""
STAYED_BEHIND = timedelta(seconds=5)
"""A unit still heard inside this long after its vehicle is heard outside has stayed behind."""
LEAVES_WITHIN = timedelta(minutes=15)
"""A vehicle that was weighed and heard on its way out leaves within this time, or is weighed again: in the
yard it may be loaded meanwhile."""
PARKED_BEFORE = timedelta(seconds=120)
"""A unit heard inside since this long before the vehicle came was parked there."""
SCALE_INTERVAL_G = 20_000
"""Verification scale interval e of a 60 t road weighbridge."""
TOLERANCE_INTERVALS = 3
"""In service a class III instrument may err by 2 x 1.5 e (OIML R 76-1, table 6 and 3.5.2)."""
TOLERANCE_SHARE = 0.005
"""And half a percent for what was stated: packing, moisture, pallets."""
EVIDENCE_KEPT = 12
EVIDENCE_OF_PASS = 2
"""The loop became occupied, and free."""
SUSPECTS_MAX = 12
"""So many units are weighed in every combination: 4,096 sums."""


class Weighing(msgspec.Struct, frozen=True, kw_only=True):
    """A stable weighing in the lane of a gate."""

    observation_id: str
    weighbridge_id: str
    gate_id: str | None
    mass_g: int
    weight_id: int
    weighed_at: datetime
    is_accepted: bool = True
    """The bridge was accepted by a second party then; if not, what it weighs vouches for nothing."""


class BarrierChange(msgspec.Struct, frozen=True, kw_only=True):
    """One report of a barrier about itself."""

    observation_id: str
    gate_id: str
    observed_at: datetime
    is_open: bool
    is_closed: bool
    loop_occupied: bool
    is_accepted: bool = True
    """The barrier was accepted by a second party then."""
    told_at: datetime | None = None
    """When the twin took it in; None when that is not known."""


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """Something went over the loop."""

    gate_id: str
    occupied_at: datetime
    freed_at: datetime
    evidence_ids: list[str]
    heard: frozenset[str] = frozenset()
    """Vehicles heard outside while it happened."""
    is_accepted: bool = True
    """A barrier that was accepted told both its ends."""
    opened_at: datetime | None = None
    """Since when the boom was not shut while it happened; None when it was shut all the time."""
    told_at: datetime | None = None
    """When its end was told; None when that is not known."""


class Standing(msgspec.Struct, kw_only=True):
    """A vehicle at a gate. `crossed_at`: first heard outside while on its way out."""

    gate_id: str
    direction: Direction
    began_at: datetime
    last_at: datetime
    outcome: Outcome = "standing"
    crossed_at: datetime | None = None
    left_at: datetime | None = None
    weighing: Weighing | None = None
    entry: Weighing | None = None
    """What it weighed when it came in on this visit."""
    gainsaid_by: Weighing | None = None
    """What a bridge that nobody accepted says beside `weighing`, which is of one that was accepted."""
    evidence_ids: list[str] = []
    is_heard: bool = False
    """A reader that was accepted heard it here."""
    is_heard_out: bool = False
    """Such a reader told `crossed_at`."""

    @property
    def mass(self) -> Weighing | None:
        """What it weighs as it is heard here last; None once it was weighed `LEAVES_WITHIN` ago."""
        weighing = self.weighing
        if weighing is None or self.last_at - weighing.weighed_at >= LEAVES_WITHIN:
            return None
        return weighing


class Visit(msgspec.Struct, kw_only=True):
    """From the first sight of the vehicle to its leaving, with the last weighing on the way in and out."""

    began_at: datetime
    entered_at: datetime | None = None
    left_at: datetime | None = None
    entry: Weighing | None = None
    exit: Weighing | None = None
    standings: list[Standing] = []

    @property
    def state(self) -> VisitState:
        if self.left_at is not None:
            return "left"
        now = self.standings[-1] if self.standings else None
        if now is None or now.outcome != "standing":
            return "inside"
        return "approaching" if now.direction == "in" else "leaving"


class Derivation(msgspec.Struct, kw_only=True):
    """The visits of one vehicle since a moment, as derived anew."""

    vehicle_id: str
    visits: list[Visit]
    units: dict[datetime, list[str]]
    """Units heard with the vehicle, by the start of the standing."""
    unknown: dict[datetime, list[str]]
    """Undeclared tags likewise."""


def passes_of(changes: Iterable[BarrierChange]) -> list[Pass]:
    """Passages over the loop with the boom not shut, from a barrier's reports in any order.

    What was reported before anybody accepted the barrier adds passages, and neither hides nor shortens those
    of the other reports.
    """
    told = list(changes)
    sure = _passes_in([change for change in told if change.is_accepted])
    more = [
        passed
        for passed in _passes_in(told)
        if not any(it.occupied_at <= passed.freed_at and passed.occupied_at <= it.freed_at for it in sure)
    ]
    return sorted([*sure, *more], key=lambda passed: passed.freed_at)


def shut_passes_of(changes: Iterable[BarrierChange]) -> list[Pass]:
    """What went over the loop of an accepted barrier while the boom, by its word, was shut."""
    sure = _felt([change for change in changes if change.is_accepted])
    return [passed for passed in sure if passed.opened_at is None]


def _passes_in(changes: Iterable[BarrierChange]) -> list[Pass]:
    return [passed for passed in _felt(changes) if passed.opened_at is not None]


def _felt(changes: Iterable[BarrierChange]) -> list[Pass]:
    passes: list[Pass] = []
    start: BarrierChange | None = None
    opened_at: datetime | None = None
    for change in sorted(changes, key=lambda change: (change.observed_at, change.observation_id)):
        if change.loop_occupied:
            start = start or change
            if change.is_open or not change.is_closed:
                opened_at = opened_at or change.observed_at
            continue
        if start is not None:
            passes.append(
                Pass(
                    gate_id=change.gate_id,
                    occupied_at=start.observed_at,
                    freed_at=change.observed_at,
                    evidence_ids=[start.observation_id, change.observation_id],
                    is_accepted=start.is_accepted and change.is_accepted,
                    opened_at=opened_at,
                    told_at=change.told_at,
                )
            )
        start = opened_at = None
    return passes


def vehicle_on_bridge(weighing: Weighing, stays: Sequence[tuple[str, Stay]]) -> str | None:
    """Which vehicle was weighed: `stays` are (vehicle id, stay at the lane's gate).

    One heard on both sides of the bridge, before and after, is sure. Else the one heard nearest in time
    within `WEIGHED_WITHIN`; None when nobody was, or when two are equally near. Readers that were not
    accepted are asked only where no other heard any vehicle.
    """
    heard = [(vehicle_id, stay) for vehicle_id, stay in stays if stay.is_accepted]
    ranked = _nearest(weighing, heard) or _nearest(weighing, stays)
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return ranked[0][1]


def _nearest(
    weighing: Weighing, stays: Sequence[tuple[str, Stay]]
) -> list[tuple[tuple[bool, timedelta], str]]:
    """Vehicles heard near the bridge then, the likeliest first: whether it is not sure, and how far off."""
    near: dict[str, tuple[bool, timedelta]] = {}
    sides: dict[str, set[tuple[bool, Side]]] = {}
    for vehicle_id, stay in stays:
        gap = max(stay.first_at - weighing.weighed_at, weighing.weighed_at - stay.last_at, timedelta(0))
        if gap > WEIGHED_WITHIN:
            continue
        sides.setdefault(vehicle_id, set()).add((stay.first_at > weighing.weighed_at, stay.side))
        through = {(False, "outside"), (True, "inside")} <= sides[vehicle_id] or {
            (False, "inside"),
            (True, "outside"),
        } <= sides[vehicle_id]
        best = near.get(vehicle_id, (True, gap))[1]
        near[vehicle_id] = (not through, min(gap, best))
    return sorted((rank, vehicle_id) for vehicle_id, rank in near.items())


def fold_visits(
    vehicle_id: str,
    stays: Iterable[Stay],
    weighings: Iterable[Weighing],
    passes: Sequence[Pass],
    watched: Collection[str] = (),
) -> list[Visit]:
    """All visits in what is given, oldest first. Give everything since a visit began (or from the start).

    `watched` are the gates of which an accepted barrier tells what goes over its loop.
    """
    folding = _Folding(vehicle_id, passes, watched)
    items: list[tuple[datetime, int, str, Stay | Weighing | Pass]] = []
    items += [(stay.first_at, 0, stay.gate_id, stay) for stay in stays]
    items += [(weighing.weighed_at, 1, weighing.observation_id, weighing) for weighing in weighings]
    items += [(passed.freed_at + LOOP_SETTLES, 2, passed.gate_id, passed) for passed in passes]
    for _, _, _, item in sorted(items, key=lambda item: item[:3]):
        if isinstance(item, Stay):
            folding.stay(item)
        elif isinstance(item, Weighing):
            folding.weigh(item)
        else:
            folding.passed(item)
    return folding.visits


class _Folding:
    """The state while the visits of one vehicle are folded."""

    def __init__(self, vehicle_id: str, passes: Sequence[Pass], watched: Collection[str]) -> None:
        self.vehicle_id = vehicle_id
        self.passes = passes
        self.watched = watched
        self.visits: list[Visit] = []
        self.is_inside = False
        self.standing: Standing | None = None
        self.unplaced: Weighing | None = None
        """A weighing whose direction only the next stay tells."""
        self.heard_inside: list[datetime] = []
        """When each of its stays inside ended."""
        self.left: Standing | None = None
        """It has left from there as it seems, and was not heard since."""
        self.is_left_surely = False
        """A barrier that was accepted says so, or a reader had heard it outside."""

    def stay(self, stay: Stay) -> None:
        if stay.side == "outside":
            self._outside(stay)
        else:
            self._inside(stay)
            self.heard_inside.append(stay.last_at)

    def _outside(self, stay: Stay) -> None:
        if self.left is not None and not self.is_left_surely and stay.is_accepted:
            self._stand_again(self.left)
        self.left = None
        if self.standing is not None and self.standing.direction == "out":
            self._hear_out(self.standing, stay)
            self._extend(stay)
        elif self.is_inside:
            self._hear_out(self._stand(stay, "out"), stay)
        elif self.standing is not None and stay.first_at - self.standing.last_at <= PASSAGE:
            self._extend(stay)
        else:
            self.visits.append(Visit(began_at=stay.first_at))
            self._stand(stay, "in")

    def _stand_again(self, standing: Standing) -> None:
        """It had not left: only now is it heard outside, with its goods, or it is heard inside and was not
        heard coming in. Something else went over the loop."""
        standing.outcome, standing.left_at = "standing", None
        standing.evidence_ids = standing.evidence_ids[:-EVIDENCE_OF_PASS]
        self.visits[-1].left_at = None
        self.is_inside, self.standing, self.left = True, standing, None

    def _hear_out(self, standing: Standing, stay: Stay) -> None:
        """It is heard outside: first of all by a reader that was accepted."""
        if standing.crossed_at is None or (stay.is_accepted and not standing.is_heard_out):
            standing.crossed_at, standing.is_heard_out = stay.first_at, stay.is_accepted

    def _inside(self, stay: Stay) -> None:
        if self.left is not None and self.left.left_at is not None:
            if not self._has_come_in(self.left.left_at, stay):
                self._stand_again(self.left)
            self.left = None
        if self.standing is not None and self.standing.direction == "in":
            self._end(stay, "passed")
            self._enter(stay)
        elif self.standing is not None and self.standing.crossed_at is not None:
            self._end(stay, "returned")
        elif self.standing is not None and stay.first_at - self.standing.last_at <= PASSAGE:
            self._extend(stay)
        elif self.is_inside:
            self._stand(stay, "out")
        else:
            self.visits.append(Visit(began_at=stay.first_at))
            self._enter(stay)

    def _has_come_in(self, left_at: datetime, stay: Stay) -> bool:
        """Whether it may be back, unheard outside: it left long ago, and where it is heard inside there is no
        loop to pass, or that was passed shortly before with nobody else heard outside."""
        if stay.first_at - left_at <= LEAVES_WITHIN:
            return False
        return stay.gate_id not in self.watched or any(
            passed.gate_id == stay.gate_id
            and passed.is_accepted
            and not passed.heard - {self.vehicle_id}
            and left_at < passed.occupied_at <= stay.first_at <= passed.freed_at + PASSAGE
            for passed in self.passes
        )

    def _enter(self, stay: Stay) -> None:
        self.is_inside = True
        visit = self.visits[-1]
        visit.entered_at = stay.first_at
        if self.unplaced is not None and stay.first_at - self.unplaced.weighed_at <= WEIGHED_WITHIN:
            visit.entry = visit.entry or self.unplaced
        self.unplaced = None

    def _stand(self, stay: Stay, direction: Direction) -> Standing:
        visit = self.visits[-1]
        self.standing = Standing(
            gate_id=stay.gate_id,
            direction=direction,
            began_at=stay.first_at,
            last_at=stay.last_at,
            entry=visit.entry,
            evidence_ids=list(stay.evidence_ids),
            is_heard=stay.is_accepted,
        )
        visit.standings.append(self.standing)
        if self.unplaced is not None and stay.first_at - self.unplaced.weighed_at <= WEIGHED_WITHIN:
            weighing, self.unplaced = self.unplaced, None
            self.weigh(weighing)
        return self.standing

    def _extend(self, stay: Stay) -> None:
        assert self.standing is not None
        self.standing.last_at = max(self.standing.last_at, stay.last_at)
        ids = [*self.standing.evidence_ids, *stay.evidence_ids]
        self.standing.evidence_ids = ids[:EVIDENCE_KEPT]
        self.standing.is_heard = self.standing.is_heard or stay.is_accepted

    def _end(self, stay: Stay, outcome: Outcome) -> None:
        assert self.standing is not None
        self._extend(stay)
        self.standing.last_at = max(stay.first_at, self.standing.began_at)
        self.standing.outcome = outcome
        self.standing = None

    def weigh(self, weighing: Weighing) -> None:
        known = None if self.standing is None else self.standing.weighing
        if self.standing is not None and known is not None and known.is_accepted and not weighing.is_accepted:
            self.standing.gainsaid_by = weighing
            self.standing.last_at = max(self.standing.last_at, weighing.weighed_at)
            return
        self._note_return(weighing)
        if self.standing is None:
            visit = self.visits[-1] if self.visits else None
            entered = visit.entered_at if visit is not None else None
            is_entry = entered is not None and weighing.weighed_at - entered <= WEIGHED_WITHIN
            if visit is not None and is_entry and visit.entry is None and visit.left_at is None:
                visit.entry = weighing
                return
            if visit is None or not self._is_on_the_way_out(visit, weighing):
                self.unplaced = weighing
                return
            self._stand_on_bridge(visit, weighing)
        assert self.standing is not None
        self.standing.weighing, self.standing.gainsaid_by = weighing, None
        self.standing.last_at = max(self.standing.last_at, weighing.weighed_at)
        if self.standing.direction == "in":
            self.visits[-1].entry = self.standing.entry = weighing
        else:
            self.visits[-1].exit = weighing

    def _note_return(self, again: Weighing) -> None:
        """It is on the bridge again. Weighed there on its way out and heard inside since, it had turned back
        if it comes with another load, or has not been heard inside for a while: it need not have stood at the
        barrier for long enough to be heard outside. This is another approach to the gate."""
        standing = self.standing
        if standing is None or standing.direction != "out" or standing.crossed_at is not None:
            return
        before = standing.weighing
        back_at = [at for at in self.heard_inside if before is not None and at > before.weighed_at]
        if before is None or not back_at:
            return
        was_away = again.weighed_at - back_at[0] > CLEARS_BRIDGE
        if was_away or not weights_agree(again.mass_g, before.mass_g):
            standing.last_at = back_at[0] if was_away else before.weighed_at
            standing.outcome = "returned"
            self.standing = None

    def _is_on_the_way_out(self, visit: Visit, weighing: Weighing) -> bool:
        """Weighed on its way in, then in the yard: it is weighed in the lane again only to leave.

        Its tag may have been heard inside without a break since it turned back, so that no new stay tells.
        """
        if not self.is_inside or visit.entered_at is None or visit.entry is None or weighing.gate_id is None:
            return False
        since = max([visit.entered_at, *(standing.last_at for standing in visit.standings[-1:])])
        return weighing.weighed_at - since > CLEARS_BRIDGE

    def _stand_on_bridge(self, visit: Visit, weighing: Weighing) -> None:
        assert weighing.gate_id is not None
        self.standing = Standing(
            gate_id=weighing.gate_id,
            direction="out",
            began_at=weighing.weighed_at,
            last_at=weighing.weighed_at,
            entry=visit.entry,
            evidence_ids=[weighing.observation_id],
        )
        visit.standings.append(self.standing)

    def passed(self, passed: Pass) -> None:
        """The loop became free: a vehicle that stood outwards there lately has left."""
        standing = self.standing
        if standing is None or standing.direction != "out" or standing.gate_id != passed.gate_id:
            return
        if passed.occupied_at - standing.last_at > LEAVES_WITHIN:
            return
        if standing.crossed_at is None and (
            passed.heard - {self.vehicle_id} or not _weighed_for(standing, passed)
        ):
            return
        standing.outcome, standing.left_at = "left", passed.freed_at
        standing.last_at = max(standing.last_at, passed.freed_at)
        standing.evidence_ids = [*standing.evidence_ids, *passed.evidence_ids]
        self.visits[-1].left_at = passed.freed_at
        self.is_inside, self.standing, self.left = False, None, standing
        self.is_left_surely = passed.is_accepted or standing.crossed_at is not None


def _weighed_for(standing: Standing, passed: Pass) -> bool:
    """Whether it was weighed shortly before the passage."""
    weighing = standing.weighing
    return weighing is not None and timedelta(0) <= passed.freed_at - weighing.weighed_at <= LEAVES_WITHIN


def units_with(standing: Standing, unit_stays: Iterable[tuple[str, Stay]]) -> list[str]:
    """Units heard with the vehicle while it stood there; `unit_stays` are (unit id, stay at this gate).

    Left out on the way out: units of the vehicle ahead (heard outside at another time than this vehicle)
    and units parked by the portal (heard inside long before it came, or still after it is outside). Readers
    that were not accepted leave out none that is with the vehicle by what the others heard.
    """
    heard: dict[str, list[Stay]] = {}
    for unit_id, stay in unit_stays:
        if stay.last_at >= standing.began_at - HEARD_WITH and stay.first_at <= standing.last_at + HEARD_WITH:
            heard.setdefault(unit_id, []).append(stay)
    return sorted(
        unit_id
        for unit_id, stays in heard.items()
        if _is_with(standing, stays) or _is_with(standing, [stay for stay in stays if stay.is_accepted])
    )


def _is_with(standing: Standing, stays: Sequence[Stay]) -> bool:
    outside = [stay for stay in stays if stay.side == "outside"]
    if standing.direction == "in":
        return bool(outside)
    if outside:
        return any(_outside_together(standing, stay) for stay in outside)
    return bool(stays) and not any(_is_parked(standing, stay) for stay in stays)


def _outside_together(standing: Standing, stay: Stay) -> bool:
    if standing.crossed_at is None:
        return stay.first_at >= standing.began_at
    return (
        stay.last_at >= standing.crossed_at - HEARD_WITH
        and stay.first_at <= standing.crossed_at + PARKED_BEFORE
    )


def _is_parked(standing: Standing, stay: Stay) -> bool:
    if standing.began_at - stay.first_at > PARKED_BEFORE:
        return True
    if standing.crossed_at is None:
        return False
    return stay.first_at > standing.crossed_at or stay.last_at > standing.crossed_at + STAYED_BEHIND


def heard_outside(unit_stays: Iterable[tuple[str, Stay]]) -> set[str]:
    """Units that an outer antenna heard too: on the way out their direction is seen, not suspected."""
    return {unit_id for unit_id, stay in unit_stays if stay.side == "outside"}


def not_ruled_out(suspects: Mapping[str, int | None], gain_g: int, sure_g: int) -> set[str]:
    """Units heard by the inner antenna alone that may be aboard, as far as the scale can tell.

    `gain_g` is how much heavier the vehicle is than empty, `sure_g` the stated mass of the units surely
    aboard, the values of `suspects` the stated mass of each. A suspect is ruled out when no choice of
    suspects that agrees with the scale contains it: a parked tag heard through the portal weighs nothing.
    When nothing agrees, a mass is unknown, or there are more than `SUSPECTS_MAX`, nobody is ruled out.
    """
    masses = {unit_id: mass for unit_id, mass in suspects.items() if mass is not None}
    if len(masses) < len(suspects) or len(suspects) > SUSPECTS_MAX:
        return set(suspects)
    choices = (
        chosen for size in range(len(masses) + 1) for chosen in itertools.combinations(sorted(masses), size)
    )
    agreeing = [
        chosen for chosen in choices if weights_agree(gain_g, sure_g + sum(masses[unit] for unit in chosen))
    ]
    return set().union(*agreeing) if agreeing else set(suspects)


def tolerance_g(expected_g: int) -> int:
    """How far a difference of two weighings may lie from what is expected: 3 e and half a percent."""
    return TOLERANCE_INTERVALS * SCALE_INTERVAL_G + round(TOLERANCE_SHARE * abs(expected_g))


def weights_agree(measured_g: int, expected_g: int) -> bool:
    """True when the measured difference lies within `tolerance_g` of the expected one."""
    return abs(measured_g - expected_g) <= tolerance_g(expected_g)


def mass_vouches(measured_g: int, expected_g: int) -> bool:
    """True when the weighing agrees and could have failed: an empty vehicle would not have agreed too.

    A difference that the scale cannot tell from zero proves nothing, nor does an expectation that zero meets.
    """
    return (
        weights_agree(measured_g, expected_g)
        and not weights_agree(measured_g, 0)
        and not weights_agree(0, expected_g)
    )
