"""The SQL of the journal, its watermarks and quarantine. A batch takes one statement, however long it is."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec
from psycopg.types.json import Jsonb

from devices.ingest.counters import Mark, Tag
from devices.ingest.model import (
    EARLIEST,
    Received,
    Registration,
    TurnedAway,
    TurnedAwayKey,
    reading_kind,
)
from devices.ingest.ranges import Spans
from devices.ingest.readings import Bounds
from devices.messages import CLOCK_AHEAD_MAX, GATE_SILENCE_MAX
from kernel.messages import (
    CONTENT_BOOT_BASE,
    AckedThrough,
    AnyReading,
    DeviceStatus,
    Envelope,
    Observation,
    Rejected,
)
from kernel.tx import ReadTx, Row, Tx

RAW_BYTES_MAX = 4_096
"""Quarantine keeps this much of what was refused; the digest is of all of it."""
HEARD_KEPT = timedelta(days=30)
"""How long before its last word it is known when a device was silent: longer than any evidence counts."""
SKEW_WINDOW_S = 600
"""A clock's lead is the greatest seen within this time: delay only ever makes it look smaller."""

Key = tuple[str, int]
"""Device and boot."""
Identity = tuple[str, int, int]
"""Device, boot and sequence."""

# Makes the site's row when it is new, and locks it either way until this transaction ends.
LOCK_JOURNAL = """
    INSERT INTO devices.journal AS j (site_id, position) VALUES (%(site_id)s, 0)
    ON CONFLICT (site_id) DO UPDATE SET position = j.position
    RETURNING position"""
MOVE_JOURNAL = "UPDATE devices.journal SET position = %(position)s WHERE site_id = %(site_id)s"
# A wake-up only: readers go on from their own position.
NOTIFY_JOURNAL = "SELECT pg_notify('tallyhouse_journal', %(site_id)s)"

REGISTRATIONS = """
    SELECT device_id, site_id, family, retired_at, accepted_at FROM devices.device
    WHERE device_id = ANY(%(device_ids)s)"""
BOUNDS = "SELECT width_mm, length_mm, height_mm FROM devices.site WHERE site_id = %(site_id)s"
WATERMARKS = """
    SELECT w.device_id, w.boot, w.settled::text AS settled
    FROM devices.watermark w
    JOIN unnest(%(device_ids)s::text[], %(boots)s::bigint[]) AS wanted (device_id, boot)
        USING (device_id, boot)"""
SAVE_WATERMARKS = """
    INSERT INTO devices.watermark (device_id, boot, settled, acked_through, max_sequence)
    SELECT device_id, boot, settled::int8multirange, acked_through, max_sequence
    FROM unnest(
        %(device_ids)s::text[], %(boots)s::bigint[], %(settled)s::text[], %(acked)s::bigint[],
        %(max)s::bigint[]
    ) AS fresh (device_id, boot, settled, acked_through, max_sequence)
    ON CONFLICT (device_id, boot) DO UPDATE SET settled = EXCLUDED.settled,
        acked_through = EXCLUDED.acked_through, max_sequence = EXCLUDED.max_sequence"""
# What the journal holds under identities that came again, in the partitions of a span of time.
STORED = """
    SELECT o.device_id, o.boot, o.sequence, o.observed_at, o.reading
    FROM devices.observation o
    JOIN unnest(%(device_ids)s::text[], %(boots)s::bigint[], %(sequences)s::bigint[])
        AS again (device_id, boot, sequence) USING (device_id, boot, sequence)
    WHERE o.observed_at BETWEEN %(first)s AND %(last)s"""
COPY_OBSERVATIONS = """
    COPY devices.observation (site_id, position, device_id, boot, sequence, observed_at, received_at,
        recorded_at, kind, quality, reading, raw_sha256, is_accepted) FROM STDIN (FORMAT BINARY)"""
