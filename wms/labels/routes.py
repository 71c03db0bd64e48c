"""Labels of pallets over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from identity.http import Admits, Body, Session
from wms.labels.handlers import REASON_LENGTH_MAX
from wms.messages import PrintPalletLabel

router = APIRouter(prefix="/api/v1", tags=["stock"])

Staff = Annotated[Session, Depends(Admits("operator", "keeper", "picker"))]


class LabelBody(Body):
    """`device_id` is a label printer of the pallet's site; every label but the first needs a `reason`."""

    device_id: str = Field(max_length=64)
    reason: str = Field("", max_length=REASON_LENGTH_MAX)


class LabelView(BaseModel):
    """`is_copy`: a label of this pallet was or may have been printed before, so this one says COPY."""

    command_id: str
    is_copy: bool


@router.post("/units/{unit_id}/label", status_code=202)
async def print_label(unit_id: str, body: LabelBody, session: Staff) -> LabelView:
    """Print a pallet's label. What became of it stands among the orders to the site's devices."""
    ordered = await session.do(
        PrintPalletLabel(unit_id=unit_id, device_id=body.device_id, reason=body.reason)
    )
    return LabelView(command_id=ordered.command_id, is_copy=ordered.is_copy)
