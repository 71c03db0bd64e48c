"""Devices that are turned away before they can say anything, and readings of devices that nobody enrolled.

Whoever knocks decides how often and under how many names, so what is kept is bounded: the same device that
breaks the same rule counts up one row, or one for each of so many things it wanted; only so many new
strangers are listed an hour; the rest count up one row together.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from devices.ingest import store
from devices.ingest.model import TurnedAway, TurnedAwayKey
from devices.registry.clones import IDENTITY, CloneSign, tell_clones
from kernel.tx import Tx

STRANGERS_PER_HOUR_MAX = 60
"""New strangers listed one by one at each site, and beside all sites, within an hour."""
OTHERS = "*"
"""Stands for the strangers beyond that. No enrolled device and no address is called so."""
NAME_LENGTH_MAX = 64
"""Of the name a stranger gives; an enrolled device's has no more."""
APART_MAX = 32
"""Different things that one device said against one rule and that are listed one by one, such as topics."""
BEYOND_APART = f"at most {APART_MAX} different ones are listed one by one"


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
        apart = await store.listed_apart(tx, home, merged)
        merged = within_its_share(merged, await store.turned_away(tx, home, merged), apart)
        listed = await store.turned_away(tx, home, merged)
        room = STRANGERS_PER_HOUR_MAX - await store.strangers_since(tx, home, tx.now - timedelta(hours=1))
        await store.count_turned_away(tx, home, within(merged, listed, known.keys(), room), known.keys())
    await tell_clones(tx, [_sign(entry) for entry in batch if entry.field == IDENTITY])


def _sign(entry: TurnedAway) -> CloneSign:
    return CloneSign(
        device_id=entry.device_id, seen_at=entry.last_at, said=entry.said.decode(errors="replace")
    )


def together(batch: Iterable[TurnedAway]) -> dict[TurnedAwayKey, TurnedAway]:
    """One entry for each key, with how often; what was said last stands for all."""
    merged: dict[TurnedAwayKey, TurnedAway] = {}
    for entry in batch:
        before = merged.get(entry.key)
        merged[entry.key] = entry if before is None else _joined(before, entry)
    return merged


def within_its_share(
    batch: Mapping[TurnedAwayKey, TurnedAway],
    listed: Collection[TurnedAwayKey],
    apart: Mapping[tuple[str, str, str], int],
) -> dict[TurnedAwayKey, TurnedAway]:
    """The batch with no device above `APART_MAX` entries for one rule; what goes beyond counts as one more.

    `apart` tells how many are listed already, by device, field and rule.
    """
    counts = Counter(apart)
    kept: list[TurnedAway] = []
    for key, entry in batch.items():
        if entry.is_apart and key not in listed:
            counts[key[:3]] += 1
            is_beyond = counts[key[:3]] > APART_MAX
            kept.append(_beyond_its_share(entry) if is_beyond else entry)
        else:
            kept.append(entry)
    return together(kept)


def _beyond_its_share(entry: TurnedAway) -> TurnedAway:
    return msgspec.structs.replace(entry, is_apart=False, rule=BEYOND_APART)


def within(
    batch: Mapping[TurnedAwayKey, TurnedAway],
    listed: Collection[TurnedAwayKey],
    known: Collection[str],
    room: int,
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
        kept.append(
            msgspec.structs.replace(others, device_id=OTHERS, field="device_id", rule=rule, is_apart=False)
        )
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
