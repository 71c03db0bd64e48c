"""The gate on a real database: visits, releases, the barrier and departures."""

from datetime import timedelta

import msgspec
import pytest

from app.database import PgTx
from devices.messages import (
    DeviceOrderConfirmed,
    DeviceOrdered,
    DeviceOrderFailed,
    EnrolDevice,
    RetireDevice,
)
from kernel.clock import ManualClock
from kernel.errors import Conflict, Invalid, NotFound
from kernel.layout import Mount
from kernel.messages import Event
from tests.store.wms.building import (
    BRIDGE,
    GATE,
    KEEPER,
    OWNER,
    PALLET_G,
    SITE,
    SKU,
    TRUCK_G,
    Warehouse,
    an_opening_row,
    epc,
    sscc,
)
from twin import api as twin
from twin.messages import AlarmCleared, ImportLayout, VehicleTurnedBack
from wms.api import lift_hold, lower_forgotten, place_hold
from wms.dispatch.barriers import LOWERED_WITHIN, UP_MAX
from wms.dispatch.before import STANDS_LASTS
from wms.dispatch.gate import BARRIER_TRIES_MAX
from wms.dispatch.views import decision_list, release_view
from wms.messages import (
    AdjustStock,
    AllocateOrder,
    CancelRelease,
    DeclareOpeningStock,
    DeliveryUnit,
    GateDecided,
    GateOpenedByHand,
    MoveBarrierByHand,
    OrderLine,
    PlaceOrder,
    ReleaseResult,
    ReleaseShipment,
    ShipmentDeparted,
    VehicleAdmitted,
    VisitExpected,
)
from wms.orders.views import order_view
from wms.visits.store import STAYS_WEIGHED, empty_mass_g


async def release(warehouse: Warehouse, order_id: str, vehicle_id: str, minutes: int = 60) -> ReleaseResult:
    result = await warehouse.do(
        ReleaseShipment(order_id=order_id, gate_id=GATE, vehicle_id=vehicle_id, valid_minutes=minutes)
    )
    assert isinstance(result, ReleaseResult)
    return result


async def test_an_expected_vehicle_is_let_in_once_and_shut_behind(warehouse: Warehouse, tx: PgTx) -> None:
    visit = await warehouse.visit()
    arriving = warehouse.at_gate(visit.vehicle_id, "in")
    await warehouse.hear(arriving, arriving)
    assert await warehouse.orders_to_barrier() == ["open"]
    weighing = warehouse.weighed(visit.vehicle_id, TRUCK_G, "in")
    await warehouse.hear(weighing, weighing, arriving)
    assert await warehouse.orders_to_barrier() == ["open", "close"]
    assert len(warehouse.sent(VehicleAdmitted)) == 1
    assert await tx.value("SELECT entry_mass_g FROM wms.visit") == TRUCK_G


async def test_a_vehicle_announced_while_it_waits_is_let_in(warehouse: Warehouse) -> None:
    visit = await warehouse.visit()
    await warehouse.hear(
        warehouse.at_gate(visit.vehicle_id, "in"), warehouse.weighed(visit.vehicle_id, TRUCK_G, "in")
    )
    await warehouse.hear(
        warehouse.at_gate(visit.vehicle_id, "out", mass_g=TRUCK_G, entry_mass_g=TRUCK_G),
        warehouse.left(visit.vehicle_id),
        warehouse.at_gate(visit.vehicle_id, "in"),
    )
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.not_expected")
    await warehouse.visit()
    await warehouse.hear(warehouse.sent(VisitExpected)[-1])
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.expected")


async def test_released_goods_leave_the_books_when_the_vehicle_left(warehouse: Warehouse, tx: PgTx) -> None:
    units = await warehouse.stock(3)
    order_id = await warehouse.ready(200)
    vehicle_id = await warehouse.inside()
    released = await release(warehouse, order_id, vehicle_id)
    loaded = warehouse.at_gate(
        vehicle_id, "out", *units[:2], mass_g=TRUCK_G + 2 * PALLET_G, entry_mass_g=TRUCK_G
    )
    await warehouse.hear(loaded, loaded)
    assert (await release_view(tx, released.release_id)).state == "at_gate"
    await warehouse.hear(warehouse.left(vehicle_id, *units[:2]), warehouse.left(vehicle_id))
    assert (await release_view(tx, released.release_id)).state == "departed"
    assert await warehouse.state_of(order_id) == "shipped"
    assert await tx.value("SELECT sum(quantity_each) FROM wms.balance") == 100
    (departed,) = warehouse.sent(ShipmentDeparted)
    assert departed.unit_ids == tuple(sorted(units[:2]))
    answers = await warehouse.scan((sscc(1), None), (sscc(3), None))
    assert [(answer.outcome, answer.key) for answer in answers] == [
        ("refused", "scan.has_left"),
        ("noted", None),
    ]
    assert await warehouse.orders_to_barrier() == ["open", "close", "open", "close"]


async def test_a_count_brings_nothing_back_that_went_through_the_gate(warehouse: Warehouse, tx: PgTx) -> None:
    """One whole pallet left, counted short before, and 40 pieces of another one in a parcel."""
    units = await warehouse.stock(2)
    await warehouse.do(AdjustStock(unit_id=units[0], counted_each=90, reason="count 17"))
    order_id = await warehouse.ready(130)
    vehicle_id = await warehouse.inside()
    released = await release(warehouse, order_id, vehicle_id)
    mass_g = TRUCK_G + await tx.value("SELECT sum(mass_g)::bigint FROM wms.reservation")
    tags = [unit for unit in units if unit in released.unit_ids]
    assert len(tags) == 1
    await warehouse.hear(
        warehouse.at_gate(vehicle_id, "out", *tags, mass_g=mass_g, entry_mass_g=TRUCK_G),
        warehouse.left(vehicle_id, *tags),
    )
    assert len(warehouse.sent(ShipmentDeparted)) == 1
    for unit_id in units:
        kept_each = await books_of(tx, unit_id)
        with pytest.raises(Invalid) as refused:
            await warehouse.do(AdjustStock(unit_id=unit_id, counted_each=100, reason="count 18"))
        assert refused.value.key == "stock.count_too_high"
        assert await books_of(tx, unit_id) == kept_each


async def books_of(tx: PgTx, unit_id: str) -> int:
    sql = "SELECT sum(quantity_each)::bigint FROM wms.balance WHERE unit_id = %(unit)s"
    return int(await tx.value(sql, {"unit": unit_id}))


