"""SQL of vehicles and visits."""

from kernel.tx import ReadTx, Row, Tx

_VISIT = (
    "visit_id, site_id, vehicle_id, plate, epc_hex, purpose, state, entry_mass_g, exit_mass_g,"
    " expected_at, admitted_at, left_at, barrier_tries, cancelled_reason"
)
LOCK_VEHICLE = """
    SELECT vehicle_id, plate, epc_hex FROM wms.vehicle
    WHERE site_id = %(site_id)s AND (plate = %(plate)s OR epc_hex = %(epc_hex)s) FOR UPDATE"""
VEHICLE = "SELECT vehicle_id, site_id, plate, epc_hex FROM wms.vehicle WHERE vehicle_id = %(vehicle_id)s"
LOCK_VEHICLE_BY_ID = f"{VEHICLE} AND site_id = %(site_id)s FOR UPDATE"
VEHICLE_BY_PLATE = """
    SELECT vehicle_id FROM wms.vehicle WHERE site_id = %(site_id)s AND plate = %(plate)s"""
INSERT_VEHICLE = """
    INSERT INTO wms.vehicle (vehicle_id, site_id, plate, epc_hex)
    VALUES (%(vehicle_id)s, %(site_id)s, %(plate)s, %(epc_hex)s)"""
LOCK_LIVE = f"""
    SELECT {_VISIT} FROM wms.visit
    WHERE site_id = %(site_id)s AND vehicle_id = %(vehicle_id)s
        AND state IN ('expected', 'admitted', 'leaving') FOR UPDATE"""  # noqa: S608
INSERT = """
    INSERT INTO wms.visit (visit_id, site_id, vehicle_id, plate, epc_hex, purpose, state, expected_at)
    VALUES (%(visit_id)s, %(site_id)s, %(vehicle_id)s, %(plate)s, %(epc_hex)s, %(purpose)s, 'expected',
        %(now)s)"""
ADMIT = """
    UPDATE wms.visit SET state = 'admitted', admitted_at = %(at)s
    WHERE visit_id = %(visit_id)s AND state = 'expected'"""
LEAVING = "UPDATE wms.visit SET state = 'leaving' WHERE visit_id = %(visit_id)s AND state = 'admitted'"
BACK_INSIDE = "UPDATE wms.visit SET state = 'admitted' WHERE visit_id = %(visit_id)s AND state = 'leaving'"
LEAVE = """
    UPDATE wms.visit SET state = 'left', left_at = %(at)s, left_refused = %(was_refused)s
    WHERE visit_id = %(visit_id)s AND state IN ('expected', 'admitted', 'leaving')"""
# The first weighing on the way in and the last on the way out are the ones that count.
WEIGH_IN = """
    UPDATE wms.visit SET entry_mass_g = %(mass_g)s WHERE visit_id = %(visit_id)s AND entry_mass_g IS NULL"""
WEIGH_OUT = "UPDATE wms.visit SET exit_mass_g = %(mass_g)s WHERE visit_id = %(visit_id)s"
LOCK = f"SELECT {_VISIT} FROM wms.visit WHERE visit_id = %(visit_id)s FOR UPDATE"  # noqa: S608
# What it weighed as it left the last few times, less what was released to it: not where the gate refused it,
# nor where the word of banks on its tare may have let it out, which can be taken back.
EMPTY_MASS = """
    SELECT min(empty_g)::bigint FROM (SELECT v.exit_mass_g - coalesce((
        SELECT sum(r.expected_mass_g) FROM wms.release r
        WHERE r.departed_at = v.left_at AND r.release_id IN (
            SELECT unnest(d.release_ids) FROM wms.gate_decision d WHERE d.visit_id = v.visit_id)
    ), 0) AS empty_g
    FROM wms.visit v
    WHERE v.site_id = %(site_id)s AND v.vehicle_id = %(vehicle_id)s AND v.state = 'left'
        AND v.exit_mass_g IS NOT NULL AND NOT v.left_refused
        AND NOT EXISTS (SELECT FROM wms.tare t JOIN wms.tare_answer a USING (tare_id)
            WHERE t.vehicle_id = v.vehicle_id AND a.is_approved AND a.answered_at <= v.left_at
                AND (t.ended_at IS NULL OR t.ended_at >= coalesce(v.admitted_at, v.expected_at)))
    ORDER BY v.left_at DESC LIMIT %(stays)s) AS stay"""
LEAST_WEIGHED = """
    SELECT min(least(entry_mass_g, exit_mass_g)) FROM wms.visit
    WHERE site_id = %(site_id)s AND vehicle_id = %(vehicle_id)s"""
CANCEL = """
    UPDATE wms.visit SET state = 'cancelled', cancelled_reason = %(reason)s WHERE visit_id = %(visit_id)s"""
IS_RELEASED_TO = """
    SELECT EXISTS (SELECT FROM wms.release
        WHERE site_id = %(site_id)s AND vehicle_id = %(vehicle_id)s AND state IN ('issued', 'at_gate')
            AND valid_until > %(now)s)"""
