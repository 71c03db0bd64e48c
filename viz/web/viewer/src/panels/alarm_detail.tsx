import { formatMass, formatMomentWithZone } from "@shared/i18n/format";
import { i18n, useWords } from "@shared/react/page";
import { Age, GradeTag, Mark, problemText } from "@shared/react/parts";
import { inOrder, seenText } from "@shared/seen";
import type { Alarm } from "@shared/api/types";
import { useState, type FormEvent } from "react";
import { clearAlarm, useSite } from "../state/site";
import { AcknowledgeButton, alarmText, useMayAcknowledge } from "./alarms_panel";
import { goToUnit } from "./go_to";
import { DetailHead, Fact } from "./detail_parts";

/** An alarm with the evidence it rests on: which sensor saw what, and when. */
export function AlarmDetail({ alarmId }: { alarmId: string }) {
  const { t, locale } = useWords();
  const alarm = useSite((state) => state.alarms.find((item) => item.alarm_id === alarmId));
  const lots = useSite((state) => state.lots);
  const zone = useSite((state) => state.frame?.layout.time_zone);
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
        <Fact name={t("viewer.raised")}>{formatMomentWithZone(alarm.raised_at, locale, zone)}</Fact>
        {alarm.gate_id && <Fact name={t("viewer.gate")}><GateNow gateId={alarm.gate_id} /></Fact>}
        {typeof alarm.facts["plate"] === "string" && alarm.facts["plate"] !== "" && <Fact name={t("viewer.asset.truck")} isCode>{alarm.facts["plate"]}</Fact>}
        {alarm.lot_ids.length > 0 && <Fact name={t("viewer.lot")} isCode>{alarm.lot_ids.map((id) => lots.get(id)?.code ?? id).join(", ")}</Fact>}
        <Masses alarm={alarm} />
        {alarm.cleared_at && <Fact name={t("viewer.cleared")}>{formatMomentWithZone(alarm.cleared_at, locale, zone)}</Fact>}
        {alarm.clear_reason && <Fact name={t("viewer.because")}>{alarm.clear_reason}</Fact>}
      </dl>
      <ClearForm alarm={alarm} />
      <Reasons alarm={alarm} />
      <Units alarm={alarm} />
      <Trail alarm={alarm} />
    </article>
  );
}

/** The gate and how its barrier stands at this moment: the first thing to know when goods are before it. */
function GateNow({ gateId }: { gateId: string }) {
  const { t } = useWords();
  const barrier = useSite((state) => state.barriers.get(gateId));
  return (
    <>
      <span className="th-mono">{gateId}</span>
      {barrier && <> · {t(barrier.is_open ? "viewer.barrierOpen" : "viewer.barrierShut")}</>}
    </>
  );
}

/** Each weight of the alarm with the one it is held against. */
const MASS_FACTS = [
  ["taken_g", "viewer.massTaken"],
  ["net_g", "viewer.massNet"],
  ["expected_g", "viewer.massExpected"],
] as const;

function Masses({ alarm }: { alarm: Alarm }) {
  const { t, locale } = useWords();
  const known = MASS_FACTS.filter(([fact]) => typeof alarm.facts[fact] === "number");
  if (known.length < 2) return null;
  return known.map(([fact, name]) => (
    <Fact key={fact} name={t(name)}>
      {formatMass(alarm.facts[fact] as number, locale)}
    </Fact>
  ));
}

/** Why the alarm has its grade: what was seen, each in a sentence. A reason that this page does not know is left out. */
function Reasons({ alarm }: { alarm: Alarm }) {
  const { t } = useWords();
  const reasons = Array.isArray(alarm.facts["reasons"]) ? alarm.facts["reasons"].map((reason) => `alarmReason.${reason}`) : [];
  const known = reasons.filter((key) => i18n.has(key));
  if (known.length === 0) return null;
  return (
    <section className="sightings">
      <h3>{t("viewer.whyGrade")}</h3>
      <ul className="reasons">
        {known.map((key) => (
          <li key={key}>{t(key)}</li>
        ))}
      </ul>
    </section>
  );
}

/** What the sensors reported, in the order in which it happened. */
function Trail({ alarm }: { alarm: Alarm }) {
  const { t } = useWords();
  return (
    <section className="sightings">
      <h3>{t("viewer.evidence")}</h3>
      {alarm.evidence.length === 0 && <p className="th-faint">{t("viewer.noEvidence")}</p>}
      <ol className="timeline">
        {inOrder(alarm.evidence).map(({ first, count }) => (
          <li key={`${first.observation_id} ${first.summary}`}>
            <Mark name="dot" color="--grade-freeze" />
            <div>
              <span>{seenText(first, t)}</span>
              <small className="th-faint">
                {first.modality && <>{t(`modality.${first.modality}`)} · </>}
                {first.device_id}
                {count > 1 && <> · {t("saw.times", { count })}</>} · <Age at={first.at} />
              </small>
            </div>
          </li>
        ))}
      </ol>
    </section>
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
