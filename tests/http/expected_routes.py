"""Who may call each route, stated a second time and by hand: the walk compares it with the code.

A route that is not listed here fails the walk. Bodies are such that only the caller's rights stand in the
way.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from finance.messages import LendingRule
from kernel.caller import ROLES
from kernel.gs1 import epc_from_giai, epc_from_sscc, make_sscc
from tests.http.living_site import DEMO_LAYOUT, PDA_TOKEN, SKU
from tests.http.whole_world import Ids

Party = Literal["keeper", "owner", "bank"]
Body = Callable[[Ids], Any]

ALL = " ".join(ROLES)
YARD = "keeper operator"
SITE = "admin auditor keeper operator"
HOMES: Mapping[str, Party] = {
    "operator": "keeper",
    "picker": "keeper",
    "keeper": "keeper",
    "admin": "keeper",
    "auditor": "keeper",
    "officer": "bank",
    "approver": "bank",
    "borrower": "owner",
}
"""The kind of party that people of each role belong to here; auditors belong to the one a route is about."""
DONE = frozenset({200, 201, 202, 204, 409})
"""What a command of an entitled caller may end with: done, or in conflict with the present state."""


class Case(NamedTuple):
    """What is expected of one route.

    `roles` are those admitted, or "public". `own` are the answers entitled callers may get. `auditor` is the
    party whose auditors are entitled. `refused` are the answers another party may get; `shared` says why its
    call may succeed all the same, empty when it never may; `tells` are the ids that it then says to anybody.
    """

    roles: str
    body: Body | None = None
    own: frozenset[int] = DONE
    auditor: Party = "keeper"
    refused: frozenset[int] = frozenset({403, 404})
    shared: str = ""
    tells: frozenset[str] = frozenset()
    ids: Mapping[str, str] = {}
    headers: Callable[[Ids], dict[str, str]] | None = None
    ends_session: bool = False


READ = frozenset({200})
MONEY = "approver auditor borrower officer"


def _reason(_: Ids) -> dict[str, str]:
    return {"reason": "Because the walk asks."}


def _layout(ids: Ids) -> dict[str, Any]:
    layout = msgspec.structs.replace(DEMO_LAYOUT, site_id=ids["site_id"])
    return {"layout": msgspec.to_builtins(layout)}


def _scan(ids: Ids) -> dict[str, Any]:
    scan = {"sequence": 900, "observed_at": ids["now"], "code": "x"}
    return {"device_id": ids["pda"], "boot": 1, "scans": [scan]}


def _delivery(ids: Ids) -> dict[str, Any]:
    sscc = make_sscc("6901234", 5, 77)
    return {
        "owner_party_id": ids["owner"],
        "lot_code": "WALK",
        "sku": SKU,
        "vehicle": {"plate": "WALK-1", "epc_hex": epc_from_giai("6901234", 7_777)},
        "units": [
            {
                "sscc": sscc,
                "epc_hex": epc_from_sscc(sscc, 7),
                "quantity_each": 1,
                "expected_mass_g": 60_000,
            }
        ],
    }


def _tare(ids: Ids) -> dict[str, Any]:
    return {"vehicle_id": ids["vehicle_id"], "mass_g": 9_000_000, "document": "Licence 0001"}


def _opening(ids: Ids) -> dict[str, Any]:
    row = {
        "sscc": make_sscc("6901234", 6, 78),
        "sku": SKU,
        "lot": "WALK",
        "quantity_each": 1,
        "mass_g": 60_000,
        "slot_id": "A02-01-1",
        "owner_party_id": ids["owner"],
    }
    return {"rows": [row]}


def _order(ids: Ids) -> dict[str, Any]:
    line = {"sku": SKU, "quantity_each": 1}
    return {"reference": "WALK", "customer": "c", "lines": [line], "owner_party_id": ids["owner"]}


def _import(ids: Ids) -> dict[str, Any]:
    row = {"row_number": 1, "sku": SKU, "quantity_each": 1, "price_milli": 1}
    invoice = {"reference": "9", "customer": "c", "placed_at": ids["now"], "rows": [row]}
    return {"source": "walk-2.csv", "owner_party_id": ids["owner"], "invoices": [invoice]}


def _receipt(ids: Ids) -> dict[str, Any]:
    terms = {"loss_standard": "0.1 %", "insurance": "All risks", "fee_terms": "None"}
    return {
        "lot_id": ids["lot_id"],
        "depositor_party_id": ids["owner"],
        "storage_until": "2027-06-30",
        **terms,
    }


def _facility(ids: Ids) -> dict[str, Any]:
    return {
        "borrower_party_id": ids["owner"],
        "site_id": ids["site_id"],
        "limit_fen": 1_000_000,
        "rate": "0.0435",
        "rule": {"advance_rate": LendingRule().advance_rate},
    }


def _device(ids: Ids) -> dict[str, Any]:
    return {"device_id": ids["forklift"], "family": "mqtt_position", "mount_id": "forklift-1"}


def _certificate(_: Ids) -> dict[str, str]:
    return {
        "certificate": "V-1",
        "performed_by": "Institute",
        "performed_on": "2026-01-01",
        "valid_until": "2027-12-31",
    }


def _person(_: Ids) -> dict[str, Any]:
    return {
        "username": "walk-person",
        "password": "a-long-enough-passphrase",
        "display_name": "Walk",
        "roles": ["auditor"],
    }


S = "/api/v1/sites/{site_id}"
EXPECTED: Mapping[str, Case] = {
    # --- the program ---
    "GET /health/live": Case("public"),
    "GET /health/ready": Case("public"),
    "GET /metrics": Case("public"),
    # --- people ---
    "POST /api/v1/session": Case("public"),
    "GET /api/v1/session": Case("public"),
    "DELETE /api/v1/session": Case(ALL, shared="everybody's own session", ends_session=True),
    "POST /api/v1/session/locale": Case(ALL, lambda _: {"locale": "en"}, shared="everybody's own language"),
    "GET /api/v1/people": Case("admin auditor", own=READ, shared="the caller's own party"),
    "POST /api/v1/people": Case("admin", _person, shared="the caller's own party"),
    "POST /api/v1/people/{person_id}/disable": Case("admin"),
    "GET /api/v1/banks": Case(
        "admin keeper", own=READ, shared="the names of all banks", tells=frozenset({"bank"})
    ),
    "GET /api/v1/owners": Case("keeper officer operator", own=READ, shared="the names of all owners"),
    # --- devices ---
    "GET /api/v1/device-families": Case("admin keeper", own=READ, shared="one list of families for all"),
    f"GET {S}/devices": Case("admin approver auditor keeper officer operator", own=READ),
    f"POST {S}/devices": Case("admin keeper", _device),
    f"GET {S}/inspectors": Case("admin keeper", own=READ),
    f"POST {S}/inspectors": Case("admin keeper", lambda ids: {"party_id": ids["bank"]}),
    "POST /api/v1/devices/{device_id}/accept": Case(
        "officer", lambda _: {"enrolment": 1}, ids={"device_id": "tracker"}
    ),
    "POST /api/v1/devices/{device_id}/rotate-key": Case("officer", ids={"device_id": "tracker"}),
    "POST /api/v1/devices/{device_id}/calibrations": Case(
        "admin keeper", _certificate, ids={"device_id": "tracker"}
    ),
    "GET /api/v1/devices/{device_id}/history": Case(
        "admin approver auditor keeper officer operator", own=READ, ids={"device_id": "tracker"}
    ),
    "POST /api/v1/devices/{device_id}/distrust": Case("officer", _reason, ids={"device_id": "tracker"}),
    "POST /api/v1/devices/{device_id}/retire": Case("admin keeper", ids={"device_id": "person_tag"}),
    f"GET {S}/quarantine": Case("admin keeper operator", own=READ),
    # No picture was kept in this world; tests/http/devices/test_snapshots_over_http.py reads one.
    f"GET {S}/snapshots/{{sha256}}": Case("admin keeper operator", own=frozenset({404})),
    f"POST {S}/devices/pda/enrolment-codes": Case("admin keeper", lambda _: {}),
    "POST /api/v1/devices/pda/enrol": Case("public"),
    "POST /api/v1/devices/{device_id}/barrier": Case(
        YARD, lambda _: {"action": "close", "reason": "Because the walk asks."}
    ),
    "POST /api/v1/devices/{device_id}/orders": Case(
        YARD, lambda _: {"action": "close", "reason": "Because the walk asks."}
    ),
    f"GET {S}/device-orders": Case(SITE, own=READ),
    # --- the twin ---
    "GET /api/v1/sites": Case(ALL, own=READ, shared="the caller's own sites"),
    # Site ids are chosen by people and unique, so a taken one is a conflict.
    "POST /api/v1/sites": Case("admin", _layout, refused=frozenset({409})),
    f"GET {S}/layout": Case(ALL, own=READ),
    "GET /api/v1/evidence/{lot_id}": Case(ALL, own=READ),
    f"GET {S}/alarms": Case(ALL, own=READ),
    "POST /api/v1/alarms/{alarm_id}/acknowledge": Case(YARD),
    "POST /api/v1/alarms/{alarm_id}/clear": Case(YARD, _reason),
    # --- warehouse management ---
    "GET /api/v1/skus": Case(ALL, own=READ, shared="one catalogue of names for all"),
    "POST /api/v1/skus": Case(
        YARD,
        lambda _: {"items": [{"sku": "WALK", "name_en": "Walk", "name_zh": "走", "unit_mass_g": 1}]},
        shared="one catalogue of names for all",
    ),
    f"GET {S}/free-stock": Case("keeper operator", own=READ),
    f"GET {S}/stock-moves": Case("approver auditor borrower keeper officer operator", own=READ),
    "POST /api/v1/units/{unit_id}/label": Case(
        "keeper operator picker", lambda ids: {"device_id": ids["printer_id"], "reason": "The walk asks."}
    ),
    "POST /api/v1/units/{unit_id}/count": Case("keeper", lambda _: {"counted_each": 40, "reason": "walk"}),
    f"POST {S}/visits": Case(YARD, lambda _: {"plate": "WALK-2", "epc_hex": "3415A537C8000000000F4240"}),
    f"GET {S}/visits": Case("admin auditor keeper operator picker", own=READ),
    f"POST {S}/tares": Case("keeper", _tare),
    f"GET {S}/tares": Case("admin approver auditor keeper officer operator", own=READ),
    "POST /api/v1/tares/{tare_id}/approve": Case("approver officer"),
    "POST /api/v1/tares/{tare_id}/refuse": Case("approver officer", _reason),
    "POST /api/v1/tares/{tare_id}/withdraw": Case("approver keeper officer", _reason),
    f"POST {S}/deliveries": Case(YARD, _delivery),
    "POST /api/v1/visits/{visit_id}/cancel": Case(YARD, _reason),
    f"GET {S}/deliveries": Case("admin auditor borrower keeper officer operator picker", own=READ),
    # Whoever comes second finds the slot taken.
    f"POST {S}/opening-stock": Case(YARD, _opening, own=DONE | {422}),
    f"GET {S}/tasks": Case("keeper operator picker", own=READ),
    "POST /api/v1/tasks/{task_id}/claim": Case("keeper operator picker"),
    "POST /api/v1/tasks/{task_id}/release": Case("keeper operator picker"),
    "POST /api/v1/scans": Case(
        "keeper operator picker", _scan, headers=lambda _: {"X-Device-Token": PDA_TOKEN.format(letter="a")}
    ),
    f"GET {S}/scans": Case(SITE, own=READ),
    f"POST {S}/orders": Case(YARD, _order),
    f"GET {S}/orders": Case("admin auditor borrower keeper operator picker", own=READ),
    "GET /api/v1/orders/{order_id}": Case("admin auditor borrower keeper operator picker", own=READ),
    "GET /api/v1/orders/{order_id}/review": Case("admin auditor borrower keeper operator picker", own=READ),
    "POST /api/v1/orders/{order_id}/decide": Case(YARD, lambda _: {"accept": True, "reason": "walk"}),
    f"POST {S}/order-imports": Case(YARD, _import),
    f"GET {S}/order-imports/{{source}}/summary": Case(
        "admin auditor borrower keeper operator picker", own=READ
    ),
    f"GET {S}/order-imports/{{source}}/refused": Case(
        "admin auditor borrower keeper operator picker", own=READ
    ),
    "POST /api/v1/orders/{order_id}/allocate": Case(YARD),
    f"POST {S}/allocations": Case(YARD, lambda ids: {"order_ids": [ids["order_id"]]}),
    "POST /api/v1/orders/{order_id}/ship": Case(
        YARD, lambda ids: {"gate_id": "gate-1", "vehicle_id": ids["vehicle_id"]}
    ),
    "POST /api/v1/releases/{release_id}/cancel": Case(YARD, _reason),
    f"GET {S}/releases": Case("admin auditor borrower keeper operator", own=READ),
    f"GET {S}/gate-decisions": Case(SITE, own=READ),
    "POST /api/v1/orders/{order_id}/cancel": Case(YARD, _reason),
    # --- finance ---
    "GET /api/v1/receipts": Case(f"keeper {MONEY}", own=READ, shared="the caller's own receipts"),
    "GET /api/v1/receipts/{receipt_id}": Case(f"keeper {MONEY}", own=READ, auditor="bank"),
    "POST /api/v1/receipts": Case("keeper", _receipt),
    # It is pledged, so its keeper has no hand on it.
    "POST /api/v1/receipts/{receipt_id}/cancel": Case("keeper", _reason, own=frozenset({403})),
    "POST /api/v1/receipts/{receipt_id}/pledge": Case(
        "borrower", lambda ids: {"facility_id": ids["facility_id"]}
    ),
    "POST /api/v1/receipts/{receipt_id}/release": Case("officer"),
    "GET /api/v1/prices": Case(
        "approver auditor officer", own=READ, auditor="bank", shared="the caller's own prices"
    ),
    "POST /api/v1/prices": Case(
        "officer",
        lambda ids: {"sku": SKU, "price_fen_each": 12_345, "source": "Exchange", "quoted_at": ids["now"]},
        shared="the caller's own prices",
    ),
    "POST /api/v1/prices/{price_id}/approve": Case("approver"),
    "POST /api/v1/prices/{price_id}/refuse": Case("approver officer", _reason),
    "GET /api/v1/facilities": Case(MONEY, own=READ, auditor="bank", shared="the caller's own facilities"),
    "GET /api/v1/inspected-sites": Case(
        "approver auditor officer",
        own=READ,
        auditor="bank",
        shared="the sites that invited its bank",
    ),
    "GET /api/v1/facilities/{facility_id}": Case(MONEY, own=READ, auditor="bank"),
    "POST /api/v1/facilities": Case("officer", _facility, shared="any bank may offer a line to any owner"),
    "POST /api/v1/facilities/{facility_id}/freeze": Case("officer", _reason),
    "POST /api/v1/facilities/{facility_id}/thaws": Case(
        "officer", lambda ids: {"reason": "walk", "evidence_ids": [ids["observation_id"]]}
    ),
    "POST /api/v1/thaws/{thaw_id}/approve": Case("approver"),
    "POST /api/v1/thaws/{thaw_id}/refuse": Case("approver officer", _reason),
    "GET /api/v1/loans": Case(MONEY, own=READ, auditor="bank", shared="the caller's own loans"),
    "GET /api/v1/loans/{loan_id}": Case(MONEY, own=READ, auditor="bank"),
    "POST /api/v1/facilities/{facility_id}/drawdowns": Case(
        "borrower officer", lambda _: {"amount_fen": 100, "maturity_date": "2027-02-01"}
    ),
    "POST /api/v1/drawdowns/{drawdown_id}/approve": Case("approver"),
    "POST /api/v1/drawdowns/{drawdown_id}/refuse": Case("approver officer", _reason),
    "POST /api/v1/loans/{loan_id}/repayments": Case("officer", lambda _: {"amount_fen": 100}),
    "POST /api/v1/loans/{loan_id}/repayments/{entry_id}/reverse": Case("officer", _reason),
    "GET /api/v1/ledger/accounts": Case(
        "auditor officer", own=READ, auditor="bank", shared="the caller's own books"
    ),
    "GET /api/v1/ledger/entries": Case(
        "auditor officer", own=READ, auditor="bank", shared="the caller's own books"
    ),
    # --- what pages show ---
    f"GET {S}/scene": Case(ALL, own=READ),
    f"GET {S}/hull.glb": Case(ALL, own=READ),
    f"GET {S}/units": Case(ALL, own=READ),
    f"GET {S}/units/{{unit_id}}": Case(ALL, own=READ),
    f"GET {S}/lots": Case(ALL, own=READ),
    f"WS {S}/stream": Case(ALL, own=READ),
    f"GET {S}/activity": Case(ALL, own=READ),
}
