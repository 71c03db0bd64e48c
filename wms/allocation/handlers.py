"""Promising stock to orders, taking promises back, and carrying out picks.

Lock order, here and everywhere: orders by id, tasks by id, units by id (and with a unit its balances).
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from kernel.errors import Conflict, Invalid
from kernel.tx import Row, Tx
from wms.allocation import store
from wms.allocation.model import UNITS_SHOWN_MAX, Allocation, Promise, Shortage, Want, allocate
from wms.catalogue.store import known_skus
from wms.messages import (
    ORDERS_ALLOCATED_MAX,
    AllocateOrder,
    AllocateOrders,
    CancelOrder,
    OrderAllocated,
    OrderCancelled,
    OrderResult,
    OrdersResult,
    PickConfirmed,
)
from wms.orders import store as orders
from wms.orders.handlers import lock_order, refresh_states, require_reason
from wms.stock import store as stock
from wms.stock.handlers import apply_moves, declare_places, require_site
from wms.stock.model import STAGING_OUT, Goods, Move, Place, picked_mass_g
from wms.tasks import store as tasks
from wms.tasks.model import PRIORITY_PICK, Task

ALLOCATABLE = frozenset({"received", "short"})


async def allocate_order(command: AllocateOrder, tx: Tx) -> OrderResult:
    """Promise stock to an order and make its pick tasks.

    When nothing can be promised: Conflict `stock.held` if held stock would have served, `orders.short` if
    not. A partial promise is the visible state `short`; allocating again serves the rest.
    """
    order = await lock_order(tx, command.order_id)
    if order["state"] not in ALLOCATABLE:
        raise Conflict(
            "orders.state", order_id=order["order_id"], state=order["state"], wanted=sorted(ALLOCATABLE)
        )
    result = await _allocate(tx, order["site_id"], [order])
    if not result.promises:
        await _refuse(tx, result.shortages)
    states = await refresh_states(tx, [order["order_id"]])
    return OrderResult(order_id=order["order_id"], state=states[order["order_id"]])


async def allocate_orders(command: AllocateOrders, tx: Tx) -> OrdersResult:
    """The same for many orders of a site with one lock of all units; orders that cannot be allocated
    keep their state."""
    if not 1 <= len(command.order_ids) <= ORDERS_ALLOCATED_MAX:
        raise Invalid("orders.too_many", field="order_ids", rule=f"1 to {ORDERS_ALLOCATED_MAX} orders")
    await require_site(tx, command.site_id)
    locked = [row for row in await orders.lock(tx, command.order_ids) if row["site_id"] == command.site_id]
    await _allocate(tx, command.site_id, [row for row in locked if row["state"] in ALLOCATABLE])
    states = {row["order_id"]: row["state"] for row in locked}
    open_ids = [order_id for order_id, state in states.items() if state in ALLOCATABLE]
    states |= await refresh_states(tx, open_ids)
    return OrdersResult(
        orders=tuple(OrderResult(order_id=order_id, state=state) for order_id, state in states.items())
    )


async def _allocate(tx: Tx, site_id: str, locked: Sequence[Row]) -> Allocation:
    """Promise stock to locked orders, older orders first, and keep what was promised."""
    wants = await _wants(tx, locked)
    balances = await stock.lock_balances_of_skus(
        tx, site_id, [want.sku for want in wants], [want.owner_party_id for want in wants]
    )
    result = allocate(wants, balances)
    if result.promises:
        await _keep(tx, site_id, result.promises)
        _announce(tx, site_id, locked, result)
    return result


async def _wants(tx: Tx, locked: Sequence[Row]) -> list[Want]:
    owner_of = {row["order_id"]: row["owner_party_id"] for row in locked}
    wants = []
    for line in await orders.flowing_lines(tx, owner_of):
        missing = line["quantity_each"] - line["reserved_each"] - line["picked_each"] - line["shipped_each"]
        if missing:
            wants.append(
                Want(
                    line["order_id"],
                    line["line_no"],
                    owner_of[line["order_id"]],
                    line["sku"],
                    line["lot_id"],
                    frozenset(line["unit_ids"]),
                    missing,
                )
            )
    return wants


async def _keep(tx: Tx, site_id: str, promises: Sequence[Promise]) -> None:
    units = await stock.units_by_id(tx, [promise.balance.unit_id for promise in promises])
    pieces = await known_skus(tx, (unit["sku"] for unit in units.values()))
    reservations = [_reservation(tx, promise, units[promise.balance.unit_id], pieces) for promise in promises]
    await store.insert(tx, site_id, reservations)
    promised: Counter[int] = Counter()
    progress: Counter[tuple[str, int]] = Counter()
    for row in reservations:
        promised[row["balance_id"]] += row["quantity_each"]
        progress[row["order_id"], row["line_no"]] += row["quantity_each"]
    await stock.reserve(tx, promised)
    await orders.add_progress(tx, {line: (quantity, 0, 0) for line, quantity in progress.items()})
    await tasks.insert(tx, site_id, "pick", PRIORITY_PICK, reservations)


def _reservation(tx: Tx, promise: Promise, unit: Row, pieces: Mapping[str, int]) -> Row:
    """A reservation and, in the same row of facts, its pick task."""
    return {
        "reservation_id": tx.ids.new("reservation"),
        "order_id": promise.want.order_id,
        "line_no": promise.want.line_no,
        "balance_id": promise.balance.balance_id,
        "quantity_each": promise.quantity_each,
        "mass_g": picked_mass_g(
            unit["full_mass_g"], unit["full_each"], promise.quantity_each, pieces.get(unit["sku"], 0)
        ),
        "task_id": tx.ids.new("task"),
        "unit_id": promise.balance.unit_id,
        "from_bin": promise.balance.bin,
        "to_bin": STAGING_OUT,
        "explanation": {"rule": "fifo", "lot_id": promise.balance.lot_id},
    }


def _announce(tx: Tx, site_id: str, locked: Sequence[Row], result: Allocation) -> None:
    promised: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for promise in result.promises:
        promised[promise.want.order_id] += promise.quantity_each
    for shortage in result.shortages:
        missing[shortage.want.order_id] += shortage.missing_each
    for order_id in sorted({row["order_id"] for row in locked} & set(promised)):
        tx.emit(
            OrderAllocated(
                site_id=site_id,
                order_id=order_id,
                state="short" if missing[order_id] else "allocated",
                allocated_each=promised[order_id],
                wanted_each=promised[order_id] + missing[order_id],
                allocated_at=tx.now,
            )
        )


async def _refuse(tx: Tx, shortages: Sequence[Shortage]) -> None:
    """Say why nothing could be promised; held stock is named with the code of its hold, never its holder."""
    held = {row.unit_id: row.hold_id for shortage in shortages for row in shortage.held if row.hold_id}
    if held:
        reasons = await stock.hold_reasons(tx, set(held.values()))
        raise Conflict(
            "stock.held",
            unit_ids=sorted(held)[:UNITS_SHOWN_MAX],
            count=len(held),
            hold_reason=", ".join(sorted(set(reasons.values()))),
        )
    shown = shortages[:UNITS_SHOWN_MAX]
    raise Conflict(
        "orders.short",
        free_of_wanted=[f"{short.want.sku} {short.found_each}/{short.want.quantity_each}" for short in shown],
        lines=[
            {
                "line_no": short.want.line_no,
                "sku": short.want.sku,
                "wanted_each": short.want.quantity_each,
                "free_each": short.found_each,
            }
            for short in shown
        ],
    )


async def cancel_order(command: CancelOrder, tx: Tx) -> OrderResult:
    """Withdraw an order of which nothing is picked. Conflict `orders.state` otherwise, so that promises are
    taken back once."""
    order = await lock_order(tx, command.order_id)
    require_reason(command.reason)
    lines = await orders.flowing_lines(tx, [command.order_id])
    touched = any(line["picked_each"] or line["shipped_each"] for line in lines)
    if touched or order["state"] not in ("received", "held", "short", "allocated"):
        raise Conflict(
            "orders.state",
            order_id=command.order_id,
            state=order["state"],
            wanted=["allocated", "held", "received", "short"],
        )
    await _take_back(tx, command.order_id)
    await orders.withdraw(tx, command.order_id, command.reason)
    await orders.set_states(tx, {command.order_id: "cancelled"})
    tx.emit(
        OrderCancelled(
            site_id=order["site_id"],
            order_id=command.order_id,
            reason=command.reason,
            cancelled_at=tx.now,
        )
    )
    return OrderResult(order_id=command.order_id, state="cancelled")


async def _take_back(tx: Tx, order_id: str) -> None:
    """Release the order's reservations and cancel its tasks."""
    await tasks.cancel_of_order(tx, order_id)
    reserved = await store.of_orders(tx, [order_id], ["reserved"])
    await stock.lock_units(tx, [row["unit_id"] for row in reserved])
    await store.change(tx, [row["reservation_id"] for row in reserved], "reserved", "released")
    given_back: Counter[int] = Counter()
    progress: Counter[tuple[str, int]] = Counter()
    for row in reserved:
        given_back[row["balance_id"]] -= row["quantity_each"]
        progress[order_id, row["line_no"]] -= row["quantity_each"]
    await stock.reserve(tx, given_back)
    await orders.add_progress(tx, {line: (quantity, 0, 0) for line, quantity in progress.items()})


