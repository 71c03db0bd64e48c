"""A pallet's label as ZPL text. Pure.

Sources: ZPL II Programming Guide; GS1 General Specifications, sections 5.4 (GS1-128) and 5.12 (sizes); GS1
Logistic Label Guideline: one GS1-128 symbol with the SSCC, X-dimension 0.495 to 0.940 mm, at least 31.75 mm
high, ten modules of quiet zone at either side, and its content in figures below.

Chinese is set only in a font that the printer has: built-in fonts print boxes or nothing for it, without a
word. Every character of data that could be taken for a command is written in hexadecimal (`^FH`).
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.transport.decoding import FieldRejected
from kernel.gs1 import bracketed, is_valid_sscc

MODULES: Final = 156
"""Of the symbol: start C and FNC1, ten pairs of digits, check character at 11 modules each, stop at 13."""
QUIET_MODULES: Final = 10
MODULE_MM: Final = (0.495, 0.940)
SYMBOL_MM: Final = 32.0
MARGIN_MM: Final = 5.0
LATIN_MAX: Final = 0xFF
"""The last character that the built-in font is known to print."""
DOTS: Final = "..."
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,:;()/+-*%=#")


class Medium(msgspec.Struct, frozen=True, kw_only=True):
    """What is printed on. `font` is a font with Chinese glyphs in the printer, such as `E:SIMSUN.TTF`; empty
    when it has none. Raises FieldRejected where the symbol does not fit."""

    dots_per_mm: int = 8
    width_mm: int = 100
    height_mm: int = 150
    font: str = ""

    @property
    def module_dots(self) -> int:
        """The widest module that fits, as GS1 allows it."""
        fits = self.dots(self.width_mm) // (MODULES + 2 * QUIET_MODULES)
        widest = int(MODULE_MM[1] * self.dots_per_mm)
        module = min(fits, widest)
        if module < MODULE_MM[0] * self.dots_per_mm:
            raise FieldRejected("width_mm", f"room for a symbol of {MODULE_MM[0]} mm modules")
        return module

    def dots(self, mm: float) -> int:
        return round(mm * self.dots_per_mm)


def pallet_label(content: Mapping[str, Any], medium: Medium) -> bytes:
    """The label of a pallet, in UTF-8. `content` holds the parameters of the order `print_label`.

    Raises FieldRejected for a wrong check digit, or a medium that is too narrow.
    """
    sscc = content["sscc"]
    if not is_valid_sscc(sscc):
        raise FieldRejected("sscc", "18 digits with a right check digit")
    page = _Page(medium)
    wide_mm = medium.width_mm - 2 * MARGIN_MM
    page.text(MARGIN_MM, 5, 6, content.get("name_en", ""), wide_mm, lines=2)
    page.chinese(MARGIN_MM, 19, 6, content.get("name_zh", ""), wide_mm, lines=2)
    if content.get("is_copy"):
        page.mark(medium.width_mm - 40, 36, "COPY", "补打")
    y_mm = 36.0
    for english, chinese, value in _rows(content):
        page.text(MARGIN_MM, y_mm, 4, english, 20)
        page.chinese(MARGIN_MM + 20, y_mm, 4, chinese, 30)
        page.text(MARGIN_MM, y_mm + 5, 7, value, wide_mm)
        y_mm += 14
    page.symbol(medium.height_mm - SYMBOL_MM - 16, sscc)
    page.text(MARGIN_MM, medium.height_mm - 13, 6, bracketed({"00": sscc}), wide_mm)
    return page.ended()


def _rows(content: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    rows = [
        ("SKU", "货号", content.get("sku", "")),
        ("LOT", "批号", content.get("lot", "")),
        ("QUANTITY", "数量", str(content["quantity_each"]) if content.get("quantity_each") else ""),
        ("MASS kg", "重量（千克）", _kilograms(content.get("mass_g", 0))),
    ]
    return [row for row in rows if row[2]]


def _kilograms(mass_g: int) -> str:
    return f"{mass_g / 1000:.1f}" if mass_g else ""


class _Page:
    """The commands of one label, in order. Places and heights in millimetres from the upper left."""

    def __init__(self, medium: Medium) -> None:
        self._medium = medium
        dots = medium.dots
        self._parts = [
            f"^XA^CI28^LH0,0^PW{dots(medium.width_mm)}^LL{dots(medium.height_mm)}^PQ1",
        ]

    def text(
        self, x_mm: float, y_mm: float, height_mm: float, data: str, wide_mm: float, lines: int = 1
    ) -> None:
        """Lines in the printer's own font; what that cannot print is left out."""
        printable = "".join(character for character in data if ord(character) <= LATIN_MAX)
        font = f"^A0N,{self._medium.dots(height_mm)}"
        self._set(x_mm, y_mm, height_mm, font, broken(printable, int(wide_mm / (0.6 * height_mm)), lines))

    def chinese(
        self, x_mm: float, y_mm: float, height_mm: float, data: str, wide_mm: float, lines: int = 1
    ) -> None:
        """Lines in the font with Chinese glyphs; nothing on a printer that has none."""
        if self._medium.font:
            height = self._medium.dots(height_mm)
            font = f"^A@N,{height},{height},{self._medium.font}"
            self._set(x_mm, y_mm, height_mm, font, broken(data, int(wide_mm / height_mm), lines))

    def mark(self, x_mm: float, y_mm: float, english: str, chinese: str) -> None:
        """A framed word that nobody overlooks."""
        dots = self._medium.dots
        self._parts.append(f"^FO{dots(x_mm)},{dots(y_mm)}^GB{dots(35)},{dots(10)},{dots(0.5)}^FS")
        self.text(x_mm + 2, y_mm + 2, 6, english, 16)
        self.chinese(x_mm + 19, y_mm + 2, 6, chinese, 14)

    def symbol(self, y_mm: float, sscc: str) -> None:
        """GS1-128: start C, FNC1, then the SSCC under its application identifier, in pairs of digits."""
        medium, module = self._medium, self._medium.module_dots
        x = (medium.dots(medium.width_mm) - MODULES * module) // 2
        height = medium.dots(SYMBOL_MM)
        self._parts.append(
            f"^FO{x},{medium.dots(y_mm)}^BY{module},3,{height}^BCN,{height},N,N,N^FD>;>800{sscc}^FS"
        )

    def ended(self) -> bytes:
        return "\n".join([*self._parts, "^XZ", ""]).encode()

    def _set(self, x_mm: float, y_mm: float, height_mm: float, font: str, lines: Sequence[str]) -> None:
        dots = self._medium.dots
        for line in lines:
            self._parts.append(f"^FO{dots(x_mm)},{dots(y_mm)}{font}^FH^FD{escaped(line)}^FS")
            y_mm += height_mm + 1


def broken(data: str, chars_max: int, lines_max: int) -> list[str]:
    """Data in lines, between words where there are any; without what cannot be printed, and what does not fit
    ends in dots."""
    shown = "".join(character for character in data if character.isprintable())
    return textwrap.wrap(shown, chars_max, max_lines=lines_max, placeholder=DOTS)


def escaped(data: str) -> str:
    """Data as a field with `^FH` may hold it: bytes of UTF-8, in hexadecimal where they are not plain."""
    coded = data.encode("utf-8", "ignore")
    return "".join(chr(byte) if byte in _PLAIN else f"_{byte:02X}" for byte in coded)
