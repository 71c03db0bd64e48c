"""Lines as the maker's manual shows them (Digi-Star, EZII Escape Computer Command Set, D3648 Rev G, pages 23,
24 and 29 to 32), in their columns. Check characters were worked out by hand from the manual's three steps."""

from datetime import UTC, datetime, timedelta

import pytest

from devices.drivers.tmr.codec import (
    LINE_BYTES_MAX,
    Fed,
    NotDone,
    Said,
    Settings,
    Trouble,
    Weight,
    check_character,
    decode,
)
from devices.transport.decoding import FieldRejected

POUNDS = Settings("lb")
FEEDLINE = (
    b"000001,%s,%s,T,1001,CORN  ,HICOW ,  2500,  2490,  7350  ,14:05,0,11/23/26,   250,      ,1,     5,"
    b"      ,  0,  0"
)


@pytest.mark.parametrize(
    ("line", "settings", "said"),
    [
        # 1 to 6 combine to 07, with "LB SG" to 3D; its six bits plus 64 are 7D.
        (b"\x02123456LB SG\x03}", POUNDS, Weight(55_998_700)),
        (b"\x02  1535KG SG\x03z", Settings(), Weight(1_535_000)),
        (b"\x02-   20KG SG\x03w", Settings(), Weight(-20_000)),
        (b"\x02 142.5KG SG\x03t", Settings(), Weight(142_500)),
        (b"   280,LB,GR,   187,03JL03, 3:41:21", POUNDS, Weight(127_006)),
        (b"   280,KG,GC,   187,03JL03, 3:41:21", Settings(), Weight(280_000)),
        (b"999999,LB,ES,   187,03JL03, 3:41:21", POUNDS, Trouble("the indicator is in its menu")),
        (b"999999,LB,ER,   187,03JL03, 3:41:21", POUNDS, Trouble("the indicator reports a weighing error")),
        (FEEDLINE % (b"U", b"I"), Settings(), NotDone()),
        (FEEDLINE % (b"M", b"P"), Settings(), NotDone()),
    ],
)
def test_a_line_says_what_the_manual_says(line: bytes, settings: Settings, said: Said) -> None:
    assert decode(line, settings) == said


def test_the_check_character_is_the_manuals_three_steps() -> None:
    assert check_character("123456LB SG") == "}"
    assert check_character("") == "@"


@pytest.mark.parametrize(
    ("kind", "action"), [(b"I", "load"), (b"i", "load"), (b"P", "unload"), (b"p", "unload")]
)
def test_a_completed_feedline_is_what_was_moved_and_when(kind: bytes, action: str) -> None:
    assert decode(FEEDLINE % (b"D", kind), Settings()) == Fed(
        action=action,  # type: ignore[arg-type]
        code="CORN",
        ration="HICOW",
        batch="1001",
        target_g=2_500_000,
        mass_g=2_490_000,
        completed_at=datetime(2026, 11, 23, 6, 5, tzinfo=UTC),
        known_by=b"000001,%s,1001,CORN,HICOW,14:05,11/23/26" % kind.upper(),
    )


def test_a_feedline_that_is_saved_again_is_the_same_one() -> None:
    done, saved = decode(FEEDLINE % (b"D", b"I"), Settings()), decode(FEEDLINE % (b"s", b"I"), Settings())
    assert done == saved


def test_the_indicators_zone_is_a_setting() -> None:
    fed = decode(FEEDLINE % (b"S", b"I"), Settings("kg", timedelta(hours=-6)))
    assert isinstance(fed, Fed)
    assert fed.completed_at == datetime(2026, 11, 23, 20, 5, tzinfo=UTC)


def test_a_feedline_without_a_time_or_a_called_weight_is_still_one() -> None:
    blank = FEEDLINE.replace(b"14:05", b"     ").replace(b"11/23/26", b" " * 8).replace(b"  2500", b"      ")
    fed = decode(blank % (b"D", b"P"), Settings())
    assert isinstance(fed, Fed)
    assert (fed.completed_at, fed.target_g, fed.mass_g) == (None, 0, 2_490_000)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"", "line"),
        (b"hello", "line"),
        (b"\xff\xfe", "line"),
        (b"\x02123456LB SG\x03", "line"),
        (b"\x02123456LB SG\x03~", "check"),
        (b"\x02123455KG SG\x03|", "unit"),
        (b"\x02 1 2 3LB SG\x03j", "weight"),
        (b"\x02      LB SG\x03z", "weight"),
        (b"280,LB,GR,187", "line"),
        (b"   280,LB,NE,   187,03JL03, 3:41:21", "tag"),
        (b"   two,LB,GR,   187,03JL03, 3:41:21", "weight"),
        (b"   280,KG,GR,   187,03JL03, 3:41:21", "unit"),
        (FEEDLINE % (b"X", b"I"), "status"),
        (FEEDLINE % (b"D", b"Q"), "line_type"),
        ((FEEDLINE % (b"D", b"I")).replace(b"CORN  ", b"      "), "code"),
        ((FEEDLINE % (b"D", b"I")).replace(b"  2490", b"      "), "weight"),
        ((FEEDLINE % (b"D", b"I")).replace(b"14:05", b"25:05"), "completed_at"),
        ((FEEDLINE % (b"D", b"I")).replace(b"11/23/26", b"23/11/26"), "completed_at"),
        (b"9" * LINE_BYTES_MAX, "line"),
    ],
)
def test_what_is_wrong_is_refused_under_its_field(line: bytes, field: str) -> None:
    with pytest.raises(FieldRejected) as refused:
        decode(line, POUNDS)
    assert refused.value.field == field
    assert refused.value.rule
