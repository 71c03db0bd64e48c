"""Stated tares as pages show them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from kernel.tx import ReadTx
from wms.tares import store


class TareAnswerRow(BaseModel):
    """What a bank answered; `is_own`: the bank of whoever reads this."""

    party: str | None
    is_own: bool
    is_approved: bool
    reason: str
    answered_at: datetime


class WeighedStayRow(BaseModel):
    """What the vehicle weighed on a stay, in grams, coming and leaving. `left_refused`: it left past the
    gate's refusal."""

    visit_id: str
    purpose: str
    entry_mass_g: int | None
    exit_mass_g: int | None
    admitted_at: datetime | None
    left_at: datetime | None
    left_refused: bool


class TareRow(BaseModel):
    """What a vehicle is said to weigh empty, in grams, and the document that it rests on.

    `proposed_by` and `ended_by` are names of parties. `stays` are the newest of the vehicle here on which it
    was weighed, at most `STAYS_SHOWN_MAX`.
    """

    tare_id: str
    site_id: str
    vehicle_id: str
    plate: str
    mass_g: int
    document: str
    proposed_by: str | None
    proposed_at: datetime
    answers: list[TareAnswerRow]
    ended_at: datetime | None
    end_cause: Literal["replaced", "withdrawn"] | None
    end_reason: str | None
    ended_by: str | None
    stays: list[WeighedStayRow]


async def tare_list(read: ReadTx, site_id: str, cursor: str | None, limit: int) -> list[TareRow]:
    """Newest first, from before `cursor`; those that ended too."""
    return [TareRow(**row) for row in await store.page(read, site_id, cursor, limit)]
