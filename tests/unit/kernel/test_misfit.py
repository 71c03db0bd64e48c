"""What msgspec finds wrong is told as field and rule, in words that stand in no manual of a library."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from kernel.misfit import AS_DOCUMENTED, CALENDAR_DATE, MOMENT, misfit


class Inner(msgspec.Struct):
    x: float


class Form(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    inner: Inner | None = None
    list_: list[int] = []
    pair: tuple[int, int] | None = None
    few: Annotated[list[int], Meta(max_length=2)] = []
    count: Annotated[int, Meta(ge=1, le=9)] = 1
    share: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    name: Annotated[str, Meta(min_length=1, max_length=3)] = "a"
    word: Annotated[str, Meta(pattern="^a$")] = "a"
    state: Literal["on", "off"] = "on"
    at: datetime | None = None
    zoned: Annotated[datetime, Meta(tz=True)] | None = None
    day: date | None = None
    small: Annotated[int, Meta(ge=-5)] | None = None


@pytest.mark.parametrize(
    ("value", "field", "rule"),
    [
        ("7", "", "a JSON object, not a whole number"),
        ('{"inner":{"x":"left"}}', "inner.x", "a number, not a text"),
        ('{"inner":{}}', "inner", "complete, x is missing"),
        ('{"inner":7}', "inner", "a JSON object or nothing, not a whole number"),
        ('{"list_":[1,true]}', "list_[1]", "a whole number, not true or false"),
        ('{"pair":[1]}', "pair", "2 entries"),
        ('{"few":[1,2,3]}', "few", "at most 2 entries"),
        ('{"count":0}', "count", "at least 1"),
        ('{"count":10}', "count", "at most 9"),
        ('{"share":0}', "share", "above 0.0"),
        ('{"share":1}', "share", "below 1.0"),
        ('{"name":""}', "name", "at least 1 characters"),
        ('{"name":"abcd"}', "name", "at most 3 characters"),
        ('{"word":"b"}', "word", AS_DOCUMENTED),
        ('{"state":"up"}', "state", "one of the values known here, 'up' is not"),
        ('{"at":"yesterday"}', "at", MOMENT),
        ('{"zoned":"2026-11-23T06:00:00"}', "zoned", "carries a time zone"),
        ('{"day":"yesterday"}', "day", CALENDAR_DATE),
        ('{"colour":1}', "", "without colour, which is not known here"),
    ],
)
def test_each_misfit_names_its_field_and_rule(value: str, field: str, rule: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(value, type=Form)
    assert misfit(caught.value) == (field, rule)


def test_a_key_that_does_not_fit_is_named_by_its_place() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode('{"a":1}', type=dict[int, Any])
    assert misfit(caught.value) == ("", "a whole number, not a text")
