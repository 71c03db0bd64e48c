"""Typed ids. An id is text: a prefix that names its kind, an underscore, 26 sortable characters.

The characters are Crockford base32 over 48 bits of milliseconds and 80 random bits (the ULID layout),
so ids sort by the time they were made and need no extension of the database.
"""

import secrets
from collections.abc import Callable
from typing import NewType

from kernel.clock import Clock
from kernel.rng import Rng

PartyId = NewType("PartyId", str)
PersonId = NewType("PersonId", str)
SiteId = NewType("SiteId", str)
DeviceId = NewType("DeviceId", str)
UnitId = NewType("UnitId", str)
LotId = NewType("LotId", str)
SlotId = NewType("SlotId", str)
GateId = NewType("GateId", str)
VehicleId = NewType("VehicleId", str)
DeliveryId = NewType("DeliveryId", str)
OrderId = NewType("OrderId", str)
TaskId = NewType("TaskId", str)
HoldId = NewType("HoldId", str)
ReleaseId = NewType("ReleaseId", str)
ReceiptId = NewType("ReceiptId", str)
FacilityId = NewType("FacilityId", str)
LoanId = NewType("LoanId", str)
AlarmId = NewType("AlarmId", str)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _base32(value: int) -> str:
    digits = []
    for _ in range(26):
        value, digit = divmod(value, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


class Ids:
    """Makes new ids from a clock and a source of random bytes."""

    def __init__(self, clock: Clock, random_bytes: Callable[[int], bytes]) -> None:
        self._clock = clock
        self._random_bytes = random_bytes

    @classmethod
    def unguessable(cls, clock: Clock) -> "Ids":
        """Ids whose random part comes from the operating system."""
        return cls(clock, secrets.token_bytes)

    @classmethod
    def seeded(cls, clock: Clock, rng: Rng) -> "Ids":
        """Ids that repeat with the seed: for simulation only."""
        return cls(clock, rng.bytes)

    def new(self, kind: str) -> str:
        """A new id such as `lot_01JD…`; `kind` is its prefix."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        tail = int.from_bytes(self._random_bytes(10), "big")
        return f"{kind}_{_base32((milliseconds << 80) | tail)}"
