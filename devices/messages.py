"""Commands and events of devices."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from kernel.messages import Command, Event

BarrierAction = Literal["open", "close"]
CLOCK_AHEAD_MAX: Final = timedelta(minutes=5)
"""A device's clock may be ahead of ours by this much: what it tells may bear a moment so much later."""
GATE_SILENCE_MAX: Final = timedelta(minutes=15)
"""What says nothing for longer does not watch a gate, however seldom its family speaks elsewhere."""


class EnrolDevice(Command, frozen=True, kw_only=True):
    """Admit a device to a site. `family` is one of the driver folders; `mount_id` its place in the layout.

    `connection` holds what the family's manifest asks for under `parameters`.
    `secret` is the device's own credential (MQTT password or HTTP token, at least 24 characters); only
    digests of it are kept, so whoever enrols hands it to the device at once. Enrolling a device again
    replaces its place, connection and credential; a device never changes its site or family.

    Whoever enrols a device could make it say anything: what it says is no evidence that goods are here until
    another party has accepted this enrolment (`AcceptDevice`).
    """

    site_id: str
    device_id: str
    family: str
    mount_id: str | None = None
    subject_ref: str | None = None
    connection: Mapping[str, Any] = msgspec.field(default_factory=dict)
    secret: str = ""


class InviteInspector(Command, frozen=True, kw_only=True):
    """The keeper lets a bank see the site's devices, accept them and distrust them. Inviting twice changes
    nothing; the right does not end with a facility, for others may rest on what the bank accepted."""

    site_id: str
    party_id: str


class AcceptDevice(Command, frozen=True, kw_only=True):
    """A party that did not enrol the device vouches that it is what it says and hangs where it says.

    `enrolment` is the one that was looked at. `secret` is the device's credential from now on, where its
    family has one and nobody accepted it before: the one that whoever enrolled it knows ends. Others may
    accept it too, each for itself; the credential stays with the first.
    """

    device_id: str
    enrolment: int
    secret: str = ""


class DistrustDevice(Command, frozen=True, kw_only=True):
    """Take the party's acceptance back: unless another party's stands, what the device says from now on is no
    evidence. `reason`: 1 to 500 characters."""

    device_id: str
    reason: str


class RotateDeviceKey(Command, frozen=True, kw_only=True):
    """Give a device a new credential without looking at it again: by the party that accepted it first alone.
    Every other party's acceptance ends. `secret` is the new one; the old one ends at once."""

    device_id: str
    secret: str


class CalibrateDevice(Command, frozen=True, kw_only=True):
    """Enter a certificate of calibration or legal verification. `performed_on` is not in the future,
    `valid_until` after it; `certificate` and `performed_by` have 1 to 120 characters, `notes` at most 500."""

    device_id: str
    certificate: str
    performed_by: str
    performed_on: date
    valid_until: date
    notes: str = ""


class RetireDevice(Command, frozen=True, kw_only=True):
    """Take a device out of service: its credential ends at once and later readings go to quarantine."""

    device_id: str


class OrderDevice(Command, frozen=True, kw_only=True):
    """A person has a device do something that its family's manifest has under `orders`, and says why.

    What is guarded by more than the device itself is not ordered this way: a barrier is moved by
    `MoveBarrierByHand`. `reason`: 3 to 200 characters.
    """

    device_id: str
    action: str
    reason: str
    parameters: Mapping[str, Any] = msgspec.field(default_factory=dict)


class SetSiteBounds(Command, frozen=True, kw_only=True):
    """How far a site reaches from its origin, in millimetres; positions beyond it are refused."""

    site_id: str
    width_mm: int
    length_mm: int
    height_mm: int


class IssueEnrolmentCode(Command, frozen=True, kw_only=True):
    """Make a one-time code with which a handheld becomes `device_id` of the site. `secret` is the code."""

    site_id: str
    secret: str
    device_id: str | None = None


class EnrolHandheld(Command, frozen=True, kw_only=True):
    """Redeem a code: `secret` is the code, `token` the credential the handheld will use from now on."""

    secret: str
    token: str


class DeviceAccepted(Event, frozen=True, kw_only=True):
    """From `accepted_at` on the party vouches for the device; the first such makes its readings evidence."""

    site_id: str
    device_id: str
    enrolment: int
    party_id: str
    accepted_at: datetime


class Unvouched(msgspec.Struct, frozen=True, kw_only=True):
    """A device in service that a party does not vouch for.

    `is_evidence` while others do; `accepted_by` are their names. `ended_at` and `end_cause` (as in
    `AcceptanceEnded`, or `rekeyed`: another party gave it a new key) are of the party's own last acceptance,
    None when there was none.
    """

    device_id: str
    is_evidence: bool
    accepted_by: tuple[str, ...]
    ended_at: datetime | None
    end_cause: str | None


class VouchedByOthers(msgspec.Struct, frozen=True, kw_only=True):
    """A span in which a device was evidence by the word of other parties alone. `accepted_by` are their
    names; a span that lasts ends now. `until` lies as far beyond its end as a device's clock may be ahead:
    what was said within it may bear a moment up to there."""

    device_id: str
    accepted_by: tuple[str, ...]
    since: datetime
    until: datetime


class Unwatched(msgspec.Struct, frozen=True, kw_only=True):
    """A span, over by now, in which no device on this mount of the layout watched for a party: none that it
    accepts was in service (`not_accepted`), or that one was not heard for a quarter of an hour or not in
    working order (`silent`). `until` lies as far beyond its end as a device's clock may be ahead, but for a
    span before the first device watched: what was said before that is no evidence."""

    mount_id: str
    why: Literal["not_accepted", "silent"]
    since: datetime
    until: datetime


class AcceptanceEnded(Event, frozen=True, kw_only=True):
    """Nobody vouches for the device: its readings are evidence no longer. `cause` is `enrolled` (anew),
    `distrusted`, `layout` (its place in the layout changed) or `cloned` (two speak under its identity)."""

    site_id: str
    device_id: str
    cause: str
    ended_at: datetime


class DeviceOrdered(Event, frozen=True, kw_only=True):
    """An order is queued. `action` is one that the manifest of the device's family has under `orders`."""

    site_id: str
    device_id: str
    command_id: str
    action: str
    cause: str
    ref_id: str | None
    commanded_at: datetime
    parameters: Mapping[str, Any] = msgspec.field(default_factory=dict)


class DeviceOrderConfirmed(Event, frozen=True, kw_only=True):
    """The device's own feedback says that the order is carried out."""

    site_id: str
    device_id: str
    command_id: str
    action: str
    ref_id: str | None
    confirmed_at: datetime
    parameters: Mapping[str, Any] = msgspec.field(default_factory=dict)


class DeviceOrderFailed(Event, frozen=True, kw_only=True):
    """The order was not carried out, or nobody knows; `reason` is one of `devices.families.FAILURES` or of
    those that the manifest has for the order."""

    site_id: str
    device_id: str
    command_id: str
    action: str
    ref_id: str | None
    reason: str
    failed_at: datetime
    parameters: Mapping[str, Any] = msgspec.field(default_factory=dict)


class EnrolmentCodeIssued(Event, frozen=True, kw_only=True):
    site_id: str
    device_id: str
    expires_at: datetime
