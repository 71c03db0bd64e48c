/** The state of the site as the server tells it, held once for the panels and the scene. */
import { api } from "@shared/api/client";
import { settleLocale } from "@shared/i18n/account";
import { i18n } from "@shared/react/page";
import type {
  Activity,
  Alarm,
  Asset,
  BarrierView,
  Grade,
  Layout,
  Lot,
  Scene,
  Session,
  Site,
  StreamMessage,
  VehicleView,
  WeighbridgeView,
} from "@shared/api/types";
import { create } from "zustand";
import { siteFrame, type SiteFrame } from "../model/frame";
import { Stock } from "../model/stock";
import type { LinkState, Resume } from "./live";

/** Rows of activity kept on the page; older ones are on the server. */
export const ACTIVITY_MAX = 200;
/** Alarms kept on the page; active ones are never dropped to make room. */
export const ALARMS_MAX = 500;

export interface SiteState {
  session: Session | null;
  site: Site | null;
  frame: SiteFrame | null;
  stock: Stock | null;
  /** What people call each lot, and whose goods it is. */
  lots: ReadonlyMap<string, Pick<Lot, "code" | "owner_name">>;
  /** Grows with each change of the stock, which is changed in place. */
  stockVersion: number;
  revision: number;
  assets: ReadonlyMap<string, Asset>;
  barriers: ReadonlyMap<string, BarrierView>;
  weighbridges: ReadonlyMap<string, WeighbridgeView>;
  vehicles: ReadonlyMap<string, VehicleView>;
  alarms: readonly Alarm[];
  alarmCursor: string | null;
  activity: readonly Activity[];
  link: LinkState;
  /** The server's clock less this machine's, in milliseconds. */
  clockOffsetMs: number;
  /** Frames of the stream that could not be read. */
  badFrames: number;
  failure: unknown;
}

export const useSite = create<SiteState>(() => ({
  session: null,
  site: null,
  frame: null,
  stock: null,
  lots: new Map(),
  stockVersion: 0,
  revision: 0,
  assets: new Map(),
  barriers: new Map(),
  weighbridges: new Map(),
  vehicles: new Map(),
  alarms: [],
  alarmCursor: null,
  activity: [],
  link: "connecting",
  clockOffsetMs: 0,
  badFrames: 0,
  failure: null,
}));

const { getState: get, setState: set } = useSite;

/** The present moment by the server's clock, in milliseconds. */
export function serverNow(): number {
  return Date.now() + get().clockOffsetMs;
}

const GRADE_RANK: Record<Grade, number> = { freeze: 3, restrict: 2, check: 1, note: 0 };

/** Active before cleared, unacknowledged before acknowledged, worse before milder, newer before older. */
export function alarmOrder(a: Alarm, b: Alarm): number {
  const open = (alarm: Alarm) => (alarm.state === "active" ? (alarm.acknowledged_at === null ? 2 : 1) : 0);
  return (
    open(b) - open(a) || GRADE_RANK[b.grade] - GRADE_RANK[a.grade] || Date.parse(b.raised_at) - Date.parse(a.raised_at)
  );
}

/** Takes the newest state of some alarms into a list. */
export function mergeAlarms(known: readonly Alarm[], newer: readonly Alarm[]): Alarm[] {
  const byId = new Map(known.map((alarm) => [alarm.alarm_id, alarm]));
  for (const alarm of newer) byId.set(alarm.alarm_id, alarm);
  return [...byId.values()].sort(alarmOrder).slice(0, ALARMS_MAX);
}

/** Newest first, each cursor once. */
export function mergeActivity(known: readonly Activity[], newer: readonly Activity[]): Activity[] {
  const byCursor = new Map([...known, ...newer].map((row) => [row.cursor, row]));
  return [...byCursor.values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, ACTIVITY_MAX);
}

function byKey<T>(rows: readonly T[], key: (row: T) => string): ReadonlyMap<string, T> {
  return new Map(rows.map((row) => [key(row), row]));
}

function takeScene(scene: Scene): void {
  const { stock, stockVersion } = get();
  stock?.replace(scene.units);
  set({
    revision: scene.revision,
    stockVersion: stockVersion + 1,
    assets: byKey(scene.assets, (asset) => asset.asset_id),
    barriers: byKey(scene.barriers, (barrier) => barrier.gate_id),
    weighbridges: byKey(scene.weighbridges, (bridge) => bridge.weighbridge_id),
    vehicles: byKey(scene.vehicles, (vehicle) => vehicle.vehicle_id),
  });
}

