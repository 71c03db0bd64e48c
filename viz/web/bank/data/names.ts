/** Names of things in the person's language; a code only where nobody gave a name. */

import type { Facility, Locale, Lot, Session, SiteName, Sku } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { useSignedIn } from "../parts/session";
import { useSkus } from "./queries";
import { borrows } from "./rights";

/** The site's name for whoever may see it, else its code. */
export function siteName(session: Session, siteId: string, locale: Locale): string {
  const site = session.sites.find((known) => known.site_id === siteId);
  return (locale === "zh" ? site?.name_zh : site?.name_en) || siteId;
}

export function useSiteName(): (siteId: string) => string {
  const { locale } = useWords();
  const session = useSignedIn();
  return (siteId) => siteName(session, siteId, locale);
}

export function siteText(site: SiteName, locale: Locale): string {
  return locale === "zh" ? site.name_zh : site.name_en;
}

/** Where the facility's goods are kept, also once its bank holds none there and sees the site no longer. */
export function facilitySite(facility: Facility, locale: Locale): string {
  return locale === "zh" ? facility.site_name_zh : facility.site_name_en;
}

/** The other side of a facility, and this one: a bank sees its borrower, a borrower its bank. */
export function sidesOf(session: Session, facility: Facility): { other: string; own: string } {
  const [bank, borrower] = [facility.bank_name, facility.borrower_name];
  return borrows(session) ? { other: bank, own: borrower } : { other: borrower, own: bank };
}

type Named = Pick<Sku | Lot, "sku" | "name_en" | "name_zh">;

export function itemName(item: Named, locale: Locale): string {
  return (locale === "zh" ? item.name_zh : item.name_en) || item.sku;
}

/** The catalogue by code, and the name of any code in it; null for one that is not. */
export function useItems(): { items: ReadonlyMap<string, Sku>; nameOf: (sku: string) => string | null } {
  const { locale } = useWords();
  const items = new Map((useSkus().data ?? []).map((item) => [item.sku, item]));
  const nameOf = (sku: string) => {
    const item = items.get(sku);
    return item ? itemName(item, locale) : null;
  };
  return { items, nameOf };
}
