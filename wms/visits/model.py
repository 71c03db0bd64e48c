"""What a vehicle and its stay may look like."""

from kernel.errors import Invalid
from kernel.gs1 import scheme_of_tag

PLATE_LENGTH_MAX = 16
EPC_HEX_LENGTH = 24


def normal_plate(plate: str) -> str:
    """The plate as it is kept: without blanks and dots, in capitals. Raises Invalid `visits.plate`."""
    kept = "".join(plate.split()).replace("·", "").upper()
    if not 1 <= len(kept) <= PLATE_LENGTH_MAX:
        raise Invalid("visits.plate", field="plate", rule=f"1 to {PLATE_LENGTH_MAX} characters")
    return kept


def vehicle_epc(epc_hex: str) -> str:
    """A windscreen tag as it is kept; one of no scheme of GS1 may be a vehicle's. Raises Invalid
    `epc.malformed`, and `epc.not_of_vehicle` for one that says goods or a pallet."""
    kept = normal_epc(epc_hex)
    scheme = scheme_of_tag(kept)
    if scheme not in (None, "giai-96"):
        raise Invalid(
            "epc.not_of_vehicle", field="epc_hex", rule="a GIAI-96, as vehicles carry", scheme=scheme
        )
    return kept


def normal_epc(epc_hex: str, field: str = "epc_hex") -> str:
    """A 96-bit EPC as 24 hexadecimal capitals. Raises Invalid `epc.malformed` naming the field."""
    kept = epc_hex.strip().upper()
    if len(kept) != EPC_HEX_LENGTH or any(character not in "0123456789ABCDEF" for character in kept):
        raise Invalid("epc.malformed", field=field, rule=f"{EPC_HEX_LENGTH} hexadecimal characters")
    return kept