async def test_goods_without_a_release_keep_the_gate_shut_and_the_books_as_they_are(
    warehouse: Warehouse, tx: PgTx
) -> None:
    units = await warehouse.stock(2)
    vehicle_id = await warehouse.inside()
    await warehouse.hear(
        warehouse.at_gate(vehicle_id, "out", units[0]),
        warehouse.at_gate(vehicle_id, "out", units[0], mass_g=TRUCK_G + PALLET_G, entry_mass_g=TRUCK_G),
        warehouse.left(vehicle_id, units[0]),
    )
    assert await warehouse.orders_to_barrier() == ["open", "close"]
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.not_released")
    assert warehouse.sent(ShipmentDeparted) == []
    assert await tx.value("SELECT sum(quantity_each) FROM wms.balance") == 200


async def test_a_release_given_while_the_vehicle_waits_opens_the_gate_at_once(
    warehouse: Warehouse,
) -> None:
    units = await warehouse.stock(1)
    order_id = await warehouse.ready(100)
    vehicle_id = await warehouse.inside()
    await warehouse.hear(
        warehouse.at_gate(vehicle_id, "out", units[0], mass_g=TRUCK_G + PALLET_G, entry_mass_g=TRUCK_G)
    )
    assert (await warehouse.orders_to_barrier())[-1] == "close"
    await release(warehouse, order_id, vehicle_id)
    assert (await warehouse.orders_to_barrier())[-1] == "open"
    assert warehouse.sent(GateDecided)[-1].reason_key == "gate.released"


async def test_what_was_seen_long_ago_is_not_decided_again(
    warehouse: Warehouse, tx: PgTx, clock: ManualClock
) -> None:
    units = await warehouse.stock(1)
    order_id = await warehouse.ready(100)
    vehicle_id = await warehouse.inside()
    await warehouse.hear(
        warehouse.at_gate(vehicle_id, "out", units[0], mass_g=TRUCK_G + PALLET_G, entry_mass_g=TRUCK_G)
    )
    tx.now = clock.advance(901)
    await release(warehouse, order_id, vehicle_id)
    assert (await warehouse.orders_to_barrier())[-1] == "close"


async def test_a_vehicle_that_turns_back_is_shut_out_and_its_release_stays(
    warehouse: Warehouse, tx: PgTx
) -> None:
    units = await warehouse.stock(1)
    order_id = await warehouse.ready(100)
    vehicle_id = await warehouse.inside()
    released = await release(warehouse, order_id, vehicle_id)
    loaded = warehouse.at_gate(vehicle_id, "out", units[0], mass_g=TRUCK_G + PALLET_G, entry_mass_g=TRUCK_G)
    await warehouse.hear(loaded, warehouse.at_gate(vehicle_id, "in", units[0]))
    assert (await release_view(tx, released.release_id)).state == "issued"
    assert (await warehouse.orders_to_barrier())[-2:] == ["open", "close"]
    await warehouse.hear(loaded, warehouse.left(vehicle_id))
    assert (await release_view(tx, released.release_id)).state == "departed"


async def test_more_seen_on_an_agreed_vehicle_shuts_the_gate_again(warehouse: Warehouse) -> None:
    units = await warehouse.stock(2)
    order_id = await warehouse.ready(100)
    vehicle_id = await warehouse.inside()
    await release(warehouse, order_id, vehicle_id)
    mass = {"mass_g": TRUCK_G + PALLET_G, "entry_mass_g": TRUCK_G}
    await warehouse.hear(
        warehouse.at_gate(vehicle_id, "out", units[0], **mass),
        warehouse.at_gate(vehicle_id, "out", *units, **mass),
    )
    assert (await warehouse.gate_reasons())[-2:] == [(True, "gate.released"), (False, "gate.not_released")]
    assert (await warehouse.orders_to_barrier())[-2:] == ["open", "close"]


async def test_a_used_release_lets_nothing_out_again(warehouse: Warehouse) -> None:
    units = await warehouse.stock(2)
    order_id = await warehouse.ready(100)
    vehicle_id = await warehouse.inside()
    await release(warehouse, order_id, vehicle_id)
    mass = {"mass_g": TRUCK_G + PALLET_G, "entry_mass_g": TRUCK_G}
    await warehouse.hear(warehouse.at_gate(vehicle_id, "out", units[0], **mass), warehouse.left(vehicle_id))
    await warehouse.inside()
    await warehouse.hear(warehouse.at_gate(vehicle_id, "out", units[1], **mass))
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.not_released")
    with pytest.raises(Conflict, match=r"releases\.nothing_picked"):
        await release(warehouse, order_id, vehicle_id)


async def test_goods_are_under_one_live_release(warehouse: Warehouse) -> None:
    await warehouse.stock(1)
    order_id = await warehouse.ready(100)
    vehicle_id = await warehouse.inside()
    first = await release(warehouse, order_id, vehicle_id)
    with pytest.raises(Conflict, match=r"releases\.nothing_picked"):
        await release(warehouse, order_id, vehicle_id)
    await warehouse.do(CancelRelease(release_id=first.release_id, reason="another vehicle"))
    with pytest.raises(Conflict, match=r"releases\.state"):
        await warehouse.do(CancelRelease(release_id=first.release_id, reason="again"))
    await release(warehouse, order_id, vehicle_id)


async def test_an_expired_release_is_replaced_by_a_new_one(
    warehouse: Warehouse, tx: PgTx, clock: ManualClock
) -> None:
    await warehouse.stock(1)
    order_id = await warehouse.ready(100)
    vehicle_id = await warehouse.inside()
    first = await release(warehouse, order_id, vehicle_id, minutes=1)
    tx.now = clock.advance(61)
    assert (await release_view(tx, first.release_id)).state == "expired"
    await release(warehouse, order_id, vehicle_id)
    assert await tx.value("SELECT count(*) FROM wms.release WHERE state = 'expired'") == 1


async def test_an_order_tells_whether_something_is_picked_that_no_live_release_lets_out(
    warehouse: Warehouse, tx: PgTx, clock: ManualClock
) -> None:
    async def is_releasable(order_id: str) -> bool:
        return (await order_view(tx, order_id)).is_releasable

    await warehouse.stock(1)
    order_id = await warehouse.allocated(100)
    assert not await is_releasable(order_id)
    await warehouse.pick(order_id)
    assert await is_releasable(order_id)
    vehicle_id = await warehouse.inside()
    await release(warehouse, order_id, vehicle_id, minutes=1)
    assert not await is_releasable(order_id)
    tx.now = clock.advance(61)
    assert await is_releasable(order_id)
    again = await release(warehouse, order_id, vehicle_id)
    assert not await is_releasable(order_id)
    await warehouse.do(CancelRelease(release_id=again.release_id, reason="another vehicle"))
    assert await is_releasable(order_id)


