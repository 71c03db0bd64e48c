"""The SQL of the registry."""

import base64
import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec

from devices.families import FAMILIES
from devices.messages import CalibrateDevice, EnrolDevice
from devices.registry.model import digest
from kernel.tx import ReadTx, Row, Tx

DEVICE = """
    SELECT d.site_id, d.family, d.retired_at, d.enrolment, d.enrolled_party_id, d.accepted_at,
        d.accepted_party_id, d.key_party_id, coalesce(k.name, d.key_party_id) AS key_party
    FROM devices.device d LEFT JOIN identity.party k ON k.party_id = d.key_party_id
    WHERE d.device_id = %(device_id)s FOR UPDATE OF d"""
SAVE_DEVICE = """
    INSERT INTO devices.device (device_id, site_id, family, mount_id, subject_ref, connection, token_sha256,
        broker_password_hash, terminal_name, enrolled_at, enrolled_by, enrolled_party_id)
    VALUES (%(device_id)s, %(site_id)s, %(family)s, %(mount_id)s, %(subject_ref)s, %(connection)s::jsonb,
        %(token_sha256)s, %(broker_password_hash)s, %(terminal_name)s, %(now)s, %(enrolled_by)s,
        %(enrolled_party_id)s)
    ON CONFLICT (device_id) DO UPDATE SET mount_id = EXCLUDED.mount_id, subject_ref = EXCLUDED.subject_ref,
        connection = EXCLUDED.connection, token_sha256 = EXCLUDED.token_sha256,
        broker_password_hash = EXCLUDED.broker_password_hash, terminal_name = EXCLUDED.terminal_name,
        code_sha256 = NULL, code_issued_at = NULL, code_used_at = NULL, retired_at = NULL,
        enrolled_at = EXCLUDED.enrolled_at, enrolled_by = EXCLUDED.enrolled_by,
        enrolled_party_id = EXCLUDED.enrolled_party_id, enrolment = device.enrolment + 1, key_party_id = NULL
    RETURNING enrolment"""
MOUNT_TAKEN = """
    SELECT FROM devices.device WHERE site_id = %(site_id)s AND mount_id = %(mount_id)s
        AND retired_at IS NULL AND device_id <> %(device_id)s"""
ACCEPT = """
    INSERT INTO devices.acceptance (device_id, enrolment, party_id, person_id, site_id, enrolled_party_id,
        accepted_at)
    SELECT device_id, enrolment, %(party_id)s, %(person_id)s, site_id, enrolled_party_id, %(now)s
    FROM devices.device WHERE device_id = %(device_id)s"""
IS_ACCEPTED_BY = """
    SELECT FROM devices.acceptance
    WHERE device_id = %(device_id)s AND party_id = %(party_id)s AND ended_at IS NULL"""
ACCEPT_FIRST = """
    UPDATE devices.device SET accepted_at = %(now)s, accepted_by = %(person_id)s,
        accepted_party_id = %(party_id)s,
        broker_password_hash = coalesce(%(broker_password_hash)s, broker_password_hash),
        key_party_id = CASE WHEN %(broker_password_hash)s::text IS NULL THEN key_party_id
            ELSE %(party_id)s END
    WHERE device_id = %(device_id)s"""
REKEY = """
    UPDATE devices.device SET broker_password_hash = %(broker_password_hash)s, key_party_id = %(party_id)s
    WHERE device_id = %(device_id)s"""
INSERT_CALIBRATION = """
    INSERT INTO devices.calibration (calibration_id, device_id, site_id, certificate, performed_by,
        performed_on, valid_until, notes, entered_at, entered_by)
    VALUES (%(calibration_id)s, %(device_id)s, %(site_id)s, %(certificate)s, %(performed_by)s,
        %(performed_on)s, %(valid_until)s, %(notes)s, %(now)s, %(person_id)s)"""
# Not of a retired device, and not again within `%(every)s` unless somebody vouches for it.
MARK_CLONED = """
    UPDATE devices.device SET cloned_at = %(now)s
    WHERE device_id = %(device_id)s AND retired_at IS NULL
        AND (accepted_at IS NOT NULL OR cloned_at IS NULL OR cloned_at <= %(now)s - %(every)s::interval)
    RETURNING site_id, enrolment, accepted_at IS NOT NULL AS is_accepted"""
