"""The bank's desk over HTTP, on a site that lives: from the facility to the repaid loan, and every no."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from app.desk import AppDesk
from devices.messages import CLOCK_AHEAD_MAX
from kernel.clock import ManualClock
from tests.http.conftest import Client, SignIn
from tests.http.living_site import EACH, SKU, LivingSite, Lot

API = "/api/v1"
PRICE_FEN_EACH = 12_345
CLOCK_AHEAD_S = CLOCK_AHEAD_MAX.seconds
"""By how much a device's clock may be ahead: from then on a bank that accepted it relies on it."""
PALLETS = 2
CHANGED = ("state", "seen_until", "controller_party_id", "controller_name", "verified", "pledge", "history")
"""What a release changes of a receipt for the bank that gave it back."""
LENDABLE_FEN = PALLETS * EACH * PRICE_FEN_EACH * 7 // 10


class People(NamedTuple):
    keeper: Client
    borrower: Client
    officer: Client
    approver: Client
    auditor: Client
    strange_officer: Client
    strange_borrower: Client
    strange_keeper: Client
    operator: Client


@pytest.fixture(scope="module")
async def site(desk: AppDesk, http_clock: ManualClock) -> AsyncIterator[LivingSite]:
    yield await LivingSite(desk._database, desk, http_clock, "a").build()


@pytest.fixture(scope="module")
async def people(sign_in: SignIn, site: LivingSite) -> People:
    return People(
        keeper=await sign_in("keeper", "keeper-a"),
        borrower=await sign_in("borrower", "owner-a"),
        officer=await sign_in("officer", "bank-a"),
        approver=await sign_in("approver", "bank-a"),
        auditor=await sign_in("auditor", "bank-a"),
        strange_officer=await sign_in("officer", "bank-b"),
        strange_borrower=await sign_in("borrower", "owner-b"),
        strange_keeper=await sign_in("keeper", "keeper-b"),
        operator=await sign_in("operator", "keeper-a"),
    )


@pytest.fixture
async def lot(site: LivingSite) -> Lot:
    return await site.receive(PALLETS)


