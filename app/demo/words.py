"""Names of firms and what people wrote, in the language of whoever starts the demonstration.

They stand on the pages as they were entered, in whichever language a page is; so all are of one language.
"""

import msgspec

from app.texts import Locale


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """`parties` by their ids; the rest is what a person enters in a form."""

    parties: dict[str, str]
    price_source: str
    fee_terms: str
    insurance: str


WORDS: dict[Locale, Words] = {
    "en": Words(
        parties={
            "keeper-demo": "Demonstration warehouse keeper",
            "owner-a": "Owner A",
            "owner-b": "Owner B",
            "owner-c": "Owner C",
            "bank-a": "Bank A",
            "bank-b": "Bank B",
        },
        price_source="Demonstration price",
        fee_terms="0.50 CNY per tonne and day",
        insurance="All risks, 110 % of value",
    ),
    "zh": Words(
        parties={
            "keeper-demo": "演示仓储",
            "owner-a": "货主甲",
            "owner-b": "货主乙",
            "owner-c": "货主丙",
            "bank-a": "银行甲",
            "bank-b": "银行乙",
        },
        price_source="演示价格",
        fee_terms="每吨每日0.50元",
        insurance="一切险，保额为货值110%",
    ),
}
