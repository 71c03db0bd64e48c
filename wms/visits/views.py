"""Visits as pages show them."""

from datetime import datetime

from pydantic import BaseModel

from kernel.tx import ReadTx
from wms.visits import store
from wms.visits.model import normal_plate


class VisitRow(BaseModel):
    """A stay of a vehicle; masses in grams as the lane's weighbridge showed them."""

    visit_id: str
    site_id: str
    vehicle_id: str
    plate: str
    epc_hex: str
    purpose: str
    state: str
    entry_mass_g: int | None
    exit_mass_g: int | None
    expected_at: datetime
    admitted_at: datetime | None
    left_at: datetime | None
    cancelled_reason: str | None


async def visit_list(read: ReadTx, site_id: str, cursor: str | None, limit: int) -> list[VisitRow]:
    """Newest first, from before `cursor`."""
    return [VisitRow(**row) for row in await store.page(read, site_id, cursor, limit)]


async def vehicle_of_plate(read: ReadTx, site_id: str, plate: str) -> str | None:
    """The vehicle with this plate; None when it was never here."""
    return await store.vehicle_by_plate(read, site_id, normal_plate(plate))
