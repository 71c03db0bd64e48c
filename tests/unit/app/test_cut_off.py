"""docs/cut-off.md names every command of the product once, with a verdict for both ways to run a site."""

import re
from pathlib import Path

from app import wiring
from kernel.messages import Command

PAGE = Path(__file__).parents[3] / "docs" / "cut-off.md"
VERDICTS = ("local", "queued", "refused")


def rows() -> list[list[str]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]


def test_every_command_of_the_product_is_in_the_table_once() -> None:
    assert wiring.all_commands(), "loading the wiring loads every package's commands"
    known = {kind.__name__ for kind in Command.__subclasses__() if kind.__module__.endswith(".messages")}
    named = [row[0].strip("`") for row in rows()]
    assert sorted(named) == sorted(known)


def test_every_verdict_is_one_of_three() -> None:
    verdicts = [re.split(r"\W", verdict)[0] for row in rows() for verdict in row[2:]]
    assert set(verdicts) <= set(VERDICTS)
    assert len(verdicts) == 2 * len(rows())


def test_no_decision_about_money_is_queued() -> None:
    queued = [row[0] for row in rows() if any(verdict.startswith("queued") for verdict in row[2:])]
    assert queued == ["`RecordScans`"]
