"""Register maps as the manifest describes them: no common map exists among indicators. Data only.

A map is one block of holding registers, read in one request. Words are counted from the start of the block,
zero-based; numbers of two words have the high word first unless `word_order` says otherwise.
"""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Annotated, Final, Literal

import msgspec

WORDS_MAX: Final = 125
"""As many registers as one request may ask for (V1.1b3 section 6.3)."""

Word = Annotated[int, msgspec.Meta(ge=0, lt=WORDS_MAX)]
Number = Literal["u16", "i16", "u32", "i32", "f32"]
TWO_WORDS: Final = ("u32", "i32", "f32")


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a number stands."""

    word: Word
    type: Number


class Mass(Field, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mass in steps of `step` of the map's unit."""

    step: int | float = 1


class Bit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bit of a word, 0 the lowest."""

    word: Word
    bit: Annotated[int, msgspec.Meta(ge=0, le=15)]


class UnitChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The unit as the indicator is set: a number in `bits` bits of a word, from bit `shift` on."""

    word: Word
    shift: Annotated[int, msgspec.Meta(ge=0, le=15)] = 0
    bits: Annotated[int, msgspec.Meta(ge=1, le=16)] = 16
    names: Mapping[str, str]


class Ticket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last weighing as the indicator's alibi memory holds it, numbered from 1 after each start."""

    number: Field
    boot: Field
    mass: Mass
    unix_s: Field
    milliseconds: Field
    axle_count: Field | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The register map of one model. Without a `ticket` it has no alibi memory."""

    text: str
    address: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
    words: Annotated[int, msgspec.Meta(ge=1, le=WORDS_MAX)]
    word_order: Literal["high_first", "low_first"] = "high_first"
    unit: str | UnitChoice
    gross: Mass
    tare: Mass | None = None
    stable: Bit
    overload: Bit | None = None
    under_zero: Bit | None = None
    motion: Bit | None = None
    legal_for_trade: Bit | None = None
    ticket: Ticket | None = None

    def __post_init__(self) -> None:
        for place in _places(self):
            if place.word + (2 if isinstance(place, Field) and place.type in TWO_WORDS else 1) > self.words:
                raise ValueError(f"word {place.word} is not within {self.words} words")


def _places(struct: Profile | Ticket) -> Iterator[Field | Bit | UnitChoice]:
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if isinstance(value, Field | Bit | UnitChoice):
            yield value
        elif isinstance(value, Ticket):
            yield from _places(value)


def read_profiles(manifest: str) -> Mapping[str, Profile]:
    """The profiles in the text of a manifest, by name. Raises msgspec.ValidationError for a bad one."""
    return msgspec.convert(tomllib.loads(manifest)["profiles"], dict[str, Profile])


PROFILES: Final = read_profiles((files(__package__) / "manifest.toml").read_text())
