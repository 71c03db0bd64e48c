"""Commands and events of finance. Money is integer fen; rates are decimal strings ("0.0435" a year)."""

from datetime import date, datetime

import msgspec

from kernel.messages import Command, Event

# --- warehouse receipts --------------------------------------------------------------------------


class IssueReceipt(Command, frozen=True, kw_only=True):
    """The caller's party, as keeper, issues a warehouse receipt to the depositor.

    `unit_ids` None means every unit of the lot that the book holds. The elements follow Civil Code art. 909
    and GB/T 30332: loss standard, fee and insurance are stated at issue, since what is not stated does not
    bind a later holder. `lien_fen` is the keeper's claim for unpaid fees that ranks before a pledge.
    """

    lot_id: str
    depositor_party_id: str
    storage_until: date
    loss_standard: str
    insurance: str
    fee_terms: str
    unit_ids: tuple[str, ...] | None = None
    lien_fen: int = 0
    goods: str = ""
    quality: str = ""
    package: str = ""
    marks: str = ""


class CancelReceipt(Command, frozen=True, kw_only=True):
    """The keeper cancels a receipt that it issued and that is back in its own hand: errors are cancelled
    and replaced, never altered. Delivery cancels by itself."""

    receipt_id: str
    reason: str


class ReceiptIssued(Event, frozen=True, kw_only=True):
    site_id: str
    receipt_id: str
    number: str
    keeper_party_id: str
    depositor_party_id: str
    lot_id: str
    unit_ids: tuple[str, ...]
    quantity_each: int
    mass_g: int
    issued_at: datetime


class ReceiptCancelled(Event, frozen=True, kw_only=True):
    """The receipt covers nothing any more. `cause` is `delivered` or `withdrawn`."""

    site_id: str
    receipt_id: str
    lot_id: str
    cause: str
    cancelled_at: datetime


# --- facilities ----------------------------------------------------------------------------------


class LendingRule(msgspec.Struct, frozen=True, kw_only=True):
    """How a bank turns seen stock into a lendable amount. Kept with each facility; ratios are decimals.

    The four loan-to-value lines are entry (`advance_rate`), warning, call and sell. `modality_factors[n-1]`
    applies when n independent modalities agree. Freshness is 1 up to `fresh_h` hours of age and falls in a
    line to 0 at `stale_h`. No money is drawn on evidence older than `drawdown_age_h_max`.
    """

    advance_rate: str = "0.70"
    warning_ltv: str = "0.75"
    call_ltv: str = "0.80"
    sell_ltv: str = "0.85"
    modality_factors: tuple[str, ...] = ("0.5", "0.9", "1.0")
    fresh_h: int = 24
    stale_h: int = 168
    drawdown_age_h_max: int = 24


class OpenFacility(Command, frozen=True, kw_only=True):
    """The caller's bank opens a line for a borrower against stock kept at one site."""

    borrower_party_id: str
    site_id: str
    limit_fen: int
    rate: str
    currency: str = "CNY"
    rule: LendingRule = msgspec.field(default_factory=LendingRule)
    facility_id: str | None = None


class SetPrice(Command, frozen=True, kw_only=True):
    """The caller's bank states what one piece of a SKU is worth, on which source and as of when.

    A first price, or one above that in force, waits for `ApprovePrice`; any other counts at once.
    """

    sku: str
    price_fen_each: int
    source: str
    quoted_at: datetime
    currency: str = "CNY"


class ApprovePrice(Command, frozen=True, kw_only=True):
    """Another person of the bank agrees: the price is in force."""

    price_id: str


class RefusePrice(Command, frozen=True, kw_only=True):
    """The bank declines a proposed price, or takes it back; it never counts."""

    price_id: str
    reason: str


class FreezeFacility(Command, frozen=True, kw_only=True):
    """An officer freezes the facility by hand: no drawdown and no release until two people thaw it."""

    facility_id: str
    reason: str


class ProposeThaw(Command, frozen=True, kw_only=True):
    """Say why a frozen facility may be thawed, on evidence newer than the freeze that shows pledged units on
    site, among them each that it was frozen for; none where nothing is pledged.

    `lost_unit_ids` are given up for that reason: pledged units that sensors do not place on site. They need
    no evidence, and once the thaw is approved no pledge counts them any more.
    """

    facility_id: str
    reason: str
    evidence_ids: tuple[str, ...]
    lost_unit_ids: tuple[str, ...] = ()


class ApproveThaw(Command, frozen=True, kw_only=True):
    """Another person of the bank agrees; the facility is open again."""

    thaw_id: str


class RefuseThaw(Command, frozen=True, kw_only=True):
    """The bank declines a proposed thaw, or its proposer takes it back; another may be proposed."""

    thaw_id: str
    reason: str


