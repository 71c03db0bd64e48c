"""Element strings and Digital Link addresses against published examples, and what is refused."""

import pytest

from kernel.gs1 import CodeRejected, bracketed, element_string, elements_of_link, link_of, parse_elements

PALLET = {"00": "376104250021234569", "02": "06291041500213", "37": "48", "10": "LOT7"}


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        # GS1 General Specifications, figures of section 7.8: predefined lengths need no separator.
        ("01095011010209171719050810ABCD1234", {"01": "09501101020917", "17": "190508", "10": "ABCD1234"}),
        (
            "010950110102091710ABCD1234\x1d2112345",
            {"01": "09501101020917", "10": "ABCD1234", "21": "12345"},
        ),
        ("]C100106141411234567897", {"00": "106141411234567897"}),
        ("]d2\x1d0109501101530003\x1d3103001250", {"01": "09501101530003", "3103": "001250"}),
        ("(00)376104250021234569(02)06291041500213(37)48(10)LOT7", PALLET),
        ("(10)A\\(1)(21)7", {"10": "A(1)", "21": "7"}),
        ("8003006141411234525678", {"8003": "006141411234525678"}),
        ("800406141415678", {"8004": "06141415678"}),
        ("4109521141123454\x1d7003261231235910LOT", {"410": "9521141123454", "7003": "261231235910LOT"}),
        ("11261123" + "13261124" + "15261100" + "17271231", {
            "11": "261123", "13": "261124", "15": "261100", "17": "271231",
        }),
        ("37481048\x1d37481048", {"37": "481048"}),
    ],
)  # fmt: skip
def test_element_strings_are_read(text: str, elements: dict[str, str]) -> None:
    assert parse_elements(text) == elements


def test_only_values_of_variable_length_are_ended_by_a_separator() -> None:
    assert element_string(PALLET) == "00376104250021234569" + "0206291041500213" + "3748\x1d" + "10LOT7"
    assert bracketed(PALLET) == "(00)376104250021234569(02)06291041500213(37)48(10)LOT7"
    assert bracketed({"10": "A(1)"}) == "(10)A\\(1)"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "element"),
        ("]C1", "element"),
        ("\x1d\x1d", "\x1d"),
        ("A01-07-3", "A01-"),
        ("00376", "00"),
        ("00376104250021234568", "00"),
        ("0109501101530004", "01"),
        ("01", "01"),
        ("10", "10"),
        ("10" + "x" * 21, "10"),
        ("10LOT#7", "10"),
        ("10批次", "10"),
        ("11261323", "11"),
        ("11261132", "11"),
        ("3103１２３４５６", "3103"),
        ("310300125", "3103"),
        ("37123456789", "37"),
        ("059", "059"),
        ("10A\x1d10B", "10"),
        ("(10)A(7)", "element"),
        ("(10)A\\", "element"),
        ("(100)A", "100"),
        ("(310)001250", "310"),
    ],
)
def test_what_is_no_element_string_is_refused_by_identifier(text: str, field: str) -> None:
    with pytest.raises(CodeRejected) as caught:
        parse_elements(text)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("elements", "address"),
    [
        # Examples of the GS1 Digital Link Standard, URI Syntax.
        ({"01": "09520123456788"}, "https://id.gs1.org/01/09520123456788"),
        (
            {"01": "09520123456788", "22": "2A", "10": "ABC1", "21": "12345"},
            "https://id.gs1.org/01/09520123456788/22/2A/10/ABC1/21/12345",
        ),
        (
            {"01": "09520123456788", "10": "ABC1", "21": "12345", "17": "180426"},
            "https://id.gs1.org/01/09520123456788/10/ABC1/21/12345?17=180426",
        ),
        (
            {"01": "09520123456788", "3103": "000195"},
            "https://id.gs1.org/01/09520123456788?3103=000195",
        ),
        ({"00": "106141412345678908"}, "https://id.gs1.org/00/106141412345678908"),
        ({"8004": "952012332a/b"}, "https://id.gs1.org/8004/952012332a%2Fb"),
    ],
)
def test_digital_links_are_written_and_read(elements: dict[str, str], address: str) -> None:
    assert link_of(elements) == address
    assert elements_of_link(address) == elements


def test_qualifiers_stand_in_their_fixed_order_whatever_the_order_of_the_elements() -> None:
    elements = {"21": "12345", "17": "180426", "10": "ABC1", "01": "09520123456788"}
    assert link_of(elements, "https://example.org/scan/") == (
        "https://example.org/scan/01/09520123456788/10/ABC1/21/12345?17=180426"
    )


@pytest.mark.parametrize(
    ("address", "elements"),
    [
        (
            "http://example.org/scan/00/01/09520123456788/21/A%2Fb?linkType=pip&37=48;15=261100#top",
            {"01": "09520123456788", "21": "A/b", "37": "48", "15": "261100"},
        ),
        ("https://example.org/01/9520123456788/", {"01": "09520123456788"}),
        ("https://example.org/01/614141123452", {"01": "00614141123452"}),
        ("https://example.org/01/95012346", {"01": "00000095012346"}),
    ],
)
def test_addresses_of_any_resolver_are_read(address: str, elements: dict[str, str]) -> None:
    assert elements_of_link(address) == elements


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("00106141412345678908", "link"),
        ("ftp://id.gs1.org/00/106141412345678908", "link"),
        ("https:///00/106141412345678908", "link"),
        ("https://[id.gs1.org/00/106141412345678908", "link"),
        ("https://id.gs1.org/pda/?enrol=K7", "link"),
        ("https://id.gs1.org/gtin/09520123456788", "link"),
        ("https://id.gs1.org/00/106141412345678908/21/5", "link"),
        ("https://id.gs1.org/01/09520123456788/21/5/10/A", "link"),
        ("https://id.gs1.org/00/106141412345678909", "00"),
        ("https://id.gs1.org/01/09520123456788/21/%E6%89%B9", "21"),
        ("https://id.gs1.org/01/09520123456788/21/%FF", "21"),
        ("https://id.gs1.org/01/09520123456788/21/A?21=B", "21"),
        ("https://id.gs1.org/01/09520123456788?17=180432", "17"),
        ("https://id.gs1.org/01/09520123456788?055=1", "055"),
    ],
)
def test_what_is_no_digital_link_is_refused(address: str, field: str) -> None:
    with pytest.raises(CodeRejected) as caught:
        elements_of_link(address)
    assert caught.value.field == field


@pytest.mark.parametrize("elements", [{}, {"10": "A"}, {"00": "106141412345678908", "01": "09520123456788"}])
def test_an_address_names_one_thing(elements: dict[str, str]) -> None:
    with pytest.raises(CodeRejected):
        link_of(elements)
