/** What the console asks the server for. Every list is asked again while somebody looks at the page. */

import { api, ApiProblem } from "@shared/api/client";
import type {
  Alarm,
  Device,
  Evidence,
  Facility,
  FacilityDetail,
  LedgerAccount,
  LedgerEntry,
  ListOf,
  Loan,
  Lot,
  Party,
  Price,
  Receipt,
  Session,
  Site,
  SiteName,
  Sku,
  Tare,
  Unit,
} from "@shared/api/types";
import { settleLocale } from "@shared/i18n/account";
import { i18n } from "@shared/react/page";
import {
  type DefaultOptions,
  useMutation,
  useQueries,
  type UseMutationResult,
  useQuery,
  useQueryClient,
  type UseQueryResult,
} from "@tanstack/react-query";

/** How often a shown answer is asked again, in milliseconds. A hidden page asks for nothing. */
export const REFRESH_MS = 2_000;

/** How long the catalogue of items is good for, in milliseconds. */
const CATALOGUE_STALE_MS = 300_000;

/** Ledger entries shown at most, newest first; the export of the server has all. */
export const ENTRIES_SHOWN_MAX = 500;

export const QUERY_DEFAULTS: DefaultOptions = {
  queries: {
    refetchInterval: REFRESH_MS,
    refetchIntervalInBackground: false,
    // The client tries again by itself where that helps; a refusal stays one.
    retry: false,
    staleTime: REFRESH_MS / 2,
  },
};

async function readSession(): Promise<Session> {
  const session = await api.session();
  // The page has its language at once; to tell the account is nothing that the person waits for.
  void settleLocale(i18n, api, session);
  return session;
}

export function useSession(): UseQueryResult<Session> {
  return useQuery({ queryKey: ["session"], queryFn: readSession, refetchInterval: false, staleTime: Infinity });
}

export function useFacilities(enabled = true): UseQueryResult<Facility[]> {
  return useQuery({ queryKey: ["facilities"], queryFn: () => api.list<Facility>("/facilities"), enabled });
}

/** The sites whose devices the bank was invited to look at. */
export function useInspectedSites(enabled = true): UseQueryResult<SiteName[]> {
  return useQuery({ queryKey: ["inspected-sites"], queryFn: () => api.list<SiteName>("/inspected-sites"), enabled });
}

/** The owners of goods that a bank may lend to. */
export function useOwners(): UseQueryResult<Party[]> {
  return useQuery({ queryKey: ["owners"], queryFn: () => api.list<Party>("/owners"), refetchInterval: false });
}

export function useFacility(facilityId: string): UseQueryResult<FacilityDetail> {
  const path = `/facilities/${encodeURIComponent(facilityId)}`;
  return useQuery({ queryKey: ["facility", facilityId], queryFn: () => api.get<FacilityDetail>(path) });
}

export function useLoans(): UseQueryResult<Loan[]> {
  return useQuery({ queryKey: ["loans"], queryFn: () => api.list<Loan>("/loans") });
}

export function useReceipts(): UseQueryResult<Receipt[]> {
  return useQuery({ queryKey: ["receipts"], queryFn: () => api.list<Receipt>("/receipts") });
}

export function useReceipt(receiptId: string): UseQueryResult<Receipt> {
  const path = `/receipts/${encodeURIComponent(receiptId)}`;
  return useQuery({ queryKey: ["receipt", receiptId], queryFn: () => api.get<Receipt>(path) });
}

/** A lot, and where it lies. */
export type LotAtSite = Lot & { site_id: string };

/** Lots of all sites that the person may see, site by site. */
export function useLots(sites: readonly Site[]): UseQueryResult<LotAtSite[]> {
  const ids = sites.map((site) => site.site_id);
  const at = async (site_id: string) => {
    const lots = await api.list<Lot>(`/sites/${encodeURIComponent(site_id)}/lots`);
    return lots.map((lot) => ({ ...lot, site_id }));
  };
  return useQuery({ queryKey: ["lots", ...ids], queryFn: async () => (await Promise.all(ids.map(at))).flat() });
}

/** Lots that sensors vouch for before those that are a claim, each by their code. */
export function seenFirst(lots: readonly LotAtSite[]): LotAtSite[] {
  const isClaim = (lot: Lot) => Number(lot.verified.low === 0);
  return [...lots].sort((a, b) => isClaim(a) - isClaim(b) || a.code.localeCompare(b.code));
}

/** The pallets of a lot: where each was last seen, and whether it may be moved. */
export function useUnits(siteId: string | undefined, lotId: string): UseQueryResult<Unit[]> {
  const path = `/sites/${encodeURIComponent(siteId ?? "")}/units`;
  const ask = () => api.list<Unit>(path, { query: { lot: lotId } });
  return useQuery({ queryKey: ["units", lotId], queryFn: ask, enabled: siteId !== undefined });
}

/** The catalogue of items. Names hardly ever change, so it is asked once in a while. */
export function useSkus(enabled = true): UseQueryResult<Sku[]> {
  const ask = () => api.list<Sku>("/skus");
  return useQuery({ queryKey: ["skus"], queryFn: ask, enabled, refetchInterval: false, staleTime: CATALOGUE_STALE_MS });
}

