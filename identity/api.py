"""The front door of identity."""

from collections.abc import Awaitable, Callable
from typing import Any

from identity.access.handlers import Holder, banks_of, grant_access, holders_of, parties_of, revoke_access
from identity.messages import (
    AddParty,
    AddPerson,
    ChooseLocale,
    DisablePerson,
    SignIn,
    SignOut,
)
from identity.parties.handlers import Party, add_party, party_of
from identity.people.handlers import (
    Person,
    add_person,
    choose_locale,
    disable_person,
    require_addable,
    session_of,
    session_with,
    sign_in,
    sign_out,
)
from identity.people.views import names_of
from kernel.messages import Command, Event

COMMANDS: dict[type[Command], Callable[[Any, Any], Awaitable[Any]]] = {
    AddParty: add_party,
    AddPerson: add_person,
    DisablePerson: disable_person,
    SignIn: sign_in,
    SignOut: sign_out,
    ChooseLocale: choose_locale,
}
SUBSCRIBERS: dict[type[Event], list[Callable[[Any, Any], Awaitable[None]]]] = {}

__all__ = [
    "COMMANDS",
    "SUBSCRIBERS",
    "Holder",
    "Party",
    "Person",
    "banks_of",
    "grant_access",
    "holders_of",
    "names_of",
    "parties_of",
    "party_of",
    "require_addable",
    "revoke_access",
    "session_of",
    "session_with",
]
