/** The language of the account and the language of the page: whoever was chosen last. */
import type { Locale } from "../api/types";
import type { I18n } from "./i18n";

/** The part of a client that is needed here. */
export interface Posts {
  post(path: string, body: unknown): Promise<unknown>;
}

/**
 * Brings page and account together once it is known who is signed in: the page takes the account's language at once,
 * unless the person has chosen one on this page; then the account takes that, for which nobody has to wait. A choice
 * that cannot be stored stays in force on the page, and is told again when the session is read again.
 */
export async function settleLocale(i18n: I18n, client: Posts, session: { person: { locale: Locale | null } }): Promise<void> {
  const { locale } = session.person;
  if (i18n.hasChoice && i18n.locale !== locale) {
    const told = client.post("/session/locale", { locale: i18n.locale });
    await told.then(() => i18n.choiceTold()).catch(() => undefined);
  } else {
    if (locale !== null) i18n.follow(locale);
    i18n.choiceTold();
  }
}
