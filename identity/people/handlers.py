"""Commands on people and sessions."""

import hashlib
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import msgspec

from identity.http import OpenSession
from identity.messages import (
    AddPerson,
    ChooseLocale,
    DisablePerson,
    Locale,
    PersonAdded,
    SignIn,
    SignOut,
)
from identity.parties.handlers import party_of
from identity.people import model, store
from identity.people.passwords import hash_password, is_password
from kernel.caller import Caller, Role
from kernel.errors import Conflict, NotFound
from kernel.tx import ReadTx, Row, Tx


class Person(msgspec.Struct, frozen=True, kw_only=True):
    person_id: str
    username: str
    display_name: str
    party_id: str
    roles: tuple[Role, ...]
    locale: Locale | None


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """`session_token` goes into the cookie and nowhere else; None when the sign-in was refused."""

    session_token: str | None
    refused: str = ""


async def add_person(command: AddPerson, tx: Tx) -> Person:
    """Open an account. Conflict when the username is taken; Forbidden from outside a party that has people
    and admins of its own, Invalid there for a first person who is no admin."""
    await require_addable(command, tx)
    model.check_password(command)
    person = Person(
        person_id=tx.ids.new("person"),
        username=command.username,
        display_name=command.display_name.strip(),
        party_id=command.party_id,
        roles=tuple(sorted(set(command.roles))),
        locale=command.locale,
    )
    row = {**msgspec.structs.asdict(person), "roles": list(person.roles), "created_at": tx.now}
    row["added_by"] = tx.caller.person_id
    row["password_hash"] = await hash_password(command.password)
    if not await store.insert_person(tx, row):
        raise Conflict("person.exists", field="username", rule="a username is used once")
    tx.emit(
        PersonAdded(person_id=person.person_id, party_id=person.party_id, roles=person.roles, added_at=tx.now)
    )
    return person


async def require_addable(command: AddPerson, tx: Tx) -> None:
    """Raise what `add_person` would whatever the password is, so that it is asked for where it is of use."""
    party = await party_of(tx, command.party_id)
    model.check_person(command, party.kind)
    if tx.caller.party_id != command.party_id:
        model.require_first(command, party.kind, await store.has_people(tx, command.party_id))


async def disable_person(command: DisablePerson, tx: Tx) -> None:
    """Close an account of the caller's own party."""
    if not await store.disable_person(tx, command.person_id):
        raise NotFound("person.unknown", person_id=command.person_id)


async def whose_password(
    open_read: Callable[[], AbstractAsyncContextManager[ReadTx]], username: str, password: str
) -> str | None:
    """The id of the person of that name, when it is that person's password and the name is not locked out.

    A password takes long to check, so no transaction is held meanwhile: a crowd at the door must not keep
    everybody else from the database.
    """
    async with open_read() as read:
        person = await store.person_by_username(read, _plain(username))
        is_locked = await _is_locked_out(read, username)
    fits = not is_locked and await is_password(password, person["password_hash"] if person else None)
    return person["person_id"] if person and fits else None


async def sign_in(command: SignIn, tx: Tx) -> SignedIn:
    """Open a session. A refusal is an answer, not an error, so that the failure stays counted."""
    if await _is_locked_out(tx, command.username):
        return SignedIn(session_token=None, refused="session.locked")
    person = await store.person_by_username(tx, _plain(command.username))
    if person is None or person["person_id"] != command.person_id:
        await store.insert_failure(tx, _plain(command.username))
        return SignedIn(session_token=None, refused="session.wrong_password")
    return SignedIn(session_token=await _open_session(tx, person["person_id"], command.lasts))


def _plain(username: str) -> str:
    return username.strip().lower()


async def _is_locked_out(tx: ReadTx, username: str) -> bool:
    failures = await store.failed_at(tx, _plain(username), tx.now - model.FAILURES_WITHIN)
    return model.is_locked_out(failures, tx.now)


async def _open_session(tx: Tx, person_id: str, lasts: timedelta) -> str:
    token = secrets.token_urlsafe(32)
    await store.insert_session(
        tx,
        {
            "token_sha256": _digest(token),
            "session_id": tx.ids.new("session"),
            "person_id": person_id,
            "csrf_token": secrets.token_urlsafe(24),
            "created_at": tx.now,
            "expires_at": tx.now + lasts,
        },
    )
    return token


async def sign_out(command: SignOut, tx: Tx) -> None:
    await store.end_session(tx, command.session_id)


async def choose_locale(command: ChooseLocale, tx: Tx) -> None:
    await store.set_locale(tx, command.locale)


async def session_of(tx: ReadTx, cookie: str) -> OpenSession | None:
    """The live session behind a cookie, None when there is none."""
    row = await store.live_session(tx, _digest(cookie)) if cookie else None
    return None if row is None else OpenSession(caller=_caller(row), csrf_token=row["csrf_token"])


async def session_with(tx: ReadTx, session_id: str) -> OpenSession | None:
    """The live session of an id, None when there is none. An id alone proves nothing: it is no secret."""
    row = await store.session_by_id(tx, session_id)
    return None if row is None else OpenSession(caller=_caller(row), csrf_token=row["csrf_token"])


def _caller(row: Row) -> Caller:
    return Caller(
        person_id=row["person_id"],
        party_id=row["party_id"],
        roles=frozenset(row["roles"]),
        session_id=row["session_id"],
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
