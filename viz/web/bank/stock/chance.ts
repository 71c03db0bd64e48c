/** A probability as people read it: never certain unless it is. */

import type { Locale } from "@shared/api/types";
import { formatShare } from "@shared/i18n/format";

/** Shares are told to a hundredth of a per cent; what would round to all or nothing is told as beyond that. */
const STEP = 0.0001;

export function chanceText(probability: number, locale: Locale): string {
  if (probability > 1 - STEP && probability < 1) return `> ${formatShare(1 - STEP, locale)}`;
  if (probability > 0 && probability < STEP) return `< ${formatShare(STEP, locale)}`;
  return formatShare(probability, locale);
}
