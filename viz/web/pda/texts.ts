/** The texts of this page in both languages: only the parts that a handheld shows, to keep the first load small. */

import { settleLocale, type Posts } from "@shared/i18n/account";
import { I18n } from "@shared/i18n/i18n";
import type { Facts, Locale, SignedIn } from "@shared/api/types";
import * as en from "@shared/locales/en.json";
import * as zh from "@shared/locales/zh.json";
import { signal } from "@preact/signals";

const i18n = new I18n({
  en: { common: en.common, role: en.role, problems: en.problems, device: en.device, pda: en.pda },
  zh: { common: zh.common, role: zh.role, problems: zh.problems, device: zh.device, pda: zh.pda },
});

export const locale = signal<Locale>(i18n.locale);
i18n.subscribe(() => {
  locale.value = i18n.locale;
});

/** The text of a key; whatever draws it draws again when the language changes. */
export function t(key: string, facts?: Facts): string {
  void locale.value;
  return i18n.t(key, facts);
}

export function hasText(key: string): boolean {
  return i18n.has(key);
}

export function setLocale(next: Locale): void {
  i18n.setLocale(next);
}

/** Takes the language of the worker's account, or gives it the one just chosen here. */
export function settle(session: SignedIn, client: Posts): Promise<void> {
  return settleLocale(i18n, client, session);
}
