"""Devices under whose identity two speak: one alarm each, for as long as it goes on.

It concerns no goods by name: what the device says is no evidence any more (`devices.registry.clones`), and
whatever needs it as a witness waits until a party accepts it anew. Grade `check`, closed by a person.
"""

from typing import Final

import msgspec

from kernel.messages import DeviceCloned
from kernel.tx import Row, Tx
from twin.alarms import store
from twin.alarms.incidents import raised
from twin.messages import AlarmEvidence, AlarmKind

KIND: Final[AlarmKind] = "device_cloned"
SIGNS_KEPT: Final = 20
"""Of an alarm that goes on, the first sign and so many of the newest ones."""


async def on_device_cloned(event: DeviceCloned, tx: Tx) -> None:
    """Raise the alarm, or add the sign to the one that is active."""
    known = await store.active_of(tx, event.site_id, KIND, [event.device_id])
    before = known[0] if known else None
    alarm = _alarm(event, before, tx)
    if before is None:
        await store.insert_alarm(tx, alarm)
        tx.emit(raised(alarm))
    else:
        await store.update_alarm(tx, alarm, reopen=False)


def _alarm(event: DeviceCloned, before: Row | None, tx: Tx) -> Row:
    signs = [] if before is None else before["evidence"]
    signs = [*signs[:1], *signs[1:][1 - SIGNS_KEPT :], msgspec.to_builtins(_sign(event))]
    reasons = [] if before is None else before["facts"]["reasons"]
    reasons = list(dict.fromkeys([*reasons, *_reasons(event)]))
    return {
        "alarm_id": tx.ids.new("alarm") if before is None else before["alarm_id"],
        "site_id": event.site_id,
        "kind": KIND,
        "subject": event.device_id,
        "grade": "check",
        "gate_id": None,
        "vehicle_id": None,
        "lot_ids": [],
        "unit_ids": [],
        "first_at": event.seen_at if before is None else min(before["first_at"], event.seen_at),
        "last_at": event.seen_at,
        "raised_at": tx.now,
        "facts": {"device_id": event.device_id, "reasons": reasons},
        "evidence": signs,
    }


def _reasons(event: DeviceCloned) -> list[str]:
    reason = "number_repeated" if event.observation_id else "two_connections"
    return [reason, *(["acceptance_ended"] if event.ended_acceptance else [])]


def _sign(event: DeviceCloned) -> AlarmEvidence:
    """What the pages show of it (`viz/web/shared/seen.ts`): the number, or where connections came from."""
    boot_and_number = event.observation_id.rsplit(":", 2)[1:]
    said = event.said or "two connections"
    return AlarmEvidence(
        observation_id=event.observation_id,
        device_id=event.device_id,
        modality=None,
        at=event.seen_at,
        summary="number {1} of boot {0}".format(*boot_and_number) if boot_and_number else said,
    )