OBSERVATION_TYPES = (
    *("text", "int8", "text", "int8", "int8"),
    *("timestamptz", "timestamptz", "timestamptz"),
    *("text", "text", "jsonb", "text", "bool"),
)
INSERT_QUARANTINE = """
    INSERT INTO devices.quarantine AS q (quarantine_id, site_id, device_id, boot, sequence, field, rule, raw,
        raw_sha256, received_at, last_received_at, times)
    VALUES (%(quarantine_id)s, %(site_id)s, %(device_id)s, %(boot)s, %(sequence)s, %(field)s, %(rule)s,
        %(raw)s, %(raw_sha256)s, %(received_at)s, %(received_at)s, 1)
    ON CONFLICT (coalesce(site_id, ''), device_id, coalesce(boot, -1), coalesce(sequence, -1), field, rule,
        raw_sha256)
    DO UPDATE SET times = q.times + 1,
        last_received_at = greatest(q.last_received_at, EXCLUDED.received_at)"""
IS_SITE = "SELECT EXISTS (SELECT FROM devices.device WHERE site_id = %(site_id)s)"
LOCK_STRANGERS = "SELECT pg_advisory_xact_lock(7245102)"
STRANGERS_SINCE = """
    SELECT count(*) FROM devices.quarantine
    WHERE is_stranger AND coalesce(site_id, '') = coalesce(%(site_id)s, '') AND received_at > %(since)s"""
# Those of a batch that were turned away before, for the same field and rule.
TURNED_AWAY = """
    SELECT q.device_id, q.field, q.rule, q.raw_sha256 FROM devices.quarantine q
    JOIN unnest(%(device_ids)s::text[], %(fields)s::text[], %(rules)s::text[], %(digests)s::text[])
        AS fresh (device_id, field, rule, raw_sha256) USING (device_id, field, rule, raw_sha256)
    WHERE coalesce(q.site_id, '') = coalesce(%(site_id)s, '')"""
# How many rows each device has for what it said against a rule.
LISTED_APART = """
    SELECT q.device_id, q.field, q.rule, count(*)::int AS listed FROM devices.quarantine q
    WHERE coalesce(q.site_id, '') = coalesce(%(site_id)s, '') AND q.raw_sha256 <> ''
        AND (q.device_id, q.field, q.rule) IN (
            SELECT * FROM unnest(%(device_ids)s::text[], %(fields)s::text[], %(rules)s::text[]))
    GROUP BY q.device_id, q.field, q.rule"""
# Whatever it says, the same device at the same rule is one row, its digest left empty for that; where each
# thing it says is a row of its own, the digest tells them apart.
COUNT_TURNED_AWAY = """
    INSERT INTO devices.quarantine AS q (quarantine_id, site_id, device_id, field, rule, raw, raw_sha256,
        received_at, last_received_at, times, is_stranger)
    VALUES (%(quarantine_id)s, %(site_id)s, %(device_id)s, %(field)s, %(rule)s, %(said)s, %(digest)s,
        %(first_at)s, %(last_at)s, %(times)s, %(is_stranger)s)
    ON CONFLICT (coalesce(site_id, ''), device_id, coalesce(boot, -1), coalesce(sequence, -1), field, rule,
        raw_sha256)
    DO UPDATE SET times = q.times + EXCLUDED.times, raw = EXCLUDED.raw,
        last_received_at = greatest(q.last_received_at, EXCLUDED.last_received_at)"""
