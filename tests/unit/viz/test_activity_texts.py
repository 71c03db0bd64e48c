"""Every event the feed tells exists, has a sentence in both languages, and fills all of it."""

import inspect
import re
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

import devices.messages
import finance.messages
import identity.messages
import kernel.messages
import twin.messages
import wms.dispatch.model
import wms.messages
from app.texts import Texts
from devices.families import FAILURES, FAMILIES
from kernel.messages import Event
from viz.activity.model import FACTS, TOLD, facts_of, kind_of, text_key_of

PACKAGES = (
    kernel.messages,
    identity.messages,
    devices.messages,
    twin.messages,
    wms.messages,
    finance.messages,
)
EVENTS: dict[str, type[Event]] = {
    name: found
    for package in PACKAGES
    for name, found in vars(package).items()
    if isinstance(found, type) and issubclass(found, Event)
}
NAMED = {"unit_id": "sscc", "lot_id": "lot", "vehicle_id": "plate"}
GATE_REASONS = tuple(sorted(set(re.findall(r'"(gate\.\w+)"', inspect.getsource(wms.dispatch.model)))))
OPEN_VARIANTS = {
    "GateDecided": GATE_REASONS,
    "DeviceOrderConfirmed": sorted({action for family in FAMILIES.values() for action in family.orders}),
    "DeviceOrderFailed": sorted(
        {reason for family in FAMILIES.values() for kind in family.orders.values() for reason in kind.fails}
        | set(FAILURES)
    ),
    "ReceiptCancelled": ("delivered", "withdrawn"),
    "FacilityRevalued": ("ok", "warning", "call", "sell"),
}
"""Values of fields that are plain text in the message, from where they are listed."""


def payload_of(kind: str) -> dict[str, Any]:
    """A payload of the event with something plausible in every field."""
    samples = {int: 12_345, str: "x", bool: True}
    return {
        name: ["a", "b"] if name.endswith("_ids") else samples.get(hint, "x")
        for name, hint in get_type_hints(EVENTS[kind]).items()
    } | {name: 12_345 for name in get_type_hints(EVENTS[kind]) if name.endswith(("_g", "_fen"))}


def variants_of(kind: str) -> tuple[Any, ...]:
    field = TOLD[kind].variant
    if field is None:
        return (None,)
    hint = get_type_hints(EVENTS[kind])[field]
    return (True, False) if hint is bool else get_args(hint) or OPEN_VARIANTS[kind]


def sentences(locale: str, key: str) -> list[str]:
    """The text of a key; all forms of one that depends on a number."""
    node: Any = Texts.load()._by_locale[locale]
    for part in key.split("."):
        node = node[part]
    return [node] if isinstance(node, str) else [node["one"], node["other"]]


def holes_of(locale: str, kind: str, payload: dict[str, Any]) -> list[set[str]]:
    """The facts that each form of the event's sentence asks for."""
    key = text_key_of(kind, payload)
    return [set(re.findall(r"\{(\w+)\}", sentence)) for sentence in sentences(locale, key)]


CASES = [(kind, variant) for kind in TOLD for variant in variants_of(kind)]
ABSENT = [(kind, variant) for kind, variant in CASES if TOLD[kind].absent]


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize(("kind", "variant"), CASES)
def test_every_told_event_has_a_sentence_that_its_facts_fill(kind: str, variant: Any, locale: str) -> None:
    payload = payload_of(kind)
    if variant is not None:
        payload[TOLD[kind].variant or ""] = variant
    facts = facts_of(payload) | {fact: "x" for field, fact in NAMED.items() if field in payload}
    for holes in holes_of(locale, kind, payload):
        assert holes <= facts.keys()


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize(("kind", "variant"), ABSENT)
def test_a_sentence_without_a_slot_or_vehicle_does_not_ask_for_it(
    kind: str, variant: Any, locale: str
) -> None:
    _, varied_by, absent = TOLD[kind]
    assert absent is not None
    payload = payload_of(kind) | {absent.field: None}
    if varied_by is not None:
        payload[varied_by] = variant
    facts = {fact for fact, value in facts_of(payload).items() if value is not None}
    facts |= {fact for field, fact in NAMED.items() if payload.get(field)}
    for holes in holes_of(locale, kind, payload):
        assert holes <= facts


@pytest.mark.parametrize("kind", TOLD)
def test_the_subjects_of_a_told_event_are_fields_of_it(kind: str) -> None:
    fields = {field.name for field in msgspec.structs.fields(EVENTS[kind])}
    assert set(TOLD[kind].subjects) <= fields
    assert "site_id" in fields, "the feed is one site's"


def test_nothing_of_money_is_told_to_those_who_merely_see_the_site() -> None:
    of_finance = {
        name for name, found in vars(finance.messages).items() if name in TOLD and isinstance(found, type)
    }
    assert of_finance, "finance tells something"
    assert [kind for kind in of_finance if "site_id" in TOLD[kind].subjects] == []


def test_no_fact_names_a_person_or_evidence() -> None:
    told_fields = {field for kind in TOLD for field in get_type_hints(EVENTS[kind])}
    assert not {
        field for field in FACTS & told_fields if "person" in field or "evidence" in field or "_by" in field
    }


def test_amounts_and_masses_are_told_in_the_units_people_use() -> None:
    facts = facts_of({"principal_fen": 123_456_789, "mass_g": 18_250_000, "tare_g": None, "unit_ids": ["a"]})
    assert facts == {"principal": "¥1,234,567.89", "mass_kg": 18_250.0, "count": 1}


def test_an_interval_is_told_as_one_number_when_its_ends_are_the_same() -> None:
    assert facts_of({"low": 8, "mid": 10, "high": 11}) == {"interval": "8–11"}
    assert facts_of({"low": 11, "mid": 11, "high": 11}) == {"interval": "11"}


def test_kinds_are_named_as_pages_name_them() -> None:
    assert kind_of("VerifiedStockChanged") == "verified_stock_changed"
    assert text_key_of("DeliveryWeighed", {"agrees": False}) == "activity.delivery_weighed.false"
    shut = {"reason_key": "gate.not_released"}
    assert text_key_of("GateDecided", shut) == "activity.gate_decided.not_released"


def test_an_alarm_that_the_product_itself_took_back_is_not_told_as_closed_by_a_person() -> None:
    withdrawn = {"cleared_by": "", "reason": "withdrawn"}
    assert text_key_of("AlarmCleared", withdrawn) == "activity.alarm_cleared_withdrawn"
