"""Order review: every rule looks at every line, and all reasons are kept."""

from typing import Any

import pytest

from kernel.errors import Invalid
from wms.orders.model import Draft, DraftLine, Known, Progress, Rule, order_state, require_draft, review

RULES = [
    Rule(rule="junk_code", version=1, priority=10, outcome="refuse", parameters={"codes": ["POST", "M"]}),
    Rule(rule="return", version=1, priority=20, outcome="refuse", parameters={"reference_prefix": "C"}),
    Rule(rule="cancellation", version=1, priority=30, outcome="refuse", parameters={"reference_prefix": "C"}),
    Rule(
        rule="bad_quantity",
        version=2,
        priority=40,
        outcome="refuse",
        parameters={"each_max": 1000, "reference_prefix": "C"},
    ),
    Rule(rule="no_price", version=1, priority=50, outcome="refuse", parameters={}),
    Rule(rule="no_customer", version=1, priority=60, outcome="refuse", parameters={}),
    Rule(rule="unknown_sku", version=1, priority=70, outcome="refuse", parameters={}),
    Rule(rule="duplicate", version=1, priority=80, outcome="refuse", parameters={}),
    Rule(rule="large_quantity", version=1, priority=90, outcome="hold", parameters={"each_max": 500}),
]
KNOWN = Known(frozenset({"85123A", "71053"}))


def a_row(line_no: int = 1, **changes: Any) -> DraftLine:
    row: dict[str, Any] = {"sku": "85123A", "quantity_each": 6, "price_milli": 2550, "description": "HOLDER"}
    return DraftLine(line_no=line_no, row_number=line_no, **{**row, **changes})


def an_invoice(*rows: DraftLine, reference: str = "536365", customer: str = "17850") -> Draft:
    return Draft(reference=reference, customer=customer, source="sales.csv", lines=rows)


def keys(order: Draft, line_no: int = 1) -> list[str]:
    found = review(order, RULES, KNOWN).reasons
    return [reason.key.removeprefix("orders.row.") for reason in found if reason.line_no == line_no]


def test_a_sound_invoice_flows() -> None:
    result = review(an_invoice(a_row(1), a_row(2, sku="71053")), RULES, KNOWN)
    assert (result.state, result.reasons) == ("received", [])


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (an_invoice(a_row(sku="POST")), ["junk_code", "unknown_sku"]),
        (an_invoice(a_row(quantity_each=-2), reference="C536379"), ["return"]),
        (an_invoice(a_row(quantity_each=1), reference="C536379"), ["cancellation"]),
        (an_invoice(a_row(quantity_each=-10, price_milli=0)), ["bad_quantity", "no_price"]),
        (an_invoice(a_row(quantity_each=0)), ["bad_quantity"]),
        (an_invoice(a_row(quantity_each=1001)), ["bad_quantity", "large_quantity"]),
        (an_invoice(a_row(), customer=" "), ["no_customer"]),
        (an_invoice(a_row(sku="NOSUCH")), ["unknown_sku"]),
        (an_invoice(a_row(quantity_each=501)), ["large_quantity"]),
    ],
)
def test_all_reasons_of_a_row_are_listed_by_priority(order: Draft, expected: list[str]) -> None:
    assert keys(order) == expected


def test_the_second_of_two_equal_rows_is_the_duplicate() -> None:
    order = an_invoice(a_row(1), a_row(2, sku="71053"), a_row(3))
    assert (keys(order, 1), keys(order, 3)) == ([], ["duplicate"])
    found = [reason.facts for reason in review(order, RULES, KNOWN).reasons]
    assert found == [{"same_as_row": 1}]


def test_equal_rows_of_a_desk_order_are_two_wishes() -> None:
    lines = tuple(DraftLine(line_no=number, sku="85123A", quantity_each=6) for number in (1, 2))
    order = Draft(reference="A-1", customer="shop", source="desk", lines=lines)
    assert review(order, RULES, KNOWN).state == "received"


def test_a_desk_order_whose_reference_starts_with_c_is_no_credit_note() -> None:
    line = DraftLine(line_no=1, sku="85123A", quantity_each=6)
    order = Draft(reference="C-17", customer="shop", source="desk", lines=(line,))
    assert review(order, RULES, KNOWN).state == "received"


def test_an_order_is_refused_only_when_no_line_may_flow() -> None:
    junk = a_row(2, sku="POST")
    assert review(an_invoice(a_row(1), junk), RULES, KNOWN).state == "received"
    assert review(an_invoice(a_row(1, quantity_each=0), junk), RULES, KNOWN).state == "refused"


def test_a_held_line_holds_the_order_unless_the_line_is_refused_anyway() -> None:
    held, refused_too = a_row(1, quantity_each=501), a_row(1, quantity_each=1001)
    assert review(an_invoice(held, a_row(2)), RULES, KNOWN).state == "held"
    assert review(an_invoice(refused_too, a_row(2)), RULES, KNOWN).state == "received"


def test_every_rule_is_kept_with_its_version_and_what_it_found() -> None:
    results = review(an_invoice(a_row(quantity_each=0)), RULES, KNOWN).results
    assert [(result.rule, result.version, result.outcome) for result in results][3] == (
        "bad_quantity",
        2,
        "refuse",
    )
    assert results[3].inputs == {"lines": 1, "found_lines": [1]}
    assert len(results) == len(RULES)


def test_another_parameter_is_another_outcome_of_the_same_order() -> None:
    order = an_invoice(a_row(quantity_each=501))
    calmer = [rule for rule in RULES if rule.rule != "large_quantity"]
    assert (review(order, RULES, KNOWN).state, review(order, calmer, KNOWN).state) == ("held", "received")


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        ([Progress(10, 0, 0, 0)], "received"),
        ([Progress(10, 4, 0, 0)], "short"),
        ([Progress(10, 10, 0, 0), Progress(2, 0, 0, 0)], "short"),
        ([Progress(10, 10, 0, 0)], "allocated"),
        ([Progress(10, 6, 4, 0)], "picking"),
        ([Progress(10, 0, 10, 0)], "ready"),
        ([Progress(10, 0, 4, 0)], "short"),
        ([Progress(10, 0, 0, 10)], "shipped"),
        ([Progress(10, 0, 0, 4)], "short"),
        ([Progress(10, 0, 6, 4)], "ready"),
    ],
)
def test_the_state_of_an_order_follows_from_its_lines(lines: list[Progress], state: str) -> None:
    assert order_state(lines) == state


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (an_invoice(a_row(), reference=" "), "reference"),
        (an_invoice(a_row(), customer="x" * 201), "customer"),
        (an_invoice(), "lines"),
    ],
)
def test_an_order_that_cannot_be_reviewed_names_the_field(draft: Draft, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        require_draft(draft)
    assert refused.value.facts["field"] == field