export function usePrices(enabled = true): UseQueryResult<Price[]> {
  return useQuery({ queryKey: ["prices"], queryFn: () => api.list<Price>("/prices"), enabled });
}

/** The devices of a site that invited the bank. */
export function useDevices(siteId: string): UseQueryResult<Device[]> {
  const path = `/sites/${encodeURIComponent(siteId)}/devices`;
  return useQuery({ queryKey: ["devices", siteId], queryFn: () => api.list<Device>(path) });
}

/** What vehicles of the site were said to weigh empty. */
export function useTares(siteId: string): UseQueryResult<Tare[]> {
  return useQuery({ queryKey: ["tares", siteId], queryFn: () => taresOf(siteId) });
}

function taresOf(siteId: string): Promise<Tare[]> {
  return api.list<Tare>(`/sites/${encodeURIComponent(siteId)}/tares`);
}

/** Whether a stated empty mass waits for the answer of whoever looks. */
export function waitsForOurAnswer(tare: Tare): boolean {
  return tare.ended_at === null && !tare.answers.some((one) => one.is_own);
}

/** How many stated empty masses wait for an answer at these sites. */
export function useTaresWaiting(siteIds: readonly string[]): number {
  const queries = useQueries({ queries: siteIds.map((siteId) => ({ queryKey: ["tares", siteId], queryFn: () => taresOf(siteId) })) });
  return queries.flatMap((query) => query.data ?? []).filter(waitsForOurAnswer).length;
}

/** Whether the device waits for the acceptance of whoever looks, be it accepted by others or not. */
export function waitsForUs(device: Device): boolean {
  return device.retired_at === null && device.acceptance !== "not_needed" && !device.acceptances.some((one) => one.is_own);
}

/** How many devices wait for acceptance at these sites. */
export function useDevicesWaiting(siteIds: readonly string[]): number {
  const queries = useQueries({
    queries: siteIds.map((siteId) => ({
      queryKey: ["devices", siteId],
      queryFn: () => api.list<Device>(`/sites/${encodeURIComponent(siteId)}/devices`),
    })),
  });
  const devices = queries.flatMap((query) => query.data ?? []);
  return devices.filter(waitsForUs).length;
}

export function useEvidence(lotId: string | null): UseQueryResult<Evidence> {
  const path = `/evidence/${encodeURIComponent(lotId ?? "")}`;
  return useQuery({ queryKey: ["evidence", lotId], queryFn: () => api.get<Evidence>(path), enabled: lotId !== null });
}

/** Active alarms of all sites that the person may see, newest first. */
export function useAlarms(sites: readonly Site[]): UseQueryResult<Alarm[]> {
  const ids = sites.map((site) => site.site_id);
  const query = { state: "active" };
  const ask = () => Promise.all(ids.map((id) => api.list<Alarm>(`/sites/${encodeURIComponent(id)}/alarms`, { query })));
  const newest = (a: Alarm, b: Alarm) => b.raised_at.localeCompare(a.raised_at);
  return useQuery({ queryKey: ["alarms", ...ids], queryFn: async () => (await ask()).flat().sort(newest) });
}

/** Alarms of a site that are asked for when what is closed is looked at; the newest, open ones among them. */
const ALARMS_ASKED_MAX = 500;

/** The newest alarms that are closed, of all sites that the person may see, the one that was closed last first. */
export function useClosedAlarms(sites: readonly Site[], enabled: boolean): UseQueryResult<Alarm[]> {
  const ids = sites.map((site) => site.site_id);
  const query = { limit: ALARMS_ASKED_MAX };
  const ask = () => Promise.all(ids.map((id) => api.get<ListOf<Alarm>>(`/sites/${encodeURIComponent(id)}/alarms`, { query })));
  const closed = (answers: ListOf<Alarm>[]) => answers.flatMap((answer) => answer.items).filter((alarm) => alarm.cleared_at !== null);
  const newest = (a: Alarm, b: Alarm) => (b.cleared_at ?? "").localeCompare(a.cleared_at ?? "");
  return useQuery({ queryKey: ["closed-alarms", ...ids], queryFn: async () => closed(await ask()).sort(newest), enabled });
}

export function useAccounts(enabled: boolean): UseQueryResult<LedgerAccount[]> {
  return useQuery({ queryKey: ["accounts"], queryFn: () => api.list<LedgerAccount>("/ledger/accounts"), enabled });
}

export function useEntries(account: string | null, enabled: boolean): UseQueryResult<LedgerEntry[]> {
  const query = { account, limit: ENTRIES_SHOWN_MAX };
  const ask = () => api.get<{ items: LedgerEntry[] }>("/ledger/entries", { query });
  return useQuery({ queryKey: ["entries", account], queryFn: async () => (await ask()).items, enabled });
}

/** One command. When it is done every shown answer is asked again: money, stock and limits move together. */
export function useCommand<Body extends object, Reply = unknown>(path: string): UseMutationResult<Reply, Error, Body> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Body) => api.post<Reply>(path, body),
    onSettled: () => queries.invalidateQueries(),
  });
}

/** True for an answer that says the thing does not exist for this person. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiProblem && error.status === 404;
}
