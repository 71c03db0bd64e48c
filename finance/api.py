"""The front door of finance: what viz and the application may call."""

from collections.abc import Awaitable, Callable
from typing import Any

from finance.audit import audit
from finance.collateral.handlers import (
    on_verified_stock_changed,
    pledge_receipt,
    release_pledge,
)
from finance.collateral.pricing import approve_price, refuse_price, set_price
from finance.collateral.views import PledgeStatus, pledge_statuses
from finance.facilities.handlers import open_facility
from finance.freezes.handlers import (
    approve_thaw,
    freeze_facility,
    on_alarm_raised,
    propose_thaw,
    refuse_thaw,
)
from finance.ledger.handlers import days_to_close
from finance.loans.handlers import (
    approve_drawdown,
    close_business_days,
    propose_drawdown,
    refuse_drawdown,
    repay_loan,
    reverse_repayment,
    run_day_end,
)
from finance.messages import (
    ApproveDrawdown,
    ApprovePrice,
    ApproveThaw,
    CancelReceipt,
    FreezeFacility,
    IssueReceipt,
    OpenFacility,
    PledgeReceipt,
    ProposeDrawdown,
    ProposeThaw,
    RefuseDrawdown,
    RefusePrice,
    RefuseThaw,
    ReleasePledge,
    RepayLoan,
    ReverseRepayment,
    RunDayEnd,
    SetPrice,
)
from finance.receipts.handlers import cancel_receipt, issue_receipt, on_shipment_departed
from kernel.messages import Command, Event
from twin.messages import AlarmRaised, VerifiedStockChanged
from wms.messages import ShipmentDeparted

COMMANDS: dict[type[Command], Callable[[Any, Any], Awaitable[Any]]] = {
    IssueReceipt: issue_receipt,
    CancelReceipt: cancel_receipt,
    OpenFacility: open_facility,
    SetPrice: set_price,
    ApprovePrice: approve_price,
    RefusePrice: refuse_price,
    PledgeReceipt: pledge_receipt,
    ReleasePledge: release_pledge,
    FreezeFacility: freeze_facility,
    ProposeThaw: propose_thaw,
    ApproveThaw: approve_thaw,
    RefuseThaw: refuse_thaw,
    ProposeDrawdown: propose_drawdown,
    ApproveDrawdown: approve_drawdown,
    RefuseDrawdown: refuse_drawdown,
    RepayLoan: repay_loan,
    ReverseRepayment: reverse_repayment,
    RunDayEnd: run_day_end,
}
SUBSCRIBERS: dict[type[Event], list[Callable[[Any, Any], Awaitable[None]]]] = {
    AlarmRaised: [on_alarm_raised],
    VerifiedStockChanged: [on_verified_stock_changed],
    ShipmentDeparted: [on_shipment_departed],
}

__all__ = [
    "COMMANDS",
    "SUBSCRIBERS",
    "PledgeStatus",
    "audit",
    "close_business_days",
    "days_to_close",
    "pledge_statuses",
]
