"""Manifests and quality scales say what the code does."""

import ast
import importlib
import inspect
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from devices.drivers.modbus_barrier import driver as barrier
from devices.drivers.modbus_weighbridge import driver as weighbridge
from devices.drivers.mqtt_position import codec as position
from devices.ingest import model
from devices.registry.model import FAMILIES
from devices.transport import modbus, mqtt, presence

ROOT = Path(__file__).parents[3]
DRIVERS = ROOT / "devices/drivers"
OURS = ("modbus_weighbridge", "modbus_barrier", "mqtt_position", "pda")


def manifest(family: str) -> dict[str, Any]:
    return tomllib.loads((DRIVERS / family / "manifest.toml").read_text())


def functions_in(path: Path) -> set[str]:
    functions = ast.FunctionDef, ast.AsyncFunctionDef
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)}


def test_every_driver_folder_is_a_family_and_the_other_way_round() -> None:
    folders = {path.parent.name for path in DRIVERS.glob("*/manifest.toml")}
    assert folders == set(FAMILIES) == set(model.FAMILY_KINDS)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_manifest_names_its_folder_and_the_kinds_that_ingest_accepts(family: str) -> None:
    described = manifest(family)
    assert described["driver"]["family"] == family
    assert set(described["readings"]["kinds"]) == model.FAMILY_KINDS[family]


@pytest.mark.parametrize("family", OURS)
def test_a_manifest_says_how_the_family_is_reached_and_when_it_counts_as_silent(family: str) -> None:
    described = manifest(family)["driver"]
    assert described["reach"] == FAMILIES[family].reach
    assert described["silence_s"] == FAMILIES[family].silence.total_seconds()


@pytest.mark.parametrize("family", ["modbus_weighbridge", "modbus_barrier", "mqtt_position"])
def test_every_parameter_of_a_manifest_is_one_of_the_driver_with_the_same_default(family: str) -> None:
    described = manifest(family)
    module, _, name = described["driver"]["class"].rpartition(".")
    accepted = inspect.signature(getattr(importlib.import_module(module), name)).parameters
    for parameter, entry in described["parameters"].items():
        default = accepted[parameter].default
        if entry.get("required"):
            assert default is inspect.Parameter.empty
        else:
            assert default == entry["default"]


def test_the_limits_of_the_manifests_are_those_of_the_code() -> None:
    lines = {"request_s_max": modbus.REQUEST_S_MAX, "backoff_s_max": max(presence.BACKOFF_S)}
    assert manifest("modbus_weighbridge")["limits"] == lines
    assert manifest("modbus_barrier")["limits"] == lines
    assert manifest("mqtt_position")["limits"] == {
        "message_bytes": position.MESSAGE_BYTES_MAX,
        "readings_per_message": position.READINGS_MAX,
        "messages_in_hand": mqtt.IN_HAND_MAX,
    }
    assert manifest("pda")["limits"] == {"code_characters": model.TEXT_LENGTH_MAX}
    assert (weighbridge.POLL_MS, barrier.POLL_MS) == (200, 100)


@pytest.mark.parametrize("family", OURS)
def test_every_quality_rule_names_a_test_that_exists_or_a_reason(family: str) -> None:
    rules = yaml.safe_load((DRIVERS / family / "quality.yaml").read_text())["rules"]
    for name, rule in rules.items():
        if rule["status"] == "exempt":
            assert rule["reason"], name
            continue
        path, _, test = rule["shown_by"].partition("::")
        assert rule["status"] == "done", name
        assert test in functions_in(ROOT / path), name


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_driver_folder_has_the_same_files(family: str) -> None:
    present = {path.name for path in (DRIVERS / family).iterdir()}
    wanted = {"__init__.py", "codec.py", "manifest.toml", "quality.yaml", "README.md"}
    # A handheld comes to us: its route is its driver.
    assert wanted | (set() if family == "pda" else {"driver.py"}) <= present
