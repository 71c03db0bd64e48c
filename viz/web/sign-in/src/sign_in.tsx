import { api } from "@shared/api/client";
import { settleLocale } from "@shared/i18n/account";
import { Bar, Brand, LanguageSwitch, ThemeSwitch } from "@shared/react/bar";
import { i18n, useWords } from "@shared/react/page";
import { Mark, problemText } from "@shared/react/parts";
import { useState, type FormEvent, type KeyboardEvent } from "react";
import { EvidencePicture } from "./evidence_picture";
import { destination } from "./next";
import "./sign_in.css";

/** The one sign-in of all pages; goes to `next` afterwards when it is a page of ours. */
export function SignIn({ next }: { next: string | null }) {
  const { t } = useWords();
  return (
    <div className="sign-in">
      <Bar>
        <Brand href="/sign-in/" />
        <span className="th-bar-gap" />
        <LanguageSwitch isSignedIn={false} />
        <ThemeSwitch />
      </Bar>
      <main>
        <section className="sign-in-promise">
          <EvidencePicture />
          <h1>{t("signIn.promise")}</h1>
          <p>{t("signIn.how")}</p>
        </section>
        <SignInForm next={next} />
      </main>
    </div>
  );
}

function SignInForm({ next }: { next: string | null }) {
  const { t } = useWords();
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [isCapsLock, setIsCapsLock] = useState(false);
  const [isShown, setIsShown] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const username = String(form.get("username")).trim();
    const password = String(form.get("password"));
    if (!username || !password) return setProblem(t("signIn.missing"));
    setIsBusy(true);
    setProblem(null);
    try {
      const session = await api.signIn(username, password);
      await settleLocale(i18n, api, session);
      window.location.assign(destination(next, session, window.location.origin));
    } catch (error) {
      setIsBusy(false);
      setProblem(problemText(error, t));
    }
  }

  const watchCapsLock = (event: KeyboardEvent) => setIsCapsLock(event.getModifierState("CapsLock"));

  return (
    <form className="th-panel sign-in-form" onSubmit={(event) => void submit(event)} noValidate>
      <h2>{t("signIn.title")}</h2>
      {next && !problem && <p className="th-soft">{t("signIn.goOn")}</p>}
      <label>
        {t("signIn.username")}
        <input name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} autoFocus required />
      </label>
      <label>
        {t("signIn.password")}
        <span className="sign-in-password">
          <input
            name="password"
            type={isShown ? "text" : "password"}
            autoComplete="current-password"
            onKeyUp={watchCapsLock}
            required
          />
          <button
            type="button"
            className="th-button"
            data-kind="quiet"
            aria-pressed={isShown}
            onClick={() => setIsShown(!isShown)}
          >
            {t(isShown ? "signIn.hidePassword" : "signIn.showPassword")}
          </button>
        </span>
      </label>
      {isCapsLock && <p className="sign-in-hint">{t("signIn.capsLock")}</p>}
      {problem && (
        <p className="th-problem" role="alert">
          <Mark name="triangle" />
          {problem}
        </p>
      )}
      <button type="submit" className="th-button" data-kind="primary" disabled={isBusy}>
        {t(isBusy ? "signIn.busy" : "signIn.submit")}
      </button>
    </form>
  );
}
