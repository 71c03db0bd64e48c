"""Deliveries as pages show them."""

from datetime import datetime

from pydantic import BaseModel

from kernel.errors import NotFound
from kernel.tx import ReadTx, Row
from wms.inbound import store


class DeliveryRow(BaseModel):
    """A delivery. `net_g` = gross - tare once the vehicle was weighed both ways; `discrepancies` counts
    announced units that never came, once the delivery has ended."""

    delivery_id: str
    site_id: str
    lot_id: str
    lot_code: str
    owner_party_id: str
    owner_name: str | None
    sku: str
    visit_id: str
    plate: str
    vehicle_id: str
    state: str
    cancelled_reason: str | None
    units_expected: int
    units_seen: int
    units_put_away: int
    gross_g: int | None
    tare_g: int | None
    net_g: int | None
    expected_net_g: int
    announced_at: datetime
    received_at: datetime | None
    discrepancies: int


async def delivery_list(read: ReadTx, site_id: str, cursor: str | None, limit: int) -> list[DeliveryRow]:
    """Newest first, from before `cursor`."""
    return [_row(row) for row in await store.page(read, site_id, cursor, limit)]


async def delivery_view(read: ReadTx, delivery_id: str) -> DeliveryRow:
    """One delivery; NotFound `deliveries.unknown`."""
    row = await store.one(read, delivery_id)
    if row is None:
        raise NotFound("deliveries.unknown", delivery_id=delivery_id)
    return _row(row)


def _row(row: Row) -> DeliveryRow:
    weighed = row["gross_g"] is not None and row["tare_g"] is not None
    return DeliveryRow(**row, net_g=row["gross_g"] - row["tare_g"] if weighed else None)
