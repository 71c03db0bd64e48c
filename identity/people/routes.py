"""Sign-in, sign-out, the session, and the accounts of a party."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from identity.http import (
    SESSION_COOKIE,
    Admits,
    Body,
    Desk,
    Page,
    PagingQuery,
    Public,
    Session,
    SignedOut,
    clear_session_cookie,
    set_session_cookie,
)
from identity.messages import AddPerson, ChooseLocale, DisablePerson, Locale, SignIn, SignOut
from identity.people import model
from identity.people.handlers import whose_password
from identity.people.views import PersonRow, PersonView, SessionView, people_of, session_view
from kernel.caller import ROLES, Caller, Role
from kernel.errors import Forbidden

router = APIRouter(prefix="/api/v1", tags=["people"])

Anyone = Annotated[Session, Depends(Admits(*ROLES))]
Admin = Annotated[Session, Depends(Admits("admin"))]
Overseer = Annotated[Session, Depends(Admits("admin", "auditor"))]


class SignInBody(Body):
    username: str = Field(max_length=64)
    password: str = Field(max_length=model.PASSWORD_LENGTH_MAX)


class LocaleBody(Body):
    locale: Locale


class PersonBody(Body):
    username: str
    password: str
    display_name: str
    roles: list[Role]
    locale: Locale | None = None


@router.post("/session")
async def sign_in(
    body: SignInBody, response: Response, desk: Annotated[Desk, Depends(Public())]
) -> SessionView:
    """Open a session; the cookie is set on the answer."""
    person_id = await whose_password(desk.sessions, body.username, body.password)
    command = SignIn(username=body.username, person_id=person_id, lasts=desk.session_lasts)
    signed_in = await desk.do(Caller.product("sign-in"), command)
    if signed_in.session_token is None:
        raise SignedOut(signed_in.refused)
    opened = await desk.session_of(signed_in.session_token)
    assert opened is not None, "a session just opened is live"
    set_session_cookie(response, signed_in.session_token, int(desk.session_lasts.total_seconds()))
    async with desk.sessions() as read:
        return await session_view(read, opened.caller.session_id)


@router.get("/session", responses={204: {"description": "Nobody is signed in."}})
async def show_session(
    connection: Request, response: Response, desk: Annotated[Desk, Depends(Public())]
) -> SessionView | None:
    """Who is signed in; 204 when nobody is, for that is an answer and no failure."""
    opened = await desk.session_of(connection.cookies.get(SESSION_COOKIE, ""))
    if opened is None:
        response.status_code = 204
        return None
    async with desk.sessions() as read:
        return await session_view(read, opened.caller.session_id)


@router.delete("/session", status_code=204)
async def sign_out(response: Response, session: Anyone) -> None:
    await session.do(SignOut(session_id=session.caller.session_id))
    clear_session_cookie(response)


@router.post("/session/locale", status_code=204)
async def choose_locale(body: LocaleBody, session: Anyone) -> None:
    await session.do(ChooseLocale(locale=body.locale))


@router.get("/people")
async def list_people(session: Overseer, paging: PagingQuery) -> Page[PersonRow]:
    """The accounts of the caller's own party, and who opened each."""
    async with session.sessions() as read:
        people = await people_of(read, session.caller.party_id, paging.cursor, paging.limit)
    return paging.page(people, lambda person: person.person_id)


@router.post("/people", status_code=201)
async def add_person(body: PersonBody, session: Admin) -> PersonView:
    """Open an account in the caller's own party."""
    added = await session.do(
        AddPerson(
            username=body.username,
            password=body.password,
            display_name=body.display_name,
            party_id=session.caller.party_id,
            roles=tuple(body.roles),
            locale=body.locale,
        )
    )
    return PersonView(**{name: getattr(added, name) for name in PersonView.model_fields})


@router.post("/people/{person_id}/disable", status_code=204)
async def disable_person(person_id: str, session: Admin) -> None:
    if person_id == session.caller.person_id:
        raise Forbidden("person.own_account", field="person_id", rule="not your own account")
    await session.do(DisablePerson(person_id=person_id))
