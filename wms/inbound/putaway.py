"""From the receiving floor to the rack: planning putaways, and carrying out those that scans confirm."""

from collections.abc import Sequence

from kernel.tx import Row, Tx
from twin import api as twin
from wms.inbound import store
from wms.inbound.model import Load, SlotOption, choose_slot
from wms.messages import DeliveryReceived, PutawayConfirmed
from wms.stock import store as stock
from wms.stock.handlers import apply_moves, declare_places
from wms.stock.model import STAGING_IN, Goods, Move, Place
from wms.tasks import store as tasks
from wms.tasks.model import PRIORITY_PUTAWAY, Task

PLANNED_AT_ONCE_MAX = 200


async def plan_putaways(tx: Tx, site_id: str) -> int:
    """Give every pallet on the receiving floor a slot and a task, as far as slots go; returns how many.

    Pallets without a slot stay on the floor and are planned when slots become free.
    """
    staged = await store.staged_without_task(tx, site_id, STAGING_IN, PLANNED_AT_ONCE_MAX)
    if not staged:
        return 0
    planned = await _choose(tx, site_id, staged)
    await tasks.insert(tx, site_id, "putaway", PRIORITY_PUTAWAY, planned)
    return len(planned)


async def _choose(tx: Tx, site_id: str, staged: Sequence[Row]) -> list[Row]:
    """Tasks for those staged pallets that a slot was found for; each choice sees the ones before it."""
    slots = [
        SlotOption(slot.slot_id, slot.rack_id, slot.level, slot.point.x_m, slot.point.y_m)
        for slot in await twin.slots(tx, site_id)
    ]
    rack_of = {slot.slot_id: slot.rack_id for slot in slots}
    start = await _start_of(tx, site_id)
    occupied = await stock.occupied_bins(tx, site_id) | await twin.occupied_slots(tx, site_id)
    promised = await tasks.slots_promised(tx, site_id)
    planned: list[Row] = []
    for row in staged:
        lot_bins = await store.bins_of_lot(tx, row["lot_id"])
        lot_bins |= {task["to_bin"] for task in planned if task["lot_id"] == row["lot_id"]}
        choice = choose_slot(
            Load(row["unit_id"], row["lot_id"], row["full_mass_g"]),
            slots,
            occupied=occupied,
            promised=promised,
            racks_of_lot={rack_of[name] for name in lot_bins if name in rack_of},
            start=start,
        )
        if choice.slot_id is not None:
            promised.add(choice.slot_id)
            planned.append(_task(tx, row, choice.slot_id, choice.explanation))
    return planned


def _task(tx: Tx, staged: Row, slot_id: str, explanation: dict[str, object]) -> Row:
    return {
        **staged,
        "task_id": tx.ids.new("task"),
        "from_bin": STAGING_IN,
        "to_bin": slot_id,
        "explanation": explanation,
    }


async def _start_of(tx: Tx, site_id: str) -> tuple[float, float]:
    """Where pallets are taken from: the middle of the staging zone, else the first gate, else the origin."""
    layout = await twin.layout_of(tx, site_id)
    for zone in layout.zones:
        if zone.kind == "staging":
            xs, ys = zip(*zone.outline_mm, strict=True)
            return sum(xs) / len(xs) / 1000, sum(ys) / len(ys) / 1000
    if layout.gates:
        return layout.gates[0].x_mm / 1000, layout.gates[0].y_mm / 1000
    return 0.0, 0.0


async def confirm_putaways(tx: Tx, site_id: str, done: Sequence[tuple[Task, str]]) -> None:
    """Carry out putaways that scans confirmed, each with its observation: stock moves, claims, deliveries.

    The tasks are locked and live; the caller ends them.
    """
    if not done:
        return
    moves = [
        Move(
            Goods(task.owner_party_id, task.sku, task.lot_id),
            task.quantity_each,
            Place(task.unit_id, task.from_bin),
            Place(task.unit_id, task.to_bin),
            "putaway",
            task.task_id,
            observation_id,
        )
        for task, observation_id in done
    ]
    await apply_moves(tx, site_id, moves)
    await declare_places(tx, site_id, {task.unit_id: task.to_bin for task, _ in done}, "putaway")
    await store.mark_put_away(tx, [task.unit_id for task, _ in done])
    for task, observation_id in done:
        tx.emit(
            PutawayConfirmed(
                site_id=site_id,
                task_id=task.task_id,
                unit_id=task.unit_id,
                lot_id=task.lot_id,
                slot_id=task.to_bin,
                observation_id=observation_id,
                confirmed_at=tx.now,
            )
        )
    await end_deliveries(tx, sorted({task.delivery_id for task, _ in done if task.delivery_id}))


async def end_deliveries(tx: Tx, delivery_ids: Sequence[str], visit_id: str | None = None) -> None:
    """End the deliveries (those named, and those of a visit) of which nothing is outstanding."""
    for ended in await store.end_complete(tx, delivery_ids, visit_id):
        units = await store.units_of(tx, ended["delivery_id"])
        tx.emit(
            DeliveryReceived(
                **ended,
                unit_ids=tuple(unit["unit_id"] for unit in units if unit["seen_at"]),
                missing_unit_ids=tuple(unit["unit_id"] for unit in units if not unit["seen_at"]),
                received_at=tx.now,
            )
        )
