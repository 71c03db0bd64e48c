/** What every React page stands in: texts, theme, the component library dressed in our tokens. */
import { ConfigProvider } from "antd";
import enGB from "antd/locale/en_GB";
import zhCN from "antd/locale/zh_CN";
import { createContext, useContext, useMemo, useSyncExternalStore, type ReactNode } from "react";
import type { Locale } from "../api/types";
import { I18n, type Translate } from "../i18n/i18n";
import en from "../locales/en.json";
import zh from "../locales/zh.json";
import { antdTheme } from "../theme/antd";
import { currentTheme, onThemeChange, startTheme, type Theme } from "../theme/theme";

/** The texts of this page, for code outside React (labels in the 3D scene). */
export const i18n = new I18n({ en, zh });

export interface Words {
  t: Translate;
  locale: Locale;
}

const WordsContext = createContext<Words>({ t: i18n.t, locale: i18n.locale });

/** Texts and language; the component draws again when the language changes. */
export function useWords(): Words {
  return useContext(WordsContext);
}

/** The theme in force; the component draws again when it changes. */
export function useTheme(): Theme {
  return useSyncExternalStore(onThemeChange, currentTheme);
}

startTheme();

export function Page({ children }: { children: ReactNode }) {
  const locale = useSyncExternalStore(i18n.subscribe, () => i18n.locale);
  const theme = useTheme();
  const words = useMemo(() => ({ t: i18n.t.bind(i18n), locale }), [locale]);
  const dress = useMemo(() => antdTheme(theme), [theme]);
  return (
    <WordsContext value={words}>
      <ConfigProvider theme={dress} locale={locale === "zh" ? zhCN : enGB} button={{ autoInsertSpace: false }}>
        {children}
      </ConfigProvider>
    </WordsContext>
  );
}
