/** Before work: this browser becomes a known handheld, and a person signs in. */

import { signInAddress } from "@shared/api/client";
import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Offline, ApiProblem } from "@shared/api/client";
import { type Handheld, NOT_A_CODE } from "../handheld";
import { typedEnrolment } from "../scan/reading";
import { t } from "../texts";
import { Camera } from "./entry";
import { Action, Icon, Mark } from "./parts";

const isCameraOpen = signal(false);
const isEnrolling = signal(false);

export function EnrolScreen({ handheld }: { handheld: Handheld }) {
  const field = useRef<HTMLInputElement>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    const code = typedEnrolment(field.current?.value ?? "");
    if (code === "" || isEnrolling.value) return;
    isEnrolling.value = true;
    void handheld.enrol(code).finally(() => (isEnrolling.value = false));
  };
  return (
    <form class="screen" onSubmit={submit}>
      <section class="body start">
        <Icon name="scan" />
        <h1>{t("pda.enrolTitle")}</h1>
        <p>{t("pda.enrolHow")}</p>
        <EnrolProblem handheld={handheld} />
        <label>
          {t("pda.enrolCode")}
          <input ref={field} data-typed maxLength={200} autocomplete="off" autocapitalize="characters" spellcheck={false} />
        </label>
      </section>
      <div class="actions">
        <Action icon="camera" onClick={() => (isCameraOpen.value = true)}>
          {t("pda.useCamera")}
        </Action>
        <button type="submit" class="action" data-kind="primary" disabled={isEnrolling.value}>
          {t(isEnrolling.value ? "pda.enrolBusy" : "pda.enrolSubmit")}
        </button>
      </div>
      {isCameraOpen.value && <Camera handheld={handheld} hint={t("pda.enrolCameraHint")} onClose={() => (isCameraOpen.value = false)} />}
    </form>
  );
}

export function SignInScreen({ handheld }: { handheld: Handheld }) {
  const waiting = handheld.pending.value.length;
  return (
    <div class="screen">
      <section class="body start">
        <Icon name="person" />
        <h1>{t("pda.signInTitle")}</h1>
        <p>{t("pda.signInHow")}</p>
        {waiting > 0 && <Hint text={t("pda.signInWaiting", { count: waiting })} />}
      </section>
      <div class="actions">
        <a class="action" data-kind="primary" href={signInAddress("/pda/")}>
          {t("pda.signIn")}
        </a>
      </div>
    </div>
  );
}

/** Why this browser did not become a handheld, or another one; nothing when all is well. */
export function EnrolProblem({ handheld }: { handheld: Handheld }) {
  const problem = handheld.enrolProblem.value;
  return problem === null ? null : <Hint text={enrolText(problem)} />;
}

export function Hint({ text }: { text: string }) {
  return (
    <p class="hint" role="alert">
      <Mark name="triangle" />
      {text}
    </p>
  );
}

function enrolText(problem: unknown): string {
  if (problem === NOT_A_CODE) return t("pda.notEnrolmentCode");
  if (problem instanceof Offline) return t("common.offline");
  return (problem instanceof ApiProblem && problem.message) || t("pda.enrolRefused");
}
