"""Sets a site up through the API as an administrator would: layout, devices, items, stock, a facility."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from app.api_client import ApiClient
from app.demo.stock import GOODS, OpeningPallet
from kernel.layout import Layout

OPENING_ROWS_A_REQUEST = 1_000
FACILITY_LIMIT_FEN = 5_000_000_00
FACILITY_RATE = "0.0435"
PRICE_FEN_EACH = 25 * 72_00
"""A 25 kg cathode at 72 CNY a kilogram (demonstration price)."""


async def import_layout(admin: ApiClient, layout: Layout) -> None:
    await admin.post("/sites", {"layout": msgspec.to_builtins(layout)})


async def enrol_devices(
    admin: ApiClient, layout: Layout, connections: Mapping[str, Mapping[str, Any]]
) -> None:
    """Enrol every mount but the handhelds."""
    for mount in layout.mounts:
        if mount.family == "pda":
            continue
        body = {
            "device_id": mount.mount_id,
            "family": mount.family,
            "mount_id": mount.mount_id,
            "connection": dict(connections.get(mount.mount_id, {})),
        }
        await admin.post(f"/sites/{layout.site_id}/devices", body)


async def invite_bank(admin: ApiClient, site_id: str, party_id: str) -> None:
    """The keeper lets a bank look at the site's devices."""
    await admin.post(f"/sites/{site_id}/inspectors", {"party_id": party_id})


async def accept_devices(officer: ApiClient, site_id: str) -> dict[str, str]:
    """The bank looks at each device and accepts it; returns the credentials that they have from then on."""
    secrets: dict[str, str] = {}
    for device in await officer.items(f"/sites/{site_id}/devices"):
        body = {"enrolment": device["enrolment"]}
        answer = await officer.post(f"/devices/{device['device_id']}/accept", body)
        if answer["secret"] is not None:
            secrets[device["device_id"]] = answer["secret"]
    return secrets


async def register_items(admin: ApiClient, items: Sequence[tuple[str, str, str, int]]) -> None:
    """Enter SKU, English name, Chinese name and grams of one piece."""
    rows = [
        {"sku": sku, "name_en": name_en, "name_zh": name_zh, "unit_mass_g": mass_g}
        for sku, name_en, name_zh, mass_g in items
    ]
    for start in range(0, len(rows), OPENING_ROWS_A_REQUEST):
        part = rows[start : start + OPENING_ROWS_A_REQUEST]
        await admin.post("/skus", {"items": part})


async def declare_opening_stock(admin: ApiClient, site_id: str, stock: Sequence[OpeningPallet]) -> None:
    for start in range(0, len(stock), OPENING_ROWS_A_REQUEST):
        rows = [msgspec.to_builtins(row) for row in stock[start : start + OPENING_ROWS_A_REQUEST]]
        await admin.post(f"/sites/{site_id}/opening-stock", {"rows": rows})


async def open_facility(
    officer: ApiClient, approver: ApiClient, site_id: str, borrower_party_id: str, now: str, source: str
) -> str:
    """A line for the borrower at the site, and the bank's price of the goods that will be pledged: the
    officer states it and its source, the approver puts it in force."""
    facility = await officer.post(
        "/facilities",
        {
            "borrower_party_id": borrower_party_id,
            "site_id": site_id,
            "limit_fen": FACILITY_LIMIT_FEN,
            "rate": FACILITY_RATE,
        },
    )
    price = await officer.post(
        "/prices",
        {
            "sku": GOODS[0][0],
            "price_fen_each": PRICE_FEN_EACH,
            "source": source,
            "quoted_at": now,
        },
    )
    await approver.post(f"/prices/{price['price_id']}/approve")
    return str(facility["facility_id"])
