"""Whatever wms refuses is said in a sentence, in both languages."""

import ast
import re
from pathlib import Path

import pytest

from app.texts import Texts
from wms.orders.model import FINDERS

PACKAGE = Path(__file__).parents[3] / "wms"
KEY = re.compile(r"(scan|gate|stock|tasks|orders|releases|visits|deliveries|opening|catalogue)(\.[a-z_]+)+")
RAISED = {"Invalid", "Conflict", "NotFound", "Forbidden"}


def _keys() -> list[str]:
    """Keys in the source: the first argument of every error, and every string that looks like a reason."""
    found = {f"orders.row.{rule}" for rule in FINDERS}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED:
                assert isinstance(node.args[0], ast.Constant), f"{path}: an error without a literal key"
                found.add(str(node.args[0].value))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value):
                found.add(node.value)
    return sorted(found)


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize("key", _keys())
def test_every_refusal_and_reason_has_a_text(locale: str, key: str) -> None:
    assert Texts.load().problem(locale, key, {}) != key
