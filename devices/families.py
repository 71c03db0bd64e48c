"""The driver families, as their manifests describe them: one folder below `devices/drivers` each.

A manifest is the only place that says how a family is reached, what it reports, what a device of it must be
given, and after how much silence it counts as away. Registry, ingest and edge read it from here.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from importlib.resources import files
from typing import Any, Literal

import msgspec

from devices.transport.decoding import FieldRejected
from devices.transport.nodes import read_node
from devices.transport.view import read_view

Reach = Literal["dialled", "broker", "listens", "http"]
"""`dialled`: we connect to the device. `broker`: it speaks over MQTT. `listens`: it connects to a port of
ours. `http`: it calls our API."""

TEXT_LENGTH_MAX = 255
LIST_ITEMS_MAX = 64
HOST = re.compile(
    r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9]+)?"
)
"""A name (RFC 1123, and the underscores of local names) or an IPv4 address; or an IPv6 address."""
KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""The name of a file in the edge's folder of keys; it leads nowhere else."""

NO_EVIDENCE = frozenset({"scan", "signal", "label", "status"})
"""Kinds of readings that say nothing of goods, or only what a person claims."""

Value = str | int | float | bool | list[int]


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that a device of the family must or may be given. Bounds are inclusive.

    A `key` is a secret that the edge itself must know: the registry keeps its name alone, the edge has a file
    of that name, and the driver gets the bytes, or None where the edge has no such file. `digits` are a text
    of `minimum` to `maximum` digits. A `secret` is a key in words, such as a password. A `view` is what a
    camera was calibrated to (`devices.transport.view`), a `node` the id of a node of an OPC UA server
    (`devices.transport.nodes`); a node may be left empty unless it is required.
    """

    type: Literal[
        "text", "integer", "number", "boolean", "list of integers", "key", "secret", "digits", "view", "node"
    ]
    text: str
    required: bool = False
    default: Value | None = None
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    """A regular expression that a text has to match as a whole, unless it is empty."""
    is_host: bool = False
    """The text names a machine, by name or by IPv4 or IPv6 address."""

    def broken_rule(self, value: object) -> str | None:
        """The rule that `value` breaks, or None."""
        if self.type == "text":
            return self._text_rule(value)
        if self.type == "boolean":
            return None if isinstance(value, bool) else "true or false"
        if self.type in ("key", "secret"):
            is_name = isinstance(value, str) and KEY_NAME.fullmatch(value) is not None
            return (
                None
                if is_name
                else "the name of its file: 1 to 64 letters, digits, dots, dashes or underscores"
            )
        if self.type == "digits":
            return self._digits_rule(value)
        if self.type == "view":
            return _view_rule(value) if value else None
        if self.type == "node":
            return self._text_rule(value) or (_node_rule(value) if value else None)
        if self.type == "list of integers":
            if not isinstance(value, list) or not len(value) <= LIST_ITEMS_MAX:
                return f"a list of at most {LIST_ITEMS_MAX} integers"
            return next(filter(None, map(self._number_rule, value)), None)
        return self._number_rule(value)

    def _text_rule(self, value: object) -> str | None:
        if not isinstance(value, str) or len(value) > TEXT_LENGTH_MAX or "\x00" in value:
            return f"a text of at most {TEXT_LENGTH_MAX} characters"
        if self.required and not value:
            return "given"
        if self.choices and value not in self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.is_host and value and not HOST.fullmatch(value):
            return "a host name or address"
        if self.pattern and value and not re.fullmatch(self.pattern, value):
            return f"as {self.pattern}"
        return None

    def _digits_rule(self, value: object) -> str | None:
        low, high = int(self.minimum or 1), int(self.maximum or TEXT_LENGTH_MAX)
        is_digits = isinstance(value, str) and value.isascii() and value.isdecimal()
        if is_digits and isinstance(value, str) and low <= len(value) <= high:
            return None
        return f"{low} digits" if low == high else f"{low} to {high} digits"

    def _number_rule(self, value: object) -> str | None:
        is_number = isinstance(value, int) or (self.type == "number" and isinstance(value, float))
        if not is_number or isinstance(value, bool):
            return "a number" if self.type == "number" else "an integer"
        assert isinstance(value, int | float)
        low, high = self.minimum, self.maximum
        if (low is None or value >= low) and (high is None or value <= high):
            return None
        if low is not None and high is not None:
            return f"{low:g} to {high:g}"
        return f"at least {low:g}" if low is not None else f"at most {high:g}"


def _view_rule(value: object) -> str | None:
    if not isinstance(value, str):
        return "the JSON of a view"
    try:
        read_view(value)
    except FieldRejected as error:
        return str(error)
    return None


def _node_rule(value: object) -> str | None:
    try:
        read_node(str(value))
    except FieldRejected as error:
        return error.rule
    return None


class OrderKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that devices of a family do when they are told to.

    `confirmed_by` says what of the device's own feedback ends it well. `fails` are reasons of its own beside
    `FAILURES`. An order that is not `is_repeatable` is not given again when nobody knows whether it was
    carried out. One that is not `by_hand` is given by the product, or by a person through what guards it.
    """

    text: str
    confirmed_by: str
    valid_s: int
    fails: tuple[str, ...] = ()
    is_repeatable: bool = True
    by_hand: bool = True
    parameters: Mapping[str, Parameter] = {}


