"""Every alarm has a sentence in both languages, and says no more than what was seen."""

import re
from typing import get_args

import pytest

from app.texts import Texts
from twin.alarms.model import text_key_of
from twin.messages import EXIT_ALARMS, AlarmKind
from twin.visits.model import Outcome

FACTS: list[dict[str, object]] = [{}, {"reasons": ["tags_unread"]}]
FACTS += [{"outcome": outcome} for outcome in get_args(Outcome)]
CASES = [(kind, facts) for kind in get_args(AlarmKind) for facts in FACTS]


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize(("kind", "facts"), CASES)
def test_every_alarm_has_a_sentence_that_its_facts_fill(
    kind: AlarmKind, facts: dict[str, object], locale: str
) -> None:
    group, _, name = text_key_of(kind, facts).partition(".")
    sentence = Texts.load()._by_locale[locale][group][name]
    known = {"device_id"} if kind == "device_cloned" else {"gate_id"} if kind in EXIT_ALARMS else set()
    assert set(re.findall(r"\{(\w+)\}", sentence)) <= known


def test_goods_that_stand_before_a_shut_boom_are_not_said_to_have_left() -> None:
    standing = text_key_of("exit_without_release", {"outcome": "standing"})
    assert standing == text_key_of("exit_without_release", {}) == "alarm.exit_without_release"
    left = text_key_of("exit_without_release", {"outcome": "left"})
    assert left == "alarm.exit_without_release_left"


def test_a_load_whose_tags_were_not_heard_is_not_said_to_weigh_too_much() -> None:
    unread = text_key_of("exit_mass_differs", {"outcome": "left", "reasons": ["tags_unread"]})
    assert unread == "alarm.exit_mass_differs_unread"
    assert text_key_of("exit_mass_differs", {"outcome": "left", "reasons": ["mass_differs"]}) == (
        "alarm.exit_mass_differs"
    )
