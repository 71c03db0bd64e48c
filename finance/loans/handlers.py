"""Drawing, repaying and accruing loans.

Locks, in this order: the bank's business day, the facility, the loan, then accounts by id.
"""

from datetime import date, timedelta

import msgspec

from finance.collateral import store as collateral_store
from finance.collateral.handlers import revalue, value_facility
from finance.facilities import store as facility_store
from finance.facilities.handlers import find_facility, lock_facility, require_party
from finance.facilities.model import (
    Facility,
    require_amount,
    require_currency,
    require_open,
    require_reason,
    require_second_person,
)
from finance.ledger.handlers import (
    BankDay,
    book,
    book_all,
    close_day,
    days_to_close,
    hold_day,
    reverse_entry,
    take_day,
)
from finance.ledger.model import require_over
from finance.loans import entries, model, store
from finance.loans.model import Loan, LoanState, Paid
from finance.messages import (
    ApproveDrawdown,
    DayClosed,
    DrawdownProposed,
    DrawdownRefused,
    LoanDrawn,
    LoanRepaid,
    ProposeDrawdown,
    RefuseDrawdown,
    RepayLoan,
    RepaymentReversed,
    ReverseRepayment,
    RunDayEnd,
)
from finance.vouching.handlers import require_own_look, require_sure
from kernel.caller import Caller
from kernel.errors import Conflict, NotFound
from kernel.tx import Row, Tx


class DrawdownAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a command on a drawdown leaves: where to read it."""

    drawdown_id: str
    facility_id: str


class LoanAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A loan's figures after a command. `entry_id` is the booking that the command made."""

    loan_id: str
    facility_id: str
    outstanding_fen: int
    interest_fen: int
    state: LoanState
    entry_id: str


class DayEndAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`closed` is False when the date had been closed before; then nothing was accrued."""

    business_date: date
    closed: bool
    loans: int
    accrued_fen: int


async def _enter(tx: Tx, facility_id: str) -> tuple[BankDay, Facility]:
    """The bank's open day and the facility, both locked, in the order that everything locks them."""
    bank_party_id = (await find_facility(tx, facility_id)).bank_party_id
    return await hold_day(tx, bank_party_id), await lock_facility(tx, facility_id)


async def propose_drawdown(command: ProposeDrawdown, tx: Tx) -> DrawdownAnswer:
    """Propose to draw money. The bank's officer or the facility's borrower; all conditions are checked."""
    require_amount(command.amount_fen)
    require_currency(command.currency)
    day, facility = await _enter(tx, command.facility_id)
    require_party(facility, tx)
    model.require_same_currency(command.currency, facility)
    model.require_term(command.maturity_on, day.today)
    await _require_drawable(tx, facility, command.amount_fen)
    drawdown_id = tx.ids.new("drawdown")
    row = {**msgspec.structs.asdict(command), "drawdown_id": drawdown_id}
    await store.insert_drawdown(tx, row)
    facts = {"drawdown_id": drawdown_id, "amount_fen": command.amount_fen}
    await facility_store.append(tx, facility.facility_id, "drawdown_proposed", facts)
    tx.emit(
        DrawdownProposed(
            site_id=facility.site_id,
            facility_id=facility.facility_id,
            drawdown_id=drawdown_id,
            amount_fen=command.amount_fen,
            proposed_at=tx.now,
        )
    )
    return DrawdownAnswer(drawdown_id=drawdown_id, facility_id=facility.facility_id)


async def _require_drawable(tx: Tx, facility: Facility, amount_fen: int) -> None:
    """Nothing is drawn from a frozen facility, on devices that the bank does not accept or did not when the
    goods were seen, while a gate of the site is not watched, under an active alarm, or beyond what is seen
    now."""
    require_open(facility)
    await require_own_look(tx, facility)
    await require_sure(tx, facility, await collateral_store.lots_of_pledged_units(tx, facility.facility_id))
    model.require_drawable(facility, await value_facility(tx, facility), amount_fen)


