"""Step 4: receipt on verified stock, pledge, maker and checker, loan; and what must be refused on the way."""

from datetime import timedelta
from typing import Any

from app.api_client import ApiClient, ApiProblem
from app.demo.stage import NotHeld, Stage

LOAN_DAYS = 90
DRAWN_SHARE_PERCENT = 80


async def loan_is_drawn(stage: Stage) -> dict[str, Any]:
    """The keeper issues, the borrower pledges, the officer proposes, the approver decides."""
    receipt = await _issue(stage)
    second = await refused(stage.people.keeper, "/receipts", _receipt_body(stage))
    pledged = await stage.people.borrower.post(
        f"/receipts/{receipt['receipt_id']}/pledge", {"facility_id": stage.facility_id}
    )
    facility = await stage.facility()
    too_much = await refused(
        stage.people.officer,
        f"/facilities/{stage.facility_id}/drawdowns",
        _drawdown_body(stage, facility["available_fen"] + 1),
    )
    loan = await _draw(stage, facility["available_fen"] * DRAWN_SHARE_PERCENT // 100)
    entries = await stage.people.officer.items("/ledger/entries", loan=loan["loan_id"])
    for entry in entries:
        if sum(posting["amount_fen"] for posting in entry["postings"]) != 0:
            raise NotHeld(f"entry {entry['entry_id']} does not balance")
    if not entries or pledged["state"] != "pledged":
        raise NotHeld(f"receipt is {pledged['state']}, {len(entries)} entries")
    return {
        "receipt_number": receipt["number"],
        "units": len(receipt["unit_ids"]),
        "second_receipt": second,
        "above_lendable": too_much,
        "lendable_fen": facility["lendable_fen"],
        "principal_fen": loan["principal_fen"],
        "ledger_entries": len(entries),
    }


def _receipt_body(stage: Stage) -> dict[str, Any]:
    seen = {pallet.sscc for pallet in stage.made.pallets}
    assert len(seen) == len(stage.made.pallets)
    return {
        "lot_id": stage.made.lot_id,
        "unit_ids": stage.made.unit_ids,
        "depositor_party_id": stage.owner_party_id,
        "storage_until": (stage.clock.now() + timedelta(days=180)).date().isoformat(),
        "fee_terms": stage.words.fee_terms,
        "insurance": stage.words.insurance,
        "loss_standard": "0.1 %",
    }


async def _issue(stage: Stage) -> dict[str, Any]:
    units = await stage.people.keeper.items(f"{stage.path}/units", lot=stage.made.lot_id)
    came = {pallet.sscc for pallet in stage.made.pallets}
    stage.made.unit_ids = sorted(unit["unit_id"] for unit in units if unit["sscc"] in came)
    receipt: dict[str, Any] = await stage.people.keeper.post("/receipts", _receipt_body(stage))
    stage.made.receipt_id = receipt["receipt_id"]
    return receipt


def _drawdown_body(stage: Stage, amount_fen: int) -> dict[str, Any]:
    maturity = (stage.clock.now() + timedelta(days=LOAN_DAYS)).date().isoformat()
    return {"amount_fen": amount_fen, "maturity_date": maturity}


async def _draw(stage: Stage, amount_fen: int) -> dict[str, Any]:
    path = f"/facilities/{stage.facility_id}/drawdowns"
    drawdown = await stage.people.officer.post(path, _drawdown_body(stage, amount_fen))
    loan: dict[str, Any] = await stage.people.approver.post(f"/drawdowns/{drawdown['drawdown_id']}/approve")
    stage.made.loan_id = loan["loan_id"]
    return loan


async def refused(client: ApiClient, path: str, body: Any = None) -> str:
    """The problem key of a request that must be refused; raises NotHeld when it is not."""
    try:
        answer = await client.post(path, body)
    except ApiProblem as problem:
        return problem.key
    raise NotHeld(f"POST {path} was accepted: {str(answer)[:300]}")
