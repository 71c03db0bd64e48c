"""What codecs of JSON share: cutting a message up, naming what is wrong, knowing nodes. Pure.

A gateway speaks for nodes: tags, sensors, collars. Each node is a device of its own, enrolled with the
gateway's id and the name that the gateway knows it under.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from devices.transport.decoding import Arrived, FieldRejected, by_content
from kernel.messages import AnyReading, Observation, Rejected
from kernel.misfit import misfit

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


Boot = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
"""Number of a device's start, exact in JSON."""
Sequence = Annotated[int, msgspec.Meta(ge=1, lt=2**53)]
"""Number of a message since then, exact in JSON."""


class _Identity(msgspec.Struct, frozen=True):
    boot: Boot
    sequence: Sequence


_identity = msgspec.json.Decoder(_Identity)


def json_parts(payload: bytes) -> list[bytes]:
    """The bytes of each element of a list, or of the one object. Raises FieldRejected for anything else."""
    try:
        if payload.lstrip(b" \t\r\n").startswith(b"["):
            return [bytes(part) for part in msgspec.json.decode(payload, type=list[msgspec.Raw])]
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FieldRejected("message", "one JSON object or a list of them") from None
    return [payload]


def wrong_json(error: Exception, field: str = "message") -> FieldRejected:
    """What msgspec found wrong, as field and rule; `field` where it is the whole."""
    if not isinstance(error, msgspec.ValidationError):
        return FieldRejected(field, "a JSON object")
    place, rule = misfit(error)
    return FieldRejected(f"{field}{place}" if place.startswith("[") else place or field, rule)


def known_identity(raw: bytes) -> tuple[int, int] | None:
    """Boot and sequence of a report that is otherwise wrong, so that it counts as settled; None unless both
    can be read and can be numbers."""
    try:
        known = _identity.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return known.boot, known.sequence


def moment(field: str, seconds: float) -> datetime:
    """A time that is told in seconds since 1970, UTC, to the microsecond."""
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise FieldRejected(field, "seconds since 1970") from None


def zoned(field: str, at: datetime) -> datetime:
    """`at` as it is, if it says in which zone: else nobody knows when it was."""
    if at.tzinfo is None:
        raise FieldRejected(field, "carries a time zone")
    return at


def hexadecimal(field: str, text: str) -> str:
    """Whole bytes as the product writes them, in capitals; makers use either case."""
    try:
        return bytes.fromhex(text).hex().upper()
    except ValueError:
        raise FieldRejected(field, "hexadecimal of whole bytes") from None


class Gateway:
    """A message of a gateway, and the nodes it may speak for."""

    def __init__(self, arrived: Arrived, nodes: Mapping[str, str]) -> None:
        self._arrived = arrived
        self._nodes = nodes

    def device_of(self, field: str, name: str) -> str:
        """The device that the gateway calls `name`; hexadecimal names are the same in either case."""
        device_id = self._nodes.get(name) or self._nodes.get(name.lower()) or self._nodes.get(name.upper())
        if device_id is None:
            raise FieldRejected(field, "a node of this gateway")
        return device_id

    def observation(
        self, device_id: str, observed_at: datetime, reading: AnyReading, *, known_by: bytes, raw: bytes
    ) -> Observation:
        """A reading of a node. Of one time, kind and `known_by` there is one, however often it comes."""
        return by_content(device_id, observed_at, reading, raw, known_by=known_by)

    def rejected(self, error: FieldRejected, raw: bytes) -> Rejected:
        """`raw` for quarantine, under the gateway that sent it."""
        return Rejected(
            device_id=self._arrived.device_id,
            field=error.field,
            rule=error.rule,
            raw=raw,
            received_at=self._arrived.received_at,
        )