async def confirm_picks(tx: Tx, site_id: str, done: Sequence[tuple[Task, str]]) -> None:
    """Carry out picks that scans confirmed, each with its observation.

    A pallet that is taken whole goes itself; pieces go into the order's parcel. Orders and tasks are locked
    and live; the caller ends the tasks.
    """
    if not done:
        return
    whole = await _whole_units(tx, site_id, [task for task, _ in done])
    parcel_of = await _parcels(tx, site_id, [task for task, _ in done if task.unit_id not in whole])
    moves: dict[str, Move] = {}
    for task, observation_id in done:
        assert task.order_id is not None
        assert task.reservation_id is not None
        unit_id = task.unit_id if task.unit_id in whole else parcel_of[task.order_id]
        moves[task.reservation_id] = Move(
            Goods(task.owner_party_id, task.sku, task.lot_id),
            task.quantity_each,
            Place(task.unit_id, task.from_bin),
            Place(unit_id, STAGING_OUT),
            "pick",
            task.task_id,
            observation_id,
            promised=True,
        )
    balances = await apply_moves(tx, site_id, list(moves.values()))
    await store.mark_picked(
        tx,
        {reservation_id: balances[move.goods, move.target] for reservation_id, move in moves.items()},
    )
    await _claim_emptied(tx, site_id, {task.unit_id for task, _ in done}, whole)
    await _progress(tx, site_id, done)


