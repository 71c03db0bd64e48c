"""Parties as pages name them."""

from pydantic import BaseModel

from identity.messages import PartyKind
from identity.parties import store
from kernel.tx import ReadTx


class PartyView(BaseModel):
    party_id: str
    kind: str
    name: str


async def party_list(read: ReadTx, kind: PartyKind, cursor: str | None, limit: int) -> list[PartyView]:
    """Parties of a kind by their ids, from after `cursor`."""
    return [PartyView(**row) for row in await store.page(read, kind, cursor, limit)]
