"""The texts of the product, in Chinese and English, from the one pair of files the pages use too."""

import json
from importlib.resources import files
from typing import Any, Literal

Locale = Literal["en", "zh"]
LOCALES: tuple[Locale, ...] = ("en", "zh")


class Texts:
    """Looks texts up by dotted key and fills in the facts."""

    def __init__(self, by_locale: dict[str, dict[str, Any]]) -> None:
        self._by_locale = by_locale

    @classmethod
    def load(cls) -> "Texts":
        """Read `viz/web/shared/locales/{en,zh}.json`."""
        folder = files("viz").joinpath("web", "shared", "locales")
        return cls({name: json.loads(folder.joinpath(f"{name}.json").read_text("utf-8")) for name in LOCALES})

    @staticmethod
    def locale_of(accept_language: str) -> Locale:
        """`zh` when the header prefers any Chinese, else `en`."""
        return "zh" if accept_language.strip().lower().startswith("zh") else "en"

    def problem(self, locale: str, key: str, facts: dict[str, Any]) -> str:
        """The sentence for a problem key; the key itself when no text was written for it."""
        text = self._find(locale, f"problems.{key}")
        if text is None:
            return key
        try:
            return text.format(**{name: _said(fact, locale) for name, fact in facts.items()})
        except (KeyError, IndexError):
            return text

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


def _said(fact: Any, locale: str) -> Any:
    """Lists as the pages write them; everything else as it is."""
    if isinstance(fact, list | tuple):
        return ("、" if locale == "zh" else ", ").join(str(item) for item in fact)
    return fact
