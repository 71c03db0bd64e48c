"""Commands on parties."""

import msgspec

from identity.messages import AddParty, PartyAdded, PartyKind
from identity.parties import store
from kernel.errors import Conflict, Invalid, NotFound
from kernel.tx import ReadTx, Tx

NAME_LENGTH_MAX = 200


class Party(msgspec.Struct, frozen=True, kw_only=True):
    party_id: str
    kind: PartyKind
    name: str


async def add_party(command: AddParty, tx: Tx) -> Party:
    """Enter a party. Conflict when the id is taken."""
    if not 1 <= len(command.name.strip()) <= NAME_LENGTH_MAX:
        raise Invalid("party.name", field="name", rule=f"1 to {NAME_LENGTH_MAX} characters")
    party = Party(
        party_id=command.party_id or tx.ids.new("party"), kind=command.kind, name=command.name.strip()
    )
    row = {**msgspec.to_builtins(party), "created_at": tx.now}
    if not await store.insert(tx, row):
        raise Conflict("party.exists", field="party_id", rule="a party is entered once")
    tx.emit(PartyAdded(party_id=party.party_id, kind=party.kind, name=party.name, added_at=tx.now))
    return party


async def party_of(read: ReadTx, party_id: str) -> Party:
    """The party; NotFound when there is none."""
    row = await store.find(read, party_id)
    if row is None:
        raise NotFound("party.unknown", party_id=party_id)
    return msgspec.convert(row, Party)
