"""What an encoder that is not ours (PyPI, pynmeagps) sends is read and put together as it was meant."""

from datetime import UTC, datetime, timedelta

import pytest
from pynmeagps import GET, NMEAMessage, NMEAReader

from devices.drivers.nmea.codec import TALKERS, decode
from devices.drivers.nmea.epochs import Epochs, Fixed
from kernel.rng import Rng
from simulators.protocols.nmea.frames import Place, gga, rmc, vtg

FIXES = {1: "single", 2: "differential", 4: "rtk_fixed", 5: "rtk_float", 6: "estimated"}
MODES = {1: "A", 2: "D", 4: "R", 5: "F", 6: "E"}
BEGUN = datetime(2026, 11, 23, 23, 59, 30, tzinfo=UTC)
EPOCHS = 120


def some_place(rng: Rng) -> Place:
    return Place(
        round(rng.uniform(-89, 89), 6),
        round(rng.uniform(-179, 179), 6),
        round(rng.uniform(-300, 4_000), 1),
        round(rng.uniform(-90, 80), 1),
        round(rng.uniform(0, 359), 1),
        round(rng.uniform(0, 120), 1),
        list(FIXES)[rng.integer(0, len(FIXES) - 1)],
        rng.integer(4, 40),
        round(rng.uniform(0.5, 9), 1),
    )


def their_epoch(at: datetime, place: Place, talker: str) -> list[bytes]:
    where = {"time": at.time(), "lat": place.latitude_deg, "lon": place.longitude_deg}
    knots = round(place.speed_kmh / 1.852, 3)
    fix = NMEAMessage(
        talker,
        "GGA",
        GET,
        **where,
        quality=place.quality,
        numSV=place.satellites,
        HDOP=place.dilution,
        alt=place.altitude_m,
        altUnit="M",
        sep=place.geoid_m,
        sepUnit="M",
    )
    course = {"spd": knots, "cog": place.course_deg, "posMode": MODES[place.quality]}
    least = NMEAMessage(talker, "RMC", GET, **where, status="A", date=at.date(), **course)
    speed = NMEAMessage(talker, "VTG", GET, cogt=place.course_deg, sogn=knots, sogk=place.speed_kmh)
    return [fix.serialize(), least.serialize(), speed.serialize()]


@pytest.mark.parametrize("talker", TALKERS)
def test_a_foreign_encoders_epochs_are_positions_over_midnight(rng: Rng, talker: str) -> None:
    epochs, found, places = Epochs(), [], []
    for second in range(EPOCHS):
        places.append(some_place(rng))
        for line in their_epoch(BEGUN + timedelta(seconds=second), places[-1], talker):
            read = decode(line.rstrip())
            assert read is not None
            found += epochs.add(read, line)
    found += epochs.finish()
    assert len(found) == EPOCHS
    for second, (told, place) in enumerate(zip(found, places, strict=True)):
        assert isinstance(told, Fixed)
        assert told.at == BEGUN + timedelta(seconds=second)
        position = told.position
        assert (position.point.x_m, position.point.y_m) == pytest.approx(
            (place.longitude_deg, place.latitude_deg), abs=1e-7
        )
        assert position.point.z_m == pytest.approx(place.altitude_m + place.geoid_m)
        assert (position.fix, position.satellites) == (FIXES[place.quality], place.satellites)
        assert position.speed_mps == pytest.approx(place.speed_kmh / 3.6, abs=0.002)
        assert position.heading_deg == place.course_deg


def test_what_the_simulated_receiver_sends_is_understood_by_the_foreign_parser(rng: Rng) -> None:
    for _ in range(EPOCHS):
        place = some_place(rng)
        fix = NMEAReader.parse(gga(BEGUN, place))
        assert (fix.lat, fix.lon) == pytest.approx((place.latitude_deg, place.longitude_deg), abs=1e-7)
        assert (fix.quality, fix.numSV, fix.alt) == (place.quality, place.satellites, place.altitude_m)
        least = NMEAReader.parse(rmc(BEGUN, place))
        assert (least.date, least.time) == (BEGUN.date(), BEGUN.time())
        assert least.cog == place.course_deg
        assert NMEAReader.parse(vtg(place)).sogk == place.speed_kmh
