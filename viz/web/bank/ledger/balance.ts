/** Checks of the books as shown: what the bank tells must add up on the page too. */

import type { LedgerAccount, LedgerEntry } from "@shared/api/types";

export interface BalanceCheck {
  readonly debits_fen: number;
  readonly credits_fen: number;
  /** Entries whose postings do not sum to zero; empty in sound books. */
  readonly unbalanced: readonly string[];
  readonly is_balanced: boolean;
}

/** Debits are positive amounts, credits negative; both totals come as positive numbers of fen. */
export function checkBooks(accounts: readonly LedgerAccount[], entries: readonly LedgerEntry[]): BalanceCheck {
  const debits_fen = sum(accounts.map((account) => Math.max(0, account.balance_fen)));
  const credits_fen = sum(accounts.map((account) => Math.max(0, -account.balance_fen)));
  const unbalanced = entries.filter((entry) => entryDifference(entry) !== 0).map((entry) => entry.entry_id);
  return { debits_fen, credits_fen, unbalanced, is_balanced: debits_fen === credits_fen && unbalanced.length === 0 };
}

function entryDifference(entry: LedgerEntry): number {
  return sum(entry.postings.map((posting) => posting.amount_fen));
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
