"""Makes `docs/settings.md` from the typed settings: `python -m app.settings_doc > docs/settings.md`."""

import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from app.settings import ENV_PREFIX, Settings

_HEAD = """\
# Settings

Every setting is an environment variable. A value that does not fit stops the program at start, naming the
setting. This page is made from `app/settings.py`; do not edit it by hand.

| variable | type | default | what it does |
|---|---|---|---|
"""


def settings_page() -> str:
    """The page as Markdown, one row a setting in the order they are declared."""
    return _HEAD + "".join(_row(name, field) for name, field in Settings.model_fields.items())


def _row(name: str, field: FieldInfo) -> str:
    default = "unset" if field.default is None else f"`{_plain(field.default)}`"
    variable = f"{ENV_PREFIX}{name}".upper()
    kind = _kind(field.annotation) + _bounds(field.metadata)
    return f"| `{variable}` | {kind} | {default} | {field.description} |\n"


def _plain(value: object) -> str:
    return ",".join(value) or "(empty)" if isinstance(value, tuple) else str(value) or "(empty)"


def _kind(annotation: Any) -> str:
    """The type in words. Optional types read like the type they wrap: their default already says unset."""
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(part) for part in get_args(annotation) if part is not type(None))
    if origin is Annotated:
        inner, info = get_args(annotation)
        return _kind(inner) + _bounds(info.metadata)
    if origin is tuple:
        return "list, by comma"
    words = {int: "whole number", str: "text", Path: "path", SecretStr: "text, secret"}
    return words[annotation]


def _bounds(metadata: Sequence[Any]) -> str:
    low = next((m.ge for m in metadata if hasattr(m, "ge")), None)
    high = next((m.le for m in metadata if hasattr(m, "le")), None)
    if low is None:
        return ""
    return f", {low} or more" if high is None else f", {low} to {high}"


if __name__ == "__main__":
    sys.stdout.write(settings_page())
