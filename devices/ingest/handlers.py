"""Appending to the journal: one transaction per batch, each reading once, whatever the wire repeats."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from devices.ingest import counters, store
from devices.ingest.event_count_store import save_event_counts
from devices.ingest.event_counts import latest
from devices.ingest.model import Received, Registration, TurnedAway, check, rejected
from devices.ingest.ranges import Spans
from devices.ingest.readings import NUMBER_MAX, Bounds, Broken
from devices.ingest.store import Contact, Identity, Key
from devices.ingest.strangers import record_turned_away
from devices.messages import CLOCK_AHEAD_MAX
from devices.registry.clones import IDENTITY, CloneSign, tell_clones
from kernel.errors import Invalid
from kernel.messages import (
    CONTENT_BOOT_BASE,
    AckedThrough,
    AnimalBeacon,
    AnyReading,
    CodeScan,
    Observation,
    Rejected,
)
from kernel.tx import Tx

BATCH_OBSERVATIONS_MAX = 10_000
HOLES_MAX = 1_000
"""A device with more holes in its numbers is told to fill them first; it keeps what is not acknowledged."""
SCATTERED = Broken("sequence", f"next to one that came, above {HOLES_MAX} holes")
CLONED = Broken(IDENTITY, "cloned: one device, boot and sequence, one time and one reading")


log = structlog.get_logger("ingest")

Item = Received | Rejected
Content = tuple[datetime, AnyReading]


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch. `acked` holds, per device and boot, through where nothing is missing."""

    acked: dict[Key, AckedThrough]
    settled: dict[Key, Spans]
    stored: int
    duplicates: int
    rejected: list[Rejected]


class Acked(AckedThrough, frozen=True, kw_only=True):
    """The acknowledgement of one device's batch, and what of it went to quarantine."""

    rejected: tuple[Rejected, ...] = ()


async def record(tx: Tx, site_id: str, batch: Sequence[Item]) -> Recorded:
    """Append what is new of `batch` to the site's journal and set aside what breaks a rule.

    The site's journal row is locked first, so positions are gapless and in commit order and two writers
    never see half of each other. Nothing is kept as received later than now. Raises Invalid for a batch above
    `BATCH_OBSERVATIONS_MAX`.
    """
    if len(batch) > BATCH_OBSERVATIONS_MAX:
        raise Invalid("observations.batch", field="batch", rule=f"at most {BATCH_OBSERVATIONS_MAX}")
    batch = _come_by_now(site_id, batch, tx.now)
    known = await store.registrations(tx, {_device_of(item) for item in batch})
    here = {device_id for device_id, device in known.items() if device.site_id == site_id}
    # A stranger must not be able to make journals of sites that do not exist.
    position = await store.lock_journal(tx, site_id) if here else 0
    accepted, refused = _judge(batch, site_id, known, await store.bounds_of(tx, site_id))
    marks = await store.watermarks(tx, _keys(accepted, refused, here))
    fresh, duplicates, strange = await _new_ones(tx, accepted, marks)
    fresh, replayed = await _without_replays(tx, fresh)
    refused += strange + replayed
    if fresh:
        await store.insert_observations(tx, site_id, position, fresh, known)
        await store.move_journal(tx, site_id, position + len(fresh))
    await _quarantine(tx, site_id, refused, known)
    await tell_clones(tx, [_sign(entry) for entry in refused if entry.field == IDENTITY])
    grown = _settle(marks, fresh, refused)
    await store.save_watermarks(tx, {key: spans for key, spans in grown.items() if spans != marks[key]})
    await save_event_counts(tx, latest(fresh))
    await store.save_states(tx, site_id, _contacts(accepted, refused, here))
    return Recorded(
        acked={key: store.ack(key[1], spans) for key, spans in grown.items()},
        settled=grown,
        stored=len(fresh),
        duplicates=duplicates,
        rejected=refused,
    )


def _come_by_now(site_id: str, batch: Sequence[Item], now: datetime) -> Sequence[Item]:
    """Nothing has been received after now, whatever an edge whose clock is ahead says: its devices would be
    heard in times to come. When a reading was observed is judged by that too."""
    ahead = max((item.received_at for item in batch), default=now) - now
    if ahead <= timedelta(0):
        return batch
    if ahead > CLOCK_AHEAD_MAX:
        log.warning("edge_clock_ahead", site_id=site_id, ahead_s=round(ahead.total_seconds()))
    return [
        msgspec.structs.replace(item, received_at=now) if item.received_at > now else item for item in batch
    ]


