"""The topics of our own devices: what they say on, what they hear on, and the reply after commit. Pure."""

from typing import Final

import msgspec

from kernel.messages import AckedThrough

TOPIC_ROOT: Final = "tallyhouse/v1"
TOPICS: Final = (f"{TOPIC_ROOT}/+/+/observation", f"{TOPIC_ROOT}/+/+/vendor/#")
"""What the product hears."""


def reply_topic(site_id: str, device_id: str) -> str:
    return f"{TOPIC_ROOT}/{site_id}/{device_id}/reply"


def reply_payload(acked: AckedThrough) -> bytes:
    """`{"acked_through":{"boot":7,"sequence":123}}`."""
    return msgspec.json.encode({"acked_through": {"boot": acked.boot, "sequence": acked.sequence}})


def slow_down_payload(readings_per_s_max: int) -> bytes:
    """`{"slow_down":{"readings_per_s_max":50}}`."""
    return msgspec.json.encode({"slow_down": {"readings_per_s_max": readings_per_s_max}})


def rejected_payload(field: str, rule: str) -> bytes:
    """`{"rejected":{"field":"message","rule":"at most 262144 bytes"}}`: of a message that bears no number by
    which it could be acknowledged. To send it again is of no use."""
    return msgspec.json.encode({"rejected": {"field": field, "rule": rule}})


def place_of(topic: str) -> tuple[str, str, str]:
    """Site, device and channel of `tallyhouse/v1/{site}/{device}/{channel}`, the only form we hear."""
    _, _, site_id, device_id, channel = topic.split("/", 4)
    return site_id, device_id, channel
