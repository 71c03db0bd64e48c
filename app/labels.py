"""What stands on the pallets that a refusal names: people know them by their labels, not by our ids."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from identity.http import SESSION_COOKIE, Desk
from kernel.errors import Unavailable
from wms.api import unit_labels


async def with_labels(request: Request, facts: Mapping[str, Any]) -> dict[str, Any]:
    """`facts` with `labels` beside `unit_ids`, as far as whoever asks may see these pallets."""
    unit_ids = facts.get("unit_ids")
    if not unit_ids:
        return dict(facts)
    desk: Desk = request.app.state.desk
    try:
        opened = await desk.session_of(request.cookies.get(SESSION_COOKIE, ""))
        if opened is None:
            return dict(facts)
        async with desk.read(opened.caller) as read:
            return {**facts, "labels": await unit_labels(read, unit_ids)}
    except Unavailable:
        return dict(facts)
