"""What was announced wrongly is taken back, while nothing of it has arrived."""

import pytest

from app.database import PgTx
from kernel.errors import Conflict, Invalid, NotFound
from tests.store.wms.building import GATE, SITE, Warehouse, epc
from twin.api import find_units, lots
from wms.inbound.views import delivery_view
from wms.messages import CancelVisit, ReleaseShipment, VisitCancelled

WHY = "the wrong lot"


async def test_a_delivery_taken_back_is_expected_no_more_and_its_labels_may_be_announced_anew(
    warehouse: Warehouse, tx: PgTx
) -> None:
    wrong = await warehouse.announce(3)
    await warehouse.do(CancelVisit(visit_id=wrong.visit_id, reason=WHY))
    shown = await delivery_view(tx, wrong.delivery_id)
    assert (shown.state, shown.cancelled_reason, shown.units_expected) == ("cancelled", WHY, 3)
    assert shown.lot_code
    assert shown.owner_name
    assert warehouse.sent(VisitCancelled)[0].unit_ids == tuple(sorted(wrong.unit_ids))
    assert await find_units(tx, SITE, limit=10) == []
    assert await lots(tx, SITE, None, 10) == []
    await warehouse.hear(warehouse.at_gate(wrong.vehicle_id, "in"))
    assert await warehouse.gate_reasons() == [(False, "gate.not_expected")]
    right = await warehouse.announce(3, lot_code="L3")
    assert right.lot_id != wrong.lot_id
    await warehouse.hear(*(warehouse.crossed(unit_id) for unit_id in right.unit_ids))
    assert (await delivery_view(tx, right.delivery_id)).units_seen == 3
    assert [unit.lot_id for unit in await find_units(tx, SITE, limit=10)] == [right.lot_id] * 3


async def test_a_vehicle_that_was_to_fetch_is_taken_back_once(warehouse: Warehouse, tx: PgTx) -> None:
    visit = await warehouse.visit("B")
    await warehouse.do(CancelVisit(visit_id=visit.visit_id, reason=WHY))
    with pytest.raises(Conflict, match=r"visits\.arrived"):
        await warehouse.do(CancelVisit(visit_id=visit.visit_id, reason=WHY))
    assert (await warehouse.visit("B")).visit_id != visit.visit_id


async def test_what_was_let_in_or_heard_cannot_be_taken_back(warehouse: Warehouse, tx: PgTx) -> None:
    inside = await warehouse.visit("B")
    await warehouse.hear(warehouse.at_gate(inside.vehicle_id, "in"))
    heard = await warehouse.announce(2)
    await tx.run(
        """INSERT INTO twin.sighting (observation_id, site_id, epc_hex, device_id, boot, sequence,
            observed_at, kind, gate_id, side)
        VALUES ('gate-1-reader:1:1', %(site)s, %(epc)s, 'gate-1-reader', 1, 1, %(now)s, 'tag', %(gate)s,
            'outside')""",
        {"site": SITE, "epc": epc(5001), "now": tx.now, "gate": GATE},
    )
    for visit_id in (inside.visit_id, heard.visit_id):
        with pytest.raises(Conflict, match=r"visits\.arrived"):
            await warehouse.do(CancelVisit(visit_id=visit_id, reason=WHY))
    assert (await delivery_view(tx, heard.delivery_id)).state == "announced"


async def test_a_vehicle_that_goods_are_released_to_is_not_taken_back(warehouse: Warehouse) -> None:
    await warehouse.stock(1)
    order_id = await warehouse.ready(100)
    visit = await warehouse.visit("B")
    await warehouse.do(ReleaseShipment(order_id=order_id, gate_id=GATE, vehicle_id=visit.vehicle_id))
    with pytest.raises(Conflict, match=r"visits\.released"):
        await warehouse.do(CancelVisit(visit_id=visit.visit_id, reason=WHY))


async def test_a_crossing_told_after_it_was_taken_back_brings_nothing_onto_stock(
    warehouse: Warehouse, tx: PgTx
) -> None:
    delivery = await warehouse.announce(1)
    await warehouse.do(CancelVisit(visit_id=delivery.visit_id, reason=WHY))
    await warehouse.hear(warehouse.crossed(delivery.unit_ids[0]))
    assert await tx.value("SELECT count(*) FROM wms.stock_move") == 0


async def test_taking_back_wants_a_reason_and_a_visit_that_there_is(warehouse: Warehouse) -> None:
    visit = await warehouse.visit("B")
    with pytest.raises(Invalid, match=r"orders\.reason"):
        await warehouse.do(CancelVisit(visit_id=visit.visit_id, reason=" "))
    with pytest.raises(NotFound, match=r"visits\.unknown"):
        await warehouse.do(CancelVisit(visit_id="visit_none", reason=WHY))
