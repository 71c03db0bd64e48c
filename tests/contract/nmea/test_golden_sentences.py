"""Sentences of textbooks and of real receivers are read as they should be, alone and put together."""

import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devices.drivers.nmea.codec import Gga, Rmc, Vtg, decode
from devices.drivers.nmea.epochs import NO_DATE, NO_FIX, Epochs, Fixed, Unfixed
from devices.transport.decoding import FieldRejected
from kernel.geometry import Point
from kernel.messages import PositionReading
from simulators.protocols.nmea.frames import (
    DIFFERENTIAL,
    ESTIMATED,
    RTK_FIXED,
    RTK_FLOAT,
    SINGLE,
    Place,
    gga,
    gsv,
    rmc,
    sentence,
    vtg,
)
from simulators.protocols.nmea.frames import NO_FIX as WITHOUT

GOLDEN = tomllib.loads((Path(__file__).parent / "golden.toml").read_text())
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
YARD = Place(29.712345, 115.987654, 20.5, -8.0, 90.0, 36.0)


def told(lines: Iterable[bytes], epochs: Epochs | None = None) -> list[Fixed | Unfixed]:
    """What epochs come of some lines, the last one included."""
    epochs = epochs or Epochs()
    found = []
    for line in lines:
        read = decode(line.rstrip())
        if read is not None:
            found += epochs.add(read, line)
    return [*found, *epochs.finish()]


def fixed(outcomes: list[Fixed | Unfixed]) -> list[Fixed]:
    assert all(isinstance(one, Fixed) for one in outcomes), outcomes
    return [one for one in outcomes if isinstance(one, Fixed)]


@pytest.mark.parametrize("golden", GOLDEN["line"], ids=[line["what"] for line in GOLDEN["line"]])
def test_a_sentence_is_read(golden: dict[str, Any]) -> None:
    read = decode(golden["raw"].encode())
    assert read is not None
    if isinstance(read, Gga | Rmc):
        assert read.fix == golden.get("fix")
        if "longitude_deg" in golden:
            place = golden["longitude_deg"], golden["latitude_deg"]
            assert read.place == pytest.approx(place, abs=1e-9)
        else:
            assert read.place is None
    if isinstance(read, Gga) and read.place is not None:
        assert read.height_m == pytest.approx(golden["height_m"])
        assert read.satellites == golden["satellites"]
    if isinstance(read, Rmc):
        assert read.date == golden["date"]
    if isinstance(read, Rmc | Vtg) and "speed_mps" in golden:
        assert read.speed_mps == pytest.approx(golden["speed_mps"], abs=0.001)
        assert read.course_deg == golden["course_deg"]


def test_the_sentences_of_an_epoch_make_one_position_with_the_date_of_its_rmc() -> None:
    golden = GOLDEN["epoch"]
    [epoch] = fixed(told(line.encode() for line in golden["lines"]))
    assert epoch.at == golden["at"]
    assert epoch.position.point == Point(
        pytest.approx(golden["longitude_deg"], abs=1e-9),
        pytest.approx(golden["latitude_deg"], abs=1e-9),
        pytest.approx(golden["height_m"]),
    )
    assert epoch.position.satellites == golden["satellites"]
    assert epoch.position.sigma_m == pytest.approx(4.0 * 2.4)
    assert epoch.is_whole


# --- epochs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order", [("rmc", "vtg", "gga"), ("gga", "rmc", "vtg"), ("gga", "vtg", "rmc"), ("gga", "rmc")]
)
def test_an_epoch_is_told_as_soon_as_it_has_what_the_one_before_had(order: tuple[str, ...]) -> None:
    epochs, found = Epochs(), []
    for second in range(3):
        at = NOON + timedelta(seconds=second)
        made = {"gga": gga(at, YARD), "rmc": rmc(at, YARD), "vtg": vtg(YARD)}
        for kind in order:
            read = decode(made[kind].rstrip())
            assert read is not None
            found.append((second, kind, epochs.add(read, b"")))
    told_at = [(second, kind) for second, kind, outcomes in found for _ in outcomes]
    assert told_at == [(1, order[0]), (1, order[-1]), (2, order[-1])]
    [last] = fixed(found[-1][2])
    assert last.at == NOON + timedelta(seconds=2)
    assert (last.position.speed_mps, last.position.heading_deg) == (10.0, 90.0)