# The newest statement wins by the device's own time; data after a gap says online again.
SAVE_STATES = """
    INSERT INTO devices.device_state AS d (device_id, site_id, state, state_at, last_seen_at, clock_skew_ms,
        skew_since, error_count, reading_count, heard)
    SELECT device_id, %(site_id)s, state, state_at, last_seen_at, skew_ms,
        CASE WHEN skew_ms IS NOT NULL THEN last_seen_at END, errors, readings, heard::tstzmultirange
    FROM unnest(
        %(device_ids)s::text[], %(states)s::text[], %(state_at)s::timestamptz[], %(seen)s::timestamptz[],
        %(skews)s::bigint[], %(errors)s::bigint[], %(readings)s::bigint[], %(heard)s::text[]
    ) AS fresh (device_id, state, state_at, last_seen_at, skew_ms, errors, readings, heard)
    ON CONFLICT (device_id) DO UPDATE SET
        state = CASE WHEN EXCLUDED.state_at >= d.state_at THEN EXCLUDED.state ELSE d.state END,
        state_at = greatest(d.state_at, EXCLUDED.state_at),
        last_seen_at = greatest(d.last_seen_at, EXCLUDED.last_seen_at),
        clock_skew_ms = CASE WHEN EXCLUDED.clock_skew_ms < d.clock_skew_ms
            AND d.skew_since >= EXCLUDED.skew_since - make_interval(secs => %(window_s)s)
            THEN d.clock_skew_ms ELSE coalesce(EXCLUDED.clock_skew_ms, d.clock_skew_ms) END,
        skew_since = CASE WHEN EXCLUDED.clock_skew_ms < d.clock_skew_ms
            AND d.skew_since >= EXCLUDED.skew_since - make_interval(secs => %(window_s)s)
            THEN d.skew_since ELSE coalesce(EXCLUDED.skew_since, d.skew_since) END,
        error_count = d.error_count + EXCLUDED.error_count,
        reading_count = d.reading_count + EXCLUDED.reading_count,
        heard = CASE WHEN coalesce(d.last_seen_at, EXCLUDED.last_seen_at) IS NULL THEN '{}'
            ELSE d.heard + EXCLUDED.heard + tstzmultirange(tstzrange(
                NULL, greatest(d.last_seen_at, EXCLUDED.last_seen_at) - %(heard_kept)s::interval)) END"""
JOURNAL_AFTER = """
    SELECT position, device_id, boot, sequence, observed_at, received_at, recorded_at, quality,
        reading::text AS reading, raw_sha256, is_accepted
    FROM devices.observation
    WHERE site_id = %(site_id)s AND position > %(position)s
    ORDER BY position LIMIT %(limit)s"""
JOURNAL_SITES = "SELECT site_id FROM devices.journal ORDER BY site_id"
# Locked, in one order, for a tag may be heard at two sites at once.
TAG_COUNTERS = """
    SELECT c.id_scheme, c.animal_id, c.key_id, c.counter, c.received_at
    FROM devices.tag_counter c
    JOIN unnest(%(schemes)s::text[], %(animals)s::text[], %(keys)s::text[])
        AS wanted (id_scheme, animal_id, key_id) USING (id_scheme, animal_id, key_id)
    ORDER BY c.animal_id, c.id_scheme, c.key_id FOR UPDATE OF c"""
SAVE_TAG_COUNTERS = """
    INSERT INTO devices.tag_counter AS c (id_scheme, animal_id, key_id, counter, received_at)
    SELECT id_scheme, animal_id, key_id, counter, received_at
    FROM unnest(
        %(schemes)s::text[], %(animals)s::text[], %(keys)s::text[], %(counters)s::bigint[],
        %(received_at)s::timestamptz[]
    ) AS fresh (id_scheme, animal_id, key_id, counter, received_at)
    ORDER BY animal_id, id_scheme, key_id
    ON CONFLICT (animal_id, id_scheme, key_id) DO UPDATE SET counter = EXCLUDED.counter,
        received_at = EXCLUDED.received_at WHERE EXCLUDED.counter > c.counter"""
MAKE_PARTITIONS = "SELECT devices.make_partitions(%(first_day)s, %(days)s)"


async def lock_journal(tx: Tx, site_id: str) -> int:
    """Lock the site's journal and return its last position."""
    position: int = await tx.value(LOCK_JOURNAL, {"site_id": site_id})
    return position


async def move_journal(tx: Tx, site_id: str, position: int) -> None:
    await tx.run(MOVE_JOURNAL, {"site_id": site_id, "position": position})
    await tx.run(NOTIFY_JOURNAL, {"site_id": site_id})


async def registrations(tx: ReadTx, device_ids: Collection[str]) -> dict[str, Registration]:
    rows = await tx.rows(REGISTRATIONS, {"device_ids": sorted(device_ids)})
    return {row["device_id"]: Registration(**row) for row in rows}


