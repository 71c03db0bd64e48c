"""The audit finds what was tampered with, and every table of finance is closed to strangers."""

import pytest

from app.database import PgTx
from finance.api import audit
from finance.messages import RefusePrice, SetPrice
from tests.store.finance.conftest import BANK, SKU, Story
from tests.store.finance.test_lending import audited, drawn

TAMPERED = [
    ("UPDATE finance.facility SET drawn_fen = drawn_fen + 1", "principal of the facility's row"),
    ("UPDATE finance.loan SET outstanding_fen = outstanding_fen - 1", "principal of its loans"),
    (
        "UPDATE finance.account SET balance_fen = balance_fen + 1 WHERE kind = 'loan_principal'",
        "balance is the sum of postings",
    ),
    (
        "UPDATE finance.receipt SET state = 'issued' WHERE state = 'pledged'",
        "the row is the sum of its steps",
    ),
    (
        "UPDATE finance.receipt_unit SET live = false",
        "the row is the sum of its steps",
    ),
    (
        "UPDATE finance.pledge SET released_at = pledged_at, released_by = 'nobody'",
        "the row is the sum of its steps",
    ),
    (
        "INSERT INTO finance.encumbrance (receipt_id, step, kind, at, by_person, by_party, unit_ids, facts)"
        " SELECT receipt_id, 9, 'cancelled', issued_at, 'x', 'x', '{}', '{}' FROM finance.receipt",
        "each step may follow the one before",
    ),
]


@pytest.mark.parametrize(("statement", "rule"), TAMPERED)
async def test_a_row_that_was_tampered_with_is_found(story: Story, statement: str, rule: str) -> None:
    lot, facility_id = await story.receive(2), await story.facility()
    await story.pledged(lot, facility_id)
    await drawn(story, facility_id, 100_000)
    await audited(story)
    assert await story.tx.run(statement) > 0
    findings = [finding for journal in await audit(story.tx) for finding in journal.findings]
    assert any(finding.rule.startswith(rule) for finding in findings), findings


async def test_every_table_of_finance_has_row_level_security_that_binds_its_owner_too(tx: PgTx) -> None:
    open_tables = await tx.rows(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'finance' AND c.relkind IN ('r', 'p')"
        " AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
    )
    assert open_tables == []


async def test_a_stranger_reads_no_row_of_any_table(story: Story) -> None:
    lot, facility_id = await story.receive(2), await story.facility()
    await story.pledged(lot, facility_id)
    await drawn(story, facility_id, 100_000)
    dearer = SetPrice(sku=SKU, price_fen_each=10**6, source="Exchange", quoted_at=story.clock.now())
    proposed = await story.do(dearer, BANK, "officer-a")
    await story.do(RefusePrice(price_id=proposed.price_id, reason="Too dear."), BANK, "approver-a")
    tables = await story.tx.rows(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'finance' AND c.relkind = 'r'"
        " AND has_table_privilege('tallyhouse_read', c.oid, 'SELECT') ORDER BY 1"
    )
    assert len(tables) >= 14

    async def rows_seen(read: PgTx) -> dict[str, int]:
        names = [row["relname"] for row in tables]
        return {name: await read.value(f"SELECT count(*) FROM finance.{name}") for name in names}

    for party_id in ("owner-p", "bank-b", "nobody"):
        seen = await story.read(party_id, rows_seen, "officer")
        assert set(seen.values()) == {0}, (party_id, seen)
    seen = await story.read("bank-a", rows_seen, "officer")
    empty = {name for name, count in seen.items() if count == 0}
    assert empty == {"freeze", "thaw", "lost_unit"}
