"""Parties and people of the demonstration. Passwords are random, in a file that only its owner reads."""

import json
import secrets
from pathlib import Path

import msgspec

from app.demo.words import WORDS
from app.texts import Locale
from identity.messages import AddParty, AddPerson, PartyKind
from kernel.caller import Caller, Role

KEEPER, OWNER, BANK = "keeper-demo", "owner-a", "bank-a"

PARTIES: dict[str, PartyKind] = {
    KEEPER: "keeper",
    OWNER: "owner",
    "owner-b": "owner",
    "owner-c": "owner",
    BANK: "bank",
    "bank-b": "bank",
}

PEOPLE: dict[str, tuple[str, tuple[Role, ...]]] = {
    "admin": (KEEPER, ("admin", "keeper", "operator")),
    "operator": (KEEPER, ("operator",)),
    "picker": (KEEPER, ("picker",)),
    "keeper": (KEEPER, ("keeper",)),
    "borrower": (OWNER, ("borrower",)),
    "officer": (BANK, ("officer",)),
    "approver": (BANK, ("approver",)),
    "auditor": (BANK, ("auditor",)),
    "bank-admin": (BANK, ("admin",)),
    "officer-b": ("bank-b", ("officer",)),
}
"""Username to party and roles. The names are those of the roles; there is no person behind them."""


class Account(msgspec.Struct, frozen=True):
    username: str
    password: str
    party_id: str
    roles: tuple[Role, ...]


def make_accounts() -> list[Account]:
    return [
        Account(name, secrets.token_urlsafe(15), party_id, roles)
        for name, (party_id, roles) in PEOPLE.items()
    ]


def write_accounts(path: Path, address: str, accounts: list[Account]) -> None:
    """Write the accounts for whoever runs the demonstration, readable by that user only."""
    path.touch(mode=0o600, exist_ok=True)
    path.chmod(0o600)
    document = {"address": address, "accounts": msgspec.to_builtins(accounts)}
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def read_accounts(path: Path) -> list[Account]:
    return msgspec.convert(json.loads(path.read_text("utf-8"))["accounts"], list[Account])


def commands_for(accounts: list[Account], language: Locale = "en") -> list[AddParty | AddPerson]:
    """What administrators would enter by hand to open these accounts; see `entered_by`."""
    names = WORDS[language].parties
    parties = [AddParty(kind=kind, name=names[party], party_id=party) for party, kind in PARTIES.items()]
    people = [
        AddPerson(
            username=account.username,
            password=account.password,
            display_name=account.username.replace("-", " ").capitalize(),
            party_id=account.party_id,
            roles=account.roles,
        )
        for account in accounts
    ]
    return [*parties, *people]


def entered_by(command: AddParty | AddPerson) -> Caller:
    """Whoever sets the installation up enters parties; people are let in by an admin of their own party."""
    if isinstance(command, AddParty):
        return Caller.product("demo")
    return Caller(person_id="product:demo", party_id=command.party_id, roles=frozenset({"admin"}))
