"""The SQL of the registry."""

import base64
import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec

from devices.families import FAMILIES
from devices.messages import EnrolDevice
from devices.registry.model import digest
from kernel.tx import ReadTx, Row, Tx

DEVICE = "SELECT site_id, family, retired_at FROM devices.device WHERE device_id = %(device_id)s FOR UPDATE"
SAVE_DEVICE = """
    INSERT INTO devices.device (device_id, site_id, family, mount_id, subject_ref, connection, token_sha256,
        broker_password_hash, terminal_name, enrolled_at)
    VALUES (%(device_id)s, %(site_id)s, %(family)s, %(mount_id)s, %(subject_ref)s, %(connection)s::jsonb,
        %(token_sha256)s, %(broker_password_hash)s, %(terminal_name)s, %(now)s)
    ON CONFLICT (device_id) DO UPDATE SET mount_id = EXCLUDED.mount_id, subject_ref = EXCLUDED.subject_ref,
        connection = EXCLUDED.connection, token_sha256 = EXCLUDED.token_sha256,
        broker_password_hash = EXCLUDED.broker_password_hash, terminal_name = EXCLUDED.terminal_name,
        code_sha256 = NULL, code_issued_at = NULL, code_used_at = NULL, retired_at = NULL"""
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
SITE_VISIBLE = "SELECT %(site_id)s IN (SELECT identity.visible_subjects())"
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


async def save_device(tx: Tx, command: EnrolDevice) -> None:
    family = FAMILIES[command.family]
    salt = hashlib.sha256(tx.ids.new("salt").encode()).digest()[:12]
    await tx.run(
        SAVE_DEVICE,
        {
            "device_id": command.device_id,
            "site_id": command.site_id,
            "family": command.family,
            "mount_id": command.mount_id,
            "subject_ref": command.subject_ref,
            "connection": msgspec.json.encode(command.connection).decode(),
            "token_sha256": digest(command.secret) if family.reach == "http" else None,
            "broker_password_hash": (broker_hash(command.secret, salt) if family.reach == "broker" else None),
            "terminal_name": family.terminal_name(command.connection),
            "now": tx.now,
        },
    )
    await tx.run(NOTIFY_DEVICES, {"site_id": command.site_id})


async def retire(tx: Tx, device_id: str, site_id: str) -> None:
    await tx.run(RETIRE, {"device_id": device_id, "now": tx.now})
    await tx.run(NOTIFY_DEVICES, {"site_id": site_id})


async def by_token(tx: ReadTx, token: str) -> Row | None:
    """The device, retired or not."""
    return await tx.row(DEVICE_BY_DIGEST, {"token_sha256": digest(token)})


async def save_site(tx: Tx, site_id: str, width_mm: int, length_mm: int, height_mm: int) -> None:
    size: dict[str, Any] = {"width_mm": width_mm, "length_mm": length_mm, "height_mm": height_mm}
    await tx.run(SAVE_SITE, {"site_id": site_id, **size})


async def site_visible(tx: ReadTx, site_id: str) -> bool:
    """Whether the caller's party may see the site."""
    return bool(await tx.value(SITE_VISIBLE, {"site_id": site_id}))


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
