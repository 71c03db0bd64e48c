"""GS1 codes and EPC tags against published examples, and both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.gs1 import check_digit, decode_epc, epc_from_giai, epc_from_sscc, is_valid_sscc, make_sscc


@pytest.mark.parametrize(
    ("epc_hex", "uri"),
    [
        ("3034257BF7194E4000003039", "urn:epc:id:sgtin:0614141.812345.12345"),
        ("3178E61C883950F59A000000", "urn:epc:id:sscc:235634.35321345434"),
        ("3074257BF7194E4000001A85", "urn:epc:id:sgtin:0614141.812345.6789"),
        ("3174257BF4499602D2000000", "urn:epc:id:sscc:0614141.1234567890"),
    ],
)
def test_published_tags_decode_to_their_published_identity(epc_hex: str, uri: str) -> None:
    """The first two from pyepc's documentation; the last two are the examples of the Tag Data Standard."""
    assert decode_epc(epc_hex).uri == uri


def test_the_check_digit_of_a_known_gtin_is_right() -> None:
    """GTIN-13 629104150021-3, the worked example of the GS1 check digit page."""
    assert check_digit("629104150021") == 3


@given(prefix=st.integers(0, 9_999_999), extension=st.integers(0, 9), serial=st.integers(0, 999_999_999))
def test_an_sscc_survives_its_tag(prefix: int, extension: int, serial: int) -> None:
    sscc = make_sscc(f"{prefix:07d}", extension, serial)
    assert is_valid_sscc(sscc)
    assert decode_epc(epc_from_sscc(sscc, 7)).code == sscc


@given(reference=st.integers(0, 2**58 - 1))
def test_a_vehicle_tag_survives_both_ways(reference: int) -> None:
    assert decode_epc(epc_from_giai("6901234", reference)).uri == f"urn:epc:id:giai:6901234.{reference}"


@given(raw=st.binary(min_size=0, max_size=40))
def test_any_bytes_decode_without_an_exception(raw: bytes) -> None:
    assert decode_epc(raw.hex()).scheme in {"sscc", "sgtin", "giai", "undecoded"}


def test_one_wrong_digit_is_noticed() -> None:
    sscc = make_sscc("6901234", 3, 42)
    wrong = sscc[:5] + str((int(sscc[5]) + 1) % 10) + sscc[6:]
    assert not is_valid_sscc(wrong)


@pytest.mark.parametrize("prefix", ["12345", "1234567890123", "12345a7"])
def test_a_company_prefix_of_another_form_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="company_prefix"):
        make_sscc(prefix, 3, 1)