COUNT_TRY = "UPDATE wms.visit SET barrier_tries = barrier_tries + 1 WHERE visit_id = %(visit_id)s"
FORGET_TRIES = "UPDATE wms.visit SET barrier_tries = 0 WHERE visit_id = %(visit_id)s AND barrier_tries > 0"
PAGE = f"""
    SELECT {_VISIT} FROM wms.visit
    WHERE site_id = %(site_id)s AND (%(cursor)s::text IS NULL OR visit_id < %(cursor)s)
    ORDER BY visit_id DESC LIMIT %(limit)s"""  # noqa: S608


STAYS_WEIGHED = 5
"""Its tank is nearly empty at one of so many; what was changed on a vehicle longer ago is over."""


async def lock_vehicle(tx: Tx, site_id: str, plate: str, epc_hex: str) -> list[Row]:
    """Vehicles with this plate or this tag: one when both agree."""
    return await tx.rows(LOCK_VEHICLE, {"site_id": site_id, "plate": plate, "epc_hex": epc_hex})


async def find_vehicle(read: ReadTx, vehicle_id: str) -> Row | None:
    return await read.row(VEHICLE, {"vehicle_id": vehicle_id})


async def lock_vehicle_by_id(tx: Tx, site_id: str, vehicle_id: str) -> Row | None:
    return await tx.row(LOCK_VEHICLE_BY_ID, {"site_id": site_id, "vehicle_id": vehicle_id})


async def vehicle_by_plate(read: ReadTx, site_id: str, plate: str) -> str | None:
    row = await read.row(VEHICLE_BY_PLATE, {"site_id": site_id, "plate": plate})
    return None if row is None else str(row["vehicle_id"])


async def insert_vehicle(tx: Tx, vehicle: Row) -> None:
    await tx.run(INSERT_VEHICLE, vehicle)


async def lock_live(tx: Tx, site_id: str, vehicle_id: str) -> Row | None:
    """The vehicle's live visit, locked; None when it is not expected."""
    return await tx.row(LOCK_LIVE, {"site_id": site_id, "vehicle_id": vehicle_id})


async def insert(tx: Tx, visit: Row) -> None:
    await tx.run(INSERT, {**visit, "now": tx.now})


async def admit(tx: Tx, visit_id: str) -> bool:
    """True when the visit was expected and is now admitted."""
    return await tx.run(ADMIT, {"visit_id": visit_id, "at": tx.now}) == 1


async def mark_leaving(tx: Tx, visit_id: str, *, leaving: bool) -> None:
    await tx.run(LEAVING if leaving else BACK_INSIDE, {"visit_id": visit_id})


async def leave(tx: Tx, visit_id: str, *, was_refused: bool) -> None:
    """End a stay; what weighed on leaving past a refusal is not known to be the vehicle alone."""
    await tx.run(LEAVE, {"visit_id": visit_id, "at": tx.now, "was_refused": was_refused})


async def weigh(tx: Tx, visit_id: str, mass_g: int, *, going_in: bool) -> None:
    await tx.run(WEIGH_IN if going_in else WEIGH_OUT, {"visit_id": visit_id, "mass_g": mass_g})


async def empty_mass_g(read: ReadTx, site_id: str, vehicle_id: str) -> int | None:
    """The least that the vehicle weighed leaving the site on its last `STAYS_WEIGHED` stays, without what was
    released to it; None when it was never weighed leaving with the gate's leave. A stay that an agreed tare
    may have let out tells nothing of its own."""
    stays = {"site_id": site_id, "vehicle_id": vehicle_id, "stays": STAYS_WEIGHED}
    found = await read.value(EMPTY_MASS, stays)
    return None if found is None else int(found)


async def least_weighed_g(read: ReadTx, site_id: str, vehicle_id: str) -> int | None:
    """The least that the vehicle ever weighed here, coming or leaving; None when it was never weighed."""
    found = await read.value(LEAST_WEIGHED, {"site_id": site_id, "vehicle_id": vehicle_id})
    return None if found is None else int(found)


async def lock(tx: Tx, visit_id: str) -> Row | None:
    return await tx.row(LOCK, {"visit_id": visit_id})


async def cancel(tx: Tx, visit_id: str, reason: str) -> None:
    await tx.run(CANCEL, {"visit_id": visit_id, "reason": reason})


async def is_released_to(tx: Tx, visit: Row) -> bool:
    """Whether goods may leave on the visit's vehicle."""
    asked = {"site_id": visit["site_id"], "vehicle_id": visit["vehicle_id"], "now": tx.now}
    return bool(await tx.value(IS_RELEASED_TO, asked))


async def count_try(tx: Tx, visit_id: str) -> None:
    """One more order to the barrier for this visit has failed."""
    await tx.run(COUNT_TRY, {"visit_id": visit_id})


async def forget_tries(tx: Tx, visit_id: str) -> None:
    await tx.run(FORGET_TRIES, {"visit_id": visit_id})


async def page(read: ReadTx, site_id: str, cursor: str | None, limit: int) -> list[Row]:
    return await read.rows(PAGE, {"site_id": site_id, "cursor": cursor, "limit": limit})