FAILURES = ("expired", "unreachable", "refused", "feedback", "unconfirmed")
"""Why any order may fail: its time had passed before its turn came; the device does not answer; it says no;
its feedback did not say in time that it is done; an edge took the order and ended before it knew."""


class FailSafe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of a device that nobody orders any more.

    `lost` is what cannot be reached: the `twin` (the edge runs and drives the device, but hears of no orders)
    or the `edge` (nobody speaks to the device). `order`, where given, is what the edge orders by itself when
    the twin was away for `after_s`.
    """

    lost: Literal["twin", "edge"]
    text_en: str
    text_zh: str
    order: str = ""
    parameters: Mapping[str, Value] = {}
    after_s: int = 0


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A driver family. `orders` are what its devices carry out, by name; none for most.

    `identity` is the parameter that holds what a device calls itself when it dials us; empty for other
    families.
    """

    name: str
    name_en: str
    name_zh: str
    protocol: str
    reach: Reach
    silence: timedelta
    modality: str
    kinds: frozenset[str]
    parameters: Mapping[str, Parameter]
    orders: Mapping[str, OrderKind] = {}
    fail_safe: tuple[FailSafe, ...] = ()
    readings_per_s_max: int | None = None
    """What a device that comes over the broker may say of one second; None where nothing limits it."""
    identity: str = ""
    has_broker_name: bool = False
    """Whether its devices sign in at the broker; those that are reached so do, and handhelds may."""
    keeps_snapshots: bool = False
    """Whether its drivers are given a place for pictures that their readings name."""

    @property
    def is_witness(self) -> bool:
        """Whether what its devices say can be evidence; the scans of a handheld are a person's claims."""
        return not self.kinds <= NO_EVIDENCE

    def terminal_name(self, connection: Mapping[str, Any]) -> str | None:
        """What a device with this connection calls itself when it dials us; None when it does not. Leading
        zeros say nothing: the same number is filled up differently from one version to the next."""
        return comparable(str(connection[self.identity])) if self.identity else None

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """`given` with the defaults of what is missing. Raises FieldRejected naming the parameter."""
        return _complete(self.parameters, given, self.name)

    def order_settings(self, action: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of an order, likewise. Raises FieldRejected naming the parameter, or `action`."""
        if action not in self.orders:
            raise FieldRejected("action", f"one of {', '.join(self.orders)}" if self.orders else "none")
        return _complete(self.orders[action].parameters, given, action)

    @property
    def alone(self) -> FailSafe | None:
        """What the edge does with its devices by itself when the twin is away; None for nothing."""
        return next((rule for rule in self.fail_safe if rule.order), None)


def _complete(parameters: Mapping[str, Parameter], given: Mapping[str, Any], of: str) -> dict[str, Any]:
    unknown = sorted(given.keys() - parameters.keys())
    if unknown:
        raise FieldRejected(unknown[0], f"a parameter of {of}")
    complete: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if name not in given and parameter.required:
            raise FieldRejected(name, "given")
        value = given.get(name, parameter.default)
        rule = None if name not in given else parameter.broken_rule(value)
        if rule is not None:
            raise FieldRejected(name, rule)
        if value is not None:
            complete[name] = value
    return complete


def comparable(name: str) -> str:
    """A terminal's number without leading zeros."""
    return name.lstrip("0")


def read_manifest(text: str) -> Family:
    """A family from the text of its manifest. Raises KeyError or msgspec.ValidationError for a bad one."""
    manifest = tomllib.loads(text)
    driver, readings = manifest["driver"], manifest["readings"]
    return Family(
        name=driver["family"],
        name_en=driver["name_en"],
        name_zh=driver["name_zh"],
        protocol=driver["protocol"],
        reach=driver["reach"],
        silence=timedelta(seconds=driver["silence_s"]),
        modality=readings["modality"],
        kinds=frozenset(readings["kinds"]),
        parameters=msgspec.convert(manifest.get("parameters", {}), dict[str, Parameter]),
        orders=msgspec.convert(manifest.get("orders", {}), dict[str, OrderKind]),
        fail_safe=msgspec.convert(manifest.get("fail_safe", ()), tuple[FailSafe, ...]),
        readings_per_s_max=manifest.get("limits", {}).get("readings_per_s_max"),
        identity=driver.get("identity", ""),
        has_broker_name=driver["reach"] == "broker" or driver.get("broker", False),
        keeps_snapshots=driver.get("keeps_snapshots", False),
    )


def _read_all() -> dict[str, Family]:
    folders = sorted(files("devices.drivers").iterdir(), key=lambda folder: folder.name)
    manifests = [folder / "manifest.toml" for folder in folders if folder.is_dir()]
    families = [read_manifest(manifest.read_text()) for manifest in manifests if manifest.is_file()]
    return {family.name: family for family in families}


FAMILIES: Mapping[str, Family] = _read_all()


def families_that_say(kind: str) -> frozenset[str]:
    """The families whose devices report readings of this kind."""
    return frozenset(name for name, family in FAMILIES.items() if kind in family.kinds)


def families_that(*actions: str) -> frozenset[str]:
    """The families whose devices carry out all of these orders."""
    return frozenset(name for name, family in FAMILIES.items() if family.orders.keys() >= set(actions))
