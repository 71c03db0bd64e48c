"""What the pages show about the signed-in person and the people of a party."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel

from identity.messages import Locale
from identity.parties.views import PartyView
from identity.people import store
from kernel.errors import NotFound
from kernel.tx import ReadTx, Row


class PersonView(BaseModel):
    person_id: str
    username: str
    display_name: str
    roles: list[str]
    locale: Locale | None


class SessionView(BaseModel):
    """The session as the pages need it; `csrf_token` goes into the header of every unsafe request. A handheld
    that scans over MQTT names `session_id` and proves itself with `csrf_token`."""

    person: PersonView
    party: PartyView
    session_id: str
    csrf_token: str
    expires_at: datetime


class PersonRow(PersonView):
    """`added_by` is the person who opened the account: `product:admin` for the installation's shell, empty
    for one from before this was kept."""

    added_by: str
    created_at: datetime
    disabled_at: datetime | None


async def session_view(read: ReadTx, session_id: str) -> SessionView:
    row = await store.session_by_id(read, session_id)
    if row is None:
        raise NotFound("session.none")
    return session_from_row(row)


def session_from_row(row: Row) -> SessionView:
    return SessionView(
        person=PersonView(**{name: row[name] for name in PersonView.model_fields}),
        party=PartyView(party_id=row["party_id"], kind=row["party_kind"], name=row["party_name"]),
        session_id=row["session_id"],
        csrf_token=row["csrf_token"],
        expires_at=row["expires_at"],
    )


async def people_of(read: ReadTx, party_id: str, cursor: str | None, limit: int) -> list[PersonRow]:
    rows = await store.people(read, party_id, cursor, limit)
    return [PersonRow(**{name: row[name] for name in PersonRow.model_fields}) for row in rows]


async def names_of(read: ReadTx, person_ids: Iterable[str | None]) -> dict[str, str]:
    """The display names of those of the ids that are people; None and the product's own hands have none.

    Works in every reading transaction: whoever may read a row that says who acted may read that one's name.
    """
    asked = sorted({person_id for person_id in person_ids if person_id})
    return await store.names_of(read, asked) if asked else {}
