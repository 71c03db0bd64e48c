"""What packages do together that do not know each other: devices and the twin, the warehouse and receipts.
The application joins them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, get_args

from devices.api import (
    Enrolled,
    end_acceptances,
    enrol_device,
    refuse_mounts_in_use,
    set_aside,
    set_site_bounds,
)
from devices.messages import EnrolDevice, SetSiteBounds
from finance.messages import ReceiptIssued
from kernel.errors import Conflict, Invalid, NotFound
from kernel.layout import Layout, Mount
from kernel.messages import Command, Event, Rejected
from kernel.tx import Tx
from twin.api import (
    clear_alarm,
    import_layout,
    layout_of,
    mounts_changed,
    mounts_removed,
    seen_since,
    unheard_exit,
    unit_states,
)
from twin.messages import ClearAlarm, ImportLayout, LayoutImported, Modality, TagUnknown
from wms.api import end_opening, held_units, refuse_blind_gates

UNITS_SHOWN_MAX = 10


async def enrol_device_at_its_mount(command: EnrolDevice, tx: Tx) -> Enrolled:
    """Enrol a device. Its mount, when it has one, must be in the site's layout and meant for its family."""
    enrolled = await enrol_device(command, tx)
    if command.mount_id is not None:
        planned = {mount.mount_id: mount.family for mount in await _mounts(tx, command.site_id)}
        if planned.get(command.mount_id) != command.family:
            raise Invalid(
                "devices.mount_unfit",
                field="mount_id",
                rule=f"a mount that the site's layout has for {command.family}",
            )
    return enrolled


async def import_layout_and_ask_again(command: ImportLayout, tx: Tx) -> LayoutImported:
    """Import a layout. No device in service loses its mount by it, and while goods are on hold no gate loses
    what watches it. A device whose place it changes has to be
    accepted again: what a reader's words mean depends on where the layout says it hangs."""
    before = await _layout(tx, command.layout.site_id)
    imported = await import_layout(command, tx)
    if before is not None:
        await refuse_blind_gates(tx, before, command.layout)
        await refuse_mounts_in_use(tx, before.site_id, mounts_removed(before, command.layout))
        await end_acceptances(tx, before.site_id, mounts_changed(before, command.layout))
    return imported


async def clear_alarm_once_goods_were_seen(command: ClearAlarm, tx: Tx) -> None:
    """Close an alarm. One that anything may have left unheard is closed when whatever of the site is on hold
    and sensors vouched for has been seen on site since; before, Conflict `twin.goods_unseen`."""
    await clear_alarm(command, tx)
    exit_ = await unheard_exit(tx, command.alarm_id)
    if exit_ is None:
        return
    site_id, since = exit_
    unseen = await _unseen(tx, await held_units(tx, site_id), since)
    if unseen:
        raise Conflict("twin.goods_unseen", unit_ids=unseen[:UNITS_SHOWN_MAX], count=len(unseen))


async def _unseen(tx: Tx, unit_ids: Sequence[str], since: datetime) -> list[str]:
    """Those of the units that sensors vouched for and that none has seen on site since."""
    vouched = {unit.unit_id for unit in await unit_states(tx, unit_ids) if unit.modalities}
    witnesses = await seen_since(tx, sorted(vouched), since, len(vouched) * len(get_args(Modality)))
    return sorted(vouched - {unit_id for witness in witnesses for unit_id in witness.unit_ids})


async def _layout(tx: Tx, site_id: str) -> Layout | None:
    try:
        return await layout_of(tx, site_id)
    except NotFound:
        return None


async def _mounts(tx: Tx, site_id: str) -> list[Mount]:
    layout = await _layout(tx, site_id)
    return [] if layout is None else layout.mounts


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


async def on_receipt_issued(event: ReceiptIssued, tx: Tx) -> None:
    """Goods of the site are under a document: no stock enters the books by the keeper's word any more."""
    await end_opening(tx, event.site_id)


COMMANDS: dict[type[Command], Callable[[Any, Any], Awaitable[Any]]] = {
    ClearAlarm: clear_alarm_once_goods_were_seen,
    EnrolDevice: enrol_device_at_its_mount,
    ImportLayout: import_layout_and_ask_again,
}
SUBSCRIBERS: dict[type[Event], list[Callable[[Any, Any], Awaitable[None]]]] = {
    LayoutImported: [on_layout_imported],
    ReceiptIssued: [on_receipt_issued],
    TagUnknown: [on_tag_unknown],
}
