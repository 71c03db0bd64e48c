"""Asks the twin and the book about a lot, at the same moment, and keeps the answer for the screens."""

from finance.receipts import store
from finance.receipts.model import LotEvidence
from kernel.tx import Tx
from twin.api import verified_stock
from twin.messages import VerifiedStock
from wms.api import LotBook, book_of_lot

SEEN_LEVELS = frozenset({"seen", "verified"})
"""A unit that is only claimed, or missing, carries no receipt."""


async def look_at_lot(tx: Tx, lot_id: str) -> tuple[LotEvidence, LotBook]:
    """What sensors and the book say of the lot now. NotFound when neither knows it.

    Locks the lot's kept evidence until the transaction ends, so that of two receipts issued on one lot the
    second counts the first.
    """
    book = await book_of_lot(tx, lot_id)
    evidence = evidence_of(await verified_stock(tx, lot_id), len(book.units))
    await store.keep_evidence(tx, evidence)
    return evidence, book


def evidence_of(verified: VerifiedStock, book_units: int) -> LotEvidence:
    """The twin's answer in the words of receipts; `book_units` is what the book claims beside it."""
    return LotEvidence(
        lot_id=verified.lot_id,
        site_id=verified.site_id,
        book_units=book_units,
        units_low=verified.unit_count_low,
        units_mid=verified.unit_count_mid,
        units_high=verified.unit_count_high,
        mass_low_g=verified.mass_g_low,
        mass_mid_g=verified.mass_g_mid,
        mass_high_g=verified.mass_g_high,
        modalities=dict(verified.modalities),
        as_of=verified.as_of,
        seen_unit_ids=frozenset(unit.unit_id for unit in verified.units if unit.level in SEEN_LEVELS),
    )