async def test_a_release_waits_for_the_last_pick_and_knows_gate_and_vehicle(warehouse: Warehouse) -> None:
    await warehouse.stock(1)
    order_id = await warehouse.allocated(10)
    vehicle_id = await warehouse.inside()
    with pytest.raises(Conflict, match=r"orders\.state"):
        await release(warehouse, order_id, vehicle_id)
    await warehouse.pick(order_id)
    with pytest.raises(NotFound, match=r"vehicles\.unknown"):
        await release(warehouse, order_id, "vehicle_x")
    with pytest.raises(NotFound, match=r"gates\.unknown"):
        await warehouse.do(ReleaseShipment(order_id=order_id, gate_id="gate-9", vehicle_id=vehicle_id))


async def test_pieces_in_a_parcel_leave_by_their_mass(warehouse: Warehouse) -> None:
    await warehouse.stock(1)
    order_id = await warehouse.ready(20)
    vehicle_id = await warehouse.inside()
    await release(warehouse, order_id, vehicle_id)
    share_g = PALLET_G * 20 // 100
    await warehouse.hear(
        warehouse.at_gate(vehicle_id, "out", mass_g=TRUCK_G + share_g, entry_mass_g=TRUCK_G),
        warehouse.left(vehicle_id),
    )
    assert await warehouse.state_of(order_id) == "shipped"


async def test_pledged_pallets_stay_until_the_hold_is_lifted(warehouse: Warehouse, tx: PgTx) -> None:
    units = await warehouse.stock(1)
    hold_id = await place_hold(tx, SITE, units, "pledge", "pledge_1")
    vehicle_id = await warehouse.inside()
    loaded = warehouse.at_gate(vehicle_id, "out", units[0], mass_g=TRUCK_G + PALLET_G, entry_mass_g=TRUCK_G)
    await warehouse.hear(loaded, warehouse.at_gate(vehicle_id, "in", units[0]))
    assert (await warehouse.orders_to_barrier())[-1] == "close"
    await lift_hold(tx, hold_id)
    order_id = await warehouse.ready(100)
    await release(warehouse, order_id, vehicle_id)
    await warehouse.hear(loaded, warehouse.left(vehicle_id, units[0]))
    assert warehouse.sent(ShipmentDeparted)[0].unit_ids == tuple(units)


async def test_a_barrier_that_fails_is_ordered_again_a_bounded_number_of_times(
    warehouse: Warehouse, tx: PgTx
) -> None:
    visit = await warehouse.visit()
    await warehouse.hear(warehouse.at_gate(visit.vehicle_id, "in"))
    failed = DeviceOrderFailed(
        site_id=SITE,
        device_id="gate-1-barrier",
        command_id="command_1",
        action="open",
        ref_id=visit.visit_id,
        reason="unreachable",
        failed_at=tx.now,
    )
    await warehouse.hear(*[failed] * (BARRIER_TRIES_MAX + 5))
    assert len(await warehouse.orders_to_barrier()) == 1 + BARRIER_TRIES_MAX
    confirmed = DeviceOrderConfirmed(
        site_id=SITE,
        device_id="gate-1-barrier",
        command_id="command_1",
        action="open",
        ref_id=visit.visit_id,
        confirmed_at=tx.now,
    )
    await warehouse.hear(confirmed, failed)
    assert len(await warehouse.orders_to_barrier()) == 2 + BARRIER_TRIES_MAX


async def test_an_opening_that_failed_is_not_repeated_once_the_vehicle_is_through(
    warehouse: Warehouse, tx: PgTx
) -> None:
    await warehouse.inside()
    visit_id = await tx.value("SELECT visit_id FROM wms.visit")
    await warehouse.hear(
        DeviceOrderFailed(
            site_id=SITE,
            device_id="gate-1-barrier",
            command_id="command_1",
            action="open",
            ref_id=visit_id,
            reason="expired",
            failed_at=tx.now,
        )
    )
    assert await warehouse.orders_to_barrier() == ["open", "close"]


BY_HAND = MoveBarrierByHand(device_id="gate-1-barrier", action="open", reason="the reader is out of order")


async def test_a_gate_opened_by_hand_is_a_decision_with_who_and_why(warehouse: Warehouse, tx: PgTx) -> None:
    await warehouse.do(BY_HAND)
    await warehouse.do(msgspec.structs.replace(BY_HAND, action="close"))
    assert await warehouse.orders_to_barrier() == ["open", "close"]
    (kept,) = await decision_list(tx, SITE, None, 10)
    assert (kept.opened, kept.reason_key, kept.direction) == (True, "gate.by_hand", None)
    assert (kept.decided_by, kept.facts["reason"]) == (tx.caller.person_id, BY_HAND.reason)
    (told,) = warehouse.sent(GateOpenedByHand)
    assert (told.gate_id, told.opened_by, told.reason) == (GATE, tx.caller.person_id, BY_HAND.reason)


async def test_nobody_opens_by_hand_for_goods_that_nobody_released(warehouse: Warehouse) -> None:
    units = await warehouse.stock(1)
    vehicle_id = await warehouse.inside()
    await warehouse.hear(warehouse.at_gate(vehicle_id, "out", *units))
    told = await warehouse.orders_to_barrier()
    with pytest.raises(Conflict) as refused:
        await warehouse.do(BY_HAND)
    assert (refused.value.key, refused.value.facts["goods"]) == ("barrier.goods_at_gate", units)
    assert await warehouse.orders_to_barrier() == told
    assert warehouse.sent(GateOpenedByHand) == []
    await warehouse.do(msgspec.structs.replace(BY_HAND, action="close"))
    await warehouse.hear(warehouse.at_gate(vehicle_id, "in", *units))
    await warehouse.do(BY_HAND)


async def test_a_person_opens_for_goods_that_are_released(warehouse: Warehouse) -> None:
    """The weighbridge is out of order, so that the gate does not open by itself."""
    units = await warehouse.stock(1)
    order_id = await warehouse.ready(100)
    vehicle_id = await warehouse.inside()
    await release(warehouse, order_id, vehicle_id)
    await warehouse.hear(warehouse.at_gate(vehicle_id, "out", *units))
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.not_weighed")
    await warehouse.do(BY_HAND)
    assert (await warehouse.orders_to_barrier())[-1] == "open"