async def bounds_of(tx: ReadTx, site_id: str) -> Bounds:
    row = await tx.row(BOUNDS, {"site_id": site_id})
    if row is None:
        return Bounds()
    return Bounds(
        width_m=row["width_mm"] / 1000, length_m=row["length_mm"] / 1000, height_m=row["height_mm"] / 1000
    )


async def watermarks(tx: ReadTx, keys: Collection[Key]) -> dict[Key, Spans]:
    """The settled sequence numbers of each key; empty for a new one."""
    device_ids, boots = [key[0] for key in keys], [key[1] for key in keys]
    rows = await tx.rows(WATERMARKS, {"device_ids": device_ids, "boots": boots})
    known = {(row["device_id"], row["boot"]): Spans.from_sql(row["settled"]) for row in rows}
    return {key: known.get(key, Spans()) for key in keys}


async def save_watermarks(tx: Tx, marks: Mapping[Key, Spans]) -> None:
    if marks:
        await tx.run(
            SAVE_WATERMARKS,
            {
                "device_ids": [device_id for device_id, _ in marks],
                "boots": [boot for _, boot in marks],
                "settled": [spans.to_sql() for spans in marks.values()],
                "acked": [spans.through for spans in marks.values()],
                "max": [spans.last for spans in marks.values()],
            },
        )


async def stored(
    tx: ReadTx, again: Mapping[Identity, datetime]
) -> dict[Identity, tuple[datetime, AnyReading]]:
    """Time and reading of those identities that the journal holds.

    `again` gives the time under which each came again. A repeat has its first time, so the days of the batch
    are looked through first; only what is not there, a clone or a reading set aside, is looked for anywhere.
    What is known by its content has its time in its identity and can be nowhere else.
    """
    if not again:
        return {}
    found = await _stored(tx, again, min(again.values()), max(again.values()))
    numbered = [identity for identity in again if identity[1] < CONTENT_BOOT_BASE]
    elsewhere = [identity for identity in numbered if identity not in found]
    return found | await _stored(tx, elsewhere, EARLIEST, tx.now + CLOCK_AHEAD_MAX) if elsewhere else found


async def _stored(
    tx: ReadTx, identities: Collection[Identity], first: datetime, last: datetime
) -> dict[Identity, tuple[datetime, AnyReading]]:
    device_ids, boots, sequences = zip(*identities, strict=True)
    wanted = {
        "device_ids": list(device_ids),
        "boots": list(boots),
        "sequences": list(sequences),
        "first": first,
        "last": last,
    }
    return {
        (row["device_id"], row["boot"], row["sequence"]): (
            row["observed_at"],
            msgspec.convert(row["reading"], AnyReading),
        )
        for row in await tx.rows(STORED, wanted)
    }


async def insert_observations(
    tx: Tx, site_id: str, after: int, batch: Sequence[Received], known: Mapping[str, Registration]
) -> None:
    """Append the batch at positions `after + 1` and on, in its order; `known` holds all its devices."""
    now = tx.now
    rows = (
        (
            *(site_id, position, seen.device_id, seen.boot, seen.sequence),
            *(seen.observed_at, received.received_at, now),
            *(reading_kind(seen), seen.quality, Jsonb(seen.reading, _encode), seen.raw_sha256),
            known[seen.device_id].vouches_at(seen.observed_at),
        )
        for position, received in enumerate(batch, start=after + 1)
        for seen in (received.observation,)
    )
    await tx.copy(COPY_OBSERVATIONS, OBSERVATION_TYPES, rows)


async def tag_counters(tx: ReadTx, tags: Collection[Tag]) -> dict[Tag, Mark]:
    """The marks of those tags that have one, locked."""
    rows = await tx.rows(TAG_COUNTERS, _tag_columns(tags))
    return {
        (row["id_scheme"], row["animal_id"], row["key_id"]): Mark(row["counter"], row["received_at"])
        for row in rows
    }


