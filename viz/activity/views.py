"""The activity feed as pages show it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from kernel.tx import ReadTx, Row
from twin.api import unit_states, vehicle_state
from viz.activity import store
from viz.activity.model import facts_of, kind_of, text_key_of, without_plate
from wms.api import lot_rows


class ActivityView(BaseModel):
    """One thing that happened: the sentence `text_key` filled with `facts`. `cursor` names it for ever."""

    cursor: str
    at: datetime
    kind: str
    text_key: str
    facts: dict[str, Any]


async def activity_page(read: ReadTx, site_id: str, cursor: str | None, limit: int) -> list[ActivityView]:
    """What happened on a site that the reader may know of: newest first, from before `cursor`."""
    return await told(read, site_id, await store.page(read, site_id, int(cursor) if cursor else None, limit))


async def told(read: ReadTx, site_id: str, events: Sequence[Row]) -> list[ActivityView]:
    """Events as sentences, with units, lots and vehicles under the names that people read."""
    names = await _names_of(read, site_id, [event["payload"] for event in events])
    return [_activity(event, _named(event["payload"], names)) for event in events]


def _activity(event: Row, named: dict[str, str | None]) -> ActivityView:
    text_key = text_key_of(event["kind"], event["payload"])
    return ActivityView(
        cursor=str(event["event_id"]),
        at=event["occurred_at"],
        kind=kind_of(event["kind"]),
        text_key=text_key if named.get("plate") else without_plate(text_key),
        facts=facts_of(event["payload"]) | named,
    )


async def _names_of(read: ReadTx, site_id: str, payloads: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Id to SSCC, lot code or plate; ids that the reader may not see are absent."""
    unit_ids, lot_ids, vehicle_ids = (
        sorted({payload[field] for payload in payloads if payload.get(field)})
        for field in ("unit_id", "lot_id", "vehicle_id")
    )
    names: dict[str, str] = {}
    if unit_ids:
        names |= {unit.unit_id: unit.sscc for unit in await unit_states(read, unit_ids)}
    if lot_ids:
        names |= {lot.lot_id: lot.code for lot in await lot_rows(read, site_id, lot_ids=lot_ids)}
    for vehicle_id in vehicle_ids:
        vehicle = await vehicle_state(read, vehicle_id)
        if vehicle is not None:
            names[vehicle_id] = vehicle.plate
    return names


def _named(payload: dict[str, Any], names: dict[str, str]) -> dict[str, str | None]:
    """`sscc`, `lot` and `plate` of the ids in the payload; None for what the reader may not see."""
    facts: dict[str, str | None] = {}
    for field, fact in (("unit_id", "sscc"), ("lot_id", "lot"), ("vehicle_id", "plate")):
        if field in payload:
            facts[fact] = names.get(payload[field] or "")
    return facts
