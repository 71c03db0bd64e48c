"""Devices under whose identity two speak: an alarm, and nobody vouches for what is said under it any more.

Whoever holds a device's credential, or knows its number, can say anything in its name. So no acceptance
stands once two were told apart: a party looks at the device again, and gives it a new credential where it has
one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from devices.messages import AcceptanceEnded
from devices.registry import store
from kernel.messages import DeviceCloned
from kernel.tx import Tx

IDENTITY: Final = "identity"
"""The field of what is set aside, or turned away, because two speak under one identity."""
TOLD_EVERY: Final = timedelta(minutes=1)
"""While it goes on it is told so often; at once when somebody has accepted the device meanwhile."""


class CloneSign(msgspec.Struct, frozen=True, kw_only=True):
    """What shows that two speak as `device_id`: a number that came again with another content, or what was
    `said` of connections."""

    device_id: str
    seen_at: datetime
    observation_id: str = ""
    said: str = ""


async def tell_clones(tx: Tx, signs: Iterable[CloneSign]) -> None:
    """Raise the alarm for each device in service and end its acceptances, in the order of ids so that two
    writers cannot deadlock. Strangers and retired devices have nothing to copy."""
    latest = {sign.device_id: sign for sign in signs}
    for device_id, sign in sorted(latest.items()):
        known = await store.mark_cloned(tx, device_id, TOLD_EVERY)
        if known is None:
            continue
        if known["is_accepted"]:
            await store.end_acceptances(tx, device_id, "cloned")
            await store.note(tx, known["site_id"], device_id, known["enrolment"], "cloned")
            tx.emit(
                AcceptanceEnded(
                    site_id=known["site_id"], device_id=device_id, cause="cloned", ended_at=tx.now
                )
            )
        tx.emit(
            DeviceCloned(
                site_id=known["site_id"],
                device_id=device_id,
                seen_at=sign.seen_at,
                observation_id=sign.observation_id,
                said=sign.said,
                ended_acceptance=known["is_accepted"],
            )
        )
