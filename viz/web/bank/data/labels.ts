/** What the observations that a refusal names mean to people: the labels of the pallets they saw. Pure. */

import type { FacilityDetail, Thaw } from "@shared/api/types";
import { formatSscc } from "@shared/i18n/format";

export type Seen = ReadonlyMap<string, readonly string[]>;

/** What of an answer tells labels. */
interface Known {
  readonly thaw_evidence?: FacilityDetail["thaw_evidence"];
  readonly thaw?: Pick<Thaw, "evidence"> | null;
}

/** The pallets that each observation saw, gathered from whatever the page has been answered. */
export function seenByObservation(answers: readonly unknown[]): Seen {
  const seen = new Map<string, readonly string[]>();
  for (const answer of answers.flat() as (Known | null | undefined)[]) {
    if (typeof answer !== "object" || answer === null) continue;
    for (const witness of [...(answer.thaw_evidence ?? []), ...(answer.thaw?.evidence ?? [])]) {
      seen.set(witness.observation_id, witness.ssccs);
    }
  }
  return seen;
}

/** Each pallet once; an observation that the page does not know stays as it is. */
export function palletsSeen(observationIds: readonly string[], seen: Seen): string[] {
  return [...new Set(observationIds.flatMap((id) => seen.get(id)?.map(formatSscc) ?? [id]))];
}
