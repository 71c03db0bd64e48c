"""Values as OPC 40200 defines them and OPC 10000-6 puts them on the wire, written down by hand.

WeightType (OPC 40200, 10.2) is Gross, Net, Tare, three Doubles: IEEE 754, low byte first. 90 is
4056800000000000, 65 is 4050400000000000, 25 is 4039000000000000. Units are UNECE codes as numbers
(OPC 10000-8): KGM is 4933453.
"""

from datetime import UTC, datetime

import pytest

from devices.drivers.opcua_scale.codec import (
    NOT_VOUCHED,
    VALUE,
    WEIGHT_ENCODING,
    Read,
    Structure,
    Unit,
    Weight,
    decode,
    raw_of,
)
from devices.transport.decoding import FieldRejected
from devices.transport.weighing import OVERLOAD, UNDER_ZERO, Shown

AT = datetime(2026, 11, 23, 5, 55, 30, tzinfo=UTC)
BODY = bytes.fromhex("0000000000805640 0000000000405040 0000000000003940")
NAN = bytes.fromhex("000000000000F87F")


def weight(body: bytes = BODY, encoding: int = WEIGHT_ENCODING) -> Read:
    return Read(value=Structure(encoding=encoding, body=body), at=AT)


def item(**changed: Read | None) -> dict[str, Read]:
    """A weight item of 90 kg gross at rest, with values replaced or, by None, left out."""
    reads: dict[str, Read | None] = {
        VALUE: weight(),
        "EngineeringUnits": Read(value=Unit(number=4933453, name="kg")),
        "Overload": Read(value=False),
        "Underload": Read(value=False),
        "WeightStable": Read(value=True),
        "LegalForTrade": Read(value=True),
        "WeightId": Read(value="000007"),
    }
    reads |= {VALUE if name == "value" else name: read for name, read in changed.items()}
    return {name: read for name, read in reads.items() if read is not None}


def test_a_weight_item_reads_as_the_model_has_it() -> None:
    assert decode(item(), is_registered=True) == Weight(
        shown=Shown(mass_g=90_000, is_stable=True, tare_g=25_000, legal_for_trade=True),
        weight_id="000007",
        at=AT,
    )


@pytest.mark.parametrize(
    ("unit", "mass_g"),
    [
        (Unit(number=4933453, name=""), 90_000),
        (Unit(number=4674125, name=""), 90),
        (Unit(number=5525061, name=""), 90_000_000),
        (Unit(number=4997714, name=""), 40_823),
        (Unit(number=-1, name="kg"), 90_000),
    ],
    ids=["KGM", "GRM", "TNE", "LBR", "by its name"],
)
def test_units_are_read_by_their_number_or_else_by_their_name(unit: Unit, mass_g: int) -> None:
    assert decode(item(EngineeringUnits=Read(value=unit)), is_registered=True).shown.mass_g == mass_g


def test_what_is_optional_may_be_missing_and_only_a_registered_weight_then_counts_as_stable() -> None:
    reads = item(WeightStable=None, LegalForTrade=None, WeightId=None)
    assert decode(reads, is_registered=True).shown == Shown(mass_g=90_000, is_stable=True, tare_g=25_000)
    assert not decode(reads, is_registered=False).shown.is_stable


@pytest.mark.parametrize(
    ("changed", "trouble"),
    [
        ({"Overload": Read(value=True), "value": weight(NAN * 3)}, OVERLOAD),
        ({"Underload": Read(value=True)}, UNDER_ZERO),
        ({"Invalid": Read(value=True)}, NOT_VOUCHED),
        ({"value": Read(value=None, is_good=False)}, NOT_VOUCHED),
        ({"value": None}, NOT_VOUCHED),
    ],
    ids=["overload", "underload", "invalid in 1.00", "a bad status", "no value"],
)
def test_a_scale_in_trouble_shows_no_mass(changed: dict[str, Read | None], trouble: str) -> None:
    shown = decode(item(**changed), is_registered=True).shown
    assert (shown.mass_g, shown.trouble) == (0, trouble)


@pytest.mark.parametrize(
    ("changed", "field", "rule"),
    [
        ({"value": weight(BODY[:23])}, "value", "24 bytes"),
        ({"value": weight(BODY + b"\x00")}, "value", "24 bytes"),
        ({"value": weight(encoding=97)}, "value", "a WeightType, encoding 88"),
        ({"value": Read(value=90.0)}, "value", "a WeightType, encoding 88"),
        ({"value": weight(NAN + BODY[8:])}, "Gross", "a number"),
        ({"value": weight(BODY[:16] + NAN)}, "Tare", "a number"),
        ({"value": weight(BODY[:8] + BODY[:8] + BODY[16:])}, "Net", "gross less tare"),
        ({"value": weight(bytes.fromhex("00000000086A0841") + BODY[8:])}, "Gross", "at most 200 t"),
        ({"EngineeringUnits": None}, "EngineeringUnits", "given"),
        (
            {"EngineeringUnits": Read(value=Unit(number=5002322, name="l"))},
            "EngineeringUnits",
            "kilograms, grams, tonnes or pounds",
        ),
        ({"Overload": None}, "Overload", "true or false"),
        ({"Underload": Read(value=False, is_good=False)}, "Underload", "true or false"),
        ({"WeightStable": Read(value=1)}, "WeightStable", "true or false"),
        ({"WeightId": Read(value=7)}, "WeightId", "a text of at most 200 characters"),
        ({"WeightId": Read(value="7" * 201)}, "WeightId", "a text of at most 200 characters"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(
    changed: dict[str, Read | None], field: str, rule: str
) -> None:
    with pytest.raises(FieldRejected) as refused:
        decode(item(**changed), is_registered=True)
    assert refused.value.field == field
    assert rule in refused.value.rule


def test_what_was_read_can_be_kept_as_it_was() -> None:
    assert b'"body":"AAAAAACAVkAAAAAAAEBQQAAAAAAAADlA"' in raw_of(item())
