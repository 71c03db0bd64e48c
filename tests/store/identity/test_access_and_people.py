"""The access relation and accounts on a real PostgreSQL."""

from contextlib import nullcontext
from datetime import timedelta

import pytest
from psycopg.errors import InsufficientPrivilege

from app.database import PgTx
from identity.api import grant_access, names_of, revoke_access
from identity.messages import AddParty, AddPerson, DisablePerson, SignIn, SignOut
from identity.parties.handlers import add_party
from identity.people.handlers import (
    SignedIn,
    add_person,
    disable_person,
    session_of,
    sign_in,
    sign_out,
    whose_password,
)
from identity.people.model import FAILURES_MAX
from identity.people.views import people_of
from kernel.caller import Role
from kernel.errors import Conflict, Forbidden, Invalid

pytestmark = pytest.mark.usefixtures("quick_passwords")

GOOD = "correct horse battery staple"


async def visible(as_caller, party_id: str) -> set[str]:
    async with as_caller(party_id, "auditor", reading=True) as read:
        return {row["id"] for row in await read.rows("SELECT identity.visible_subjects() AS id")}


async def a_person(tx: PgTx, username: str = "picker-1", roles: tuple[str, ...] = ("admin", "picker")):
    await add_party(AddParty(kind="keeper", name="Keeper", party_id="keeper-x"), tx)
    return await add_person(
        AddPerson(username=username, password=GOOD, display_name="P", party_id="keeper-x", roles=roles), tx
    )


async def try_to_sign_in(tx: PgTx, username: str, password: str) -> SignedIn:
    """As the route does it: first whose password it is, then a session."""
    person_id = await whose_password(lambda: nullcontext(tx), username, password)
    return await sign_in(SignIn(username=username, person_id=person_id, lasts=timedelta(hours=8)), tx)


async def test_a_party_sees_a_subject_from_the_grant_to_its_end(tx: PgTx, as_caller) -> None:
    await add_party(AddParty(kind="bank", name="Bank", party_id="bank-x"), tx)
    assert await visible(as_caller, "bank-x") == set()
    await grant_access(tx, "bank-x", "lot-1", cause="pledge-1")
    await grant_access(tx, "bank-x", "lot-1", cause="pledge-1")
    assert await visible(as_caller, "bank-x") == {"lot-1"}
    assert await visible(as_caller, "bank-y") == set()
    await revoke_access(tx, "bank-x", "lot-1", cause="released")
    assert await visible(as_caller, "bank-x") == set()
    assert [type(event).__name__ for event in tx.events[1:]] == ["AccessGranted", "AccessEnded"]


async def test_a_grant_for_later_is_not_visible_now(tx: PgTx, as_caller) -> None:
    await add_party(AddParty(kind="bank", name="Bank", party_id="bank-x"), tx)
    await grant_access(tx, "bank-x", "lot-1", cause="test", valid_from=tx.now + timedelta(hours=1))
    assert await visible(as_caller, "bank-x") == set()


async def test_without_a_party_nothing_is_visible(tx: PgTx, as_caller) -> None:
    await add_party(AddParty(kind="bank", name="Bank", party_id="bank-x"), tx)
    await grant_access(tx, "bank-x", "lot-1", cause="test")
    assert await visible(as_caller, "") == set()


async def test_signing_in_opens_a_session_and_signing_out_ends_it(tx: PgTx, as_caller) -> None:
    person = await a_person(tx)
    opened = await try_to_sign_in(tx, "picker-1", GOOD)
    assert opened.session_token is not None
    session = await session_of(tx, opened.session_token)
    assert session is not None
    assert (session.caller.person_id, session.caller.roles) == (
        person.person_id,
        frozenset({"admin", "picker"}),
    )
    async with as_caller("keeper-x", "picker", person_id=person.person_id) as own:
        await sign_out(SignOut(session_id=session.caller.session_id), own)
    assert await session_of(tx, opened.session_token) is None


async def test_a_session_ends_when_it_has_lasted(tx: PgTx) -> None:
    await a_person(tx)
    opened = await try_to_sign_in(tx, "picker-1", GOOD)
    assert opened.session_token is not None
    started = tx.now
    for hours, is_live in ((7.99, True), (8, False)):
        tx.now = started + timedelta(hours=hours)
        assert (await session_of(tx, opened.session_token) is not None) is is_live


async def test_a_database_copy_opens_no_session(tx: PgTx) -> None:
    await a_person(tx)
    opened = await try_to_sign_in(tx, "picker-1", GOOD)
    rows = await tx.rows("SELECT * FROM identity.session s JOIN identity.person USING (person_id)")
    assert opened.session_token is not None
    assert all(opened.session_token not in str(row) and GOOD not in str(row) for row in rows)


async def test_an_unknown_name_and_a_wrong_password_are_answered_alike(tx: PgTx) -> None:
    await a_person(tx)
    wrong = await try_to_sign_in(tx, "picker-1", "not the password")
    unknown = await try_to_sign_in(tx, "nobody", "not the password")
    assert wrong == unknown
    assert wrong.session_token is None