async def save_tag_counters(tx: Tx, marks: Mapping[Tag, Mark]) -> None:
    await tx.run(
        SAVE_TAG_COUNTERS,
        {
            **_tag_columns(marks),
            "counters": [mark.counter for mark in marks.values()],
            "received_at": [mark.received_at for mark in marks.values()],
        },
    )


def _tag_columns(tags: Collection[Tag]) -> Row:
    return {
        "schemes": [tag[0] for tag in tags],
        "animals": [tag[1] for tag in tags],
        "keys": [tag[2] for tag in tags],
    }


async def insert_quarantine(tx: Tx, site_id: str, entries: Sequence[Rejected]) -> None:
    await tx.run_many(
        INSERT_QUARANTINE,
        [
            {
                "quarantine_id": tx.ids.new("quarantine"),
                "site_id": site_id,
                "device_id": entry.device_id,
                "boot": entry.boot,
                "sequence": entry.sequence,
                "field": entry.field,
                "rule": entry.rule,
                "raw": entry.raw[:RAW_BYTES_MAX],
                "raw_sha256": hashlib.sha256(entry.raw).hexdigest(),
                "received_at": entry.received_at,
            }
            for entry in entries
        ],
    )


async def is_site(tx: ReadTx, site_id: str) -> bool:
    """Whether a device was ever enrolled there."""
    return bool(await tx.value(IS_SITE, {"site_id": site_id}))


async def lock_strangers(tx: Tx) -> None:
    """Until this transaction ends, nobody else lists strangers."""
    await tx.run(LOCK_STRANGERS)


async def strangers_since(tx: ReadTx, site_id: str | None, since: datetime) -> int:
    """How many strangers were listed for the first time after `since`."""
    count: int = await tx.value(STRANGERS_SINCE, {"site_id": site_id, "since": since})
    return count


async def turned_away(tx: ReadTx, site_id: str | None, keys: Collection[TurnedAwayKey]) -> set[TurnedAwayKey]:
    """Those of `keys` that are listed already."""
    rows = await tx.rows(TURNED_AWAY, _turned_away_columns(site_id, keys))
    return {(row["device_id"], row["field"], row["rule"], row["raw_sha256"]) for row in rows}


async def listed_apart(
    tx: ReadTx, site_id: str | None, keys: Collection[TurnedAwayKey]
) -> dict[tuple[str, str, str], int]:
    """For those of `keys` that are kept apart: how many rows there are, by device, field and rule."""
    apart = [key for key in keys if key[3]]
    if not apart:
        return {}
    rows = await tx.rows(LISTED_APART, _turned_away_columns(site_id, apart))
    return {(row["device_id"], row["field"], row["rule"]): row["listed"] for row in rows}


def _turned_away_columns(site_id: str | None, keys: Collection[TurnedAwayKey]) -> Row:
    device_ids, fields, rules, digests = zip(*keys, strict=True)
    return {
        "site_id": site_id,
        "device_ids": list(device_ids),
        "fields": list(fields),
        "rules": list(rules),
        "digests": list(digests),
    }


async def count_turned_away(
    tx: Tx, site_id: str | None, batch: Sequence[TurnedAway], known: Collection[str]
) -> None:
    """List each entry, or count it up where it is listed."""
    await tx.run_many(
        COUNT_TURNED_AWAY,
        [
            {
                "quarantine_id": tx.ids.new("quarantine"),
                "site_id": site_id,
                "device_id": entry.device_id,
                "field": entry.field,
                "rule": entry.rule,
                "said": entry.said[:RAW_BYTES_MAX],
                "digest": entry.key[3],
                "first_at": entry.first_at,
                "last_at": entry.last_at,
                "times": entry.times,
                "is_stranger": entry.device_id not in known,
            }
            for entry in batch
        ],
    )


