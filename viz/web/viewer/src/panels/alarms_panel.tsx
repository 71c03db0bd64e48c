import type { Alarm, Role } from "@shared/api/types";
import { formatMomentWithZone } from "@shared/i18n/format";
import { LOOKS } from "@shared/icons";
import { useWords } from "@shared/react/page";
import { Age, GradeTag, Icon, Mark, problemText, ShownZone } from "@shared/react/parts";
import { useContext, useState } from "react";
import { sceneLink } from "../scene/current";
import { showPlace, useHasRole } from "../state/place";
import { acknowledge, useSite } from "../state/site";
import { useView } from "../state/view";
import { say } from "./say";
import { Section } from "./section";

const MAY_ACKNOWLEDGE: Role[] = ["operator", "keeper", "admin"];

/** Whether the person may take alarms upon themselves; banks and borrowers only read them. */
export function useMayAcknowledge(): boolean {
  return useHasRole(MAY_ACKNOWLEDGE);
}

export function alarmText(alarm: Alarm): string {
  return say(alarm.text_key, alarm.facts, `alarm.${alarm.kind}`);
}

/** Flies to the alarm and opens it. */
export function showAlarm(alarm: Alarm): void {
  showPlace("site");
  useView.getState().select({ kind: "alarm", id: alarm.alarm_id });
  sceneLink()?.flyToAlarm(alarm);
}

export function AcknowledgeButton({ alarm }: { alarm: Alarm }) {
  const { t } = useWords();
  const mayAcknowledge = useMayAcknowledge();
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  if (!mayAcknowledge || alarm.acknowledged_at !== null || alarm.state === "cleared") return null;

  async function press() {
    setIsBusy(true);
    setFailure(null);
    try {
      await acknowledge(alarm.alarm_id);
    } catch (error) {
      setFailure(error);
    } finally {
      setIsBusy(false);
    }
  }

  return (
    <>
      <button type="button" className="th-button" disabled={isBusy} onClick={() => void press()}>
        <Icon name="check" />
        {t("viewer.acknowledge")}
      </button>
      {failure !== null && <span role="alert">{problemText(failure, t)}</span>}
    </>
  );
}

/** Open alarms, worst first. */
export function AlarmsPanel() {
  const { t } = useWords();
  const alarms = useSite((state) => state.alarms);
  const active = alarms.filter((alarm) => alarm.state === "active");
  return (
    <Section title={t("viewer.alarms")} aside={<Counts alarms={active} />}>
      {active.length === 0 ? (
        <p className="calm">
          <Mark name="tick" color="--good" />
          {t("viewer.noAlarms")}
        </p>
      ) : (
        <ul className="alarms">
          {active.map((alarm) => (
            <AlarmRow key={alarm.alarm_id} alarm={alarm} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function Counts({ alarms }: { alarms: Alarm[] }) {
  const grades = ["freeze", "restrict", "check", "note"] as const;
  const { t } = useWords();
  return (
    <span className="alarm-counts">
      {grades.map((grade) => {
        const count = alarms.filter((alarm) => alarm.grade === grade).length;
        if (count === 0) return null;
        return (
          <span key={grade} title={t(`grade.${grade}`)}>
            <Mark name={LOOKS.grade[grade].mark} color={LOOKS.grade[grade].color} />
            {count}
          </span>
        );
      })}
    </span>
  );
}

function AlarmRow({ alarm }: { alarm: Alarm }) {
  const { t, locale } = useWords();
  const zone = useContext(ShownZone);
  const isSelected = useView((view) => view.selection?.kind === "alarm" && view.selection.id === alarm.alarm_id);
  return (
    <li data-grade={alarm.grade} data-acknowledged={alarm.acknowledged_at !== null} data-selected={isSelected}>
      <button type="button" className="alarm-open" onClick={() => showAlarm(alarm)}>
        <span className="alarm-head">
          <GradeTag grade={alarm.grade} />
          <Age at={alarm.raised_at} />
        </span>
        <span className="alarm-text">{alarmText(alarm)}</span>
      </button>
      <span className="alarm-tools">
        {alarm.acknowledged_at === null ? (
          <AcknowledgeButton alarm={alarm} />
        ) : (
          <span className="th-faint" title={formatMomentWithZone(alarm.acknowledged_at, locale, zone)}>
            {t("viewer.acknowledgedBy", { who: alarm.acknowledged_by_name ?? t("viewer.theKeeper") })}
          </span>
        )}
      </span>
    </li>
  );
}
