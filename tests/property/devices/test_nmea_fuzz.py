"""Whatever a receiver sends: a line is a sentence or refused by name, and epochs are positions that ingest
judges."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.nmea.codec import LINE_BYTES_MAX, Gga, Rmc, Vtg, decode
from devices.drivers.nmea.driver import NmeaDriver
from devices.drivers.nmea.epochs import Epochs, Fixed
from devices.ingest.model import Received, Registration, check
from devices.ingest.readings import Bounds
from devices.transport.decoding import FieldRejected
from kernel.clock import ManualClock
from kernel.messages import Observation, PositionReading
from simulators.protocols.nmea.frames import Place, gga, rmc, sentence, vtg

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
TRUCK = Registration(device_id="rover", site_id="site-a", family="nmea")

values = st.sampled_from(
    ["", "0", "1", "4", "8", "N", "E", "A", "V", "M", "120000.00", "2942.7407", "231126"]
)
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
kinds = st.sampled_from(["GNGGA", "BDGGA", "GPRMC", "GBRMC", "GAVTG", "GLVTG", "QZGGA", "PUBX", "GNGSV"])
made = st.builds(
    lambda kind, fields: sentence(",".join([kind, *fields])).rstrip(),
    kinds,
    st.lists(values | texts | st.floats().map(str), max_size=18),
)
lines = made | st.binary(max_size=LINE_BYTES_MAX)
places = st.builds(
    Place,
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.floats(-400, 9_000),
    st.floats(-100, 100),
    st.floats(0, 360),
    st.floats(0, 300),
    st.sampled_from([0, 1, 2, 4, 5, 6]),
    st.integers(0, 40),
    st.floats(0, 99),
)


def driven(data: list[bytes]) -> list[object]:
    """What a driver makes of a stream that comes in pieces; the connection then ends."""
    driver = NmeaDriver("rover", "127.0.0.1", 1, ManualClock(NOW), 1)
    return [item for piece in data for item in driver._heard(piece)] + list(driver._lost("cut"))


def cut(data: bytes, edges: list[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(edge % (len(data) + 1) for edge in edges)})
    return [data[start:end] for start, end in pairwise(marks)]


@given(lines)
def test_any_line_is_a_sentence_another_or_refused_by_name(line: bytes) -> None:
    try:
        read = decode(line)
    except FieldRejected as error:
        assert error.field
        assert error.rule
        return
    assert read is None or isinstance(read, Gga | Rmc | Vtg)
    if isinstance(read, Gga | Rmc) and read.place is not None:
        longitude_deg, latitude_deg = read.place
        assert -180 <= longitude_deg <= 180
        assert -90 <= latitude_deg <= 90


@given(st.lists(lines, max_size=12))
def test_any_sentences_make_positions_that_ingest_has_a_verdict_on(some: list[bytes]) -> None:
    for item in driven([line + b"\r\n" for line in some]):
        if isinstance(item, Observation):
            broken = check(Received(observation=item, received_at=NOW), "site-a", TRUCK, Bounds())
            assert broken is None or (broken.field and broken.rule)


@given(st.lists(places, min_size=1, max_size=6), st.lists(st.integers(0, 5_000), max_size=20))
def test_a_stream_cut_anywhere_gives_the_same_positions(some: list[Place], edges: list[int]) -> None:
    stream = b""
    for second, place in enumerate(some):
        at = NOW + timedelta(seconds=second)
        stream += rmc(at, place) + vtg(place) + gga(at, place)
    whole = driven([stream])
    assert whole == driven(cut(stream, edges))
    positions = [
        item for item in whole if isinstance(item, Observation) and isinstance(item.reading, PositionReading)
    ]
    assert len(positions) == sum(place.quality != 0 for place in some)


@given(
    st.lists(st.integers(1, 40_000), min_size=1, max_size=30),
    st.integers(0, 86_399),
    st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_dates_follow_the_time_of_day_however_often_midnight_comes(
    gaps_s: list[int], begun_s: int, has_rmc: list[bool]
) -> None:
    """Epochs up to eleven hours apart; the first has an RMC, of the others some."""
    epochs, at, found, wanted = Epochs(), NOW.replace(hour=0) + timedelta(seconds=begun_s), [], []
    place = Place(29.7, 116.0)
    for number, gap_s in enumerate(gaps_s):
        wanted.append(at)
        for line in [*([rmc(at, place)] if number == 0 or has_rmc[number] else []), gga(at, place)]:
            read = decode(line.rstrip())
            assert read is not None
            found += epochs.add(read, line)
        at += timedelta(seconds=gap_s)
    found += epochs.finish()
    assert [told.at for told in found if isinstance(told, Fixed)] == wanted
