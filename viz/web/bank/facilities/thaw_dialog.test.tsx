import { ApiClient } from "@shared/api/client";
import type { FacilityDetail, Session } from "@shared/api/types";
import { i18n, Page } from "@shared/react/page";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, configure, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SessionContext } from "../parts/session";
import { ThawDialog } from "./thaw_dialog";

const SESSION = {
  person: { person_id: "p-1", username: "officer-a", display_name: "Officer", roles: ["officer"], locale: "en" },
  party: { party_id: "bank-a", kind: "bank", name: "Bank A" },
  csrf_token: "t",
  expires_at: "2026-11-23T12:00:00Z",
  sites: [],
} satisfies Session;

const MISSING = [
  { unit_id: "unit-1", sscc: "069012340000000012" },
  { unit_id: "unit-2", sscc: "069012340000000029" },
];

function show(facility: Partial<FacilityDetail>) {
  const sent = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue({} as never);
  const shown = { facility_id: "f-1", receipts: [{}], thaw_evidence: [], missing_units: MISSING, ...facility };
  render(
    <Page>
      <QueryClientProvider client={new QueryClient()}>
        <SessionContext value={SESSION}>
          <ThawDialog facility={shown as unknown as FacilityDetail} onClose={() => undefined} />
        </SessionContext>
      </QueryClientProvider>
    </Page>,
  );
  return sent;
}

function giveReason() {
  fireEvent.change(screen.getByRole("textbox"), { target: { value: "Stolen; the insurer has paid" } });
}

beforeEach(() => {
  configure({ asyncUtilTimeout: 5_000 });
  i18n.setLocale("en");
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

test("pallets that are missing are given up by name, and no others", async () => {
  const sent = show({});
  giveReason();
  fireEvent.click(screen.getByText(/0 6901234 000000002 9/));
  fireEvent.click(screen.getByRole("button", { name: "Propose" }));
  await waitFor(() => expect(sent).toHaveBeenCalled());
  expect(sent.mock.calls[0]?.[1]).toEqual({
    reason: "Stolen; the insurer has paid",
    evidence_ids: [],
    lost_unit_ids: ["unit-2"],
  });
});

test("all that are missing are given up at once, also those beyond what is listed", async () => {
  const many = Array.from({ length: 250 }, (_, index) => ({ unit_id: `unit-${index}`, sscc: "069012340000000012" }));
  const sent = show({ missing_units: many });
  giveReason();
  expect(screen.getByText(/^50 more/)).toBeTruthy();
  fireEvent.click(screen.getByText("All 250 pallets that are missing"));
  fireEvent.click(screen.getByRole("button", { name: "Propose" }));
  await waitFor(() => expect(sent).toHaveBeenCalled());
  expect((sent.mock.calls[0]?.[1] as { lost_unit_ids: string[] }).lost_unit_ids).toHaveLength(250);
});

test("where nothing is missing nothing can be given up", () => {
  show({ missing_units: [] });
  expect(screen.queryByText("Give up as lost")).toBeNull();
});
