import { Page, i18n } from "@shared/react/page";
import { ApiClient } from "@shared/api/client";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import type { Role, Session, Site } from "@shared/api/types";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { aLayout, anAlarm, aUnit } from "../model/builders";
import { siteFrame } from "../model/frame";
import { Stock } from "../model/stock";
import { takeMessage, useSite } from "../state/site";
import { useView } from "../state/view";
import { AlarmDetail } from "./alarm_detail";
import { AlarmsPanel } from "./alarms_panel";
import { FreezeBanner } from "./freeze_banner";
import LabelDialog from "./label_dialog";
import { NoSite } from "./no_site";
import { SearchBox } from "./search_box";
import { StockPanel } from "./stock_panel";
import { UnitDetailPanel } from "./unit_detail";

const FREEZE = anAlarm({ alarm_id: "alarm-9", grade: "freeze" });

function sessionOf(...roles: Role[]): Session {
  return {
    person: { person_id: "p", username: "operator-a", display_name: "operator-a", roles, locale: "en" },
    party: { party_id: "keeper-a", kind: "keeper", name: "Keeper A" },
    csrf_token: "t",
    expires_at: "2026-11-23T12:00:00Z",
    sites: [],
  };
}

beforeEach(() => {
  window.__tallyhouse = { framesDrawn: 0, lastAlarmAt: null, bannersShown: [], rackTriangles: 0, units: 0, posesReceived: 0 };
  const frame = siteFrame(aLayout());
  useSite.setState({ frame, stock: new Stock(frame), stockVersion: 1, alarms: [], session: sessionOf("operator") });
  useView.setState({ mode: "evidence", faded: new Set(), selection: null });
  i18n.setLocale("en");
});

afterEach(cleanup);

test("a freeze alarm puts up the banner at once, and the page's probe notes it", async () => {
  render(<Page><FreezeBanner /></Page>);
  expect(screen.queryByTestId("alarm-banner")).toBeNull();
  takeMessage({ type: "alarm", cursor: "1", alarm: FREEZE });
  expect(await screen.findByTestId("alarm-banner")).toBeTruthy();
  expect(screen.getByText("Facility frozen")).toBeTruthy();
  expect(window.__tallyhouse.bannersShown).toEqual(["alarm-9"]);
  expect(window.__tallyhouse.lastAlarmAt).not.toBeNull();
});

test("an alarm of a milder grade puts up no banner", () => {
  useSite.setState({ alarms: [anAlarm({ grade: "restrict" })] });
  render(<Page><FreezeBanner /></Page>);
  expect(screen.queryByTestId("alarm-banner")).toBeNull();
});

test("acknowledging takes the banner down; the alarm stays in the list with the name", async () => {
  const taken = { ...FREEZE, acknowledged_at: "2026-11-23T06:00:00Z", acknowledged_by_name: "Operator A" };
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue(taken);
  useSite.setState({ alarms: [FREEZE] });
  render(<Page><FreezeBanner /><AlarmsPanel /></Page>);
  fireEvent.click(screen.getAllByText("Acknowledge")[0]!);
  await waitFor(() => expect(screen.queryByTestId("alarm-banner")).toBeNull());
  expect(post).toHaveBeenCalledWith("/alarms/alarm-9/acknowledge");
  expect(screen.getByText("Acknowledged by Operator A")).toBeTruthy();
});

test("an alarm tells in words what was seen, why it has its grade, and how the barrier stands", () => {
  const seen = { device_id: "gate-1-reader", modality: "tag", at: "2026-11-23T05:58:30Z" } as const;
  const alarm = anAlarm({
    alarm_id: "alarm-9",
    grade: "freeze",
    facts: { gate_id: "gate-1", plate: "TEST-0002", reasons: ["tags_out", "vehicle_heavier", "of_a_newer_server"], taken_g: 2_320_000, expected_g: 2_316_000 },
    evidence: [
      { ...seen, observation_id: "o1", summary: "3174257BF4499602D2000000 out" },
      { ...seen, observation_id: "o2", summary: "3174257BF4499602D2000000 out" },
      { ...seen, observation_id: "o3", device_id: "weighbridge-1", modality: "mass", summary: "10660 kg out" },
    ],
  });
  useSite.setState({ alarms: [alarm], barriers: new Map([["gate-1", { gate_id: "gate-1", device_id: "b", is_open: false, at: seen.at }]]) });
  render(<Page><AlarmDetail alarmId="alarm-9" /></Page>);
  expect(screen.getByText("Goods that nobody released were seen moving out at gate-1.")).toBeTruthy();
  expect(screen.getByText(/Barrier shut/)).toBeTruthy();
  expect(screen.getByText("2,320 kg")).toBeTruthy();
  expect([...document.querySelectorAll(".reasons li")].map((row) => row.textContent)).toHaveLength(2);
  expect([...document.querySelectorAll(".timeline li span")].map((row) => row.textContent)).toEqual([
    "Pallet 1 0614141 234567890 8 was heard moving out",
    "The vehicle weighed 10,660 kg on the way out",
  ]);
  expect(screen.getByText(/2 readings/)).toBeTruthy();
  expect(screen.getByText("23/11/2026, 13:59 UTC+8")).toBeTruthy();
});

