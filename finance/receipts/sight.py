"""Asks the twin and the book about a lot, at the same moment, and keeps the answer for the screens."""

from collections.abc import Sequence

from finance.receipts import store
from finance.receipts.model import LotEvidence, SeenUnit
from kernel.tx import Tx
from twin.api import unit_states, verified_stock
from twin.messages import UnitState, VerifiedStock
from wms.api import LotBook, book_of_lot, known_skus


async def look_at_lot(tx: Tx, lot_id: str) -> tuple[LotEvidence, LotBook]:
    """What sensors and the book say of the lot now. NotFound when neither knows it.

    Locks the lot's kept evidence until the transaction ends, so that of two receipts issued on one lot the
    second counts the first.
    """
    book = await book_of_lot(tx, lot_id)
    verified = await verified_stock(tx, lot_id)
    states = await unit_states(tx, [unit.unit_id for unit in verified.units])
    piece_mass_g = (await known_skus(tx, [book.sku])).get(book.sku, 0)
    evidence = evidence_of(verified, states, book, piece_mass_g)
    await store.keep_evidence(tx, evidence)
    return evidence, book


def evidence_of(
    verified: VerifiedStock, states: Sequence[UnitState], book: LotBook, piece_mass_g: int
) -> LotEvidence:
    """The twin's answer in the words of receipts, with what book and catalogue claim beside it.

    `states` are those of the lot's units: they know what each was received with.
    """
    received = {state.unit_id: state.quantity_each for state in states}
    in_book = {unit.unit_id: unit.quantity_each for unit in book.units}
    return LotEvidence(
        lot_id=verified.lot_id,
        site_id=verified.site_id,
        book_units=len(book.units),
        units_low=verified.unit_count_low,
        units_mid=verified.unit_count_mid,
        units_high=verified.unit_count_high,
        mass_low_g=verified.mass_g_low,
        mass_mid_g=verified.mass_g_mid,
        mass_high_g=verified.mass_g_high,
        modalities=dict(verified.modalities),
        as_of=verified.as_of,
        piece_mass_g=piece_mass_g,
        units={
            unit.unit_id: SeenUnit(
                modalities=dict(unit.modalities),
                mass_g=unit.mass_g,
                received_each=received.get(unit.unit_id, 0),
                book_each=in_book.get(unit.unit_id, 0),
            )
            for unit in verified.units
            if unit.modalities or unit.unit_id in in_book
        },
    )