async def posted(client: Client, path: str, body: Any = None, status: int = 201) -> dict[str, Any]:
    answer = await client.post(f"{API}{path}", json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def items(client: Client, path: str, **query: str) -> list[dict[str, Any]]:
    answer = await client.get(f"{API}{path}", params=query)
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def refused(client: Client, path: str, body: Any, status: int, key: str) -> dict[str, Any]:
    """The problem document of a request that must be refused."""
    problem = await posted(client, path, body, status)
    assert (problem["key"], problem["status"]) == (key, status)
    if not key.startswith(("request.", "session.")):
        assert problem["title"] != key, "every problem of finance has a sentence"
    return problem


def receipt_body(site: LivingSite, lot: Lot, **changed: Any) -> dict[str, Any]:
    return {
        "lot_id": lot.lot_id,
        "depositor_party_id": site.owner,
        "storage_until": (site.clock.now() + timedelta(days=180)).date().isoformat(),
        "loss_standard": "0.1 %",
        "insurance": "All risks",
        "fee_terms": "0.50 CNY per tonne and day",
        **changed,
    }


def drawdown_body(site: LivingSite, amount_fen: Any, **changed: Any) -> dict[str, Any]:
    maturity = (site.clock.now() + timedelta(days=90)).date().isoformat()
    return {"amount_fen": amount_fen, "maturity_date": maturity, **changed}


async def open_line(people: People, site: LivingSite, limit_fen: int = 10_000_000) -> str:
    facility = await posted(
        people.officer,
        "/facilities",
        {
            "borrower_party_id": site.owner,
            "site_id": site.site_id,
            "limit_fen": limit_fen,
            "rate": "0.0435",
        },
    )
    price = {
        "sku": SKU,
        "price_fen_each": PRICE_FEN_EACH,
        "source": "Exchange",
        "quoted_at": site.clock.now().isoformat(),
    }
    stated = await posted(people.officer, "/prices", price)
    if stated["state"] == "proposed":
        await posted(people.approver, f"/prices/{stated['price_id']}/approve", None, 200)
    return str(facility["facility_id"])


@pytest.fixture(scope="module")
async def line(people: People, site: LivingSite) -> str:
    """A facility with nothing pledged to it."""
    return await open_line(people, site)


async def pledged(people: People, site: LivingSite, lot: Lot) -> tuple[str, str]:
    """(facility, receipt) with the lot pledged."""
    facility_id = await open_line(people, site)
    receipt = await posted(people.keeper, "/receipts", receipt_body(site, lot))
    path = f"/receipts/{receipt['receipt_id']}/pledge"
    await posted(people.borrower, path, {"facility_id": facility_id})
    return facility_id, str(receipt["receipt_id"])


async def offered(people: People, facility_id: str) -> list[str]:
    """What the facility says may thaw it."""
    facility = (await people.officer.get(f"{API}/facilities/{facility_id}")).json()
    return [seen["observation_id"] for seen in facility["thaw_evidence"]]


async def test_a_loan_from_the_receipt_to_the_release(people: People, site: LivingSite, lot: Lot) -> None:
    facility_id, receipt_id = await pledged(people, site, lot)
    facility = (await people.officer.get(f"{API}/facilities/{facility_id}")).json()
    assert (facility["lendable_fen"], facility["available_fen"]) == (LENDABLE_FEN, LENDABLE_FEN)
    proposed = await posted(
        people.officer, f"/facilities/{facility_id}/drawdowns", drawdown_body(site, 500_000)
    )
    assert proposed["state"] == "proposed"
    loan = await posted(people.approver, f"/drawdowns/{proposed['drawdown_id']}/approve", None, 200)
    assert (loan["outstanding_fen"], loan["state"]) == (500_000, "active")
    entries = (await people.auditor.get(f"{API}/ledger/entries", params={"loan": loan["loan_id"]})).json()[
        "items"
    ]
    assert [sum(line["amount_fen"] for line in entry["postings"]) for entry in entries] == [0]
    accounts = await items(people.auditor, "/ledger/accounts")
    assert sum(account["balance_fen"] for account in accounts) == 0
    repay = f"/loans/{loan['loan_id']}/repayments"
    await refused(people.borrower, repay, {"amount_fen": 500_000}, 403, "session.role")
    problem = await refused(people.officer, repay, {"amount_fen": 500_001}, 409, "loan.overpayment")
    assert problem["debt_fen"] == 500_000
    paid = await posted(people.officer, repay, {"amount_fen": 500_000})
    assert paid["state"] == "repaid"
    released = await posted(people.officer, f"/receipts/{receipt_id}/release", None, 200)
    assert released["state"] == "issued"
    receipt = (await people.borrower.get(f"{API}/receipts/{receipt_id}")).json()
    assert (receipt["state"], receipt["pledge"]) == ("issued", None)


async def test_a_released_receipt_stays_in_the_banks_files_as_it_was(
    people: People, site: LivingSite, sign_in: SignIn
) -> None:
    other_officer = await sign_in("officer", "bank-c")
    other_bank = people._replace(officer=other_officer, approver=await sign_in("approver", "bank-c"))
    await site.invite("bank-c")
    site.clock.advance(CLOCK_AHEAD_S + 1)
    _, receipt_id = await pledged(people, site, await site.receive(PALLETS))
    path = f"{API}/receipts/{receipt_id}"
    held = (await people.officer.get(path)).json()
    await site.wait(3_600)
    await posted(people.officer, f"/receipts/{receipt_id}/release", None, 200)
    site.clock.advance(1)
    facility_id = await open_line(other_bank, site)
    await posted(people.borrower, f"/receipts/{receipt_id}/pledge", {"facility_id": facility_id})
    for client in (people.officer, people.approver, people.auditor):
        past = (await client.get(path)).json()
        assert (past["state"], past["verified"]) == ("released", None)
        assert past["seen_until"] == past["pledge"]["released_at"] == past["history"][-1]["at"]
        assert past["history"][-1]["kind"] == "released"
        assert {**past, **dict.fromkeys(CHANGED)} == {**held, **dict.fromkeys(CHANGED)}
        assert "bank-c" not in json.dumps(past)
        assert receipt_id in {row["receipt_id"] for row in await items(client, "/receipts")}
    assert (await other_officer.get(path)).json()["state"] == "pledged"
    for client in (people.borrower, people.keeper):
        now = (await client.get(path)).json()
        assert (now["state"], now["seen_until"]) == ("pledged", None)
    await refused(people.officer, f"/receipts/{receipt_id}/release", None, 409, "pledge.released")


async def test_a_second_receipt_is_a_problem_that_names_the_pallets(
    people: People, site: LivingSite, lot: Lot
) -> None:
    await posted(people.keeper, "/receipts", receipt_body(site, lot))
    problem = await refused(
        people.keeper, "/receipts", receipt_body(site, lot), 409, "receipts.units_under_receipt"
    )
    assert sorted(problem["unit_ids"]) == sorted(lot.unit_ids)
    assert problem["labels"] == {pallet.unit_id: pallet.sscc for pallet in lot.pallets}
    assert all(pallet.sscc in problem["title"] for pallet in lot.pallets)
    assert not any(unit_id in problem["title"] for unit_id in lot.unit_ids)


async def test_a_drawdown_above_the_lendable_amount_says_what_is_available(
    people: People, site: LivingSite, lot: Lot
) -> None:
    facility_id, _ = await pledged(people, site, lot)
    path = f"/facilities/{facility_id}/drawdowns"
    body = drawdown_body(site, LENDABLE_FEN + 1)
    problem = await refused(people.borrower, path, body, 409, "drawdown.above_lendable")
    assert problem["available_fen"] == LENDABLE_FEN
    assert problem["title"] == "CNY 6,913.21 was asked for; CNY 6,913.20 may be drawn now."
    chinese = await people.borrower.post(f"{API}{path}", json=body, headers={"Accept-Language": "zh"})
    assert chinese.json()["title"] == "申请支取 CNY 6,913.21，目前可支取 CNY 6,913.20。"


async def test_a_maturity_that_is_over_is_refused_under_the_requests_name_for_it(
    people: People, site: LivingSite, line: str
) -> None:
    yesterday = (site.clock.now() - timedelta(days=1)).date().isoformat()
    body = drawdown_body(site, 100, maturity_date=yesterday)
    problem = await refused(people.officer, f"/facilities/{line}/drawdowns", body, 422, "drawdown.maturity")
    assert problem["field"] == "maturity_date"


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_fen": -1},
        {"amount_fen": 0},
        {"amount_fen": 1.5},
        {"amount_fen": 100.0},
        {"amount_fen": "100"},
        {"amount_fen": True},
        {"amount_fen": 2**53},
        {"amount_fen": 10**40},
        {"maturity_date": "2026-02-30"},
        {"amount_yuan": 5},
    ],
)
async def test_malformed_money_names_the_field(
    people: People, site: LivingSite, line: str, changed: dict[str, Any]
) -> None:
    body = {**drawdown_body(site, 100), **changed}
    path = f"/facilities/{line}/drawdowns"
    problem = await refused(people.officer, path, body, 422, "request.malformed")
    assert problem["field"] == next(iter(changed))


