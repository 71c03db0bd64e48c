"""Asks whether money may rest on goods: the registry of devices, the gates and the twin."""

from collections.abc import Collection, Mapping

from devices.api import unvouched_devices, vouched_by_others
from finance.facilities.model import Facility
from finance.vouching import model
from kernel.tx import Tx
from twin.api import alarms, doubted_units, unexplained_exits, unit_states, units_unseen_since
from twin.messages import DeviceSpan, Witness
from wms.api import blind_spans, unwatched_gates


async def require_own_look(tx: Tx, facility: Facility) -> None:
    """Conflict while a device of the site is evidence, and not by the acceptance of the facility's bank."""
    unvouched = await unvouched_devices(tx, facility.site_id, facility.bank_party_id)
    model.require_own_look(facility.facility_id, unvouched, _is_bank(tx, facility))


async def require_own_sight(tx: Tx, facility: Facility, unit_ids: Collection[str]) -> None:
    """Conflict while any of the units counts by what was heard when others alone vouched for who heard it, or
    was not seen since."""
    spans = await vouched_by_others(tx, facility.site_id, facility.bank_party_id)
    asked = [DeviceSpan(device_id=span.device_id, since=span.since, until=span.until) for span in spans]
    doubted = await doubted_units(tx, sorted(unit_ids), asked)
    model.require_own_sight(facility.facility_id, doubted, spans, _is_bank(tx, facility))


async def require_seen_since(tx: Tx, facility: Facility, unit_ids: Collection[str]) -> None:
    """Conflict while any of the units was not seen since something may have left the site: a gate was blind
    to the facility's bank, or an exit was explained by nothing."""
    blind = await blind_spans(tx, facility.site_id, facility.bank_party_id)
    doubt = model.last_doubt(blind, await unexplained_exits(tx, facility.site_id))
    if doubt is not None:
        unseen = await units_unseen_since(tx, sorted(unit_ids), doubt.until)
        model.require_seen_since(facility.facility_id, doubt, unseen)


async def require_watched(tx: Tx, facility: Facility) -> None:
    """Conflict while goods could leave the facility's site unseen."""
    model.require_watched(await unwatched_gates(tx, facility.site_id))


async def require_sure(tx: Tx, facility: Facility, pledged: Mapping[str, str]) -> None:
    """Conflict while a gate of the site is not watched, an exit alarm concerns the goods, or any of them
    counts by what others alone vouched for or was not seen since something may have left. `pledged` maps each
    unit that money rests on to its lot."""
    await require_watched(tx, facility)
    await require_own_sight(tx, facility, pledged)
    active = await alarms(tx, facility.site_id, active_only=True) if pledged else []
    model.require_quiet(active, await unit_states(tx, sorted(pledged)), pledged)
    await require_seen_since(tx, facility, pledged)


async def require_own_witnesses(tx: Tx, facility: Facility, witnesses: Collection[Witness]) -> None:
    """Conflict when one of the witnesses is a device that others alone vouched for at that moment."""
    spans = await vouched_by_others(tx, facility.site_id, facility.bank_party_id)
    model.require_own_witnesses(witnesses, spans)


def _is_bank(tx: Tx, facility: Facility) -> bool:
    return tx.caller.party_id == facility.bank_party_id
