"""Devices that are turned away before they can say anything, and readings of devices that nobody enrolled.

Whoever knocks decides how often and under how many names, so what is kept is bounded: the same device that
breaks the same rule counts up one row, and only so many new strangers are listed an hour; the rest count up
one row together.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from devices.ingest import store
from devices.ingest.model import TurnedAway
from kernel.tx import Tx

STRANGERS_PER_HOUR_MAX = 60
"""New strangers listed one by one at each site, and beside all sites, within an hour."""
OTHERS = "*"
"""Stands for the strangers beyond that. No enrolled device and no address is called so."""
NAME_LENGTH_MAX = 64
"""Of the name a stranger gives; an enrolled device's has no more."""

Key = tuple[str, str, str]
"""Device, field and rule: what is counted together."""


async def record_turned_away(tx: Tx, site_id: str | None, batch: Sequence[TurnedAway]) -> None:
    """List the batch in quarantine: an enrolled (or retired) device at its own site, a stranger at `site_id`,
    or beside all sites when that is none of ours."""
    batch = [_with_a_name_to_show(entry) for entry in batch]
    known = await store.registrations(tx, {entry.device_id for entry in batch})
    elsewhere = site_id if site_id is not None and await store.is_site(tx, site_id) else None
    by_site: dict[str | None, list[TurnedAway]] = {}
    for entry in batch:
        device = known.get(entry.device_id)
        if device is None:
            by_site.setdefault(elsewhere, []).append(entry)
        else:
            rule = "not retired" if device.retired_at is not None else entry.rule
            by_site.setdefault(device.site_id, []).append(msgspec.structs.replace(entry, rule=rule))
    # Two that count at once could both list the last stranger of the hour.
    await store.lock_strangers(tx)
    for home, entries in by_site.items():
        merged = together(entries)
        listed = await store.turned_away(tx, home, merged)
        room = STRANGERS_PER_HOUR_MAX - await store.strangers_since(tx, home, tx.now - timedelta(hours=1))
        await store.count_turned_away(tx, home, within(merged, listed, known.keys(), room), known.keys())


def together(batch: Iterable[TurnedAway]) -> dict[Key, TurnedAway]:
    """One entry for each device, field and rule, with how often; what was said last stands for all."""
    merged: dict[Key, TurnedAway] = {}
    for entry in batch:
        key = entry.device_id, entry.field, entry.rule
        before = merged.get(key)
        merged[key] = entry if before is None else _joined(before, entry)
    return merged


def within(
    batch: dict[Key, TurnedAway], listed: Collection[Key], known: Collection[str], room: int
) -> list[TurnedAway]:
    """The batch with no more than `room` strangers that are not `listed` yet; the others as one, `OTHERS`."""
    kept: list[TurnedAway] = []
    others: TurnedAway | None = None
    for key, entry in batch.items():
        is_new_stranger = key not in listed and entry.device_id not in known
        if not is_new_stranger or room > 0:
            kept.append(entry)
            room -= is_new_stranger
        else:
            others = entry if others is None else _joined(others, entry)
    if others is not None:
        rule = f"at most {STRANGERS_PER_HOUR_MAX} new strangers an hour are listed one by one"
        kept.append(msgspec.structs.replace(others, device_id=OTHERS, field="device_id", rule=rule))
    return kept


def _joined(before: TurnedAway, entry: TurnedAway) -> TurnedAway:
    first_at: datetime = min(before.first_at, entry.first_at)
    return msgspec.structs.replace(
        entry,
        times=before.times + entry.times,
        first_at=first_at,
        last_at=max(before.last_at, entry.last_at),
    )


def _with_a_name_to_show(entry: TurnedAway) -> TurnedAway:
    """Whatever a stranger calls itself, its name can be stored and shown; an enrolled one stays as it is."""
    name = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in entry.device_id
    )
    if len(name) > NAME_LENGTH_MAX:
        name = name[: NAME_LENGTH_MAX - 1] + "…"
    return msgspec.structs.replace(entry, device_id=name)