# No party means every party's.
END_ACCEPTANCES = """
    UPDATE devices.acceptance SET ended_at = %(now)s, end_cause = %(cause)s
    WHERE device_id = %(device_id)s AND ended_at IS NULL
        AND (%(party_id)s::text IS NULL OR party_id = %(party_id)s)"""
END_OTHER_ACCEPTANCES = """
    UPDATE devices.acceptance SET ended_at = %(now)s, end_cause = %(cause)s
    WHERE device_id = %(device_id)s AND ended_at IS NULL AND party_id <> %(party_id)s"""
# The first acceptance that stands; none leaves the device without.
KEEP_FIRST = """
    UPDATE devices.device d
    SET accepted_at = a.accepted_at, accepted_by = a.person_id, accepted_party_id = a.party_id
    FROM (SELECT) one LEFT JOIN (
        SELECT accepted_at, person_id, party_id FROM devices.acceptance
        WHERE device_id = %(device_id)s AND ended_at IS NULL ORDER BY accepted_at, party_id LIMIT 1) a ON true
    WHERE d.device_id = %(device_id)s
    RETURNING d.accepted_at IS NOT NULL AS is_accepted"""
ACCEPTED_AT_MOUNTS = """
    SELECT device_id, mount_id FROM devices.device
    WHERE site_id = %(site_id)s AND mount_id = ANY (%(mount_ids)s) AND accepted_at IS NOT NULL
        AND retired_at IS NULL
    ORDER BY device_id"""
IN_SERVICE_AT_MOUNTS = """
    SELECT device_id FROM devices.device
    WHERE site_id = %(site_id)s AND mount_id = ANY (%(mount_ids)s) AND retired_at IS NULL
    ORDER BY device_id"""
NOTE = """
    INSERT INTO devices.registry_entry (device_id, site_id, at, act, enrolment, person_id, party_id, facts)
    VALUES (%(device_id)s, %(site_id)s, %(now)s, %(act)s, %(enrolment)s, %(person_id)s, %(party_id)s,
        %(facts)s::jsonb)"""
# The token's digest stays, so that whoever still shows it can be named; it opens nothing.
RETIRE = """
    UPDATE devices.device SET retired_at = %(now)s, broker_password_hash = NULL
    WHERE device_id = %(device_id)s"""
# Edges listen: a device that was enrolled, moved or retired is picked up without a restart.
NOTIFY_DEVICES = "SELECT pg_notify('tallyhouse_devices', %(site_id)s)"
DEVICE_BY_DIGEST = """
    SELECT device_id, site_id, retired_at FROM devices.device WHERE token_sha256 = %(token_sha256)s"""
SAVE_SITE = """
    INSERT INTO devices.site (site_id, width_mm, length_mm, height_mm)
    VALUES (%(site_id)s, %(width_mm)s, %(length_mm)s, %(height_mm)s)
    ON CONFLICT (site_id) DO UPDATE SET width_mm = EXCLUDED.width_mm, length_mm = EXCLUDED.length_mm,
        height_mm = EXCLUDED.height_mm"""
VISIBLE = "SELECT %(subject_id)s IN (SELECT identity.visible_subjects())"
INSERT_CODE = """
    INSERT INTO devices.enrolment_code (code_sha256, site_id, device_id, issued_by, issued_at, expires_at)
    VALUES (%(code_sha256)s, %(site_id)s, %(device_id)s, %(issued_by)s, %(now)s, %(expires_at)s)"""
# Uses a code up. Two handhelds that scan the same one wait for each other here; the second finds nothing.
USE_CODE = """
    UPDATE devices.enrolment_code SET used_at = %(now)s
    WHERE code_sha256 = %(code_sha256)s AND used_at IS NULL AND expires_at > %(now)s
    RETURNING site_id, device_id"""
EDGE_DEVICES = """
    SELECT device_id, site_id, family, mount_id, connection FROM devices.device
    WHERE retired_at IS NULL AND (cardinality(%(sites)s::text[]) = 0 OR site_id = ANY(%(sites)s::text[]))
    ORDER BY device_id"""
# Hands out a block of boots, so that a driver can start anew without asking while the database is away.
RESERVE_BOOTS = """
    UPDATE devices.device SET boots_reserved = boots_reserved + %(count)s
    WHERE device_id = ANY(%(device_ids)s)
    RETURNING device_id, boots_reserved - %(count)s + 1 AS first_boot"""
