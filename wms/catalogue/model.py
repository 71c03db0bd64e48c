"""What an item of the catalogue may look like."""

from collections.abc import Iterable

import msgspec

from kernel.errors import Invalid
from wms.messages import SKUS_MAX, SkuEntry

SKU_LENGTH_MAX = 32
SKU_RULE = f"1 to {SKU_LENGTH_MAX} characters without blanks or quotes"
NOT_IN_SKU = frozenset(" \"'`“”‘’")
NAME_LENGTH_MAX = 200
UNIT_MASS_G_MAX = 10_000_000


def normal_sku(sku: str) -> str:
    """The code as it is kept: without outer blanks, in capitals (files write `15056bl` and `15056BL`)."""
    return sku.strip().upper()


def is_sku(sku: str) -> bool:
    """Whether a code, as it is kept, keeps `SKU_RULE`; characters that are not seen are none either."""
    return 1 <= len(sku) <= SKU_LENGTH_MAX and sku.isprintable() and NOT_IN_SKU.isdisjoint(sku)


def normal_items(items: Iterable[SkuEntry]) -> list[SkuEntry]:
    """The entries as they are kept, sorted by code. Raises Invalid naming item, field and rule."""
    kept: dict[str, SkuEntry] = {}
    for index, item in enumerate(items):
        sku = normal_sku(item.sku)
        _require(is_sku(sku), index, "sku", SKU_RULE)
        _require(sku not in kept, index, "sku", "once in a command")
        for field, name in (("name_en", item.name_en), ("name_zh", item.name_zh)):
            _require(1 <= len(name) <= NAME_LENGTH_MAX, index, field, f"1 to {NAME_LENGTH_MAX} characters")
        _require(1 <= item.unit_mass_g <= UNIT_MASS_G_MAX, index, "unit_mass_g", f"1 to {UNIT_MASS_G_MAX}")
        kept[sku] = msgspec.structs.replace(item, sku=sku)
    if not 1 <= len(kept) <= SKUS_MAX:
        raise Invalid("catalogue.items", field="items", rule=f"1 to {SKUS_MAX} items")
    return [kept[sku] for sku in sorted(kept)]


def _require(holds: bool, index: int, field: str, rule: str) -> None:
    if not holds:
        raise Invalid("catalogue.item", field=f"items.{index}.{field}", rule=rule)
