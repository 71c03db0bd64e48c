"""The scene of a site: what the twin saw, what the books say and what is pledged, in few set-based reads."""

from collections.abc import Sequence

from finance.api import pledge_statuses
from kernel.tx import ReadTx
from twin.api import assets, barriers, layout_of, scene_units, vehicles, weighbridges
from twin.messages import UnitState
from viz.scene.model import (
    SceneView,
    UnitView,
    asset_view,
    barrier_view,
    unit_view,
    vehicle_view,
    weighbridge_view,
)
from wms.api import unit_statuses

REVISION = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"


async def revision(read: ReadTx) -> int:
    """The id of the oldest transaction still running: all that older ones wrote can be read from now on.

    A scene read after it may already hold younger changes; whoever follows it from this revision gets those
    once more, and misses none.
    """
    return int(await read.value(REVISION))


async def require_site(read: ReadTx, site_id: str) -> None:
    """NotFound `twin.site_unknown` unless the reader may see the site or something on it."""
    await layout_of(read, site_id)


async def scene(read: ReadTx, site_id: str) -> SceneView:
    """Everything on the site that the reader's party may see. Raises NotFound `twin.site_unknown`."""
    at = await revision(read)
    await require_site(read, site_id)
    return SceneView(
        revision=at,
        units=await unit_views(read, site_id, await scene_units(read, site_id)),
        assets=[asset_view(asset, read.now) for asset in await assets(read, site_id)],
        barriers=[barrier_view(row) for row in await barriers(read, site_id)],
        weighbridges=[weighbridge_view(row) for row in await weighbridges(read, site_id)],
        vehicles=[vehicle_view(row) for row in await vehicles(read, site_id)],
    )


async def unit_views(read: ReadTx, site_id: str, states: Sequence[UnitState]) -> list[UnitView]:
    """Units with their status in the books: two reads, however many units there are.

    Whether a unit is pledged or merely held is told as far as finance tells it to the reader's roles.
    """
    rows = await unit_statuses(read, site_id, [state.unit_id for state in states])
    booked = {row.unit_id: row.status for row in rows}
    held = [unit_id for unit_id, status in booked.items() if status == "held"]
    pledged = await pledge_statuses(read, held)
    return [unit_view(state, booked.get(state.unit_id, "free"), state.unit_id in pledged) for state in states]
