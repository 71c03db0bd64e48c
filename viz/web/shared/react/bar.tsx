/** The bar at the top of the React pages: brand, pages, language, theme, person. */
import { Dropdown } from "antd";
import type { ReactNode } from "react";
import { api } from "../api/client";
import type { Locale, Role, Session } from "../api/types";
import { chooseTheme } from "../theme/theme";
import { i18n, useTheme, useWords } from "./page";
import { Icon } from "./parts";

/** The house's sign: a roof over a tally of four strokes and the fifth across. */
export function Brand({ href }: { href?: string }) {
  const { t } = useWords();
  return (
    <a className="th-brand" href={href ?? "/"}>
      <BrandSign />
      {t("common.product")}
    </a>
  );
}

export function BrandSign() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="var(--accent)" strokeWidth="2" strokeLinecap="square">
      <path d="M2 10 12 3l10 7" strokeLinejoin="miter" />
      <path d="M6 12v8M10 12v8M14 12v8M18 12v8" stroke="var(--ink)" />
      <path d="M3.5 19.5 20.5 12.5" stroke="var(--selection)" />
    </svg>
  );
}

/** Keepers issue warehouse receipts there. */
export const BANK_ROLES: Role[] = ["officer", "approver", "borrower", "auditor", "keeper"];
const VIEWER_ROLES: Role[] = ["operator", "keeper", "officer", "approver", "borrower", "auditor", "admin"];

/** The viewer's devices: who keeps and runs the site sees them. */
export const DEVICE_ROLES: Role[] = ["operator", "keeper", "admin"];

/** Who enters what comes in and what goes out. */
export const SHIPPING_ROLES: Role[] = ["operator", "keeper"];

/**
 * Links to the pages that the person's roles are admitted to; `here` is the page they are on. Site, shipping and
 * devices are parts of one page, which is not loaded again between them and keeps the site that it shows.
 */
export function PageLinks({ session, here }: { session: Session; here: "viewer" | "shipping" | "devices" | "bank" }) {
  const { t } = useWords();
  const mayUse = (roles: Role[]) => session.person.roles.some((role) => roles.includes(role));
  const viewer = here === "bank" ? "/viewer/" : "";
  return (
    <nav className="th-nav" aria-label={t("common.pages")}>
      {mayUse(VIEWER_ROLES) && (
        <a href={`${viewer}#site`} aria-current={here === "viewer" ? "page" : undefined}>
          {t("common.viewer")}
        </a>
      )}
      {mayUse(SHIPPING_ROLES) && (
        <a href={`${viewer}#shipping`} aria-current={here === "shipping" ? "page" : undefined}>
          {t("common.shipping")}
        </a>
      )}
      {mayUse(DEVICE_ROLES) && (
        <a href={`${viewer}#devices`} aria-current={here === "devices" ? "page" : undefined}>
          {t("common.devices")}
        </a>
      )}
      {mayUse(BANK_ROLES) && (
        <a href="/bank/" aria-current={here === "bank" ? "page" : undefined}>
          {t("common.bank")}
        </a>
      )}
    </nav>
  );
}

/** Changes the language of this page, and of the account when somebody is signed in. */
export async function changeLocale(locale: Locale, isSignedIn: boolean): Promise<void> {
  i18n.setLocale(locale);
  if (isSignedIn) await api.post("/session/locale", { locale });
}

export function LanguageSwitch({ isSignedIn }: { isSignedIn: boolean }) {
  const { t, locale } = useWords();
  const other: Locale = locale === "zh" ? "en" : "zh";
  return (
    <button
      type="button"
      className="th-button"
      data-kind="quiet"
      lang={other}
      title={t("common.switchLanguage")}
      onClick={() => void changeLocale(other, isSignedIn).catch(() => undefined)}
    >
      {other === "zh" ? "中文" : "English"}
    </button>
  );
}

export function ThemeSwitch() {
  const { t } = useWords();
  const theme = useTheme();
  const label = t(theme === "dark" ? "common.toLight" : "common.toDark");
  return (
    <button
      type="button"
      className="th-button"
      data-kind="icon"
      aria-label={label}
      title={label}
      onClick={() => chooseTheme(theme === "dark" ? "light" : "dark")}
    >
      <Icon name={theme === "dark" ? "sun" : "moon"} />
    </button>
  );
}

/** `links` are pages that the bar itself has no room for on narrow screens. */
export function PersonMenu({ session, links = [] }: { session: Session; links?: readonly { href: string; text: string }[] }) {
  const { t } = useWords();
  const leave = () => void api.signOut().finally(() => window.location.assign("/sign-in/"));
  const roles = session.person.roles.map((role) => t(`role.${role}`)).join(" · ");
  return (
    <Dropdown
      trigger={["click"]}
      menu={{
        items: [
          { key: "who", type: "group", label: `${session.party.name} · ${roles}` },
          { type: "divider" },
          ...links.map(({ href, text }) => ({ key: href, className: "th-menu-narrow", label: <a href={href}>{text}</a> })),
          { key: "leave", label: t("common.signOut"), onClick: leave },
        ],
      }}
    >
      <button type="button" className="th-button" data-kind="quiet" aria-label={`${t("common.account")}: ${session.person.display_name}`}>
        <Icon name="person" />
        {session.person.display_name}
      </button>
    </Dropdown>
  );
}

export function Bar({ children }: { children: ReactNode }) {
  return <header className="th-bar">{children}</header>;
}
