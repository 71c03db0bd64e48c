"""Re-adding the journal of observations from zero. Runs as the product: observations have no row policies."""

from kernel.audit import Finding, JournalAudit
from kernel.messages import CONTENT_BOOT_BASE
from kernel.tx import ReadTx, Row

# Positions of each site must be 1..n without a hole, and n the journal's own figure.
POSITIONS = """
    SELECT coalesce(j.site_id, o.site_id) AS site_id, j.position AS stated, coalesce(o.entries, 0) AS entries,
        coalesce(o.first, 1) AS first, coalesce(o.last, 0) AS last
    FROM devices.journal j
    FULL JOIN (
        SELECT site_id, count(DISTINCT position) AS entries, min(position) AS first, max(position) AS last
        FROM devices.observation GROUP BY site_id
    ) o USING (site_id)
    ORDER BY 1"""
# Every numbered journal entry is settled; whatever else is settled lies in quarantine.
WATERMARKS = """
    WITH journal AS (
        SELECT device_id, boot, range_agg(int8range(sequence, sequence, '[]')) AS numbers
        FROM devices.observation WHERE boot < %(content)s GROUP BY device_id, boot
    ), aside AS (
        SELECT device_id, boot, range_agg(int8range(sequence, sequence, '[]')) AS numbers
        FROM devices.quarantine WHERE boot < %(content)s AND sequence IS NOT NULL GROUP BY device_id, boot
    )
    SELECT coalesce(w.device_id, j.device_id) AS device_id, coalesce(w.boot, j.boot) AS boot,
        w.settled::text AS settled, w.acked_through, w.max_sequence,
        coalesce(j.numbers, '{}')::text AS journal,
        coalesce(w.settled, '{}') @> coalesce(j.numbers, '{}') AS covered,
        coalesce(w.settled, '{}') - coalesce(j.numbers, '{}') <@ coalesce(a.numbers, '{}') AS accounted,
        coalesce(upper(w.settled) - 1, 0) AS last,
        coalesce((
            SELECT upper(span) - 1 FROM unnest(w.settled) AS span WHERE lower(span) = 1
        ), 0) AS through
    FROM devices.watermark w
    FULL JOIN journal j ON (j.device_id, j.boot) = (w.device_id, w.boot)
    LEFT JOIN aside a
        ON (a.device_id, a.boot) = (coalesce(w.device_id, j.device_id), coalesce(w.boot, j.boot))
    ORDER BY 1, 2"""
# One identity stands once, though the key of the partitioned table includes the time.
TWICE = """
    SELECT device_id, boot, sequence, count(*) AS times FROM devices.observation
    GROUP BY device_id, boot, sequence HAVING count(*) > 1 ORDER BY 1, 2, 3"""

JOURNAL = "observations"


async def audit(read: ReadTx) -> list[JournalAudit]:
    """Positions contiguous, each identity once, watermarks as the journal and quarantine say."""
    positions = await read.rows(POSITIONS)
    findings = [found for row in positions for found in _position_findings(row)]
    watermarks = await read.rows(WATERMARKS, {"content": CONTENT_BOOT_BASE})
    findings += [found for row in watermarks for found in _watermark_findings(row)]
    findings += [
        _finding(f"{row['device_id']}:{row['boot']}:{row['sequence']}", "stored once", 1, row["times"])
        for row in await read.rows(TWICE)
    ]
    entries = sum(row["entries"] for row in positions)
    return [JournalAudit(journal=JOURNAL, entries=entries, findings=findings)]


def _finding(subject: str, rule: str, expected: object, actual: object) -> Finding:
    return Finding(journal=JOURNAL, subject=subject, rule=rule, expected=str(expected), actual=str(actual))


def _position_findings(row: Row) -> list[Finding]:
    site_id, found = row["site_id"], []
    if row["stated"] != row["entries"]:
        found.append(_finding(site_id, "as many entries as positions", row["stated"], row["entries"]))
    if (row["first"], row["last"]) != (1, row["entries"]):
        found.append(
            _finding(
                site_id, "positions from 1 without a hole", row["entries"], f"{row['first']}..{row['last']}"
            )
        )
    return found


def _watermark_findings(row: Row) -> list[Finding]:
    subject, found = f"{row['device_id']}:{row['boot']}", []
    if not row["covered"]:
        found.append(_finding(subject, "every entry is settled", row["journal"], row["settled"]))
    if not row["accounted"]:
        found.append(_finding(subject, "what is settled is kept", row["settled"], row["journal"]))
    if row["covered"] and (row["through"], row["last"]) != (row["acked_through"], row["max_sequence"]):
        found.append(
            _finding(
                subject,
                "acknowledged through and last number",
                f"{row['through']}, {row['last']}",
                f"{row['acked_through']}, {row['max_sequence']}",
            )
        )
    return found
