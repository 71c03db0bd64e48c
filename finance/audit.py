"""Re-adds the journals of finance from zero and compares them with the rows that claim to be their sum."""

from typing import Any

from finance.ledger import store as ledger_store
from finance.loans import store as loan_store
from finance.receipts import store as receipt_store
from finance.receipts.replay import Standing, replay
from kernel.audit import Finding, JournalAudit
from kernel.errors import Conflict
from kernel.tx import ReadTx, Row

ENCUMBRANCES = "finance.encumbrance"
MONEY = "finance.entry"


async def audit(read: ReadTx) -> list[JournalAudit]:
    """Both journals of finance. `read` must see every party's rows."""
    return [await _encumbrances(read), await _money(read)]


async def _encumbrances(read: ReadTx) -> JournalAudit:
    """Receipts, their live units and live pledges against the journal of their steps."""
    journal = await receipt_store.journal(read)
    try:
        expected = replay(journal)
    except Conflict as broken:
        rule = "each step may follow the one before"
        finding = _differs(ENCUMBRANCES, str(broken.facts["receipt_id"]), rule, "a step of its life", broken)
        return JournalAudit(journal=ENCUMBRANCES, entries=len(journal), findings=[finding])
    actual = {row["receipt_id"]: _standing(row) for row in await receipt_store.standing(read)}
    findings = [
        _differs(ENCUMBRANCES, receipt_id, "the row is the sum of its steps", wanted, found)
        for receipt_id in sorted(expected.keys() | actual.keys())
        if (wanted := expected.get(receipt_id)) != (found := actual.get(receipt_id))
    ]
    doubled = _doubled(expected)
    findings += [
        _differs(ENCUMBRANCES, unit_id, "a unit is under one live receipt", 1, receipts)
        for unit_id, receipts in doubled.items()
    ]
    return JournalAudit(journal=ENCUMBRANCES, entries=len(journal), findings=findings)


def _standing(row: Row) -> Standing:
    return Standing(state=row["state"], live_units=frozenset(row["live_units"]), pledge_id=row["pledge_id"])


def _doubled(standings: dict[str, Standing]) -> dict[str, list[str]]:
    """Units under more than one live receipt, with those receipts."""
    by_unit: dict[str, list[str]] = {}
    for receipt_id, standing in sorted(standings.items()):
        for unit_id in standing.live_units:
            by_unit.setdefault(unit_id, []).append(receipt_id)
    return {unit_id: receipts for unit_id, receipts in sorted(by_unit.items()) if len(receipts) > 1}


async def _money(read: ReadTx) -> JournalAudit:
    """Entries balance, balances are the sum of their postings, loans and facilities are as the books say."""
    findings = [
        _differs(MONEY, row["entry_id"], "debits equal credits and all lines are there", 0, dict(row))
        for row in await ledger_store.unbalanced_entries(read)
    ]
    findings += [
        _differs(
            MONEY, row["account_id"], "balance is the sum of postings", row["posted_fen"], row["balance_fen"]
        )
        for row in await ledger_store.unequal_balances(read)
    ]
    for row in await loan_store.figures(read):
        findings += _facility_findings(row)
    return JournalAudit(journal=MONEY, entries=await ledger_store.count_entries(read), findings=findings)


def _facility_findings(row: Row) -> list[Finding]:
    books = {"principal": row["books_principal_fen"], "interest": row["books_interest_fen"]}
    claims = {
        ("the facility's row", "principal"): row["drawn_fen"],
        ("the facility's row", "interest"): row["interest_fen"],
        ("its loans", "principal"): row["loans_principal_fen"],
        ("its loans", "interest"): row["loans_interest_fen"],
    }
    return [
        _differs(MONEY, row["facility_id"], f"{kind} of {whose} is what the books say", books[kind], claimed)
        for (whose, kind), claimed in claims.items()
        if claimed != books[kind]
    ]


def _differs(journal: str, subject: str, rule: str, expected: Any, actual: Any) -> Finding:
    return Finding(
        journal=journal, subject=subject, rule=rule, expected=_text(expected), actual=_text(actual)
    )


def _text(value: Any) -> str:
    return "none" if value is None else str(value)
