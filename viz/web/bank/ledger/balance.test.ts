import type { LedgerAccount, LedgerEntry } from "@shared/api/types";
import { expect, test } from "vitest";
import { checkBooks } from "./balance";

const account = (account_id: string, balance_fen: number): LedgerAccount => ({
  account_id,
  name: account_id,
  kind: "settlement",
  party_id: null,
  balance_fen,
  currency: "CNY",
});
const entry = (entry_id: string, ...amounts: number[]): LedgerEntry => ({
  entry_id,
  at: "2026-11-23T06:00:00Z",
  business_date: "2026-11-23",
  text_key: "",
  facts: {},
  postings: amounts.map((amount_fen, index) => ({ account_id: `a${index}`, amount_fen })),
});

test("sound books balance", () => {
  const check = checkBooks([account("loans", 700), account("cash", -700)], [entry("e1", 700, -700)]);
  expect(check).toEqual({ debits_fen: 700, credits_fen: 700, unbalanced: [], is_balanced: true });
});

test("names the entry that does not sum to zero", () => {
  const check = checkBooks([account("loans", 700), account("cash", -700)], [entry("e1", 700, -699)]);
  expect(check).toMatchObject({ unbalanced: ["e1"], is_balanced: false });
});

test("sees accounts that do not balance although each entry does", () => {
  expect(checkBooks([account("loans", 700), account("cash", -1)], []).is_balanced).toBe(false);
});
