"""SQL of the books."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from finance.ledger.model import Account, Entry, Posting, debit_total_fen
from kernel.tx import ReadTx, Row, Tx

OPEN_ACCOUNT = """
    INSERT INTO finance.account
        (account_id, bank_party_id, party_id, facility_id, kind, side, currency, balance_fen, opened_at)
    VALUES (%(account_id)s, %(bank_party_id)s, %(party_id)s, %(facility_id)s, %(kind)s, %(side)s,
        %(currency)s, 0, %(opened_at)s)
    ON CONFLICT (account_id) DO NOTHING"""
INSERT_ENTRY = """
    INSERT INTO finance.entry
        (entry_id, bank_party_id, facility_id, loan_id, kind, business_date, value_date, at, by_person,
         currency, debit_fen, posting_count, reverses, facts)
    VALUES (%(entry_id)s, %(bank_party_id)s, %(facility_id)s, %(loan_id)s, %(kind)s, %(business_date)s,
        %(value_date)s, %(at)s, %(by_person)s, %(currency)s, %(debit_fen)s, %(posting_count)s, %(reverses)s,
        %(facts)s)"""
INSERT_POSTING = """
    INSERT INTO finance.posting (entry_id, line, account_id, amount_fen)
    VALUES (%(entry_id)s, %(line)s, %(account_id)s, %(amount_fen)s)"""
MOVE_BALANCE = """
    UPDATE finance.account SET balance_fen = balance_fen + %(amount_fen)s
    WHERE account_id = %(account_id)s"""
ONE_ENTRY = "SELECT * FROM finance.entry WHERE entry_id = %(entry_id)s"
REVERSAL_OF = "SELECT entry_id FROM finance.entry WHERE reverses = %(entry_id)s"
POSTINGS = """
    SELECT account_id, amount_fen FROM finance.posting WHERE entry_id = %(entry_id)s ORDER BY line"""
OPEN_DAY = """
    INSERT INTO finance.business_day (bank_party_id, time_zone, business_date)
    VALUES (%(bank_party_id)s, %(time_zone)s, %(business_date)s) ON CONFLICT (bank_party_id) DO NOTHING"""
# Money moves share the day; the day-end takes it alone, so no entry slips into a date being closed.
SHARE_DAY = """
    SELECT business_date, time_zone FROM finance.business_day
    WHERE bank_party_id = %(bank_party_id)s FOR SHARE"""
TAKE_DAY = """
    SELECT business_date, time_zone FROM finance.business_day
    WHERE bank_party_id = %(bank_party_id)s FOR UPDATE"""
SET_DAY = """
    UPDATE finance.business_day SET business_date = %(business_date)s
    WHERE bank_party_id = %(bank_party_id)s"""
OPEN_DAYS = """
    SELECT bank_party_id, business_date, time_zone FROM finance.business_day ORDER BY bank_party_id"""
ACCOUNT_PAGE = """
    SELECT a.account_id, p.name, a.kind, a.side, a.party_id, a.facility_id, a.balance_fen, a.currency
    FROM finance.account a JOIN identity.party p USING (party_id)
    WHERE a.account_id > coalesce(%(cursor)s, '') ORDER BY a.account_id LIMIT %(limit)s"""
ENTRY_PAGE = """
    SELECT e.entry_id, e.at, e.business_date, e.value_date, e.kind, e.loan_id, e.facility_id, e.reverses,
        e.by_person, e.facts
    FROM finance.entry e
    WHERE e.entry_id < coalesce(%(cursor)s, '~')
        AND (%(loan_id)s::text IS NULL OR e.loan_id = %(loan_id)s)
        AND (%(account_id)s::text IS NULL OR EXISTS (
            SELECT FROM finance.posting p WHERE p.entry_id = e.entry_id AND p.account_id = %(account_id)s))
    ORDER BY e.entry_id DESC LIMIT %(limit)s"""
POSTINGS_OF_MANY = """
    SELECT entry_id, account_id, amount_fen FROM finance.posting
    WHERE entry_id = ANY(%(entry_ids)s) ORDER BY entry_id, line"""
UNEQUAL_BALANCES = """
    SELECT a.account_id, a.balance_fen, coalesce(sum(p.amount_fen), 0)::bigint AS posted_fen
    FROM finance.account a LEFT JOIN finance.posting p USING (account_id)
    GROUP BY a.account_id, a.balance_fen HAVING a.balance_fen <> coalesce(sum(p.amount_fen), 0)
    ORDER BY a.account_id"""
UNBALANCED_ENTRIES = """
    SELECT e.entry_id, e.debit_fen, e.posting_count, count(p.line) AS lines,
        coalesce(sum(p.amount_fen), 0)::bigint AS sum_fen,
        coalesce(sum(p.amount_fen) FILTER (WHERE p.amount_fen > 0), 0)::bigint AS debits_fen
    FROM finance.entry e LEFT JOIN finance.posting p USING (entry_id)
    GROUP BY e.entry_id, e.debit_fen, e.posting_count
    HAVING coalesce(sum(p.amount_fen), 0) <> 0 OR count(p.line) <> e.posting_count
        OR coalesce(sum(p.amount_fen) FILTER (WHERE p.amount_fen > 0), 0) <> e.debit_fen
    ORDER BY e.entry_id"""
COUNT_ENTRIES = "SELECT count(*) FROM finance.entry"


async def open_accounts(tx: Tx, accounts: Sequence[Account]) -> None:
    rows = [
        {
            "account_id": account.account_id,
            "bank_party_id": account.bank_party_id,
            "party_id": account.party_id,
            "facility_id": account.facility_id,
            "kind": account.kind,
            "side": account.side,
            "currency": account.currency,
            "opened_at": tx.now,
        }
        for account in accounts
    ]
    await tx.run_many(OPEN_ACCOUNT, rows)


async def insert_entries(tx: Tx, entries: Sequence[Entry]) -> None:
    """Entries and their lines. The deferred trigger looks at them together at commit."""
    await tx.run_many(INSERT_ENTRY, [_entry_row(tx, entry) for entry in entries])
    await tx.run_many(INSERT_POSTING, [line for entry in entries for line in _lines(entry)])


def _entry_row(tx: Tx, entry: Entry) -> dict[str, Any]:
    draft = entry.draft
    return {
        "entry_id": entry.entry_id,
        "bank_party_id": draft.bank_party_id,
        "facility_id": draft.facility_id,
        "loan_id": draft.loan_id,
        "kind": draft.kind,
        "business_date": entry.business_date,
        "value_date": draft.value_date,
        "at": tx.now,
        "by_person": tx.caller.person_id,
        "currency": draft.currency,
        "debit_fen": debit_total_fen(draft.postings),
        "posting_count": len(draft.postings),
        "reverses": draft.reverses,
        "facts": Jsonb(draft.facts),
    }


def _lines(entry: Entry) -> list[dict[str, Any]]:
    return [
        {
            "entry_id": entry.entry_id,
            "line": line,
            "account_id": posting.account_id,
            "amount_fen": posting.amount_fen,
        }
        for line, posting in enumerate(entry.draft.postings, start=1)
    ]


async def move_balances(tx: Tx, net_by_account: dict[str, int]) -> None:
    """Moves each balance, in the order given; the account's own CHECK refuses its wrong side."""
    moves = [
        {"account_id": account_id, "amount_fen": amount_fen}
        for account_id, amount_fen in net_by_account.items()
    ]
    await tx.run_many(MOVE_BALANCE, moves)


