"""`tallyhouse new driver` in a copy of the checkout: what it writes passes the kit, its own tests,
and what `scripts/check` holds every driver to."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = ("app", "devices", "finance", "identity", "kernel", "simulators", "tests", "twin", "viz", "wms")
CHECKS = (
    "tests/unit/devices/test_driver_conformance.py",
    "tests/unit/devices/test_fuzz_targets.py",
    "tests/unit/devices/test_hosts.py",
    "tests/unit/devices/test_quality.py",
    "tests/unit/app/test_rule_texts.py",
)
"""The unit tests that look at every driver."""
LEFT_OUT = shutil.ignore_patterns("node_modules", "dist", "__pycache__", "golden", "fixtures")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that may be written into, found before the installed product."""
    copy = tmp_path_factory.mktemp("checkout")
    for folder in SOURCES:
        shutil.copytree(ROOT / folder, copy / folder, ignore=LEFT_OUT)
    (copy / "docs").mkdir()
    for file in ("pyproject.toml", "docs/devices.md"):
        shutil.copy(ROOT / file, copy / file)
    return copy


def run(checkout: Path, *command: str) -> str:
    """Run a module of Python there; its output, or a failed test that shows it."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=checkout, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("reach", ["dialled", "broker"])
def test_a_new_driver_passes_what_all_drivers_are_held_to_and_its_own_tests(
    checkout: Path, reach: str
) -> None:
    name = f"zz_{reach}_meter"
    said = run(checkout, "app.cli", "new", "driver", name, "--reach", reach)
    assert f"devices/drivers/{name}/codec.py" in said
    own = [f"tests/contract/{name}", f"tests/property/devices/test_{name}_fuzz.py"]
    passed = run(checkout, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *CHECKS, *own)
    assert " passed" in passed
    assert f"| `{name}` |" in (checkout / "docs/devices.md").read_text(encoding="utf-8")
    written = [line for line in said.splitlines() if line.endswith(".py")]
    run(checkout, "ruff", "check", "--no-cache", *written)
    run(checkout, "ruff", "format", "--no-cache", "--check", *written)
    run(checkout, "mypy", "--cache-dir", str(checkout / "mypy"), "-p", f"devices.drivers.{name}")
