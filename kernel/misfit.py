"""What msgspec found wrong with a message, as field and rule in plain words. Pure.

msgspec says `Expected `int | null`, got `str` - at `$.data.x``. A rule of the product says what a field must
be, `a whole number or nothing, not a text`, and the pages say that in the reader's language.
"""

import re
from collections.abc import Callable

import msgspec

_TYPES = {
    "array": "a list",
    "bool": "true or false",
    "date": "a date",
    "datetime": "a date and time",
    "float": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "a JSON object",
    "str": "a text",
}
_BOUNDS = {">=": "at least {}", "<=": "at most {}", ">": "above {}", "<": "below {}"}
_COUNTED = {"str": " characters", "array": " entries", "object": " members", "bytes": " bytes"}
MOMENT = "a date and time such as 2026-11-23T06:00:00Z"
CALENDAR_DATE = "a date such as 2026-11-23"
AS_DOCUMENTED = "as documented"


def _types(names: str) -> str:
    return " or ".join(_TYPES.get(name, name) for name in names.split(" | "))


# The sentences of msgspec (`_core.c`), each with the rule it stands for. Backticks are gone by then.
_SENTENCES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"Expected (\S+) (>=|<=|>|<) (\S+)", lambda m: _BOUNDS[m[2]].format(m[3])),
        (
            r"Expected (\S+) of length (>=|<=) (\d+)",
            lambda m: _BOUNDS[m[2]].format(m[3]) + _COUNTED.get(m[1], ""),
        ),
        (r"Expected array of at (least|most) length (\d+).*", lambda m: f"at {m[1]} {m[2]} entries"),
        (r"Expected array of length (\d+)( to \d+)?.*", lambda m: f"{m[1]}{m[2] or ''} entries"),
        (r"Expected (\S+) with a timezone component", lambda _: "carries a time zone"),
        (r"Expected (.+), got (.+)", lambda m: f"{_types(m[1])}, not {_types(m[2])}"),
        (r"Expected (\S+)", lambda m: _types(m[1])),
        (r"Object missing required field (.+)", lambda m: f"complete, {m[1]} is missing"),
        (r"Object contains unknown field (.+)", lambda m: f"without {m[1]}, which is not known here"),
        (r"Invalid (?:enum )?value (.+)", lambda m: f"one of the values known here, {m[1]} is not"),
        (r"Invalid RFC3339 encoded date", lambda _: CALENDAR_DATE),
        (r"Invalid RFC3339 encoded .+", lambda _: MOMENT),
    )
)


def misfit(error: msgspec.ValidationError) -> tuple[str, str]:
    """Where it is, `data.x` or `[2].x` and empty for the whole, and the rule that is broken there."""
    said, _, place = str(error).partition(" - at ")
    path = place.removeprefix("`key` in ").strip("`").removeprefix("$").removeprefix(".")
    return path, _rule(said.replace("`", ""))


def _rule(said: str) -> str:
    for pattern, rule in _SENTENCES:
        if found := pattern.fullmatch(said):
            return rule(found)
    return AS_DOCUMENTED
