"""GS1 element strings, both ways: what a barcode holds, as application identifiers (AI) with their values.

Source: GS1 General Specifications, section 3 (the identifiers), 7.8 (element strings and FNC1) and figure
7.8.5-2 (identifiers of predefined length). Identifiers named in `_RULES` are held to their own rule; others
of GS1 are kept as they come, as text of the 82 characters that a value may be made of.

Elements are a dict from identifier to value in the order of the symbol: each identifier stands once.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from kernel.gs1.keys import CodeRejected, has_right_check_digit

FNC1 = "\x1d"
"""What a scanner sends for the separator that ends a value of variable length (section 7.8.3)."""
_SYMBOLOGIES = ("]C1", "]e0", "]d2", "]Q3", "]J1")
"""Symbology identifiers of symbols that hold element strings (section 5.1.2): GS1-128, DataBar, DataMatrix,
QR and DotCode."""

TEXT = r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]"
"""GS1 AI encodable character set 82 (section 7.11)."""

_PREDEFINED = {"00": 20, "01": 16, "02": 16, "03": 16, "04": 18, "20": 4, "41": 16}
_PREDEFINED |= {str(head): 8 for head in range(11, 20)} | {str(head): 10 for head in range(31, 37)}
"""By the first two digits, how long identifier and value are together: these need no separator."""

_THREE_DIGITS = {"23", "24", "25", "40", "41", "42", "71"}
_FOUR_DIGITS = {"31", "32", "33", "34", "35", "36", "39", "43", "70", "72", "80", "81", "82"}
_TWO_DIGITS = {"00", "01", "02", "03", "10", "11", "12", "13", "15", "16", "17", "20", "21", "22", "30", "37"}
_TWO_DIGITS |= {str(head) for head in range(90, 100)}


class _Rule(NamedTuple):
    """What a value looks like, in words too, and where the digits lie that end with a check digit."""

    form: str
    words: str
    checked: slice | None = None


_DATE = _Rule(r"[0-9]{2}(0[1-9]|1[0-2])([0-2][0-9]|3[01])", "YYMMDD, day 00 when only the month is meant")
_LOT = _Rule(f"{TEXT}{{1,20}}", "1 to 20 characters of set 82")
_COUNT = _Rule(r"[0-9]{1,8}", "1 to 8 digits")
_MEASURE = _Rule(r"[0-9]{6}", "6 digits")
_GTIN = _Rule(r"[0-9]{14}", "14 digits with a right check digit", slice(0, 14))

_RULES = {
    "00": _Rule(r"[0-9]{18}", "18 digits with a right check digit", slice(0, 18)),
    "01": _GTIN,
    "02": _GTIN,
    "10": _LOT,
    "11": _DATE,
    "12": _DATE,
    "13": _DATE,
    "15": _DATE,
    "16": _DATE,
    "17": _DATE,
    "21": _LOT,
    "22": _LOT,
    "30": _COUNT,
    "37": _COUNT,
    "8003": _Rule(
        rf"0[0-9]{{13}}{TEXT}{{0,16}}",
        "0, 13 digits with a right check digit and up to 16 characters of set 82",
        slice(1, 14),
    ),
    "8004": _Rule(f"{TEXT}{{1,30}}", "1 to 30 characters of set 82"),
}
_RULES |= {f"{head}{decimals}": _MEASURE for head in ("310", "330") for decimals in range(6)}
_OTHER = _Rule(f"{TEXT}{{1,90}}", "1 to 90 characters of set 82")


def checked(ai: str, value: str) -> str:
    """`value` as it is. Raises CodeRejected, naming the identifier, when it breaks its rule."""
    if ai != _identifier(ai):
        raise CodeRejected(ai or "element", "an application identifier of GS1")
    rule = _RULES.get(ai, _OTHER)
    length = _PREDEFINED.get(ai[:2])
    if length is not None and len(ai) + len(value) != length:
        raise CodeRejected(ai, f"{length - len(ai)} characters")
    if not re.fullmatch(rule.form, value):
        raise CodeRejected(ai, rule.words)
    if rule.checked is not None and not has_right_check_digit(value[rule.checked]):
        raise CodeRejected(ai, rule.words)
    return value


def parse_elements(text: str) -> dict[str, str]:
    """The elements of a scanned or typed text, with brackets around its identifiers or with FNC1.

    A symbology identifier and an FNC1 before it are passed over. In the bracketed form a `(` that belongs to
    a value is written `\\(`. Raises CodeRejected for anything else, and for an identifier with two values.
    """
    for symbology in _SYMBOLOGIES:
        text = text.removeprefix(symbology)
    text = text.removeprefix(FNC1)
    take = _bracketed_one if text.startswith("(") else _plain_one
    elements: dict[str, str] = {}
    while text:
        ai, value, text = take(text)
        if elements.setdefault(ai, checked(ai, value)) != value:
            raise CodeRejected(ai, "one value in a symbol")
    if not elements:
        raise CodeRejected("element", "one or more")
    return elements


def element_string(elements: Mapping[str, str]) -> str:
    """The elements as a symbol holds them, FNC1 after each value of variable length but the last."""
    parts = [f"{ai}{checked(ai, value)}" for ai, value in elements.items()]
    ended = [part if part[:2] in _PREDEFINED else part + FNC1 for part in parts[:-1]]
    return "".join([*ended, *parts[-1:]])


def bracketed(elements: Mapping[str, str]) -> str:
    """The elements as they are printed below a symbol: `(01)09506000134352(21)12345`."""
    escaped = {ai: checked(ai, value).replace("(", "\\(") for ai, value in elements.items()}
    return "".join(f"({ai}){value}" for ai, value in escaped.items())


def _identifier(text: str) -> str:
    """The identifier that `text` begins with; empty when there is none."""
    head = text[:2]
    length = 2 if head in _TWO_DIGITS else 3 if head in _THREE_DIGITS else 4 if head in _FOUR_DIGITS else 0
    return text[:length] if re.fullmatch(rf"[0-9]{{{length}}}", text[:length]) else ""


def _plain_one(text: str) -> tuple[str, str, str]:
    ai = _identifier(text)
    if not ai:
        raise CodeRejected(text[:4], "an application identifier of GS1")
    length = _PREDEFINED.get(ai[:2])
    value = text[len(ai) :].partition(FNC1)[0] if length is None else text[len(ai) : length]
    rest = text[len(ai) + len(value) :]
    # Many printers end a value of predefined length with a separator too.
    return ai, value, rest.removeprefix(FNC1)


_BRACKETED = re.compile(r"\(([0-9]{2,4})\)((?:[^(\\]|\\\()*)")


def _bracketed_one(text: str) -> tuple[str, str, str]:
    match = _BRACKETED.match(text)
    if match is None:
        raise CodeRejected("element", "an application identifier in brackets, then its value")
    return match[1], match[2].replace("\\(", "("), text[match.end() :]
