"""Granting and ending access, always inside the transaction of the command that is the cause."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from identity.access import store
from identity.messages import AccessEnded, AccessGranted
from kernel.tx import ReadTx, Tx


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A party that may see a subject, and since when."""

    party_id: str
    name: str
    since: datetime


async def grant_access(
    tx: Tx, party_id: str, subject_id: str, *, cause: str, valid_from: datetime | None = None
) -> None:
    """From now (or `valid_from`) on the party may see the subject. Granting twice changes nothing."""
    since = valid_from or tx.now
    if await store.insert_access(tx, party_id, subject_id, since, cause):
        tx.emit(AccessGranted(party_id=party_id, subject_id=subject_id, granted_at=since, cause=cause))


async def revoke_access(
    tx: Tx, party_id: str, subject_id: str, *, cause: str, valid_to: datetime | None = None
) -> None:
    """From now (or `valid_to`) on the party may see the subject no longer. What it could see before stays
    answerable: see `identity.known_subjects()`."""
    until = valid_to or tx.now
    if await store.end_access(tx, party_id, subject_id, until):
        tx.emit(AccessEnded(party_id=party_id, subject_id=subject_id, ended_at=until, cause=cause))


async def parties_of(tx: Tx, subject_id: str) -> list[str]:
    """The parties that may see the subject now."""
    return await store.parties_of(tx, subject_id)


async def banks_of(tx: Tx, subject_ids: Collection[str]) -> frozenset[str]:
    """The banks that may see any of these subjects now."""
    return await store.banks_of(tx, subject_ids)


async def holders_of(read: ReadTx, subject_id: str, cursor: str | None, limit: int) -> list[Holder]:
    """The parties that may see the subject now, by their ids, from after `cursor`. No party's view shows the
    access relation, so this takes a transaction that may read it."""
    return [msgspec.convert(row, Holder) for row in await store.holders(read, subject_id, cursor, limit)]
