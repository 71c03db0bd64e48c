"""What codecs and their transports share: a message as it arrived, and how a broken rule is told. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec


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