async def test_nobody_opens_by_hand_while_an_exit_alarm_of_the_gate_is_active(
    warehouse: Warehouse, tx: PgTx
) -> None:
    await tx.run(
        """INSERT INTO twin.alarm (alarm_id, site_id, kind, subject, grade, state, gate_id, vehicle_id,
            lot_ids, unit_ids, first_at, last_at, raised_at, facts, evidence)
        VALUES ('alarm_1', %(site)s, 'exit_without_release', 'gate-1', 'check', 'active', %(gate)s, NULL,
            '{}', '{}', %(now)s, %(now)s, %(now)s, '{}', '[]')""",
        {"site": SITE, "gate": GATE, "now": tx.now},
    )
    with pytest.raises(Conflict) as refused:
        await warehouse.do(BY_HAND)
    assert refused.value.facts["alarm_ids"] == ["alarm_1"]
    await tx.run("UPDATE twin.alarm SET state = 'cleared', cleared_at = %(now)s", {"now": tx.now})
    await warehouse.do(BY_HAND)


@pytest.mark.parametrize(
    ("kind", "outcome", "is_refused"),
    [
        ("exit_without_release", "left", True),
        ("exit_mass_differs", "standing", True),
        ("exit_mass_differs", "left", False),
        ("exit_refused", "left", False),
    ],
)
async def test_an_alarm_of_a_load_unheard_that_has_left_keeps_the_gate_no_longer_from_being_opened_by_hand(
    warehouse: Warehouse, tx: PgTx, kind: str, outcome: str, is_refused: bool
) -> None:
    """It is closed only once all that is on hold was seen again, and first deliveries need a person."""
    await an_exit_alarm(tx, outcome, [], kind)
    if is_refused:
        with pytest.raises(Conflict, match=r"barrier\.goods_at_gate"):
            await warehouse.do(BY_HAND)
    else:
        await warehouse.do(BY_HAND)


async def test_a_barrier_at_no_gate_is_closed_by_hand_and_not_opened(warehouse: Warehouse) -> None:
    connection = {"host": "127.0.0.1", "port": 502}
    await warehouse.do(
        EnrolDevice(site_id=SITE, device_id="boom-2", family="modbus_barrier", connection=connection)
    )
    elsewhere = msgspec.structs.replace(BY_HAND, device_id="boom-2")
    with pytest.raises(Conflict, match=r"barrier\.no_gate"):
        await warehouse.do(elsewhere)
    await warehouse.do(msgspec.structs.replace(elsewhere, action="close"))


async def test_the_signal_of_a_gate_says_go_when_the_boom_is_up_and_stop_before_it_goes_down(
    warehouse: Warehouse, tx: PgTx
) -> None:
    await warehouse.add_to_layout(
        Mount(mount_id="gate-1-light", family="modbus_signal", serves=GATE, x_mm=0, y_mm=0),
        Mount(mount_id="bridge-light", family="modbus_signal", serves=BRIDGE, x_mm=0, y_mm=0),
    )
    for light in ("gate-1-light", "bridge-light"):
        where = {"host": "127.0.0.1", "port": 502}
        await warehouse.do(
            EnrolDevice(
                site_id=SITE, device_id=light, family="modbus_signal", mount_id=light, connection=where
            )
        )
    visit = await warehouse.visit()
    await warehouse.hear(warehouse.at_gate(visit.vehicle_id, "in"))
    [opening] = warehouse.sent(DeviceOrdered)
    await warehouse.hear(
        DeviceOrderConfirmed(
            site_id=SITE,
            device_id=opening.device_id,
            command_id=opening.command_id,
            action="open",
            ref_id=visit.visit_id,
            confirmed_at=tx.now,
        )
    )
    await warehouse.hear(warehouse.weighed(visit.vehicle_id, TRUCK_G, "in"))
    told = [(one.device_id, one.action, one.parameters) for one in warehouse.sent(DeviceOrdered)]
    assert told == [
        ("gate-1-barrier", "open", {}),
        ("gate-1-light", "show", {"aspect": "green"}),
        ("gate-1-light", "show", {"aspect": "red"}),
        ("gate-1-barrier", "close", {}),
    ]


async def test_a_barrier_of_any_family_that_opens_and_closes_guards_a_gate(warehouse: Warehouse) -> None:
    await warehouse.do(RetireDevice(device_id="gate-1-barrier"))
    await warehouse.add_to_layout(
        Mount(mount_id="gate-1-boom", family="opcua_barrier", serves=GATE, x_mm=0, y_mm=0)
    )
    nodes = dict.fromkeys(("barrier", "open", "close", "is_open", "is_closed", "loop"), "ns=2;i=1")
    await warehouse.do(
        EnrolDevice(
            site_id=SITE,
            device_id="boom",
            family="opcua_barrier",
            mount_id="gate-1-boom",
            connection={"host": "127.0.0.1", "port": 4840, **nodes},
        )
    )
    visit = await warehouse.visit()
    await warehouse.hear(warehouse.at_gate(visit.vehicle_id, "in"))
    assert [(one.device_id, one.action) for one in warehouse.sent(DeviceOrdered)] == [("boom", "open")]


async def test_a_refusal_lowers_a_boom_that_a_person_raised_before(warehouse: Warehouse, tx: PgTx) -> None:
    units = await warehouse.stock(1)
    await place_hold(tx, SITE, units, "pledge", "pledge_1")
    vehicle_id = await warehouse.inside()
    await warehouse.do(BY_HAND)
    leaving = warehouse.at_gate(vehicle_id, "out", *units)
    await warehouse.hear(leaving, leaving)
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.not_released")
    assert await warehouse.orders_to_barrier() == ["open", "close", "open", "close"]
    await warehouse.hear(warehouse.at_gate(vehicle_id, "in", *units))
    await warehouse.do(BY_HAND)
    await warehouse.hear(leaving, warehouse.left(vehicle_id, *units))
    assert (await warehouse.orders_to_barrier())[4:] == ["open", "close"]


async def test_a_refusal_lowers_a_boom_that_is_up_by_nobodys_order(warehouse: Warehouse, tx: PgTx) -> None:
    """Somebody turned the key at the barrier; it says that it is open."""
    units = await warehouse.stock(1)
    vehicle_id = await warehouse.inside()
    await tx.run(
        """INSERT INTO twin.barrier_state (observation_id, site_id, gate_id, device_id, is_open, is_closed,
            loop_occupied, observed_at)
        VALUES ('gate-1-barrier:1:1', %(site)s, %(gate)s, 'gate-1-barrier', true, false, false, %(now)s)""",
        {"site": SITE, "gate": GATE, "now": tx.now},
    )
    await warehouse.hear(warehouse.at_gate(vehicle_id, "out", *units))
    assert await warehouse.orders_to_barrier() == ["open", "close", "close"]