async def find_entry(read: ReadTx, entry_id: str) -> Row | None:
    return await read.row(ONE_ENTRY, {"entry_id": entry_id})


async def reversal_of(read: ReadTx, entry_id: str) -> str | None:
    found = await read.value(REVERSAL_OF, {"entry_id": entry_id})
    return None if found is None else str(found)


async def postings_of(read: ReadTx, entry_id: str) -> list[Posting]:
    rows = await read.rows(POSTINGS, {"entry_id": entry_id})
    return [Posting(account_id=row["account_id"], amount_fen=row["amount_fen"]) for row in rows]


async def account_page(read: ReadTx, cursor: str | None, limit: int) -> list[Row]:
    return await read.rows(ACCOUNT_PAGE, {"cursor": cursor, "limit": limit})


async def entry_page(
    read: ReadTx, account_id: str | None, loan_id: str | None, cursor: str | None, limit: int
) -> list[Row]:
    wanted = {"account_id": account_id, "loan_id": loan_id, "cursor": cursor, "limit": limit}
    return await read.rows(ENTRY_PAGE, wanted)


async def postings_of_many(read: ReadTx, entry_ids: Sequence[str]) -> dict[str, list[Row]]:
    """Per entry its lines, in order."""
    found: dict[str, list[Row]] = {entry_id: [] for entry_id in entry_ids}
    for row in await read.rows(POSTINGS_OF_MANY, {"entry_ids": list(entry_ids)}):
        found[row["entry_id"]].append(row)
    return found


async def unequal_balances(read: ReadTx) -> list[Row]:
    """Accounts whose balance is not the sum of their postings."""
    return await read.rows(UNEQUAL_BALANCES)


async def unbalanced_entries(read: ReadTx) -> list[Row]:
    """Entries whose lines do not sum to zero, or are not the lines they say they have."""
    return await read.rows(UNBALANCED_ENTRIES)


async def count_entries(read: ReadTx) -> int:
    return int(await read.value(COUNT_ENTRIES))


async def open_day(tx: Tx, bank_party_id: str, time_zone: str, business_date: date) -> None:
    row = {"bank_party_id": bank_party_id, "time_zone": time_zone, "business_date": business_date}
    await tx.run(OPEN_DAY, row)


async def share_day(tx: Tx, bank_party_id: str) -> Row | None:
    return await tx.row(SHARE_DAY, {"bank_party_id": bank_party_id})


async def take_day(tx: Tx, bank_party_id: str) -> Row | None:
    return await tx.row(TAKE_DAY, {"bank_party_id": bank_party_id})


async def set_day(tx: Tx, bank_party_id: str, business_date: date) -> None:
    await tx.run(SET_DAY, {"bank_party_id": bank_party_id, "business_date": business_date})


async def open_days(tx: ReadTx) -> list[Row]:
    return await tx.rows(OPEN_DAYS)
