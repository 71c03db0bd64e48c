"""The kit that every driver passes: the same files, a manifest that says what the code does, an honest scale.

A driver that `tallyhouse new driver` begins is held to exactly this.
"""

import ast
import importlib
import inspect
import tomllib
import typing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from app.drivers import BROKER, DIALLED, LISTENS
from devices import transport
from devices.families import FAILURES, FAMILIES, read_manifest
from devices.ingest import readings
from kernel.messages import AnyReading

ROOT = Path(__file__).parents[3]
DRIVERS = ROOT / "devices/drivers"
GIVEN = {"device_id", "clock", "boot", "backoff_s", "snapshots"}
"""What the edge gives every driver; everything else is a parameter of the manifest."""
RULES = {
    "golden-frames": "Frames from the standard or a real device are read as they should be.",
    "foreign-peer": "A peer that is not ours is understood.",
    "any-bytes": "Any bytes end in readings or in a rejection that names field and rule.",
    "malformed-frame-to-quarantine": "A malformed frame is set aside and the connection goes on.",
    "too-fast-is-limited-and-told": "A device that sends too fast is limited, and somebody is told.",
    "stated-once-when-gone-and-back": "Absence and return are each stated once.",
    "device-time-kept": "A reading carries the device's own time.",
    "same-reading-same-identity": "What is delivered twice is one reading.",
    "acknowledged-after-commit": "The device may forget only what is committed.",
    "encrypted-transport": "The line to the device is encrypted.",
}
"""The rules that every family answers for, done or exempt with a reason. A family may add its own."""

families = pytest.mark.parametrize("family", sorted(FAMILIES))


def manifest(family: str) -> dict[str, Any]:
    return tomllib.loads((DRIVERS / family / "manifest.toml").read_text())


def functions_in(path: Path) -> set[str]:
    functions = ast.FunctionDef, ast.AsyncFunctionDef
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)}


def modules_of(family: str) -> list[ModuleType]:
    own = [f"devices.drivers.{family}.{path.stem}" for path in sorted((DRIVERS / family).glob("*.py"))]
    shared = [f"{transport.__name__}.{Path(path).stem}" for path in (ROOT / "devices/transport").glob("*.py")]
    names = [name for name in [*own, *shared] if not name.endswith("__init__")]
    return [*map(importlib.import_module, names), readings]


def folders_of(drivers: Path) -> set[str]:
    """The drivers' folders. Where only bytecode is left, of another branch's driver, there is none."""
    folders = [path for path in drivers.iterdir() if path.is_dir() and path.name != "__pycache__"]
    return {path.name for path in folders if any(held.name != "__pycache__" for held in path.iterdir())}


def test_bytecode_that_another_branch_left_is_no_driver(tmp_path: Path) -> None:
    for place in ("__pycache__", "left/__pycache__", "here/__pycache__"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "here/codec.py").touch()
    assert folders_of(tmp_path) == {"here"}


def test_every_driver_folder_is_a_family_and_stands_in_the_one_list() -> None:
    assert folders_of(DRIVERS) == set(FAMILIES)
    lists = {"dialled": set(DIALLED), "broker": set(BROKER), "listens": set(LISTENS)}
    for reach, listed in lists.items():
        assert listed == {name for name, family in FAMILIES.items() if family.reach == reach}


@families
def test_every_driver_folder_has_the_same_files(family: str) -> None:
    wanted = {"__init__.py", "codec.py", "manifest.toml", "quality.yaml", "README.md"}
    # What comes over the broker or HTTP needs a codec alone: one consumer and one route serve them all.
    wanted |= {"driver.py"} if FAMILIES[family].reach in ("dialled", "listens") else set()
    assert wanted <= {path.name for path in (DRIVERS / family).iterdir()}


@families
def test_a_manifest_is_of_its_folder_and_names_kinds_that_exist(family: str) -> None:
    described = read_manifest((DRIVERS / family / "manifest.toml").read_text())
    assert described.name == family
    assert described.name_en
    assert described.name_zh
    assert described.silence.total_seconds() > 0
    assert described.kinds <= {kind.__struct_config__.tag for kind in typing.get_args(AnyReading)}


@families
def test_every_parameter_of_a_manifest_is_one_of_the_driver_with_the_same_default(family: str) -> None:
    make = DIALLED.get(family)
    if make is None:
        return
    accepted = inspect.signature(make).parameters
    parameters = FAMILIES[family].parameters
    assert parameters.keys() == accepted.keys() - GIVEN
    for name, parameter in parameters.items():
        default = accepted[name].default
        if default is not inspect.Parameter.empty:
            assert parameter.default == default, name
        else:
            assert parameter.required or parameter.default is not None, name


@families
def test_a_family_that_dials_us_says_who_it_is_by_a_parameter_that_must_be_given(family: str) -> None:
    described = FAMILIES[family]
    assert bool(described.identity) == (described.reach == "listens")
    if described.identity:
        assert described.parameters[described.identity].required


@families
def test_a_family_that_obeys_says_so_in_its_driver_and_what_it_does_when_nobody_orders(family: str) -> None:
    described = FAMILIES[family]
    driver = DIALLED.get(family)
    assert bool(described.orders) == hasattr(driver, "command")
    lost = [rule.lost for rule in described.fail_safe]
    assert sorted(lost) == (["edge", "twin"] if described.orders else [])
    for rule in described.fail_safe:
        assert rule.text_en
        assert rule.text_zh
        assert not rule.order or rule.lost == "twin"
        if rule.order:
            assert rule.after_s > 0
            described.order_settings(rule.order, rule.parameters)


@families
def test_an_order_says_what_confirms_it_and_its_defaults_keep_their_rules(family: str) -> None:
    for action, kind in FAMILIES[family].orders.items():
        assert kind.text, action
        assert kind.confirmed_by, action
        assert kind.valid_s > 0, action
        assert not set(kind.fails) & set(FAILURES), action
        for name, parameter in kind.parameters.items():
            if parameter.default is not None:
                assert parameter.broken_rule(parameter.default) is None, name


@families
def test_every_default_of_a_manifest_keeps_its_own_rule(family: str) -> None:
    for name, parameter in FAMILIES[family].parameters.items():
        if parameter.default is not None:
            assert parameter.broken_rule(parameter.default) is None, name


@families
def test_the_limits_of_a_manifest_are_those_of_the_code(family: str) -> None:
    modules = modules_of(family)
    for name, stated in manifest(family).get("limits", {}).items():
        constant = name.upper() if name.endswith("_max") else f"{name.upper()}_MAX"
        found = [getattr(module, constant) for module in modules if hasattr(module, constant)]
        if name == "backoff_s_max":
            found = [max(module.BACKOFF_S) for module in modules if hasattr(module, "BACKOFF_S")]
        assert stated in found, f"{name}: {constant} is {found}"


@families
def test_every_rule_of_the_quality_scale_names_a_test_that_exists_or_a_reason(family: str) -> None:
    rules = yaml.safe_load((DRIVERS / family / "quality.yaml").read_text())["rules"]
    assert RULES.keys() <= rules.keys(), f"missing: {sorted(RULES.keys() - rules.keys())}"
    for name, rule in rules.items():
        if rule["status"] == "exempt":
            assert rule["reason"], name
            continue
        path, _, test = rule["shown_by"].partition("::")
        assert rule["status"] == "done", name
        assert test in functions_in(ROOT / path), name