async def test_a_foreign_currency_is_refused(people: People, site: LivingSite, line: str) -> None:
    body = drawdown_body(site, 100, currency="USD")
    problem = await refused(people.officer, f"/facilities/{line}/drawdowns", body, 422, "money.currency")
    assert problem["rule"] == "CNY"


async def test_a_repeated_request_is_answered_once_and_money_moves_once(
    people: People, site: LivingSite, lot: Lot
) -> None:
    facility_id, _ = await pledged(people, site, lot)
    path = f"/facilities/{facility_id}/drawdowns"
    proposed = await posted(people.officer, path, drawdown_body(site, 400_000))
    again = {"Idempotency-Key": f"approve-{proposed['drawdown_id']}"}
    approve = f"{API}/drawdowns/{proposed['drawdown_id']}/approve"
    loans = [(await people.approver.post(approve, headers=again)).json() for _ in range(3)]
    assert loans[0] == loans[1] == loans[2]
    facility = (await people.officer.get(f"{API}/facilities/{facility_id}")).json()
    assert (facility["drawn_fen"], len(facility["loans"])) == (400_000, 1)


async def test_what_people_did_is_told_under_their_names(people: People, site: LivingSite, lot: Lot) -> None:
    facility_id, receipt_id = await pledged(people, site, lot)
    path = f"/facilities/{facility_id}"
    proposed = await posted(people.officer, f"{path}/drawdowns", drawdown_body(site, 100_000))
    assert proposed["proposed_by"] == people.officer.person_id
    assert (proposed["proposed_by_name"], proposed["approved_by_name"]) == (people.officer.display_name, None)
    loan = await posted(people.approver, f"/drawdowns/{proposed['drawdown_id']}/approve", None, 200)
    await posted(people.officer, f"{path}/freeze", {"reason": "Keeper does not answer"}, 200)
    site.clock.advance(60)
    await site.put_down(lot.pallets)
    body = {"reason": "All pallets seen", "evidence_ids": await offered(people, facility_id)}
    thaw = await posted(people.officer, f"{path}/thaws", body)
    assert thaw["proposed_by_name"] == people.officer.display_name
    facility = (await people.borrower.get(f"{API}{path}")).json()
    assert facility["thaw"]["proposed_by_name"] == people.officer.display_name
    assert facility["drawdowns"][0]["approved_by_name"] == people.approver.display_name
    acted = {step["kind"]: step["by_name"] for step in facility["history"]}
    assert acted["frozen"] == people.officer.display_name
    receipt = (await people.officer.get(f"{API}/receipts/{receipt_id}")).json()
    assert [step["by_name"] for step in receipt["history"]] == [
        people.keeper.display_name,
        people.borrower.display_name,
    ]
    [entry] = await items(people.auditor, "/ledger/entries", loan=loan["loan_id"])
    assert entry["by_name"] == people.approver.display_name


