"""The front door of devices."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from devices.commands.handlers import (
    UnendedOrder,
    is_ended,
    order_device,
    place_of_device,
    queue_order,
    record_own_order,
    settle_order,
    take_orders,
    unended_orders,
)
from devices.commands.model import DeviceOrder, DevicePlace
from devices.commands.store import was_ordered
from devices.drivers.pda.codec import Scan, scan_observation
from devices.families import families_that, families_that_say
from devices.ingest.audit import audit
from devices.ingest.event_count_store import event_counts
from devices.ingest.handlers import Acked, record, record_observations, set_aside
from devices.ingest.model import TurnedAway
from devices.ingest.store import journal_after, journal_sites
from devices.ingest.store import make_partitions as _make_partitions
from devices.ingest.strangers import OTHERS, record_turned_away
from devices.messages import (
    AcceptDevice,
    CalibrateDevice,
    DistrustDevice,
    EnrolHandheld,
    InviteInspector,
    IssueEnrolmentCode,
    OrderDevice,
    RetireDevice,
    RotateDeviceKey,
    SetSiteBounds,
)
from devices.registry.handlers import (
    Enrolled,
    accept_device,
    accepted_mounts,
    authenticate_device,
    broker_credentials,
    calibrate_device,
    distrust_device,
    edge_devices,
    end_acceptances,
    enrol_device,
    enrol_handheld,
    inspects_site,
    invite_inspector,
    issue_enrolment_code,
    refuse_mounts_in_use,
    reserve_boots,
    retire_device,
    retired_device,
    rotate_device_key,
    set_site_bounds,
)
from devices.registry.store import EdgeDevice
from devices.registry.terminals import TerminalRow, issue_code, note_code_shown, terminals
from devices.registry.views import (
    devices_of_site,
    inspected_sites,
    silent_mounts,
    unvouched_devices,
    unwatched_spans,
    vouched_by_others,
)
from kernel.messages import Command, Event
from kernel.tx import Tx

PARTITION_DAYS_AHEAD = 7

COMMANDS: dict[type[Command], Callable[[Any, Any], Awaitable[Any]]] = {
    InviteInspector: invite_inspector,
    AcceptDevice: accept_device,
    CalibrateDevice: calibrate_device,
    RotateDeviceKey: rotate_device_key,
    DistrustDevice: distrust_device,
    OrderDevice: order_device,
    RetireDevice: retire_device,
    SetSiteBounds: set_site_bounds,
    IssueEnrolmentCode: issue_enrolment_code,
    EnrolHandheld: enrol_handheld,
}
SUBSCRIBERS: dict[type[Event], list[Callable[[Any, Any], Awaitable[None]]]] = {}


async def make_partitions(tx: Tx, today: date) -> int:
    """Make the daily partitions of today and the week to come; returns how many were new."""
    return await _make_partitions(tx, today, PARTITION_DAYS_AHEAD)


__all__ = [
    "COMMANDS",
    "OTHERS",
    "SUBSCRIBERS",
    "Acked",
    "DeviceOrder",
    "DevicePlace",
    "EdgeDevice",
    "Enrolled",
    "Scan",
    "TerminalRow",
    "TurnedAway",
    "UnendedOrder",
    "accepted_mounts",
    "audit",
    "authenticate_device",
    "broker_credentials",
    "devices_of_site",
    "edge_devices",
    "end_acceptances",
    "enrol_device",
    "event_counts",
    "families_that",
    "families_that_say",
    "inspected_sites",
    "inspects_site",
    "is_ended",
    "issue_code",
    "journal_after",
    "journal_sites",
    "make_partitions",
    "note_code_shown",
    "place_of_device",
    "queue_order",
    "record",
    "record_observations",
    "record_own_order",
    "record_turned_away",
    "refuse_mounts_in_use",
    "reserve_boots",
    "retired_device",
    "scan_observation",
    "set_aside",
    "set_site_bounds",
    "settle_order",
    "silent_mounts",
    "take_orders",
    "terminals",
    "unended_orders",
    "unvouched_devices",
    "unwatched_spans",
    "vouched_by_others",
    "was_ordered",
]
