"""Numbers of animals: what readers show, and which scheme it is in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.animals import NATIONAL_MAX, AnimalId, WrongAnimalId, animal_id, chinese_id, iso_id, iso_word

TEST_TAG = AnimalId("iso11784", "999123456789012")
"""The example of the standard's test country."""


@pytest.mark.parametrize(
    "text",
    [
        "999123456789012",
        "999 123456789012",
        "3E7.1CBE991A14",
        "3e7.1cbe991a14",
        "8000F9DCBE991A14",
        "141A99BEDCF90080",
    ],
)
def test_every_form_that_readers_show_is_the_same_number(text: str) -> None:
    assert animal_id(text) == TEST_TAG


def test_a_number_goes_back_into_its_other_forms() -> None:
    assert TEST_TAG.dot_hex == "3E7.1CBE991A14"
    assert f"{TEST_TAG.word:016X}" == "8000F9DCBE991A14"
    assert iso_word(TEST_TAG.word) == TEST_TAG


def test_what_surrounds_country_and_number_is_not_part_of_it() -> None:
    retagged_with_user_information_and_data = TEST_TAG.word | 0b101 << 60 | 0b10101 << 55 | 1 << 48
    assert iso_word(retagged_with_user_information_and_data) == TEST_TAG


def test_chinese_tags_and_iso_numbers_of_china_are_told_apart() -> None:
    assert animal_id("215250212345678") == AnimalId("china", "215250212345678")
    assert animal_id("156000012345678") == AnimalId("iso11784", "156000012345678")
    # Germany's 276 would be species 2 of a province that does not exist.
    assert animal_id("276001234567890").scheme == "iso11784"


def test_digits_that_both_schemes_allow_are_what_the_caller_says() -> None:
    # France's 250 reads as cattle of Chongqing too.
    assert animal_id("250101234567890").scheme == "china"
    assert animal_id("250101234567890", "iso11784") == AnimalId("iso11784", "250101234567890")
    assert animal_id("250000234567890").scheme == "iso11784"


@pytest.mark.parametrize(
    ("text", "scheme", "rule"),
    [
        ("", None, "15 digits, country.national"),
        ("99912345678901", None, "15 digits, country.national"),
        ("999999999999999", None, f"a national number of 0 to {NATIONAL_MAX}"),
        ("000123456789012", None, "a country or maker of 1 to 999"),
        ("3FF.1CBE991A14", None, "a country or maker of 1 to 999"),
        ("0000F9DCBE991A14", None, "the animal bit set"),
        ("807EF9DCBE991A14", None, "the reserved bits 0"),
        ("8000F9DCBE990080", None, "a word that reads in one order of bytes only"),
        ("415250212345678", "china", "species 1 to 3"),
        ("256250212345678", "china", "species 1 to 3"),
        ("215000212345678", "china", "species 1 to 3"),
        ("215250012345678", "china", "species 1 to 3"),
        ("3E7.1CBE991A14", "china", "15 digits"),
        ("２１５２５０２１２３４５６７８", None, "15 digits, country.national"),
    ],
)
def test_what_is_no_number_of_an_animal_is_refused_with_the_rule(text: str, scheme: str, rule: str) -> None:
    with pytest.raises(WrongAnimalId, match=rule):
        animal_id(text, scheme)  # type: ignore[arg-type]


@given(st.integers(1, 999), st.integers(0, NATIONAL_MAX))
def test_a_number_survives_every_form(country: int, national: int) -> None:
    number = iso_id(country, national)
    assert animal_id(number.dot_hex) == number
    assert iso_word(number.word) == number
    assert animal_id(number.digits, "iso11784") == number


@given(st.text(max_size=20))
def test_any_text_is_a_number_or_is_refused(text: str) -> None:
    try:
        number = animal_id(text)
    except WrongAnimalId as error:
        assert str(error)
    else:
        assert len(number.digits) == 15
        assert animal_id(number.digits, number.scheme) == number
        if number.scheme == "china":
            assert chinese_id(number.digits) == number