async def _quarantine(
    tx: Tx, site_id: str, refused: Sequence[Rejected], known: Mapping[str, Registration]
) -> None:
    """List each entry where somebody will look: at its device's own site, whatever site it spoke for."""
    by_site: dict[str, list[Rejected]] = {}
    for entry in refused:
        if entry.device_id in known:
            by_site.setdefault(known[entry.device_id].site_id, []).append(entry)
    for home, entries in by_site.items():
        await store.insert_quarantine(tx, home, entries)
    strangers = [_turned_away(entry) for entry in refused if entry.device_id not in known]
    if strangers:
        await record_turned_away(tx, site_id, strangers)


def _sign(entry: Rejected) -> CloneSign:
    """A number that came again, or what a port says of two connections."""
    is_number = entry.boot is not None and entry.sequence is not None
    return CloneSign(
        device_id=entry.device_id,
        seen_at=entry.received_at,
        observation_id=f"{entry.device_id}:{entry.boot}:{entry.sequence}" if is_number else "",
        said="" if is_number else entry.raw.decode(errors="replace"),
    )


def _turned_away(entry: Rejected) -> TurnedAway:
    return TurnedAway(
        device_id=entry.device_id,
        field=entry.field,
        rule=entry.rule,
        said=entry.raw,
        first_at=entry.received_at,
        last_at=entry.received_at,
    )


async def record_observations(
    tx: Tx, site_id: str, observations: Sequence[Observation], sent_at: datetime | None = None
) -> Acked:
    """Store the readings of one boot of one device inside the caller's transaction. `sent_at` is the device's
    clock when it sent them.

    Returns through which sequence number everything is committed once this transaction is, and which of
    the readings were set aside with the rule they broke. Raises Invalid when they are of several devices.
    """
    keys = {(observation.device_id, observation.boot) for observation in observations}
    if len(keys) != 1:
        raise Invalid("observations.one_device", field="observations", rule="one device and one boot")
    recorded = await record(
        tx,
        site_id,
        [
            Received(observation=observation, received_at=tx.now, sent_at=sent_at)
            for observation in observations
        ],
    )
    (device_id, boot) = keys.pop()
    through = recorded.acked.get((device_id, boot), AckedThrough(boot=boot, sequence=0))
    return Acked(boot=boot, sequence=through.sequence, rejected=tuple(recorded.rejected))


async def set_aside(tx: Tx, site_id: str, entries: Sequence[Rejected]) -> None:
    """Note in quarantine what somebody found wrong with readings that are in the journal already.

    The readings stay, and no watermark moves; the same bytes again only count up.
    """
    await store.insert_quarantine(tx, site_id, entries)


def _device_of(item: Item) -> str:
    return item.device_id if isinstance(item, Rejected) else item.observation.device_id


def _identity(observation: Observation) -> Identity:
    return observation.device_id, observation.boot, observation.sequence


def _judge(
    batch: Sequence[Item], site_id: str, known: Mapping[str, Registration], bounds: Bounds
) -> tuple[list[Received], list[Rejected]]:
    accepted: list[Received] = []
    refused: list[Rejected] = []
    for item in batch:
        if isinstance(item, Rejected):
            refused.append(item)
            continue
        broken = check(item, site_id, known.get(item.observation.device_id), bounds)
        if broken is None:
            accepted.append(item)
        else:
            refused.append(rejected(item, broken))
    return accepted, refused


def _keys(accepted: Sequence[Received], refused: Sequence[Rejected], here: set[str]) -> set[Key]:
    """The numbered series this batch touches; strangers get no watermark, or they could fill the table."""
    keys = {(item.observation.device_id, item.observation.boot) for item in accepted}
    keys |= {
        (entry.device_id, entry.boot)
        for entry in refused
        if entry.boot is not None and entry.sequence is not None and entry.device_id in here
    }
    return {key for key in keys if key[1] < CONTENT_BOOT_BASE}


async def _new_ones(
    tx: Tx, accepted: Sequence[Received], marks: Mapping[Key, Spans]
) -> tuple[list[Received], int, list[Rejected]]:
    """Split into new readings, a count of repeats, and what is refused for its identity: clones (one
    identity with two contents) and numbers too far scattered."""
    if _go_on(accepted, marks):
        return list(accepted), 0, []
    named = [(_identity(item.observation), item) for item in accepted]
    again = {
        identity: item.observation.observed_at for identity, item in named if _may_have_come(identity, marks)
    }
    kept = await store.stored(tx, again)
    seen: dict[Identity, Content | Observation] = {
        identity: (at, _apart_from_person(reading)) for identity, (at, reading) in kept.items()
    }
    fresh: list[Received] = []
    refused: list[Rejected] = []
    duplicates = 0
    spans = {key: len(settled) for key, settled in marks.items()}
    for identity, item in named:
        earlier = seen.get(identity)
        if earlier is None and (identity not in again or _is_content(identity)):
            key = identity[:2]
            if key in marks and _is_apart(identity, marks[key], seen):
                if spans[key] > HOLES_MAX:
                    refused.append(msgspec.structs.replace(rejected(item, SCATTERED), sequence=None))
                    continue
                spans[key] += 1
            seen[identity] = item.observation
            fresh.append(item)
        elif earlier is None or _content(earlier) == _content(item.observation):
            duplicates += 1
        else:
            refused.append(rejected(item, CLONED))
    return fresh, duplicates, refused