async def test_a_boom_comes_down_a_minute_after_it_was_raised_though_nobody_passed(
    warehouse: Warehouse, tx: PgTx, clock: ManualClock
) -> None:
    await warehouse.do(BY_HAND)
    tx.now = clock.advance(UP_MAX.total_seconds() - 1)
    await lower_forgotten(tx)
    assert await warehouse.orders_to_barrier() == ["open"]
    tx.now = clock.advance(1)
    await lower_forgotten(tx)
    await lower_forgotten(tx)
    assert await warehouse.orders_to_barrier() == ["open", "close"]


async def test_lowering_a_boom_that_does_not_obey_is_ordered_again_and_not_for_ever(
    warehouse: Warehouse, tx: PgTx, clock: ManualClock
) -> None:
    await warehouse.do(BY_HAND)
    tx.now = clock.advance(UP_MAX.total_seconds())
    for _ in range(2):
        await lower_forgotten(tx)
        await tx.run(
            """UPDATE devices.command SET state = 'failed', failure = 'feedback', settled_at = %(now)s
            WHERE action = 'close' AND state = 'queued'""",
            {"now": tx.now},
        )
    assert await warehouse.orders_to_barrier() == ["open", "close", "close"]
    tx.now = clock.advance(LOWERED_WITHIN.total_seconds())
    await lower_forgotten(tx)
    assert len(await warehouse.orders_to_barrier()) == 3


async def test_a_vehicle_let_in_and_never_weighed_does_not_drive_out_under_the_same_boom(
    warehouse: Warehouse, tx: PgTx, clock: ManualClock
) -> None:
    """The weighbridge is out of service."""
    units = await warehouse.stock(1)
    visit = await warehouse.visit()
    arriving = warehouse.at_gate(visit.vehicle_id, "in")
    await warehouse.hear(arriving, arriving)
    assert await warehouse.orders_to_barrier() == ["open"]
    await warehouse.hear(warehouse.at_gate(visit.vehicle_id, "out", *units))
    assert await warehouse.orders_to_barrier() == ["open", "close"]


async def test_the_boom_falls_behind_a_vehicle_that_was_never_weighed(
    warehouse: Warehouse, tx: PgTx, clock: ManualClock
) -> None:
    visit = await warehouse.visit()
    await warehouse.hear(warehouse.at_gate(visit.vehicle_id, "in"))
    tx.now = clock.advance(UP_MAX.total_seconds())
    await lower_forgotten(tx)
    assert await warehouse.orders_to_barrier() == ["open", "close"]


async def test_an_agreed_vehicle_that_dawdled_is_let_out_when_it_moves_again(
    warehouse: Warehouse, tx: PgTx, clock: ManualClock
) -> None:
    units = await warehouse.stock(1)
    order_id = await warehouse.ready(100)
    vehicle_id = await warehouse.inside()
    released = await release(warehouse, order_id, vehicle_id)
    loaded = warehouse.at_gate(vehicle_id, "out", units[0], mass_g=TRUCK_G + PALLET_G, entry_mass_g=TRUCK_G)
    await warehouse.hear(loaded)
    tx.now = clock.advance(UP_MAX.total_seconds())
    await lower_forgotten(tx)
    await warehouse.hear(loaded, loaded, warehouse.left(vehicle_id, units[0]))
    assert (await warehouse.orders_to_barrier())[2:] == ["open", "close", "open", "close"]
    assert (await release_view(tx, released.release_id)).state == "departed"


WATCHING = ["gate-1-reader", "gate-1-barrier", "weighbridge-1"]


async def distrust(tx: PgTx, device_id: str) -> None:
    await tx.run(
        """UPDATE devices.device SET accepted_at = NULL, accepted_by = NULL, accepted_party_id = NULL
        WHERE device_id = %(device)s""",
        {"device": device_id},
    )


@pytest.mark.parametrize("device_id", WATCHING)
async def test_while_goods_are_pledged_a_gate_opens_on_the_word_of_accepted_devices_alone(
    warehouse: Warehouse, tx: PgTx, device_id: str
) -> None:
    """The keeper swapped the antennas in the layout: what goes out is heard as coming in."""
    units = await warehouse.stock(1)
    await distrust(tx, device_id)
    hold_id = await place_hold(tx, SITE, units, "pledge", "pledge_1")
    visit = await warehouse.visit()
    arriving = warehouse.at_gate(visit.vehicle_id, "in", *units)
    await warehouse.hear(arriving)
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.reader_not_accepted")
    assert "open" not in await warehouse.orders_to_barrier()
    await warehouse.accept(device_id)
    await warehouse.hear(arriving)
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.expected")
    await lift_hold(tx, hold_id)


async def test_a_retired_reader_is_no_accepted_one(warehouse: Warehouse, tx: PgTx) -> None:
    await place_hold(tx, SITE, await warehouse.stock(1), "pledge", "pledge_1")
    await warehouse.do(RetireDevice(device_id="gate-1-reader"))
    visit = await warehouse.visit()
    await warehouse.hear(warehouse.at_gate(visit.vehicle_id, "in"))
    (kept,) = await decision_list(tx, SITE, None, 10)
    assert (kept.reason_key, kept.facts) == ("gate.reader_not_accepted", {"mount_ids": ["gate-1-reader"]})


@pytest.mark.parametrize("device_id", WATCHING)
async def test_nobody_opens_by_hand_past_devices_that_are_not_accepted_while_goods_are_pledged(
    warehouse: Warehouse, tx: PgTx, device_id: str
) -> None:
    await distrust(tx, device_id)
    await warehouse.do(BY_HAND)
    await place_hold(tx, SITE, await warehouse.stock(1), "pledge", "pledge_1")
    with pytest.raises(Conflict, match=r"barrier\.unwatched") as refused:
        await warehouse.do(BY_HAND)
    assert refused.value.facts["mount_ids"] == [device_id]
    await warehouse.do(msgspec.structs.replace(BY_HAND, action="close"))
    await warehouse.accept(device_id)
    await warehouse.do(BY_HAND)
    assert await warehouse.orders_to_barrier() == ["open", "close", "open"]


async def test_a_gate_that_lost_its_reader_in_the_layout_is_not_opened_by_hand_while_goods_are_pledged(
    warehouse: Warehouse, tx: PgTx
) -> None:
    units = await warehouse.stock(1)
    await warehouse.do(RetireDevice(device_id="gate-1-reader"))
    layout = await twin.layout_of(tx, SITE)
    rest = [mount for mount in layout.mounts if mount.mount_id != "gate-1-reader"]
    await warehouse.do(
        ImportLayout(layout=msgspec.structs.replace(layout, mounts=rest), keeper_party_id=KEEPER)
    )
    await place_hold(tx, SITE, units, "pledge", "pledge_1")
    with pytest.raises(Conflict, match=r"barrier\.unwatched") as refused:
        await warehouse.do(BY_HAND)
    assert refused.value.facts["mount_ids"] == [GATE]