def test_a_sentence_that_was_lost_is_not_waited_for_beyond_the_next_epoch() -> None:
    lines = [gga(NOON, YARD), rmc(NOON, YARD)]
    for second in range(1, 4):
        at = NOON + timedelta(seconds=second)
        lines += [rmc(at, YARD)] if second == 2 else [gga(at, YARD), rmc(at, YARD)]
    found = fixed(told(lines))
    assert [epoch.at for epoch in found] == [NOON + timedelta(seconds=second) for second in range(4)]
    assert [epoch.is_whole for epoch in found] == [True, True, False, True]
    assert found[2].position.satellites == 0


def test_two_talkers_of_one_epoch_make_one_position() -> None:
    lines = []
    for second in range(2):
        at = NOON + timedelta(seconds=second)
        lines += [gga(at, YARD, "GP"), gga(at, YARD, "BD"), rmc(at, YARD, "GP"), rmc(at, YARD, "BD")]
    assert len(fixed(told(lines))) == 2


def test_other_kinds_of_sentences_are_passed_over() -> None:
    assert decode(gsv().rstrip()) is None
    assert decode(sentence("PUBX,00,081350.00").rstrip()) is None
    assert len(fixed(told([gsv(), gga(NOON, YARD), gsv(), rmc(NOON, YARD), gsv()]))) == 1


@pytest.mark.parametrize("order", [(gga, rmc), (rmc, gga)])
def test_midnight_begins_a_new_day_in_every_order_of_sentences(order: tuple[Any, ...]) -> None:
    begun = datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC)
    moments = [begun + timedelta(seconds=second) for second in range(5)]
    lines = [make(at, YARD) for at in moments for make in order]
    assert [epoch.at for epoch in fixed(told(lines))] == moments


def test_midnight_is_noticed_when_the_rmc_after_it_was_lost_and_days_later_still() -> None:
    begun = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    moments = [begun + timedelta(hours=3 * step) for step in range(20)]
    lines = [rmc(begun, YARD), *(gga(at, YARD) for at in moments)]
    assert [epoch.at for epoch in fixed(told(lines))] == moments


def test_without_a_date_there_is_no_position() -> None:
    assert told([gga(NOON, YARD), vtg(YARD)]) == [Unfixed(NO_DATE)]


@pytest.mark.parametrize(
    ("quality", "fix"),
    [
        (SINGLE, "single"),
        (DIFFERENTIAL, "differential"),
        (RTK_FIXED, "rtk_fixed"),
        (RTK_FLOAT, "rtk_float"),
        (ESTIMATED, "estimated"),
    ],
)
def test_the_kind_of_fix_is_told_and_says_how_far_it_may_be_off(quality: int, fix: str) -> None:
    place = YARD._replace(quality=quality, dilution=1.0)
    [whole] = fixed(told([gga(NOON, place), rmc(NOON, place)]))
    assert whole.position.fix == fix
    [bare] = fixed(told([rmc(NOON, place)]))
    assert bare.position.fix == fix
    assert bare.position.sigma_m > whole.position.sigma_m
    assert not bare.is_whole


@pytest.mark.parametrize(
    "lines",
    [
        [gga(NOON, YARD._replace(quality=WITHOUT)), rmc(NOON, YARD._replace(quality=WITHOUT))],
        [gga(NOON, YARD), rmc(NOON, YARD._replace(quality=WITHOUT))],
        [rmc(NOON, YARD), gga(NOON, YARD._replace(quality=WITHOUT))],
        [sentence("GNGGA,,,,,,0,00,99.99,,,,,,"), sentence("GNRMC,,V,,,,,,,,,,N")],
    ],
    ids=["both say so", "RMC says so", "GGA says so", "not even a time"],
)
def test_no_fix_is_never_a_position(lines: list[bytes]) -> None:
    assert {*told(lines)} == {Unfixed(NO_FIX)}


