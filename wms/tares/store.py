"""SQL of stated tares and what banks answered."""

from kernel.tx import ReadTx, Row, Tx

# One that no bank approved; what some bank approved stands until it is withdrawn.
REPLACE = """
    UPDATE wms.tare t SET ended_at = %(now)s, end_cause = 'replaced', end_reason = '',
        ended_party_id = %(party_id)s, ended_by = %(person_id)s
    WHERE t.site_id = %(site_id)s AND t.vehicle_id = %(vehicle_id)s AND t.ended_at IS NULL
        AND NOT EXISTS (SELECT FROM wms.tare_answer a WHERE a.tare_id = t.tare_id AND a.is_approved)"""
INSERT = """
    INSERT INTO wms.tare (tare_id, site_id, vehicle_id, plate, mass_g, document, proposed_party_id,
        proposed_by, proposed_at)
    VALUES (%(tare_id)s, %(site_id)s, %(vehicle_id)s, %(plate)s, %(mass_g)s, %(document)s, %(party_id)s,
        %(person_id)s, %(now)s)"""
LOCK = """
    SELECT tare_id, site_id, vehicle_id, proposed_party_id, ended_at FROM wms.tare
    WHERE tare_id = %(tare_id)s FOR UPDATE"""
ANSWER_OF = """
    SELECT is_approved FROM wms.tare_answer WHERE tare_id = %(tare_id)s AND party_id = %(party_id)s"""
INSERT_ANSWER = """
    INSERT INTO wms.tare_answer (tare_id, party_id, site_id, proposed_party_id, is_approved, reason,
        answered_by, answered_at)
    VALUES (%(tare_id)s, %(party_id)s, %(site_id)s, %(proposed_party_id)s, %(is_approved)s, %(reason)s,
        %(person_id)s, %(now)s)"""
WITHDRAW = """
    UPDATE wms.tare SET ended_at = %(now)s, end_cause = 'withdrawn', end_reason = %(reason)s,
        ended_party_id = %(party_id)s, ended_by = %(person_id)s
    WHERE tare_id = %(tare_id)s"""
APPROVED = """
    SELECT t.mass_g, array_agg(a.party_id) AS party_ids
    FROM wms.tare t JOIN wms.tare_answer a USING (tare_id)
    WHERE t.site_id = %(site_id)s AND t.vehicle_id = %(vehicle_id)s AND t.ended_at IS NULL AND a.is_approved
    GROUP BY t.tare_id"""
PAGE = """
    SELECT t.tare_id, t.site_id, t.vehicle_id, t.plate, t.mass_g, t.document, p.name AS proposed_by,
        t.proposed_at, t.ended_at, t.end_cause, t.end_reason, e.name AS ended_by,
        ARRAY(SELECT jsonb_build_object('party', b.name, 'is_own', a.party_id = identity.current_party(),
                'is_approved', a.is_approved, 'reason', a.reason, 'answered_at', a.answered_at)
            FROM wms.tare_answer a LEFT JOIN identity.party b USING (party_id)
            WHERE a.tare_id = t.tare_id ORDER BY a.answered_at, a.party_id) AS answers,
        ARRAY(SELECT jsonb_build_object('visit_id', v.visit_id, 'purpose', v.purpose,
                'entry_mass_g', v.entry_mass_g, 'exit_mass_g', v.exit_mass_g, 'admitted_at', v.admitted_at,
                'left_at', v.left_at, 'left_refused', v.left_refused)
            FROM wms.visit v
            WHERE v.site_id = t.site_id AND v.vehicle_id = t.vehicle_id
                AND num_nonnulls(v.entry_mass_g, v.exit_mass_g) > 0
            ORDER BY v.visit_id DESC LIMIT %(stays)s) AS stays
    FROM wms.tare t
    LEFT JOIN identity.party p ON p.party_id = t.proposed_party_id
    LEFT JOIN identity.party e ON e.party_id = t.ended_party_id
    WHERE t.site_id = %(site_id)s AND (%(cursor)s::text IS NULL OR t.tare_id < %(cursor)s)
    ORDER BY t.tare_id DESC LIMIT %(limit)s"""
STAYS_SHOWN_MAX = 50


def _by(tx: Tx) -> Row:
    return {"party_id": tx.caller.party_id, "person_id": tx.caller.person_id, "now": tx.now}


async def replace(tx: Tx, site_id: str, vehicle_id: str) -> None:
    """End what was stated of the vehicle and no bank has approved."""
    await tx.run(REPLACE, {**_by(tx), "site_id": site_id, "vehicle_id": vehicle_id})


async def insert(tx: Tx, tare: Row) -> None:
    await tx.run(INSERT, {**tare, **_by(tx)})


async def lock(tx: Tx, tare_id: str) -> Row | None:
    return await tx.row(LOCK, {"tare_id": tare_id})


async def answer_of(tx: Tx, tare_id: str, party_id: str) -> bool | None:
    """Whether the party approved it; None when it has not answered."""
    found = await tx.row(ANSWER_OF, {"tare_id": tare_id, "party_id": party_id})
    return None if found is None else bool(found["is_approved"])


async def answer(tx: Tx, tare: Row, *, is_approved: bool, reason: str) -> None:
    """Keep the answer of the caller's party."""
    await tx.run(INSERT_ANSWER, {**tare, **_by(tx), "is_approved": is_approved, "reason": reason})


async def withdraw(tx: Tx, tare_id: str, reason: str) -> None:
    await tx.run(WITHDRAW, {**_by(tx), "tare_id": tare_id, "reason": reason})


async def approved(read: ReadTx, site_id: str, vehicle_id: str) -> list[Row]:
    """The masses stated of the vehicle that stand, each with the banks that approved it."""
    return await read.rows(APPROVED, {"site_id": site_id, "vehicle_id": vehicle_id})


async def page(read: ReadTx, site_id: str, cursor: str | None, limit: int) -> list[Row]:
    asked = {"site_id": site_id, "cursor": cursor, "limit": limit, "stays": STAYS_SHOWN_MAX}
    return await read.rows(PAGE, asked)