async def test_with_nothing_pledged_a_waiting_reader_steers_the_gate(warehouse: Warehouse) -> None:
    await warehouse.do(RetireDevice(device_id="gate-1-reader"))
    visit = await warehouse.visit()
    await warehouse.hear(warehouse.at_gate(visit.vehicle_id, "in"))
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.expected")


async def test_a_release_lets_no_other_pallets_of_the_same_mass_out_unheard(
    warehouse: Warehouse, tx: PgTx
) -> None:
    """Two pallets are released; two pledged ones are aboard, their tags in foil: only the truck is heard."""
    units = await warehouse.stock(4)
    order_id = await warehouse.ready(200)
    vehicle_id = await warehouse.inside()
    released = await release(warehouse, order_id, vehicle_id)
    pledged = [unit for unit in units if unit not in released.unit_ids]
    await place_hold(tx, SITE, pledged, "pledge", "pledge_1")
    mass = {"mass_g": TRUCK_G + 2 * PALLET_G, "entry_mass_g": TRUCK_G}
    await warehouse.hear(warehouse.at_gate(vehicle_id, "out", **mass))
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.tags_unread")
    assert (await warehouse.orders_to_barrier())[-1] == "close"
    await warehouse.hear(warehouse.at_gate(vehicle_id, "out", released.unit_ids[0], **mass))
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.tags_unread"), "the other may be pledged"
    await warehouse.hear(warehouse.at_gate(vehicle_id, "out", *released.unit_ids, **mass))
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.released")


async def test_with_nothing_pledged_a_pallet_with_a_dead_tag_leaves_when_its_mass_agrees(
    warehouse: Warehouse,
) -> None:
    await warehouse.stock(2)
    order_id = await warehouse.ready(100)
    vehicle_id = await warehouse.inside()
    await release(warehouse, order_id, vehicle_id)
    mass = {"mass_g": TRUCK_G + PALLET_G, "entry_mass_g": TRUCK_G}
    await warehouse.hear(warehouse.at_gate(vehicle_id, "out", **mass))
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.released")


async def test_goods_without_tags_let_no_pledged_pallet_of_their_mass_out_unheard(
    warehouse: Warehouse, tx: PgTx
) -> None:
    """Two halves of pallets are released; one of them alone weighs less than any pallet that is pledged."""
    units = await warehouse.stock(4)
    first = await warehouse.ready(50, "order-1")
    opened = await tx.value("SELECT min(unit_id) FROM wms.task")
    second = await warehouse.ready(40, "order-2")
    hold_id = await place_hold(tx, SITE, [unit for unit in units if unit != opened], "pledge", "pledge_1")
    vehicle_id = await warehouse.inside()
    await release(warehouse, first, vehicle_id)
    also = await release(warehouse, second, vehicle_id)
    both_g = TRUCK_G + PALLET_G * 90 // 100
    await warehouse.hear(warehouse.at_gate(vehicle_id, "out", mass_g=both_g, entry_mass_g=TRUCK_G))
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.untagged_load")
    (kept, *_) = await decision_list(tx, SITE, None, 10)
    assert kept.facts == {"untagged_g": 540_000, "untagged_most_g": 300_000}
    with pytest.raises(Conflict, match=r"barrier\.refused_vehicle"):
        await warehouse.do(BY_HAND)
    await warehouse.do(CancelRelease(release_id=also.release_id, reason="in two loads"))
    half_g = TRUCK_G + PALLET_G // 2
    await warehouse.hear(warehouse.at_gate(vehicle_id, "out", mass_g=half_g, entry_mass_g=TRUCK_G))
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.released")
    await warehouse.hear(warehouse.left(vehicle_id))
    await lift_hold(tx, hold_id)


async def test_ballast_left_behind_makes_no_room_for_a_pledged_pallet_beside_a_release(
    warehouse: Warehouse, tx: PgTx
) -> None:
    units = await warehouse.stock(4)
    order_id = await warehouse.ready(200)
    vehicle_id = await warehouse.inside()
    empty = {"mass_g": TRUCK_G, "entry_mass_g": TRUCK_G}
    weighed_out = warehouse.weighed(vehicle_id, TRUCK_G, "out")
    await warehouse.hear(
        warehouse.at_gate(vehicle_id, "out", **empty), weighed_out, warehouse.left(vehicle_id)
    )
    picked = [row["unit_id"] for row in await tx.rows("SELECT unit_id FROM wms.task")]
    await place_hold(tx, SITE, [unit for unit in units if unit not in picked], "pledge", "pledge_1")

    came_at = TRUCK_G + PALLET_G
    await warehouse.visit()
    await warehouse.hear(warehouse.at_gate(vehicle_id, "in"), warehouse.weighed(vehicle_id, came_at, "in"))
    await release(warehouse, order_id, vehicle_id)
    loaded = {"mass_g": came_at + 2 * PALLET_G, "entry_mass_g": came_at}
    await warehouse.hear(warehouse.at_gate(vehicle_id, "out", *picked, **loaded))
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.heavier_than_empty")


@pytest.mark.parametrize(
    ("gained_g", "refusals"),
    [(0, []), (60_000, []), (PALLET_G, ["gate.too_heavy"]), (None, ["gate.not_weighed"])],
)
async def test_what_left_unseen_while_the_line_was_cut_is_judged_when_it_becomes_known(
    warehouse: Warehouse, tx: PgTx, gained_g: int | None, refusals: list[str]
) -> None:
    """Nobody told that it stood at the gate: it had left when its readings came."""
    await place_hold(tx, SITE, await warehouse.stock(1), "pledge", "pledge_1")
    vehicle_id = await warehouse.inside()
    left = warehouse.left(vehicle_id)
    mass_g = None if gained_g is None else TRUCK_G + gained_g
    await warehouse.hear(msgspec.structs.replace(left, mass_g=mass_g))
    raised = [alarm for alarm in await twin.alarms(tx, SITE) if alarm.kind == "exit_refused"]
    assert [alarm.facts["refusal"] for alarm in raised] == refusals


