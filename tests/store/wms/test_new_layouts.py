"""A new layout of a site at work: what stands and hangs there stays; what devices mean is accepted anew."""

import msgspec
import pytest

from app.database import PgTx
from devices.messages import AcceptanceEnded, EnrolDevice, RetireDevice
from kernel.errors import Conflict
from kernel.geometry import Origin
from kernel.layout import Layout, Rack, Zone
from kernel.messages import DevicePlaced, Envelope, LoadChange, Observation
from tests.store.wms.building import BRIDGE, KEEPER, LAYOUT_FILE, SITE, Warehouse, epc
from twin import api as twin
from twin.messages import ImportLayout
from wms.api import lift_hold, place_hold
from wms.messages import AdjustStock

LAYOUT = msgspec.json.decode(LAYOUT_FILE.read_bytes(), type=Layout)


async def draw(warehouse: Warehouse, **changes: object) -> None:
    layout = msgspec.structs.replace(LAYOUT, site_id=SITE, **changes)
    await warehouse.do(ImportLayout(layout=layout, keeper_party_id=KEEPER))


def without(rack_id: str) -> list[Rack]:
    return [rack for rack in LAYOUT.racks if rack.rack_id != rack_id]


def with_two_levels(rack_id: str) -> list[Rack]:
    return [
        msgspec.structs.replace(rack, levels=2) if rack.rack_id == rack_id else rack for rack in LAYOUT.racks
    ]


@pytest.mark.parametrize("racks", [without("A01"), with_two_levels("A01")])
async def test_slots_that_hold_stock_by_the_books_stay(warehouse: Warehouse, racks: list[Rack]) -> None:
    units = await warehouse.stock(3)
    with pytest.raises(Conflict, match=r"layout\.slots_in_use") as refused:
        await draw(warehouse, racks=racks)
    assert refused.value.facts["field"] == "layout.racks"
    assert refused.value.facts["slot_ids"][-1] == "A01-01-3"
    assert units[2] in refused.value.facts["unit_ids"]
    await draw(warehouse, racks=without("A02"))


async def test_slots_where_stock_was_seen_last_stay_whatever_the_books_say(
    warehouse: Warehouse, tx: PgTx
) -> None:
    await enrol_fork(warehouse)
    [unit_id] = await warehouse.stock(1)
    seen_in = next(slot for slot in await twin.slots(tx, SITE) if slot.slot_id == "A02-01-1")
    put = Observation(
        device_id="fork",
        boot=1,
        sequence=1,
        observed_at=tx.now,
        reading=LoadChange(action="set_down", epc_hex=epc(1), point=seen_in.point),
    )
    await twin.apply(
        tx, [Envelope(site_id=SITE, position=1, observation=put, received_at=tx.now, recorded_at=tx.now)]
    )
    with pytest.raises(Conflict, match=r"layout\.slots_in_use") as refused:
        await draw(warehouse, racks=without("A02"))
    assert (refused.value.facts["slot_ids"], refused.value.facts["unit_ids"]) == (["A02-01-1"], [unit_id])


async def test_stock_that_was_counted_out_keeps_no_slot(warehouse: Warehouse) -> None:
    [unit_id] = await warehouse.stock(1)
    await warehouse.do(AdjustStock(unit_id=unit_id, counted_each=0, reason="count 17"))
    await draw(warehouse, racks=without("A01"))


async def enrol_fork(warehouse: Warehouse) -> None:
    fork = EnrolDevice(
        site_id=SITE, device_id="fork", family="mqtt_position", mount_id="forklift-1", secret="s" * 32
    )
    await warehouse.do(fork)
    for subscriber in twin.SUBSCRIBERS[DevicePlaced]:
        await subscriber(warehouse.sent(DevicePlaced)[-1], warehouse.tx)
    await warehouse.accept("fork")


