"""Re-deriving every unit from its sightings, to compare with the rows as they stand."""

from kernel.audit import Finding, JournalAudit
from kernel.tx import ReadTx
from twin.evidence import store
from twin.evidence.handlers import believe_unit, unit_row
from twin.evidence.model import lot_evidence
from twin.evidence.store import UNIT_COLUMNS
from twin.layout.store import site_map
from twin.presence.model import Track, fold
from twin.presence.store import sightings_after, subjects, tracks

BATCH_TAGS = 500

SITES = "SELECT site_id FROM twin.site ORDER BY site_id"
TAGS = """
    SELECT epc_hex FROM twin.unit
    WHERE site_id = %(site_id)s AND epc_hex > %(after)s ORDER BY epc_hex LIMIT %(limit)s"""
UNITS_OF = "SELECT unit_id FROM twin.unit WHERE site_id = %(site_id)s AND epc_hex = ANY (%(tags)s)"
LOTS = "SELECT lot_id, unit_count_low, unit_count_mid, unit_count_high FROM twin.lot ORDER BY lot_id"


async def audit(read: ReadTx) -> list[JournalAudit]:
    """Fold all sightings of every declared tag from the start and compare tracks, units and lots."""
    entries, findings = 0, list[Finding]()
    for site in await read.rows(SITES):
        after = ""
        while tags := [
            row["epc_hex"]
            for row in await read.rows(
                TAGS, {"site_id": site["site_id"], "after": after, "limit": BATCH_TAGS}
            )
        ]:
            after = tags[-1]
            count, found = await _audit_tags(read, site["site_id"], tags)
            entries, findings = entries + count, findings + found
    findings += await _audit_lots(read)
    return [JournalAudit(journal="twin.sighting", entries=entries, findings=findings)]


async def _audit_tags(read: ReadTx, site_id: str, tags: list[str]) -> tuple[int, list[Finding]]:
    gates = (await site_map(read, site_id)).gates
    declared = await subjects(read, site_id, tags)
    kept = await tracks(read, site_id, tags)
    findings = []
    count = 0
    for tag, sightings in (await sightings_after(read, site_id, dict.fromkeys(tags))).items():
        if not sightings:
            continue
        count += len(sightings)
        track = Track()
        expected = tag in declared and declared[tag]["is_expected"]
        fold(track, sightings, expected_gate_id=min(gates, default=None) if expected else None)
        stands = kept[tag].track if tag in kept else None
        if stands != track:
            findings.append(_finding(tag, "the track is the fold of the sightings", track, stands))
    units = await read.rows(UNITS_OF, {"site_id": site_id, "tags": tags})
    for ground in await store.grounds(read, [row["unit_id"] for row in units]):
        derived = unit_row(believe_unit(ground))
        for column in UNIT_COLUMNS:
            if derived[column] != ground.row[column]:
                rule = f"{column} follows from the track"
                findings.append(_finding(ground.row["unit_id"], rule, derived[column], ground.row[column]))
    return count, findings


async def _audit_lots(read: ReadTx) -> list[Finding]:
    findings = []
    rows = await read.rows(LOTS)
    seen = await store.seen_units(read, [row["lot_id"] for row in rows])
    for row in rows:
        count = lot_evidence(seen[row["lot_id"]]).count
        stands = (row["unit_count_low"], row["unit_count_mid"], row["unit_count_high"])
        if stands != (count.low, count.mid, count.high):
            findings.append(_finding(row["lot_id"], "the count is that of the lot's units", count, stands))
    return findings


def _finding(subject: str, rule: str, expected: object, actual: object) -> Finding:
    return Finding(
        journal="twin.sighting", subject=subject, rule=rule, expected=str(expected), actual=str(actual)
    )
