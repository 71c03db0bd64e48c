"""What each act does to the warehouse when its hour comes. Pure.

An act that finds no occasion, such as no truck to hide a load in, waits for one. Pallets that an act takes
are promised to nobody else. What was done is kept as a deed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from kernel.rng import Rng
from simulators.world.warehouse import seeing, standing
from simulators.world.warehouse.acts import (
    HOUR_S,
    OTHER_SITE_READER,
    Act,
    Blinded,
    ClockMoved,
    Deed,
    GhostPallets,
    OthersGoodsShown,
    Overstated,
    Paper,
    Removal,
    Rotated,
    ScaleTampered,
    Spoofed,
    Substituted,
    TagCloned,
    TagsDie,
)
from simulators.world.warehouse.build import DAY_S, draw_pallets, join
from simulators.world.warehouse.driving import CROSSING_S
from simulators.world.warehouse.state import (
    ELSEWHERE,
    EXPECTED,
    GONE,
    ON_PAPER,
    Announced,
    ClockSet,
    Entered,
    Event,
    Floats,
    Pallets,
    Scanned,
    Spoof,
    Truck,
)
from simulators.world.warehouse.working import Working

AGAIN_S = 600.0
"""An act without occasion is tried again after this long."""
BOOKED_AFTER_S, BOOKED_EVERY_S = 3_600.0, 45.0
"""The keeper books what never came when a truck would have been unloaded."""
TO_OTHER_SITE_S = 3_600.0
DRIFT_EVERY_S = 3_600.0
RACE_S = 0.2

Done = tuple[list[int], int] | None
"""Pallets and the worth in question in fen; None when there was no occasion."""


def _act(working: Working, event: Event) -> None:
    act = working.acts[event.who]
    done = _DO[type(act)](working, act, event)
    if done is None:
        working.due(Event(event.at_s + AGAIN_S, 0, "act", who=event.who))
        return
    pallets, worth_fen = done
    working.deeds.append(
        Deed(
            act=event.who,
            case=act.case,
            kind=str(act.__struct_config__.tag),
            at_s=event.at_s,
            pallets=tuple(pallets),
            device=act.device,
            mass_g=int(working.pallets.stated_g[pallets].sum()),
            worth_fen=worth_fen,
            shows_in=act.shows_in,
            truck=_truck_with(working, pallets) if isinstance(act, Removal) else -1,
        )
    )


def truck_left(working: Working, truck: int, at_s: float) -> None:
    """A truck drove out of the gate: with it, perhaps, what a deed had put aboard."""
    working.deeds = [
        msgspec.structs.replace(deed, left_s=at_s) if deed.truck == truck else deed for deed in working.deeds
    ]


def told_position(
    working: Working, forklift: int, at_s: Floats, x_m: Floats, y_m: Floats
) -> tuple[Floats, Floats]:
    """Where a forklift's tag takes itself to be at those moments, given where it is."""
    spoof = working.spoofs.get(forklift)
    if spoof is None:
        return x_m, y_m
    wrong = (spoof.from_s <= at_s) & (at_s < spoof.until_s)
    if spoof.how == "stay":
        return np.where(wrong, spoof.x_m, x_m), np.where(wrong, spoof.y_m, y_m)
    # Within the site, so that no bound of the site alone tells it.
    width_m = working.parameters.site.width_m
    return np.where(wrong, (x_m + spoof.x_m) % width_m, x_m), y_m


# --- pallets -------------------------------------------------------------------------------------