class FacilityOpened(Event, frozen=True, kw_only=True):
    site_id: str
    facility_id: str
    bank_party_id: str
    borrower_party_id: str
    limit_fen: int
    opened_at: datetime


class FacilityFrozen(Event, frozen=True, kw_only=True):
    """`alarm_id` is None when an officer froze it by hand. `unit_ids` are the pledged units concerned."""

    site_id: str
    facility_id: str
    freeze_id: str
    alarm_id: str | None
    reason_key: str
    unit_ids: tuple[str, ...]
    evidence_ids: tuple[str, ...]
    frozen_at: datetime


class FacilityThawed(Event, frozen=True, kw_only=True):
    site_id: str
    facility_id: str
    thaw_id: str
    evidence_ids: tuple[str, ...]
    thawed_at: datetime


class FacilityRevalued(Event, frozen=True, kw_only=True):
    """The lendable amount or the margin state changed. `margin_state` is ok, warning, call or sell."""

    site_id: str
    facility_id: str
    lendable_fen: int
    debt_fen: int
    margin_state: str
    revalued_at: datetime


# --- pledges -------------------------------------------------------------------------------------


class PledgeReceipt(Command, frozen=True, kw_only=True):
    """The receipt's controller pledges it to the facility's bank. The units are held from this moment."""

    receipt_id: str
    facility_id: str


class ReleasePledge(Command, frozen=True, kw_only=True):
    """The bank gives the receipt back and the hold is lifted; only when the rest still covers the debt."""

    pledge_id: str


class StockPledged(Event, frozen=True, kw_only=True):
    site_id: str
    pledge_id: str
    receipt_id: str
    facility_id: str
    lot_id: str
    unit_ids: tuple[str, ...]
    pledged_at: datetime


class PledgeReleased(Event, frozen=True, kw_only=True):
    site_id: str
    pledge_id: str
    receipt_id: str
    facility_id: str
    lot_id: str
    unit_ids: tuple[str, ...]
    released_at: datetime


# --- loans ---------------------------------------------------------------------------------------


class ProposeDrawdown(Command, frozen=True, kw_only=True):
    """Ask for money under a facility, due with its interest on `maturity_on` (a bullet loan, 利随本清)."""

    facility_id: str
    amount_fen: int
    maturity_on: date
    currency: str = "CNY"


class ApproveDrawdown(Command, frozen=True, kw_only=True):
    """Another person of the bank agrees: everything is checked again under lock and the money is drawn."""

    drawdown_id: str


class RefuseDrawdown(Command, frozen=True, kw_only=True):
    """The bank declines a proposed drawdown."""

    drawdown_id: str
    reason: str


class RepayLoan(Command, frozen=True, kw_only=True):
    """The bank books what it received: interest first, then principal. `paid_on` None means today in the
    bank's zone."""

    loan_id: str
    amount_fen: int
    paid_on: date | None = None
    currency: str = "CNY"


class ReverseRepayment(Command, frozen=True, kw_only=True):
    """Undo the last repayment of a loan by a reversing entry: for money that did not arrive after all."""

    loan_id: str
    entry_id: str
    reason: str


class RunDayEnd(Command, frozen=True, kw_only=True):
    """Close one business date of a bank: accrue every loan through it. Running it again changes nothing."""

    bank_party_id: str
    business_date: date


class DrawdownProposed(Event, frozen=True, kw_only=True):
    site_id: str
    facility_id: str
    drawdown_id: str
    amount_fen: int
    proposed_at: datetime


class DrawdownRefused(Event, frozen=True, kw_only=True):
    site_id: str
    facility_id: str
    drawdown_id: str
    reason: str
    refused_at: datetime


class LoanDrawn(Event, frozen=True, kw_only=True):
    site_id: str
    facility_id: str
    loan_id: str
    drawdown_id: str
    principal_fen: int
    entry_id: str
    drawn_at: datetime


class LoanRepaid(Event, frozen=True, kw_only=True):
    """A repayment was booked. `outstanding_fen` 0 and `interest_due_fen` 0 mean that the loan is settled."""

    site_id: str
    facility_id: str
    loan_id: str
    principal_fen: int
    interest_fen: int
    outstanding_fen: int
    interest_due_fen: int
    entry_id: str
    paid_at: datetime


class RepaymentReversed(Event, frozen=True, kw_only=True):
    site_id: str
    facility_id: str
    loan_id: str
    entry_id: str
    reverses_entry_id: str
    reversed_at: datetime


class DayClosed(Event, frozen=True, kw_only=True):
    bank_party_id: str
    business_date: date
    accrued_fen: int
    loans: int
