"""Devices of a site: list, enrol, retire, quarantine, and the enrolment of handhelds."""

import secrets
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from devices.families import Value
from devices.messages import (
    AcceptDevice,
    CalibrateDevice,
    DistrustDevice,
    EnrolDevice,
    EnrolHandheld,
    InviteInspector,
    IssueEnrolmentCode,
    RetireDevice,
    RotateDeviceKey,
)
from devices.registry.handlers import require_site
from devices.registry.model import CODE_LENGTH_MIN, SECRET_LENGTH_MAX, inspection_of
from devices.registry.views import (
    DeviceRow,
    FamilyView,
    HistoryRow,
    QuarantineRow,
    devices_of_site,
    family_list,
    history_of_device,
    quarantine_cursor,
    quarantine_of_site,
)
from devices.transport.mqtt import TOPIC_ROOT
from identity.api import holders_of
from identity.http import Admits, Body, BrokerPlace, Desk, Page, PagingQuery, Public, Session, Whole
from kernel.caller import Caller

SECRET_BYTES = 32
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: nothing that reads like something else, for a code may be typed."""

router = APIRouter(prefix="/api/v1", tags=["devices"])

Watcher = Annotated[Session, Depends(Admits("operator", "admin", "keeper"))]
Onlooker = Annotated[
    Session, Depends(Admits("operator", "admin", "keeper", "officer", "approver", "auditor"))
]
Officer = Annotated[Session, Depends(Admits("officer"))]
Administrator = Annotated[Session, Depends(Admits("admin", "keeper"))]


class DeviceBody(Body):
    """`connection` holds the parameters that the family's manifest asks for, such as host and port."""

    device_id: str = Field(max_length=64)
    family: str = Field(max_length=64)
    mount_id: str | None = Field(None, max_length=64)
    subject_ref: str | None = Field(None, max_length=64)
    connection: dict[str, Value] = Field(default={}, max_length=64)


class EnrolledView(BaseModel):
    """`secret` is the device's credential (MQTT password or HTTP token). It is shown here and never again."""

    device_id: str
    site_id: str
    secret: str


class InspectorBody(Body):
    party_id: str = Field(min_length=1, max_length=64)


class InspectorView(BaseModel):
    """A bank, and since when it may look at the site's devices."""

    party_id: str
    name: str
    since: datetime


class AcceptBody(Body):
    """`enrolment` is the one that was looked at; a device that was enrolled anew since is not accepted."""

    enrolment: Whole = Field(ge=1)


class AcceptedView(BaseModel):
    """`secret` is the device's credential from now on, where its family has one. It is shown here and never
    again; the one that its enroller knows has ended. `key_held_by` names the other party that made the one
    that the device has: it can make the device say anything."""

    device_id: str
    site_id: str
    secret: str | None
    key_held_by: str | None = None


class CalibrationBody(Body):
    """A certificate of calibration or legal verification."""

    certificate: str = Field(min_length=1, max_length=120)
    performed_by: str = Field(min_length=1, max_length=120)
    performed_on: date
    valid_until: date
    notes: str = Field("", max_length=500)


class CalibratedView(BaseModel):
    calibration_id: str


class DistrustBody(Body):
    reason: str = Field(min_length=1, max_length=500)


class CodeBody(Body):
    """`device_id` when a handheld is to take the place of one that is known; else a new id is made."""

    device_id: str | None = Field(None, max_length=64)


class CodeView(BaseModel):
    """`url` is what the QR code holds; the handheld reads the code out of it, nobody opens it."""

    enrolment_code: str
    device_id: str
    url: str
    expires_at: datetime


class EnrolBody(Body):
    enrolment_code: str = Field(min_length=1, max_length=SECRET_LENGTH_MAX)


class BrokerView(BaseModel):
    """Where the handheld signs in to scan over MQTT, as its `device_id` with its `device_token`, and what
    stands before the last level of its topics."""

    host: str
    port: int
    is_encrypted: bool
    topic: str


class HandheldView(BaseModel):
    """`device_token` is the handheld's credential, over HTTP and at the broker. `broker` is null where this
    server knows of none."""

    device_id: str
    device_token: str
    site_id: str
    broker: BrokerView | None


@router.get("/sites/{site_id}/devices")
async def list_devices(site_id: str, session: Onlooker, paging: PagingQuery) -> Page[DeviceRow]:
    async with session.read() as read:
        rows = await devices_of_site(read, site_id, paging.cursor, paging.limit)
    return paging.page(rows, lambda row: row.device_id)


@router.post("/sites/{site_id}/devices", status_code=201)
async def enrol_device(site_id: str, body: DeviceBody, session: Administrator) -> EnrolledView:
    """Admit a device, or give a known one a new place, connection and credential.

    The credential is made for this answer alone, so the request cannot be repeated under its key: a lost
    answer is mended by enrolling once more.
    """
    secret = secrets.token_urlsafe(SECRET_BYTES)
    enrolled = await session.do(
        EnrolDevice(
            site_id=site_id,
            device_id=body.device_id,
            family=body.family,
            mount_id=body.mount_id,
            subject_ref=body.subject_ref,
            connection=body.connection,
            secret=secret,
        )
    )
    return EnrolledView(device_id=enrolled.device_id, site_id=enrolled.site_id, secret=secret)