def _worth_fen(working: Working, pallets: Sequence[int]) -> int:
    """What the papers of the pallets say they are worth."""
    price = np.array(working.parameters.site.price_fen_a_kg, dtype=np.int64)
    chosen = list(pallets)
    stock = working.pallets
    return int((stock.stated_g[chosen] // 1_000 * price[stock.material[chosen]]).sum())


def _write(working: Working, column: str, pallets: Sequence[int], values: Any) -> None:
    changed = getattr(working.pallets, column).copy()
    changed[list(pallets)] = values
    working.pallets = msgspec.structs.replace(working.pallets, **{column: changed})


def _of_lot(pallets: Pallets, lot: int) -> np.ndarray:
    return np.ones(pallets.count, dtype=np.bool_) if lot < 0 else pallets.lot == lot


def _some_stored(working: Working, count: int, wanted: np.ndarray | None = None) -> list[int]:
    """Stored pallets, not promised to the act."""
    chosen = working.pick_stored(count, wanted)
    working.release(chosen)
    return chosen


def _expected(working: Working) -> list[Truck]:
    """Trucks that will come to a dock, soonest first."""
    return [truck for truck in working.trucks.values() if truck.dock == -1 and truck.is_ordered]


def _some_expected(working: Working, count: int) -> list[int]:
    """Pallets on trucks that have not unloaded, soonest first."""
    coming = [
        pallet
        for truck in _expected(working)
        for pallet in truck.brings
        if working.pallets.place[pallet] == EXPECTED
    ]
    return coming[:count]


def _truck_with(working: Working, pallets: Sequence[int]) -> int:
    return next((t.number for t in working.trucks.values() if set(pallets) & set(t.takes)), -1)


# --- goods ---------------------------------------------------------------------------------------


def _remove(working: Working, act: Removal, event: Event) -> Done:
    released = [truck for truck in _expected(working) if truck.takes]
    if act.way == "load" and not released:
        return None
    chosen = working.pick_stored(act.pallets, _of_lot(working.pallets, act.lot))
    if not chosen:
        return None
    worth_fen = _worth_fen(working, chosen)
    if act.tags_cut:
        working.pallets.is_dead[chosen] = True
    if act.way == "fence":
        for pallet in chosen:
            working.put_at(pallet, GONE, event.at_s)
        working.release(chosen)
    elif act.way == "load":
        truck = released[0]
        working.trucks[truck.number] = msgspec.structs.replace(truck, takes=(*truck.takes, *chosen))
    else:
        _come_for(working, chosen, event.at_s)
    return chosen, worth_fen


def _come_for(working: Working, pallets: list[int], at_s: float) -> None:
    """A truck that nobody announced."""
    number, flow, draw = working.next_truck, working.parameters.flow, working.draw
    working.next_truck += 1
    working.trucks[number] = Truck(
        number=number,
        plate=f"皖H{number:05d}",
        gate=int(draw.integers(working.parameters.devices.gates)),
        tare_g=int(draw.integers(flow.truck_tare_g_min // 1000, flow.truck_tare_g_max // 1000)) * 1000,
        takes=tuple(pallets),
        is_ordered=False,
    )
    working.due(Event(at_s, 0, "arrive", who=number))


def _ghosts(working: Working, act: GhostPallets, event: Event) -> Done:
    bringing = [truck for truck in _expected(working) if truck.brings]
    if not bringing:
        return None
    first = working.pallets.count
    rng = Rng(int(working.draw.integers(2**62)))
    fresh = draw_pallets(working.parameters, first, act.pallets, rng)
    fresh.place[:] = ON_PAPER
    fresh.mass_g[:] = 0
    fresh.worth_permille[:] = 0
    working.pallets = join(working.pallets, fresh)
    ghosts = list(range(first, first + act.pallets))
    working.notice(Announced(event.at_s, bringing[0].number, bringing[0].plate, "in", tuple(ghosts)))
    for turn, pallet in enumerate(ghosts):
        at_s = event.at_s + BOOKED_AFTER_S + BOOKED_EVERY_S * turn
        working.due(Event(at_s, 0, "book", pallet=pallet, place=working.free_place()))
    return ghosts, _worth_fen(working, ghosts)


def _book(working: Working, event: Event) -> None:
    """A keeper confirms with a handheld what does not stand there."""
    working.notice(Scanned(0, event.at_s, event.pallet, event.place))


def _overstate(working: Working, act: Overstated, event: Event) -> Done:  # noqa: ARG001
    chosen = _some_expected(working, act.pallets)
    if not chosen:
        return None
    before_fen = _worth_fen(working, chosen)
    stated_g = np.rint(working.pallets.mass_g[chosen] * act.stated_share / 500).astype(np.int64) * 500
    _write(working, "stated_g", chosen, stated_g)
    worth = np.rint(1_000 * working.pallets.mass_g[chosen] / stated_g)
    _write(working, "worth_permille", chosen, worth.astype(np.int32))
    return chosen, _worth_fen(working, chosen) - before_fen


def _substitute(working: Working, act: Substituted, event: Event) -> Done:  # noqa: ARG001
    at_intake = act.where == "intake"
    chosen = (_some_expected if at_intake else _some_stored)(working, act.pallets)
    if not chosen:
        return None
    mass_g = np.rint(working.pallets.mass_g[chosen] * act.mass_share).astype(np.int64)
    _write(working, "mass_g", chosen, mass_g)
    _write(working, "worth_permille", chosen, round(1_000 * act.worth_share))
    return chosen, round(_worth_fen(working, chosen) * (1 - act.worth_share))


def _rotate(working: Working, act: Rotated, event: Event) -> Done:
    chosen = working.pick_stored(act.pallets)
    for pallet in chosen:
        working.put_at(pallet, ELSEWHERE, event.at_s)
    working.due(Event(event.at_s + TO_OTHER_SITE_S, 0, "heard_elsewhere", who=event.who))
    working.due(Event(act.back_h * HOUR_S, 0, "come_back", who=event.who))
    return chosen, _worth_fen(working, chosen)


def _pallets_of(working: Working, act: int) -> list[int]:
    return [pallet for deed in working.deeds if deed.act == act for pallet in deed.pallets]


def _heard_elsewhere(working: Working, event: Event) -> None:
    """The other site's portal hears them go in one after the other, as well as a portal does."""
    parameters, draw = working.parameters, working.draw
    pallets = _pallets_of(working, event.who)
    rounds = [seeing.portal_elsewhere_reads(parameters, working.pallets, pallet, draw) for pallet in pallets]
    crossing = np.repeat(np.arange(len(pallets)), rounds)
    at_s = event.at_s + 30.0 * crossing + draw.uniform(0.0, CROSSING_S, len(crossing))
    heard = np.array(pallets, dtype=np.int32)[crossing]
    standing.tags_read(working, OTHER_SITE_READER, heard, at_s, np.ones(len(heard), dtype=np.int32))


def _come_back(working: Working, event: Event) -> None:
    pallets = _pallets_of(working, event.who)
    for pallet in pallets:
        working.put_at(pallet, working.free_place(), event.at_s)
    working.release(pallets)


# --- tags and devices ----------------------------------------------------------------------------


def _clone(working: Working, act: TagCloned, event: Event) -> Done:  # noqa: ARG001
    both = _some_stored(working, 2 * act.pallets)
    if len(both) < 2 * act.pallets:
        return None
    originals, carriers = both[::2], both[1::2]
    _write(working, "tag", carriers, working.pallets.tag[originals])
    return carriers, _worth_fen(working, carriers)


def _tags_die(working: Working, act: TagsDie, event: Event) -> Done:  # noqa: ARG001
    chosen = _some_stored(working, act.pallets)
    working.pallets.is_dead[chosen] = True
    return chosen, 0


def _blind(working: Working, act: Blinded, event: Event) -> Done:
    working.make_blind(act.device, event.at_s, act.until_h * HOUR_S, act.how)
    return [], 0


def _tamper(working: Working, act: ScaleTampered, event: Event) -> Done:
    working.drift[act.device] = working.drift.get(act.device, 0.0) + act.by_share
    if act.share_a_day:
        working.due(Event(event.at_s + DRIFT_EVERY_S, 0, "drift", who=event.who))
    return [], 0


def _drift(working: Working, event: Event) -> None:
    act = working.acts[event.who]
    assert isinstance(act, ScaleTampered)
    if event.at_s <= act.until_h * HOUR_S:
        working.drift[act.device] += act.share_a_day * DRIFT_EVERY_S / DAY_S
        working.due(Event(event.at_s + DRIFT_EVERY_S, 0, "drift", who=event.who))


def _spoof(working: Working, act: Spoofed, event: Event) -> Done:
    number = int(act.device.rpartition("-")[2]) - 1
    legs = working.forklifts[number].legs
    times = [leg.at_s for leg in legs]
    x_m = act.by_m if act.how == "jump" else float(np.interp(event.at_s, times, [leg.x_m for leg in legs]))
    y_m = 0.0 if act.how == "jump" else float(np.interp(event.at_s, times, [leg.y_m for leg in legs]))
    working.spoofs[number] = Spoof(event.at_s, act.until_h * HOUR_S, act.how, x_m, y_m)
    return [], 0


def _set_clock(working: Working, act: ClockMoved, event: Event) -> Done:
    working.notice(ClockSet(event.at_s, act.device, act.by_s))
    return [], 0


# --- papers --------------------------------------------------------------------------------------


def _show_others(working: Working, act: OthersGoodsShown, event: Event) -> Done:
    owners = working.parameters.site.owners
    chosen = _some_stored(working, act.pallets, working.pallets.owner != act.lot % owners)
    working.notice(Entered(event.at_s, "goods_shown", act.lot, act.party, tuple(chosen)))
    return chosen, _worth_fen(working, chosen)


def _enter(working: Working, act: Paper, event: Event) -> Done:
    chosen = _some_stored(working, act.pallets, _of_lot(working.pallets, act.lot))
    if not chosen:
        return None
    for turn in range(act.times):
        working.notice(Entered(event.at_s + RACE_S * turn, act.what, act.lot, act.party, tuple(chosen)))
    return chosen, _worth_fen(working, chosen)


_DO: Mapping[type[Act], Callable[[Working, Any, Event], Done]] = {
    Removal: _remove,
    GhostPallets: _ghosts,
    Overstated: _overstate,
    Substituted: _substitute,
    OthersGoodsShown: _show_others,
    TagCloned: _clone,
    Rotated: _rotate,
    Blinded: _blind,
    ScaleTampered: _tamper,
    Spoofed: _spoof,
    ClockMoved: _set_clock,
    TagsDie: _tags_die,
    Paper: _enter,
}

HANDLERS: Mapping[str, Callable[[Working, Event], None]] = {
    "act": _act,
    "book": _book,
    "heard_elsewhere": _heard_elsewhere,
    "come_back": _come_back,
    "drift": _drift,
}
