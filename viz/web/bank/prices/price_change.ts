/** What a price is against the one in force. The server decides; the page says beforehand what it will decide. */

import type { Price } from "@shared/api/types";

/** A first or a higher price waits for a second person; any other counts at once. */
export type Verdict = "first" | "higher" | "at_once";

const CURRENCY = "CNY";
const TONNE_G = 1_000_000;

/** The price that values these goods now; null when there is none. */
export function inForce(prices: readonly Price[], sku: string): Price | null {
  return prices.find((price) => price.sku === sku && price.standing === "counts" && price.currency === CURRENCY) ?? null;
}

export function verdict(fenEach: number, standing: Price | null): Verdict {
  if (standing === null) return "first";
  return fenEach > standing.price_fen_each ? "higher" : "at_once";
}

/** The change against the price in force, as a share: 0.05 for five per cent more. */
export function changeOf(fenEach: number, standing: Price | null): number | null {
  return standing === null ? null : fenEach / standing.price_fen_each - 1;
}

/** Fen a tonne, for goods whose piece has a stated mass. Bulk goods are quoted so. */
export function fenPerTonne(fenEach: number, unitMassG: number): number | null {
  return unitMassG > 0 ? Math.round((fenEach * TONNE_G) / unitMassG) : null;
}
