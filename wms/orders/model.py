"""Order review as pure functions over rules that are data, and the state an order's lines put it in.

Every rule looks at every line; one failing rule never hides another. A replay of the same order under the
same rule versions gives the same outcome.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from kernel.errors import Invalid
from wms.messages import ORDER_LINES_MAX, OrderState

DESK = "desk"
"""The source of orders that people place; imported orders have the name of their file."""
REFERENCE_LENGTH_MAX = 60
CUSTOMER_LENGTH_MAX = 200
WITHDRAWN = "orders.row.withdrawn"

Content = tuple[str, int, int | None, str]
LineState = Literal["refused", "waiting", "short", "allocated", "picked", "shipped"]
Facts = dict[str, Any]


class DraftLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it came. `row_number` and `price_milli` only when it came from a file."""

    line_no: int
    sku: str
    quantity_each: int
    lot_id: str | None = None
    unit_ids: tuple[str, ...] = ()
    row_number: int | None = None
    price_milli: int | None = None
    description: str = ""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it came, before review."""

    reference: str
    customer: str
    source: str
    lines: tuple[DraftLine, ...]

    def digest(self) -> str:
        """SHA-256 by which the same order is recognised when it is sent again."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a rule. `outcome` is what happens to a line that it finds."""

    rule: str
    version: int
    priority: int
    outcome: Literal["refuse", "hold"]
    parameters: dict[str, Any]


class Reason(NamedTuple):
    """Why a line does not simply flow. `key` is a text key."""

    line_no: int
    key: str
    outcome: Literal["refuse", "hold"]
    facts: Facts


class RuleResult(NamedTuple):
    """What one rule said about the order as a whole, kept for good."""

    rule: str
    version: int
    outcome: Literal["pass", "refuse", "hold"]
    inputs: Facts


class Review(NamedTuple):
    """`reasons` in order of priority: the first of a line is the one it is counted under."""

    state: OrderState
    results: list[RuleResult]
    reasons: list[Reason]

    @property
    def refused_lines(self) -> set[int]:
        return {reason.line_no for reason in self.reasons if reason.outcome == "refuse"}


class Known(NamedTuple):
    """What rules may look up besides the order: the catalogue's items among the wanted ones, and the first
    line of each content of the order (`first_lines`)."""

    skus: Collection[str]
    first_lines: Mapping[Content, DraftLine] = {}


Finder = Callable[[Draft, DraftLine, Facts, Known], Facts | None]
"""The facts when the line is what the rule looks for, None otherwise."""


def _is_junk(line: DraftLine, parameters: Facts) -> bool:
    return line.sku in parameters["codes"]


def _junk_code(_order: Draft, line: DraftLine, parameters: Facts, _known: Known) -> Facts | None:
    """Postage, bank charges, samples: rows that name no goods."""
    return {"sku": line.sku} if _is_junk(line, parameters) else None


def _is_credit_note(order: Draft, parameters: Facts) -> bool:
    return order.source != DESK and order.reference.upper().startswith(parameters["reference_prefix"])


def _return(order: Draft, line: DraftLine, parameters: Facts, _known: Known) -> Facts | None:
    """Goods that came back: a negative quantity on a credit note."""
    found = _is_credit_note(order, parameters) and line.quantity_each < 0
    return {"quantity_each": line.quantity_each} if found else None


def _cancellation(order: Draft, line: DraftLine, parameters: Facts, _known: Known) -> Facts | None:
    """The rest of a credit note."""
    found = _is_credit_note(order, parameters) and line.quantity_each >= 0
    return {"reference": order.reference} if found else None


def _bad_quantity(order: Draft, line: DraftLine, parameters: Facts, _known: Known) -> Facts | None:
    """No quantity that can be sent. Negative rows of credit notes are returns, not this."""
    if line.quantity_each > parameters["each_max"]:
        return {"quantity_each": line.quantity_each, "each_max": parameters["each_max"]}
    found = line.quantity_each <= 0 and not _is_credit_note(order, parameters)
    return {"quantity_each": line.quantity_each} if found else None


def _no_price(_order: Draft, line: DraftLine, _parameters: Facts, _known: Known) -> Facts | None:
    return (
        {"price_milli": line.price_milli} if line.price_milli is not None and line.price_milli <= 0 else None
    )


