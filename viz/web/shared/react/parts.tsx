/** Small parts that all React pages share. Styles: theme/base.css and react/parts.css. */
import { createContext, useContext, useEffect, useState, type CSSProperties, type ReactNode } from "react";
import { ApiProblem, Offline } from "../api/client";
import type { EvidenceState, Grade, Interval as IntervalValue, Modality, ModalityAges, UnitStatus } from "../api/types";
import { DEFAULT_ZONE, formatAge, formatCount, formatMomentWithZone } from "../i18n/format";
import { ICONS, LOOKS, MARKS, type IconName, type Look, type MarkName } from "../icons";
import { useWords } from "./page";
import "./parts.css";

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="th-icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  );
}

export function Mark({ name, color }: { name: MarkName; color?: `--${string}` }) {
  return (
    <svg className="th-mark" viewBox="0 0 16 16" aria-hidden="true" style={color ? { color: `var(${color})` } : undefined}>
      <path d={MARKS[name]} fill="currentColor" fillRule="evenodd" />
    </svg>
  );
}

/** A status: shape, colour and word together. */
export function Tag({ look, children }: { look: Look; children: ReactNode }) {
  return (
    <span className="th-tag" style={{ "--tag": `var(${look.color})` } as CSSProperties}>
      <Mark name={look.mark} />
      {children}
    </span>
  );
}

export function EvidenceTag({ state }: { state: EvidenceState }) {
  const { t } = useWords();
  return <Tag look={LOOKS.evidence[state]}>{t(`evidence.${state}`)}</Tag>;
}

export function StatusTag({ status }: { status: UnitStatus }) {
  const { t } = useWords();
  return <Tag look={LOOKS.status[status]}>{t(`status.${status}`)}</Tag>;
}

export function GradeTag({ grade }: { grade: Grade }) {
  const { t } = useWords();
  return <Tag look={LOOKS.grade[grade]}>{t(`grade.${grade}`)}</Tag>;
}

/** How often ages are told anew, in milliseconds. */
const AGE_TICK_MS = 5000;

/** The present moment in milliseconds, again every few seconds: for ages in words. */
export function useNow(everyMs = AGE_TICK_MS): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** The zone that exact times are told in: that of the site on a page that shows one. */
export const ShownZone = createContext(DEFAULT_ZONE);

/** A moment as an age in words; the exact time with its zone shows when pointed at. */
export function Age({ at }: { at: string | null | undefined }) {
  const { t, locale } = useWords();
  const now = useNow();
  const zone = useContext(ShownZone);
  if (!at) return <span className="th-faint">{t("common.never")}</span>;
  return (
    <time dateTime={at} title={formatMomentWithZone(at, locale, zone)}>
      {formatAge(at, now, locale)}
    </time>
  );
}

const MODALITIES: Modality[] = ["tag", "mass", "position", "sight"];

/** The four kinds of sensor and how long ago each last saw the thing. */
export function ModalityAgeList({ ages }: { ages: ModalityAges }) {
  const { t } = useWords();
  return (
    <dl className="th-modalities">
      {MODALITIES.map((modality) => (
        <div key={modality} data-seen={ages[modality] ? "yes" : "no"}>
          <dt>
            <Mark name={ages[modality] ? "solid" : "hollow"} />
            {t(`modality.${modality}`)}
          </dt>
          <dd>
            <Age at={ages[modality]} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/**
 * Low, middle and high drawn on a line from zero to what the books claim.
 *
 * The bar spans low to high, the tick is the middle, the end of the line is the claim: stock that no sensor
 * backs is the empty part at the right.
 */
export function IntervalBar({ value, claimed, unit }: { value: IntervalValue; claimed: number; unit?: string }) {
  const { t, locale } = useWords();
  const whole = Math.max(claimed, value.high, 1);
  const at = (amount: number) => `${((100 * amount) / whole).toFixed(2)}%`;
  const count = (amount: number) => formatCount(amount, locale);
  const words = t("interval.words", { low: value.low, mid: value.mid, high: value.high, claimed });
  return (
    <figure className="th-interval" aria-label={words} title={words}>
      <div className="th-interval-line">
        <span className="th-interval-low" style={{ width: at(value.low) }} />
        <span className="th-interval-range" style={{ left: at(value.low), width: at(value.high - value.low) }} />
        <span className="th-interval-mid" style={{ left: at(value.mid) }} />
      </div>
      <figcaption>
        <b>
          {value.low === value.high ? count(value.low) : `${count(value.low)}–${count(value.high)}`}
          {unit ? ` ${unit}` : ""}
        </b>
        <span>{t("interval.of", { claimed })}</span>
      </figcaption>
    </figure>
  );
}

/** Nothing to show, said kindly, with what would make it appear. */
export function Blank({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="th-blank">
      <strong>{title}</strong>
      {children}
    </div>
  );
}

/** What went wrong, in the person's language, and a way to try again. */
export function Problem({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useWords();
  return (
    <div className="th-problem" role="alert">
      <Mark name="triangle" />
      <div>
        <div>{problemText(error, t)}</div>
        {onRetry && (
          <button type="button" className="th-button" data-kind="quiet" onClick={onRetry}>
            <Icon name="refresh" />
            {t("common.retry")}
          </button>
        )}
      </div>
    </div>
  );
}

/**
 * The sentence for an error: the server's, which says amounts, pallets, fields and rules in the page's language;
 * our own for what came from no handler of it; else that no answer came.
 */
export function problemText(error: unknown, t: (key: string, facts?: Record<string, unknown>) => string): string {
  if (error instanceof ApiProblem) {
    const key = `problems.${error.key}`;
    const text = error.key.startsWith("http.") || !error.message ? t(key) : error.message;
    return text === key ? error.message || t("common.failed") : text;
  }
  if (error instanceof Offline) return t("common.offline");
  return t("common.failed");
}

export function Loading({ label }: { label?: string }) {
  const { t } = useWords();
  return (
    <div className="th-blank" role="status">
      <span className="th-spinner" />
      <span>{label ?? t("common.loading")}</span>
    </div>
  );
}
