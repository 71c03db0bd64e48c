import type { Drawdown, Facility, Receipt, Role, Session } from "@shared/api/types";
import { describe, expect, test } from "vitest";
import * as rights from "./rights";

function signedIn(role: Role, party_id = "bank-1"): Session {
  const person = { person_id: "p-1", username: `${role}-a`, display_name: role, roles: [role], locale: "en" } as const;
  const party = { party_id, kind: "bank", name: "Bank" } as const;
  return { person: { ...person, roles: [role] }, party, csrf_token: "", expires_at: "", sites: [] };
}

const proposal = (proposed_by: string): Drawdown => ({
  drawdown_id: "d-1",
  state: "proposed",
  amount_fen: 1,
  maturity_date: "2027-02-01",
  proposed_by,
  proposed_by_name: null,
  proposed_at: "2026-11-23T06:00:00Z",
  decided_by: null,
  decided_by_name: null,
  decided_at: null,
  reason: null,
});
const facility = (state: Facility["state"]) => ({ state, thaw: null }) as Facility;
const receipt = (changes: Partial<Receipt>) => ({ state: "issued", controller_party_id: "owner-1", pledge: null, ...changes }) as Receipt;

describe("approval by a second person", () => {
  test("an approver may approve what somebody else proposed", () => {
    expect(rights.drawdownApproval(signedIn("approver"), proposal("p-2"))).toBe("may");
  });

  test.each(["p-1", "approver-a"])("nobody approves an own proposal, named by %s", (who) => {
    expect(rights.drawdownApproval(signedIn("approver"), proposal(who))).toBe("own_proposal");
  });

  test("an officer proposes and never approves", () => {
    expect(rights.drawdownApproval(signedIn("officer"), proposal("p-2"))).toBe("not_approver");
    expect(rights.mayProposeDrawdown(signedIn("officer"), facility("open"))).toBe(true);
  });
});

test("the bank's people refuse a proposal or take it back, a borrower and an auditor do not", () => {
  for (const role of ["officer", "approver"] as const) expect(rights.mayRefuse(signedIn(role))).toBe(true);
  for (const role of ["borrower", "auditor"] as const) expect(rights.mayRefuse(signedIn(role))).toBe(false);
});

test("a frozen facility offers a thaw and no drawdown", () => {
  const officer = signedIn("officer");
  expect(rights.mayProposeDrawdown(officer, facility("frozen"))).toBe(false);
  expect(rights.mayFreeze(officer, facility("frozen"))).toBe(false);
  expect(rights.mayProposeThaw(officer, facility("frozen"))).toBe(true);
});

test("only the controller pledges, and only a receipt that is free", () => {
  expect(rights.mayPledge(signedIn("borrower", "owner-1"), receipt({}))).toBe(true);
  expect(rights.mayPledge(signedIn("borrower", "owner-2"), receipt({}))).toBe(false);
  expect(rights.mayPledge(signedIn("borrower", "owner-1"), receipt({ state: "pledged" }))).toBe(false);
});

test("only the bank that holds the pledge releases it", () => {
  const pledge = { pledge_id: "x", facility_id: "f", bank_party_id: "bank-1", pledged_at: "", released_at: null };
  const pledged = receipt({ state: "pledged", pledge });
  expect(rights.mayRelease(signedIn("officer", "bank-1"), pledged)).toBe(true);
  expect(rights.mayRelease(signedIn("officer", "bank-2"), pledged)).toBe(false);
});

test("the bank books a repayment; its borrower is told whom to pay", () => {
  expect(rights.mayRepay(signedIn("officer"))).toBe(true);
  expect(rights.mayRepay(signedIn("borrower"))).toBe(false);
  expect(rights.paysTheBank(signedIn("borrower"))).toBe(true);
  expect(rights.paysTheBank(signedIn("officer"))).toBe(false);
});

test("an auditor only looks, the ledger included", () => {
  const auditor = signedIn("auditor");
  expect(rights.isReadOnly(auditor)).toBe(true);
  expect(rights.seesLedger(auditor)).toBe(true);
  expect(rights.mayRepay(auditor)).toBe(false);
  expect(rights.mayFreeze(auditor, facility("open"))).toBe(false);
});

test("receipts are for who keeps, owns or lends on goods, and not for who runs the site", () => {
  const seen = (["keeper", "borrower", "officer", "operator", "admin"] as const).filter((role) => rights.seesReceipts(signedIn(role)));
  expect(seen).toEqual(["keeper", "borrower", "officer"]);
});

test("a borrower does not see the bank's ledger", () => {
  expect(rights.seesLedger(signedIn("borrower"))).toBe(false);
});
