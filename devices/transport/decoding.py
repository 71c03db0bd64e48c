"""What codecs and their transports share: a message as it arrived, how a broken rule is told, a reading that
nobody numbered. Pure."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from kernel.messages import AnyReading, Observation, content_identity


class FieldRejected(ValueError):
    """A field of a message breaks a rule. Its driver turns this into a quarantine entry."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a broker as it came: `site_id` and `device_id` are what its topic says.

    `channel` is the rest of the topic: `observation`, or `vendor/…` for what speaks its maker's own format.
    `settings` holds the parameters of its family's manifest, as the device was enrolled with them.
    """

    site_id: str
    device_id: str
    payload: bytes
    received_at: datetime
    channel: str = "observation"
    settings: Mapping[str, Any] = {}


def by_content(
    device_id: str,
    observed_at: datetime,
    reading: AnyReading,
    raw: bytes,
    *,
    known_by: bytes | None = None,
    is_suspect: bool = False,
) -> Observation:
    """An observation that its device does not number: it is known by its time, its kind and its bytes.

    `known_by` stands for the bytes where these change though the reading is the same.
    """
    kind = str(reading.__struct_config__.tag).encode()
    boot, sequence = content_identity(observed_at, kind + b"\0" + (raw if known_by is None else known_by))
    return Observation(
        device_id=device_id,
        boot=boot,
        sequence=sequence,
        observed_at=observed_at,
        reading=reading,
        quality="suspect" if is_suspect else "good",
        raw_sha256=hashlib.sha256(raw).hexdigest(),
    )
