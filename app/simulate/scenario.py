"""Scenario files, by name: which world, how long, what is changed in it and what goes wrong."""

import tomllib
from importlib.resources import files
from typing import Any

import msgspec

from simulators.faults.network import Cut
from simulators.world.warehouse.parameters import Parameters, read_parameters

HOUR_S = 3_600.0


class CutHours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The site's line is down; hours since the first midnight."""

    from_h: float
    until_h: float


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario as its file says. `changes` are laid over the tables of the world's own file."""

    world: str
    title_en: str
    title_zh: str
    days: int
    changes: dict[str, dict[str, Any]] = {}
    cut: tuple[CutHours, ...] = ()

    @property
    def cuts(self) -> tuple[Cut, ...]:
        return tuple(Cut(cut.from_h * HOUR_S, cut.until_h * HOUR_S) for cut in self.cut)

    def parameters(self) -> Parameters:
        """The world's parameters with this scenario's changes."""
        return read_parameters(_text(self.world), self.changes)


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
