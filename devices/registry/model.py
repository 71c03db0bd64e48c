"""What enrolment demands of a device. Pure."""

import hashlib
import re
from datetime import date, datetime, timedelta

import msgspec

from devices.families import FAMILIES
from devices.messages import CalibrateDevice, EnrolDevice
from devices.transport.decoding import FieldRejected

SECRET_LENGTH_MIN = 24
SECRET_LENGTH_MAX = 256
CODE_LENGTH_MIN = 12
"""60 bits in base 32: not to be guessed in the minutes that a code lives."""
REASON_LENGTH_MAX = 500
NAME_LENGTH_MAX = 120
ENROLMENT_CODE_LASTS = timedelta(minutes=15)
RESERVED_IDS = frozenset({"tallyhouse", "product"})
"""Names that the product itself signs in by, in any case of letters: no device may take one."""
INSPECTION = "devices:"
DEVICE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""No `/`, `+`, `#` or `:`: a device's id is a level of its topics and a name in the broker's files."""


def inspection_of(site_id: str) -> str:
    """The subject that whoever may see and accept the site's devices is granted."""
    return INSPECTION + site_id


class Refusal(msgspec.Struct, frozen=True):
    """The rule an enrolment breaks."""

    field: str
    rule: str


def check_enrolment(command: EnrolDevice) -> Refusal | None:
    """The first rule the enrolment breaks, or None."""
    if not DEVICE_ID.fullmatch(command.device_id):
        return Refusal("device_id", "1 to 64 letters, digits, dots, dashes or underscores")
    if command.device_id.lower() in RESERVED_IDS:
        return Refusal("device_id", "not a name of the product itself")
    family = FAMILIES.get(command.family)
    if family is None:
        return Refusal("family", f"one of {', '.join(sorted(FAMILIES))}")
    try:
        family.settings(command.connection)
    except FieldRejected as error:
        return Refusal(f"connection.{error.field}", error.rule)
    return None if family.reach in ("dialled", "listens") else check_secret(command.secret)


def check_acceptance(family: str, secret: str) -> Refusal | None:
    """The first rule an acceptance breaks, or None."""
    known = FAMILIES[family]
    if not known.is_witness:
        return Refusal("device_id", "a device whose readings can be evidence")
    return check_secret(secret) if known.reach == "broker" else None


def check_calibration(command: CalibrateDevice, today: date) -> Refusal | None:
    """The first rule a certificate breaks, or None."""
    for field in ("certificate", "performed_by"):
        if not 1 <= len(getattr(command, field).strip()) <= NAME_LENGTH_MAX:
            return Refusal(field, f"1 to {NAME_LENGTH_MAX} characters")
    if len(command.notes) > REASON_LENGTH_MAX:
        return Refusal("notes", f"at most {REASON_LENGTH_MAX} characters")
    if command.performed_on > today:
        return Refusal("performed_on", "not in the future")
    return (
        None if command.valid_until > command.performed_on else Refusal("valid_until", "after performed_on")
    )


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
