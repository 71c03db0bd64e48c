"""What pydantic found wrong with a request, as field and rule in plain words. Pure.

The field is named as the request has it: `amount_fen` of a body, `limit` of a query. The rules are those that
handlers give too, so that one table says both in the reader's language.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kernel.misfit import AS_DOCUMENTED, CALENDAR_DATE, MOMENT

_PARTS = {"body", "query", "path", "header", "cookie"}
"""Where a field stands, which pydantic puts before its name."""

_Facts = Mapping[str, Any]
# By the type of pydantic's error (docs: "Validation errors"), with the facts it gives as `ctx`.
_RULES: Mapping[str, Callable[[_Facts], str]] = {
    "missing": lambda _: "given",
    "extra_forbidden": lambda _: "a field that is known here",
    "greater_than_equal": lambda facts: f"at least {facts['ge']}",
    "greater_than": lambda facts: f"above {facts['gt']}",
    "less_than_equal": lambda facts: f"at most {facts['le']}",
    "less_than": lambda facts: f"below {facts['lt']}",
    "string_too_short": lambda facts: f"at least {facts['min_length']} characters",
    "string_too_long": lambda facts: f"at most {facts['max_length']} characters",
    "too_short": lambda facts: f"at least {facts['min_length']} entries",
    "too_long": lambda facts: f"at most {facts['max_length']} entries",
    "literal_error": lambda facts: f"one of {_listed(facts['expected'])}",
    "enum": lambda facts: f"one of {_listed(facts['expected'])}",
    "timezone_aware": lambda _: "carries a time zone",
    "json_invalid": lambda _: "a JSON object",
}
# By how the type begins: `int_type`, `int_parsing` and `int_from_float` are one.
_KINDS = {
    "int_": "a whole number",
    "float_": "a number",
    "decimal_": "a number",
    "finite_number": "a number",
    "string_type": "a text",
    "bool_": "true or false",
    "datetime_": MOMENT,
    "date_": CALENDAR_DATE,
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a JSON object",
    "model_": "a JSON object",
}


def field_and_rule(error: Mapping[str, Any]) -> tuple[str, str]:
    """Field and rule of one of pydantic's errors."""
    kind, facts = str(error["type"]), error.get("ctx", {})
    place: Sequence[str | int] = error["loc"]
    if kind == "json_invalid":
        place = place[:1]
    elif len(place) > 1 and place[0] in _PARTS:
        place = place[1:]
    field = ".".join(str(part) for part in place)
    if kind in _RULES:
        return field, _RULES[kind](facts)
    return field, next((rule for begin, rule in _KINDS.items() if kind.startswith(begin)), AS_DOCUMENTED)


def _listed(expected: str) -> str:
    """pydantic writes `'a', 'b' or 'c'`."""
    return expected.replace(" or ", ", ").replace("'", "")
