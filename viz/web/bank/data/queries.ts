/** What the console asks the server for. Every list is asked again while somebody looks at the page. */

import { api, ApiProblem } from "@shared/api/client";
import type {
  Alarm,
  Evidence,
  Facility,
  FacilityDetail,
  LedgerAccount,
  LedgerEntry,
  Loan,
  Lot,
  Receipt,
  Session,
  Site,
} from "@shared/api/types";
import { settleLocale } from "@shared/i18n/account";
import { i18n } from "@shared/react/page";
import {
  type DefaultOptions,
  useMutation,
  type UseMutationResult,
  useQuery,
  useQueryClient,
  type UseQueryResult,
} from "@tanstack/react-query";

/** How often a shown answer is asked again, in milliseconds. A hidden page asks for nothing. */
export const REFRESH_MS = 2_000;

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
  await settleLocale(i18n, api, session);
  return session;
}

export function useSession(): UseQueryResult<Session> {
  return useQuery({ queryKey: ["session"], queryFn: readSession, refetchInterval: false, staleTime: Infinity });
}

export function useFacilities(enabled = true): UseQueryResult<Facility[]> {
  return useQuery({ queryKey: ["facilities"], queryFn: () => api.list<Facility>("/facilities"), enabled });
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

/** Lots of all sites that the person may see, site by site. */
export function useLots(sites: readonly Site[]): UseQueryResult<Lot[]> {
  const ids = sites.map((site) => site.site_id);
  const ask = () => Promise.all(ids.map((id) => api.list<Lot>(`/sites/${encodeURIComponent(id)}/lots`)));
  return useQuery({ queryKey: ["lots", ...ids], queryFn: async () => (await ask()).flat() });
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

export function useAccounts(enabled: boolean): UseQueryResult<LedgerAccount[]> {
  return useQuery({ queryKey: ["accounts"], queryFn: () => api.list<LedgerAccount>("/ledger/accounts"), enabled });
}

export function useEntries(account: string | null, enabled: boolean): UseQueryResult<LedgerEntry[]> {
  const query = { account, limit: ENTRIES_SHOWN_MAX };
  const ask = () => api.get<{ items: LedgerEntry[] }>("/ledger/entries", { query });
  return useQuery({ queryKey: ["entries", account], queryFn: async () => (await ask()).items, enabled });
}

/** One command. When it is done every shown answer is asked again: money, stock and limits move together. */
export function useCommand<Body extends object>(path: string): UseMutationResult<unknown, Error, Body> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Body) => api.post<unknown>(path, body),
    onSettled: () => queries.invalidateQueries(),
  });
}

/** True for an answer that says the thing does not exist for this person. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiProblem && error.status === 404;
}
