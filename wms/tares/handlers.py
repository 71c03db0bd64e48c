"""Stating a tare, and agreeing on it."""

from devices import api as devices
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.tx import Row, Tx
from wms.messages import (
    ApproveTare,
    ProposeTare,
    RefuseTare,
    TareAnswered,
    TareProposed,
    TareResult,
    TareWithdrawn,
    WithdrawTare,
)
from wms.orders.handlers import require_reason
from wms.stock.handlers import require_site, sees_site
from wms.tares import store
from wms.tares.model import check_mass, kept_document
from wms.visits import store as visits


async def propose_tare(command: ProposeTare, tx: Tx) -> TareResult:
    """Keep what the vehicle is said to weigh empty, in place of what no bank has approved.

    Raises NotFound `vehicles.unknown`; Invalid with field and rule, also above the least that the vehicle was
    ever weighed at here.
    """
    await require_site(tx, command.site_id)
    document = kept_document(command.document)
    vehicle = await visits.lock_vehicle_by_id(tx, command.site_id, command.vehicle_id)
    if vehicle is None:
        raise NotFound("vehicles.unknown", vehicle_id=command.vehicle_id)
    check_mass(command.mass_g, await visits.least_weighed_g(tx, command.site_id, command.vehicle_id))
    await store.replace(tx, command.site_id, command.vehicle_id)
    tare_id = tx.ids.new("tare")
    tare = {**vehicle, "tare_id": tare_id, "mass_g": command.mass_g, "document": document}
    await store.insert(tx, tare)
    tx.emit(
        TareProposed(
            site_id=command.site_id,
            tare_id=tare_id,
            vehicle_id=command.vehicle_id,
            mass_g=command.mass_g,
            proposed_at=tx.now,
        )
    )
    return TareResult(tare_id=tare_id, site_id=command.site_id)


async def approve_tare(command: ApproveTare, tx: Tx) -> TareResult:
    """Agree to a stated tare in the caller's party's name.

    Raises NotFound unless the party was invited to the site; Forbidden for one that sees the site itself;
    Conflict when the tare has ended or the party has answered.
    """
    return await _answer(tx, command.tare_id, is_approved=True, reason="")


async def refuse_tare(command: RefuseTare, tx: Tx) -> TareResult:
    """Decline a stated tare in the caller's party's name. Raises as `approve_tare` does, and Invalid for the
    reason."""
    require_reason(command.reason)
    return await _answer(tx, command.tare_id, is_approved=False, reason=command.reason.strip())


async def _answer(tx: Tx, tare_id: str, *, is_approved: bool, reason: str) -> TareResult:
    tare = await _require_standing(tx, tare_id)
    if await sees_site(tx, tare["site_id"]):
        raise Forbidden("tares.own_statement", rule="answered by a bank that is invited to the site")
    if await store.answer_of(tx, tare_id, tx.caller.party_id) is not None:
        raise Conflict("tares.answered", tare_id=tare_id)
    await store.answer(tx, tare, is_approved=is_approved, reason=reason)
    tx.emit(
        TareAnswered(
            site_id=tare["site_id"],
            tare_id=tare_id,
            vehicle_id=tare["vehicle_id"],
            party_id=tx.caller.party_id,
            is_approved=is_approved,
            answered_at=tx.now,
        )
    )
    return TareResult(tare_id=tare_id, site_id=tare["site_id"])


async def withdraw_tare(command: WithdrawTare, tx: Tx) -> TareResult:
    """Take it back for all: it counts no more.

    Raises NotFound as `approve_tare` does; Forbidden unless the caller's party sees the site or approved it;
    Conflict when it has ended; Invalid for the reason.
    """
    require_reason(command.reason)
    reason = command.reason.strip()
    tare = await _require_standing(tx, command.tare_id)
    has_approved = await store.answer_of(tx, command.tare_id, tx.caller.party_id)
    if not has_approved and not await sees_site(tx, tare["site_id"]):
        raise Forbidden("tares.not_approved_by_you", rule="withdrawn by its keeper or an approving bank")
    await store.withdraw(tx, command.tare_id, reason)
    tx.emit(
        TareWithdrawn(
            site_id=tare["site_id"],
            tare_id=command.tare_id,
            vehicle_id=tare["vehicle_id"],
            reason=reason,
            withdrawn_at=tx.now,
        )
    )
    return TareResult(tare_id=command.tare_id, site_id=tare["site_id"])


async def _require_standing(tx: Tx, tare_id: str) -> Row:
    """The tare, locked, at a site whose devices the caller's party may look at."""
    tare = await store.lock(tx, tare_id)
    if tare is None or not await devices.inspects_site(tx, tare["site_id"]):
        raise NotFound("tares.unknown", tare_id=tare_id)
    if tare["ended_at"] is not None:
        raise Conflict("tares.ended", tare_id=tare_id)
    return tare