class Contact(msgspec.Struct):
    """What one batch says about one device."""

    seen_at: datetime | None = None
    """When the device was heard last; none when only its driver spoke, of its silence."""
    state: str = "online"
    state_at: datetime | None = None
    lead: timedelta | None = None
    """The greatest by which its clock was ahead of ours when it said something with a time."""
    errors: int = 0
    readings: int = 0
    heard: list[list[datetime]] = []
    """From when to when it was heard in working order without being silent for `GATE_SILENCE_MAX`."""

    def add(self, received: Received) -> None:
        """Take in an accepted reading. `offline` is its driver's or the broker's word: nothing was heard."""
        observation = received.observation
        status = observation.reading
        said = status.state if isinstance(status, DeviceStatus) else "online"
        if self.state_at is None or observation.observed_at >= self.state_at:
            self.state_at = observation.observed_at
            self.state = said
        if said == "offline":
            return
        self.readings += 1
        lead = (received.sent_at or observation.observed_at) - received.received_at
        if self.lead is None or lead > self.lead:
            self.lead = lead
        self.see(received.received_at)
        if said != "fault":
            self._hear(received.received_at)

    def see(self, at: datetime) -> None:
        """Something of the device's own came, readable or not."""
        if self.seen_at is None or at > self.seen_at:
            self.seen_at = at

    @property
    def skew_ms(self) -> int | None:
        return None if self.lead is None else round(self.lead / timedelta(milliseconds=1))

    def _hear(self, at: datetime) -> None:
        if self.heard:
            span = self.heard[-1]
            if span[0] <= at <= span[1]:
                return
            if span[1] < at <= span[1] + GATE_SILENCE_MAX:
                span[1] = at
                return
        self.heard.append([at, at])

    def spans(self) -> str:
        """What was `heard` as a multirange of PostgreSQL."""
        spans = (f'["{since}","{until + GATE_SILENCE_MAX}")' for since, until in self.heard)
        return "{" + ",".join(spans) + "}"


async def save_states(tx: Tx, site_id: str, contacts: Mapping[str, Contact]) -> None:
    """Keep each device's latest state, in the order of ids so that two writers cannot deadlock."""
    ordered = sorted(contacts.items())
    if ordered:
        await tx.run(
            SAVE_STATES,
            {
                "site_id": site_id,
                "window_s": SKEW_WINDOW_S,
                "heard_kept": HEARD_KEPT,
                "device_ids": [device_id for device_id, _ in ordered],
                "states": [contact.state for _, contact in ordered],
                "state_at": [contact.state_at or contact.seen_at for _, contact in ordered],
                "seen": [contact.seen_at for _, contact in ordered],
                "skews": [contact.skew_ms for _, contact in ordered],
                "errors": [contact.errors for _, contact in ordered],
                "readings": [contact.readings for _, contact in ordered],
                "heard": [contact.spans() for _, contact in ordered],
            },
        )


_encode = msgspec.json.Encoder().encode
_reading: msgspec.json.Decoder[AnyReading] = msgspec.json.Decoder(AnyReading)
"""Kept, since to make one takes longer than to read with it."""


async def journal_after(tx: ReadTx, site_id: str, position: int, limit: int) -> list[Envelope]:
    rows = await tx.rows(JOURNAL_AFTER, {"site_id": site_id, "position": position, "limit": limit})
    return [_envelope(site_id, row) for row in rows]


def _envelope(site_id: str, row: Row) -> Envelope:
    return Envelope(
        site_id=site_id,
        position=row["position"],
        observation=Observation(
            device_id=row["device_id"],
            boot=row["boot"],
            sequence=row["sequence"],
            observed_at=row["observed_at"],
            reading=_reading.decode(row["reading"]),
            quality=row["quality"],
            raw_sha256=row["raw_sha256"],
        ),
        received_at=row["received_at"],
        recorded_at=row["recorded_at"],
        is_accepted=row["is_accepted"],
    )


async def journal_sites(tx: ReadTx) -> list[str]:
    return [row["site_id"] for row in await tx.rows(JOURNAL_SITES)]


def ack(boot: int, settled: Spans) -> AckedThrough:
    return AckedThrough(boot=boot, sequence=settled.through)


async def make_partitions(tx: Tx, first_day: date, days: int) -> int:
    made: int = await tx.value(MAKE_PARTITIONS, {"first_day": first_day, "days": days})
    return made
