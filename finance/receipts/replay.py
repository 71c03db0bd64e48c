"""Receipts re-added from zero: from the journal of their steps alone. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from finance.receipts.model import ReceiptState, next_state


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt is after its steps: its state, the units it still covers, the pledge it is under."""

    state: ReceiptState
    live_units: frozenset[str]
    pledge_id: str | None = None


def replay(steps: Iterable[Mapping[str, Any]]) -> dict[str, Standing]:
    """Standing by receipt id. `steps` are journal rows in order of receipt and step.

    Raises Conflict when the journal itself holds a step that may not follow the one before.
    """
    standings: dict[str, Standing] = {}
    for step in steps:
        receipt_id = step["receipt_id"]
        standings[receipt_id] = _after(standings.get(receipt_id), step)
    return standings


def _after(before: Standing | None, step: Mapping[str, Any]) -> Standing:
    kind, unit_ids = step["kind"], frozenset(step["unit_ids"])
    if before is None:
        assert kind == "issued", f"{step['receipt_id']} begins with {kind}"
        return Standing(state="issued", live_units=unit_ids)
    state = next_state(step["receipt_id"], before.state, kind)
    live = {"unit_delivered": before.live_units - unit_ids, "cancelled": frozenset[str]()}
    pledge_id = step["facts"].get("pledge_id") if kind == "pledged" else before.pledge_id
    return Standing(
        state=state,
        live_units=live.get(kind, before.live_units),
        pledge_id=None if kind == "released" else pledge_id,
    )


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt is after the steps that a reader sees."""

    state: ReceiptState
    controller_party_id: str
    closed_at: datetime | None = None


def shown(steps: Iterable[Mapping[str, Any]]) -> Shown:
    """A receipt from its steps, oldest first, the one of its issue among them.

    The facts of a step name the party that controls the receipt from then on, where that changes.
    """
    issue, *later = steps
    state: ReceiptState = "issued"
    controller, at = issue["facts"]["to_party_id"], issue["at"]
    for step in later:
        state = next_state(step["receipt_id"], state, step["kind"])
        controller, at = step["facts"].get("to", controller), step["at"]
    return Shown(state=state, controller_party_id=controller, closed_at=at if state == "cancelled" else None)
