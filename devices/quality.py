"""How good each driver is, as its quality file says; `python -m devices.quality` prints `docs/devices.md`.

Three tiers, each with what the one below has:

- bronze: frames of the standard or a real device are read, any bytes end in readings or rejections, and a
  malformed frame is set aside while the connection goes on;
- silver: a peer that is not ours is understood;
- gold: the device forgets only what is committed, over a line that is encrypted.

A rule that a protocol cannot keep is exempt, with the reason; it lifts no driver into a tier.
"""

import functools
import sys
from collections.abc import Mapping
from importlib.resources import files
from typing import Final, Literal

import msgspec
import yaml

from devices.families import FAILURES, FAMILIES, Family, OrderKind

Tier = Literal["bronze", "silver", "gold"]

SILVER: Final = ("foreign-peer",)
GOLD: Final = ("acknowledged-after-commit", "encrypted-transport")
SHOWN: Final = (
    "golden-frames",
    "any-bytes",
    "malformed-frame-to-quarantine",
    "foreign-peer",
    "stated-once-when-gone-and-back",
    "device-time-kept",
    "same-reading-same-identity",
    "acknowledged-after-commit",
    "encrypted-transport",
)
"""The rules that every family answers for."""
HEAD: Final = """# Devices

Generated from the manifests and quality files by `python -m devices.quality > docs/devices.md`.
A test keeps it up to date. How to write a driver: [CONTRIBUTING.md](../CONTRIBUTING.md).

"""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a rule is kept: `done` names the test that shows it, `exempt` says why it cannot be."""

    status: Literal["done", "exempt"]
    shown_by: str = ""
    reason: str = ""


Rules = Mapping[str, Rule]


@functools.cache
def rules_of(family: str) -> Rules:
    """The rules of a family by name. Raises KeyError for an unknown one."""
    FAMILIES[family]
    text = (files("devices.drivers") / family / "quality.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text)["rules"], dict[str, Rule])


def tier_of(family: str) -> Tier:
    """The tier of a family."""
    rules = rules_of(family)
    if not all(rules[name].status == "done" for name in SILVER):
        return "bronze"
    return "gold" if all(rules[name].status == "done" for name in GOLD) else "silver"


def page() -> str:
    """`docs/devices.md`: what the drivers speak, the rules they keep, and every exemption."""
    families = [FAMILIES[name] for name in sorted(FAMILIES)]
    obeying = [family for family in families if family.orders]
    parts = [_spoken(families), _ordered(obeying), _alone(obeying), _kept(families), _exempt(families)]
    return HEAD + "\n".join(line for part in parts for line in [*part, ""])


def _spoken(families: list[Family]) -> list[str]:
    rows = [
        f"| `{family.name}` | {family.name_en} · {family.name_zh} | {family.protocol} | {family.reach} "
        f"| {', '.join(sorted(family.kinds))} | {tier_of(family.name)} |"
        for family in families
    ]
    return ["| family | devices | protocol | reach | readings | tier |", "|---|---|---|---|---|---|", *rows]


def _ordered(families: list[Family]) -> list[str]:
    rows = [
        f"| `{family.name}` | {_call(action, kind)} | {kind.text} | {kind.confirmed_by} | {kind.valid_s} s "
        f"| {', '.join(kind.fails) or '–'} | {'yes' if kind.is_repeatable else 'no'} "
        f"| {'yes' if kind.by_hand else 'through what guards it'} |"
        for family in families
        for action, kind in family.orders.items()
    ]
    return [
        "## Orders",
        "",
        "An order is queued with who gave it and why, carried out at the edge while it is valid, and settled "
        "by the device's own feedback. Any order may fail as "
        f"{', '.join(f'`{reason}`' for reason in FAILURES)}; some have reasons of their own.",
        "",
        "| family | order | what | confirmed by | valid | also fails as | again after a crash | by hand |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
    ]


def _call(action: str, kind: OrderKind) -> str:
    return f"`{action}{'(' + ', '.join(kind.parameters) + ')' if kind.parameters else ''}`"


def _alone(families: list[Family]) -> list[str]:
    names = {"twin": "the edge hears of no orders", "edge": "nobody speaks to the device"}
    rows = [
        f"| `{family.name}` | {names[rule.lost]} | {rule.text_en} {rule.text_zh} |"
        for family in families
        for rule in family.fail_safe
    ]
    return [
        "## When nobody orders",
        "",
        "| family | when | what becomes of the device |",
        "|---|---|---|",
        *rows,
    ]


def _kept(families: list[Family]) -> list[str]:
    signs = {"done": "✓", "exempt": "–"}
    rows = [
        f"| `{family.name}` | "
        + " | ".join(signs[rules_of(family.name)[name].status] for name in SHOWN)
        + f" | {sum(name not in SHOWN for name in rules_of(family.name))} |"
        for family in families
    ]
    names = " | ".join(name.replace("-", " ") for name in SHOWN)
    return [
        "## Rules",
        "",
        "✓: shown by a test. –: exempt, for the reason below. The last column counts the family's own rules.",
        "",
        f"| family | {names} | own |",
        "|---" * (len(SHOWN) + 2) + "|",
        *rows,
    ]


def _exempt(families: list[Family]) -> list[str]:
    rows = [
        f"| `{family.name}` | {name.replace('-', ' ')} | {rule.reason} |"
        for family in families
        for name, rule in rules_of(family.name).items()
        if rule.status == "exempt"
    ]
    return ["## Exemptions", "", "| family | rule | why |", "|---|---|---|", *rows]


if __name__ == "__main__":
    sys.stdout.write(page())
