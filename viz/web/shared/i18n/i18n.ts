/**
 * Texts in Chinese and English, without a framework, so that every page can use them.
 *
 * A text is found by a dotted key. `{field}` is replaced by the fact of that name. A text that depends on a
 * number is an object with `one` and `other`, chosen by the fact `count` and the language's plural rules.
 */
import type { Facts, Locale } from "../api/types";

export type Texts = { [key: string]: string | Texts };
export type Translate = (key: string, facts?: Facts) => string;

const STORE_KEY = "tallyhouse.locale";
/** In this tab only: a language was chosen that no account has been told of. */
const CHOICE_KEY = "tallyhouse.locale.chosen";

/** The language this machine was last used in, else the browser's, Chinese or English. */
export function initialLocale(): Locale {
  const stored = window.localStorage.getItem(STORE_KEY);
  if (stored === "zh" || stored === "en") return stored;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function find(texts: Texts, key: string): string | Texts | undefined {
  let at: string | Texts | undefined = texts;
  for (const step of key.split(".")) at = typeof at === "object" ? at[step] : undefined;
  return at;
}

function pick(found: string | Texts | undefined, facts: Facts, locale: Locale): string | undefined {
  if (typeof found !== "object") return found;
  const rule = new Intl.PluralRules(locale).select(Number(facts["count"] ?? 0));
  const text = found[rule] ?? found["other"];
  return typeof text === "string" ? text : undefined;
}

function factText(value: unknown, locale: Locale): string {
  if (typeof value === "number") return value.toLocaleString(locale === "zh" ? "zh-CN" : "en-GB");
  if (Array.isArray(value)) return value.map((item) => factText(item, locale)).join(locale === "zh" ? "、" : ", ");
  return value === null || value === undefined ? "–" : String(value);
}

/** One page's texts: its language now, and who wants to know when it changes. */
export class I18n {
  private readonly listeners = new Set<() => void>();
  private isChosen = window.sessionStorage.getItem(CHOICE_KEY) !== null;

  constructor(
    private readonly texts: Record<Locale, Texts>,
    private current: Locale = initialLocale(),
  ) {
    document.documentElement.lang = current;
  }

  get locale(): Locale {
    return this.current;
  }

  /** True once the person has chosen a language on this page, or on one before it that knew no account. */
  get hasChoice(): boolean {
    return this.isChosen;
  }

  /** The person chooses: changes the language at once and remembers it on this machine. */
  setLocale(locale: Locale): void {
    this.isChosen = true;
    window.sessionStorage.setItem(CHOICE_KEY, locale);
    this.follow(locale);
  }

  /** An account has the language of this page now: whoever signs in next brings one of their own. */
  choiceTold(): void {
    window.sessionStorage.removeItem(CHOICE_KEY);
  }

  /** Changes the language without a choice of the person, who may still choose. */
  follow(locale: Locale): void {
    if (locale === this.current) return;
    this.current = locale;
    window.localStorage.setItem(STORE_KEY, locale);
    document.documentElement.lang = locale;
    for (const listener of this.listeners) listener();
  }

  /** Calls `listener` after each change of language; returns a function that stops it. */
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  has(key: string): boolean {
    return find(this.texts[this.current], key) !== undefined;
  }

  /** The text of a key. An unknown key shows as itself, so that nothing is ever blank. */
  t: Translate = (key, facts = {}) => {
    const text = pick(find(this.texts[this.current], key), facts, this.current);
    if (text === undefined) return key;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
      name in facts ? factText(facts[name], this.current) : whole,
    );
  };
}
