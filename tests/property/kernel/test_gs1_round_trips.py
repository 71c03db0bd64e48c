"""GS1 codes of any content survive each of their forms, and any text or bits are read or refused."""

import string

from hypothesis import given
from hypothesis import strategies as st

from kernel.gs1 import (
    CodeRejected,
    Epc,
    Scheme,
    Undecoded,
    bracketed,
    check_digit,
    decode_epc,
    element_string,
    elements_of_link,
    epc_from_elements,
    epc_from_uri,
    link_of,
    parse_elements,
)

SET_82 = "!\"%&'()*+,-./:;<=>?_" + string.digits + string.ascii_letters
HEADERS = [0x30, 0x31, 0x33, 0x34, 0x36, 0x37, 0x38]


def texts(length_max: int) -> st.SearchStrategy[str]:
    return st.text(SET_82, min_size=1, max_size=length_max)


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text(string.digits, min_size=count, max_size=count)


def numbers(bits: int) -> st.SearchStrategy[str]:
    return st.integers(0, 2**bits - 1).map(str)


@st.composite
def epcs(draw: st.DrawFn) -> Epc:
    scheme: Scheme = draw(
        st.sampled_from(["sgtin-96", "sgtin-198", "sscc-96", "grai-96", "grai-170", "giai-96", "giai-202"])
    )
    prefix = draw(st.integers(6, 12).flatmap(digits))
    rest = len(prefix)
    prefix_bits = {12: 40, 11: 37, 10: 34, 9: 30, 8: 27, 7: 24, 6: 20}[rest]
    reference, serial = {
        "sgtin-96": (digits(13 - rest), numbers(38)),
        "sgtin-198": (digits(13 - rest), texts(20)),
        "sscc-96": (digits(17 - rest), st.just("")),
        "grai-96": (digits(12 - rest), numbers(38)),
        "grai-170": (digits(12 - rest), texts(16)),
        "giai-96": (numbers(82 - prefix_bits), st.just("")),
        "giai-202": (texts(30 - rest), st.just("")),
    }[scheme]
    return Epc(
        scheme=scheme,
        company_prefix=prefix,
        reference=draw(reference),
        serial=draw(serial),
        filter=draw(st.integers(0, 7)),
    )


@given(epcs())
def test_a_tag_gives_back_the_identity_that_was_written(epc: Epc) -> None:
    assert decode_epc(epc.hex) == epc
    assert len(epc.hex) % 4 == 0


@given(epcs())
def test_a_uri_gives_back_the_identity(epc: Epc) -> None:
    assert epc_from_uri(epc.tag_uri) == epc
    assert epc_from_uri(epc.uri, filter_value=epc.filter).uri == epc.uri


@given(epcs())
def test_barcode_and_address_give_back_the_identity(epc: Epc) -> None:
    elements = epc.elements
    for read in (
        parse_elements(element_string(elements)),
        parse_elements(bracketed(elements)),
        elements_of_link(link_of(elements)),
    ):
        assert read == elements
        again = epc_from_elements(read, len(epc.company_prefix), filter_value=epc.filter)
        assert again.uri == epc.uri


@given(st.sampled_from(HEADERS), st.binary(min_size=11, max_size=30) | st.binary(max_size=60))
def test_any_bits_are_an_identity_that_writes_them_again_or_stay_as_they_are(
    header: int, rest: bytes
) -> None:
    raw = bytes([header]) + rest
    for epc_hex in (raw.hex().upper(), rest.hex().upper()):
        found = decode_epc(epc_hex)
        if isinstance(found, Undecoded):
            assert found.hex == epc_hex
        else:
            assert found.hex.startswith(epc_hex)


@st.composite
def elements(draw: st.DrawFn) -> dict[str, str]:
    gtins = digits(13).map(lambda body: f"{body}{check_digit(body)}")
    values: dict[str, st.SearchStrategy[str]] = {
        "00": digits(17).map(lambda body: f"{body}{check_digit(body)}"),
        "01": gtins,
        "02": gtins,
        "10": texts(20),
        "17": st.dates().map(lambda day: f"{day:%y%m%d}"),
        "21": texts(20),
        "37": numbers(20),
        "3103": digits(6),
        "410": digits(13),
        "91": texts(90),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(values)), min_size=1, unique=True))
    return {ai: draw(values[ai]) for ai in chosen}


@given(elements())
def test_element_strings_of_any_order_are_read_as_they_were_written(wanted: dict[str, str]) -> None:
    assert list(parse_elements(element_string(wanted)).items()) == list(wanted.items())
    assert list(parse_elements(bracketed(wanted)).items()) == list(wanted.items())


codes = st.text(string.digits + "AbZ()\\\x1d]C1/%.:?=&#", max_size=60) | st.text(max_size=60)


@given(codes)
def test_any_text_is_read_as_elements_or_refused(text: str) -> None:
    try:
        found = parse_elements(text)
    except CodeRejected as error:
        assert error.field
        assert error.rule
    else:
        assert parse_elements(element_string(found)) == found


@given(codes.map("https://id.gs1.org/01/09520123456788/".__add__) | codes.map("https://".__add__) | codes)
def test_any_address_is_read_or_refused(address: str) -> None:
    try:
        found = elements_of_link(address)
    except CodeRejected as error:
        assert error.field
    else:
        assert elements_of_link(link_of(found)) == found


@given(codes | codes.map("urn:epc:id:sgtin:0614141.812345.".__add__) | codes.map("urn:epc:tag:".__add__))
def test_any_uri_is_read_or_refused(uri: str) -> None:
    try:
        found = epc_from_uri(uri)
    except CodeRejected as error:
        assert error.field
    else:
        assert epc_from_uri(found.tag_uri) == found
