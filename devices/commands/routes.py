"""Opening and closing a barrier by hand, from the operator's screen."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from devices.messages import BarrierAction, CommandBarrier
from identity.http import Admits, Session

router = APIRouter(prefix="/api/v1", tags=["devices"])

Operator = Annotated[Session, Depends(Admits("operator", "keeper"))]


class BarrierBody(BaseModel):
    """`reason` is kept with the order: a person who overrides a gate says why."""

    action: BarrierAction
    reason: str = Field(min_length=3, max_length=200)


class CommandView(BaseModel):
    command_id: str


@router.post("/devices/{device_id}/barrier", status_code=202)
async def command_barrier(device_id: str, body: BarrierBody, session: Operator) -> CommandView:
    commanded = await session.do(
        CommandBarrier(device_id=device_id, action=body.action, cause=f"manual: {body.reason}")
    )
    return CommandView(command_id=commanded.command_id)
