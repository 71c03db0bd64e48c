"""A delivery from its announcement to the rack."""

import pytest

from app.database import PgTx
from kernel.errors import Conflict, Invalid, NotFound
from kernel.gs1 import epc_from_giai
from tests.store.wms.building import PALLET_G, PREFIX, SITE, TRUCK_G, Warehouse, epc, sscc, truck
from wms.api import place_hold
from wms.inbound.views import delivery_view
from wms.messages import (
    DeliveryReceived,
    DeliveryUnit,
    HoldPlaced,
    PutawayConfirmed,
    RegisterSkus,
    RegisterVisit,
    SkuEntry,
)


async def test_an_announced_delivery_is_expected_and_not_on_stock(warehouse: Warehouse, tx: PgTx) -> None:
    delivery = await warehouse.announce(3)
    shown = await delivery_view(tx, delivery.delivery_id)
    assert (shown.state, shown.units_expected, shown.units_seen) == ("announced", 3, 0)
    assert shown.expected_net_g == 3 * PALLET_G
    assert await tx.value("SELECT count(*) FROM wms.balance") == 0


async def test_units_that_cross_the_gate_are_on_the_floor_with_a_task_and_a_reason(
    warehouse: Warehouse, tx: PgTx
) -> None:
    delivery = await warehouse.announce(3)
    await warehouse.hear(*(warehouse.crossed(unit_id) for unit_id in delivery.unit_ids))
    tasks = await tx.rows("SELECT unit_id, to_bin, explanation FROM wms.task ORDER BY task_id")
    assert sorted(row["unit_id"] for row in tasks) == sorted(delivery.unit_ids)
    assert len({row["to_bin"] for row in tasks}) == 3
    assert all(row["explanation"]["considered"] == 2496 for row in tasks)
    assert (await delivery_view(tx, delivery.delivery_id)).state == "receiving"


async def test_a_crossing_heard_twice_counts_once(warehouse: Warehouse, tx: PgTx) -> None:
    delivery = await warehouse.announce(1)
    crossing = warehouse.crossed(delivery.unit_ids[0])
    await warehouse.hear(crossing, crossing, warehouse.crossed(delivery.unit_ids[0], "out"))
    assert await tx.value("SELECT count(*) FROM wms.stock_move") == 1
    assert await tx.value("SELECT count(*) FROM wms.task") == 1


async def put_away_all(warehouse: Warehouse, tx: PgTx) -> list[str | None]:
    rows = await tx.rows(
        """SELECT u.sscc, t.to_bin FROM wms.task t JOIN wms.unit u USING (unit_id)
        WHERE t.state = 'open' ORDER BY t.task_id"""
    )
    answers = await warehouse.scan(*((row["sscc"], row["to_bin"]) for row in rows))
    return [answer.key for answer in answers]


async def test_scans_put_the_delivery_away_and_the_twin_hears_the_claims(
    warehouse: Warehouse, tx: PgTx
) -> None:
    delivery = await warehouse.announce(2)
    await warehouse.hear(
        warehouse.at_gate(delivery.vehicle_id, "in"),
        warehouse.weighed(delivery.vehicle_id, TRUCK_G + 2 * PALLET_G, "in"),
        *(warehouse.crossed(unit_id) for unit_id in delivery.unit_ids),
    )
    assert await put_away_all(warehouse, tx) == [None, None]
    assert len(warehouse.sent(PutawayConfirmed)) == 2
    claims = await tx.rows("SELECT unit_id FROM twin.claim ORDER BY unit_id")
    assert [row["unit_id"] for row in claims] == sorted(delivery.unit_ids)
    assert warehouse.sent(DeliveryReceived)[0].missing_unit_ids == ()
    shown = await delivery_view(tx, delivery.delivery_id)
    assert (shown.state, shown.units_put_away, shown.gross_g) == ("received", 2, TRUCK_G + 2 * PALLET_G)


