/** What became of a scan: done, stopped here, or refused by the server. */

import type { DoneStep, StoppedStep } from "../flow/flow";
import type { Handheld } from "../handheld";
import type { KeptScan } from "../queue/store";
import { hasText, t } from "../texts";
import { ScanActions } from "./entry";
import { Action, Icon, Mark, PalletCode, StopSign } from "./parts";

const ANSWERS = {
  waiting: { icon: "clock", text: "pda.keptHere" },
  done: { icon: "check", text: "pda.confirmed" },
  noted: { icon: "list", text: "pda.noted" },
} as const;

export function DoneScreen({ handheld, step }: { handheld: Handheld; step: DoneStep }) {
  const isNoted = step.answer === "noted";
  const { icon, text } = ANSWERS[step.answer];
  return (
    <>
      <section class="body outcome" data-outcome={isNoted ? "noted" : "good"} aria-live="polite">
        <Mark name={isNoted ? "dot" : "tick"} />
        <h1>
          {t(isNoted ? "pda.notedTitle" : step.place === null ? "pda.picked" : "pda.putDown")}{" "}
          <span class="unbroken">{step.place}</span>
        </h1>
        <PalletCode sscc={step.code} />
        <p class="delivery" data-answer={step.answer}>
          <Icon name={icon} />
          {t(text)}
        </p>
        {isNoted && <p>{t("pda.notedMeans")}</p>}
        <p class="next">{t("pda.scanNext")}</p>
      </section>
      <ScanActions handheld={handheld}>
        <Action kind="primary" icon="list" onClick={() => handheld.back()}>
          {t("pda.backToWork")}
        </Action>
      </ScanActions>
    </>
  );
}

export function StoppedScreen({ handheld, step }: { handheld: Handheld; step: StoppedStep }) {
  return (
    <div class="stop" role="alertdialog" aria-labelledby="stop-title">
      <section class="body outcome" data-outcome="bad">
        <StopSign />
        <h1 id="stop-title">{t(`pda.stop.${step.key}`)}</h1>
        <Compared expected={step.expected} scanned={step.scanned} />
      </section>
      <div class="actions">
        {step.otherPallet !== null && (
          <Action onClick={() => handheld.takeOtherPallet()}>{t("pda.takeThisPallet")}</Action>
        )}
        <Action kind="primary" onClick={() => handheld.acknowledge()}>
          {t("pda.scanAgain")}
        </Action>
      </div>
    </div>
  );
}

/** A scan that the server turned down: it stays on the screen until somebody has read why. */
export function RefusalScreen({ handheld, scan }: { handheld: Handheld; scan: KeptScan }) {
  const expected = scan.facts["expected"];
  const waiting = handheld.refusals.value.length - 1;
  return (
    <div class="stop" role="alertdialog" aria-labelledby="refusal-title">
      <section class="body outcome" data-outcome="bad">
        <StopSign />
        <h1 id="refusal-title">{t("pda.refusedByServer")}</h1>
        <p>{refusalText(scan)}</p>
        <Compared expected={typeof expected === "string" ? expected : null} scanned={scan.place_code ?? scan.code} />
        {scan.place_code !== null && <PalletCode sscc={scan.code} />}
      </section>
      <div class="actions">
        {waiting > 0 && <p class="more">{t("pda.moreRefusals", { count: waiting })}</p>}
        <Action kind="primary" onClick={() => void handheld.acknowledgeRefusal()}>
          {t("pda.understood")}
        </Action>
      </div>
    </div>
  );
}

/** Why the server refused a scan, in the worker's language; the bare key when it has no text here. */
export function refusalText(scan: KeptScan): string {
  const isClock = scan.key === "scan.not_recorded" && scan.facts["field"] === "observed_at";
  if (isClock) return t("pda.clockWrong");
  if (scan.key === "scan.not_recorded") return t("pda.notRecorded");
  if (scan.key === "stock.held") return t("pda.onHold");
  const key = `problems.${scan.key ?? "scan.refused"}`;
  return hasText(key) ? t(key, { ...scan.facts }) : t("pda.refusedBecause", { key: scan.key });
}

function Compared({ expected, scanned }: { expected: string | null; scanned: string }) {
  return (
    <dl class="compared">
      {expected !== null && (
        <div>
          <dt>{t("pda.expected")}</dt>
          <dd>
            <Differing text={expected} other={scanned} />
          </dd>
        </div>
      )}
      <div data-side="scanned">
        <dt>{t("pda.scanned")}</dt>
        <dd>
          <Differing text={scanned} other={expected ?? scanned} />
        </dd>
      </div>
    </dl>
  );
}

/** Codes of eighteen digits differ in one: it is marked, so that nobody has to search. */
function Differing({ text, other }: { text: string; other: string }) {
  const isComparable = text.length === other.length;
  return (
    <span class="code">
      {[...text].map((character, index) => {
        const differs = isComparable && character !== other[index];
        return differs ? <mark key={index}>{character}</mark> : character;
      })}
    </span>
  );
}
