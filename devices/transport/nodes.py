"""Node ids of OPC UA as people write them. Pure.

Source: OPC 10000-6 1.05, 5.1.12: `ns=<index>;<type>=<value>`, or `nsu=<address>;…` with `;` and `%` in the
address percent-encoded, or neither for OPC UA's own. The type is `i` a UInt32, `s` a string, `g` a Guid, `b`
bytes in base 64. An index may be another after a server was set up anew; an address is not.
"""

import re
from typing import Literal, NamedTuple, cast

from devices.transport.decoding import FieldRejected

UINT32_MAX = 2**32 - 1
INDEX_MAX = 2**16 - 1
RULE = "a node id such as ns=2;s=Barrier.Open, or nsu=<address>;i=1001"
_NODE = re.compile(r"(?:ns=(?P<index>\d{1,5});|nsu=(?P<address>[^;]+);)?(?P<kind>[isgb])=(?P<value>.+)", re.S)
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_ESCAPED = re.compile(r"%([0-9a-fA-F]{2})")


class NodeName(NamedTuple):
    """`namespace` is its index, or its address."""

    namespace: int | str
    kind: Literal["i", "s", "g", "b"]
    value: str


def read_node(text: str) -> NodeName:
    """A node id from its text. Raises FieldRejected."""
    found = _NODE.fullmatch(text)
    if found is None or not _is_value(found["kind"], found["value"]) or int(found["index"] or 0) > INDEX_MAX:
        raise FieldRejected("node", RULE)
    address = found["address"]
    namespace: int | str = int(found["index"] or 0) if address is None else _unescaped(address)
    return NodeName(namespace, cast(Literal["i", "s", "g", "b"], found["kind"]), found["value"])


def _is_value(kind: str, value: str) -> bool:
    if kind == "i":
        return value.isascii() and value.isdecimal() and len(value) <= 10 and int(value) <= UINT32_MAX
    if kind == "g":
        return _GUID.fullmatch(value) is not None
    return kind == "s" or _BASE64.fullmatch(value) is not None


def _unescaped(address: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), address)