BROKER_CREDENTIALS = """
    SELECT device_id, broker_password_hash FROM devices.device
    WHERE broker_password_hash IS NOT NULL AND retired_at IS NULL ORDER BY device_id"""

BROKER_HASH_ITERATIONS = 101
"""Mosquitto's default; the passwords are long and random, so stretching adds nothing."""


class EdgeDevice(msgspec.Struct, frozen=True, kw_only=True):
    """What the edge needs to drive a device."""

    device_id: str
    site_id: str
    family: str
    mount_id: str | None
    connection: dict[str, Any]


def broker_hash(password: str, salt: bytes) -> str:
    """`$7$iterations$salt$PBKDF2-HMAC-SHA512` in base 64, as Mosquitto 2 keeps passwords."""
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, BROKER_HASH_ITERATIONS)
    return f"$7${BROKER_HASH_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


async def device(tx: Tx, device_id: str) -> Row | None:
    """The device's row, locked."""
    return await tx.row(DEVICE, {"device_id": device_id})


async def is_mount_taken(tx: Tx, command: EnrolDevice) -> bool:
    """Whether another device in service hangs where this one is to hang."""
    where = {"site_id": command.site_id, "mount_id": command.mount_id, "device_id": command.device_id}
    return await tx.row(MOUNT_TAKEN, where) is not None


async def save_device(tx: Tx, command: EnrolDevice) -> int:
    """Keep a new or another enrolment of a device; returns its number."""
    family = FAMILIES[command.family]
    saved = await tx.row(
        SAVE_DEVICE,
        {
            "device_id": command.device_id,
            "site_id": command.site_id,
            "family": command.family,
            "mount_id": command.mount_id,
            "subject_ref": command.subject_ref,
            "connection": msgspec.json.encode(command.connection).decode(),
            "token_sha256": digest(command.secret) if family.reach == "http" else None,
            "broker_password_hash": _broker_hash(tx, command.family, command.secret),
            "terminal_name": family.terminal_name(command.connection),
            "now": tx.now,
            "enrolled_by": tx.caller.person_id,
            "enrolled_party_id": tx.caller.party_id,
        },
    )
    assert saved is not None
    await tx.run(NOTIFY_DEVICES, {"site_id": command.site_id})
    enrolment: int = saved["enrolment"]
    return enrolment


def _broker_hash(tx: Tx, family: str, secret: str) -> str | None:
    if not FAMILIES[family].has_broker_name:
        return None
    return broker_hash(secret, hashlib.sha256(tx.ids.new("salt").encode()).digest()[:12])


async def accept(tx: Tx, known: Row, device_id: str, secret: str) -> None:
    """Keep who accepted the device and, of its first acceptance, the new credential."""
    row = {
        "device_id": device_id,
        "now": tx.now,
        "person_id": tx.caller.person_id,
        "party_id": tx.caller.party_id,
    }
    await tx.run(ACCEPT, row)
    if known["accepted_at"] is None:
        await tx.run(ACCEPT_FIRST, {**row, "broker_password_hash": _broker_hash(tx, known["family"], secret)})
        await tx.run(NOTIFY_DEVICES, {"site_id": known["site_id"]})


async def is_accepted_by(tx: Tx, device_id: str, party_id: str) -> bool:
    """Whether this party's acceptance of the device stands."""
    return await tx.row(IS_ACCEPTED_BY, {"device_id": device_id, "party_id": party_id}) is not None


async def rekey(tx: Tx, known: Row, device_id: str, secret: str) -> None:
    """Keep a new credential; the old one ends."""
    password_hash = _broker_hash(tx, known["family"], secret)
    kept = {"device_id": device_id, "broker_password_hash": password_hash, "party_id": tx.caller.party_id}
    await tx.run(REKEY, kept)
    await tx.run(NOTIFY_DEVICES, {"site_id": known["site_id"]})


async def insert_calibration(tx: Tx, site_id: str, command: CalibrateDevice) -> str:
    """Keep a certificate; returns its id."""
    calibration_id = tx.ids.new("calibration")
    row = {**msgspec.structs.asdict(command), "site_id": site_id, "now": tx.now}
    await tx.run(
        INSERT_CALIBRATION, {**row, "calibration_id": calibration_id, "person_id": tx.caller.person_id}
    )
    return calibration_id


