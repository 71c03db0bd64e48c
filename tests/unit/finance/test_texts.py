"""Every refusal of finance has a sentence in both languages, and its sentence uses facts that are given."""

import re
from pathlib import Path

import pytest

from app.texts import LOCALES, Texts

FINANCE = Path(__file__).parents[3] / "finance"
SOURCE = "\n".join(path.read_text("utf-8") for path in sorted(FINANCE.rglob("*.py")))
RAISED = re.compile(r"(?:Conflict|Invalid|NotFound|Forbidden)\(\s*\"([a-z_]+\.[a-z_]+)\"")
PASSED = re.compile(r"require_second_person\([^)]*\"([a-z_]+\.[a-z_]+)\"\)")
KEYS = sorted({*RAISED.findall(SOURCE), *PASSED.findall(SOURCE), "facility.frozen", "facility.closed"})
TEXTS = Texts.load()


def test_the_search_finds_the_refusals() -> None:
    assert {"receipts.units_under_receipt", "drawdown.above_lendable", "thaw.own_proposal"} <= set(KEYS)
    assert len(KEYS) > 60


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("key", KEYS)
def test_a_refusal_has_a_sentence(key: str, locale: str) -> None:
    assert TEXTS.problem(locale, key, {}) != key