async def test_nobody_is_let_in_while_a_vehicle_that_may_have_pledged_goods_aboard_stands_before_the_gate(
    warehouse: Warehouse, tx: PgTx
) -> None:
    """Nothing is heard on it. Once it has turned back, who waits comes in."""
    await place_hold(tx, SITE, await warehouse.stock(1), "pledge", "pledge_1")
    suspect_id = await warehouse.inside("B")
    heavy = {"mass_g": TRUCK_G + PALLET_G, "entry_mass_g": TRUCK_G}
    await warehouse.hear(warehouse.at_gate(suspect_id, "out", **heavy))
    other = await warehouse.visit("C")
    await warehouse.hear(warehouse.at_gate(other.vehicle_id, "in"))
    (kept, *_) = await decision_list(tx, SITE, None, 10)
    assert (kept.reason_key, kept.facts) == (
        "gate.refused_at_gate",
        {"count": 1, "vehicle_ids": [suspect_id]},
    )
    await tx.run("UPDATE twin.vehicle SET state = 'inside' WHERE vehicle_id = %(id)s", {"id": suspect_id})
    back = VehicleTurnedBack(
        site_id=SITE, gate_id=GATE, vehicle_id=suspect_id, at=tx.now, evidence_ids=["gate-1-reader:1:4"]
    )
    await warehouse.hear(back)
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.expected")


async def test_a_vehicle_that_was_never_let_in_and_leaves_may_take_what_is_pledged(
    warehouse: Warehouse, tx: PgTx
) -> None:
    await place_hold(tx, SITE, await warehouse.stock(1), "pledge", "pledge_1")
    visit = await warehouse.visit()
    left = msgspec.structs.replace(warehouse.left(visit.vehicle_id), mass_g=TRUCK_G)
    await warehouse.hear(left, left)
    [alarm] = await twin.alarms(tx, SITE)
    assert (alarm.kind, alarm.facts["refusal"]) == ("exit_refused", "gate.no_visit")


async def test_the_empty_mass_of_a_vehicle_is_of_its_last_stays(warehouse: Warehouse, tx: PgTx) -> None:
    """It has got a heavier body since its first."""
    for stay, own_g in enumerate((TRUCK_G, *[TRUCK_G + 700_000 + litre for litre in range(STAYS_WEIGHED)])):
        vehicle_id = await warehouse.inside()
        tx.now += timedelta(hours=1)
        await warehouse.hear(*leaving(warehouse, vehicle_id, own_g, own_g), warehouse.left(vehicle_id))
        least_g = TRUCK_G if stay < STAYS_WEIGHED else TRUCK_G + 700_000
        assert await empty_mass_g(tx, SITE, vehicle_id) == least_g


async def test_nobody_is_let_in_while_goods_that_nobody_released_stand_before_the_gate(
    warehouse: Warehouse, tx: PgTx
) -> None:
    """The boom that rises for one coming in would let them out."""
    units = await warehouse.stock(2)
    await place_hold(tx, SITE, units, "pledge", "pledge_1")
    thief_id = await warehouse.inside("B")
    await warehouse.hear(warehouse.at_gate(thief_id, "out", *units))
    other = await warehouse.visit("C")
    await warehouse.hear(warehouse.at_gate(other.vehicle_id, "in"))
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.goods_at_gate")
    assert await warehouse.orders_to_barrier() == ["open", "close"]
    (kept, *_) = await decision_list(tx, SITE, None, 10)
    assert kept.facts == {"count": 2, "goods": sorted(units), "alarm_ids": []}
    await warehouse.hear(warehouse.at_gate(thief_id, "in", *units))
    await warehouse.hear(*(warehouse.crossed(unit) for unit in units))
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.expected")
    assert await warehouse.orders_to_barrier() == ["open", "close", "open"]


async def an_exit_alarm(
    tx: PgTx, outcome: str, unit_ids: list[str], kind: str = "exit_without_release"
) -> None:
    await tx.run(
        """INSERT INTO twin.alarm (alarm_id, site_id, kind, subject, grade, state, gate_id, vehicle_id,
            lot_ids, unit_ids, first_at, last_at, raised_at, facts, evidence)
        VALUES ('alarm_1', %(site)s, %(kind)s, 'gate-1', 'check', 'active', %(gate)s, NULL,
            '{}', %(units)s, %(now)s, %(now)s, %(now)s, jsonb_build_object('outcome', %(outcome)s::text),
            '[]')""",
        {"site": SITE, "gate": GATE, "now": tx.now, "outcome": outcome, "units": unit_ids, "kind": kind},
    )


async def test_nobody_is_let_in_while_what_an_exit_alarm_is_about_stands_before_the_gate(
    warehouse: Warehouse, tx: PgTx
) -> None:
    units = await warehouse.stock(2)
    await place_hold(tx, SITE, units, "pledge", "pledge_1")
    await an_exit_alarm(tx, "standing", units[:1])
    visit = await warehouse.visit()
    await warehouse.hear(warehouse.at_gate(visit.vehicle_id, "in"))
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.goods_at_gate")
    await tx.run("UPDATE twin.alarm SET state = 'cleared', cleared_at = %(now)s", {"now": tx.now})
    cleared = AlarmCleared(
        alarm_id="alarm_1", site_id=SITE, cleared_at=tx.now, cleared_by="officer", reason="looked"
    )
    await warehouse.hear(cleared)
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.expected")


@pytest.mark.parametrize("outcome", ["left", "returned"])
async def test_an_alarm_about_what_stands_there_no_more_keeps_nobody_outside(
    warehouse: Warehouse, tx: PgTx, outcome: str
) -> None:
    units = await warehouse.stock(1)
    await place_hold(tx, SITE, units, "pledge", "pledge_1")
    await an_exit_alarm(tx, outcome, units)
    visit = await warehouse.visit()
    await warehouse.hear(warehouse.at_gate(visit.vehicle_id, "in"))
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.expected")


async def test_a_stray_that_was_heard_outside_keeps_others_out_for_a_day_and_only_while_it_is_pledged(
    warehouse: Warehouse, tx: PgTx
) -> None:
    units = await warehouse.stock(2)
    await place_hold(tx, SITE, units[:1], "pledge", "pledge_1")
    await an_exit_alarm(tx, "standing", units[1:])
    visit = await warehouse.visit("B")
    await warehouse.hear(warehouse.at_gate(visit.vehicle_id, "in"))
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.expected"), "what strayed is not pledged"

    await place_hold(tx, SITE, units[1:], "pledge", "pledge_2")
    visit = await warehouse.visit("C")
    arriving = warehouse.at_gate(visit.vehicle_id, "in")
    await warehouse.hear(arriving)
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.goods_at_gate")
    tx.now += STANDS_LASTS + timedelta(seconds=1)
    await warehouse.hear(arriving)
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.expected")


BROUGHT, TRULY_G = 12, 660_000
DECLARED_G = 570_000
"""100 pieces of 6 kg with 60 kg of wood, and the least that may be declared for them."""


