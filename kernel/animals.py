"""Numbers of animals: electronic identification (ISO 11784) and the Chinese ear tag. Pure.

Both are shown as 15 digits and are not the same number: an identifier is kept with its scheme.

ISO 11784 is a word of 64 bits, from the most significant: 1 animal, 3 re-tagging counter, 5 user information,
6 reserved, 1 additional data follow, 10 country (ISO 3166 numeric; 900 to 998 a maker, 999 a test), 38
national number. Shown: country in 3 digits, national number in 12. Readers also show `country.national` in
hexadecimal (`3E7.1CBE991A14`) or the whole word, most significant byte first or, as over the air, last.

The Chinese ear tag (MoA order 67 of 2006, articles 8 to 11): species 1 pig, 2 cattle, 3 sheep or goat; six
digits of the county; eight of the serial number in it. A tag is never issued twice.
"""

import re
from typing import Literal, NamedTuple

Scheme = Literal["iso11784", "china"]

NATIONAL_MAX = 2**38 - 1
COUNTRY_MAX = 999
_ANIMAL_BIT = 1 << 63
_RESERVED_BITS = 0b111111 << 49

_PROVINCES = frozenset(
    map(
        str,
        [
            *range(11, 16),
            *range(21, 24),
            *range(31, 38),
            *range(41, 47),
            *range(50, 55),
            *range(61, 66),
            71,
            81,
            82,
        ],
    )
)
"""The first two digits of a county (GB/T 2260)."""
_CHINESE = re.compile(r"[123](\d\d)(?!00)\d\d(?!00)\d\d\d{8}")
_DOT_HEX = re.compile(r"([0-9A-Fa-f]{3})\.([0-9A-Fa-f]{10})")
_WORD = re.compile(r"[0-9A-Fa-f]{16}")
_DIGITS = re.compile(r"\d{15}", re.ASCII)


class WrongAnimalId(ValueError):
    """Not a number of an animal; the text is the rule it breaks."""


class AnimalId(NamedTuple):
    """A number of an animal and the scheme it is one in."""

    scheme: Scheme
    digits: str

    @property
    def word(self) -> int:
        """ISO 11784: the 64-bit word with the animal bit set and nothing else beside country and number."""
        assert self.scheme == "iso11784"
        return _ANIMAL_BIT | int(self.digits[:3]) << 38 | int(self.digits[3:])

    @property
    def dot_hex(self) -> str:
        """ISO 11784 as readers show it, such as `3E7.1CBE991A14`."""
        assert self.scheme == "iso11784"
        return f"{int(self.digits[:3]):03X}.{int(self.digits[3:]):010X}"


def iso_id(country: int, national: int) -> AnimalId:
    """An ISO 11784 number from its parts. Raises WrongAnimalId."""
    if not 1 <= country <= COUNTRY_MAX:
        raise WrongAnimalId(f"a country or maker of 1 to {COUNTRY_MAX}")
    if not 0 <= national <= NATIONAL_MAX:
        raise WrongAnimalId(f"a national number of 0 to {NATIONAL_MAX}")
    return AnimalId("iso11784", f"{country:03}{national:012}")


def iso_word(word: int) -> AnimalId:
    """An ISO 11784 number from its 64 bits. What surrounds country and number is not part of it."""
    if not 0 <= word < 2**64:
        raise WrongAnimalId("64 bits")
    if not word & _ANIMAL_BIT:
        raise WrongAnimalId("the animal bit set")
    if word & _RESERVED_BITS:
        raise WrongAnimalId("the reserved bits 0")
    return iso_id(word >> 38 & 0x3FF, word & NATIONAL_MAX)


def chinese_id(digits: str) -> AnimalId:
    """A Chinese ear tag from its 15 digits. Raises WrongAnimalId."""
    found = _CHINESE.fullmatch(digits)
    if found is None or not digits.isascii() or found[1] not in _PROVINCES:
        raise WrongAnimalId("species 1 to 3, six digits of a county, eight of a serial number")
    return AnimalId("china", digits)


def animal_id(text: str, scheme: Scheme | None = None) -> AnimalId:
    """A number as a reader or a person writes it: 15 digits, `country.national` in hexadecimal, or 16
    hexadecimal digits of the whole word in either order of bytes.

    Fifteen digits without a `scheme` are a Chinese ear tag when they can be one (species and a county that
    exists), else ISO 11784: `156…` is ISO, for there is no province 56. Raises WrongAnimalId, also for a
    word that could be read in both orders.
    """
    text = text.strip().replace(" ", "")
    if _DIGITS.fullmatch(text):
        return _from_digits(text, scheme)
    if scheme == "china":
        raise WrongAnimalId("15 digits")
    parts = _DOT_HEX.fullmatch(text)
    if parts is not None:
        return iso_id(int(parts[1], 16), int(parts[2], 16))
    if _WORD.fullmatch(text):
        return _from_word(bytes.fromhex(text))
    raise WrongAnimalId("15 digits, country.national in hexadecimal, or 16 hexadecimal digits")


def _from_digits(digits: str, scheme: Scheme | None) -> AnimalId:
    if scheme == "china":
        return chinese_id(digits)
    if scheme is None:
        try:
            return chinese_id(digits)
        except WrongAnimalId:
            pass
    return iso_id(int(digits[:3]), int(digits[3:]))


def _from_word(raw: bytes) -> AnimalId:
    try:
        last_first = iso_word(int.from_bytes(raw, "little"))
    except WrongAnimalId:
        return iso_word(int.from_bytes(raw, "big"))
    try:
        first_first = iso_word(int.from_bytes(raw, "big"))
    except WrongAnimalId:
        return last_first
    if first_first != last_first:
        raise WrongAnimalId("a word that reads in one order of bytes only")
    return first_first
