import type { Modality } from "@shared/api/types";
import { formatCount, formatShare } from "@shared/i18n/format";
import { LOOKS, type MarkName } from "@shared/icons";
import { useWords } from "@shared/react/page";
import { Icon, Mark } from "@shared/react/parts";
import { useMemo, type CSSProperties } from "react";
import { MODES } from "../keys";
import { legendOf, type PaletteEntry } from "../model/looks";
import { tally, type Tally } from "../model/tally";
import { serverNow, useSite } from "../state/site";
import { useView } from "../state/view";
import { Section } from "./section";

const MODALITIES: Modality[] = ["tag", "position", "mass", "sight"];

/** How much stock the books claim, how much of it sensors back, and the legend of the colours. */
export function StockPanel() {
  const { t } = useWords();
  const counts = useTally();
  if (counts.total === 0) {
    return (
      <Section title={t("viewer.stock")}>
        <p className="hint">{t("viewer.noStock")}</p>
      </Section>
    );
  }
  return (
    <Section title={t("viewer.stock")}>
      <Summary counts={counts} />
      <Modalities counts={counts} />
      <Legend counts={counts} />
    </Section>
  );
}

function useTally(): Tally {
  const version = useSite((state) => state.stockVersion);
  const mode = useView((view) => view.mode);
  return useMemo(() => tally(version > 0 ? useSite.getState().stock!.units.values() : [], mode, serverNow()), [version, mode]);
}

/** Three figures and one bar: claimed is the whole, seen and verified are parts of it. */
function Summary({ counts }: { counts: Tally }) {
  const { t, locale } = useWords();
  const share = (value: number) => ({ width: `${(100 * value) / counts.total}%` });
  const figure = (key: string, value: number) => (
    <div>
      <dt>{t(`viewer.figure.${key}`)}</dt>
      <dd>{formatCount(value, locale)}</dd>
    </div>
  );
  const onlySeen = counts.seen - counts.verified;
  return (
    <div className="summary">
      <dl className="figures">
        {figure("claimed", counts.total)}
        {figure("seen", counts.seen)}
        {figure("verified", counts.verified)}
      </dl>
      <div className="stack" aria-hidden="true">
        <span style={{ ...share(counts.verified), background: "var(--evidence-verified)" }} />
        <span style={{ ...share(onlySeen), background: "var(--evidence-seen)" }} />
        <span style={{ ...share(counts.missing), background: "var(--evidence-missing)" }} />
      </div>
      <p className="th-faint">{t("viewer.verifiedShare", { share: formatShare(counts.verified / counts.total, locale, 1) })}</p>
    </div>
  );
}

/** How many units each kind of sensor has seen: a kind that falls behind is a reader down, not stock gone. */
function Modalities({ counts }: { counts: Tally }) {
  const { t, locale } = useWords();
  return (
    <dl className="modality-bars">
      {MODALITIES.map((modality) => (
        <div key={modality}>
          <dt>{t(`modality.${modality}`)}</dt>
          <dd>
            <span className="mini-bar" aria-hidden="true">
              <span style={{ width: `${(100 * counts.byModality[modality]) / counts.total}%` }} />
            </span>
            <b>{formatCount(counts.byModality[modality], locale)}</b>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function markOf(entry: PaletteEntry): MarkName {
  if (entry.mode === "age") return "solid";
  const looks: Record<string, { mark: MarkName }> = LOOKS[entry.mode];
  return looks[entry.key]!.mark;
}

/** Colours by evidence, status or age. A click shows one kind alone, the eye fades it. */
function Legend({ counts }: { counts: Tally }) {
  const { t, locale } = useWords();
  const { mode, setMode, faded, toggleFaded, isolate } = useView();
  const entries = legendOf(mode);
  return (
    <div className="legend">
      <div className="th-segments" role="radiogroup" aria-label={t("viewer.colors")}>
        {MODES.map((item) => (
          <button key={item} type="button" role="radio" aria-checked={mode === item} onClick={() => setMode(item)}>
            {t(`viewer.mode.${item}`)}
          </button>
        ))}
      </div>
      <ul>
        {entries.map((entry) => (
          <li key={entry.key} data-faded={faded.has(entry.key)} style={{ "--tag": `var(${entry.color})` } as CSSProperties}>
            <button type="button" title={t("viewer.isolate")} onClick={() => isolate(entry.key, entries.map((item) => item.key))}>
              <Mark name={markOf(entry)} color={entry.color} />
              <span>{t(`${mode}.${entry.key}`)}</span>
              <b>{formatCount(counts.byKind.get(entry.key) ?? 0, locale)}</b>
            </button>
            <button
              type="button"
              className="eye"
              aria-pressed={!faded.has(entry.key)}
              aria-label={t("viewer.show", { what: t(`${mode}.${entry.key}`) })}
              onClick={() => toggleFaded(entry.key)}
            >
              <Icon name={faded.has(entry.key) ? "eyeOff" : "eye"} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
