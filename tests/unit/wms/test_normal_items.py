"""Which codes an item may enter the catalogue under."""

import pytest

from kernel.errors import Invalid
from wms.catalogue.model import SKU_LENGTH_MAX, SKU_RULE, normal_items
from wms.messages import SkuEntry


def an_item(sku: str) -> SkuEntry:
    return SkuEntry(sku=sku, name_en="Item", name_zh="货品", unit_mass_g=100)


@pytest.mark.parametrize(
    "sku", ["15056bl", " 85123A ", "C2", "gift_0001_20", "CU-1/2.5", "铜-1", "9" * SKU_LENGTH_MAX]
)
def test_a_code_without_blanks_and_quotes_is_kept_in_capitals(sku: str) -> None:
    assert [item.sku for item in normal_items([an_item(sku)])] == [sku.strip().upper()]


@pytest.mark.parametrize(
    "sku", ["", "  ", "bad sku!", "A\u3000B", 'A"', "A'", "A“", "A\u200b", "A\n1", "9" * (SKU_LENGTH_MAX + 1)]
)
def test_another_code_is_refused_with_field_and_rule(sku: str) -> None:
    with pytest.raises(Invalid, match=r"catalogue\.item") as refused:
        normal_items([an_item("A"), an_item(sku)])
    assert refused.value.facts == {"field": "items.1.sku", "rule": SKU_RULE}
