/** Before work: this browser becomes a known handheld, and a person signs in. */

import { signInAddress } from "@shared/api/client";
import { useRef } from "preact/hooks";
import { Offline, ApiProblem } from "@shared/api/client";
import type { Handheld } from "../handheld";
import { readText } from "../scan/reading";
import { hasText, t } from "../texts";
import { Icon, Mark } from "./parts";

export function EnrolScreen({ handheld }: { handheld: Handheld }) {
  const field = useRef<HTMLInputElement>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    const text = field.current?.value.trim() ?? "";
    const reading = readText(text, "typed");
    if (text !== "") void handheld.enrol(reading.kind === "enrolment" ? reading.code : text);
  };
  const problem = handheld.enrolProblem.value;
  return (
    <form class="screen" onSubmit={submit}>
      <section class="body start">
        <Icon name="scan" />
        <h1>{t("pda.enrolTitle")}</h1>
        <p>{t("pda.enrolHow")}</p>
        {problem !== null && <StartProblem text={enrolText(problem)} />}
        <label>
          {t("pda.enrolCode")}
          <input ref={field} data-typed maxLength={200} autocomplete="off" autocapitalize="characters" />
        </label>
      </section>
      <div class="actions">
        <button type="submit" class="action" data-kind="primary">
          {t("pda.enrolSubmit")}
        </button>
      </div>
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
        {waiting > 0 && <StartProblem text={t("pda.signInWaiting", { count: waiting })} />}
      </section>
      <div class="actions">
        <a class="action" data-kind="primary" href={signInAddress("/pda/")}>
          {t("pda.signIn")}
        </a>
      </div>
    </div>
  );
}

function StartProblem({ text }: { text: string }) {
  return (
    <p class="hint" role="alert">
      <Mark name="triangle" />
      {text}
    </p>
  );
}

function enrolText(problem: unknown): string {
  if (problem instanceof Offline) return t("common.offline");
  const key = problem instanceof ApiProblem ? `problems.${problem.key}` : "";
  if (problem instanceof ApiProblem && hasText(key)) return t(key, problem.facts);
  return t("pda.enrolRefused");
}
