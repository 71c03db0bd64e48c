"""What pydantic finds wrong with a request is told by the request's own field and in plain words."""

from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from app.malformed import field_and_rule
from kernel.misfit import AS_DOCUMENTED, CALENDAR_DATE, MOMENT


class Line(BaseModel):
    sku: str


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    amount_fen: Annotated[int, Field(strict=True, ge=1, le=9)] = 1
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    reason: Annotated[str, Field(min_length=1, max_length=3)] = "a"
    word: Annotated[str, Field(pattern="^a$")] = "a"
    day: date | None = None
    at: AwareDatetime | None = None
    kind: Literal["a", "b", "c"] = "a"
    is_on: bool = True
    lines: Annotated[list[Line], Field(min_length=1, max_length=1)] = [Line(sku="x")]
    facts: dict[str, int] = {}


@pytest.mark.parametrize(
    ("given", "field", "rule"),
    [
        ({"amount_fen": 0}, "amount_fen", "at least 1"),
        ({"amount_fen": 10}, "amount_fen", "at most 9"),
        ({"amount_fen": 1.5}, "amount_fen", "a whole number"),
        ({"amount_fen": "1"}, "amount_fen", "a whole number"),
        ({"share": 0}, "share", "above 0.0"),
        ({"share": 1}, "share", "below 1.0"),
        ({"share": "x"}, "share", "a number"),
        ({"reason": ""}, "reason", "at least 1 characters"),
        ({"reason": "abcd"}, "reason", "at most 3 characters"),
        ({"reason": 7}, "reason", "a text"),
        ({"word": "b"}, "word", AS_DOCUMENTED),
        ({"day": "yesterday"}, "day", CALENDAR_DATE),
        ({"at": "yesterday"}, "at", MOMENT),
        ({"at": "2026-11-23T06:00:00"}, "at", "carries a time zone"),
        ({"kind": "d"}, "kind", "one of a, b, c"),
        ({"is_on": "perhaps"}, "is_on", "true or false"),
        ({"lines": []}, "lines", "at least 1 entries"),
        ({"lines": [{"sku": "a"}, {"sku": "b"}]}, "lines", "at most 1 entries"),
        ({"lines": 7}, "lines", "a list"),
        ({"lines": [{}]}, "lines.0.sku", "given"),
        ({"facts": 7}, "facts", "a JSON object"),
        ({"colour": 1}, "colour", "a field that is known here"),
    ],
)
def test_each_error_names_the_field_of_the_request(given: dict[str, Any], field: str, rule: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Body.model_validate(given)
    error = caught.value.errors()[0]
    assert field_and_rule({**error, "loc": ("body", *error["loc"])}) == (field, rule)


def test_a_missing_body_is_the_field_itself_and_so_is_one_that_is_no_json() -> None:
    assert field_and_rule({"type": "missing", "loc": ("body",)}) == ("body", "given")
    assert field_and_rule({"type": "json_invalid", "loc": ("body", 12)}) == ("body", "a JSON object")
