"""Types of request bodies shared by the routes of finance."""

from typing import Annotated

from pydantic import Field

from kernel.money import AMOUNT_FEN_MAX

Fen = Annotated[int, Field(strict=True, ge=1, le=AMOUNT_FEN_MAX)]
"""Whole fen, 1 or more: no fraction, no text, no exponent."""
Id = Annotated[str, Field(min_length=1, max_length=100)]
Currency = Annotated[str, Field(min_length=3, max_length=3)]
