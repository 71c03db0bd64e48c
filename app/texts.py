"""The texts of the product, in Chinese and English, from the one set of files the pages use too."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Literal

Locale = Literal["en", "zh"]
LOCALES: tuple[Locale, ...] = ("en", "zh")
KILOGRAM_G, TONNE_G = 1_000, 1_000_000
TONNES_FROM_G = 10 * TONNE_G
"""From here on a mass is told in tonnes, as the pages do."""
MOMENTS = ("since", "until")
_PLACE = re.compile(r"\[\d+\]|\.\d+")
_NUMBER = re.compile(r"\d+")
_UNIT = re.compile(r"(_fen|_g)(_each)?$")
"""The end of a field whose numbers are amounts of money or masses, in all or a piece, also in the rule that
it breaks."""


class Texts:
    """Looks texts up by dotted key and says the facts in them as people do."""

    def __init__(self, by_locale: dict[str, dict[str, Any]], rules: "Rules") -> None:
        self._by_locale = by_locale
        self.rules = rules

    @classmethod
    def load(cls) -> "Texts":
        """Read `viz/web/shared/locales/{en,zh,rules}.json`."""
        folder = files("viz").joinpath("web", "shared", "locales")

        def read(name: str) -> Any:
            return json.loads(folder.joinpath(f"{name}.json").read_text("utf-8"))

        return cls({name: read(name) for name in LOCALES}, Rules(read("rules")))

    @staticmethod
    def locale_of(accept_language: str) -> Locale:
        """`zh` when the header prefers any Chinese, else `en`."""
        return "zh" if accept_language.strip().lower().startswith("zh") else "en"

    def problem(self, locale: str, key: str, facts: dict[str, Any]) -> str:
        """The sentence for a problem key; the key itself when no text was written for it."""
        text = self._find(locale, f"problems.{key}")
        if text is None:
            return key
        said = {name: self._said(name, fact, key, facts, locale) for name, fact in facts.items()}
        try:
            return text.format(**said)
        except (KeyError, IndexError):
            return text

    def _said(self, name: str, fact: Any, key: str, facts: Mapping[str, Any], locale: str) -> Any:
        """A fact in words: money and masses with their units, rules, fields, states and roles by name,
        pallets by the `labels` that the facts give, moments to the minute, lists as the language writes
        them."""
        currency = str(facts.get("currency", "CNY"))
        if isinstance(fact, list | tuple):
            labels: Mapping[str, str] = facts.get("labels", {})
            parts = [self._said(name, labels.get(str(item), item), key, {}, locale) for item in fact]
            return ("、" if locale == "zh" else ", ").join(str(part) for part in parts)
        if isinstance(fact, int):
            return _amount(name, fact, currency)
        if not isinstance(fact, str):
            return fact
        if name == "rule":
            unit = _UNIT.search(str(facts.get("field", "")))
            said = self.rules.say(fact, locale)
            if unit is None:
                return said
            return _NUMBER.sub(lambda found: str(_amount(unit[0], int(found[0]), currency)), said)
        if name == "field":
            return self._field(fact, locale)
        if name in MOMENTS:
            return f"{datetime.fromisoformat(fact).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        noun = key.partition(".")[0]
        place = {"allowed": "role", "state": f"states.{noun}", "wanted": f"states.{noun}"}.get(name)
        return (place and self._find(locale, f"{place}.{fact}")) or fact

    def _field(self, field: str, locale: str) -> str:
        """The name of a field; of one in a list with its place, counted from 1: `SKU (entry 4)`."""
        whole = self._find(locale, f"fields.{phrase_key(field)}")
        if whole is None and field.startswith("connection."):
            whole = self._find(locale, f"devices.parameter.{field.partition('.')[2]}")
        if whole is not None:
            return whole
        last = self._find(locale, f"fields.{phrase_key(_PLACE.sub('', field).rpartition('.')[2])}")
        if last is None:
            return field
        places = ", ".join(str(int(number) + 1) for number in _NUMBER.findall("".join(_PLACE.findall(field))))
        if not places:
            return last
        return f"{last}（第{places}项）" if locale == "zh" else f"{last} (entry {places})"

    def _find(self, locale: str, key: str) -> str | None:
        """A key such as `problems.stock.held` is found nested or with the dots kept in its last part."""
        node: Any = self._by_locale[locale]
        parts = key.split(".")
        for index, part in enumerate(parts):
            if not isinstance(node, dict):
                return None
            rest = ".".join(parts[index:])
            if isinstance(node.get(rest), str):
                return str(node[rest])
            node = node.get(part)
        return node if isinstance(node, str) else None


class Rules:
    """Rules as the code states them, in English, said in the reader's language.

    A rule is a phrase of the table, or has a shape of it: a pattern whose named parts are filled into a
    sentence. Parts named `rule…` are rules themselves, `unit` is a unit of the table. The viewer reads it.
    """

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._phrases = table["phrases"]
        self._shapes = [
            (re.compile(shape["when"].replace("(?<", "(?P<")), shape) for shape in table["shapes"]
        ]
        self._units = table["units"]

    def say(self, rule: str, locale: str) -> str:
        """`rule` in the language; as it is stated where no text was written for it."""
        if rule in self._phrases:
            return str(self._phrases[rule].get(locale, rule))
        for when, shape in self._shapes:
            if found := when.search(rule):
                if locale not in shape:
                    return rule
                parts = found.groupdict("")
                return str(shape[locale]).format(
                    **{name: self._part(name, part, locale) for name, part in parts.items()}
                )
        return rule

    def _part(self, name: str, part: str, locale: str) -> str:
        if name.startswith("rule"):
            return self.say(part, locale)
        if name == "unit" and part:
            return str(self._units.get(part, {}).get(locale, f" {part}"))
        return part.replace(", ", "、") if name == "list" and locale == "zh" else part


def phrase_key(phrase: str) -> str:
    """A name such as `point.x_m` as the key of a text: letters and digits, joined by underscores."""
    return re.sub(r"[^a-z0-9]+", "_", phrase.lower()).strip("_")


def _amount(name: str, number: int, currency: str) -> Any:
    unit = _UNIT.search(name)
    if unit is not None and unit[1] == "_fen":
        return _money(number, currency)
    if unit is not None:
        if 0 < abs(number) < KILOGRAM_G:
            return f"{number} g"
        sign, size, digits = ("t", TONNE_G, 2) if abs(number) >= TONNES_FROM_G else ("kg", KILOGRAM_G, 1)
        return f"{number / size:,.{digits}f} {sign}"
    return number


def _money(amount_fen: int, currency: str) -> str:
    """`CNY 12,345.67`: fen are a hundredth of the unit."""
    sign, whole = "-" if amount_fen < 0 else "", abs(amount_fen)
    return f"{currency} {sign}{whole // 100:,}.{whole % 100:02}"