async def test_a_wrong_slot_changes_nothing_and_the_scan_is_kept(warehouse: Warehouse, tx: PgTx) -> None:
    delivery = await warehouse.announce(1)
    await warehouse.hear(warehouse.crossed(delivery.unit_ids[0]))
    expected = await tx.value("SELECT to_bin FROM wms.task")
    (answer,) = await warehouse.scan((sscc(5001), "A24-26-4"))
    assert (answer.outcome, answer.key) == ("refused", "scan.wrong_slot")
    assert answer.facts == {"expected": expected, "scanned": "A24-26-4"}
    assert await tx.value("SELECT state FROM wms.task") == "open"
    assert await tx.value("SELECT count(*) FROM wms.scan WHERE outcome = 'refused'") == 1
    assert await tx.value("SELECT count(*) FROM devices.observation") == 1


async def test_a_pallet_held_on_the_floor_is_not_put_away(warehouse: Warehouse, tx: PgTx) -> None:
    delivery = await warehouse.announce(1)
    await warehouse.hear(warehouse.crossed(delivery.unit_ids[0]))
    await place_hold(tx, SITE, delivery.unit_ids, "pledge", "pledge_1")
    assert await put_away_all(warehouse, tx) == ["stock.held"]
    assert len(warehouse.sent(HoldPlaced)) == 1


async def test_a_delivery_ends_short_when_its_vehicle_left_without_the_rest(
    warehouse: Warehouse, tx: PgTx
) -> None:
    delivery = await warehouse.announce(3)
    gross = TRUCK_G + 3 * PALLET_G
    await warehouse.hear(
        warehouse.at_gate(delivery.vehicle_id, "in"),
        warehouse.weighed(delivery.vehicle_id, gross, "in"),
        *(warehouse.crossed(unit_id) for unit_id in delivery.unit_ids[:2]),
    )
    await put_away_all(warehouse, tx)
    assert (await delivery_view(tx, delivery.delivery_id)).state == "receiving"
    await warehouse.hear(
        warehouse.at_gate(delivery.vehicle_id, "out", mass_g=gross - 2 * PALLET_G, entry_mass_g=gross),
        warehouse.left(delivery.vehicle_id),
    )
    shown = await delivery_view(tx, delivery.delivery_id)
    assert (shown.state, shown.discrepancies, shown.net_g) == ("received", 1, 2 * PALLET_G)
    assert warehouse.sent(DeliveryReceived)[0].missing_unit_ids == delivery.unit_ids[2:]


async def test_a_label_in_use_is_refused_and_nothing_of_the_notice_stays(
    warehouse: Warehouse, tx: PgTx
) -> None:
    await warehouse.stock(1)
    with pytest.raises(Conflict, match=r"stock\.code_taken"):
        await warehouse.announce(2, serial=1)
    assert await tx.value("SELECT count(*) FROM wms.visit") == 0


async def test_an_unknown_item_or_owner_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(Invalid, match=r"catalogue\.unknown"):
        await warehouse.announce(1, sku="NOSUCH")
    with pytest.raises(NotFound, match=r"party\.unknown"):
        await warehouse.announce(1, owner_party_id="nobody")


async def test_a_delivery_id_is_used_once(warehouse: Warehouse) -> None:
    await warehouse.announce(1, delivery_id="asn-1")
    with pytest.raises(Conflict, match=r"deliveries\.exists"):
        await warehouse.announce(1, serial=6001, delivery_id="asn-1", vehicle=truck("C"))


@pytest.mark.parametrize(
    ("unit", "field"),
    [
        ({"sscc": "1" * 18}, "units.0.sscc"),
        ({"epc_hex": "xyz"}, "units.0.epc_hex"),
        ({"epc_hex": epc(2)}, "units.0.epc_hex"),
        ({"epc_hex": "31" + "F" * 22}, "units.0.epc_hex"),
        ({"quantity_each": 0}, "units.0.quantity_each"),
        ({"expected_mass_g": -1}, "units.0.expected_mass_g"),
    ],
)
async def test_a_malformed_unit_names_its_field(
    warehouse: Warehouse, unit: dict[str, object], field: str
) -> None:
    sound = {"sscc": sscc(1), "epc_hex": epc(1), "quantity_each": 1, "expected_mass_g": 1}
    with pytest.raises(Invalid) as refused:
        await warehouse.announce(1, units=(DeliveryUnit(**{**sound, **unit}),))
    assert refused.value.facts["field"] == field


