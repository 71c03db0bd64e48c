"""The driver's manifest and quality scale say what the code does."""

import ast
import inspect
import tomllib
from pathlib import Path
from typing import Any

import yaml

from devices.drivers.llrp import driver, framing
from kernel.messages import DeviceStatus, TagRead

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "devices/drivers/llrp"


def manifest() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "manifest.toml").read_text())


def functions_in(path: Path) -> set[str]:
    functions = ast.FunctionDef, ast.AsyncFunctionDef
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)}


def test_every_parameter_of_the_manifest_is_one_of_the_driver_with_the_same_default() -> None:
    accepted = inspect.signature(driver.LlrpDriver).parameters
    for name, described in manifest()["parameters"].items():
        default = accepted[name].default
        if described.get("required") or name == "port":
            assert default is inspect.Parameter.empty
        else:
            assert described["default"] == default
    assert manifest()["parameters"]["port"]["default"] == driver.PORT


def test_the_limits_of_the_manifest_are_those_of_the_code() -> None:
    assert manifest()["limits"] == {
        "queue_items": driver.QUEUE_ITEMS_MAX,
        "frame_bytes": framing.FRAME_BYTES_MAX,
        "raw_bytes_kept": framing.RAW_BYTES_MAX,
        "backoff_s_max": max(driver.BACKOFF_S),
    }


def test_the_reading_kinds_of_the_manifest_are_the_wire_names() -> None:
    kinds = [reading.__struct_config__.tag for reading in (TagRead, DeviceStatus)]
    assert manifest()["readings"]["kinds"] == kinds


def test_every_quality_rule_names_a_test_that_exists_or_a_reason() -> None:
    rules = yaml.safe_load((FOLDER / "quality.yaml").read_text())["rules"]
    for name, rule in rules.items():
        if rule["status"] == "exempt":
            assert rule["reason"], name
            continue
        path, _, test = rule["shown_by"].partition("::")
        assert rule["status"] == "done", name
        assert test in functions_in(ROOT / path), name
