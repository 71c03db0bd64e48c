import { ApiClient } from "@shared/api/client";
import type { Alarm, Session } from "@shared/api/types";
import { i18n, Page } from "@shared/react/page";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SessionContext } from "../parts/session";
import { AlarmsPage } from "./alarms_page";

const SESSION = {
  person: { person_id: "p-1", username: "officer-a", display_name: "Officer", roles: ["officer"], locale: "en" },
  party: { party_id: "bank-a", kind: "bank", name: "Bank A" },
  csrf_token: "t",
  expires_at: "2026-11-23T12:00:00Z",
  sites: [{ site_id: "site-a", name_en: "Harbour", name_zh: "港口" }],
} as unknown as Session;

function anAlarm(part: Partial<Alarm>): Alarm {
  return {
    alarm_id: "a-1",
    site_id: "site-a",
    kind: "gate_refused",
    grade: "check",
    state: "active",
    acknowledged_at: null,
    acknowledged_by: null,
    acknowledged_by_name: null,
    raised_at: "2026-11-23T05:00:00Z",
    cleared_at: null,
    clear_reason: null,
    lot_ids: [],
    unit_ids: [],
    gate_id: "gate-1",
    vehicle_id: null,
    point: null,
    text_key: "alarms.x",
    facts: {},
    evidence: [],
    ...part,
  };
}

beforeEach(() => i18n.setLocale("en"));
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

test("alarms that were closed are shown when they are asked for, with when and why, and active ones are not among them", async () => {
  const active = anAlarm({ text_key: "alarms.still_here" });
  const closed = anAlarm({ alarm_id: "a-0", text_key: "alarms.over_now", state: "cleared", cleared_at: "2026-11-22T05:00:00Z", clear_reason: "Counted, all there" });
  vi.spyOn(ApiClient.prototype, "list").mockImplementation((path: string) => Promise.resolve((path.endsWith("/alarms") ? [active] : []) as never));
  const get = vi.spyOn(ApiClient.prototype, "get").mockResolvedValue({ items: [active, closed], next_cursor: null } as never);
  render(
    <Page>
      <QueryClientProvider client={new QueryClient()}>
        <SessionContext value={SESSION}>
          <AlarmsPage />
        </SessionContext>
      </QueryClientProvider>
    </Page>,
  );
  await screen.findByText("still here");
  expect(get).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole("button", { name: "Show them" }));
  await screen.findByText("over now");
  screen.getByText("Counted, all there");
  expect(screen.getAllByText("still here")).toHaveLength(1);
});
