"""EPC tags, both ways: bits of a tag, EPC URIs and GS1 elements of the same identity.

Source: GS1 EPC Tag Data Standard (TDS) 1.13 and 2.0: section 6 (pure identity URIs), 7 (GS1 keys), 12 (tag
URIs) and 14 (binary; the partition tables and the 7-bit strings). Schemes beyond SGTIN, SSCC, GRAI and GIAI
are kept as raw bits.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from kernel.gs1.elements import TEXT, checked
from kernel.gs1.keys import CodeRejected, check_digit, is_number, is_valid_sscc

Scheme = Literal["sgtin-96", "sgtin-198", "sscc-96", "grai-96", "grai-170", "giai-96", "giai-202"]
Key = Literal["sgtin", "sscc", "grai", "giai"]

FILTERS: Final[Mapping[Key, Mapping[int, str]]] = {
    "sgtin": {1: "point of sale item", 2: "full case", 4: "inner pack", 6: "unit load", 7: "component"},
    "sscc": {2: "full case", 6: "unit load"},
    "grai": {},
    "giai": {1: "rail vehicle"},
}
"""What the filter value of a tag says beside 0, all others; the rest is reserved (tables of section 10)."""

_PREFIX_BITS: Final = {12: 40, 11: 37, 10: 34, 9: 30, 8: 27, 7: 24, 6: 20}
"""Digits of the company prefix to its bits; the partition value is 12 less the digits, in every table."""
_HEAD_BITS: Final = 14
"""Header 8, filter 3, partition 3."""


class _Layout(NamedTuple):
    """A row of the coding tables. `digits` are those of company prefix and reference together, or 0 where the
    reference has no fixed length; `pair_bits` their bits; `tail_bits` those of the serial (SSCC: zeros).
    `text_max` characters of 7 bits, or 0 where it is a number."""

    header: int
    key: Key
    digits: int
    pair_bits: int
    tail_bits: int
    text_max: int

    @property
    def bits(self) -> int:
        return _HEAD_BITS + self.pair_bits + self.tail_bits


_LAYOUTS: Final[Mapping[Scheme, _Layout]] = {
    "sgtin-96": _Layout(0x30, "sgtin", 13, 44, 38, 0),
    "sgtin-198": _Layout(0x36, "sgtin", 13, 44, 140, 20),
    "sscc-96": _Layout(0x31, "sscc", 17, 58, 24, 0),
    "grai-96": _Layout(0x33, "grai", 12, 44, 38, 0),
    "grai-170": _Layout(0x37, "grai", 12, 44, 112, 16),
    "giai-96": _Layout(0x34, "giai", 0, 82, 0, 0),
    "giai-202": _Layout(0x38, "giai", 0, 188, 0, 24),
}
_BY_HEADER: Final[Mapping[int, Scheme]] = {layout.header: scheme for scheme, layout in _LAYOUTS.items()}
_NUMBERS: Final[Mapping[Key, Scheme]] = {
    "sgtin": "sgtin-96",
    "sscc": "sscc-96",
    "grai": "grai-96",
    "giai": "giai-96",
}
_TEXTS: Final[Mapping[Key, Scheme]] = {"sgtin": "sgtin-198", "grai": "grai-170", "giai": "giai-202"}
_GIAI_CHARACTERS_MAX: Final = 30


class Epc(msgspec.Struct, frozen=True, kw_only=True):
    """A GS1 identity as a tag holds it; one that cannot be raises CodeRejected where it is made.

    `reference` begins with the indicator digit (SGTIN) or extension digit (SSCC), and is the whole asset
    reference of a GIAI. `serial` is that of SGTIN and GRAI, empty for the others. Schemes of 96 bits hold
    numbers without leading zeros, longer ones text of the 82 characters of GS1.
    """

    scheme: Scheme
    company_prefix: str
    reference: str
    serial: str = ""
    filter: int = 0

    def __post_init__(self) -> None:
        layout = _LAYOUTS[self.scheme]
        _require(0 <= self.filter <= 7, "filter", "0 to 7")
        _require(
            len(self.company_prefix) in _PREFIX_BITS and is_number(self.company_prefix),
            "company_prefix",
            "6 to 12 digits",
        )
        if layout.key == "giai":
            _require(not self.serial, "serial", "none in a GIAI")
            self._require_text("reference", self.reference, _GIAI_CHARACTERS_MAX - len(self.company_prefix))
            return
        length = layout.digits - len(self.company_prefix)
        is_reference = len(self.reference) == length and (not length or is_number(self.reference))
        _require(is_reference, "reference", f"{length} digits")
        if layout.key == "sscc":
            _require(not self.serial, "serial", "none in an SSCC")
        else:
            self._require_text("serial", self.serial, layout.text_max)

    def _require_text(self, field: str, text: str, length_max: int) -> None:
        """A number that fits its bits, or a text that fits its characters."""
        layout = _LAYOUTS[self.scheme]
        if layout.text_max:
            is_text = re.fullmatch(f"{TEXT}{{1,{length_max}}}", text) is not None
            _require(is_text, field, f"1 to {length_max} characters of set 82")
            return
        bits = layout.tail_bits or layout.pair_bits - _PREFIX_BITS[len(self.company_prefix)]
        is_canonical = len(text) <= 20 and is_number(text) and text == str(int(text))
        _require(is_canonical and int(text) < 2**bits, field, f"a number of {bits} bits, no leading zero")

    @property
    def key(self) -> Key:
        return _LAYOUTS[self.scheme].key

    @property
    def uri(self) -> str:
        """The pure identity, without filter and size of the tag: `urn:epc:id:sgtin:0614141.812345.6789`."""
        return f"urn:epc:id:{self.key}:{self._body}"

    @property
    def tag_uri(self) -> str:
        """With scheme and filter: `urn:epc:tag:sgtin-96:3.0614141.812345.6789`."""
        return f"urn:epc:tag:{self.scheme}:{self.filter}.{self._body}"

    @property
    def _body(self) -> str:
        parts = [self.company_prefix, _escaped(self.reference)]
        return ".".join([*parts, _escaped(self.serial)] if self.key in ("sgtin", "grai") else parts)

    @property
    def elements(self) -> dict[str, str]:
        """The same identity as a barcode holds it."""
        if self.key == "giai":
            return {"8004": self.company_prefix + self.reference}
        if self.key == "grai":
            body = self.company_prefix + self.reference
            return {"8003": f"0{body}{check_digit(body)}{self.serial}"}
        body = self.reference[0] + self.company_prefix + self.reference[1:]
        code = f"{body}{check_digit(body)}"
        return {"00": code} if self.key == "sscc" else {"01": code, "21": self.serial}

    @property
    def hex(self) -> str:
        """What the tag's EPC memory holds, in whole words of 16 bits, as hexadecimal capitals."""
        layout, prefix_bits = _LAYOUTS[self.scheme], _PREFIX_BITS[len(self.company_prefix)]
        reference_bits = layout.pair_bits - prefix_bits
        value = (layout.header << 3 | self.filter) << 3 | 12 - len(self.company_prefix)
        value = value << prefix_bits | int(self.company_prefix)
        text_max = 0 if layout.tail_bits else layout.text_max
        value = value << reference_bits | _bits_of(self.reference, reference_bits, text_max)
        value = value << layout.tail_bits | _bits_of(self.serial, layout.tail_bits, layout.text_max)
        words = -(-layout.bits // 16)
        return f"{value << (16 * words - layout.bits):0{4 * words}X}"


class Undecoded(NamedTuple):
    """A tag of another scheme, or with bits that no rule of its scheme allows: its bits are all we know."""

    hex: str

    @property
    def uri(self) -> str:
        return f"urn:epc:raw:{len(self.hex) * 4}.x{self.hex}"


def decode_epc(epc_hex: str) -> Epc | Undecoded:
    """What a tag says. Raises ValueError only when `epc_hex` is not hexadecimal of whole bytes."""
    raw = bytes.fromhex(epc_hex)
    undecoded = Undecoded(raw.hex().upper())
    scheme = _BY_HEADER.get(raw[0]) if raw else None
    if scheme is None:
        return undecoded
    layout = _LAYOUTS[scheme]
    spare_bits = len(raw) * 8 - layout.bits
    value = int.from_bytes(raw, "big")
    # Memory comes in words of 16 bits, filled up with zeros; some readers leave a last byte of zeros out.
    is_whole = len(raw) in (-(-layout.bits // 8), -(-layout.bits // 16) * 2)
    if not is_whole or value & ((1 << spare_bits) - 1):
        return undecoded
    try:
        return _decode(scheme, layout, value >> spare_bits)
    except CodeRejected:
        return undecoded


def scheme_of_tag(epc_hex: str) -> Scheme | None:
    """The scheme that a tag's header names, whatever follows it; None when that is none of ours.

    Raises ValueError when `epc_hex` is not hexadecimal of whole bytes.
    """
    header = bytes.fromhex(epc_hex)[:1]
    return _BY_HEADER.get(header[0]) if header else None


def sscc_of_tag(epc_hex: str) -> str | None:
    """The SSCC that a tag of the scheme SSCC-96 says; empty when its bits say none. None for any other tag.

    Raises ValueError when `epc_hex` is not hexadecimal of whole bytes.
    """
    if scheme_of_tag(epc_hex) != "sscc-96":
        return None
    tag = decode_epc(epc_hex)
    return tag.elements["00"] if isinstance(tag, Epc) else ""


def _decode(scheme: Scheme, layout: _Layout, value: int) -> Epc:
    """The identity in `value`, which has exactly the bits of its scheme."""
    field = _Fields(value, layout.bits)
    field.take(8)
    filter_value, prefix_digits = field.take(3), 12 - field.take(3)
    _require(prefix_digits in _PREFIX_BITS, "partition", "0 to 6")
    prefix_bits = _PREFIX_BITS[prefix_digits]
    prefix = field.digits(prefix_bits, prefix_digits)
    reference_bits = layout.pair_bits - prefix_bits
    serial = ""
    if layout.key == "giai":
        reference = field.text_or_number(reference_bits, layout.text_max)
    else:
        reference = field.digits(reference_bits, layout.digits - prefix_digits)
        serial = field.text_or_number(layout.tail_bits, layout.text_max)
    if layout.key == "sscc":
        _require(serial == "0", "serial", "24 bits of zero")
        serial = ""
    return _make(scheme, prefix, reference, serial, filter_value)


class _Fields:
    """Takes fields off the front of some bits."""

    def __init__(self, value: int, bits: int) -> None:
        self._value = value
        self._left = bits

    def take(self, bits: int) -> int:
        self._left -= bits
        return self._value >> self._left & ((1 << bits) - 1)

    def digits(self, bits: int, digits: int) -> str:
        number = self.take(bits)
        _require(number < 10**digits, "number", f"at most {digits} digits")
        return f"{number:0{digits}d}" if digits else ""

    def text_or_number(self, bits: int, text_max: int) -> str:
        """A number, or characters of 7 bits from the front with nothing but zeros after them."""
        value = self.take(bits)
        if not text_max:
            return str(value)
        codes = [value >> shift & 0x7F for shift in range(bits - 7, -1, -7)]
        text = "".join(map(chr, codes)).rstrip("\0")
        _require(value == _bits_of(text, bits, text_max), "text", "characters, then zeros")
        return text


def epc_from_uri(uri: str, *, filter_value: int = 0) -> Epc:
    """From a tag URI, or from a pure identity URI with the filter value the tag is to have; then in the
    shortest scheme that holds it. Raises CodeRejected for anything else."""
    match = re.fullmatch(r"urn:epc:(?:id:([a-z]+):|tag:([a-z0-9-]+):([0-7])\.)(.*)", uri)
    key = next((known for known in _NUMBERS if match is not None and known == match[1]), None)
    scheme = next((known for known in _LAYOUTS if match is not None and known == match[2]), None)
    if match is not None and key is not None:
        return _shortest(key, *_parts(key, match[4]), filter_value)
    if match is not None and scheme is not None:
        return _make(scheme, *_parts(_LAYOUTS[scheme].key, match[4]), int(match[3]))
    raise CodeRejected("uri", f"a tag or identity URI of {', '.join(_NUMBERS)}")


def _parts(key: Key, body: str) -> tuple[str, str, str]:
    """Company prefix, reference and serial; dots beyond those between them belong to the last."""
    count = 3 if key in ("sgtin", "grai") else 2
    prefix, *rest = body.split(".", count - 1)
    _require(len(rest) == count - 1, "uri", f"{count} parts with dots between them")
    reference, serial = map(_unescaped, [*rest, ""][:2])
    return prefix, reference, serial


def _make(scheme: Scheme, prefix: str, reference: str, serial: str, filter_value: int) -> Epc:
    return Epc(scheme=scheme, company_prefix=prefix, reference=reference, serial=serial, filter=filter_value)


def _shortest(key: Key, prefix: str, reference: str, serial: str, filter_value: int) -> Epc:
    """In the scheme of 96 bits when it holds the identity, else in the long one."""
    try:
        return _make(_NUMBERS[key], prefix, reference, serial, filter_value)
    except CodeRejected as error:
        if key not in _TEXTS or error.field != ("reference" if key == "giai" else "serial"):
            raise
    return _make(_TEXTS[key], prefix, reference, serial, filter_value)


def epc_from_elements(elements: Mapping[str, str], prefix_digits: int, *, filter_value: int = 0) -> Epc:
    """From the elements of a barcode: SSCC, GTIN with serial number, GRAI with serial number or GIAI.

    `prefix_digits` is how long the company prefix is: a GS1 key does not say. Raises CodeRejected.
    """
    _require(prefix_digits in _PREFIX_BITS, "company_prefix", "6 to 12 digits")
    ai = next((ai for ai in ("00", "01", "8003", "8004") if ai in elements), None)
    if ai is None or (ai == "01" and "21" not in elements):
        raise CodeRejected("element", "00, 01 with 21, 8003 or 8004")
    code, serial = checked(ai, elements[ai]), ""
    if ai == "8004":
        return _shortest("giai", code[:prefix_digits], code[prefix_digits:], "", filter_value)
    if ai == "8003":
        prefix, reference, serial = code[1 : 1 + prefix_digits], code[1 + prefix_digits : 13], code[14:]
        return _shortest("grai", prefix, reference, serial, filter_value)
    # The digit before the company prefix is the first of the reference.
    prefix, reference = code[1 : 1 + prefix_digits], code[0] + code[1 + prefix_digits : -1]
    if ai == "00":
        return _shortest("sscc", prefix, reference, "", filter_value)
    return _shortest("sgtin", prefix, reference, checked("21", elements["21"]), filter_value)


def epc_from_sscc(sscc: str, prefix_digits: int) -> str:
    """SSCC-96 as 24 hexadecimal capitals; `prefix_digits` is the length of the company prefix (6-12)."""
    if not is_valid_sscc(sscc):
        raise CodeRejected("sscc", "18 digits with a right check digit")
    return epc_from_elements({"00": sscc}, prefix_digits).hex


def epc_from_giai(company_prefix: str, reference: int) -> str:
    """GIAI-96 (a vehicle, a returnable asset) as 24 hexadecimal capitals."""
    return Epc(scheme="giai-96", company_prefix=company_prefix, reference=str(reference)).hex


_ESCAPED: Final = {character: f"%{ord(character):02X}" for character in '"%&/<>?'}
"""Characters that an EPC URI does not hold as they are (table of annex A)."""


def _escaped(text: str) -> str:
    return "".join(_ESCAPED.get(character, character) for character in text)


def _unescaped(text: str) -> str:
    plain = re.sub(r"%([0-9A-Fa-f]{2})", lambda match: chr(int(match[1], 16)), text)
    _require(_escaped(plain) == re.sub(r"%[0-9a-f]{2}", lambda m: m[0].upper(), text), "uri", "escaped")
    return plain


def _bits_of(text: str, bits: int, text_max: int) -> int:
    """A number, or characters of 7 bits with zeros after them up to `bits`."""
    if not text_max:
        return int(text or "0")
    value = 0
    for character in text:
        value = value << 7 | ord(character)
    return value << (bits - 7 * len(text))


def _require(holds: bool, field: str, rule: str) -> None:
    if not holds:
        raise CodeRejected(field, rule)
