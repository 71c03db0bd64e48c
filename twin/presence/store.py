"""SQL of sightings, tracks and poses. Batches travel as one JSON parameter, never row by row."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from kernel.tx import ReadTx, Row, Tx
from twin.presence.model import Base, Crossing, Derived, Kept, Sighting, Stay, Track
from twin.presence.sights import SlotSeen

SIGHTING_COLUMNS = """observation_id text, epc_hex text, device_id text, boot bigint, sequence bigint,
    observed_at timestamptz, kind text, gate_id text, side text, rssi_cdbm integer, seen_count integer,
    place text, slot_id text, x_m double precision, y_m double precision, z_m double precision,
    is_accepted boolean"""
MOUNTS = """
    SELECT device_id, mount_id FROM twin.device_mount
    WHERE site_id = %(site_id)s AND device_id = ANY (%(device_ids)s)"""
# An observation that was folded before is not returned, so nothing counts twice.
INSERT_SIGHTINGS = f"""
    INSERT INTO twin.sighting (site_id, observation_id, epc_hex, device_id, boot, sequence, observed_at, kind,
        gate_id, side, rssi_cdbm, seen_count, place, slot_id, x_m, y_m, z_m, is_accepted)
    SELECT %(site_id)s, r.* FROM jsonb_to_recordset(%(sightings)s::jsonb) AS r ({SIGHTING_COLUMNS})
    ON CONFLICT (observation_id) DO NOTHING RETURNING observation_id"""  # noqa: S608
# OFFSET 0 keeps it a look-up for each tag: a planner that counts on few sightings would read all of them.
SIGHTINGS_AFTER = """
    SELECT s.* FROM unnest(%(tags)s::text[], %(after)s::timestamptz[]) AS wanted (epc_hex, after)
    CROSS JOIN LATERAL (
        SELECT observation_id, epc_hex, device_id, boot, sequence, observed_at, kind, gate_id, side,
            rssi_cdbm, seen_count, place, slot_id, x_m, y_m, z_m, is_accepted
        FROM twin.sighting WHERE site_id = %(site_id)s AND epc_hex = wanted.epc_hex
            AND observed_at > coalesce(wanted.after, '-infinity') OFFSET 0) s
    ORDER BY s.epc_hex, s.observed_at, s.device_id, s.boot, s.sequence"""
HAVE_SIGHTINGS = """
    SELECT DISTINCT epc_hex FROM twin.sighting WHERE site_id = %(site_id)s AND epc_hex = ANY (%(tags)s)"""
SUBJECTS = """
    SELECT u.epc_hex, u.unit_id, NULL AS vehicle_id, EXISTS (
            SELECT FROM twin.expected_arrival a WHERE a.unit_ids @> ARRAY[u.unit_id]) AS is_expected
    FROM twin.unit u WHERE u.site_id = %(site_id)s AND u.epc_hex = ANY (%(tags)s)
    UNION ALL
    SELECT v.epc_hex, NULL, v.vehicle_id, false
    FROM twin.vehicle v WHERE v.site_id = %(site_id)s AND v.epc_hex = ANY (%(tags)s)"""
TRACKS = """
    SELECT epc_hex, through_at, through_device, through_boot, through_sequence, beyond, state::text AS state
    FROM twin.track WHERE site_id = %(site_id)s AND epc_hex = ANY (%(tags)s)"""
BASES = """
    SELECT epc_hex, base_at, base::text AS base
    FROM twin.track WHERE site_id = %(site_id)s AND epc_hex = ANY (%(tags)s) AND base IS NOT NULL"""
UPSERT_TRACKS = """
    INSERT INTO twin.track AS t (site_id, epc_hex, through_at, through_device, through_boot,
        through_sequence, state, beyond, base_at, base)
    SELECT %(site_id)s, r.epc_hex, r.through_at, r.through_device, r.through_boot, r.through_sequence,
        r.state, r.beyond, r.base_at, r.base
    FROM jsonb_to_recordset(%(tracks)s::jsonb) AS r (
        epc_hex text, through_at timestamptz, through_device text, through_boot bigint,
        through_sequence bigint, state jsonb, beyond integer, base_at timestamptz, base jsonb)
    ON CONFLICT (site_id, epc_hex) DO UPDATE SET
        (through_at, through_device, through_boot, through_sequence, state, beyond) = (EXCLUDED.through_at,
        EXCLUDED.through_device, EXCLUDED.through_boot, EXCLUDED.through_sequence, EXCLUDED.state,
        EXCLUDED.beyond),
        base_at = CASE WHEN t.epc_hex = ANY (%(moved)s) THEN EXCLUDED.base_at ELSE t.base_at END,
        base = CASE WHEN t.epc_hex = ANY (%(moved)s) THEN EXCLUDED.base ELSE t.base END"""
# The moment of a row's tag; before all of them where there is none.
AFTER = "coalesce((%(after)s::timestamptz[])[array_position(%(tags)s::text[], epc_hex)], '-infinity')"
# A stay that began earlier but reaches beyond the moment is dropped whole.
DELETE_STAYS = f"""
    DELETE FROM twin.stay
    WHERE site_id = %(site_id)s AND epc_hex = ANY (%(tags)s::text[]) AND last_at > {AFTER}
    RETURNING epc_hex, gate_id, side, first_at, last_at, evidence_ids, is_accepted"""  # noqa: S608
DELETE_CROSSINGS = f"""
    DELETE FROM twin.crossing
    WHERE site_id = %(site_id)s AND epc_hex = ANY (%(tags)s::text[]) AND crossed_at > {AFTER}
    RETURNING epc_hex, gate_id, direction, crossed_at, is_direct, evidence_ids, is_accepted"""  # noqa: S608
UPSERT_STAYS = """
    INSERT INTO twin.stay (site_id, epc_hex, gate_id, side, first_at, last_at, evidence_ids, is_accepted)
    SELECT %(site_id)s, r.* FROM jsonb_to_recordset(%(stays)s::jsonb) AS r (epc_hex text, gate_id text,
        side text, first_at timestamptz, last_at timestamptz, evidence_ids jsonb, is_accepted boolean)
    ON CONFLICT (site_id, gate_id, epc_hex, first_at, is_accepted) DO UPDATE SET
        (side, last_at, evidence_ids) = (EXCLUDED.side, EXCLUDED.last_at, EXCLUDED.evidence_ids)"""
INSERT_CROSSINGS = """
    INSERT INTO twin.crossing
        (site_id, epc_hex, gate_id, direction, crossed_at, is_direct, evidence_ids, is_accepted)
    SELECT %(site_id)s, r.* FROM jsonb_to_recordset(%(crossings)s::jsonb) AS r (epc_hex text, gate_id text,
        direction text, crossed_at timestamptz, is_direct boolean, evidence_ids jsonb, is_accepted boolean)
    ON CONFLICT DO NOTHING"""
# The latest of each wins; of two at one moment the greater name, so that the order of arrival is no matter.
# Returns the slots of which something is newer now.
PUT_SLOT_SIGHTS = """
    INSERT INTO twin.slot_sight AS s (site_id, slot_id, occupied_at, occupied_id, empty_at)
    SELECT %(site_id)s, r.* FROM jsonb_to_recordset(%(slots)s::jsonb) AS r (slot_id text,
        occupied_at timestamptz, occupied_id text, empty_at timestamptz)
    ON CONFLICT (site_id, slot_id) DO UPDATE SET
        occupied_at = greatest(s.occupied_at, EXCLUDED.occupied_at),
        occupied_id = CASE WHEN EXCLUDED.occupied_at IS NULL
            OR (s.occupied_at, s.occupied_id) >= (EXCLUDED.occupied_at, EXCLUDED.occupied_id)
            THEN s.occupied_id ELSE EXCLUDED.occupied_id END,
        empty_at = greatest(s.empty_at, EXCLUDED.empty_at)
    WHERE (s.occupied_at IS NULL AND EXCLUDED.occupied_at IS NOT NULL)
        OR (EXCLUDED.occupied_at, EXCLUDED.occupied_id) > (s.occupied_at, s.occupied_id)
        OR EXCLUDED.empty_at > coalesce(s.empty_at, '-infinity')
    RETURNING slot_id"""
UNITS_IN = """
    SELECT u.unit_id FROM twin.track t JOIN twin.unit u ON (u.site_id, u.epc_hex) = (t.site_id, t.epc_hex)
    WHERE t.site_id = %(site_id)s AND t.state ->> 'slot_id' = ANY (%(slot_ids)s)"""
# The newest pose wins; of two at one moment the greater point, so that the order of arrival is no matter.
# What moves with a retired device stays gone.
PUT_POSES = """
    UPDATE twin.asset a SET x_m = r.x_m, y_m = r.y_m, z_m = r.z_m, heading_deg = r.heading_deg,
        load_epc_hex = r.load_epc_hex, at = r.at, is_gone = r.is_gone OR EXISTS (
            SELECT FROM twin.device_mount m WHERE m.device_id = a.device_id AND m.retired_at IS NOT NULL)
    FROM jsonb_to_recordset(%(poses)s::jsonb) AS r (device_id text, x_m double precision,
        y_m double precision, z_m double precision, heading_deg double precision, load_epc_hex text,
        at timestamptz, is_gone boolean)
    WHERE a.device_id = r.device_id AND a.site_id = %(site_id)s
        AND (a.at IS NULL OR (a.at, a.x_m, a.y_m) < (r.at, r.x_m, r.y_m))"""
PUT_MOUNT = """
    INSERT INTO twin.device_mount (device_id, site_id, family, mount_id, placed_at)
    VALUES (%(device_id)s, %(site_id)s, %(family)s, %(mount_id)s, %(placed_at)s)
    ON CONFLICT (device_id) DO UPDATE SET (site_id, family, mount_id, placed_at, retired_at) =
        (EXCLUDED.site_id, EXCLUDED.family, EXCLUDED.mount_id, EXCLUDED.placed_at, NULL)"""
RETIRE_MOUNT = "UPDATE twin.device_mount SET retired_at = %(at)s WHERE device_id = %(device_id)s"
RETIRE_ASSET = "UPDATE twin.asset SET is_gone = true WHERE device_id = %(device_id)s AND NOT is_gone"
LOCK_SITE = "SELECT 1 FROM twin.site WHERE site_id = %(site_id)s FOR UPDATE"
# Numbers are given once and never again; a person's name is the number, nothing else.
PUT_ASSET = """
    INSERT INTO twin.asset (asset_id, site_id, index, device_id, kind, label)
    SELECT coalesce(%(asset_id)s::text, 'person-' || n.index), %(site_id)s, n.index, %(device_id)s, %(kind)s,
        coalesce(%(label)s::text, 'person-' || n.index)
    FROM (SELECT coalesce(max(index), 0) + 1 AS index FROM twin.asset WHERE site_id = %(site_id)s) n
    WHERE NOT EXISTS (
        SELECT FROM twin.asset WHERE device_id = %(device_id)s::text OR asset_id = %(asset_id)s::text)"""
MOVING_MOUNTS = """
    SELECT m.device_id, m.mount_id FROM twin.device_mount m
    WHERE m.site_id = %(site_id)s AND m.retired_at IS NULL
        AND NOT EXISTS (SELECT FROM twin.asset a WHERE a.device_id = m.device_id)
    ORDER BY m.device_id"""
RETURN_ASSET = "UPDATE twin.asset SET is_gone = false WHERE device_id = %(device_id)s AND is_gone"


def as_json(items: Sequence[Any]) -> str:
    """A batch as one parameter."""
    return msgspec.json.encode(items).decode()


async def mounts(tx: Tx, site_id: str, device_ids: Collection[str]) -> dict[str, str]:
    """Mount id by device id, for the devices that have a place on this site."""
    rows = await tx.rows(MOUNTS, {"site_id": site_id, "device_ids": sorted(device_ids)})
    return {row["device_id"]: row["mount_id"] for row in rows}


async def insert_sightings(tx: Tx, site_id: str, sightings: Sequence[Sighting]) -> list[Sighting]:
    """Add to the journal; returns those that were not in it."""
    if not sightings:
        return []
    rows = await tx.rows(INSERT_SIGHTINGS, {"site_id": site_id, "sightings": as_json(sightings)})
    fresh = {row["observation_id"] for row in rows}
    kept: list[Sighting] = []
    for sighting in sightings:
        if sighting.observation_id in fresh:
            fresh.discard(sighting.observation_id)
            kept.append(sighting)
    return kept


async def sightings_after(
    read: ReadTx, site_id: str, after: Mapping[str, datetime | None]
) -> dict[str, list[Sighting]]:
    """Sightings of tags after a moment of each, or all (None), each list in the order of folding."""
    found: dict[str, list[Sighting]] = {tag: [] for tag in after}
    if not after:
        return found
    for row in await read.rows(SIGHTINGS_AFTER, {"site_id": site_id, **_after(after)}):
        row["observed_at"] = row["observed_at"].astimezone(UTC)
        found[row["epc_hex"]].append(Sighting(**row))
    return found


def _after(after: Mapping[str, datetime | None]) -> Row:
    return {"tags": list(after), "after": list(after.values())}


async def have_sightings(tx: Tx, site_id: str, tags: Collection[str]) -> list[str]:
    """Those of the tags that any device has seen."""
    rows = await tx.rows(HAVE_SIGHTINGS, {"site_id": site_id, "tags": sorted(tags)})
    return sorted(row["epc_hex"] for row in rows)


async def subjects(read: ReadTx, site_id: str, tags: Collection[str]) -> dict[str, Row]:
    """What each tag is declared on: `unit_id` or `vehicle_id`, and `is_expected`."""
    rows = await read.rows(SUBJECTS, {"site_id": site_id, "tags": sorted(tags)})
    return {row["epc_hex"]: row for row in rows}


async def tracks(read: ReadTx, site_id: str, tags: Collection[str]) -> dict[str, Kept]:
    """The kept track of each tag that has one, without its base."""
    rows = await read.rows(TRACKS, {"site_id": site_id, "tags": sorted(tags)})
    return {
        row["epc_hex"]: Kept(
            track=msgspec.json.decode(row["state"], type=Track),
            through=(row["through_at"], row["through_device"], row["through_boot"], row["through_sequence"]),
            beyond=row["beyond"],
        )
        for row in rows
    }


async def bases(read: ReadTx, site_id: str, tags: Collection[str]) -> dict[str, Base]:
    """The bases of those tags whose base is not the start."""
    rows = await read.rows(BASES, {"site_id": site_id, "tags": sorted(tags)}) if tags else []
    return {
        row["epc_hex"]: Base(at=row["base_at"], track=msgspec.json.decode(row["base"], type=Track))
        for row in rows
    }


async def save_tracks(tx: Tx, site_id: str, tracks: Mapping[str, Kept]) -> None:
    """Keep tracks; a base that has not moved stays as it is."""
    rows = [_track_row(tag, kept) for tag, kept in sorted(tracks.items())]
    if rows:
        moved = [tag for tag, kept in tracks.items() if kept.has_base_moved]
        await tx.run(UPSERT_TRACKS, {"site_id": site_id, "tracks": as_json(rows), "moved": moved})


def _track_row(tag: str, kept: Kept) -> Row:
    at, device_id, boot, sequence = kept.through
    return {
        "epc_hex": tag,
        "through_at": at,
        "through_device": device_id,
        "through_boot": boot,
        "through_sequence": sequence,
        "state": kept.track,
        "beyond": kept.beyond,
        "base_at": None if kept.base is None else kept.base.at,
        "base": None if kept.base is None else kept.base.track,
    }


async def forget_derived(tx: Tx, site_id: str, after: Mapping[str, datetime | None]) -> dict[str, Derived]:
    """Drop and return the stays and crossings of tags that reach beyond a moment of each, or all (None)."""
    forgotten: dict[str, Derived] = {tag: Derived() for tag in after}
    if after:
        for row in await tx.rows(DELETE_STAYS, {"site_id": site_id, **_after(after)}):
            found = forgotten[row.pop("epc_hex")]
            stay = Stay(**row)
            found.stays[stay.key] = stay
        for row in await tx.rows(DELETE_CROSSINGS, {"site_id": site_id, **_after(after)}):
            forgotten[row.pop("epc_hex")].crossings.append(Crossing(**row))
    return forgotten


async def save_derived(tx: Tx, site_id: str, derived: dict[str, Derived]) -> None:
    """Write stays and crossings that a fold brought to light."""
    stays = [_tagged(tag, stay) for tag, found in sorted(derived.items()) for stay in found.stays.values()]
    crossings = [_tagged(tag, item) for tag, found in sorted(derived.items()) for item in found.crossings]
    if stays:
        await tx.run(UPSERT_STAYS, {"site_id": site_id, "stays": as_json(stays)})
    if crossings:
        await tx.run(INSERT_CROSSINGS, {"site_id": site_id, "crossings": as_json(crossings)})


def _tagged(tag: str, item: Stay | Crossing) -> Row:
    return {"epc_hex": tag, **msgspec.structs.asdict(item)}


async def put_poses(tx: Tx, site_id: str, poses: Sequence[Row]) -> None:
    if poses:
        await tx.run(PUT_POSES, {"site_id": site_id, "poses": as_json(poses)})


async def put_slot_sights(tx: Tx, site_id: str, slots: Sequence[SlotSeen]) -> set[str]:
    """Keep the latest sights of slots; returns the slots of which something is newer now."""
    if not slots:
        return set()
    rows = await tx.rows(PUT_SLOT_SIGHTS, {"site_id": site_id, "slots": as_json(slots)})
    return {row["slot_id"] for row in rows}


async def units_in(tx: Tx, site_id: str, slot_ids: Collection[str]) -> set[str]:
    """The units whose tags were last put into one of the slots."""
    if not slot_ids:
        return set()
    rows = await tx.rows(UNITS_IN, {"site_id": site_id, "slot_ids": sorted(slot_ids)})
    return {row["unit_id"] for row in rows}


async def put_mount(tx: Tx, mount: Row) -> None:
    await tx.run(PUT_MOUNT, mount)
    await tx.run(RETURN_ASSET, {"device_id": mount["device_id"]})


async def retire(tx: Tx, device_id: str, at: datetime) -> None:
    """The device is gone: its mount is free and what it moved with is no longer shown."""
    await tx.run(RETIRE_MOUNT, {"device_id": device_id, "at": at})
    await tx.run(RETIRE_ASSET, {"device_id": device_id})


async def put_asset(tx: Tx, asset: Row) -> None:
    """Give a moving thing a number; a known one keeps its own. `asset_id` and `label` None: a pseudonym."""
    await tx.rows(LOCK_SITE, {"site_id": asset["site_id"]})
    await tx.run(PUT_ASSET, asset)


async def mounts_without_asset(tx: Tx, site_id: str) -> list[tuple[str, str]]:
    """(device id, mount id) of devices on the site that no asset moves with, by device."""
    rows = await tx.rows(MOVING_MOUNTS, {"site_id": site_id})
    return [(row["device_id"], row["mount_id"]) for row in rows]