async def _whole_units(tx: Tx, site_id: str, picks: Sequence[Task]) -> set[str]:
    """Pallets that one pick takes whole: untouched, and all of them."""
    units = await stock.units_by_id(tx, [task.unit_id for task in picks])
    pieces = await stock.on_hand(tx, site_id, units)
    return {
        task.unit_id
        for task in picks
        if task.quantity_each == pieces[task.unit_id] == units[task.unit_id]["full_each"]
    }


async def _parcels(tx: Tx, site_id: str, picks: Sequence[Task]) -> dict[str, str]:
    """The parcel of each order that loose pieces are packed for, made at its first pick, and at the first
    after what was packed was released."""
    wanted = await store.parcels(tx, [task.order_id for task in picks if task.order_id])
    fresh = {
        order_id: tx.ids.new("parcel") for order_id, row in wanted.items() if row["parcel_unit_id"] is None
    }
    if fresh:
        nothing = {"kind": "parcel", "lot_id": None, "sku": None, "sscc": None, "epc_hex": None}
        rows = [
            {
                **nothing,
                "unit_id": unit_id,
                "owner_party_id": wanted[order_id]["owner_party_id"],
                "full_each": 0,
                "full_mass_g": 0,
            }
            for order_id, unit_id in fresh.items()
        ]
        await stock.insert_units(tx, site_id, rows)
        await store.set_parcels(tx, fresh)
    return {order_id: fresh.get(order_id) or row["parcel_unit_id"] for order_id, row in wanted.items()}


async def _claim_emptied(tx: Tx, site_id: str, unit_ids: set[str], whole: set[str]) -> None:
    """Tell the twin that a slot is claimed no longer: the pallet was taken out, or its last piece was."""
    pieces = await stock.on_hand(tx, site_id, unit_ids)
    gone = [unit_id for unit_id in unit_ids if unit_id in whole or pieces[unit_id] == 0]
    await declare_places(tx, site_id, dict.fromkeys(gone), "pick")


async def _progress(tx: Tx, site_id: str, done: Sequence[tuple[Task, str]]) -> None:
    """Lines, orders and events after picks."""
    picked: Counter[tuple[str, int]] = Counter()
    for task, observation_id in done:
        assert task.order_id is not None
        assert task.line_no is not None
        picked[task.order_id, task.line_no] += task.quantity_each
        tx.emit(
            PickConfirmed(
                site_id=site_id,
                task_id=task.task_id,
                order_id=task.order_id,
                line_no=task.line_no,
                unit_id=task.unit_id,
                quantity_each=task.quantity_each,
                observation_id=observation_id,
                confirmed_at=tx.now,
            )
        )
    await orders.add_progress(tx, {line: (-quantity, quantity, 0) for line, quantity in picked.items()})
    await refresh_states(tx, sorted({order_id for order_id, _ in picked}))
