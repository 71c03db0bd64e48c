"""What a vehicle and its stay may look like."""

from kernel.errors import Invalid

PLATE_LENGTH_MAX = 16
EPC_HEX_LENGTH = 24


def normal_plate(plate: str) -> str:
    """The plate as it is kept: without blanks and dots, in capitals. Raises Invalid `visits.plate`."""
    kept = "".join(plate.split()).replace("·", "").upper()
    if not 1 <= len(kept) <= PLATE_LENGTH_MAX:
        raise Invalid("visits.plate", field="plate", rule=f"1 to {PLATE_LENGTH_MAX} characters")
    return kept


def normal_epc(epc_hex: str, field: str = "epc_hex") -> str:
    """A 96-bit EPC as 24 hexadecimal capitals. Raises Invalid `epc.malformed` naming the field."""
    kept = epc_hex.strip().upper()
    if len(kept) != EPC_HEX_LENGTH or any(character not in "0123456789ABCDEF" for character in kept):
        raise Invalid("epc.malformed", field=field, rule=f"{EPC_HEX_LENGTH} hexadecimal characters")
    return kept