async def _open_drawdown(tx: Tx, drawdown_id: str) -> Row:
    drawdown = await store.find_drawdown(tx, drawdown_id)
    if drawdown is None:
        raise NotFound("drawdown.unknown", drawdown_id=drawdown_id)
    return drawdown


async def approve_drawdown(command: ApproveDrawdown, tx: Tx) -> LoanAnswer:
    """A second person of the bank approves: everything is checked again, the money is drawn and booked.

    NotFound for another bank's drawdown; Forbidden for the one who proposed it; Conflict when it was decided
    before, the facility is frozen, the evidence is stale or the amount is no longer there to be drawn.
    """
    drawdown = await _open_drawdown(tx, command.drawdown_id)
    day, facility = await _enter(tx, drawdown["facility_id"])
    if facility.bank_party_id != tx.caller.party_id:
        raise NotFound("drawdown.unknown", drawdown_id=command.drawdown_id)
    require_second_person(drawdown["proposed_by"], tx.caller.person_id, "drawdown.own_proposal")
    if not await store.decide(tx, command.drawdown_id, "approved"):
        raise Conflict("drawdown.decided", drawdown_id=command.drawdown_id)
    model.require_term(drawdown["maturity_on"], day.today)
    await _require_drawable(tx, facility, drawdown["amount_fen"])
    loan = _new_loan(tx, facility, drawdown, day)
    await store.insert_loan(tx, loan)
    entry_id = await book(tx, entries.drawdown(loan), day.business_date)
    await _move_debt(tx, facility, loan.principal_fen, 0, "drawdown")
    facts = {"drawdown_id": command.drawdown_id, "loan_id": loan.loan_id, "amount_fen": loan.principal_fen}
    await facility_store.append(tx, facility.facility_id, "drawn", facts)
    tx.emit(
        LoanDrawn(
            site_id=facility.site_id,
            facility_id=facility.facility_id,
            loan_id=loan.loan_id,
            drawdown_id=command.drawdown_id,
            principal_fen=loan.principal_fen,
            entry_id=entry_id,
            drawn_at=tx.now,
        )
    )
    return _answer(loan, entry_id)


def _new_loan(tx: Tx, facility: Facility, drawdown: Row, day: BankDay) -> Loan:
    return Loan(
        loan_id=tx.ids.new("loan"),
        facility_id=facility.facility_id,
        bank_party_id=facility.bank_party_id,
        drawdown_id=drawdown["drawdown_id"],
        principal_fen=drawdown["amount_fen"],
        outstanding_fen=drawdown["amount_fen"],
        interest_fen=0,
        product_fen_days=0,
        accrued_fen=0,
        currency=facility.currency,
        rate=facility.rate,
        drawn_on=day.today,
        accrued_through=day.today,
        maturity_on=drawdown["maturity_on"],
        state="active",
    )


def _answer(loan: Loan, entry_id: str) -> LoanAnswer:
    return LoanAnswer(
        loan_id=loan.loan_id,
        facility_id=loan.facility_id,
        outstanding_fen=loan.outstanding_fen,
        interest_fen=loan.interest_fen,
        state=loan.state,
        entry_id=entry_id,
    )


async def _move_debt(tx: Tx, facility: Facility, drawn_fen: int, interest_fen: int, cause: str) -> None:
    """Move the facility's debt by these differences and see what that does to its margin."""
    await facility_store.move_debt(tx, facility.facility_id, drawn_fen, interest_fen)
    moved = msgspec.structs.replace(
        facility,
        drawn_fen=facility.drawn_fen + drawn_fen,
        interest_fen=facility.interest_fen + interest_fen,
    )
    await revalue(tx, moved, cause)


