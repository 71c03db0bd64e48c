"""Texts that people enter hold nothing that is not seen or turns them round."""

import pytest

from kernel.legible import hidden_in
from wms.messages import RegisterSkus, SkuEntry


def an_item(name_en: str, name_zh: str = "大米25公斤") -> RegisterSkus:
    plain = SkuEntry(sku="RICE-25", name_en="Rice", name_zh="大米", unit_mass_g=1)
    return RegisterSkus(
        items=(plain, SkuEntry(sku="RICE-26", name_en=name_en, name_zh=name_zh, unit_mass_g=1))
    )


@pytest.mark.parametrize(
    "name", ["Rice, 25 kg", "Réis\tlong\nin two lines", "\u0623\u0631\u0632", "\U0001f33e"]
)
def test_what_can_be_read_is_no_matter_in_which_script(name: str) -> None:
    assert hidden_in(an_item(name)) is None


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200f", "\x1b", "\x7f", "\x85"])
def test_characters_that_hide_or_turn_round_are_found_with_their_place(hidden: str) -> None:
    assert hidden_in(an_item(f"Rice {hidden}gk 52")) == "items[1].name_en"
