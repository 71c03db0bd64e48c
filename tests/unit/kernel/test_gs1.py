"""GS1 keys and EPC tags against published examples, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.gs1 import (
    FILTERS,
    CodeRejected,
    Epc,
    Undecoded,
    check_digit,
    decode_epc,
    epc_from_elements,
    epc_from_giai,
    epc_from_sscc,
    epc_from_uri,
    has_right_check_digit,
    is_valid_sscc,
    make_sscc,
)

PUBLISHED = [
    # EPC Tag Data Standard 1.13, annex E.3: element string, tag URI and EPC memory of each scheme.
    ({"01": "80614141123458", "21": "6789"}, "sgtin-96:3.0614141.812345.6789", "3074257BF7194E4000001A85"),
    (
        {"01": "70614141123451", "21": "32a/b"},
        "sgtin-198:3.0614141.712345.32a%2Fb",
        "3674257BF6B7A659B2C2BF100000000000000000000000000000",
    ),
    ({"00": "106141412345678908"}, "sscc-96:3.0614141.1234567890", "3174257BF4499602D2000000"),
    ({"8003": "006141411234525678"}, "grai-96:3.0614141.12345.5678", "3374257BF40C0E400000162E"),
    (
        {"8003": "0061414112345232a/b"},
        "grai-170:3.0614141.12345.32a%2Fb",
        "3774257BF40C0E59B2C2BF1000000000000000000000",
    ),
    ({"8004": "06141415678"}, "giai-96:3.0614141.5678", "3474257BF40000000000162E"),
    (
        {"8004": "061414132a/b"},
        "giai-202:3.0614141.32a%2Fb",
        "3874257BF59B2C2BF10000000000000000000000000000000000",
    ),
    # Edition 2.3 of the standard prints the last two with another company prefix.
    (
        {"8003": "0952114112345432a/b"},
        "grai-170:3.9521141.12345.32a%2Fb",
        "3776451FD40C0E59B2C2BF1000000000000000000000",
    ),
    (
        {"8004": "952114132a/b"},
        "giai-202:3.9521141.32a%2Fb",
        "3876451FD59B2C2BF10000000000000000000000000000000000",
    ),
]


@pytest.mark.parametrize(("elements", "tag", "epc_hex"), PUBLISHED)
def test_the_examples_of_the_tag_data_standard_are_read_and_written(
    elements: dict[str, str], tag: str, epc_hex: str
) -> None:
    epc = decode_epc(epc_hex)
    assert isinstance(epc, Epc)
    assert epc.tag_uri == f"urn:epc:tag:{tag}"
    assert epc.elements == elements
    assert epc.hex == epc_hex
    assert epc_from_uri(epc.tag_uri) == epc
    assert epc_from_uri(epc.uri, filter_value=3) == epc
    assert epc_from_elements(elements, len(epc.company_prefix), filter_value=3) == epc


@pytest.mark.parametrize(
    ("epc_hex", "uri"),
    [
        ("3034257BF7194E4000003039", "urn:epc:id:sgtin:0614141.812345.12345"),
        ("3178E61C883950F59A000000", "urn:epc:id:sscc:235634.35321345434"),
        (
            "377A6BB0C1BDA6D9B664D1AB266D1AB266D1AB266D00",
            "urn:epc:id:grai:634563.456347.3624523452345234",
        ),
        ("36D4257BF7194E58B266D1A800000000000000000000000000", "urn:epc:id:sgtin:0614141.812345.12345"),
    ],
)
def test_tags_that_others_publish_decode_to_their_published_identity(epc_hex: str, uri: str) -> None:
    """From the documentation of pyepc and epc-tds; the last has its 198 bits in 25 bytes."""
    assert decode_epc(epc_hex).uri == uri


@pytest.mark.parametrize("prefix_digits", range(6, 13))
def test_every_partition_puts_the_border_where_its_company_prefix_ends(prefix_digits: int) -> None:
    sscc = make_sscc("614141234567"[:prefix_digits], 1, 4)
    epc = decode_epc(epc_from_sscc(sscc, prefix_digits))
    assert isinstance(epc, Epc)
    assert (epc.company_prefix, epc.elements) == ("614141234567"[:prefix_digits], {"00": sscc})


def test_an_asset_type_has_no_digit_left_beside_a_prefix_of_twelve() -> None:
    epc = epc_from_uri("urn:epc:id:grai:614141234567..17")
    assert epc.elements == {"8003": "0614141234567017"}
    assert decode_epc(epc.hex) == epc


@pytest.mark.parametrize(
    ("serial", "scheme"),
    [
        ("0", "sgtin-96"),
        ("274877906943", "sgtin-96"),
        ("274877906944", "sgtin-198"),
        ("007", "sgtin-198"),
        ("A1", "sgtin-198"),
        ("99999999999999999999", "sgtin-198"),
    ],
)
def test_a_serial_takes_96_bits_only_as_a_number_of_38_without_leading_zero(serial: str, scheme: str) -> None:
    epc = epc_from_elements({"01": "80614141123458", "21": serial}, 7)
    assert epc.scheme == scheme
    assert decode_epc(epc.hex) == epc


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"filter": 8}, "filter"),
        ({"company_prefix": "06141"}, "company_prefix"),
        ({"company_prefix": "06141４1"}, "company_prefix"),
        ({"reference": "81234"}, "reference"),
        ({"serial": "007"}, "serial"),
        ({"serial": "274877906944"}, "serial"),
        ({"serial": ""}, "serial"),
        ({"serial": "9" * 5_000}, "serial"),
        ({"scheme": "sgtin-198", "serial": "x" * 21}, "serial"),
        ({"scheme": "sgtin-198", "serial": "a#b"}, "serial"),
        ({"scheme": "sscc-96", "reference": "1234567890"}, "serial"),
        ({"scheme": "giai-96", "serial": "", "reference": "00"}, "reference"),
        ({"scheme": "giai-96", "serial": "", "reference": str(2**58)}, "reference"),
        ({"scheme": "giai-202", "serial": "", "reference": "x" * 24}, "reference"),
    ],
)
def test_an_identity_that_a_tag_cannot_hold_is_refused_by_field(
    changed: dict[str, object], field: str
) -> None:
    good = {"scheme": "sgtin-96", "company_prefix": "0614141", "reference": "812345", "serial": "1"}
    with pytest.raises(CodeRejected) as caught:
        Epc(**(good | changed))  # type: ignore[arg-type]
    assert caught.value.field == field


@pytest.mark.parametrize(
    "epc_hex",
    [
        "",
        "00",
        "3074257BF7194E4000001A",
        "3074257BF7194E4000001A8500",
        "301E257BF7194E4000001A85",
        "3077FFFFFFFFFFFFFFFFFFFF",
        "3174257BF4499602D2000001",
        "3674257BF6B7A659B2C2BF100000000000000000000000000001",
        "3674257BF6B7A659B2C2BF100000000000000000000000000100",
        "3674257BF680000000000000000000000000000000000000000000",
        "E2806894000050123456789A",
    ],
)
def test_a_tag_of_another_scheme_or_with_impossible_bits_is_kept_as_it_is(epc_hex: str) -> None:
    assert decode_epc(epc_hex) == Undecoded(epc_hex)
    assert decode_epc(epc_hex).uri == f"urn:epc:raw:{len(epc_hex) * 4}.x{epc_hex}"


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "urn:epc:id:sgln:0614141.12345.0",
        "urn:epc:id:sgtin:0614141.812345",
        "urn:epc:id:sgtin:0614141.812345.a/b",
        "urn:epc:id:sgtin:0614141.812345.a%41b",
        "urn:epc:id:sscc:0614141.1234567890.1",
        "urn:epc:tag:sgtin-96:3.0614141.812345.32a%2Fb",
        "urn:epc:tag:sgtin-96:8.0614141.812345.1",
        "urn:epc:tag:sgtin-97:3.0614141.812345.1",
    ],
)
def test_a_uri_that_names_no_identity_of_ours_is_refused(uri: str) -> None:
    with pytest.raises(CodeRejected):
        epc_from_uri(uri)


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"10": "LOT7"},
        {"01": "80614141123458"},
        {"01": "80614141123459", "21": "1"},
        {"00": "106141412345678909"},
        {"8003": "00614141123452"},
    ],
)
def test_elements_that_name_no_single_thing_make_no_tag(elements: dict[str, str]) -> None:
    with pytest.raises(CodeRejected):
        epc_from_elements(elements, 7)


def test_only_values_that_mean_something_have_a_filter_name() -> None:
    assert FILTERS["sscc"] == {2: "full case", 6: "unit load"}
    assert all(0 < value < 8 for values in FILTERS.values() for value in values)


# --- keys -----------------------------------------------------------------------------------------


def test_the_check_digit_of_a_known_gtin_is_right() -> None:
    """GTIN-13 629104150021-3, the worked example of the GS1 check digit page."""
    assert check_digit("629104150021") == 3
    assert has_right_check_digit("6291041500213")
    assert not has_right_check_digit("6291041500214")


@pytest.mark.parametrize("code", ["", "0", "A1", "１２", "-1"])
def test_what_is_no_number_has_no_right_check_digit(code: str) -> None:
    assert not has_right_check_digit(code)


@given(prefix=st.integers(0, 9_999_999), extension=st.integers(0, 9), serial=st.integers(0, 999_999_999))
def test_an_sscc_survives_its_tag(prefix: int, extension: int, serial: int) -> None:
    sscc = make_sscc(f"{prefix:07d}", extension, serial)
    assert is_valid_sscc(sscc)
    epc = decode_epc(epc_from_sscc(sscc, 7))
    assert isinstance(epc, Epc)
    assert epc.elements == {"00": sscc}


@given(reference=st.integers(0, 2**58 - 1))
def test_a_vehicle_tag_survives_both_ways(reference: int) -> None:
    assert decode_epc(epc_from_giai("6901234", reference)).uri == f"urn:epc:id:giai:6901234.{reference}"


def test_one_wrong_digit_is_noticed() -> None:
    sscc = make_sscc("6901234", 3, 42)
    wrong = sscc[:5] + str((int(sscc[5]) + 1) % 10) + sscc[6:]
    assert not is_valid_sscc(wrong)


@pytest.mark.parametrize("prefix", ["12345", "1234567890123", "12345a7", "１２３４５６７"])
def test_a_company_prefix_of_another_form_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="company_prefix"):
        make_sscc(prefix, 3, 1)
