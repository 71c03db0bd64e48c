"""Whether a reading may enter the journal. Pure: the first broken rule decides, and says which field."""

import hashlib
from datetime import UTC, datetime

import msgspec

from devices.families import FAMILIES
from devices.ingest.readings import NUMBER_MAX, Bounds, Broken, broken_rule
from devices.messages import CLOCK_AHEAD_MAX
from kernel.messages import CONTENT_BOOT_BASE, Observation, Rejected, content_sequence

EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""Nothing was measured before the product existed; a clock that lost its battery says 1970 or 2000."""


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What ingest knows about a device."""

    device_id: str
    site_id: str
    family: str
    retired_at: datetime | None = None
    accepted_at: datetime | None = None

    def vouches_at(self, moment: datetime) -> bool:
        """Whether a second party had accepted the device then."""
        return self.accepted_at is not None and self.accepted_at <= moment


class Received(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A reading and when the edge got it."""

    observation: Observation
    received_at: datetime
    sent_at: datetime | None = None
    """The device's clock when it sent this, where it tells that: what was observed long before says nothing
    of how far its clock is ahead."""


TurnedAwayKey = tuple[str, str, str, str]
"""What is counted together: device, field, rule, and the digest of what it said where that is kept apart."""


class TurnedAway(msgspec.Struct, frozen=True, kw_only=True):
    """A device that was refused, `times` in all, for the `rule` that its `field` breaks.

    `device_id` is the name it gave, or the address it came from when it gave none or we cannot know it.
    `said` is what it said, as far as that tells more: the last of it, unless `is_apart`.
    """

    device_id: str
    field: str
    rule: str
    first_at: datetime
    last_at: datetime
    said: bytes = b""
    times: int = 1
    is_apart: bool = False
    """Each different `said`, such as a topic it wanted, is counted by itself."""

    @property
    def key(self) -> TurnedAwayKey:
        digest = hashlib.sha256(self.said).hexdigest() if self.is_apart else ""
        return self.device_id, self.field, self.rule, digest


def reading_kind(observation: Observation) -> str:
    """The name of the reading's kind as the journal keeps it, such as `tag_read`."""
    return str(observation.reading.__struct_config__.tag)


def rejected(received: Received, broken: Broken) -> Rejected:
    """`received` as a quarantine entry; the raw bytes are the observation as JSON."""
    observation = received.observation
    return Rejected(
        device_id=observation.device_id,
        field=broken.field,
        rule=broken.rule,
        raw=msgspec.json.encode(observation),
        received_at=received.received_at,
        boot=observation.boot if 0 <= observation.boot <= NUMBER_MAX else None,
        sequence=observation.sequence if 1 <= observation.sequence <= NUMBER_MAX else None,
    )


def check(
    received: Received, site_id: str, registration: Registration | None, bounds: Bounds
) -> Broken | None:
    """The first rule that the reading breaks at `site_id`, or None when it may be stored."""
    observation = received.observation
    return (
        _check_device(observation, site_id, registration)
        or _check_identity(observation)
        or _check_time(observation, received.received_at)
        or _check_content(observation)
        or broken_rule(observation.reading, bounds)
    )


def _check_device(observation: Observation, site_id: str, registration: Registration | None) -> Broken | None:
    if registration is None:
        return Broken("device_id", "an enrolled device")
    if registration.site_id != site_id:
        return Broken("device_id", "a device of this site")
    if registration.retired_at is not None and observation.observed_at >= registration.retired_at:
        return Broken("device_id", "not retired")
    family = FAMILIES.get(registration.family)
    # A scale that sends tag reads is not the scale.
    if family is None or reading_kind(observation) not in family.kinds:
        return Broken("reading.kind", f"a kind that {registration.family} reports")
    return None


def _check_identity(observation: Observation) -> Broken | None:
    if not 0 <= observation.boot <= NUMBER_MAX:
        return Broken("boot", "0 or more, exact in JSON")
    if not 1 <= observation.sequence <= NUMBER_MAX:
        return Broken("sequence", "1 or more, exact in JSON")
    return None


def _check_time(observation: Observation, received_at: datetime) -> Broken | None:
    observed_at = observation.observed_at
    if observed_at.tzinfo is None:
        return Broken("observed_at", "carries a time zone")
    if observed_at > received_at and observed_at - received_at > CLOCK_AHEAD_MAX:
        return Broken("observed_at", f"at most {CLOCK_AHEAD_MAX.seconds} s in the future")
    if observed_at < EARLIEST:
        return Broken("observed_at", f"not before {EARLIEST.date().isoformat()}")
    return None


def _check_content(observation: Observation) -> Broken | None:
    """A reading that is known by its content has its time in its identity, so that it is looked for there."""
    is_numbered = observation.boot < CONTENT_BOOT_BASE
    if is_numbered or observation.sequence == content_sequence(observation.observed_at):
        return None
    return Broken("sequence", "observed_at in microseconds, beside a boot that is a digest")