def test_what_the_simulated_receiver_sends_is_read_back() -> None:
    [epoch] = fixed(told([rmc(NOON, YARD), vtg(YARD), gga(NOON, YARD)]))
    assert epoch.position == PositionReading(
        point=Point(pytest.approx(115.987654), pytest.approx(29.712345), 12.5),
        frame="wgs84",
        heading_deg=90.0,
        speed_mps=10.0,
        sigma_m=pytest.approx(3.2),
        fix="single",
        satellites=12,
    )


# --- bad input ---------------------------------------------------------------------------------------

GOOD = "GNGGA,120000.00,2942.7407000,N,11559.2592400,E,1,12,0.80,20.500,M,-8.000,M,,"
RMC = "GNRMC,120000.00,A,2942.7407,N,11559.2592,E,19.4,90.0,231126,,,A"


def changed(body: str, number: int, value: str) -> bytes:
    """`body` with another value in a field."""
    fields = body.split(",")
    fields[number] = value
    return sentence(",".join(fields)).rstrip()


@pytest.mark.parametrize(
    ("line", "field", "rule"),
    [
        (sentence(GOOD).rstrip()[:-2] + b"00", "checksum", "60 at offset 78, '00' is not"),
        (sentence(GOOD).rstrip()[:-3], "line", "begins with $ and ends with"),
        (b"\xff\xfe\x00", "line", "begins with $"),
        (b"$*00", "", ""),
        (sentence("QZGGA" + GOOD[5:]).rstrip(), "talker", "one of GP, GN, GB, BD, GA, GL, QZ is not"),
        (sentence(GOOD[:40]).rstrip(), "GGA", "at least 12 fields, 4 end at 44"),
        (changed(GOOD, 1, "250000.00"), "time", "hhmmss.ss, '250000.00' is not"),
        (changed(GOOD, 1, "12:00:00"), "time", ""),
        (changed(GOOD, 1, ""), "time", ""),
        (changed(GOOD, 2, "2975.0"), "latitude", "ddmm.mm, '2975.0' is not"),
        (changed(GOOD, 2, "9100.0"), "latitude", "at most 90 degrees"),
        (changed(GOOD, 2, "9000.1"), "latitude", "at most 90 degrees"),
        (changed(GOOD, 2, "nan"), "latitude", ""),
        (changed(GOOD, 2, ""), "latitude", ""),
        (changed(GOOD, 3, "Q"), "latitude", "N or S, 'Q' is not"),
        (changed(GOOD, 4, "18100.0"), "longitude", "at most 180 degrees"),
        (changed(GOOD, 4, "1559.2"), "longitude", "dddmm.mm"),
        (changed(GOOD, 6, "7"), "quality", "one of 0 1 2 3 4 5 6, '7' is not"),
        (changed(GOOD, 6, "8"), "quality", "one of"),
        (changed(GOOD, 6, ""), "quality", "one of"),
        (changed(GOOD, 7, "-1"), "satellites", "a number from 0 to 99"),
        (changed(GOOD, 8, "1e9"), "dilution", "a number from 0 to 100"),
        (changed(GOOD, 9, "inf"), "altitude", "a number from -20000 to 20000"),
        (changed(RMC, 2, "X"), "status", "A or V, 'X' is not"),
        (changed(RMC, 9, "320126"), "date", "ddmmyy, '320126' is not"),
        (changed(RMC, 9, "290226"), "date", "ddmmyy"),
        (changed(RMC, 9, ""), "date", "ddmmyy"),
        (changed(RMC, 12, "S"), "mode", "one of N A D P R F E, 'S' is not"),
        (changed(RMC, 7, "-5"), "speed", "a number from 0 to 2000"),
        (changed(RMC, 8, "361"), "course", "a number from 0 to 360"),
    ],
)
def test_a_bad_sentence_is_refused_with_field_and_rule(line: bytes, field: str, rule: str) -> None:
    if not field:
        assert decode(line) is None, "nothing in it, and its checksum is right"
        return
    with pytest.raises(FieldRejected) as refused:
        decode(line)
    assert refused.value.field == field
    assert rule in refused.value.rule