async def test_ten_failures_close_the_name_even_for_the_right_password(tx: PgTx) -> None:
    await a_person(tx)
    for _ in range(FAILURES_MAX):
        assert (await try_to_sign_in(tx, "picker-1", "x")).session_token is None
    refused = await try_to_sign_in(tx, "picker-1", GOOD)
    assert (refused.session_token, refused.refused) == (None, "session.locked")


async def test_the_right_password_is_of_no_use_once_ten_wrong_ones_were_tried_beside_it(tx: PgTx) -> None:
    person = await a_person(tx)
    assert await whose_password(lambda: nullcontext(tx), "picker-1", GOOD) == person.person_id
    for _ in range(FAILURES_MAX):
        await try_to_sign_in(tx, "picker-1", "x")
    late = SignIn(username="picker-1", person_id=person.person_id, lasts=timedelta(hours=8))
    assert (await sign_in(late, tx)).refused == "session.locked"


async def test_the_password_of_one_person_signs_in_nobody_else(tx: PgTx, as_caller) -> None:
    person = await a_person(tx)
    twin = AddPerson(
        username="picker-2", password=GOOD, display_name="Q", party_id="keeper-x", roles=("picker",)
    )
    async with as_caller("keeper-x", "admin") as admin:
        await add_person(twin, admin)
    other = SignIn(username="picker-2", person_id=person.person_id, lasts=timedelta(hours=8))
    assert (await sign_in(other, tx)).refused == "session.wrong_password"


async def test_disabling_a_person_ends_their_sessions_at_once(tx: PgTx, as_caller) -> None:
    person = await a_person(tx)
    opened = await try_to_sign_in(tx, "picker-1", GOOD)
    async with as_caller("keeper-x", "admin") as admin:
        await disable_person(DisablePerson(person_id=person.person_id), admin)
    assert opened.session_token is not None
    assert await session_of(tx, opened.session_token) is None


async def test_a_username_is_used_once(tx: PgTx, as_caller) -> None:
    await a_person(tx)
    again = AddPerson(
        username="picker-1", password=GOOD, display_name="Q", party_id="keeper-x", roles=("picker",)
    )
    async with as_caller("keeper-x", "admin") as admin:
        with pytest.raises(Conflict):
            await add_person(again, admin)


async def test_from_outside_a_party_only_its_first_person_is_let_in_and_that_is_an_admin(
    tx: PgTx, as_caller
) -> None:
    await add_party(AddParty(kind="bank", name="Bank", party_id="bank-x"), tx)

    def a_mole(*roles: Role) -> AddPerson:
        return AddPerson(
            username=f"mole-{len(roles)}", password=GOOD, display_name="M", party_id="bank-x", roles=roles
        )

    with pytest.raises(Invalid, match=r"person\.first_is_admin"):
        await add_person(a_mole("officer"), tx)
    first = await add_person(a_mole("admin", "officer"), tx)
    for roles in (("officer",), ("admin", "officer", "approver")):
        with pytest.raises(Forbidden, match=r"person\.by_own_admin"):
            await add_person(a_mole(*roles), tx)
    async with as_caller("bank-x", "admin") as admin:
        await disable_person(DisablePerson(person_id=first.person_id), admin)
        with pytest.raises(Forbidden, match=r"person\.by_own_admin"):
            await add_person(a_mole("admin"), tx)
        await add_person(a_mole("approver"), admin)
    people = await people_of(tx, "bank-x", None, 10)
    assert [(person.username, person.added_by) for person in people] == [
        ("mole-2", tx.caller.person_id),
        ("mole-1", admin.caller.person_id),
    ]


async def test_parties_without_admins_have_their_people_entered_by_the_installation(tx: PgTx) -> None:
    await add_party(AddParty(kind="owner", name="Owner", party_id="owner-x"), tx)
    for username in ("borrower-1", "borrower-2"):
        await add_person(
            AddPerson(
                username=username,
                password=GOOD,
                display_name="B",
                party_id="owner-x",
                roles=("borrower",),
            ),
            tx,
        )


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("password", {"password": "short"}),
        ("password", {"password": "picker-1 picker-1"}),
        ("username", {"username": "Über"}),
        ("roles", {"roles": ()}),
        ("roles", {"roles": ("officer",)}),
        ("display_name", {"display_name": "  "}),
    ],
)
async def test_an_account_that_breaks_a_rule_is_refused_by_field(tx: PgTx, field: str, change: dict) -> None:
    await add_party(AddParty(kind="keeper", name="Keeper", party_id="keeper-x"), tx)
    good = {
        "username": "picker-1",
        "password": GOOD,
        "display_name": "P",
        "party_id": "keeper-x",
        "roles": ("admin", "picker"),
    }
    with pytest.raises(Invalid) as refused:
        await add_person(AddPerson(**{**good, **change}), tx)
    assert refused.value.facts["field"] == field


async def test_names_are_told_by_id_to_readers_who_may_not_read_accounts(tx: PgTx, as_caller) -> None:
    person = await a_person(tx)
    async with as_caller("bank-x", "officer", reading=True) as read:
        asked = [person.person_id, "person-nobody", "product:fold", None]
        assert await names_of(read, asked) == {person.person_id: "P"}
        assert await names_of(read, [None]) == {}
    with pytest.raises(InsufficientPrivilege):
        async with as_caller("bank-x", "officer", reading=True) as read:
            await read.rows("SELECT display_name FROM identity.person")