async def test_who_proposes_is_not_admitted_to_approve(people: People, site: LivingSite, lot: Lot) -> None:
    facility_id, _ = await pledged(people, site, lot)
    path = f"/facilities/{facility_id}/drawdowns"
    proposed = await posted(people.officer, path, drawdown_body(site, 1))
    approve = f"/drawdowns/{proposed['drawdown_id']}/approve"
    await refused(people.officer, approve, None, 403, "session.role")
    await refused(people.borrower, approve, None, 403, "session.role")


async def test_a_facility_frozen_by_an_officer_lends_nothing(
    people: People, site: LivingSite, lot: Lot
) -> None:
    facility_id, receipt_id = await pledged(people, site, lot)
    frozen = await posted(
        people.officer, f"/facilities/{facility_id}/freeze", {"reason": "Keeper does not answer"}, 200
    )
    assert (frozen["state"], frozen["available_fen"]) == ("frozen", 0)
    assert frozen["frozen"]["reason_key"] == "freeze.by_officer"
    path = f"/facilities/{facility_id}/drawdowns"
    await refused(people.officer, path, drawdown_body(site, 1), 409, "facility.frozen")
    await refused(people.officer, f"/receipts/{receipt_id}/release", None, 409, "facility.frozen")
    site.clock.advance(60)
    await site.put_down(lot.pallets)
    body = {
        "reason": "Keeper answered, all pallets seen",
        "evidence_ids": await offered(people, facility_id),
    }
    thaw = await posted(people.officer, f"/facilities/{facility_id}/thaws", body)
    thawed = await posted(people.approver, f"/thaws/{thaw['thaw_id']}/approve", None, 200)
    assert (thawed["state"], thawed["frozen"]) == ("open", None)


async def test_nobody_sees_or_touches_what_is_another_partys(
    people: People, site: LivingSite, lot: Lot
) -> None:
    facility_id, receipt_id = await pledged(people, site, lot)
    proposed = await posted(people.officer, f"/facilities/{facility_id}/drawdowns", drawdown_body(site, 1))
    for client in (people.strange_officer, people.strange_borrower):
        for path in (f"/facilities/{facility_id}", f"/receipts/{receipt_id}"):
            assert (await client.get(f"{API}{path}")).status_code == 404
        for path in ("/facilities", "/receipts", "/loans"):
            assert (await client.get(f"{API}{path}")).json()["items"] == []
    assert (await people.strange_officer.get(f"{API}/ledger/accounts")).json()["items"] == []
    assert (await people.strange_officer.get(f"{API}/prices")).json()["items"] == []
    drawdown = f"/drawdowns/{proposed['drawdown_id']}"
    reason, pledge = {"reason": "x"}, {"facility_id": facility_id}
    for client, path, body, key in (
        (people.strange_officer, f"/facilities/{facility_id}/drawdowns", drawdown_body(site, 1), "facility"),
        (people.strange_officer, f"/facilities/{facility_id}/freeze", reason, "facility"),
        (people.strange_officer, f"/receipts/{receipt_id}/release", None, "pledge"),
        (people.strange_officer, f"{drawdown}/refuse", reason, "drawdown"),
        (people.strange_borrower, f"/receipts/{receipt_id}/pledge", pledge, "facility"),
        (people.strange_keeper, f"/receipts/{receipt_id}/cancel", reason, "receipts"),
    ):
        await refused(client, path, body, 404, f"{key}.unknown")
    await refused(people.strange_keeper, "/receipts", receipt_body(site, lot), 404, "receipts.lot_unknown")


async def test_people_of_the_floor_are_not_admitted_to_the_banks_desk(people: People) -> None:
    for path in ("/facilities", "/receipts", "/loans", "/ledger/accounts", "/ledger/entries", "/prices"):
        assert (await people.operator.get(f"{API}{path}")).status_code == 403, path


async def test_lists_are_paged_newest_first(people: People, site: LivingSite) -> None:
    made = []
    for _ in range(3):
        site.clock.advance(1)
        made.append(await open_line(people, site))
    first = (await people.officer.get(f"{API}/facilities", params={"limit": 2})).json()
    second = (
        await people.officer.get(f"{API}/facilities", params={"limit": 2, "cursor": first["next_cursor"]})
    ).json()
    shown = [item["facility_id"] for page in (first, second) for item in page["items"]]
    assert shown == sorted(shown, reverse=True)
    assert set(made) <= set(shown)