async def refuse_drawdown(command: RefuseDrawdown, tx: Tx) -> DrawdownAnswer:
    """The bank declines a proposal. NotFound for another bank's; Conflict when it was decided before."""
    require_reason(command.reason)
    drawdown = await _open_drawdown(tx, command.drawdown_id)
    facility = await lock_facility(tx, drawdown["facility_id"])
    if facility.bank_party_id != tx.caller.party_id:
        raise NotFound("drawdown.unknown", drawdown_id=command.drawdown_id)
    if not await store.decide(tx, command.drawdown_id, "refused", command.reason):
        raise Conflict("drawdown.decided", drawdown_id=command.drawdown_id)
    facts = {"drawdown_id": command.drawdown_id, "reason": command.reason}
    await facility_store.append(tx, facility.facility_id, "drawdown_refused", facts)
    tx.emit(
        DrawdownRefused(
            site_id=facility.site_id,
            facility_id=facility.facility_id,
            drawdown_id=command.drawdown_id,
            reason=command.reason,
            refused_at=tx.now,
        )
    )
    return DrawdownAnswer(drawdown_id=command.drawdown_id, facility_id=facility.facility_id)


async def repay_loan(command: RepayLoan, tx: Tx) -> LoanAnswer:
    """Book a repayment that the bank received: interest to the day it was paid, then principal. Allowed while
    frozen.

    NotFound for anybody but the loan's bank, also for its borrower, who would write off its own debt;
    Conflict for more than the debt; Invalid for a day before the interest that is booked or after today.
    """
    require_amount(command.amount_fen)
    day, facility, loan = await _enter_loan(tx, command.loan_id)
    _require_bank_of_loan(facility, loan, tx)
    model.require_same_currency(command.currency, facility)
    paid_on = command.paid_on or day.today
    model.require_paid_on(paid_on, loan, day.today)
    accrued = model.accrue(loan, paid_on)
    left, paid = model.repay(accrued, command.amount_fen)
    drafts = entries.accruals([(loan, accrued)])
    number = await store.count_repayments(tx, loan.loan_id) + 1
    drafts.append(entries.repayment(left, paid, paid_on, number))
    entry_id = (await book_all(tx, drafts, day.business_date))[-1]
    await store.save(tx, [left])
    interest_fen = left.interest_fen - loan.interest_fen
    await _move_debt(tx, facility, -paid.principal_fen, interest_fen, "repayment")
    await _tell_repaid(tx, facility, left, paid, entry_id)
    return _answer(left, entry_id)


async def _enter_loan(tx: Tx, loan_id: str) -> tuple[BankDay, Facility, Loan]:
    found = await store.facility_of_loan(tx, loan_id)
    if found is None:
        raise NotFound("loan.unknown", loan_id=loan_id)
    day, facility = await _enter(tx, found[0])
    loan = await store.lock_loan(tx, loan_id)
    assert loan is not None, "a loan is never removed"
    return day, facility, loan


def _require_bank_of_loan(facility: Facility, loan: Loan, tx: Tx) -> None:
    """Whether money arrived is the bank's word alone."""
    if tx.caller.party_id != facility.bank_party_id:
        raise NotFound("loan.unknown", loan_id=loan.loan_id)


async def _tell_repaid(tx: Tx, facility: Facility, loan: Loan, paid: Paid, entry_id: str) -> None:
    facts = {
        "loan_id": loan.loan_id,
        "interest_fen": paid.interest_fen,
        "principal_fen": paid.principal_fen,
        "outstanding_fen": loan.outstanding_fen,
    }
    await facility_store.append(tx, facility.facility_id, "repaid", facts)
    tx.emit(
        LoanRepaid(
            site_id=facility.site_id,
            facility_id=facility.facility_id,
            loan_id=loan.loan_id,
            principal_fen=paid.principal_fen,
            interest_fen=paid.interest_fen,
            outstanding_fen=loan.outstanding_fen,
            interest_due_fen=loan.interest_fen,
            entry_id=entry_id,
            paid_at=tx.now,
        )
    )


