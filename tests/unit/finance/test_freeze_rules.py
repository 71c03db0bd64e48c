"""Which alarms freeze again, and which evidence thaws."""

from datetime import datetime, timedelta

import msgspec
import pytest

from finance.freezes import model
from finance.freezes.model import Freeze
from kernel.errors import Conflict, Invalid
from tests.unit.finance.test_valuation import NOW
from twin.messages import Witness


def freeze(*, units: tuple[str, ...] = ("unit-1",), evidence: tuple[str, ...] = ("gate:1:5",)) -> Freeze:
    return Freeze(
        freeze_id="freeze-1",
        facility_id="facility-1",
        alarm_id="alarm-1",
        occurrence=1,
        reason_key="alarm.exit_without_release",
        facts={},
        unit_ids=units,
        evidence=tuple(
            {"observation_id": name, "device_id": "gate", "at": (NOW - timedelta(minutes=1)).isoformat()}
            for name in evidence
        ),
        frozen_at=NOW,
    )


def test_the_first_alarm_freezes() -> None:
    assert model.next_occurrence([], ["unit-1"]) == 1


def test_the_same_alarm_told_again_freezes_nothing_anew() -> None:
    assert model.next_occurrence([freeze(units=("unit-1", "unit-2"))], ["unit-2"]) is None


def test_an_alarm_that_comes_to_concern_more_freezes_again() -> None:
    assert model.next_occurrence([freeze()], ["unit-1", "unit-2"]) == 2


def test_evidence_must_be_newer_than_what_the_freeze_rests_on() -> None:
    assert freeze().newest_at == NOW - timedelta(minutes=1)
    assert freeze(evidence=()).newest_at == NOW


def told(name: str, at: datetime = NOW, *, shows_here: bool = True) -> dict[str, Witness]:
    """An observation of a pledged unit, by its id."""
    witness = Witness(
        observation_id=name,
        device_id="forklift-1",
        modality="position",
        at=at,
        unit_ids=("unit-1",),
        ssccs=("069012340000000017",),
        shows_here=shows_here,
    )
    return {name: witness}


def test_a_sighting_after_the_freeze_thaws() -> None:
    model.require_thawing_evidence(["forklift-1:2:9"], told("forklift-1:2:9"), [freeze()])


def test_nothing_older_thaws_not_even_beside_something_newer() -> None:
    seen = {**told("forklift-1:2:9"), **told("gate:1:5", NOW - timedelta(minutes=1))}
    with pytest.raises(Conflict) as refused:
        model.require_thawing_evidence(["forklift-1:2:9", "gate:1:5"], seen, [freeze()])
    assert refused.value.key == "thaw.evidence_old"
    assert refused.value.facts["evidence_ids"] == ["gate:1:5"]
    assert refused.value.facts["newer_than"] == (NOW - timedelta(minutes=1)).isoformat()


def test_of_several_freezes_the_newest_counts() -> None:
    later = msgspec.structs.replace(freeze(evidence=()), frozen_at=NOW + timedelta(minutes=5))
    with pytest.raises(Conflict, match=r"thaw\.evidence_old"):
        model.require_thawing_evidence(["forklift-1:2:9"], told("forklift-1:2:9"), [freeze(), later])


def test_what_does_not_show_the_unit_on_site_is_named() -> None:
    seen = {**told("forklift-1:2:9"), **told("gate:1:9", shows_here=False)}
    with pytest.raises(Conflict) as refused:
        model.require_thawing_evidence(["forklift-1:2:9", "gate:1:9"], seen, [freeze()])
    assert refused.value.key == "thaw.evidence_not_here"
    assert refused.value.facts["evidence_ids"] == ["gate:1:9"]


def test_an_observation_of_something_else_is_named() -> None:
    with pytest.raises(Invalid) as refused:
        model.require_thawing_evidence(["camera:1:1", "forklift-1:2:9"], told("forklift-1:2:9"), [freeze()])
    assert refused.value.key == "thaw.evidence_unknown"
    assert refused.value.facts["evidence_ids"] == ["camera:1:1"]


@pytest.mark.parametrize("count", [0, model.EVIDENCE_MAX + 1])
def test_too_little_and_too_much_evidence_is_refused(count: int) -> None:
    with pytest.raises(Invalid, match=r"thaw\.evidence_count"):
        model.require_thawing_evidence(["x"] * count, {}, [freeze()])


def test_bare_ids_still_name_the_device() -> None:
    (item,) = model.evidence_from_ids(["gate-1-reader:7:12"])
    assert item["device_id"] == "gate-1-reader"
