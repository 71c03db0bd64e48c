"""SQL of a facility's page."""

from collections.abc import Sequence

from kernel.tx import ReadTx, Row

VIEW = """
    SELECT f.facility_id, f.bank_party_id, b.name AS bank_name, f.borrower_party_id, o.name AS borrower_name,
        f.site_id, coalesce(f.site_name_en, f.site_id) AS site_name_en,
        coalesce(f.site_name_zh, f.site_id) AS site_name_zh, f.limit_fen, f.currency, f.rate, f.rule, f.state,
        f.drawn_fen, f.interest_fen, f.lendable_fen, f.margin_state, f.opened_at
    FROM finance.facility f
    JOIN identity.party b ON b.party_id = f.bank_party_id
    JOIN identity.party o ON o.party_id = f.borrower_party_id"""
PAGE = f"""{VIEW}
    WHERE f.facility_id < coalesce(%(cursor)s, '~') ORDER BY f.facility_id DESC LIMIT %(limit)s"""
ONE = f"{VIEW} WHERE f.facility_id = %(facility_id)s"
HISTORY_MAX = 500
HISTORY = f"""
    SELECT at, kind, by_person, facts FROM finance.facility_event
    WHERE facility_id = %(facility_id)s ORDER BY facility_event_id DESC LIMIT {HISTORY_MAX}"""  # noqa: S608
RECEIPTS = """
    SELECT DISTINCT receipt_id FROM finance.pledge
    WHERE facility_id = %(facility_id)s AND released_at IS NULL"""
PRICES = """
    SELECT DISTINCT ON (bank_party_id, currency, sku)
        bank_party_id, currency, sku, price_fen_each, source, quoted_at
    FROM finance.price_in_force WHERE bank_party_id = ANY(%(bank_party_ids)s) AND sku = ANY(%(skus)s)
    ORDER BY bank_party_id, currency, sku, quoted_at DESC, set_at DESC, price_id DESC"""


async def page(read: ReadTx, cursor: str | None, limit: int) -> list[Row]:
    """Facilities that the reader may see, newest first; the cursor is the id of the last one shown."""
    return await read.rows(PAGE, {"cursor": cursor, "limit": limit})


async def one(read: ReadTx, facility_id: str) -> Row | None:
    return await read.row(ONE, {"facility_id": facility_id})


async def history(read: ReadTx, facility_id: str) -> list[Row]:
    """Newest first, at most `HISTORY_MAX`."""
    return await read.rows(HISTORY, {"facility_id": facility_id})


async def pledged_receipts(read: ReadTx, facility_id: str) -> list[str]:
    rows = await read.rows(RECEIPTS, {"facility_id": facility_id})
    return [str(row["receipt_id"]) for row in rows]


async def prices(read: ReadTx, bank_party_ids: Sequence[str], skus: Sequence[str]) -> list[Row]:
    """The latest price in force of each bank, currency and SKU that the reader may see."""
    return await read.rows(PRICES, {"bank_party_ids": list(bank_party_ids), "skus": list(skus)})
