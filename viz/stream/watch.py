"""What has changed on a site for one party since a revision: reads, and the frames they become."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from kernel.caller import Role
from kernel.tx import ReadTx
from twin.api import (
    alarms,
    alarms_changed,
    assets,
    barriers,
    changed_assets,
    changed_units,
    scene_units,
    unit_states,
    weighbridges,
)
from twin.messages import AlarmRow, AssetState, UnitState
from viz.activity.views import ActivityView
from viz.scene.model import (
    Part,
    asset_view,
    barrier_view,
    is_only_announced,
    is_stale,
    weighbridge_view,
)
from viz.scene.views import revision, unit_views
from viz.stream.codec import Pose, encode_pose
from wms.api import changed_units as changed_in_books

XID_MAX = 2**63 - 1
"""Beyond any transaction: reads go up to whatever is committed, and remember what they saw above the
oldest running transaction, so that one slow import never delays an alarm."""
ALARMS_RESUMED_MAX = 1_000
"""Alarms a returning client is sent, newest first; the rest is in the list of alarms."""


@dataclass(frozen=True)
class View:
    """Who looks at what: clients with the same view share one follower."""

    site_id: str
    party_id: str
    roles: frozenset[Role]


@dataclass
class Changes:
    """State by name, each as it goes over the wire; `revision` is where the next read goes on."""

    revision: int
    now: datetime
    units: dict[str, str] = field(default_factory=dict)
    alarms: dict[str, AlarmRow] = field(default_factory=dict)
    assets: dict[str, AssetState] = field(default_factory=dict)
    fixtures: dict[str, str] = field(default_factory=dict)

    def beyond(self, known: "Changes") -> "Changes":
        """Only what differs from what is known already."""
        return Changes(
            revision=self.revision,
            now=self.now,
            units={key: unit for key, unit in self.units.items() if known.units.get(key) != unit},
            alarms={key: alarm for key, alarm in self.alarms.items() if known.alarms.get(key) != alarm},
            assets={key: asset for key, asset in self.assets.items() if known.assets.get(key) != asset},
            fixtures={key: frame for key, frame in self.fixtures.items() if known.fixtures.get(key) != frame},
        )


async def changes_since(read: ReadTx, view: View, xid_from: int) -> Changes:
    """Everything of transactions from `xid_from` on that the party may see and that is committed."""
    at = await revision(read)
    raised = await alarms_changed(read, view.site_id, xid_from, XID_MAX)
    return Changes(
        revision=at,
        now=read.now,
        alarms={alarm.alarm_id: alarm for alarm in raised},
        units=await _changed_units(read, view, xid_from),
        assets=_by_id(await changed_assets(read, view.site_id, xid_from, XID_MAX)),
        fixtures=await fixtures(read, view.site_id),
    )


async def whole(read: ReadTx, view: View) -> Changes:
    """What a new client needs beside the units: open alarms, all assets, barriers and weighbridges."""
    at = await revision(read)
    opened = await alarms(read, view.site_id, active_only=True)
    return Changes(
        revision=at,
        now=read.now,
        alarms={alarm.alarm_id: alarm for alarm in reversed(opened)},
        assets=_by_id(await assets(read, view.site_id)),
        fixtures=await fixtures(read, view.site_id),
    )


async def _changed_units(read: ReadTx, view: View, xid_from: int) -> dict[str, str]:
    """Units of the scene, and those that left it, that the twin or the books changed.

    A pledge begins and ends with a hold in one transaction, so the books' changes tell of pledges too.
    """
    seen = {unit.unit_id: unit for unit in await changed_units(read, view.site_id, xid_from, XID_MAX)}
    booked = await changed_in_books(read, view.site_id, xid_from, XID_MAX)
    others = [unit.unit_id for unit in booked if unit.unit_id not in seen]
    if others:
        seen |= {unit.unit_id: unit for unit in await unit_states(read, others)}
    return await unit_frames(read, view, [unit for unit in seen.values() if not is_only_announced(unit)])


async def units_of_lots(read: ReadTx, view: View, lot_ids: set[str]) -> dict[str, str]:
    """All units of some lots: for a party that was just granted to see them."""
    states = [unit for unit in await scene_units(read, view.site_id) if unit.lot_id in lot_ids]
    return await unit_frames(read, view, states)


async def unit_frames(read: ReadTx, view: View, states: Sequence[UnitState]) -> dict[str, str]:
    views = await unit_views(read, view.site_id, states) if states else []
    return {unit.unit_id: unit.model_dump_json() for unit in views}


async def fixtures(read: ReadTx, site_id: str) -> dict[str, str]:
    """Barriers and weighbridges, each as a whole frame by its name."""
    gates = {
        f"barrier {row.gate_id}": _typed("barrier", barrier_view(row))
        for row in await barriers(read, site_id)
    }
    bridges = {
        f"weighbridge {row.weighbridge_id}": _typed("weighbridge", weighbridge_view(row))
        for row in await weighbridges(read, site_id)
    }
    return gates | bridges


def _by_id(states: Sequence[AssetState]) -> dict[str, AssetState]:
    return {state.asset_id: state for state in states}


def _typed(kind: str, part: Part) -> str:
    return f'{{"type":"{kind}",{part.model_dump_json()[1:]}'


def pose_of(asset: AssetState, now: datetime) -> bytes:
    """The asset's binary pose, marked stale when it was not heard of for long."""
    return encode_pose(
        Pose(
            asset.index,
            asset.point.x_m,
            asset.point.y_m,
            asset.point.z_m,
            asset.heading_deg,
            is_loaded=asset.load_epc_hex is not None,
            is_stale=is_stale(asset, now),
        )
    )


def assets_frame(states: Iterable[AssetState], now: datetime) -> str:
    """All assets there are: whoever gets it forgets those that are not in it."""
    views = ",".join(asset_view(state, now).model_dump_json() for state in states)
    return f'{{"type":"assets","assets":[{views}]}}'


def alarm_frames(raised: Sequence[AlarmRow], cursor_from: int, cursor_to: int) -> list[str]:
    """One frame each. Only the last carries the new cursor: resuming between two of them loses none."""
    last = len(raised) - 1
    return [
        f'{{"type":"alarm","cursor":"{cursor_to if at == last else cursor_from}",'
        f'"alarm":{msgspec.json.encode(alarm).decode()}}}'
        for at, alarm in enumerate(raised)
    ]


def event_frame(activity: ActivityView) -> str:
    event = activity.model_dump_json(exclude={"cursor"})
    return f'{{"type":"event","cursor":"{activity.cursor}","event":{event}}}'


def hello_frame(at_revision: int, now: datetime) -> str:
    return f'{{"type":"hello","revision":{at_revision},"server_time":"{now.isoformat()}"}}'
