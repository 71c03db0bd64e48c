import type { Session, Site } from "@shared/api/types";
import { formatTime, formatZone } from "@shared/i18n/format";
import { BANK_ROLES, Bar, Brand, LanguageSwitch, PageLinks, PersonMenu, ThemeSwitch } from "@shared/react/bar";
import { useWords } from "@shared/react/page";
import { Icon, Mark, useNow } from "@shared/react/parts";
import type { MarkName } from "@shared/icons";
import type { LinkState } from "../state/live";
import { useHasRole, usePlace } from "../state/place";
import { useSite } from "../state/site";
import { useView } from "../state/view";
import { SearchBox } from "./search_box";

export function TopBar({ session }: { session: Session }) {
  const { t } = useWords();
  const isReady = useSite((state) => state.frame !== null);
  const setView = useView((view) => view.set);
  const place = usePlace();
  const mayLend = useHasRole(BANK_ROLES);
  return (
    <Bar>
      <h1 className="th-hidden">{t("common.viewer")}</h1>
      <Brand href="/viewer/" />
      <PageLinks session={session} here={place === "site" ? "viewer" : place} />
      <SitePicker sites={session.sites} />
      <span className="th-bar-gap" />
      {isReady && <SearchBox />}
      <span className="th-bar-gap" />
      {isReady && <LinkBadge />}
      <span className="bar-tools">
        <LanguageSwitch isSignedIn />
        <ThemeSwitch />
        <button
          type="button"
          className="th-button"
          data-kind="icon"
          aria-label={t("viewer.help")}
          title={t("viewer.help")}
          onClick={() => setView({ isHelpOpen: true })}
        >
          <Icon name="help" />
        </button>
      </span>
      <PersonMenu session={session} links={mayLend ? [{ href: "/bank/", text: t("common.bank") }] : []} />
    </Bar>
  );
}

function SitePicker({ sites }: { sites: Site[] }) {
  const { t, locale } = useWords();
  const here = useSite((state) => state.site);
  const nameOf = (site: Site) => (locale === "zh" ? site.name_zh : site.name_en);
  if (!here) return null;
  if (sites.length === 1) return <span className="site-name">{nameOf(here)}</span>;
  return (
    <select
      className="site-name"
      aria-label={t("viewer.site")}
      value={here.site_id}
      onChange={(event) => window.location.assign(`/viewer/?site=${encodeURIComponent(event.target.value)}`)}
    >
      {sites.map((site) => (
        <option key={site.site_id} value={site.site_id}>
          {nameOf(site)}
        </option>
      ))}
    </select>
  );
}

const LINK_MARK: Record<LinkState, { mark: MarkName; color: `--${string}` }> = {
  live: { mark: "dot", color: "--good" },
  quiet: { mark: "ring", color: "--grade-check" },
  connecting: { mark: "ring", color: "--grade-note" },
  reconnecting: { mark: "triangle", color: "--grade-restrict" },
};

/** Whether what is shown is live, and the server's time: a stopped clock would be a stopped picture. */
function LinkBadge() {
  const { t, locale } = useWords();
  const link = useSite((state) => state.link);
  const offsetMs = useSite((state) => state.clockOffsetMs);
  const zone = useSite((state) => state.frame?.layout.time_zone);
  const now = useNow(1000);
  const serverMs = now + offsetMs;
  const look = LINK_MARK[link];
  return (
    <span className="link-badge" role="status" data-link={link} title={t(`viewer.linkWords.${link}`)}>
      <Mark name={look.mark} color={look.color} />
      {t(`viewer.link.${link}`)}
      <time className="th-faint">
        {formatTime(new Date(serverMs).toISOString(), locale, zone)} {formatZone(serverMs, zone)}
      </time>
    </span>
  );
}
