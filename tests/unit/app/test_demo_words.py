"""Firms of the demonstration have names of one language, whichever it is."""

import re

import msgspec
import pytest

from app.demo.accounts import PARTIES
from app.demo.words import WORDS
from app.texts import LOCALES, Locale

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_party_has_a_name_and_all_words_are_of_one_language(locale: Locale) -> None:
    words = WORDS[locale]
    assert words.parties.keys() == PARTIES.keys()
    written = [
        *words.parties.values(),
        *(text for text in msgspec.structs.astuple(words) if text is not words.parties),
    ]
    assert {bool(HAN.search(text)) for text in written} == {locale == "zh"}
