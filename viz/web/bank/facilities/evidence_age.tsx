/** How old the newest evidence behind a facility is: as words, and as a mark once it costs money. */

import type { Facility } from "@shared/api/types";
import { LOOKS } from "@shared/icons";
import { useWords } from "@shared/react/page";
import { Mark } from "@shared/react/parts";

export function EvidenceAge({ facility }: { facility: Facility }) {
  const { t } = useWords();
  const hours = facility.freshness_age_h;
  if (hours === null) return <span className="th-faint">{t("bank.noEvidence")}</span>;
  const isFresh = Number(facility.lendable_explained.freshness_factor) === 1;
  const look = isFresh ? LOOKS.outcome.good : LOOKS.outcome.warning;
  return (
    <span className="age">
      <Mark name={look.mark} color={look.color} />
      {ageText(hours, t)}
    </span>
  );
}

/** An age in hours as minutes, hours or days. */
export function ageText(hours: number, t: (key: string, facts: Record<string, unknown>) => string): string {
  if (hours < 1) return t("bank.ageMinutes", { count: Math.max(1, Math.round(hours * 60)) });
  if (hours < 48) return t("bank.ageHours", { count: Math.round(hours) });
  return t("bank.ageDays", { count: Math.round(hours / 24) });
}
