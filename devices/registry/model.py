"""What enrolment demands of a device. Pure."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from devices.messages import Connection, EnrolDevice

SECRET_LENGTH_MIN = 24
SECRET_LENGTH_MAX = 256
CODE_LENGTH_MIN = 12
"""60 bits in base 32: not to be guessed in the minutes that a code lives."""
ENROLMENT_CODE_LASTS = timedelta(minutes=15)
DEVICE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""No `/`, `+`, `#` or `:`: a device's id is a level of its topics and a name in the broker's files."""

Reach = Literal["dialled", "broker", "http"]


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """How a driver family is reached, and after how much silence its devices count as offline."""

    reach: Reach
    silence: timedelta


FAMILIES: Mapping[str, Family] = {
    "llrp": Family(reach="dialled", silence=timedelta(minutes=15)),
    "modbus_weighbridge": Family(reach="dialled", silence=timedelta(minutes=15)),
    "modbus_barrier": Family(reach="dialled", silence=timedelta(minutes=15)),
    "mqtt_position": Family(reach="broker", silence=timedelta(seconds=30)),
    "pda": Family(reach="http", silence=timedelta(hours=12)),
}
"""The driver folders; each manifest says the same, and a test holds them together."""


class Refusal(msgspec.Struct, frozen=True):
    """The rule an enrolment breaks."""

    field: str
    rule: str


def check_enrolment(command: EnrolDevice) -> Refusal | None:
    """The first rule the enrolment breaks, or None."""
    if not DEVICE_ID.fullmatch(command.device_id):
        return Refusal("device_id", "1 to 64 letters, digits, dots, dashes or underscores")
    family = FAMILIES.get(command.family)
    if family is None:
        return Refusal("family", f"one of {', '.join(sorted(FAMILIES))}")
    if family.reach == "dialled":
        return _check_connection(command.connection)
    return check_secret(command.secret)


def _check_connection(connection: Connection) -> Refusal | None:
    if not connection.host:
        return Refusal("connection.host", "given, for a device that we dial")
    if not 1 <= connection.port <= 65_535:
        return Refusal("connection.port", "1 to 65535")
    if not 0 <= connection.unit <= 247:
        return Refusal("connection.unit", "0 to 247")
    return None


def check_secret(secret: str, length_min: int = SECRET_LENGTH_MIN) -> Refusal | None:
    if not length_min <= len(secret) <= SECRET_LENGTH_MAX:
        return Refusal("secret", f"{length_min} to {SECRET_LENGTH_MAX} characters")
    return None


def digest(secret: str) -> str:
    """SHA-256 in hexadecimal. Enough for long random secrets; people's passwords are hashed elsewhere."""
    return hashlib.sha256(secret.encode()).hexdigest()


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the registry remembers of a device's last contact."""

    state: str
    last_seen_at: datetime
    missing_count: int = 0


def shown_state(family: str, state: State | None, now: datetime) -> str:
    """`never`; `offline` after the family's silence; `gap` while numbers are missing; else its last word."""
    if state is None:
        return "never"
    known = FAMILIES.get(family)
    if known is not None and now - state.last_seen_at > known.silence:
        return "offline"
    return "gap" if state.missing_count and state.state == "online" else state.state