test("a person of the bank reads alarms but cannot take them", () => {
  useSite.setState({ alarms: [FREEZE], session: sessionOf("officer") });
  render(<Page><FreezeBanner /></Page>);
  expect(screen.getByTestId("alarm-banner")).toBeTruthy();
  expect(screen.queryByText("Acknowledge")).toBeNull();
});

test("who of the keeper took an alarm is not told to the bank", () => {
  const taken = { ...FREEZE, acknowledged_at: "2026-11-23T06:00:00Z" };
  useSite.setState({ alarms: [taken], session: sessionOf("officer") });
  render(<Page><AlarmsPanel /></Page>);
  expect(screen.getByText("Acknowledged by the keeper")).toBeTruthy();
});

test("the banner speaks Chinese after a switch of language", async () => {
  useSite.setState({ alarms: [FREEZE] });
  render(<Page><FreezeBanner /></Page>);
  i18n.setLocale("zh");
  expect(await screen.findByText("授信已冻结")).toBeTruthy();
});

test("the card of a pallet that left says so, and when each kind of sensor last saw it", async () => {
  const unit = aUnit({ place: "left", slot_id: null, evidence: "seen", modalities: [] });
  const row = { observation_id: "o1", device_id: "gate-1-reader", kind: "tag_read", at: "2026-11-23T05:30:00Z", text_key: "sighting.tag_read", facts: {} };
  vi.spyOn(ApiClient.prototype, "get").mockResolvedValue({ ...unit, owner: "owner-a", claims: [], sightings: [row], hold: null, receipt_id: null, expected_mass_g: null });
  useSite.getState().stock!.put([unit]);
  useSite.setState({ site: { site_id: "site-1" } as Site });
  render(<Page><UnitDetailPanel unitId={unit.unit_id} /></Page>);
  const cells = await vi.waitFor(() => {
    const found = [...document.querySelectorAll(".modality-row li")];
    expect(found).toHaveLength(4);
    return found;
  });
  expect(cells[0]!.querySelector("time")!.dateTime).toBe(row.at);
  expect(cells[0]!.textContent).toContain("no longer counts");
  expect(cells.slice(1).map((cell) => cell.querySelector("small")!.textContent)).toEqual(["never", "never", "never"]);
  expect([...document.querySelectorAll(".detail-tags .th-tag")].map((tag) => tag.textContent)).toEqual(["Left the site"]);
});

test("the summary counts claimed, seen and verified; a click on a kind shows it alone", () => {
  const { stock } = useSite.getState();
  stock!.put([aUnit(), aUnit({ unit_id: "u2", slot_id: "A01-02-1", evidence: "seen" }), aUnit({ unit_id: "u3", slot_id: "A01-03-1", evidence: "claimed" })]);
  render(<Page><StockPanel /></Page>);
  const figures = [...document.querySelectorAll(".figures dd")].map((cell) => cell.textContent);
  expect(figures).toEqual(["3", "2", "1"]);
  fireEvent.click(screen.getByText("Claimed only"));
  expect([...useView.getState().faded].sort()).toEqual(["missing", "seen", "verified"]);
  fireEvent.click(screen.getByText("Claimed only"));
  expect(useView.getState().faded.size).toBe(0);
});

test("a search selects the pallet on Enter", () => {
  useSite.getState().stock!.put([aUnit({ unit_id: "u2", slot_id: "A01-02-1" })]);
  render(<Page><SearchBox /></Page>);
  const input = screen.getByRole("combobox");
  fireEvent.focus(input);
  fireEvent.change(input, { target: { value: "A01-02-1" } });
  expect(screen.getByRole("listbox")).toBeTruthy();
  fireEvent.keyDown(input, { key: "Enter" });
  expect(useView.getState().selection).toEqual({ kind: "unit", id: "u2" });
});


test("a bank without a pledge reads when it comes to see a site, and where its work is", () => {
  const officer = { ...sessionOf("officer"), party: { party_id: "bank-a", kind: "bank", name: "Bank A" } } as Session;
  render(<Page><NoSite session={officer} /></Page>);
  expect(screen.getByText(/once stock there is pledged to it/)).toBeTruthy();
  expect(screen.getByRole("link").getAttribute("href")).toBe("/bank/");
});

test("a keeper without a site is not sent to the bank's pages", () => {
  render(<Page><NoSite session={sessionOf("keeper")} /></Page>);
  expect(screen.queryByRole("link")).toBeNull();
});

test("a pallet's label is printed on the site's printer, and a copy says that it is one", async () => {
  const unit = aUnit();
  useSite.setState({ site: { site_id: "site-1", name_en: "Site one", name_zh: "一号库" } });
  const printer = { device_id: "printer-1", family: "zpl_printer", retired_at: null };
  vi.spyOn(ApiClient.prototype, "list").mockResolvedValue([printer] as never);
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue({ command_id: "c", is_copy: true } as never);
  render(<Page><LabelDialog unit={unit} onClose={() => undefined} /></Page>);
  fireEvent.change(await screen.findByLabelText(/A further label/), { target: { value: "torn" } });
  fireEvent.click(screen.getByRole("button", { name: "Print a label" }));
  await screen.findByText(/this one says COPY/);
  expect(post).toHaveBeenCalledWith(`/units/${unit.unit_id}/label`, { device_id: "printer-1", reason: "torn" });
});
