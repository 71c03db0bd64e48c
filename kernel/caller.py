"""Who asks. Made by identity from a session or a device credential; read by every handler."""

from typing import Literal

import msgspec

Role = Literal["operator", "picker", "keeper", "officer", "approver", "borrower", "auditor", "admin"]

ROLES: tuple[Role, ...] = (
    "operator",
    "picker",
    "keeper",
    "officer",
    "approver",
    "borrower",
    "auditor",
    "admin",
)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in person acting for a party, or the product itself (`Caller.product()`)."""

    person_id: str
    party_id: str
    roles: frozenset[Role]
    session_id: str = ""

    @classmethod
    def product(cls, part: str) -> "Caller":
        """The product's own hand, such as `fold` or `work`: it has no role and passes no route."""
        return cls(person_id=f"product:{part}", party_id="product", roles=frozenset())
