"""Whatever a printer sends, and whatever a pallet is called."""

import re
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.zpl_printer.codec import (
    ANSWER_BYTES_MAX,
    Answer,
    Answers,
    decode_count,
    decode_status,
    has_object,
)
from devices.drivers.zpl_printer.label import LATIN_MAX, Medium, escaped, pallet_label
from devices.transport.decoding import FieldRejected
from tests.contract.zpl_printer.test_golden_answers import PALLET

field = st.integers(0, 2).map(str) | st.text("0123456789x, -", max_size=6)
string = st.lists(field, max_size=14).map(lambda fields: ",".join(fields).encode())
framed = st.builds(lambda inner: b"\x02" + inner + b"\x03\r\n", string)
quoted = st.builds(lambda inner: b'"' + inner + b'"', st.binary(max_size=12))
streams = st.lists(framed | quoted | st.binary(max_size=30), max_size=8)
names = st.text(max_size=80)
NAMES = ("XA", "CI", "LH", "PW", "LL", "PQ", "FO", "A0", "A@", "FH", "FD", "FS", "BY", "BC", "XZ")
KNOWN = {f"^{name}" for name in NAMES}
COMMANDS = re.compile(r"[\^~][A-Z@0-9]{2}")


@given(streams)
def test_any_bytes_of_a_printer_are_answers_or_what_is_wrong_with_them(parts: list[bytes]) -> None:
    answers, texts = Answers(), []
    for part in parts:
        for found in answers.feed(part):
            if isinstance(found, Answer):
                assert len(found.content) <= ANSWER_BYTES_MAX
                texts.append(found.content)
            else:
                assert found[1].field
                assert found[1].rule
    for text in texts:
        has_object(text, "SIMSUN.TTF")
        with suppress(FieldRejected):
            decode_count(text)
    with suppress(FieldRejected):
        decode_status(texts[:3])


@given(st.lists(string, min_size=3, max_size=3))
def test_any_three_strings_are_a_status_or_the_field_that_is_wrong(strings: list[bytes]) -> None:
    with suppress(FieldRejected):
        assert decode_status(strings).waiting_count >= 0


@given(names, names, names, names)
def test_whatever_a_pallet_is_called_its_label_has_the_same_commands(
    name_en: str, name_zh: str, sku: str, lot: str
) -> None:
    content = {**PALLET, "name_en": name_en, "name_zh": name_zh, "sku": sku, "lot": lot}
    label = pallet_label(content, Medium(font="E:SIMSUN.TTF")).decode("ascii")
    found = COMMANDS.findall(label)
    assert (found[0], found[-1], found.count("^XA"), found.count("^XZ")) == ("^XA", "^XZ", 1, 1)
    assert set(found) <= KNOWN
    assert "~" not in label


@given(names)
def test_what_is_escaped_reads_back_as_it_was(data: str) -> None:
    coded = re.sub(r"_([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), escaped(data))
    assert coded.encode("latin-1") == data.encode("utf-8", "ignore")
    assert all(ord(character) <= LATIN_MAX for character in coded)