async def reverse_repayment(command: ReverseRepayment, tx: Tx) -> LoanAnswer:
    """Undo the last repayment by a reversing entry; interest of the days since is booked at once.

    NotFound for another bank's loan; Conflict when the entry is not the loan's last standing repayment, or
    the limit has been drawn again since.
    """
    require_reason(command.reason)
    day, facility, loan = await _enter_loan(tx, command.loan_id)
    _require_bank_of_loan(facility, loan, tx)
    last = await store.last_repayment(tx, loan.loan_id)
    if last is None or last["entry_id"] != command.entry_id:
        raise Conflict("loan.not_last_repayment", loan_id=loan.loan_id, entry_id=command.entry_id)
    paid = model.paid_of(last["facts"])
    model.require_room_again(facility, paid)
    entry_id = await reverse_entry(tx, command.entry_id, command.reason, day.business_date)
    restored = model.undo_repayment(loan, paid, last["value_date"])
    due = model.accrue(restored, max(restored.accrued_through, day.business_date))
    await book_all(tx, entries.accruals([(restored, due)]), day.business_date)
    await store.save(tx, [due])
    await _move_debt(tx, facility, paid.principal_fen, due.interest_fen - loan.interest_fen, "reversal")
    facts = {"loan_id": loan.loan_id, "entry_id": command.entry_id, "reason": command.reason}
    await facility_store.append(tx, facility.facility_id, "repayment_reversed", facts)
    tx.emit(
        RepaymentReversed(
            site_id=facility.site_id,
            facility_id=facility.facility_id,
            loan_id=loan.loan_id,
            entry_id=entry_id,
            reverses_entry_id=command.entry_id,
            reversed_at=tx.now,
        )
    )
    return _answer(due, entry_id)


async def run_day_end(command: RunDayEnd, tx: Tx) -> DayEndAnswer:
    """Close a business date: accrue each active loan through it, move the date on.

    Closing a date again changes nothing. Conflict when it is not the next to close or is not over yet;
    NotFound for a caller that is neither the bank nor the product.
    """
    if tx.caller.party_id not in (command.bank_party_id, Caller.product("work").party_id):
        raise NotFound("day_end.no_books", bank_party_id=command.bank_party_id)
    day = await take_day(tx, command.bank_party_id)
    if command.business_date < day.business_date:
        return DayEndAnswer(business_date=command.business_date, closed=False, loans=0, accrued_fen=0)
    require_over(day.business_date, command.business_date, day.today)
    loans = await store.lock_active(tx, command.bank_party_id)
    through = command.business_date + timedelta(days=1)
    pairs = [(loan, model.accrue(loan, through)) for loan in loans]
    accrued_fen = await _book_accruals(tx, pairs, day.business_date)
    await close_day(tx, day)
    tx.emit(
        DayClosed(
            bank_party_id=command.bank_party_id,
            business_date=command.business_date,
            accrued_fen=accrued_fen,
            loans=len(loans),
        )
    )
    return DayEndAnswer(
        business_date=command.business_date, closed=True, loans=len(loans), accrued_fen=accrued_fen
    )


async def close_business_days(tx: Tx) -> None:
    """What the clock calls: close the oldest business date that is over, for each bank.

    After an outage the dates missed are closed one per call, so that no call grows with the outage.
    """
    for bank_party_id, business_date in await days_to_close(tx):
        await run_day_end(RunDayEnd(bank_party_id=bank_party_id, business_date=business_date), tx)


async def _book_accruals(tx: Tx, pairs: list[tuple[Loan, Loan]], business_date: date) -> int:
    """Book each loan's interest of the day, keep the loans, and revalue the facilities concerned."""
    await book_all(tx, entries.accruals(pairs), business_date)
    await store.save(tx, [after for _, after in pairs])
    earned: dict[str, int] = {}
    for before, after in pairs:
        grown_fen = after.interest_fen - before.interest_fen
        earned[before.facility_id] = earned.get(before.facility_id, 0) + grown_fen
    for facility_id, interest_fen in sorted(earned.items()):
        await _move_debt(tx, await lock_facility(tx, facility_id), 0, interest_fen, "day end")
    return sum(earned.values())
