/** The handheld page: the status line that is always there, the one screen of the moment, and the hidden field. */

import { useEffect, useRef } from "preact/hooks";
import { lastSignal, unlockSound } from "./feedback/feedback";
import type { Step } from "./flow/flow";
import type { Handheld } from "./handheld";
import { readFrame } from "./scan/reading";
import { keepFocus, listenToWedge } from "./scan/wedge";
import { menu, MenuScreen } from "./screens/menu";
import { DoneScreen, RefusalScreen, StoppedScreen } from "./screens/outcome";
import { Icon, Mark } from "./screens/parts";
import { PalletQuestion, PlaceQuestion } from "./screens/question";
import { ReadyScreen } from "./screens/ready";
import { EnrolProblem, EnrolScreen, Hint, SignInScreen } from "./screens/start";
import { locale, t } from "./texts";

export function App({ handheld }: { handheld: Handheld }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => listen(field.current, handheld), [handheld]);
  return (
    <>
      <StatusLine handheld={handheld} />
      <Warnings handheld={handheld} />
      <main>
        <Screen handheld={handheld} />
        <input ref={field} class="wedge" inputMode="none" autocomplete="off" aria-label={t("pda.scanField")} tabIndex={-1} />
      </main>
      <Flash />
    </>
  );
}

/** What stands over every screen, because work makes little sense until somebody has dealt with it. */
function Warnings({ handheld }: { handheld: Handheld }) {
  return (
    <div class="warnings">
      {handheld.cannotStore.value && (
        <p class="hint" role="alert">
          <Mark name="octagon" />
          {t("pda.cannotStore")}
        </p>
      )}
      {handheld.link.value === "device_refused" && <Hint text={t("pda.deviceRefusedHow")} />}
      {handheld.device.value !== null && <EnrolProblem handheld={handheld} />}
    </div>
  );
}

function listen(field: HTMLInputElement | null, handheld: Handheld): () => void {
  if (field === null) return () => undefined;
  const stops = [listenToWedge(field, (framed) => void handheld.read(readFrame(framed))), keepFocus(field)];
  window.addEventListener("pointerdown", unlockSound, { once: true });
  window.addEventListener("keydown", unlockSound, { once: true });
  return () => stops.forEach((stop) => stop());
}

function Screen({ handheld }: { handheld: Handheld }) {
  if (handheld.device.value === null) return <EnrolScreen handheld={handheld} />;
  if (handheld.worker.value === null) return <SignInScreen handheld={handheld} />;
  if (handheld.refusal.value !== null) return <RefusalScreen handheld={handheld} scan={handheld.refusal.value} />;
  if (menu.value !== "closed") return <MenuScreen handheld={handheld} />;
  return <StepScreen handheld={handheld} step={handheld.step.value} />;
}

function StepScreen({ handheld, step }: { handheld: Handheld; step: Step }) {
  switch (step.name) {
    case "ready":
      return <ReadyScreen handheld={handheld} step={step} />;
    case "pallet":
      return <PalletQuestion handheld={handheld} step={step} />;
    case "place":
      return <PlaceQuestion handheld={handheld} step={step} />;
    case "done":
      return <DoneScreen handheld={handheld} step={step} />;
    case "stopped":
      return <StoppedScreen handheld={handheld} step={step} />;
  }
}

/** Always says how many scans wait and whether the line is there: by icon, word and number. */
function StatusLine({ handheld }: { handheld: Handheld }) {
  const link = handheld.link.value;
  const count = handheld.pending.value.length;
  const isWell = count === 0 && (link === "idle" || link === "sending");
  const isNew = handheld.device.value === null && count === 0;
  const state = isWell ? "well" : link === "idle" || link === "sending" ? "sending" : link;
  return (
    <header class="status">
      <svg class="sign" viewBox="0 0 24 24" aria-hidden="true">
        <path d="M2 10 12 3l10 7" />
        <path d="M6 12v8M10 12v8M14 12v8M18 12v8" />
        <path d="M3.5 19.5 20.5 12.5" />
      </svg>
      {isNew ? (
        <strong class="line">{t("common.product")}</strong>
      ) : (
        <div class="line" data-state={state} role="status">
          <Mark name={isWell ? "tick" : state === "sending" ? "ring" : "triangle"} />
          <span>{t(`pda.link.${state}`)}</span>
          {count > 0 && <b aria-label={t("pda.waiting", { count })}>{count}</b>}
        </div>
      )}
      {link === "signed_out" && handheld.worker.value !== null && (
        <a class="th-button" href="/sign-in/?next=%2Fpda%2F">
          {t("pda.signIn")}
        </a>
      )}
      {handheld.device.value === null || handheld.worker.value === null ? (
        <OtherLanguage handheld={handheld} />
      ) : (
        <button type="button" class="back" aria-label={t("pda.menu")} onClick={() => (menu.value = "menu")}>
          <Icon name="menu" />
        </button>
      )}
    </header>
  );
}

/** Before anybody works here there is no menu, but there is a person who reads. */
function OtherLanguage({ handheld }: { handheld: Handheld }) {
  const other = locale.value === "zh" ? "en" : "zh";
  return (
    <button type="button" class="th-button language" data-kind="quiet" lang={other} onClick={() => handheld.chooseLocale(other)}>
      {other === "zh" ? "中文" : "English"}
    </button>
  );
}

/** A wash of colour over the whole screen with a sign in the middle, gone by itself. Drawn anew for each signal. */
function Flash() {
  const last = lastSignal.value;
  if (last === null) return null;
  return (
    <div key={last.count} class="flash" data-signal={last.kind} aria-hidden="true">
      <Mark name={last.kind === "refused" ? "octagon" : last.kind === "accepted" ? "tick" : "dot"} />
    </div>
  );
}
