"""Scans over HTTP: what handhelds send."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from pydantic import AwareDatetime, BaseModel, Field
from starlette.requests import HTTPConnection

from identity.http import (
    DEVICE_HEADER,
    Admits,
    Body,
    DeviceCaller,
    DeviceIdentity,
    Page,
    PagingQuery,
    Session,
    Whole,
)
from kernel.errors import Forbidden
from wms.messages import MAY_SCAN, SCANS_MAX, RecordScans, Scan, ScanOutcome
from wms.scans.views import ScanRow, scan_list
from wms.tasks.views import TaskRow, tasks_by_id

router = APIRouter(prefix="/api/v1", tags=["scans"])

Worker = Annotated[Session, Depends(Admits(*MAY_SCAN))]
Reader = Annotated[Session, Depends(Admits("keeper", "operator", "auditor", "admin"))]


class ScanBody(Body):
    sequence: Whole = Field(ge=1)
    observed_at: AwareDatetime
    code: str
    place_code: str | None = None
    symbology: str = "code128"
    task_id: str | None = None


class ScansBody(Body):
    """`sent_at` is the handheld's clock when it sends: what it scanned may be hours old."""

    device_id: str
    boot: Whole = Field(ge=1)
    scans: list[ScanBody] = Field(min_length=1, max_length=SCANS_MAX)
    sent_at: AwareDatetime | None = None


class AckedView(BaseModel):
    """Through here everything of this boot is committed; a handheld may forget it."""

    boot: int
    sequence: int


class ScanResultView(BaseModel):
    sequence: int
    outcome: ScanOutcome
    key: str | None
    facts: dict[str, Any]
    task: TaskRow | None


class ScansView(BaseModel):
    acked_through: AckedView
    results: list[ScanResultView]


async def _handheld(
    connection: HTTPConnection, body: ScansBody, token: Annotated[str, Header(alias=DEVICE_HEADER)] = ""
) -> DeviceIdentity:
    """The handheld that sends, by its own credential beside the person's session."""
    device = await DeviceCaller()(connection, token)
    if device.device_id != body.device_id:
        rule, desk = "the device of the token", connection.app.state.desk
        desk.turn_away(device.device_id, "device_id", rule, said=body.device_id)
        raise Forbidden("scan.other_device", field="device_id", rule=rule)
    return device


@router.post("/scans")
async def record_scans(
    body: ScansBody, device: Annotated[DeviceIdentity, Depends(_handheld)], session: Worker
) -> ScansView:
    """Store and answer scans. Sent again (also with another key) they get the same answers."""
    recorded = await session.do(
        RecordScans(
            site_id=device.site_id,
            device_id=device.device_id,
            boot=body.boot,
            scans=tuple(Scan(**scan.model_dump()) for scan in body.scans),
            sent_at=body.sent_at,
        )
    )
    async with session.read() as read:
        found = await tasks_by_id(read, [result.task_id for result in recorded.results if result.task_id])
    return ScansView(
        acked_through=AckedView(boot=recorded.acked_boot, sequence=recorded.acked_sequence),
        results=[
            ScanResultView(
                sequence=result.sequence,
                outcome=result.outcome,
                key=result.key,
                facts=result.facts,
                task=found.get(result.task_id or ""),
            )
            for result in recorded.results
        ],
    )


@router.get("/sites/{site_id}/scans")
async def list_scans(
    site_id: str,
    session: Reader,
    paging: PagingQuery,
    outcome: ScanOutcome | None = None,
) -> Page[ScanRow]:
    """Scans and their answers, newest first."""
    async with session.read() as read:
        rows = await scan_list(read, site_id, outcome, paging.number, paging.limit)
    return paging.page(rows, lambda row: str(row.scan_no))
