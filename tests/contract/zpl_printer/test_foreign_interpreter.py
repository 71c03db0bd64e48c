"""Our labels as a foreign interpreter draws them: zpl-renderer-js (npm, MIT), which is Ingrid's zebrash."""

import base64

import biip
import cv2
import numpy as np
import pytest
import zxingcpp

from devices.drivers.zpl_printer.label import Medium, pallet_label
from tests.contract.peers import ask
from tests.contract.zpl_printer.test_golden_answers import PALLET, SSCC

NASTY = "^XZ~JA _5E \\ {} " * 4


def drawn(zpl: bytes, medium: Medium) -> list[np.ndarray]:
    """The labels, as grey pictures."""
    question = {
        "zpl": zpl.decode(),
        "width_mm": medium.width_mm,
        "height_mm": medium.height_mm,
        "dots_per_mm": medium.dots_per_mm,
    }
    pictures = [np.frombuffer(base64.b64decode(picture), np.uint8) for picture in ask("zpl.cjs", question)]
    return [cv2.imdecode(picture, cv2.IMREAD_GRAYSCALE) for picture in pictures]


@pytest.mark.parametrize("dots_per_mm", [8, 12])
def test_a_label_that_a_foreign_interpreter_draws_scans_as_its_sscc(dots_per_mm: int) -> None:
    medium = Medium(dots_per_mm=dots_per_mm)
    [picture] = drawn(pallet_label(PALLET, medium), medium)
    [code] = zxingcpp.read_barcodes(picture)
    assert code.content_type == zxingcpp.ContentType.GS1
    parsed = biip.parse(code.symbology_identifier + code.bytes.decode()).gs1_message
    assert parsed is not None
    assert [(element.ai.ai, element.value) for element in parsed.element_strings] == [("00", SSCC)]


def test_a_name_full_of_commands_is_drawn_as_text_on_one_label() -> None:
    medium = Medium()
    nasty = {**PALLET, "name_en": NASTY, "name_zh": NASTY, "lot": NASTY, "sku": NASTY}
    [picture] = drawn(pallet_label(nasty, medium), medium)
    [code] = zxingcpp.read_barcodes(picture)
    assert SSCC in code.text
    assert (picture[:200] < 128).any()
