/** What ids in the facts of a refusal mean to people: labels of pallets, amounts of money. Pure. */

import type { Evidence, Facts, FacilityDetail, Locale, Receipt, Thaw } from "@shared/api/types";
import { formatMoney, formatSscc } from "@shared/i18n/format";

/** Labels of pallets by unit, and the pallets that an observation saw. */
export interface Labels {
  readonly ssccs: ReadonlyMap<string, string>;
  readonly seen: ReadonlyMap<string, readonly string[]>;
}

/** What of an answer tells labels. */
interface Known {
  readonly unit_ids?: Receipt["unit_ids"];
  readonly ssccs?: Receipt["ssccs"];
  readonly units?: Pick<Evidence["units"][number], "unit_id" | "sscc">[];
  readonly thaw_evidence?: FacilityDetail["thaw_evidence"];
  readonly thaw?: Pick<Thaw, "evidence"> | null;
}

/** Gathers labels from whatever the page has been answered: evidence, receipts and facilities, in any mixture. */
export function labelsOf(answers: readonly unknown[]): Labels {
  const ssccs = new Map<string, string>();
  const seen = new Map<string, readonly string[]>();
  for (const answer of answers.flat() as (Known | null | undefined)[]) {
    if (typeof answer !== "object" || answer === null) continue;
    answer.unit_ids?.forEach((unit, index) => ssccs.set(unit, answer.ssccs?.[index] ?? unit));
    answer.units?.forEach((unit) => ssccs.set(unit.unit_id, unit.sscc));
    answer.thaw_evidence?.forEach((witness) => seen.set(witness.observation_id, witness.ssccs));
    answer.thaw?.evidence?.forEach((witness) => seen.set(witness.observation_id, witness.ssccs));
  }
  return { ssccs, seen };
}

/** The facts with pallets by their labels instead of ids, and for each `*_fen` the amount under the name without it. */
export function toldFacts(facts: Facts, labels: Labels, locale: Locale): Facts {
  const told: Facts = { ...facts };
  for (const [name, value] of Object.entries(facts)) {
    if (name.endsWith("_fen") && typeof value === "number") told[name.slice(0, -"_fen".length)] = formatMoney(value, locale);
  }
  const units = facts["unit_ids"];
  if (Array.isArray(units)) told["unit_ids"] = units.map((unit: string) => formatSscc(labels.ssccs.get(unit) ?? unit));
  const observations = facts["evidence_ids"];
  if (Array.isArray(observations)) {
    told["evidence_ids"] = [...new Set(observations.flatMap((id: string) => labels.seen.get(id)?.map(formatSscc) ?? [id]))];
  }
  return told;
}
