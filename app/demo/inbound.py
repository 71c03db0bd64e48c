"""Steps 1 to 3: the warehouse stands, a truck is received, verified stock rises with what was seen."""

import asyncio
from typing import Any

import msgspec

from app.demo.stage import MISSED_AFTER_S, NotHeld, Placed, Stage, scan
from app.demo.stock import INBOUND_SKU, PALLETS
from kernel.gs1 import epc_from_giai
from simulators.world import actions
from simulators.world.state import Pallet

ANNOUNCED, ON_BOARD = 12, 11
"""The notice says twelve pallets; the truck brings eleven."""
PIECES_PER_PALLET, PIECE_G, WRAP_G = 30, 25_000, 22_000
FIRST_SERIAL = 500
TRUCK, TRUCK_NUMBER, BAY = "truck-a", 1, 1


async def warehouse_stands(stage: Stage) -> dict[str, Any]:
    """2,000 pallets, two forklifts, people, a weighbridge and a gate with a barrier, live in the scene."""

    async def look() -> dict[str, Any]:
        scene = await stage.people.operator.get(f"{stage.path}/scene")
        live = [asset["kind"] for asset in scene["assets"] if asset["state"] == "live"]
        return {
            "pallets": len(scene["units"]),
            "verified": sum(unit["evidence"] == "verified" for unit in scene["units"]),
            "forklifts": live.count("forklift"),
            "people": live.count("person"),
            "barriers": len(scene["barriers"]),
        }

    def is_complete(seen: dict[str, Any]) -> bool:
        stands = seen["pallets"] >= PALLETS and seen["barriers"] >= 1
        return bool(stands and seen["forklifts"] >= 2 and seen["people"] >= 1)

    layout = await stage.people.operator.get(f"{stage.path}/layout")
    seen = await stage.until(look, is_complete, "a complete scene")
    if seen["verified"]:
        raise NotHeld(
            f"{seen['verified']} pallets of the opening stock count as verified, but nobody saw them"
        )
    if not (layout["racks"] and layout["gates"] and layout["weighbridges"]):
        raise NotHeld("the layout has no racks, gate or weighbridge")
    return {**seen, "racks": len(layout["racks"]), "weighbridges": len(layout["weighbridges"])}


async def truck_is_received(stage: Stage) -> dict[str, Any]:
    """Announced, let in, weighed, read, carried into slots, confirmed by scans, weighed out."""
    stage.made.pallets = [_inbound_pallet(stage, number) for number in range(ON_BOARD)]
    await _announce(stage)
    stage.site.truck_appears(TRUCK, TRUCK_NUMBER, stage.made.pallets)
    await stage.site.weigh(TRUCK, BAY)
    await stage.site.drive(TRUCK, "dock", BAY)
    await _put_away(stage)
    await stage.site.weigh(TRUCK, BAY)
    await stage.site.leave(TRUCK, BAY)
    received = await stage.until(
        lambda: _delivery(stage),
        lambda row: row["units_put_away"] == ON_BOARD and row["net_g"] is not None,
        "the delivery is put away and weighed",
    )
    return {
        "units_announced": ANNOUNCED,
        "units_on_board": ON_BOARD,
        "units_seen": received["units_seen"],
        "units_put_away": received["units_put_away"],
        "net_g": received["net_g"],
        "true_net_g": sum(pallet.mass_g for pallet in stage.made.pallets),
        "state": received["state"],
    }


def _inbound_pallet(stage: Stage, number: int) -> Pallet:
    pallet = actions.make_pallet(stage.scenario, FIRST_SERIAL + number, f"on:{TRUCK}", stage.rng)
    mass_g = PIECES_PER_PALLET * PIECE_G + WRAP_G + stage.rng.integer(-8, 8) * 500
    return msgspec.structs.replace(pallet, mass_g=mass_g)


