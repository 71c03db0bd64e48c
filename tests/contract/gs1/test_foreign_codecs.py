"""Our GS1 codec against three that are not ours: pyepc and biip (PyPI) and epc-tds (npm)."""

from typing import Any
from urllib.parse import unquote

import pyepc
import pytest
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_messages import GS1Message

from kernel.gs1 import (
    Epc,
    bracketed,
    check_digit,
    decode_epc,
    element_string,
    epc_from_uri,
    link_of,
    parse_elements,
)
from kernel.rng import Rng
from tests.contract.peers import ask

SCHEMES = ("sgtin-96", "sgtin-198", "sscc-96", "grai-96", "grai-170", "giai-96", "giai-202")
LETTERS = "ABCXYZabcxyz0123456789-_!'()*+,;="
"""Without dot and colon: epc-tds cuts a text off there when it reads a tag URI."""
EACH = 25


def some_epc(rng: Rng, scheme: str) -> Epc:
    """An identity of `scheme`, of a company with a prefix of 6 to 12 digits; a GRAI of 6 to 11, since beside
    12 its asset type is empty and epc-tds writes a zero there."""
    prefix = digits(rng, rng.integer(6, 11 if scheme.startswith("grai") else 12))
    text = "".join(LETTERS[rng.integer(0, len(LETTERS) - 1)] for _ in range(rng.integer(1, 12)))
    number = str(rng.integer(0, 2**38 - 1))
    length = {"sgtin": 13, "sscc": 17, "grai": 12}.get(scheme.partition("-")[0], 0) - len(prefix)
    if scheme.startswith("giai"):
        reference, serial = (number if scheme == "giai-96" else text), ""
    else:
        reference = digits(rng, length)
        serial = "" if scheme == "sscc-96" else number if scheme.endswith("96") else text
    return Epc(
        scheme=scheme,  # type: ignore[arg-type]
        company_prefix=prefix,
        reference=reference,
        serial=serial,
        filter=rng.integer(0, 7),
    )


def digits(rng: Rng, count: int) -> str:
    return "".join(str(rng.integer(0, 9)) for _ in range(count))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_epc_tds_reads_our_tags_and_writes_the_same(rng: Rng, scheme: str) -> None:
    epcs = [some_epc(rng, scheme) for _ in range(EACH)]
    answers: list[Any] = ask("epc_tds.cjs", [epc.hex for epc in epcs])
    for epc, answer in zip(epcs, answers, strict=True):
        # It writes URIs without the escapes of the standard.
        assert answer[:2] == [unquote(epc.uri), unquote(epc.tag_uri)], epc
        # 198 bits: in 25 bytes, where we write whole words.
        assert epc.hex.removesuffix("00" if scheme == "sgtin-198" else "") == answer[2]


@pytest.mark.parametrize("scheme", ["sgtin-96", "sgtin-198"])
def test_pyepc_writes_the_tags_that_we_read(rng: Rng, scheme: str) -> None:
    for _ in range(EACH):
        ours = some_epc(rng, scheme)
        theirs = pyepc.SGTIN(ours.company_prefix, ours.reference[0], ours.reference[1:], ours.serial)
        written = theirs.encode(pyepc.SGTIN.BinarySchemes(scheme), pyepc.SGTIN.FilterValues(str(ours.filter)))
        assert decode_epc(written) == ours
        assert theirs.pure_identity_uri == unquote(ours.uri)
        assert theirs.gs1_element_string == bracketed(ours.elements).replace("\\(", "(")


def test_pyepc_reads_our_pallet_tags(rng: Rng) -> None:
    for _ in range(EACH):
        ours = some_epc(rng, "sscc-96")
        assert pyepc.SSCC.decode(ours.hex).pure_identity_uri == ours.uri
        assert pyepc.SSCC.decode(ours.hex).gs1_element_string == bracketed(ours.elements)


def some_elements(rng: Rng) -> dict[str, str]:
    body = digits(rng, 13)
    found = {
        "01": f"{body}{check_digit(body)}",
        "10": "LOT" + digits(rng, 4),
        "15": f"27{rng.integer(1, 12):02d}{rng.integer(1, 28):02d}",
        "21": digits(rng, 5) + "-A",
        "3102": digits(rng, 6),
        "37": str(rng.integer(1, 9_999)),
    }
    return {ai: found[ai] for ai in rng.numpy.permutation(sorted(found)).tolist()}


def test_biip_reads_our_element_strings_and_we_read_what_it_read(rng: Rng) -> None:
    for _ in range(EACH):
        elements = some_elements(rng)
        for theirs in (
            GS1Message.parse(element_string(elements)),
            GS1Message.parse_hri(bracketed(elements)),
        ):
            assert {found.ai.ai: found.value for found in theirs.element_strings} == elements
            assert parse_elements(theirs.as_hri()) == elements


@pytest.mark.parametrize(
    "uri",
    [
        "urn:epc:id:sgtin:0614141.812345.32a%2Fb",
        "urn:epc:id:sscc:0614141.1234567890",
        "urn:epc:id:grai:0614141.12345.5678",
        "urn:epc:id:giai:0614141.5678",
    ],
)
def test_biip_reads_our_web_addresses(uri: str) -> None:
    elements = epc_from_uri(uri).elements
    theirs = GS1DigitalLinkURI.parse(link_of(elements))
    assert {found.ai.ai: found.value for found in theirs.element_strings} == elements
    assert theirs.as_canonical_uri() == link_of(elements)
