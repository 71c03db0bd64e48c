"""What devices were told to forget, part by part of a run, and whether the journal holds it in order."""

from array import array
from collections import defaultdict
from collections.abc import Iterable

import msgspec

from app.bench.watch import BENCH
from app.database import Database
from kernel.messages import Observation
from kernel.tx import Row

# One row a device, its readings in the order of the journal.
SERIES = """
    SELECT device_id, array_agg(boot ORDER BY position) AS boots,
        array_agg(sequence ORDER BY position) AS sequences, array_agg(position ORDER BY position) AS positions
    FROM devices.observation WHERE site_id = %(site_id)s AND device_id = %(device_id)s GROUP BY device_id"""
DEVICES = "SELECT device_id FROM devices.device WHERE site_id = %(site_id)s ORDER BY device_id"
Numbers = tuple["array[int]", "array[int]"]
"""Boots and sequence numbers, side by side."""
Reading = tuple[str, int, int]
"""Device, boot and sequence."""


class Settled(msgspec.Struct, kw_only=True):
    """What became of what was acknowledged."""

    acknowledged: int = 0
    lost: int = 0
    """Acknowledged, and not in the journal."""
    out_of_order: int = 0
    """Before one in the journal that its device handed in earlier in the same part of the run."""
    unasked: int = 0
    """In the journal, and never handed in."""
    positions: dict[Reading, int] = {}
    """Where the readings are that were asked for."""


class Ledger:
    """Notes readings as they are acknowledged, each device's in the order in which it handed them in.

    A part may be one in which the edge finds the line mended: what was handed in before it noticed is kept
    and follows what was handed in after that, so that each device may go back once.
    """

    def __init__(self) -> None:
        self._parts: dict[str, dict[str, Numbers]] = defaultdict(dict)
        self._mended: set[str] = set()

    def begin(self, part: str, *, mended: bool = False) -> None:
        """What is noted under this name from now on is a part of its own."""
        if mended:
            self._mended.add(part)

    def note(self, part: str, observations: Iterable[Observation]) -> None:
        """These are acknowledged."""
        of_part = self._parts[part]
        for observation in observations:
            device_id = observation.device_id
            if device_id not in of_part:
                of_part[device_id] = array("q"), array("q")
            boots, sequences = of_part[device_id]
            boots.append(observation.boot)
            sequences.append(observation.sequence)

    async def settle(self, database: Database, site_id: str, wanted: Iterable[Reading] = ()) -> Settled:
        """Compare with the journal, device by device."""
        by_device: dict[str, list[Reading]] = defaultdict(list)
        for reading in wanted:
            by_device[reading[0]].append(reading)
        settled = Settled()
        async with database.write(BENCH) as tx:
            for row in await tx.rows(DEVICES, {"site_id": site_id}):
                series = await tx.row(SERIES, {"site_id": site_id, "device_id": row["device_id"]})
                place = {} if series is None else _places(series)
                self._settle(settled, row["device_id"], place)
                settled.positions |= {reading: place[reading[1:]] for reading in by_device[row["device_id"]]}
        return settled

    def _settle(self, settled: Settled, device_id: str, place: dict[tuple[int, int], int]) -> None:
        asked: set[tuple[int, int]] = set()
        for part, of_part in self._parts.items():
            last, turns = 0, int(part in self._mended)
            for number in zip(*of_part.get(device_id, ((), ())), strict=True):
                position = place.get(number)
                settled.acknowledged += number not in asked
                asked.add(number)
                if position is None:
                    settled.lost += 1
                    continue
                if position < last and turns:
                    last, turns = 0, turns - 1
                settled.out_of_order += position < last
                last = max(last, position)
        settled.unasked += len(place.keys() - asked)


def _places(series: Row) -> dict[tuple[int, int], int]:
    """The position of each boot and sequence number of a device."""
    numbers = zip(series["boots"], series["sequences"], strict=True)
    return dict(zip(numbers, series["positions"], strict=True))