async def _announce(stage: Stage) -> None:
    absent = actions.make_pallet(stage.scenario, FIRST_SERIAL + ON_BOARD, "gone", stage.rng)
    delivery = await stage.people.keeper.post(
        f"{stage.path}/deliveries",
        {
            "owner_party_id": stage.owner_party_id,
            "lot_code": "CU-2026-0001",
            "sku": INBOUND_SKU,
            "vehicle": {
                "plate": "TEST-0001",
                "epc_hex": epc_from_giai(actions.COMPANY_PREFIX, TRUCK_NUMBER),
            },
            "units": [
                {
                    "sscc": pallet.sscc,
                    "epc_hex": pallet.epc_hex,
                    "quantity_each": PIECES_PER_PALLET,
                    "expected_mass_g": PIECES_PER_PALLET * PIECE_G + WRAP_G,
                }
                for pallet in [*stage.made.pallets, absent]
            ],
        },
    )
    stage.made.delivery_id, stage.made.lot_id = delivery["delivery_id"], delivery["lot_id"]


async def _delivery(stage: Stage) -> dict[str, Any]:
    rows = await stage.people.operator.items(f"{stage.path}/deliveries")
    found: dict[str, Any] = next(row for row in rows if row["delivery_id"] == stage.made.delivery_id)
    return found


async def _put_away(stage: Stage) -> None:
    """Carry each pallet to the slot its task names, and scan it once it stands there."""
    with Placed(stage.site) as placed:
        carrying = asyncio.create_task(_carry_as_tasks_appear(stage))
        try:
            count = 0
            while count < ON_BOARD:
                sscc = await placed.next()
                if sscc in stage.made.stands_in:
                    await scan(stage, sscc, stage.made.stands_in[sscc].slot_id)
                    count += 1
                    stage.say(f"  put away {count} of {ON_BOARD}")
            await carrying
        finally:
            carrying.cancel()


async def _carry_as_tasks_appear(stage: Stage) -> None:
    """Give the forklifts each task as it appears. Pallets that the portal missed have none: they are set down
    on the floor, where the fork's own reader has named them, and get their task from that."""
    given, on_floor = stage.made.stands_in, await _unload_what_was_missed(stage)
    while len(given) < ON_BOARD:
        tasks = await stage.until(
            lambda: stage.open_tasks("putaway"),
            lambda rows: any(row["sscc"] not in given for row in rows),
            f"putaway tasks ({len(given)} of {ON_BOARD} so far)",
        )
        for task in tasks:
            sscc, slot = task["sscc"], stage.slots[task["to_slot_id"]]
            if sscc not in given:
                given[sscc] = slot
                job = actions.store_job(sscc, stage.layout, slot, BAY, on_floor.get(sscc))
                stage.site.carry([job])


async def _unload_what_was_missed(stage: Stage) -> dict[str, int]:
    """SSCC to place on the floor of the pallets that have no task a while after the truck came."""
    await asyncio.sleep(MISSED_AFTER_S)
    tasked = {task["sscc"] for task in await stage.open_tasks("putaway")}
    missed = [pallet.sscc for pallet in stage.made.pallets if pallet.sscc not in tasked]
    jobs = [actions.unload_job(sscc, BAY, place) for place, sscc in enumerate(missed)]
    stage.site.carry(jobs)
    await stage.site.carried(jobs)
    if missed:
        stage.say(f"  {len(missed)} pallets the portal missed were unloaded onto the floor")
    return {sscc: place for place, sscc in enumerate(missed)}


async def stock_is_verified(stage: Stage) -> dict[str, Any]:
    """The interval holds what really came, not what the notice said, and rests on three modalities."""

    def rests_on_all(row: dict[str, Any]) -> bool:
        seen = [kind for kind in ("tag", "mass", "position") if row["modalities"].get(kind)]
        return len(seen) == 3 and row["verified"]["low"] >= ON_BOARD - 1

    lot = await stage.until(stage.lot, rests_on_all, "verified stock of the lot")
    verified = lot["verified"]
    if not verified["low"] <= ON_BOARD <= verified["high"]:
        raise NotHeld(f"{ON_BOARD} pallets came, but the twin says {verified}")
    if verified["low"] > ON_BOARD:
        raise NotHeld(f"the twin counts {verified['low']} though only {ON_BOARD} were ever seen")
    return {
        "verified": verified,
        "announced": ANNOUNCED,
        "modalities": lot["modalities"],
        "book": lot["book"],
    }
