"""Rules that the product states are said in Chinese, and in English without the words of a library."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.texts import Texts

ROOT = Path(__file__).parents[3]
PACKAGES = ("app", "devices", "finance", "identity", "kernel", "twin", "wms")
RULE_AT = {
    "FieldRejected": 1,
    "FrameRejected": 1,
    "AnswerRejected": 1,
    "Broken": 1,
    "Refusal": 1,
    "Violation": 1,
    "refuse": 1,
    "TurnedAway": 2,
    "require": 2,
}
"""Where the calls that state a rule have it, unless it is given by its name."""
AT_THE_KEYBOARD = ("app/", "finance/audit.py", "twin/evidence/audit.py", "kernel/gs1")
"""What only whoever runs the program reads, or a developer."""
RULES = Texts.load().rules
HAN = re.compile(r"[\u4e00-\u9fff]")


def sample(node: ast.expr) -> str | None:
    """The rule with a 7 for whatever is filled in; None when it is not written where it is stated."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    return None


def stated() -> Iterator[tuple[str, str]]:
    """Each rule that is written where it is stated, and the place."""
    for path in (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))):
        place = str(path.relative_to(ROOT))
        if place.startswith(AT_THE_KEYBOARD):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                given = [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
                at = RULE_AT.get(name)
                if at is not None and len(node.args) > at:
                    given.append(node.args[at])
            elif isinstance(node, ast.Assign):
                names = {target.id for target in node.targets if isinstance(target, ast.Name)}
                given = [node.value] if any(name.lower().endswith("rule") for name in names) else []
            else:
                continue
            for value in given:
                for branch in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
                    rule = sample(branch)
                    if rule is not None:
                        yield rule, place


STATED = dict(stated())


def test_the_search_finds_what_is_stated() -> None:
    assert len(STATED) > 200


@pytest.mark.parametrize("rule", sorted(STATED))
def test_every_rule_that_is_stated_is_said_in_chinese(rule: str) -> None:
    said = RULES.say(rule, "zh")
    is_a_form = re.fullmatch(r"[\d,. ]*7?[\d,. ]*", rule) is not None
    assert is_a_form or HAN.search(said), f"{said} ({STATED[rule]})"


@pytest.mark.parametrize(
    ("rule", "zh", "en"),
    [
        ("not negative", "不为负", "not negative"),
        ("0 or more, exact in JSON", "不小于 0 的整数", "a whole number from 0 on"),
        ("must have 8 bytes, has 7", "8 字节，实为 7", "8 bytes, has 7"),
        ("a number or nothing, not a text", "数字或空值，而非文字", "a number or nothing, not a text"),
        ("1 to 300 characters", "1 至 300 个字符", "1 to 300 characters"),
        ("one of a, b, 'c' is not", "以下之一：a、b；'c' 不是", "one of a, b, 'c' is not"),
        ("a rule of tomorrow", "a rule of tomorrow", "a rule of tomorrow"),
    ],
)
def test_rules_are_said_in_both_languages(rule: str, zh: str, en: str) -> None:
    assert (RULES.say(rule, "zh"), RULES.say(rule, "en")) == (zh, en)
