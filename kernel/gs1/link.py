"""GS1 Digital Link addresses, both ways: elements as the path and query of a web address.

Source: GS1 Digital Link Standard, URI Syntax 1.2 (2021): the primary key first, then its qualifiers in their
fixed order, everything else as attributes in the query. Compressed addresses and the deprecated names in
place of identifiers (`/gtin/…`) are not read.
"""

from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from kernel.gs1.elements import checked
from kernel.gs1.keys import CodeRejected, is_number

CANONICAL = "https://id.gs1.org"
"""Where the canonical form of an address lies, whoever answers it."""

_QUALIFIERS: Mapping[str, tuple[str, ...]] = {"00": (), "01": ("22", "10", "21"), "8003": (), "8004": ()}
"""The primary keys we use (SSCC, GTIN, GRAI, GIAI), and what may follow each, in this order."""

_SHORT_GTINS = (8, 12, 13)


def link_of(elements: Mapping[str, str], stem: str = CANONICAL) -> str:
    """The address of what the elements identify; canonical unless `stem` is another resolver's.

    Raises CodeRejected unless exactly one of them is a primary key.
    """
    keys = [ai for ai in elements if ai in _QUALIFIERS]
    if len(keys) != 1:
        raise CodeRejected("element", f"exactly one of {', '.join(_QUALIFIERS)}")
    path = [keys[0], *(ai for ai in _QUALIFIERS[keys[0]] if ai in elements)]
    query = [ai for ai in elements if ai not in path]
    written = {ai: quote(checked(ai, value), safe="") for ai, value in elements.items()}
    address = stem.rstrip("/") + "".join(f"/{ai}/{written[ai]}" for ai in path)
    return address + ("?" + "&".join(f"{ai}={written[ai]}" for ai in query) if query else "")


def elements_of_link(address: str) -> dict[str, str]:
    """The elements of an address of any resolver, key first. What its query says beside them is passed over.

    A GTIN of 8, 12 or 13 digits is filled up to 14. Raises CodeRejected for any other text.
    """
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise CodeRejected("link", str(error)) from error
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise CodeRejected("link", "an http or https address")
    elements: dict[str, str] = {}
    for ai, written in [*_path(parts.path), *_query(parts.query)]:
        value = _value(ai, written)
        if elements.setdefault(ai, value) != value:
            raise CodeRejected(ai, "one value in an address")
    return elements


def _path(path: str) -> list[tuple[str, str]]:
    """Key and qualifiers. They end the path, so that whatever a resolver puts before them is passed over."""
    segments = path.rstrip("/").split("/")
    starts = [at for at in range(len(segments) - 2, 0, -2) if segments[at] in _QUALIFIERS]
    if not starts:
        raise CodeRejected("link", f"a path with one of {', '.join(_QUALIFIERS)} and its value")
    found = list(zip(segments[starts[0] :: 2], segments[starts[0] + 1 :: 2], strict=True))
    allowed = _QUALIFIERS[found[0][0]]
    names = [ai for ai, _ in found[1:]]
    if names != [ai for ai in allowed if ai in names]:
        raise CodeRejected("link", f"after the key only {', '.join(allowed) or 'nothing'}, in this order")
    return found


def _query(query: str) -> list[tuple[str, str]]:
    pairs = [pair.partition("=") for pair in query.replace(";", "&").split("&")]
    return [(name, value) for name, _, value in pairs if is_number(name)]


def _value(ai: str, written: str) -> str:
    try:
        value = unquote(written, errors="strict")
    except UnicodeDecodeError as error:
        raise CodeRejected(ai, "characters of set 82, others percent-encoded") from error
    is_short = ai == "01" and len(value) in _SHORT_GTINS and is_number(value)
    return checked(ai, value.zfill(14) if is_short else value)
