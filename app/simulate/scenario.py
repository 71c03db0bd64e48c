"""Scenario files, by name: which world, how long, what is changed in it, what fails, what people do to it."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import msgspec

from kernel.layout import Layout
from simulators.faults.model import (
    ClockDrift,
    Cut,
    Down,
    Fault,
    LineFault,
    Loss,
    Reboot,
    ScaleDrift,
    Span,
    Storm,
    acts_of,
    troubles_of,
)
from simulators.faults.network import CAN_BE
from simulators.sites.messages import VIA
from simulators.world.ranch import parameters as ranch
from simulators.world.ranch.troubles import Trouble
from simulators.world.warehouse.acts import (
    Act,
    Blinded,
    ClockMoved,
    Rotated,
    ScaleTampered,
    Spoofed,
    unnumbered,
)
from simulators.world.warehouse.parameters import Parameters, read_parameters

_SENSORS = (
    *("camera", "portal", "fork-reader", "sweep", "overhead", "station", "forklift", "tracker", "scale"),
    *("weighbridge", "pda", "climate"),
)
Named = dict[type[Act | Fault], tuple[str, ...]]
FAMILIES: Named = {
    Blinded: _SENSORS,
    Down: (*_SENSORS, "gate-barrier", "gate-camera"),
    ClockMoved: _SENSORS,
    ClockDrift: _SENSORS,
    Reboot: tuple(name for name in _SENSORS if name not in ("portal", "climate")),
    ScaleTampered: ("scale", "weighbridge"),
    ScaleDrift: ("scale", "weighbridge"),
    Spoofed: ("forklift",),
}
"""What an act or a fault can be done to, by the device's name without its number. A portal's reads are
numbered on our side of its session: its reboot is a broken session. What sensors of the air, cameras at
gates and barriers say has no numbers."""
_SCALES = "chute", "walk-over"
_NUMBERED = "station", *_SCALES, *(f"{scale}-reader" for scale in _SCALES)
_OF_RANCH = (*_NUMBERED, "wagon", "gate-camera")
RANCH_FAMILIES: Named = {
    Down: _OF_RANCH,
    ClockDrift: _OF_RANCH,
    Reboot: _NUMBERED,
    ScaleDrift: _SCALES,
}
"""The same for a ranch. What its wagon and its cameras say has no numbers that a reboot could begin anew."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario as its file says. `changes` are laid over the tables of the world's own file."""

    world: str
    title_en: str
    title_zh: str
    days: int
    changes: dict[str, dict[str, Any]] = {}
    act: tuple[Act, ...] = ()
    fault: tuple[Fault, ...] = ()

    @property
    def acts(self) -> tuple[Act, ...]:
        """What the world must know of: what people do, then what fails."""
        return (*self.act, *acts_of(self.fault))

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What a ranch must know of: what fails."""
        return troubles_of(self.fault)

    @property
    def mode(self) -> str:
        """Whether its world is a `warehouse` or a `ranch`."""
        return str(tomllib.loads(_text(self.world)).get("mode", "warehouse"))

    @property
    def cuts(self) -> tuple[Cut, ...]:
        return tuple(fault for fault in self.fault if isinstance(fault, Cut))

    @property
    def loses(self) -> bool:
        """Whether messages can be lost for good; what a handheld asks it asks again."""
        return any(isinstance(fault, Loss) and not fault.device.startswith("pda-") for fault in self.fault)

    def parameters(self) -> Parameters:
        """The parameters of a warehouse with this scenario's changes."""
        return read_parameters(_text(self.world), self.changes)

    def ranch_parameters(self) -> ranch.Parameters:
        """The same of a ranch."""
        return ranch.read_parameters(_text(self.world), self.changes)


def violations(scenario: Scenario, layout: Layout) -> list[str]:
    """What in a scenario's acts and faults cannot be at that site: field and rule."""
    devices = {mount.mount_id: mount.family for mount in layout.mounts}
    families = RANCH_FAMILIES if layout.mode == "ranch" else FAMILIES
    found = ["act: a ranch knows none"] if layout.mode == "ranch" and scenario.act else []
    for table, entries in (("act", scenario.act), ("fault", scenario.fault)):
        for number, entry in enumerate(entries):
            found += [f"{table}[{number}].{broken}" for broken in _broken(entry, devices, families)]
    return found


def _broken(entry: Act | Fault, devices: Mapping[str, str], named: Named) -> list[str]:
    families, broken = named.get(type(entry), ()), list[str]()
    if entry.device and entry.device not in devices:
        broken.append(f"device: {entry.device!r} is no device of the site")
    elif type(entry) is Storm and named is FAMILIES:
        broken.append("kind: at a ranch only")
    elif families and unnumbered(entry.device) not in families:
        broken.append(f"device: one of {', '.join(families)}, with its number")
    elif entry.device and isinstance(entry, LineFault):
        via, kind = VIA.get(devices[entry.device], "broker"), str(entry.__struct_config__.tag)
        if type(entry) not in CAN_BE[via]:
            broken.append(f"device: {entry.device!r} is heard over {via}, where there is no {kind}")
    begins_h = entry.from_h if isinstance(entry, Span) else entry.at_h
    until_h = {Rotated: "back_h", Reboot: "set_h"}.get(type(entry), "until_h")
    ends_h = getattr(entry, until_h, 0.0)
    # The way to the other site takes an hour; 0 is the default of what need not end.
    if ends_h and ends_h <= begins_h + (1.0 if isinstance(entry, Rotated) else 0.0):
        broken.append(f"{until_h}: after its beginning")
    if isinstance(entry, Loss) and entry.share > (1 - entry.share) * entry.burst_mean:
        broken.append("share: no more than runs of burst_mean can lose")
    return broken


def reboots_of(layout: Layout) -> list[str]:
    """The devices of a site that can restart."""
    named = (RANCH_FAMILIES if layout.mode == "ranch" else FAMILIES)[Reboot]
    return [mount.mount_id for mount in layout.mounts if unnumbered(mount.mount_id) in named]


class ScenarioUnknown(Exception):
    """There is no such scenario; the message lists those there are."""


def scenario_names() -> list[str]:
    """Every scenario that can be simulated."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in files("simulators.scenarios").iterdir()
        if entry.name.endswith(".toml") and "\nworld = " in f"\n{entry.read_text(encoding='utf-8')}"
    )


def read_scenario(name: str) -> Scenario:
    """A scenario by its name. Raises ScenarioUnknown, or msgspec.ValidationError naming what is wrong."""
    if name not in scenario_names():
        raise ScenarioUnknown(f"no scenario {name!r}; there are {', '.join(scenario_names())}")
    return msgspec.convert(tomllib.loads(_text(name)), Scenario)


def _text(name: str) -> str:
    return (files("simulators.scenarios") / f"{name}.toml").read_text(encoding="utf-8")
