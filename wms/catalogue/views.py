"""The catalogue as pages show it."""

from pydantic import BaseModel

from kernel.tx import ReadTx
from wms.catalogue import store


class SkuRow(BaseModel):
    sku: str
    name_en: str
    name_zh: str
    unit_mass_g: int
    handling: str


async def sku_list(read: ReadTx, cursor: str | None, limit: int) -> list[SkuRow]:
    """Items by code, from after `cursor`."""
    return [SkuRow(**row) for row in await store.page(read, cursor, limit)]
