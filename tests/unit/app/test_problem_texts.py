"""Every refusal that the product can answer with has a sentence in both languages, which its facts fill."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.texts import LOCALES, Texts
from devices.families import FAMILIES
from wms.catalogue.model import SKU_RULE

ROOT = Path(__file__).parents[3]
PACKAGES = ("app", "devices", "finance", "identity", "kernel", "twin", "viz", "wms")
ERRORS = {"NotFound", "Conflict", "Forbidden", "Invalid", "Unavailable", "SignedOut"}
TEXTS = Texts.load()

ANSWERED_BY_THE_SERVER = (
    "request.malformed",
    "request.too_large",
    "request.unreadable",
    *(f"http.{status}" for status in (400, 403, 404, 405, 413, 500)),
)
"""Keys that `app.http` gives to what no handler raised."""
CHOSEN_BY_STATE = (
    "facility.frozen",
    "facility.closed",
    "drawdown.own_proposal",
    "thaw.own_proposal",
    "price.own_proposal",
)
CHOSEN_BY_ACT = ("devices.acceptance", "devices.rekeying", "devices.calibration")
CHOSEN_AT_SIGN_IN = ("session.wrong_password", "session.locked")
"""Keys that reach the error as a value, so that the search does not see them where it looks."""


def raised() -> Iterator[tuple[str, frozenset[str] | None, str]]:
    """Each key with the facts given where it is raised (None when they are spread), and the place."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                    continue
                if node.func.id in ERRORS and node.args and isinstance(node.args[0], ast.Constant):
                    names = [keyword.arg for keyword in node.keywords]
                    facts = None if None in names else frozenset(name for name in names if name)
                    yield str(node.args[0].value), facts, f"{path.relative_to(ROOT)}:{node.lineno}"


RAISED = list(raised())


def test_the_search_finds_what_is_raised() -> None:
    assert len({key for key, _, _ in RAISED}) > 100


@pytest.mark.parametrize("locale", LOCALES)
def test_every_refusal_has_a_sentence(locale: str) -> None:
    missing = {key: place for key, _, place in RAISED if TEXTS.problem(locale, key, {}) == key}
    assert missing == {}
    others = (*ANSWERED_BY_THE_SERVER, *CHOSEN_BY_STATE, *CHOSEN_BY_ACT, *CHOSEN_AT_SIGN_IN)
    assert [key for key in others if TEXTS.problem(locale, key, {}) == key] == []


def test_lists_are_written_as_the_language_does() -> None:
    facts = {"allowed": ["keeper", "operator"]}
    assert TEXTS.problem("en", "session.role", facts).endswith("It is for: Keeper, Operator.")
    assert TEXTS.problem("zh", "session.role", facts).endswith("保管员、操作员。")


def test_money_is_told_with_its_currency_and_no_fen() -> None:
    facts = {"amount_fen": 1_234_567, "available_fen": 5, "currency": "CNY"}
    assert (
        TEXTS.problem("en", "drawdown.above_lendable", facts)
        == "CNY 12,345.67 was asked for; CNY 0.05 may be drawn now."
    )
    assert (
        TEXTS.problem("zh", "drawdown.above_lendable", facts)
        == "申请支取 CNY 12,345.67，目前可支取 CNY 0.05。"
    )
    facts = {"field": "amount_fen", "rule": "at least 1"}
    assert TEXTS.problem("en", "request.malformed", facts) == "Amount: at least CNY 0.01."


def test_masses_are_told_in_kilograms_and_tonnes() -> None:
    facts = {"mass_g": 24_380_000, "expected_g": 1_234_500}
    assert TEXTS.problem("en", "gate.too_light", facts).startswith(
        "The vehicle weighs 24.38 t, less than the 1,234.5 kg"
    )
    facts = {"field": "units.0.expected_mass_g", "rule": "950 to 1110000"}
    assert TEXTS.problem("en", "deliveries.range", facts).endswith("950 g to 1,110.0 kg.")


def test_fields_are_told_by_their_names_and_those_within_others_with_their_place() -> None:
    facts = {"field": "items.3.sku", "rule": SKU_RULE}
    assert (
        TEXTS.problem("en", "catalogue.item", facts)
        == "SKU (entry 4): 1 to 32 characters without blanks or quotes."
    )
    assert (
        TEXTS.problem("zh", "catalogue.item", facts) == "货品编码（第4项）：1 至 32 个字符，不含空格和引号。"
    )
    facts = {"field": "connection.host", "rule": "given"}
    assert "Address in the network must be given" in TEXTS.problem("en", "devices.enrolment", facts)
    facts = {"field": "x.unheard_of", "rule": "given"}
    assert TEXTS.problem("zh", "request.malformed", facts) == "x.unheard_of：必填。"


def test_pallets_are_told_by_their_labels_and_states_by_their_names() -> None:
    facts = {"unit_ids": ["unit-1", "unit-2"], "labels": {"unit-1": "003061414112345678"}}
    assert TEXTS.problem("en", "stock.reserved", facts).endswith("003061414112345678, unit-2.")
    facts = {"state": "pledged"}
    assert TEXTS.problem("zh", "receipts.state", facts) == "仓单当前状态为已质押，不能进行此操作。"


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sentence_is_filled_where_it_is_raised(locale: str) -> None:
    unfilled = {}
    for key, facts, place in RAISED:
        asked = set(re.findall(r"\{(\w+)", TEXTS.problem(locale, key, {})))
        if facts is not None and not asked <= facts:
            unfilled[place] = f"{key} lacks {sorted(asked - facts)}"
    assert unfilled == {}


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_everything_that_a_device_is_given_has_a_name(locale: str) -> None:
    given = {name for family in FAMILIES.values() for name in family.parameters if family.reach != "http"}
    assert {name for name in given if TEXTS._find(locale, f"devices.parameter.{name}") is None} == set()


def test_the_bounds_of_a_price_of_one_piece_are_said_in_yuan() -> None:
    facts = {"field": "price_fen_each", "rule": "1 to 100000000000"}
    assert TEXTS.problem("en", "price.amount", facts).endswith("CNY 0.01 to CNY 1,000,000,000.00.")