async def unloaded(warehouse: Warehouse, *, truly_g: int = TRULY_G) -> tuple[str, int]:
    """Truck A has come in with pallets declared light and stands empty in the yard; it, and its mass at
    entry."""
    serial = 5001 + await warehouse.tx.value("SELECT count(*)::integer FROM wms.delivery_unit")
    units = tuple(
        DeliveryUnit(
            sscc=sscc(serial + index),
            epc_hex=epc(serial + index),
            quantity_each=100,
            expected_mass_g=DECLARED_G,
        )
        for index in range(BROUGHT)
    )
    delivery = await warehouse.announce(units=units)
    gross_g = TRUCK_G + BROUGHT * truly_g
    await warehouse.hear(
        warehouse.at_gate(delivery.vehicle_id, "in", *delivery.unit_ids),
        warehouse.weighed(delivery.vehicle_id, gross_g, "in"),
        *(warehouse.crossed(unit_id) for unit_id in delivery.unit_ids),
    )
    return delivery.vehicle_id, gross_g


def leaving(warehouse: Warehouse, vehicle_id: str, mass_g: int, gross_g: int) -> list[Event]:
    """It stands at the gate on its way out, heard alone."""
    return [
        warehouse.at_gate(vehicle_id, "out", mass_g=mass_g, entry_mass_g=gross_g),
        warehouse.weighed(vehicle_id, mass_g, "out"),
    ]


async def test_a_delivery_declared_light_hides_no_pledged_pallet_on_the_way_out(
    warehouse: Warehouse, tx: PgTx
) -> None:
    """What it brought weighed a ton more than the notice says; the difference leaves as a pallet unheard."""
    await place_hold(tx, SITE, await warehouse.stock(1), "pledge", "pledge_1")
    vehicle_id, gross_g = await unloaded(warehouse)
    told = await warehouse.orders_to_barrier()
    for extra_g in (0, PALLET_G, BROUGHT * (TRULY_G - DECLARED_G)):
        await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G + extra_g, gross_g))
        assert (await warehouse.gate_reasons())[-1] == (False, "gate.never_weighed_empty")
    assert await warehouse.orders_to_barrier() == told
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G, gross_g))
    await warehouse.do(BY_HAND)
    await warehouse.hear(msgspec.structs.replace(warehouse.left(vehicle_id), mass_g=TRUCK_G))
    [alarm] = await twin.alarms(tx, SITE)
    assert (alarm.kind, alarm.facts["refusal"]) == ("exit_refused", "gate.never_weighed_empty")
    assert await empty_mass_g(tx, SITE, vehicle_id) is None, "a pallet may have been part of that"

    await warehouse.inside("A")
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G, TRUCK_G), warehouse.left(vehicle_id))
    vehicle_id, gross_g = await unloaded(warehouse)
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G + PALLET_G, gross_g))
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.heavier_than_empty")
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G + 200_000, gross_g))
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.empty")


async def test_with_nothing_pledged_a_delivery_leaves_by_its_notice_and_its_empty_mass_is_known_from_then_on(
    warehouse: Warehouse, tx: PgTx
) -> None:
    vehicle_id, gross_g = await unloaded(warehouse, truly_g=DECLARED_G)
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G, gross_g), warehouse.left(vehicle_id))
    await place_hold(tx, SITE, await warehouse.stock(1), "pledge", "pledge_1")
    vehicle_id, gross_g = await unloaded(warehouse, truly_g=DECLARED_G)
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G, gross_g))
    assert (await warehouse.gate_reasons())[-1] == (True, "gate.empty")


async def test_a_vehicle_that_left_with_goods_was_empty_without_them(warehouse: Warehouse, tx: PgTx) -> None:
    units = await warehouse.stock(2)
    order_id = await warehouse.ready(100)
    vehicle_id = await warehouse.inside("A")
    released = await release(warehouse, order_id, vehicle_id)
    loaded_g = TRUCK_G + PALLET_G
    await warehouse.hear(
        warehouse.at_gate(vehicle_id, "out", *released.unit_ids, mass_g=loaded_g, entry_mass_g=TRUCK_G),
        warehouse.left(vehicle_id, *released.unit_ids),
    )
    assert await empty_mass_g(tx, SITE, vehicle_id) == TRUCK_G
    await place_hold(tx, SITE, sorted(set(units) - set(released.unit_ids)), "pledge", "pledge_1")
    vehicle_id, gross_g = await unloaded(warehouse)
    await warehouse.hear(*leaving(warehouse, vehicle_id, loaded_g, gross_g))
    assert (await warehouse.gate_reasons())[-1] == (False, "gate.heavier_than_empty")


async def test_nobody_opens_by_hand_for_a_vehicle_too_heavy_to_be_empty_while_goods_are_pledged(
    warehouse: Warehouse, tx: PgTx
) -> None:
    hold_id = await place_hold(tx, SITE, await warehouse.stock(4), "pledge", "pledge_1")
    vehicle_id = await warehouse.inside()
    heavy = warehouse.at_gate(vehicle_id, "out", mass_g=TRUCK_G + 2 * PALLET_G, entry_mass_g=TRUCK_G)
    await warehouse.hear(heavy)
    with pytest.raises(Conflict, match=r"barrier\.refused_vehicle") as refused:
        await warehouse.do(BY_HAND)
    assert refused.value.facts["vehicle_ids"] == [vehicle_id]
    await lift_hold(tx, hold_id)
    await warehouse.do(BY_HAND)


async def test_pieces_picked_after_a_parcel_was_released_are_packed_into_another(
    warehouse: Warehouse, tx: PgTx
) -> None:
    await warehouse.stock(1)
    lines = (OrderLine(sku=SKU, quantity_each=50), OrderLine(sku="71053", quantity_each=10))
    command = PlaceOrder(site_id=SITE, reference="two", customer="shop", owner_party_id=OWNER, lines=lines)
    order_id = (await warehouse.do(command)).order_id
    packed = []
    for serial in (2, 3):
        await warehouse.do(AllocateOrder(order_id=order_id))
        await warehouse.pick(order_id)
        visit = await warehouse.visit("B" if serial == 2 else "C")
        await release(warehouse, order_id, visit.vehicle_id)
        packed.append(await tx.value("SELECT parcel_unit_id FROM wms.outbound_order"))
        row = an_opening_row(serial, sku="71053", slot_id=f"A01-0{serial}-2")
        await warehouse.do(DeclareOpeningStock(site_id=SITE, rows=(row,)))
    assert None not in packed
    assert len(set(packed)) == 2