function place(siteId: string): string {
  return `/sites/${encodeURIComponent(siteId)}`;
}

async function readLots(siteId: string): Promise<void> {
  const lots = await api.list<Lot>(`${place(siteId)}/lots`);
  set({ lots: byKey(lots, (lot) => lot.lot_id) });
}

/** Lots that were asked for already: one that the person may not see is not asked for with every change. */
const askedLots = new Set<string>();

/** Reads the lots again when units of a lot come that nobody has named yet. A failure leaves the id to be shown. */
function nameNewLots(units: readonly { lot_id: string }[]): void {
  const { lots, site } = get();
  const unnamed = units.map((unit) => unit.lot_id).filter((id) => !lots.has(id) && !askedLots.has(id));
  if (unnamed.length === 0 || site === null) return;
  for (const id of unnamed) askedLots.add(id);
  readLots(site.site_id).catch(() => unnamed.forEach((id) => askedLots.delete(id)));
}

/** Reads what changes while the line is down: the scene, the open alarms, the newest activity. */
async function readNow(siteId: string): Promise<void> {
  const [scene, alarms, activity] = await Promise.all([
    api.get<Scene>(`${place(siteId)}/scene`),
    api.list<Alarm>(`${place(siteId)}/alarms`, { query: { state: "active" } }),
    api.get<{ items: Activity[] }>(`${place(siteId)}/activity`, { query: { limit: 60 } }),
    readLots(siteId),
  ]);
  takeScene(scene);
  const gone = get().alarms.filter((alarm) => alarm.state === "cleared");
  set({ alarms: mergeAlarms(gone, alarms), activity: mergeActivity(get().activity, activity.items) });
}

/** Signs in from the cookie, picks the site, and reads it. Raises what the API raises. */
export async function openSite(wantedSiteId: string | null): Promise<Resume> {
  const session = get().session ?? (await api.session());
  // The page has its language at once; to tell the account is nothing that the person waits for.
  void settleLocale(i18n, api, session);
  const site = session.sites.find((item) => item.site_id === wantedSiteId) ?? session.sites[0] ?? null;
  set({ session, site });
  if (site === null) return { revision: 0, alarmsAfter: null };
  const layout = await api.get<Layout>(`${place(site.site_id)}/layout`);
  const frame = siteFrame(layout);
  set({ frame, stock: new Stock(frame) });
  await readNow(site.site_id);
  return { revision: get().revision, alarmsAfter: get().alarmCursor };
}

/** Reads the open site anew after the line broke. */
export async function rereadSite(): Promise<Resume> {
  const { site } = get();
  if (site !== null) await readNow(site.site_id);
  return { revision: get().revision, alarmsAfter: get().alarmCursor };
}

/** Takes one text frame of the stream. Unknown types are passed over, so that an older page lives with a newer server. */
export function takeMessage(message: StreamMessage): void {
  const state = get();
  switch (message.type) {
    case "hello":
      set({ clockOffsetMs: Date.parse(message.server_time) - Date.now() });
      break;
    case "units":
      state.stock?.put(message.units);
      nameNewLots(message.units);
      set({ stockVersion: state.stockVersion + 1, revision: message.revision });
      break;
    case "assets":
      // Always all of them, so that those which left are forgotten.
      set({ assets: byKey(message.assets, (asset) => asset.asset_id) });
      break;
    case "alarm":
      set({ alarms: mergeAlarms(state.alarms, [message.alarm]), alarmCursor: message.cursor });
      break;
    case "event":
      set({ activity: mergeActivity(state.activity, [{ ...message.event, cursor: message.cursor }]) });
      break;
    case "barrier":
      set({ barriers: new Map(state.barriers).set(message.gate_id, message) });
      break;
    case "weighbridge":
      set({ weighbridges: new Map(state.weighbridges).set(message.weighbridge_id, message) });
      break;
  }
}

/** Says that a person has seen the alarm. */
export async function acknowledge(alarmId: string): Promise<void> {
  const answer = await api.post<Alarm | undefined>(`/alarms/${encodeURIComponent(alarmId)}/acknowledge`);
  if (answer?.alarm_id) set({ alarms: mergeAlarms(get().alarms, [answer]) });
}

/** Closes an alarm with the reason a person gives. */
export async function clearAlarm(alarmId: string, reason: string): Promise<void> {
  const answer = await api.post<Alarm | undefined>(`/alarms/${encodeURIComponent(alarmId)}/clear`, { reason });
  if (answer?.alarm_id) set({ alarms: mergeAlarms(get().alarms, [answer]) });
}