def _go_on(accepted: Sequence[Received], marks: Mapping[Key, Spans]) -> bool:
    """Whether every number is the next or a later one of its series, as on most days: then all are new. What
    has or makes many holes is looked at closely, and so is what is known by its content."""
    last = {key: spans.last for key, spans in marks.items()}
    holes = {key: len(spans) for key, spans in marks.items()}
    for item in accepted:
        observation = item.observation
        key, number = (observation.device_id, observation.boot), observation.sequence
        before = last.get(key, NUMBER_MAX)
        if number != before + 1:
            if number <= before:
                return False
            holes[key] += 1
        last[key] = number
    return all(count <= HOLES_MAX for count in holes.values())


async def _without_replays(tx: Tx, fresh: list[Received]) -> tuple[list[Received], list[Rejected]]:
    """Set aside the beacons of ear tags that were heard before, and keep each tag's counter for the next."""
    beacons = [item.observation.reading for item in fresh]
    tags = {counters.tag_of(beacon) for beacon in beacons if isinstance(beacon, AnimalBeacon)}
    if not tags:
        return fresh, []
    known = await store.tag_counters(tx, tags)
    marks = dict(known)
    kept: list[Received] = []
    refused: list[Rejected] = []
    for item in fresh:
        broken = counters.admit(item, marks)
        if broken is None:
            kept.append(item)
        else:
            refused.append(rejected(item, broken))
    await store.save_tag_counters(tx, {tag: mark for tag, mark in marks.items() if mark != known.get(tag)})
    return kept, refused


def _is_content(identity: Identity) -> bool:
    return identity[1] >= CONTENT_BOOT_BASE


def _may_have_come(identity: Identity, marks: Mapping[Key, Spans]) -> bool:
    """Whether the journal has to be asked: a series knows its numbers, content says nothing beforehand."""
    return _is_content(identity) or identity[2] in marks[identity[:2]]


def _is_apart(identity: Identity, settled: Spans, seen: Collection[Identity]) -> bool:
    """Whether neither neighbour of the number is there, before this batch or in it: it makes a hole."""
    device_id, boot, sequence = identity
    return not any(
        number in settled or (device_id, boot, number) in seen for number in (sequence - 1, sequence + 1)
    )


def _content(seen: Content | Observation) -> Content:
    """What makes two of one identity the same reading."""
    if isinstance(seen, Observation):
        return seen.observed_at, _apart_from_person(seen.reading)
    return seen


def _apart_from_person(reading: AnyReading) -> AnyReading:
    """A scan that waited on a handheld may be sent by whoever signs in next: it is the same scan."""
    return msgspec.structs.replace(reading, person_id=None) if isinstance(reading, CodeScan) else reading


def _settle(
    marks: Mapping[Key, Spans], fresh: Sequence[Received], refused: Sequence[Rejected]
) -> dict[Key, Spans]:
    """The watermarks with this batch: stored and set aside both count, for neither need come again."""
    numbers: dict[Key, list[int]] = {key: [] for key in marks}
    for item in fresh:
        key = item.observation.device_id, item.observation.boot
        if key in numbers:
            numbers[key].append(item.observation.sequence)
    for entry in refused:
        if entry.boot is not None and entry.sequence is not None and (entry.device_id, entry.boot) in numbers:
            numbers[entry.device_id, entry.boot].append(entry.sequence)
    return {key: marks[key].with_numbers(added) for key, added in numbers.items()}


def _contacts(
    accepted: Sequence[Received], refused: Sequence[Rejected], here: set[str]
) -> dict[str, Contact]:
    contacts: dict[str, Contact] = {}
    for item in accepted:
        device_id = item.observation.device_id
        contact = contacts.get(device_id)
        if contact is None:
            contact = contacts[device_id] = Contact()
        contact.add(item)
    for entry in refused:
        if entry.device_id in here:
            contact = contacts.setdefault(entry.device_id, Contact())
            contact.errors += 1
            contact.see(entry.received_at)
    return contacts