@router.get("/device-families")
async def list_families(_: Administrator) -> list[FamilyView]:
    """The kinds of device that can be enrolled at a mount, and what each must and may be given."""
    return family_list()


@router.get("/sites/{site_id}/inspectors")
async def list_inspectors(site_id: str, session: Administrator, paging: PagingQuery) -> Page[InspectorView]:
    """The banks that were invited to look at the site's devices."""
    async with session.read() as read:
        await require_site(read, site_id)
    async with session.sessions() as read:
        holders = await holders_of(read, inspection_of(site_id), paging.cursor, paging.limit)
    rows = [InspectorView(party_id=one.party_id, name=one.name, since=one.since) for one in holders]
    return paging.page(rows, lambda row: row.party_id)


@router.post("/sites/{site_id}/inspectors", status_code=204)
async def invite_inspector(site_id: str, body: InspectorBody, session: Administrator) -> None:
    """Let a bank see the site's devices, accept them and distrust them."""
    await session.do(InviteInspector(site_id=site_id, party_id=body.party_id))


@router.post("/devices/{device_id}/accept")
async def accept_device(device_id: str, body: AcceptBody, session: Officer) -> AcceptedView:
    """Vouch for a device that another party enrolled: from now on what it says is evidence."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    accepted = await session.do(AcceptDevice(device_id=device_id, enrolment=body.enrolment, secret=secret))
    return AcceptedView(
        device_id=accepted.device_id,
        site_id=accepted.site_id,
        secret=secret if accepted.has_credential else None,
        key_held_by=accepted.key_held_by,
    )


@router.post("/devices/{device_id}/rotate-key")
async def rotate_device_key(device_id: str, session: Officer) -> AcceptedView:
    """A new credential for a device that the caller's party accepted; the old one ends."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    rotated = await session.do(RotateDeviceKey(device_id=device_id, secret=secret))
    return AcceptedView(device_id=rotated.device_id, site_id=rotated.site_id, secret=secret)


@router.post("/devices/{device_id}/calibrations", status_code=201)
async def calibrate_device(device_id: str, body: CalibrationBody, session: Administrator) -> CalibratedView:
    """Enter a certificate of the device."""
    entered = await session.do(CalibrateDevice(device_id=device_id, **body.model_dump()))
    return CalibratedView(calibration_id=entered)


@router.get("/devices/{device_id}/history")
async def device_history(device_id: str, session: Onlooker, paging: PagingQuery) -> Page[HistoryRow]:
    """Who did what to the device, newest first."""
    async with session.read() as read:
        rows = await history_of_device(read, device_id, paging.cursor, paging.limit)
    return paging.page(rows, lambda row: str(row.number))


@router.post("/devices/{device_id}/distrust", status_code=204)
async def distrust_device(device_id: str, body: DistrustBody, session: Officer) -> None:
    """Take the acceptance back: what the device says from now on is no evidence."""
    await session.do(DistrustDevice(device_id=device_id, reason=body.reason))


@router.post("/devices/{device_id}/retire", status_code=204)
async def retire_device(device_id: str, session: Administrator) -> None:
    await session.do(RetireDevice(device_id=device_id))


@router.get("/sites/{site_id}/quarantine")
async def list_quarantine(site_id: str, session: Watcher, paging: PagingQuery) -> Page[QuarantineRow]:
    async with session.read() as read:
        rows = await quarantine_of_site(read, site_id, paging.cursor, paging.limit)
    return paging.page(rows, quarantine_cursor)


@router.post("/sites/{site_id}/devices/pda/enrolment-codes", status_code=201)
async def issue_enrolment_code(site_id: str, body: CodeBody, session: Administrator) -> CodeView:
    """A one-time code for a handheld, to be shown as a QR code."""
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH_MIN))
    issued = await session.do(IssueEnrolmentCode(site_id=site_id, device_id=body.device_id, secret=code))
    return CodeView(
        enrolment_code=code,
        device_id=issued.device_id,
        url=f"/pda/?enrol={code}",
        expires_at=issued.expires_at,
    )


@router.post("/devices/pda/enrol", status_code=201)
async def enrol_handheld(body: EnrolBody, desk: Annotated[Desk, Depends(Public())]) -> HandheldView:
    """Redeem a code. The code is the whole right to do so: it is used up, expires, and is never stored."""
    token = secrets.token_urlsafe(SECRET_BYTES)
    enrolled = await desk.do(
        Caller.product("enrolment"), EnrolHandheld(secret=body.enrolment_code, token=token)
    )
    return HandheldView(
        device_id=enrolled.device_id,
        device_token=token,
        site_id=enrolled.site_id,
        broker=_broker(desk.broker_place, enrolled.site_id, enrolled.device_id),
    )


def _broker(place: BrokerPlace | None, site_id: str, device_id: str) -> BrokerView | None:
    if place is None:
        return None
    topic = f"{TOPIC_ROOT}/{site_id}/{device_id}"
    return BrokerView(host=place.host, port=place.port, is_encrypted=place.is_encrypted, topic=topic)
