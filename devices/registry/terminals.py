"""Terminals that dial us: what each calls itself, and the authentication code it is issued once.

A code is issued anew until the terminal has shown it, since the answer that carries it may be lost on the
way. From then on no other is issued until the device is enrolled again.
"""

from collections.abc import Collection

import msgspec

from kernel.tx import ReadTx, Tx

TERMINALS = """
    SELECT device_id, family, terminal_name AS name, code_sha256, code_used_at IS NOT NULL AS is_code_used
    FROM devices.device
    WHERE retired_at IS NULL AND terminal_name IS NOT NULL
        AND (cardinality(%(sites)s::text[]) = 0 OR site_id = ANY(%(sites)s::text[]))"""
NAME_TAKEN = """
    SELECT device_id FROM devices.device
    WHERE family = %(family)s AND terminal_name = %(name)s AND device_id <> %(device_id)s
        AND retired_at IS NULL"""
# The row's lock makes two registrations at once wait for each other; the later one replaces the code.
ISSUE_CODE = """
    UPDATE devices.device SET code_sha256 = %(sha256)s, code_issued_at = %(now)s
    WHERE device_id = %(device_id)s AND retired_at IS NULL AND code_used_at IS NULL
    RETURNING device_id"""
CODE_SHOWN = """
    UPDATE devices.device SET code_used_at = %(now)s
    WHERE device_id = %(device_id)s AND code_sha256 = %(sha256)s AND code_used_at IS NULL"""


class TerminalRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the registry knows of a device's terminal."""

    device_id: str
    family: str
    name: str
    code_sha256: str | None
    is_code_used: bool


async def terminals(tx: ReadTx, sites: Collection[str] = ()) -> list[TerminalRow]:
    """The terminals of devices in service; no sites means every site."""
    rows = await tx.rows(TERMINALS, {"sites": sorted(sites)})
    return [TerminalRow(**row) for row in rows]


async def is_name_taken(tx: ReadTx, family: str, name: str, device_id: str) -> bool:
    """Whether another device in service introduces itself by this name."""
    return await tx.row(NAME_TAKEN, {"family": family, "name": name, "device_id": device_id}) is not None


async def issue_code(tx: Tx, device_id: str, sha256: str) -> bool:
    """Make the code with this digest the terminal's; False when it has used another, or is retired."""
    named = {"device_id": device_id, "sha256": sha256, "now": tx.now}
    return await tx.row(ISSUE_CODE, named) is not None


async def note_code_shown(tx: Tx, device_id: str, sha256: str) -> None:
    """The terminal has shown its code: none is issued any more."""
    await tx.run(CODE_SHOWN, {"device_id": device_id, "sha256": sha256, "now": tx.now})