async def test_a_tag_that_says_an_sscc_says_its_pallets_and_a_tag_of_another_scheme_may_say_anything(
    warehouse: Warehouse,
) -> None:
    unit = DeliveryUnit(sscc=sscc(1), epc_hex=epc(2), quantity_each=1, expected_mass_g=1)
    with pytest.raises(Invalid, match=r"epc\.not_of_sscc") as refused:
        await warehouse.announce(1, units=(unit,))
    assert (refused.value.facts["sscc"], refused.value.facts["tag_sscc"]) == (sscc(1), sscc(2))
    of_the_pallet = DeliveryUnit(
        sscc=sscc(1), epc_hex=epc_from_giai(PREFIX, 77), quantity_each=100, expected_mass_g=PALLET_G
    )
    assert (await warehouse.announce(1, units=(of_the_pallet,))).unit_ids


async def test_a_vehicle_has_one_live_visit_and_one_tag(warehouse: Warehouse) -> None:
    await warehouse.visit("B")
    with pytest.raises(Conflict, match=r"visits\.already_expected"):
        await warehouse.visit("B")
    with pytest.raises(Conflict, match=r"visits\.vehicle_mismatch"):
        await warehouse.do(RegisterVisit(site_id=SITE, plate=truck("B").plate, epc_hex=truck("C").epc_hex))


@pytest.mark.parametrize("header", ["30", "31", "33", "36"])
async def test_a_tag_of_goods_or_of_a_pallet_is_no_vehicles(warehouse: Warehouse, header: str) -> None:
    tag = header + epc(1)[2:]
    with pytest.raises(Invalid, match=r"epc\.not_of_vehicle") as refused:
        await warehouse.do(RegisterVisit(site_id=SITE, plate="赣GZ0001", epc_hex=tag))
    assert refused.value.facts["field"] == "epc_hex"


async def test_a_tag_of_no_scheme_of_gs1_may_be_a_vehicles(warehouse: Warehouse) -> None:
    await warehouse.do(RegisterVisit(site_id=SITE, plate="赣GZ0001", epc_hex="E2" + epc(1)[2:]))


@pytest.mark.parametrize(
    ("mass_g", "agrees"), [(569_999, False), (570_000, True), (690_000, True), (690_001, False)]
)
async def test_an_announced_unit_weighs_what_its_pieces_weigh(
    warehouse: Warehouse, tx: PgTx, mass_g: int, agrees: bool
) -> None:
    """100 pieces of 6 kg, 5 % to either side, and up to 60 kg of wood and wrap."""
    fair = DeliveryUnit(sscc=sscc(7001), epc_hex=epc(7001), quantity_each=100, expected_mass_g=PALLET_G)
    other = DeliveryUnit(sscc=sscc(7002), epc_hex=epc(7002), quantity_each=100, expected_mass_g=mass_g)
    if agrees:
        assert len((await warehouse.announce(units=(fair, other))).unit_ids) == 2
        return
    with pytest.raises(Invalid) as refused:
        await warehouse.announce(units=(fair, other))
    assert refused.value.key == "deliveries.range"
    assert refused.value.facts["field"] == "units.1.expected_mass_g"
    assert refused.value.facts["rule"].startswith("570000 to 690000")
    assert await tx.value("SELECT count(*) FROM wms.unit") == 0


async def test_an_item_of_unknown_mass_in_older_books_may_weigh_anything(
    warehouse: Warehouse, tx: PgTx
) -> None:
    item = SkuEntry(sku="LOOSE", name_en="Loose goods", name_zh="散货", unit_mass_g=1)
    await warehouse.do(RegisterSkus(items=(item,)))
    await tx.run("UPDATE wms.sku SET unit_mass_g = 0 WHERE sku = 'LOOSE'")
    unit = DeliveryUnit(sscc=sscc(7001), epc_hex=epc(7001), quantity_each=100, expected_mass_g=1)
    assert len((await warehouse.announce(sku="LOOSE", units=(unit,))).unit_ids) == 1
