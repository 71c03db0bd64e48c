/** Why this much: the lendable amount taken apart into the steps of the rule, each with what it costs. */

import type { FacilityDetail, LendableExplained } from "@shared/api/types";
import { formatCount, formatMoneyShort, formatShare } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Blank, Mark } from "@shared/react/parts";
import { type ExplainedStep, explainLendable, type StepKey } from "../data/explain";
import { MoneyShort, Panel } from "../parts/parts";
import { ageText } from "./evidence_age";

export function Explained({ facility }: { facility: FacilityDetail }) {
  const { t } = useWords();
  const facts = facility.lendable_explained;
  return (
    <Panel title={t("bank.whyThisMuch")} note={t("bank.whyNote")} className="explained">
      {facts.book_units === 0 ? (
        <Blank title={t("bank.nothingPledged")}>{t("bank.nothingPledgedHint")}</Blank>
      ) : (
        <Steps facility={facility} facts={facts} />
      )}
    </Panel>
  );
}

function Steps({ facility, facts }: { facility: FacilityDetail; facts: LendableExplained }) {
  const { t } = useWords();
  const { steps, lendable_fen, differs } = explainLendable(facility);
  const whole = Math.max(steps[0]?.left_fen ?? 1, 1);
  return (
    <table className="steps">
      <thead className="th-hidden">
        <tr>
          <th>{t("bank.step")}</th>
          <th>{t("bank.because")}</th>
          <th>{t("bank.leaves")}</th>
        </tr>
      </thead>
      <tbody>
        {steps.map((step) => (
          <StepRow key={step.key} step={step} whole={whole} facility={facility} facts={facts} />
        ))}
        <tr className="steps-end">
          <th scope="row">{t("bank.lendable")}</th>
          <td>{differs && t("bank.ruleDiffers")}</td>
          <td>
            <MoneyShort fen={lendable_fen} currency={facility.currency} />
          </td>
        </tr>
      </tbody>
    </table>
  );
}

function StepRow(props: { step: ExplainedStep; whole: number; facility: FacilityDetail; facts: LendableExplained }) {
  const { t } = useWords();
  const { step, whole, facility, facts } = props;
  const left = `${((100 * step.left_fen) / whole).toFixed(2)}%`;
  const taken = `${((100 * step.taken_fen) / whole).toFixed(2)}%`;
  return (
    <tr data-step={step.key}>
      <th scope="row">{t(`bank.steps.${step.key}`)}</th>
      <td>
        <Because step={step.key} facility={facility} facts={facts} />
        <div className="steps-bar" aria-hidden="true">
          <span style={{ width: left }} />
          <span style={{ width: taken }} />
        </div>
      </td>
      <td>
        <MoneyShort fen={step.left_fen} currency={facility.currency} />
        {step.taken_fen > 0 && <Taken fen={step.taken_fen} currency={facility.currency} />}
      </td>
    </tr>
  );
}

function Taken({ fen, currency }: { fen: number; currency: string }) {
  const { locale } = useWords();
  return <small>−{formatMoneyShort(fen, locale, currency)}</small>;
}

function Because({ step, facility, facts }: { step: StepKey; facility: FacilityDetail; facts: LendableExplained }) {
  const { t, locale } = useWords();
  const share = (factor: string | number) => formatShare(factor, locale);
  const age = facility.freshness_age_h;
  switch (step) {
    case "book":
      if (facts.unit_value_fen === 0) return t("bank.because_noValue", { count: facts.book_units });
      return t("bank.because_book", {
        count: facts.book_units,
        value: formatMoneyShort(facts.unit_value_fen, locale, facility.currency),
      });
    case "verified":
      return (
        <>
          {missing(facts) === 0
            ? t("bank.because_all", { count: facts.verified_low })
            : t("bank.because_verified", { count: facts.verified_low, missing: formatCount(missing(facts), locale) })}
          {facts.unweighed_each > 0 && <span className="th-soft"> · {t("bank.because_unweighed", { count: facts.unweighed_each })}</span>}
        </>
      );
    case "modality":
      return <ModalityBecause facts={facts} />;
    case "freshness":
      if (age === null) return t("bank.noEvidence");
      return t("bank.because_freshness", { age: ageText(age, t), factor: share(facts.freshness_factor) });
    case "advance":
      return t("bank.because_advance", { factor: share(facts.advance_rate) });
    case "claims":
      return t("bank.because_claims");
  }
}

function missing(facts: LendableExplained): number {
  return Math.max(0, facts.book_units - facts.verified_low);
}

function ModalityBecause({ facts }: { facts: LendableExplained }) {
  const { t, locale } = useWords();
  return (
    <span className="modality-because">
      {facts.parts.length > 1 && <span>{t("bank.lowestOf", { count: facts.parts.length })}</span>}
      {t("bank.because_modality", { count: facts.modalities.length, factor: formatShare(facts.modality_factor, locale) })}
      {facts.modalities.map((modality) => (
        <span key={modality} className="th-tag">
          <Mark name="solid" color="--evidence-verified" />
          {t(`modality.${modality}`)}
        </span>
      ))}
    </span>
  );
}
