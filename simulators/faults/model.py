"""Faults of nature, as a scenario lists them in `[[fault]]`: `kind`, when, and what the kind needs. Pure.

Hours are since the first midnight. What the world itself must know of (a device that is down, tags that die,
a scale that drifts) becomes an act of nobody in a warehouse and a trouble of a ranch; reboots and clocks
belong to devices, the rest to the line.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from simulators.world.ranch.troubles import Drift, Off, Stormy, TagsDie, Trouble
from simulators.world.warehouse import acts
from simulators.world.warehouse.acts import HOUR_S, Act, Blinded, Count, Hours, ScaleTampered, Share

Part = Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)]
"""A share of messages; never all."""


class _Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    device: str = ""
    """For faults of the line, "" is every device to which they can happen."""


class Span(_Fault, frozen=True, kw_only=True):
    """A fault that lasts."""

    from_h: Hours
    until_h: Hours


class Cut(Span, frozen=True, kw_only=True, tag="cut"):
    """The site's line is down; what devices kept is replayed in its order when it is back."""


class Loss(Span, frozen=True, kw_only=True, tag="loss"):
    """Messages are lost: this share of them, in runs of `burst_mean` on average (1: each by itself). A
    handheld makes its request again; a poll that is lost is a reading missed."""

    share: Part
    burst_mean: Annotated[float, msgspec.Meta(ge=1.0)] = 1.0


class Delay(Span, frozen=True, kw_only=True, tag="delay"):
    """Every message takes so long, spread evenly."""

    s_min: Share
    s_max: Share


class Duplication(Span, frozen=True, kw_only=True, tag="duplication"):
    """This share comes twice, the second up to `late_s_max` after the first."""

    share: Part
    late_s_max: Share


class Reorder(Span, frozen=True, kw_only=True, tag="reorder"):
    """This share is late by up to `late_s_max`, so that others overtake it."""

    share: Part
    late_s_max: Share


class ClockDrift(Span, frozen=True, kw_only=True, tag="clock_drift"):
    """A device's clock runs ahead by `s_a_day`, or behind when that is negative, and stays off afterwards."""

    s_a_day: float


class Reboot(_Fault, frozen=True, kw_only=True, tag="reboot"):
    """A device restarts: its boot grows, its numbers begin at 1. Until `set_h` its clock begins in 1970."""

    at_h: Hours
    set_h: Hours = 0.0


class Down(Span, frozen=True, kw_only=True, tag="down"):
    """A reader, scale, camera or tracker gives nothing."""


class TagDeath(_Fault, frozen=True, kw_only=True, tag="tag_death"):
    """Tags of pallets in the store, or of animals, die at once, as after a wetting or in a cold night."""

    at_h: Hours
    tags: Count


class ScaleDrift(Span, frozen=True, kw_only=True, tag="scale_drift"):
    """A scale shows more, or less, by so much a day."""

    share_a_day: float


class Storm(Span, frozen=True, kw_only=True, tag="storm"):
    """A storm over a ranch: every herd stands crowded in a corner of its pen, and radio is bad."""


LineFault = Loss | Delay | Duplication | Reorder
DeviceFault = ClockDrift | Reboot
WorldFault = Down | TagDeath | ScaleDrift | Storm
Fault = Cut | LineFault | DeviceFault | WorldFault


def acts_of(faults: Iterable[Fault]) -> tuple[Act, ...]:
    """What a warehouse's world must know of, as acts that belong to no fraud."""
    return tuple(_act_of(fault) for fault in faults if isinstance(fault, Down | TagDeath | ScaleDrift))


def troubles_of(faults: Iterable[Fault]) -> tuple[Trouble, ...]:
    """What a ranch's world must know of."""
    return tuple(_trouble_of(fault) for fault in faults if isinstance(fault, WorldFault))


def _trouble_of(fault: WorldFault) -> Trouble:
    match fault:
        case Down():
            return Off(fault.device, fault.from_h * HOUR_S, fault.until_h * HOUR_S)
        case TagDeath():
            return TagsDie(fault.at_h * HOUR_S, fault.tags)
        case ScaleDrift():
            return Drift(fault.device, fault.from_h * HOUR_S, fault.until_h * HOUR_S, fault.share_a_day)
        case Storm():
            return Stormy(fault.from_h * HOUR_S, fault.until_h * HOUR_S)


def _act_of(fault: Down | TagDeath | ScaleDrift) -> Act:
    match fault:
        case Down():
            return Blinded(at_h=fault.from_h, until_h=fault.until_h, device=fault.device, how="off")
        case TagDeath():
            return acts.TagsDie(at_h=fault.at_h, pallets=fault.tags)
        case ScaleDrift():
            return ScaleTampered(
                at_h=fault.from_h, until_h=fault.until_h, device=fault.device, share_a_day=fault.share_a_day
            )
