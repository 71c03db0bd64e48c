"""The registers of a scale's indicator once it has captured a weight, profile `tallyhouse-1`. Pure."""

from datetime import datetime

UNIT_G = 100
STABLE, LEGAL_FOR_TRADE = 1, 16
_EPOCH_MS = 1_000


def captured(
    mass_g: int, number: int, shown: datetime, boot: int, *, state: int = STABLE, axles: int = 0
) -> tuple[int, ...]:
    """All words: what is shown, then the last ticket: its number, mass, moment, the indicator's start."""
    units, shown_ms = mass_g // UNIT_G, round(shown.timestamp() * 1000)
    return (
        *_long(units),
        state,
        *_long(number),
        *_long(units),
        *_long(shown_ms // _EPOCH_MS),
        shown_ms % _EPOCH_MS,
        *_long(boot),
        axles,
    )


def _long(value: int) -> tuple[int, int]:
    """A 32-bit word, high half first."""
    return (value >> 16) & 0xFFFF, value & 0xFFFF
