"""GS1 codes and EPC tag data: check digits, SSCC-96, SGTIN-96 and GIAI-96, both ways.

Bit layouts: GS1 EPC Tag Data Standard, tables of partition values for SSCC, SGTIN and GIAI.
"""

from typing import NamedTuple

_PARTITION_PREFIX = {0: (40, 12), 1: (37, 11), 2: (34, 10), 3: (30, 9), 4: (27, 8), 5: (24, 7), 6: (20, 6)}
"""Partition value to (bits, digits) of the company prefix; the same for all three schemes."""

_HEADER_SGTIN_96 = 0x30
_HEADER_SSCC_96 = 0x31
_HEADER_GIAI_96 = 0x34


class Epc(NamedTuple):
    """A decoded tag. `scheme` is `sscc`, `sgtin`, `giai` or `undecoded`; `uri` is the pure identity URI,
    or `urn:epc:raw:96.x<hex>` when the scheme is not known."""

    scheme: str
    uri: str
    code: str
    """The code people scan: SSCC 18 digits, GTIN 14 digits, GIAI prefix and reference; empty if undecoded."""
    serial: str


def check_digit(digits: str) -> int:
    """GS1 mod-10 check digit of `digits` (without one). GS1 General Specifications, section 7.9."""
    if not digits.isdecimal():
        raise ValueError("digits must be decimal digits")
    total = sum(int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(digits)))
    return -total % 10


def is_valid_sscc(code: str) -> bool:
    """True for 18 digits with a right check digit."""
    return len(code) == 18 and code.isdecimal() and check_digit(code[:17]) == int(code[17])


def make_sscc(company_prefix: str, extension: int, serial: int) -> str:
    """An 18-digit SSCC from a company prefix of 6-12 digits, an extension digit and a serial number."""
    digits = 16 - len(company_prefix)
    if not 6 <= len(company_prefix) <= 12 or not company_prefix.isdecimal():
        raise ValueError("company_prefix must be 6 to 12 digits")
    if not 0 <= extension <= 9 or not 0 <= serial < 10**digits:
        raise ValueError(f"extension must be one digit and serial at most {digits} digits")
    body = f"{extension}{company_prefix}{serial:0{digits}d}"
    return f"{body}{check_digit(body)}"


def _partition_of(prefix_digits: int) -> int:
    return 12 - prefix_digits


def epc_from_sscc(sscc: str, prefix_digits: int) -> str:
    """SSCC-96 as 24 hexadecimal capitals; `prefix_digits` is the length of the company prefix (6-12)."""
    if not is_valid_sscc(sscc):
        raise ValueError("sscc must be 18 digits with a right check digit")
    partition = _partition_of(prefix_digits)
    prefix_bits, _ = _PARTITION_PREFIX[partition]
    prefix, serial = sscc[1 : 1 + prefix_digits], sscc[0] + sscc[1 + prefix_digits : 17]
    serial_bits = 58 - prefix_bits
    value = (_HEADER_SSCC_96 << 88) | (partition << 82)
    value |= int(prefix) << (82 - prefix_bits)
    value |= int(serial) << (82 - prefix_bits - serial_bits)
    return f"{value:024X}"


def epc_from_giai(company_prefix: str, reference: int) -> str:
    """GIAI-96 (a vehicle, a returnable asset) as 24 hexadecimal capitals."""
    partition = _partition_of(len(company_prefix))
    prefix_bits, _ = _PARTITION_PREFIX[partition]
    reference_bits = 82 - prefix_bits
    if not 0 <= reference < 2**reference_bits:
        raise ValueError(f"reference must fit {reference_bits} bits")
    value = (_HEADER_GIAI_96 << 88) | (partition << 82) | (int(company_prefix) << reference_bits) | reference
    return f"{value:024X}"


def decode_epc(epc_hex: str) -> Epc:
    """Decode a 96-bit EPC. Never raises on unknown schemes: the raw hex is kept as `undecoded`.

    Raises ValueError only when `epc_hex` is not hexadecimal of whole bytes.
    """
    raw = bytes.fromhex(epc_hex)
    undecoded = Epc("undecoded", f"urn:epc:raw:{len(raw) * 8}.x{raw.hex().upper()}", "", "")
    if len(raw) != 12:
        return undecoded
    value = int.from_bytes(raw, "big")
    header, partition = value >> 88, (value >> 82) & 0b111
    if partition not in _PARTITION_PREFIX:
        return undecoded
    prefix_bits, prefix_digits = _PARTITION_PREFIX[partition]
    prefix_value = (value >> (82 - prefix_bits)) & (2**prefix_bits - 1)
    if prefix_value >= 10**prefix_digits:
        return undecoded
    prefix, rest = f"{prefix_value:0{prefix_digits}d}", value & (2 ** (82 - prefix_bits) - 1)
    if header == _HEADER_SSCC_96:
        return _decode_sscc(prefix, rest) or undecoded
    if header == _HEADER_SGTIN_96:
        return _decode_sgtin(prefix, rest, prefix_bits) or undecoded
    if header == _HEADER_GIAI_96:
        return Epc("giai", f"urn:epc:id:giai:{prefix}.{rest}", f"{prefix}{rest}", str(rest))
    return undecoded


def _decode_sscc(prefix: str, rest: int) -> Epc | None:
    digits = 17 - len(prefix)
    serial_value = rest >> 24
    if serial_value >= 10**digits or rest & 0xFFFFFF:
        return None
    serial = f"{serial_value:0{digits}d}"
    body = serial[0] + prefix + serial[1:]
    return Epc("sscc", f"urn:epc:id:sscc:{prefix}.{serial}", f"{body}{check_digit(body)}", serial)


def _decode_sgtin(prefix: str, rest: int, prefix_bits: int) -> Epc | None:
    digits = 13 - len(prefix)
    item_value, serial = rest >> 38, rest & (2**38 - 1)
    if item_value >= 10**digits or prefix_bits + 38 > 82:
        return None
    item = f"{item_value:0{digits}d}"
    body = item[0] + prefix + item[1:]
    return Epc(
        "sgtin", f"urn:epc:id:sgtin:{prefix}.{item}.{serial}", f"{body}{check_digit(body)}", str(serial)
    )