async def end_acceptances(tx: Tx, device_id: str, cause: str, party_id: str | None = None) -> bool:
    """End this party's acceptance of the device, or every one; whether another stands."""
    row = {"device_id": device_id, "cause": cause, "party_id": party_id, "now": tx.now}
    await tx.run(END_ACCEPTANCES, row)
    return bool(await tx.value(KEEP_FIRST, row))


async def mark_cloned(tx: Tx, device_id: str, every: timedelta) -> Row | None:
    """Keep that two speak under the device's identity: its site, enrolment and whether somebody vouches for
    it; None when there is nothing to tell."""
    return await tx.row(MARK_CLONED, {"device_id": device_id, "now": tx.now, "every": every})


async def end_other_acceptances(tx: Tx, device_id: str, cause: str) -> None:
    """End every party's acceptance of the device but the caller's."""
    row = {"device_id": device_id, "cause": cause, "party_id": tx.caller.party_id, "now": tx.now}
    await tx.run(END_OTHER_ACCEPTANCES, row)


async def accepted_at_mounts(read: ReadTx, site_id: str, mount_ids: Collection[str]) -> dict[str, str]:
    """Accepted devices in service on these mounts, by id, with their mounts."""
    rows = await read.rows(ACCEPTED_AT_MOUNTS, {"site_id": site_id, "mount_ids": sorted(mount_ids)})
    return {row["device_id"]: row["mount_id"] for row in rows}


async def in_service_at_mounts(read: ReadTx, site_id: str, mount_ids: Collection[str]) -> list[str]:
    """Devices in service on these mounts, by id."""
    rows = await read.rows(IN_SERVICE_AT_MOUNTS, {"site_id": site_id, "mount_ids": sorted(mount_ids)})
    return [row["device_id"] for row in rows]


async def note(
    tx: Tx, site_id: str, device_id: str, enrolment: int, act: str, facts: Row | None = None
) -> None:
    """Enter into the registry's book who did what now."""
    await tx.run(
        NOTE,
        {
            "device_id": device_id,
            "site_id": site_id,
            "now": tx.now,
            "act": act,
            "enrolment": enrolment,
            "person_id": tx.caller.person_id,
            "party_id": tx.caller.party_id,
            "facts": msgspec.json.encode(facts or {}).decode(),
        },
    )


async def retire(tx: Tx, device_id: str, site_id: str) -> None:
    await tx.run(RETIRE, {"device_id": device_id, "now": tx.now})
    await tx.run(NOTIFY_DEVICES, {"site_id": site_id})


async def by_token(tx: ReadTx, token: str) -> Row | None:
    """The device, retired or not."""
    return await tx.row(DEVICE_BY_DIGEST, {"token_sha256": digest(token)})


async def save_site(tx: Tx, site_id: str, width_mm: int, length_mm: int, height_mm: int) -> None:
    size: dict[str, Any] = {"width_mm": width_mm, "length_mm": length_mm, "height_mm": height_mm}
    await tx.run(SAVE_SITE, {"site_id": site_id, **size})


async def is_visible(tx: ReadTx, subject_id: str) -> bool:
    """Whether the caller's party may see the subject."""
    return bool(await tx.value(VISIBLE, {"subject_id": subject_id}))


async def insert_code(tx: Tx, code: str, site_id: str, device_id: str, expires_at: datetime) -> None:
    await tx.run(
        INSERT_CODE,
        {
            "code_sha256": digest(code),
            "site_id": site_id,
            "device_id": device_id,
            "issued_by": tx.caller.person_id,
            "now": tx.now,
            "expires_at": expires_at,
        },
    )


async def use_code(tx: Tx, code: str) -> Row | None:
    return await tx.row(USE_CODE, {"code_sha256": digest(code), "now": tx.now})


async def edge_devices(tx: ReadTx, sites: Collection[str]) -> list[EdgeDevice]:
    rows = await tx.rows(EDGE_DEVICES, {"sites": sorted(sites)})
    return [msgspec.convert(row, EdgeDevice) for row in rows]


async def reserve_boots(tx: Tx, device_ids: Collection[str], count: int) -> dict[str, int]:
    rows = await tx.rows(RESERVE_BOOTS, {"device_ids": sorted(device_ids), "count": count})
    return {row["device_id"]: row["first_boot"] for row in rows}


async def broker_credentials(tx: ReadTx) -> dict[str, str]:
    rows = await tx.rows(BROKER_CREDENTIALS)
    return {row["device_id"]: row["broker_password_hash"] for row in rows}
