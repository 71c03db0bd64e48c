"""A parser that is not ours (npm, complete-teltonika-parser) understands packets as we do.

No package encodes, so it reads what the simulated terminal sends, and the maker's own examples, beside our
codec. It checks the checksum with code of its own. Codec 16 it gets wrong: it does not know the byte that
says what made the record, and reads the maker's example as 1970. Nor does it know places below the sea.
"""

import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from devices.drivers.teltonika.codec import Record, decode_packet, observed_at
from kernel.clock import ManualClock
from kernel.rng import Rng
from simulators.protocols.teltonika.frames import Codec, Fix, packet, record
from tests.contract.peers import ask

GOLDEN = tomllib.loads((Path(__file__).parent / "golden.toml").read_text())
CODECS: tuple[Codec, ...] = (0x08, 0x8E)
IDS = (1, 21, 66, 69, 182, 239, 240, 241)


def some_packet(rng: Rng, codec: Codec, at: datetime) -> bytes:
    records = []
    for number in range(rng.integer(1, 8)):
        fix = Fix(
            rng.integer(-89_999_999, 89_999_999) / 1e6,
            rng.integer(-179_999_999, 179_999_999) / 1e6,
            rng.integer(0, 5_000),
            rng.integer(0, 359),
            rng.integer(0, 150),
            rng.integer(0, 20),
        )
        elements = {name: rng.bytes(2 ** rng.integer(0, 3)) for name in IDS if rng.chance(0.6)}
        moment = at + timedelta(milliseconds=number)
        records.append(record(moment, fix, elements=elements, priority=rng.integer(0, 2), codec=codec))
    return packet(records, codec)


def test_a_foreign_parser_reads_packets_as_we_do(rng: Rng, clock: ManualClock) -> None:
    packets = [bytes.fromhex(golden["hex"]) for golden in GOLDEN["packet"].values()]
    packets = [raw for raw in packets if raw[8] in CODECS]
    packets += [some_packet(rng, codec, clock.advance(60)) for codec in CODECS for _ in range(10)]
    for raw, theirs in zip(packets, ask("teltonika.cjs", [raw.hex() for raw in packets]), strict=True):
        ours = decode_packet(raw)
        assert ours.broken is None
        assert (theirs["codec"], theirs["count"]) == (raw[8], ours.stated_count)
        assert theirs["crc"] == int.from_bytes(raw[-4:], "big")
        for read, other in zip(ours.records, theirs["records"], strict=True):
            compare(read, other)


def compare(ours: Record, theirs: dict[str, Any]) -> None:
    assert observed_at(ours) == datetime.fromisoformat(theirs["at"])
    assert ours.priority == theirs["priority"]
    gps = theirs["gps"]
    assert round(gps["Longitude"] * 1e7) == ours.longitude_e7
    assert round(gps["Latitude"] * 1e7) == ours.latitude_e7
    assert (gps["Altitude"], gps["Angle"]) == (ours.altitude_m, ours.heading_deg)
    assert (gps["Satellites"], gps["Speed"]) == (ours.satellites, ours.speed_kmh)
    assert {int(name) for name in theirs["elements"]} == set(ours.elements)
