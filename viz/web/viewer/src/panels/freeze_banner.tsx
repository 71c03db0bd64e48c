import type { Alarm } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { Age, Icon, Mark } from "@shared/react/parts";
import { useEffect, useLayoutEffect } from "react";
import { useSite } from "../state/site";
import { AcknowledgeButton, alarmText, showAlarm } from "./alarms_panel";

const unseen = (alarm: Alarm) => alarm.state === "active" && alarm.acknowledged_at === null;

/** Across the whole top while a facility stands frozen and nobody has taken the alarm. It cannot be closed. */
export function FreezeBanner() {
  const { t } = useWords();
  const alarms = useSite((state) => state.alarms);
  const frozen = alarms.filter((alarm) => alarm.grade === "freeze" && unseen(alarm));
  const newest = frozen[0];
  useTold(alarms, frozen);
  if (!newest) return null;
  return (
    <div className="freeze-banner" role="alert" data-testid="alarm-banner" data-alarm={newest.alarm_id}>
      <Mark name="octagon" />
      <div>
        <strong>{t("viewer.freezeTitle")}</strong>
        <span>{alarmText(newest)}</span>
      </div>
      <span className="freeze-facts">
        {newest.unit_ids.length > 0 && t("viewer.pallets", { count: newest.unit_ids.length })}
        <Age at={newest.raised_at} />
        {frozen.length > 1 && t("viewer.moreAlarms", { count: frozen.length - 1 })}
      </span>
      <button type="button" className="th-button" onClick={() => showAlarm(newest)}>
        <Icon name="locate" />
        {t("viewer.showMe")}
      </button>
      <AcknowledgeButton alarm={newest} />
    </div>
  );
}

/** Notes in the page's probe when the newest alarm, and each freeze, was on the screen. */
function useTold(alarms: readonly Alarm[], frozen: readonly Alarm[]): void {
  const newest = alarms.find((alarm) => alarm.state === "active")?.alarm_id;
  useLayoutEffect(() => {
    if (newest !== undefined) window.__tallyhouse.lastAlarmAt = Date.now();
  }, [newest]);
  useLayoutEffect(() => {
    const { bannersShown } = window.__tallyhouse;
    for (const { alarm_id: id } of frozen) if (!bannersShown.includes(id)) bannersShown.push(id);
  }, [frozen]);
}

/** The window's title says how many alarms wait, so that a tab in the background tells too. */
export function useAlarmTitle(): void {
  const { t } = useWords();
  const waiting = useSite((state) => state.alarms.filter(unseen).length);
  useEffect(() => {
    const title = `${t("common.viewer")} · ${t("common.product")}`;
    document.title = waiting > 0 ? `(${waiting}) ${title}` : title;
  }, [t, waiting]);
}
