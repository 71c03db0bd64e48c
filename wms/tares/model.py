"""What may be stated as an empty mass."""

from kernel.errors import Invalid

TARE_G_MIN = 500_000
TARE_G_MAX = 60_000_000
"""From a small car to the heaviest lorry with its trailer, without a load."""
DOCUMENT_LENGTH_MAX = 200


def check_mass(mass_g: int, least_weighed_g: int | None) -> None:
    """Raises Invalid `tares.mass` out of bounds, and `tares.too_heavy` above the least that the vehicle was
    ever weighed at here: it was no more than that without its load."""
    if not TARE_G_MIN <= mass_g <= TARE_G_MAX:
        raise Invalid("tares.mass", field="mass_g", rule=f"{TARE_G_MIN} to {TARE_G_MAX}")
    if least_weighed_g is not None and mass_g > least_weighed_g:
        raise Invalid("tares.too_heavy", field="mass_g", rule=f"at most {least_weighed_g}")


def kept_document(document: str) -> str:
    """The text as it is kept. Raises Invalid `tares.document`."""
    kept = document.strip()
    if not 1 <= len(kept) <= DOCUMENT_LENGTH_MAX:
        raise Invalid("tares.document", field="document", rule=f"1 to {DOCUMENT_LENGTH_MAX} characters")
    return kept
