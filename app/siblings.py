"""What devices learn from the twin. The two do not know each other, so the application carries it over."""

from collections.abc import Awaitable, Callable
from typing import Any

from devices.api import set_aside, set_site_bounds
from devices.messages import SetSiteBounds
from kernel.messages import Event, Rejected
from kernel.tx import Tx
from twin.api import layout_of
from twin.messages import LayoutImported, TagUnknown


async def on_layout_imported(event: LayoutImported, tx: Tx) -> None:
    """A position beyond the newest layout is not believed."""
    layout = await layout_of(tx, event.site_id)
    await set_site_bounds(
        SetSiteBounds(
            site_id=event.site_id,
            width_mm=layout.width_mm,
            length_mm=layout.length_mm,
            height_mm=layout.height_mm,
        ),
        tx,
    )


async def on_tag_unknown(event: TagUnknown, tx: Tx) -> None:
    """A tag that nobody declared is listed where people look for what devices could not make sense of."""
    stranger = Rejected(
        device_id=event.device_id,
        field="epc_hex",
        rule="declared at this site",
        raw=event.epc_hex.encode(),
        received_at=event.at,
    )
    await set_aside(tx, event.site_id, [stranger])


SUBSCRIBERS: dict[type[Event], list[Callable[[Any, Any], Awaitable[None]]]] = {
    LayoutImported: [on_layout_imported],
    TagUnknown: [on_tag_unknown],
}