def _no_customer(order: Draft, _line: DraftLine, _parameters: Facts, _known: Known) -> Facts | None:
    return {} if not order.customer.strip() else None


def _unknown_sku(_order: Draft, line: DraftLine, _parameters: Facts, known: Known) -> Facts | None:
    return {"sku": line.sku} if line.sku not in known.skus else None


def _duplicate(_order: Draft, line: DraftLine, _parameters: Facts, known: Known) -> Facts | None:
    """A row of a file that says exactly what an earlier row of the same invoice said."""
    first = known.first_lines.get(_content(line), line)
    if line.row_number is None or first.line_no == line.line_no:
        return None
    return {"same_as_row": first.row_number}


def _content(line: DraftLine) -> Content:
    return line.sku, line.quantity_each, line.price_milli, line.description


def _first_lines(order: Draft) -> dict[Content, DraftLine]:
    first: dict[Content, DraftLine] = {}
    for line in order.lines:
        first.setdefault(_content(line), line)
    return first


def _large_quantity(_order: Draft, line: DraftLine, parameters: Facts, _known: Known) -> Facts | None:
    """More than anybody usually orders: a person looks first."""
    found = line.quantity_each > parameters["each_max"]
    return {"quantity_each": line.quantity_each, "each_max": parameters["each_max"]} if found else None


FINDERS: dict[str, Finder] = {
    "junk_code": _junk_code,
    "return": _return,
    "cancellation": _cancellation,
    "bad_quantity": _bad_quantity,
    "no_price": _no_price,
    "no_customer": _no_customer,
    "unknown_sku": _unknown_sku,
    "duplicate": _duplicate,
    "large_quantity": _large_quantity,
}
"""What each rule looks for; which of them apply, and with which parameters, is data."""


def review(order: Draft, rules: Sequence[Rule], known: Known) -> Review:
    """Ask every rule about every line. Reasons come in order of the rules' priority."""
    known = known._replace(first_lines=_first_lines(order))
    reasons: list[Reason] = []
    results: list[RuleResult] = []
    for rule in sorted(rules, key=lambda rule: (rule.priority, rule.rule)):
        found = [
            Reason(line.line_no, f"orders.row.{rule.rule}", rule.outcome, facts)
            for line in order.lines
            if (facts := FINDERS[rule.rule](order, line, rule.parameters, known)) is not None
        ]
        reasons += found
        inputs = {"lines": len(order.lines), "found_lines": [reason.line_no for reason in found]}
        results.append(RuleResult(rule.rule, rule.version, rule.outcome if found else "pass", inputs))
    return Review(_state_after(order, reasons), results, reasons)


def _state_after(order: Draft, reasons: Sequence[Reason]) -> OrderState:
    refused = {reason.line_no for reason in reasons if reason.outcome == "refuse"}
    if len(refused) == len(order.lines):
        return "refused"
    held = {reason.line_no for reason in reasons if reason.outcome == "hold"}
    return "held" if held - refused else "received"


class Progress(NamedTuple):
    """How far a line that may flow has come; whole pieces."""

    quantity_each: int
    reserved_each: int
    picked_each: int
    shipped_each: int


def order_state(lines: Sequence[Progress]) -> OrderState:
    """The state of an order that passed review, from its flowing lines. `short` is a partial promise, or
    what is ready while more is still wanted."""
    wanted, reserved, picked, shipped = (sum(column) for column in zip(*lines, strict=True))
    if shipped == wanted:
        return "shipped"
    if reserved and picked:
        return "picking"
    complete = reserved + picked + shipped == wanted
    if reserved:
        return "allocated" if complete else "short"
    if picked:
        return "ready" if complete else "short"
    return "short" if shipped else "received"


def require_draft(draft: Draft) -> None:
    """Raise Invalid naming field and rule for an order that cannot even be reviewed."""
    if not 1 <= len(draft.reference.strip()) <= REFERENCE_LENGTH_MAX:
        raise Invalid("orders.reference", field="reference", rule=f"1 to {REFERENCE_LENGTH_MAX} characters")
    if len(draft.customer) > CUSTOMER_LENGTH_MAX:
        raise Invalid("orders.customer", field="customer", rule=f"at most {CUSTOMER_LENGTH_MAX} characters")
    if not 1 <= len(draft.lines) <= ORDER_LINES_MAX:
        raise Invalid("orders.lines", field="lines", rule=f"1 to {ORDER_LINES_MAX} lines")