async def test_a_mount_with_a_device_in_service_stays(warehouse: Warehouse) -> None:
    mounts = [mount for mount in LAYOUT.mounts if mount.mount_id != "gate-1-reader"]
    with pytest.raises(Conflict, match=r"devices\.mounts_in_use") as refused:
        await draw(warehouse, mounts=mounts)
    assert (refused.value.facts["field"], refused.value.facts["device_ids"]) == (
        "layout.mounts",
        ["gate-1-reader"],
    )
    for_another = [
        msgspec.structs.replace(mount, family="zebra_json") if mount.mount_id == "gate-1-reader" else mount
        for mount in LAYOUT.mounts
    ]
    with pytest.raises(Conflict, match=r"devices\.mounts_in_use"):
        await draw(warehouse, mounts=for_another)
    await warehouse.do(RetireDevice(device_id="gate-1-reader"))
    await draw(warehouse, mounts=mounts)


def swapped() -> list[Rack]:
    first, second, *others = LAYOUT.racks
    return [
        msgspec.structs.replace(first, rack_id=second.rack_id),
        msgspec.structs.replace(second, rack_id=first.rack_id),
        *others,
    ]


def elsewhere() -> Origin:
    return msgspec.structs.replace(LAYOUT.origin, longitude_deg=LAYOUT.origin.longitude_deg + 0.001)


def staging_is_yard() -> list[Zone]:
    return [
        msgspec.structs.replace(zone, kind="yard") if zone.zone_id == "staging" else zone
        for zone in LAYOUT.zones
    ]


@pytest.mark.parametrize(
    ("changes", "lapsed"),
    [
        ({"racks": swapped()}, ["fork"]),
        ({"racks": without("A24")}, ["fork"]),
        ({"origin": elsewhere()}, ["fork"]),
        ({"zones": staging_is_yard()}, ["fork"]),
        ({"name_en": "A new name", "zones": LAYOUT.zones[::-1]}, []),
    ],
)
async def test_another_frame_or_other_places_of_slots_have_to_be_accepted_again(
    warehouse: Warehouse, changes: dict[str, object], lapsed: list[str]
) -> None:
    await enrol_fork(warehouse)
    await draw(warehouse, **changes)
    assert [(event.device_id, event.cause) for event in warehouse.sent(AcceptanceEnded)] == [
        (device_id, "layout") for device_id in lapsed
    ]


GATE_ID = LAYOUT.gates[0].gate_id
WATCHING = {"gate-1-reader": "llrp", "weighbridge-1": "modbus_weighbridge"}
BLIND: list[dict[str, object]] = [
    {"mounts": [mount for mount in LAYOUT.mounts if mount.mount_id != lost]} for lost in WATCHING
]
BLIND.append({"gates": [msgspec.structs.replace(LAYOUT.gates[0], lane_weighbridge_id=None)]})
BLIND.append(
    {"gates": [], "mounts": [mount for mount in LAYOUT.mounts if mount.serves not in (GATE_ID, BRIDGE)]}
)


@pytest.mark.parametrize("changes", BLIND)
async def test_while_goods_are_on_hold_a_gate_stays_with_what_watches_it(
    warehouse: Warehouse, tx: PgTx, changes: dict[str, object]
) -> None:
    units = await warehouse.stock(1)
    for device_id in (*WATCHING, "gate-1-barrier"):
        await warehouse.do(RetireDevice(device_id=device_id))
    hold_id = await place_hold(tx, SITE, units, "pledge", "pledge_1")
    with pytest.raises(Conflict, match=r"layout\.gates_in_use") as refused:
        await draw(warehouse, **changes)
    assert refused.value.facts == {"gate_ids": [GATE_ID], "hold_ids": [hold_id]}
    await lift_hold(tx, hold_id)
    await draw(warehouse, **changes)


async def test_while_goods_are_on_hold_a_gates_reader_gets_no_other_name(
    warehouse: Warehouse, tx: PgTx
) -> None:
    await place_hold(tx, SITE, await warehouse.stock(1), "pledge", "pledge_1")
    await warehouse.do(RetireDevice(device_id="gate-1-reader"))
    [reader] = [mount for mount in LAYOUT.mounts if mount.mount_id == "gate-1-reader"]
    others = [mount for mount in LAYOUT.mounts if mount != reader]
    with pytest.raises(Conflict, match=r"layout\.gates_in_use"):
        await draw(warehouse, mounts=[*others, msgspec.structs.replace(reader, mount_id="gate-1-portal")])
    await draw(warehouse, mounts=[*others, msgspec.structs.replace(reader, x_mm=reader.x_mm + 100)])
