"""Steps 5 and 6: pledged pallets at the gate, the freeze, the settlement, and the same pallets leaving."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from app.demo.lending import refused
from app.demo.stage import MISSED_AFTER_S, POLL_S, NotHeld, Placed, Stage, scan
from kernel.gs1 import epc_from_giai
from kernel.layout import Slot
from simulators.live import WaitedTooLong
from simulators.world import actions
from simulators.world.sensing import INNER, OUTER
from simulators.world.state import Pallet

TRUCK, TRUCK_NUMBER, BAY = "truck-b", 2, 2
TAKEN = 3
"""So many pledged pallets are driven to the gate without leave."""
ALARM_WITHIN_S = 60.0
DECIDES_WITHIN_S = 5.0
"""A gate that has not opened so long after its last evidence wants more of it."""
PASSAGES_MAX = 5


async def gate_stays_shut(stage: Stage) -> dict[str, Any]:
    """The order is refused; at the gate the barrier stays shut, the alarm comes and the bank sees why."""
    order = await _place_order(stage)
    refusal = await refused(stage.people.operator, f"/orders/{order['order_id']}/allocate")
    await _truck_enters(stage)
    taken = stage.made.pallets[:TAKEN]
    await _load(stage, taken)
    stage.site.first_heard.clear()
    await stage.site.weigh(TRUCK, BAY)
    await stage.site.drive(TRUCK, "barrier", BAY)
    arrived, alarm = await stage.listener.alarm("exit_without_release", "freeze", ALARM_WITHIN_S)
    stage.figures["demo.alarm_ms"] = (arrived - _known_to_devices(stage, taken)).total_seconds() * 1000
    facility = await stage.until(
        stage.facility, lambda row: row["state"] == "frozen", "the facility is frozen with the evidence"
    )
    if stage.site.boom.is_open:
        raise NotHeld("the barrier is open though nothing was released")
    if not facility["frozen"]["evidence"]:
        raise NotHeld("the facility is frozen without evidence")
    if stage.linger_s:
        stage.say(f"  the facility is frozen: look at its page; the story goes on in {stage.linger_s:g} s")
    await asyncio.sleep(stage.linger_s)
    await _turn_back(stage, taken)
    return {
        "refused_as": refusal,
        "alarm": {"kind": alarm["kind"], "grade": alarm["grade"], "units": len(alarm["unit_ids"])},
        "evidence": len(facility["frozen"]["evidence"]),
        "alarm_ms": round(stage.figures["demo.alarm_ms"], 1),
    }


def _known_to_devices(stage: Stage, taken: Sequence[Pallet]) -> datetime:
    """The moment from which the devices had all that a freeze needs: a stable mass and, for one pallet, both
    antennas (twice each). Of a pallet that the inner one missed on this way out the twin has the hearing of
    its coming in."""
    inside = {pallet.sscc for pallet in taken if _heard_twice_at(stage, pallet, INNER) is not None}
    outside = {
        pallet.sscc: at for pallet in taken if (at := _heard_twice_at(stage, pallet, OUTER)) is not None
    }
    crossed = [at for sscc, at in outside.items() if sscc in inside] or list(outside.values())
    captured = stage.site.bridge.ticket.at
    if not crossed or captured is None:
        raise NotHeld("the outer antenna heard no taken pallet twice; the crossing was not observable")
    return max(min(crossed), captured)


def _heard_twice_at(stage: Stage, pallet: Pallet, antenna: int) -> datetime | None:
    moments = stage.site.first_heard.get((pallet.epc_hex, antenna), [])
    return moments[1] if len(moments) == 2 else None


async def _place_order(stage: Stage) -> dict[str, Any]:
    lot = await stage.lot()
    order: dict[str, Any] = await stage.people.operator.post(
        f"{stage.path}/orders",
        {
            "reference": "SO-2026-0001",
            "customer": "Customer 1",
            "lines": [
                {
                    "sku": lot["sku"],
                    "quantity_each": 0,
                    "lot_id": stage.made.lot_id,
                    "unit_ids": stage.made.unit_ids,
                }
            ],
        },
    )
    stage.made.order_id = order["order_id"]
    return order


async def _truck_enters(stage: Stage) -> None:
    visit = await stage.people.operator.post(
        f"{stage.path}/visits",
        {
            "plate": "TEST-0002",
            "epc_hex": epc_from_giai(actions.COMPANY_PREFIX, TRUCK_NUMBER),
            "purpose": "pickup",
        },
    )
    stage.made.pickup_vehicle_id = visit["vehicle_id"]
    stage.site.truck_appears(TRUCK, TRUCK_NUMBER)
    await stage.site.weigh(TRUCK, BAY)
    await stage.site.drive(TRUCK, "dock", BAY)


def _slot_of(stage: Stage, pallet: Pallet) -> Slot:
    return stage.made.stands_in[pallet.sscc]


async def _load(stage: Stage, pallets: Sequence[Pallet]) -> None:
    jobs = [
        actions.load_job(pallet.sscc, stage.layout, _slot_of(stage, pallet), TRUCK, BAY) for pallet in pallets
    ]
    stage.site.carry(jobs)
    await stage.site.carried(jobs)


async def _turn_back(stage: Stage, taken: Sequence[Pallet]) -> None:
    """Drive back to the dock and put the pallets where they stood; the twin has to see them again."""
    await _drive_back(stage, taken)
    jobs = [actions.store_job(pallet.sscc, stage.layout, _slot_of(stage, pallet), BAY) for pallet in taken]
    stage.site.carry(jobs)
    await stage.site.carried(jobs)
    came = len(stage.made.pallets)
    await stage.until(
        stage.lot, lambda row: row["verified"]["low"] >= came - 1, "verified stock after the return"
    )


async def _drive_back(stage: Stage, taken: Sequence[Pallet]) -> None:
    """Drive back to the dock, through the portal until it has heard every pallet come in: what it saw go out
    only a portal brings back, and now and then it misses a tag. The operator sees which are still away."""
    for _ in range(PASSAGES_MAX):
        await stage.site.drive(TRUCK, "dock", BAY)
        away = await _still_away(stage, taken)
        if not away:
            return
        stage.say(f"  {len(away)} pallets were not heard coming back: the truck passes the portal once more")
        await stage.site.drive(TRUCK, "bridge", BAY)
    raise NotHeld(f"not heard coming back in {PASSAGES_MAX} passages of the portal: {', '.join(away)}")


async def _still_away(stage: Stage, taken: Sequence[Pallet]) -> list[str]:
    """SSCCs of the pallets that the twin holds for gone, a while after the truck came to its dock."""
    deadline = stage.clock.now() + timedelta(seconds=MISSED_AFTER_S)
    ours = {pallet.sscc for pallet in taken}
    while True:
        units = await stage.people.operator.items(f"{stage.path}/units", lot=stage.made.lot_id)
        away = sorted(
            unit["sscc"] for unit in units if unit["sscc"] in ours and unit["evidence"] == "missing"
        )
        if not away or stage.clock.now() > deadline:
            return away
        await asyncio.sleep(POLL_S)


async def goods_leave(stage: Stage) -> dict[str, Any]:
    """Thawed by two, repaid, released; the same pallets are picked and leave; the receipt is cancelled. The
    bank books what was repaid."""
    await _thaw(stage)
    await _clear_alarms(stage)
    await _repay(stage)
    released = await stage.people.officer.post(f"/receipts/{stage.made.receipt_id}/release")
    await stage.people.operator.post(f"/orders/{stage.made.order_id}/allocate")
    await _pick(stage)
    stage.site.first_heard.clear()
    await stage.site.weigh(TRUCK, BAY)
    await _release_at_the_bridge(stage)
    await stage.site.leave(TRUCK, BAY)
    receipt = await stage.until(
        lambda: stage.people.keeper.get(f"/receipts/{stage.made.receipt_id}"),
        lambda row: row["state"] == "cancelled",
        "the receipt is cancelled on delivery",
    )
    lot = await stage.until(
        stage.lot, lambda row: row["verified"]["high"] <= 1, "verified stock after leaving"
    )
    if left := await _exit_alarms(stage):
        raise NotHeld(f"the released departure left {len(left)} exit alarms active")
    return {
        "receipt_before": released["state"],
        "receipt": receipt["state"],
        "verified": lot["verified"],
        "release_to_gate_ms": round(stage.figures["demo.release_to_gate_ms"], 1),
    }


async def _thaw(stage: Stage) -> None:
    """Propose on what sensors have seen since the freeze; forklifts go on reporting, which takes nothing from
    it."""
    facility = await stage.facility()
    body = {
        "reason": "All pallets are back in their slots and were seen there",
        "evidence_ids": [seen["observation_id"] for seen in facility["thaw_evidence"]],
    }
    thaw = await stage.people.officer.post(f"/facilities/{stage.facility_id}/thaws", body)
    await stage.people.approver.post(f"/thaws/{thaw['thaw_id']}/approve")


async def _exit_alarms(stage: Stage) -> list[dict[str, Any]]:
    alarms = await stage.people.operator.items(f"{stage.path}/alarms", state="active")
    return [alarm for alarm in alarms if alarm["kind"].startswith("exit_")]


async def _clear_alarms(stage: Stage) -> None:
    """The operator closes the alarm: the pallets are back and two people of the bank have looked."""
    for alarm in await _exit_alarms(stage):
        await stage.people.operator.post(
            f"/alarms/{alarm['alarm_id']}/clear", {"reason": "The pallets are back in their slots"}
        )


async def _repay(stage: Stage) -> None:
    facility = await stage.facility()
    loan = next(row for row in facility["loans"] if row["loan_id"] == stage.made.loan_id)
    due_fen = loan["outstanding_fen"] + loan["interest_fen"]
    paid = await stage.people.officer.post(f"/loans/{stage.made.loan_id}/repayments", {"amount_fen": due_fen})
    if paid["state"] != "repaid":
        raise NotHeld(f"the loan is {paid['state']} after paying {due_fen} fen")


async def _pick(stage: Stage) -> None:
    """Carry each picked pallet onto the truck and scan it there."""
    tasks = await stage.until(
        lambda: stage.open_tasks("pick"),
        lambda rows: len(rows) == len(stage.made.pallets),
        "a pick task for each pallet",
    )
    by_sscc = {task["sscc"]: task for task in tasks}
    jobs = [
        actions.load_job(pallet.sscc, stage.layout, _slot_of(stage, pallet), TRUCK, BAY)
        for pallet in stage.made.pallets
    ]
    with Placed(stage.site) as placed:
        stage.site.carry(jobs)
        for _ in jobs:
            sscc = await placed.next()
            slot_id = stage.made.stands_in[sscc].slot_id
            await scan(stage, sscc, slot_id, by_sscc[sscc]["task_id"])


async def _release_at_the_bridge(stage: Stage) -> None:
    """Release while the truck waits on the weighbridge: how long until the barrier is told to open, from when
    the release and the evidence for it were both there."""
    asked = stage.clock.now()
    await stage.people.operator.post(
        f"/orders/{stage.made.order_id}/ship",
        {"gate_id": "gate-1", "vehicle_id": stage.made.pickup_vehicle_id, "valid_minutes": 30},
    )
    told_at, stop = await told_to_open(stage, TRUCK, BAY, asked)
    known_at = _known_to_agree(stage, told_at, stop)
    stage.figures["demo.release_to_gate_ms"] = (told_at - max(asked, known_at)).total_seconds() * 1000


def _known_to_agree(stage: Stage, told_at: datetime, stop: str) -> datetime:
    """Since when the devices knew all that speaks for the goods. On the bridge: a stable mass, and the last
    tag that was wanting, one in ten aside. At the barrier: what the outer antenna told apart."""
    captured, pallets = stage.site.bridge.ticket.at, stage.made.pallets
    assert captured is not None
    antennas = [OUTER] if stop == "barrier" else [INNER, OUTER]
    heard = [
        min(moments)
        for pallet in pallets
        if (moments := [at for it in antennas if (at := _heard_twice_at(stage, pallet, it)) is not None])
    ]
    heard = sorted(at for at in heard if at <= told_at)
    wanted = len(pallets) if stop == "barrier" else len(pallets) - -(-len(pallets) // 10)
    return max([captured, *heard[:wanted]])


async def told_to_open(stage: Stage, truck: str, bay: int, asked: datetime) -> tuple[datetime, str]:
    """When the barrier was told to open for a truck on the bridge, later than `asked`, and at which stop.

    Tags that were not heard there are heard at the barrier, and the outer antenna tells a tag parked by the
    portal from those aboard, unless it misses one that is aboard: then the truck comes again.
    """
    for _ in range(PASSAGES_MAX):
        if told_at := await _told_since(stage, asked):
            return told_at, "bridge"
        stage.site.first_heard.clear()
        await stage.site.drive(truck, "barrier", bay)
        if told_at := await _told_since(stage, asked):
            return told_at, "barrier"
        stage.say(f"  the gate wants more of {truck} than it heard: the truck passes the portal again")
        await stage.site.drive(truck, "dock", bay)
        await stage.site.weigh(truck, bay)
    raise NotHeld(f"the barrier was not told to open in {PASSAGES_MAX} passages")


async def _told_since(stage: Stage, asked: datetime) -> datetime | None:
    boom = stage.site.boom

    def is_told() -> bool:
        return boom.told_to_open_at is not None and boom.told_to_open_at > asked

    try:
        await stage.site.until(is_told, "the barrier is told to open", DECIDES_WITHIN_S)
    except WaitedTooLong:
        return None
    return boom.told_to_open_at
