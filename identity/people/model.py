"""Pure rules of accounts and sessions."""

import re
from datetime import datetime, timedelta

from identity.messages import AddPerson, PartyKind
from kernel.caller import ROLES, Role
from kernel.errors import Forbidden, Invalid

PASSWORD_LENGTH_MIN = 12
PASSWORD_LENGTH_MAX = 256
FAILURES_MAX = 10
FAILURES_WITHIN = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=12)
"""How long a sign-in lasts where the installation does not say otherwise."""
_USERNAME = re.compile(r"^[a-z0-9][a-z0-9._-]{1,62}[a-z0-9]$")

ROLES_OF_KIND: dict[PartyKind, frozenset[Role]] = {
    "bank": frozenset({"officer", "approver", "auditor", "admin"}),
    "keeper": frozenset({"operator", "picker", "keeper", "auditor", "admin"}),
    "owner": frozenset({"borrower", "auditor"}),
    "carrier": frozenset({"operator"}),
}
"""Which roles a person of a party of each kind may hold."""


def check_person(command: AddPerson, kind: PartyKind) -> None:
    """Raise Invalid naming the field and the rule that an account would break, whatever its password."""
    if not _USERNAME.match(command.username):
        raise Invalid("person.username", field="username", rule="3 to 64 of a-z 0-9 . _ - in small letters")
    if not command.display_name.strip():
        raise Invalid("person.display_name", field="display_name", rule="must not be empty")
    if not command.roles or not set(command.roles) <= set(ROLES):
        raise Invalid("person.roles", field="roles", rule=f"one or more of {', '.join(ROLES)}")
    strange = sorted(set(command.roles) - ROLES_OF_KIND[kind])
    if strange:
        raise Invalid("person.roles", field="roles", rule=f"{', '.join(strange)} cannot work for a {kind}")


def check_password(command: AddPerson) -> None:
    """Raise Invalid naming the rule that the account's password breaks."""
    if not PASSWORD_LENGTH_MIN <= len(command.password) <= PASSWORD_LENGTH_MAX:
        raise Invalid("person.password", field="password", rule=f"at least {PASSWORD_LENGTH_MIN} characters")
    if command.username in command.password.lower():
        raise Invalid("person.password", field="password", rule="must not contain the username")


def require_first(command: AddPerson, kind: PartyKind, has_people: bool) -> None:
    """From outside a party only its first person is let in, an admin; that one lets in the others.

    Whoever runs the installation would otherwise make officers of a bank. Parties of a kind that has no admin
    (owners and carriers) have their people entered by the installation. Raises Forbidden and Invalid.
    """
    if "admin" not in ROLES_OF_KIND[kind]:
        return
    if has_people:
        raise Forbidden(
            "person.by_own_admin",
            field="party_id",
            rule="a party that has nobody yet",
            party_id=command.party_id,
        )
    if "admin" not in command.roles:
        raise Invalid("person.first_is_admin", field="roles", rule="admin among them")


def is_locked_out(failed_at: list[datetime], now: datetime) -> bool:
    """True when the recent failures of one name forbid another try now."""
    return sum(moment > now - FAILURES_WITHIN for moment in failed_at) >= FAILURES_MAX
