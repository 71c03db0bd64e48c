"""GS1 codes in every form that goods carry them: keys, barcode elements, web addresses and EPC tags."""

from kernel.gs1.elements import FNC1, bracketed, element_string, parse_elements
from kernel.gs1.epc import (
    FILTERS,
    Epc,
    Scheme,
    Undecoded,
    decode_epc,
    epc_from_elements,
    epc_from_giai,
    epc_from_sscc,
    epc_from_uri,
    scheme_of_tag,
    sscc_of_tag,
)
from kernel.gs1.keys import CodeRejected, check_digit, has_right_check_digit, is_valid_sscc, make_sscc
from kernel.gs1.link import elements_of_link, link_of

__all__ = [
    "FILTERS",
    "FNC1",
    "CodeRejected",
    "Epc",
    "Scheme",
    "Undecoded",
    "bracketed",
    "check_digit",
    "decode_epc",
    "element_string",
    "elements_of_link",
    "epc_from_elements",
    "epc_from_giai",
    "epc_from_sscc",
    "epc_from_uri",
    "has_right_check_digit",
    "is_valid_sscc",
    "link_of",
    "make_sscc",
    "parse_elements",
    "scheme_of_tag",
    "sscc_of_tag",
]
