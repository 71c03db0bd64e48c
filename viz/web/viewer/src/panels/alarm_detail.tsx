import { formatMoment } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Age, GradeTag, Mark, problemText } from "@shared/react/parts";
import type { Alarm } from "@shared/api/types";
import { useState, type FormEvent } from "react";
import { clearAlarm, useSite } from "../state/site";
import { AcknowledgeButton, alarmText, useMayAcknowledge } from "./alarms_panel";
import { goToUnit } from "./go_to";
import { DetailHead } from "./selection_panel";
import { Fact } from "./unit_detail";

/** An alarm with the evidence it rests on: which sensor saw what, and when. */
export function AlarmDetail({ alarmId }: { alarmId: string }) {
  const { t, locale } = useWords();
  const alarm = useSite((state) => state.alarms.find((item) => item.alarm_id === alarmId));
  const lotCodes = useSite((state) => state.lotCodes);
  if (!alarm) return null;
  return (
    <article className="detail">
      <DetailHead title={alarmText(alarm)}>
        <div className="detail-tags">
          <GradeTag grade={alarm.grade} />
          <AcknowledgeButton alarm={alarm} />
        </div>
      </DetailHead>
      <dl className="facts">
        <Fact name={t("viewer.raised")}>{formatMoment(alarm.raised_at, locale)}</Fact>
        {alarm.gate_id && <Fact name={t("viewer.gate")} isCode>{alarm.gate_id}</Fact>}
        {alarm.lot_ids.length > 0 && <Fact name={t("viewer.lot")} isCode>{alarm.lot_ids.map((id) => lotCodes.get(id) ?? id).join(", ")}</Fact>}
        {alarm.cleared_at && <Fact name={t("viewer.cleared")}>{formatMoment(alarm.cleared_at, locale)}</Fact>}
      </dl>
      <Units alarm={alarm} />
      <section className="sightings">
        <h3>{t("viewer.evidence")}</h3>
        {alarm.evidence.length === 0 && <p className="th-faint">{t("viewer.noEvidence")}</p>}
        <ol className="timeline">
          {alarm.evidence.map((row) => (
            <li key={row.observation_id}>
              <Mark name="dot" color="--grade-freeze" />
              <div>
                <span>{row.summary}</span>
                <small className="th-faint">
                  {t(`modality.${row.modality}`)} · {row.device_id} · <Age at={row.at} />
                </small>
              </div>
            </li>
          ))}
        </ol>
      </section>
      <ClearForm alarm={alarm} />
    </article>
  );
}

/** Pallets named at first; the rest are a click away in the scene. */
const UNITS_SHOWN = 8;

function Units({ alarm }: { alarm: Alarm }) {
  const { t } = useWords();
  const stock = useSite((state) => state.stock);
  if (alarm.unit_ids.length === 0) return null;
  const more = alarm.unit_ids.length - UNITS_SHOWN;
  return (
    <section className="alarm-units">
      <h3>{t("viewer.pallets", { count: alarm.unit_ids.length })}</h3>
      {alarm.unit_ids.slice(0, UNITS_SHOWN).map((id) => {
        const unit = stock?.units.get(id);
        return (
          <button key={id} type="button" className="th-button th-mono" disabled={!unit} onClick={() => goToUnit(id)}>
            {unit?.slot_id ?? unit?.sscc.slice(-6) ?? id.slice(-6)}
          </button>
        );
      })}
      {more > 0 && <span className="th-faint">{t("viewer.andMore", { count: more })}</span>}
    </section>
  );
}

/** An alarm is closed with a reason, which stays with it. */
function ClearForm({ alarm }: { alarm: Alarm }) {
  const { t } = useWords();
  const mayClear = useMayAcknowledge();
  const [failure, setFailure] = useState<unknown>(null);
  if (!mayClear || alarm.state === "cleared" || alarm.acknowledged_at === null) return null;

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get("reason")).trim();
    try {
      await clearAlarm(alarm.alarm_id, reason);
      setFailure(null);
    } catch (error) {
      setFailure(error);
    }
  }

  return (
    <form className="clear-form" onSubmit={(event) => void submit(event)}>
      <label>
        {t("viewer.clearReason")}
        <textarea name="reason" rows={2} required minLength={3} maxLength={500} />
      </label>
      <button type="submit" className="th-button">
        {t("viewer.clear")}
      </button>
      {failure !== null && <p role="alert">{problemText(failure, t)}</p>}
    </form>
  );
}
