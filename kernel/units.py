"""Integer units. The unit is the last word of every name: `mass_g`, `length_mm`, `count`."""

from decimal import Decimal

GRAMS_PER_KILOGRAM = 1_000
MASS_G_MAX = 200_000_000
"""No single weighing above 200 t: the largest road weighbridges stop below it."""


def grams_from_kilograms(kilograms: Decimal | int | str) -> int:
    """Whole grams; raises ValueError when the value is not a whole number of grams."""
    grams = Decimal(kilograms) * GRAMS_PER_KILOGRAM
    if grams != grams.to_integral_value():
        raise ValueError(f"{kilograms} kg is not a whole number of grams")
    return int(grams)


def tonnes_text(mass_g: int) -> str:
    """`mass_g` as tonnes with three decimals, for people."""
    return f"{Decimal(mass_g) / 1_000_000:.3f}"
