"""SQL of people, sessions and failed sign-ins."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kernel.tx import ReadTx, Row, Tx

INSERT_PERSON = """
    INSERT INTO identity.person
        (person_id, party_id, username, display_name, roles, password_hash, locale, created_at, added_by)
    VALUES (%(person_id)s, %(party_id)s, %(username)s, %(display_name)s, %(roles)s, %(password_hash)s,
        %(locale)s, %(created_at)s, %(added_by)s)
    ON CONFLICT (username) DO NOTHING"""
PERSON_BY_USERNAME = """
    SELECT person_id, party_id, username, display_name, roles, password_hash, locale
    FROM identity.person WHERE username = %(username)s AND disabled_at IS NULL"""
PEOPLE = """
    SELECT person_id, party_id, username, display_name, roles, locale, created_at, disabled_at, added_by
    FROM identity.person
    WHERE party_id = %(party_id)s AND person_id > coalesce(%(cursor)s, '')
    ORDER BY person_id LIMIT %(limit)s"""
# The party's row is locked: of two first people the second finds the first.
LOCK_PARTY = "SELECT FROM identity.party WHERE party_id = %(party_id)s FOR UPDATE"
HAS_PEOPLE = "SELECT EXISTS (SELECT FROM identity.person WHERE party_id = %(party_id)s)"
DISABLE_PERSON = """
    UPDATE identity.person SET disabled_at = %(now)s
    WHERE person_id = %(person_id)s AND party_id = %(party_id)s AND disabled_at IS NULL"""
END_SESSIONS = """
    UPDATE identity.session SET ended_at = %(now)s WHERE person_id = %(person_id)s AND ended_at IS NULL"""
INSERT_SESSION = """
    INSERT INTO identity.session (token_sha256, session_id, person_id, csrf_token, created_at, expires_at)
    VALUES (%(token_sha256)s, %(session_id)s, %(person_id)s, %(csrf_token)s, %(created_at)s,
        %(expires_at)s)"""
LIVE_SESSION = """
    SELECT s.session_id, s.csrf_token, s.expires_at, p.person_id, p.party_id, p.username, p.display_name,
        p.roles, p.locale, y.kind AS party_kind, y.name AS party_name
    FROM identity.session s
    JOIN identity.person p USING (person_id)
    JOIN identity.party y USING (party_id)
    WHERE s.token_sha256 = %(token_sha256)s AND s.ended_at IS NULL AND s.expires_at > %(now)s
        AND p.disabled_at IS NULL"""
SESSION_BY_ID = LIVE_SESSION.replace("s.token_sha256 = %(token_sha256)s", "s.session_id = %(session_id)s")
END_SESSION = """
    UPDATE identity.session SET ended_at = %(now)s
    WHERE session_id = %(session_id)s AND person_id = %(person_id)s AND ended_at IS NULL"""
SET_LOCALE = "UPDATE identity.person SET locale = %(locale)s WHERE person_id = %(person_id)s"
NAMES_OF = "SELECT person_id, display_name FROM identity.names_of(%(person_ids)s)"
FAILED_AT = """
    SELECT failed_at FROM identity.failed_sign_in
    WHERE username = %(username)s AND failed_at > %(since)s ORDER BY failed_at"""
INSERT_FAILURE = """
    INSERT INTO identity.failed_sign_in (username, failed_at) VALUES (%(username)s, %(now)s)"""


async def insert_person(tx: Tx, row: dict[str, Any]) -> bool:
    return await tx.run(INSERT_PERSON, row) == 1


async def has_people(tx: Tx, party_id: str) -> bool:
    """Whether anybody was ever entered for the party, as nobody else enters people of it meanwhile."""
    await tx.row(LOCK_PARTY, {"party_id": party_id})
    return bool(await tx.value(HAS_PEOPLE, {"party_id": party_id}))


async def person_by_username(tx: ReadTx, username: str) -> Row | None:
    return await tx.row(PERSON_BY_USERNAME, {"username": username})


async def people(tx: ReadTx, party_id: str, cursor: str | None, limit: int) -> list[Row]:
    return await tx.rows(PEOPLE, {"party_id": party_id, "cursor": cursor, "limit": limit})


async def disable_person(tx: Tx, person_id: str) -> bool:
    """Only within the caller's own party."""
    where = {"person_id": person_id, "party_id": tx.caller.party_id, "now": tx.now}
    if await tx.run(DISABLE_PERSON, where) == 0:
        return False
    await tx.run(END_SESSIONS, where)
    return True


async def insert_session(tx: Tx, row: dict[str, Any]) -> None:
    await tx.run(INSERT_SESSION, row)


async def live_session(tx: ReadTx, token_sha256: str) -> Row | None:
    return await tx.row(LIVE_SESSION, {"token_sha256": token_sha256, "now": tx.now})


async def session_by_id(tx: ReadTx, session_id: str) -> Row | None:
    return await tx.row(SESSION_BY_ID, {"session_id": session_id, "now": tx.now})


async def end_session(tx: Tx, session_id: str) -> None:
    where = {"session_id": session_id, "person_id": tx.caller.person_id, "now": tx.now}
    await tx.run(END_SESSION, where)


async def set_locale(tx: Tx, locale: str) -> None:
    await tx.run(SET_LOCALE, {"locale": locale, "person_id": tx.caller.person_id})


async def names_of(read: ReadTx, person_ids: Sequence[str]) -> dict[str, str]:
    rows = await read.rows(NAMES_OF, {"person_ids": list(person_ids)})
    return {row["person_id"]: row["display_name"] for row in rows}


async def failed_at(tx: ReadTx, username: str, since: datetime) -> list[datetime]:
    return [row["failed_at"] for row in await tx.rows(FAILED_AT, {"username": username, "since": since})]


async def insert_failure(tx: Tx, username: str) -> None:
    await tx.run(INSERT_FAILURE, {"username": username, "now": tx.now})
