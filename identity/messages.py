"""Commands and events of identity."""

from datetime import datetime, timedelta
from typing import Literal

from kernel.caller import Role
from kernel.messages import Command, Event

PartyKind = Literal["bank", "keeper", "owner", "carrier"]
Locale = Literal["zh", "en"]


class AddParty(Command, frozen=True, kw_only=True):
    """Enter a bank, keeper, owner or carrier. `party_id` is chosen by the caller or made."""

    kind: PartyKind
    name: str
    party_id: str | None = None


class AddPerson(Command, frozen=True, kw_only=True):
    """Open an account. The password must hold at least 12 characters; only its argon2id hash is kept.

    `locale` is None until somebody chooses; pages then go by the browser's language.
    """

    username: str
    password: str
    display_name: str
    party_id: str
    roles: tuple[Role, ...]
    locale: Locale | None = None


class DisablePerson(Command, frozen=True, kw_only=True):
    """Close an account and end its sessions at once. What the person did stays on record."""

    person_id: str


class SignIn(Command, frozen=True, kw_only=True):
    """Open a session that `lasts` so long, whatever its person does.

    `person_id` is whose password was shown; None when it was nobody's.
    """

    username: str
    person_id: str | None
    lasts: timedelta


class SignOut(Command, frozen=True, kw_only=True):
    session_id: str


class ChooseLocale(Command, frozen=True, kw_only=True):
    locale: Locale


class PartyAdded(Event, frozen=True, kw_only=True):
    party_id: str
    kind: PartyKind
    name: str
    added_at: datetime


class PersonAdded(Event, frozen=True, kw_only=True):
    person_id: str
    party_id: str
    roles: tuple[Role, ...]
    added_at: datetime


class AccessGranted(Event, frozen=True, kw_only=True):
    party_id: str
    subject_id: str
    granted_at: datetime
    cause: str


class AccessEnded(Event, frozen=True, kw_only=True):
    party_id: str
    subject_id: str
    ended_at: datetime
    cause: str
