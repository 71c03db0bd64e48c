import { formatMomentWithZone, formatTime } from "@shared/i18n/format";
import type { IconName } from "@shared/icons";
import { useWords } from "@shared/react/page";
import { Icon } from "@shared/react/parts";
import { useSite } from "../state/site";
import { useView } from "../state/view";
import { say } from "./say";

/** Sign of a kind of activity by the first word of its name. */
const SIGNS: Record<string, IconName> = {
  unit: "pallet",
  putaway: "pallet",
  vehicle: "truck",
  delivery: "truck",
  shipment: "truck",
  barrier: "gate",
  alarm: "bell",
  order: "list",
  hold: "lock",
  receipt: "lock",
  stock: "lock",
  facility: "lock",
  verified: "signal",
};

/** What happened on the site, newest first. */
export function ActivityPanel() {
  const { t, locale } = useWords();
  const activity = useSite((state) => state.activity);
  const zone = useSite((state) => state.frame?.layout.time_zone);
  const { isActivityOpen, set } = useView();
  return (
    <div className="activity" data-open={isActivityOpen}>
      <button type="button" className="activity-head" aria-expanded={isActivityOpen} onClick={() => set({ isActivityOpen: !isActivityOpen })}>
        <Icon name={isActivityOpen ? "chevronDown" : "chevronRight"} />
        {t("viewer.activity")}
      </button>
      {isActivityOpen && (
        <ol tabIndex={0} aria-label={t("viewer.activity")}>
          {activity.map((row) => (
            <li key={row.cursor}>
              <time className="th-mono th-faint" title={formatMomentWithZone(row.at, locale, zone)}>{formatTime(row.at, locale, zone)}</time>
              <Icon name={SIGNS[row.kind.split(/[._]/)[0]!] ?? "signal"} />
              <span>{say(row.text_key, row.facts, `activity.${row.kind}`)}</span>
            </li>
          ))}
          {activity.length === 0 && <li className="th-faint">{t("viewer.noActivity")}</li>}
        </ol>
      )}
    </div>
  );
}
