"""`tallyhouse audit`: re-adds every journal from zero and compares with the balances kept beside it."""

from collections.abc import Awaitable, Callable, Sequence

import psycopg
from psycopg.rows import dict_row

from app.database import PgTx
from kernel.audit import JournalAudit
from kernel.caller import Caller
from kernel.clock import Clock
from kernel.errors import NotFound
from kernel.ids import Ids
from kernel.tx import ReadTx

Audit = Callable[[ReadTx], Awaitable[list[JournalAudit]]]

# One snapshot for all journals, taken while the product goes on working.
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


async def audit(
    app_dsn: str, clock: Clock, audits: Sequence[Audit], journal: str | None = None
) -> list[JournalAudit]:
    """The result of every journal, or of the one named `journal`; NotFound when there is none such."""
    results: list[JournalAudit] = []
    connection = await psycopg.AsyncConnection.connect(app_dsn, row_factory=dict_row)
    async with connection:
        await connection.execute(SNAPSHOT.encode())
        tx = PgTx(connection, Caller.product("audit"), clock.now(), Ids.unguessable(clock))
        await tx.begin_as("tallyhouse_command")
        for one in audits:
            results += await one(tx)
    wanted = [result for result in results if journal in (None, result.journal)]
    if journal is not None and not wanted:
        raise NotFound("audit.journal", journal=journal, known=sorted(result.journal for result in results))
    return wanted


def audit_text(results: Sequence[JournalAudit]) -> str:
    """For people: a line for each journal and for each finding."""
    lines = []
    for result in results:
        verdict = "agrees" if not result.findings else f"{len(result.findings)} findings"
        lines.append(f"{result.journal}: {result.entries} entries, {verdict}")
        lines += [
            f"  {finding.subject}: {finding.rule}: expected {finding.expected}, found {finding.actual}"
            for finding in result.findings
        ]
    return "\n".join(lines)
