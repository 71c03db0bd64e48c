"""A refusal names a field as the request has it, not as the command, the table or the answer calls it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import wiring
from app.http import create_app
from app.texts import Texts

ROOT = Path(__file__).parents[3]
PACKAGES = ("app", "devices", "finance", "identity", "twin", "viz", "wms")
ERRORS = {"NotFound", "Conflict", "Forbidden", "Invalid"}
NO_REQUEST = ("app/restore.py", "app/keys.py", "identity/parties/handlers.py", "devices/ingest/handlers.py")
"""What the command line does, and the edge's intake."""
NOT_OF_A_REQUEST = {
    "Idempotency-Key",
    "Origin",
    "business_date",  # of the job that closes a day
    "valid_until",  # of a departure that wms expects, in whose request it is minutes
}


def fields_of_requests() -> set[str]:
    """The names of all parameters and members of bodies, at any depth."""
    spec = create_app(None, wiring.ROUTERS, pages=None, texts=Texts.load()).openapi()  # type: ignore[arg-type]
    names: set[str] = set()

    def gather(schema: dict[str, Any], seen: frozenset[str] = frozenset()) -> None:
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            gather(spec["components"]["schemas"][name], seen | {name})
        for member, inner in schema.get("properties", {}).items():
            names.add(member)
            gather(inner, seen)
        below = [schema.get("items"), schema.get("additionalProperties")]
        for inner in [*below, *schema.get("anyOf", []), *schema.get("allOf", [])]:
            if isinstance(inner, dict):
                gather(inner, seen)

    for operation in (one for path in spec["paths"].values() for one in path.values()):
        names |= {parameter["name"] for parameter in operation.get("parameters", [])}
        for content in operation.get("requestBody", {}).get("content", {}).values():
            gather(content["schema"])
    return names


def named() -> Iterator[tuple[str, str]]:
    """Each field that is named in words where a refusal is raised, and the place."""
    for path in (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))):
        place = str(path.relative_to(ROOT))
        if place in NO_REQUEST:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
                for keyword in node.keywords:
                    if keyword.arg == "field" and isinstance(keyword.value, ast.Constant):
                        yield str(keyword.value.value), f"{place}:{node.lineno}"


FIELDS = fields_of_requests()


@pytest.mark.parametrize(("field", "place"), sorted(set(named())))
def test_a_named_field_is_one_of_a_request(field: str, place: str) -> None:
    assert field in NOT_OF_A_REQUEST or field.partition(".")[0] in FIELDS, place
